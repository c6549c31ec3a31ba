import json

from common.runs.config_content import config_content


def test_what_a_config_says_counts_and_not_how(tmp_path):
    contents = {
        "a.yaml": "lr: 0.1 # chosen\n",
        "b.yaml": "# another comment\nlr: 0.1\n",
        "c.json": json.dumps({"lr": 0.1}),
        "d.yaml": "lr: 0.2\n",
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    first, second, third, fourth, none = config_content(
        [*(tmp_path / name for name in contents), tmp_path / "none.yaml"]
    )
    assert first == second == third != fourth and none == ""
