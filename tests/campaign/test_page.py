from tests.campaign.page import page_of

FIRST = {"commit": "abc1234", "note": "Half of the inputs.", "outcomes": {"told": 2, "silent": 3}}
GOOD = "lr: found -0.1, expected > 0; set another"
ROWS = [
    {"kind": "type", "command": "a training", "name": "lr -0.1", "outcome": "told", "message": f"1 wrong:\n{GOOD}"},
    {"kind": "type", "command": "a training", "name": "lr x", "outcome": "silent", "message": "done"},
    {"kind": "type", "command": "b training", "name": "lr x", "outcome": "lacking", "message": "wrong"},
    {"kind": "list", "command": "b training", "name": "cut", "outcome": "told", "message": "x.json | cut"},
]
STOPS = [{"number": "SIGKILL", "count": 3, "problems": []}, {"number": "SIGKILL", "count": 2, "problems": ["lost"]}]


def test_the_page_counts_by_command_by_kind_and_by_run():
    text = page_of(ROWS, first=FIRST, interruptions=STOPS, commit="def5678")
    for line in (
        "| command | type | list |",
        "| a training | 1 of 2 |  |",
        "| b training | 1 of 1 | 1 of 1 |",
        f"| type | 3 | 1 | a training: lr -0.1 | 1 wrong: / {GOOD} |",
        "| list | 1 | 1 | b training: cut | x.json \\| cut |",
        "| outcome | first run, abc1234 | last run, def5678 |",
        "| inputs | 5 | 4 |",
        "| taken without a word | 3 (60.0%) | 1 (25.0%) |",
        "| SIGKILL | 5 | 2 | 1 |",
    ):
        assert f"\n{line}\n" in text, line


def test_what_monai_says_by_itself_has_a_table():
    before = [{"name": "no YAML", "message": 'yaml.Error: x\n  in "/tmp/abc/0001/mine.yaml", line 2'}]
    text = page_of(ROWS, first=FIRST, interruptions=STOPS, commit="def5678", before=before, note="A third was run.")
    assert '\n| no YAML |   in "…/mine.yaml", line 2 |\n' in text and "\nA third was run.\n" in text
