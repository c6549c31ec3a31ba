import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from common.reports.page import Page, format_cell

EVIL = "<script>alert('x')</script> & \"quoted\""
# value, text in a table
CELLS = [
    (None, ""),
    (float("nan"), ""),
    (np.float32("nan"), ""),
    (True, "yes"),
    (False, "no"),
    (3, "3"),
    (123456, "123456"),
    (0.123456, "0.1235"),
    (np.float32(0.1), "0.1"),
    (-1024.0, "-1024"),
    (-16989.0, "-16989"),
    (2.5e-7, "2.5e-07"),
    (float("inf"), "inf"),
    ([0.123456, 2.0], "[0.1235, 2]"),
    ((1, None), "[1, ]"),
    ("text", "text"),
]


class Tags(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data.strip())

    def attributes(self, tag, name):
        return [attributes.get(name) for each, attributes in self.tags if each == tag]


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "dot.png"
    path.write_bytes(b"\x89PNG not really")
    return path


@pytest.mark.parametrize(("value", "text"), CELLS)
def test_cells(value, text):
    assert format_cell(value) == text


def test_every_text_is_escaped(picture, tmp_path):
    page = Page(EVIL, subtitle=EVIL, warning=EVIL)
    page.section(EVIL)
    page.text(EVIL, EVIL)
    page.table([{EVIL: EVIL}, {EVIL: [EVIL]}], caption=EVIL)
    page.figure(picture, caption=EVIL)
    parsed = Tags(page.write(tmp_path / "page.html").read_text())
    assert "script" not in [tag for tag, _ in parsed.tags]
    assert parsed.attributes("img", "alt") == [EVIL]  # did not end the attribute
    # title, heading, subtitle, warning, menu, section, two paragraphs, column, cell, captions of table and figure
    assert parsed.texts.count(EVIL) == 12
    assert parsed.texts.count(f"[{EVIL}]") == 1


def test_columns_come_in_the_order_of_the_rows_and_gaps_stay_empty(tmp_path):
    page = Page("t")
    page.table([{"b": 1, "a": 2}, {"a": 3, "c": 4}])
    html = page.write(tmp_path / "page.html").read_text()
    assert re.findall("<th>(.*?)</th>", html) == ["b", "a", "c"]
    assert re.findall("<td>(.*?)</td>", html) == ["1", "2", "", "", "3", "4"]


def test_no_rows_no_table(tmp_path):
    page = Page("t")
    page.table([], caption="nothing")
    assert "nothing" not in page.write(tmp_path / "page.html").read_text()


def test_menu_leads_to_the_sections(tmp_path):
    page = Page("t")
    for title in ("one", "two"):
        page.section(title)
        page.text("words")
    parsed = Tags(page.write(tmp_path / "page.html").read_text())
    targets = [f"#{name}" for name in parsed.attributes("h2", "id")]
    assert parsed.attributes("a", "href") == targets
    assert len(set(targets)) == 2


@pytest.mark.parametrize(
    ("suffix", "media"), [(".png", "image/png"), (".svg", "image/svg+xml"), (".jpg", "image/jpeg")]
)
def test_pictures_lie_inside_the_page(tmp_path, suffix, media):
    path = tmp_path / f"picture{suffix}"
    path.write_bytes(b"\x00\xffpicture")
    page = Page("t")
    page.figure(path)
    html = page.write(tmp_path / "page.html")
    path.unlink()
    [source] = Tags(html.read_text()).attributes("img", "src")
    assert source.startswith(f"data:{media};base64,")
    assert base64.b64decode(source.split(",")[1]) == b"\x00\xffpicture"


@pytest.mark.parametrize("name", ["movie.mp4", "none"])
def test_other_files_are_refused(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"a page shows \.png, \.svg, \.jpg"):
        Page("t").figure(tmp_path / name)


def test_warning_box_only_where_there_is_one(tmp_path):
    for warning, boxes in (("", 0), ("untrained features", 1)):
        html = Page("t", warning=warning).write(tmp_path / "page.html").read_text()
        assert html.count('class="warning"') == boxes
