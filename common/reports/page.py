"""Self-contained HTML pages: headings, paragraphs, tables and pictures in one file that can be mailed."""

import base64
import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from ..files import replacing

_MEDIA = {".png": "image/png", ".svg": "image/svg+xml", ".jpg": "image/jpeg"}


class Page:
    """HTML page that is built from top to bottom; every text is escaped.

    Args:
        title: Heading of the page.
        subtitle: One line below it.
        warning: Stands in a red box on top, such as the stamp of untrained features; none where empty.
    """

    def __init__(self, title: str, *, subtitle: str = "", warning: str = "") -> None:
        self.title = title
        self.subtitle = subtitle
        self.warning = warning
        self.parts: list[dict[str, Any]] = []

    def section(self, title: str) -> None:
        """Start a section; the page's menu links to it."""
        self.parts.append({"kind": "section", "title": title, "id": f"s{len(self.parts)}"})

    def text(self, *paragraphs: str) -> None:
        """Add paragraphs."""
        self.parts.append({"kind": "text", "paragraphs": paragraphs})

    def table(self, rows: Sequence[Mapping[str, Any]], *, caption: str = "") -> None:
        """Add a table whose columns are the keys of `rows` in the order they come; no rows, no table."""
        columns = list(dict.fromkeys(key for row in rows for key in row))
        cells = [[row.get(column) for column in columns] for row in rows]
        if rows:
            self.parts.append({"kind": "table", "columns": columns, "cells": cells, "caption": caption})

    def figure(self, path: str | Path, *, caption: str = "") -> None:
        """Add the picture at `path` (PNG, SVG or JPEG), embedded.

        Raises:
            ValueError: The file is of another kind.
        """
        path = Path(path)
        if path.suffix not in _MEDIA:
            raise ValueError(f"{path}: a page shows {', '.join(_MEDIA)}, not {path.suffix or 'a file without suffix'}")
        data = base64.b64encode(path.read_bytes()).decode()
        source = f"data:{_MEDIA[path.suffix]};base64,{data}"
        self.parts.append({"kind": "figure", "source": source, "caption": caption, "alt": caption or path.stem})

    def write(self, path: str | Path) -> Path:
        """Write the page, whole or not at all."""
        environment = Environment(loader=PackageLoader(__package__), autoescape=True, trim_blocks=True)
        environment.filters["cell"] = format_cell
        html = environment.get_template("page.html").render(page=self)
        with replacing(path) as temporary:
            temporary.write_text(html, encoding="utf-8")
        return Path(path)


def format_cell(value: Any) -> str:
    """Text of a table's cell: numbers in four significant digits, sequences as intervals, nothing for None and NaN."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Real) and not isinstance(value, Integral):
        number = float(value)
        if math.isnan(number):
            return ""
        return f"{number:.0f}" if 1e4 <= abs(number) < 1e15 else f"{number:.4g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(format_cell(item) for item in value)}]"
    return str(value)
