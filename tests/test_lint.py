"""Each rule of the lint script on made-up texts, with what it finds there."""

import pytest

from tests.lint import code, configs, declared, docs, experiments, reference
from tests.lint.__main__ import RULES, main

A, B = "bundles/a/configs/", "bundles/b/configs/"
TRIAL = f"{A}experiments/trial.yaml"
RUN = "imports: [x]\nrun: x\n"
DECLARED = "common/options/declared/"
CALL = f"{{_target_: {declared.CALL}, bundle: a, config: x}}"
TOP = f"{RUN}\n# --- it ---\n"
CHECKED = {
    f"{DECLARED}shared.yaml": "kind: {type: number}\n",
    f"{DECLARED}a.yaml": "x:\n  b: {type: number, meaning: It., source: us}\nx/z:\n  c: {enum: [d]}\n",
    f"{A}x.yaml": f"imports: [x]\ninitialize:\n  - {CALL}\n# --- it ---\nb: 2  # us\n\nrun: '@c'\n",
    f"{A}z.yaml": "b: 3\nc: d\n",
    "bundles/a/docs/reference.md": "# A\n## `x.yaml`\n| `b` | number | `2` | It. | us |\n",
}
HEAD = "# Thesis table 4.16. No figures\n"
LONG = "A sentence of more than sixty characters, which is about one bundle and no other.\n"
SECTIONS = "".join(f"## {name}\n" for name in docs.SECTIONS)
LEFT_TO_RIGHT = {"CONTRIBUTING.md": "Order:\n`low, small → high`\n", "common/low/x.py": "", "common/small/x.py": ""}
WHOLE = {f"{A}train.yaml": RUN, f"{A}smoke.yaml": "", f"{A}metadata.json": "{}", "bundles/a/docs/README.md": ""}
SCREEN = "# A\n```bash\nrun x\n```\n![A](a.png)\n" + "".join(f"[A]({name})\n" for name in docs.HEADS)
READ = {f"bundles/a/docs/{name}": "# A\n" for name in docs.HEADS} | {"bundles/a/docs/README.md": SCREEN}
CONFIG = (
    "# --- where ---\nroot: $'.'\nfolds: null  # all\n\n# --- net ---\nwidth: 8\nsize: $@width\n"
    "steps: $@width  # thrice\nnet: {_target_: Net}  # it\n\nrank: 0\nimports: [x]\nrun: x\n"
)
ROWS = "# A\n## `x.yaml`\n| `root` | a | b | c |\n| `folds` | a | `null` | c |\n| `width` | a | `8` | c |\n"
SIZES = {
    **{f"bundles/hagan_128/configs/{name}": "" for name in configs.ONE_SIZE_ALONE},
    "bundles/hagan_128/configs/x.yaml": "a: hagan_128 # one\nb: [128, 64]\n",
    "bundles/hagan_256/configs/x.yaml": "a: hagan_256\nb: [256, 128]\n",
}
COPIES = {A: "a", "bundles/hagan_128/configs/": "hagan_128", "bundles/hagan_256/configs/": "hagan_256"}
# rule → pairs of files and what it finds in them, as "file:line: what"
CASES = {
    configs.config_is_short: [
        ({f"{A}x.yaml": "a: 1\n" * 200 + "#" * 120}, [f"{A}x.yaml:201: more than 200 lines"]),
        ({f"{A}search/x.yaml": "a: 1\n" * 199 + "#" * 121}, [f"{A}search/x.yaml:200: 121 characters"]),
        ({f"{A}x.yaml": "a: 1\n" * 199 + "#" * 120}, []),
    ],
    configs.number_has_a_source: [
        ({f"{A}x.yaml": f"{RUN}b: 2 # paper\nlr: 1e-4\nc: -1.5 #\n"}, [f"{A}x.yaml:4: lr has", f"{A}x.yaml:5: c has"]),
        ({f"{A}x.yaml": f"{RUN}size: [1, 2]\nb: 1 # chosen\n"}, [f"{A}x.yaml:3: size has no source"]),
        ({f"{A}x.yaml": f"{RUN}seed: 0\nname: x\n"}, [f"{A}x.yaml:1: no key is a number"]),
        ({f"{A}x.yaml": f"{RUN}a: 1 # paper\nb: [a, 1]\nc: true\nd: []\n", f"{A}overlay.yaml": "a: 2\n"}, []),
    ],
    configs.bundle_is_whole: [
        (
            WHOLE | {f"{B}x.yaml": "a: 1\n"},
            ["configs:1: no config", "metadata.json:1: missing", "smoke.yaml:1: missing", "README.md:1: missing"],
        ),
        (WHOLE, []),
    ],
    configs.sizes_differ_in_numbers_only: [
        (SIZES | {"bundles/hagan_256/configs/x.yaml": "a: hagan_256\nc: [256, 128]\n"}, ["x.yaml:2: other than in"]),
        (SIZES | {"bundles/hagan_128/configs/y.yaml": ""}, ["y.yaml:1: not alike"]),
        (SIZES | {"bundles/hagan_256/configs/y.yaml": ""}, ["y.yaml:1: not alike"]),
        (SIZES, []),
    ],
    declared.option_is_declared: [
        (
            CHECKED | {f"{A}x.yaml": f"{TOP}b: x  # us\ne: 1\n"},
            [f"{A}x.yaml:5: b: x, exp", f"{A}x.yaml:6: e is not dec"],
        ),
        (CHECKED | {f"{A}x.yaml": f"{TOP}e: $1\n"}, [f"{DECLARED}a.yaml:2: x.yaml has no b"]),
        (CHECKED | {f"{A}y.yaml": f"{TOP}e: 1\n"}, [f"{A}y.yaml:5: e is not declared"]),
        (CHECKED | {f"{DECLARED}a.yaml": "x: {b: {}}\ny: {}\n"}, [f"{DECLARED}a.yaml:2: no config y.yaml"]),
        (CHECKED, []),
    ],
    declared.overlay_keeps_to_what_is_declared: [
        (CHECKED | {f"{A}z.yaml": "b: x\nd: 1\n"}, [f"{A}z.yaml:1: b: expected number", f"{A}z.yaml:2: d is not decl"]),
        (CHECKED | {f"{A}z.yaml": "d: 1\nf: {g: 1}\nh: $1\nx::y: '@d'\n"}, []),
        (CHECKED, []),
    ],
    declared.run_checks_its_options: [
        (CHECKED | {f"{A}x.yaml": f"{RUN}initialize:\n  - $1\n"}, [f"{A}x.yaml:3: initialize does not check"]),
        (CHECKED | {f"{A}x.yaml": f"{RUN}x:\n  - $1\n"}, [f"{A}x.yaml:3: x does not check"]),
        (
            CHECKED | {f"{A}x.yaml": f"{RUN}x:\n  - {CALL.replace('a,', 'b,')}\n  - $1\n"},
            [f"{A}x.yaml:3: x checks those"],
        ),
        (CHECKED | {f"{A}many_x.yaml": "initialize:\n  - $1\n"}, [f"{A}many_x.yaml:1: initialize does not check"]),
        (CHECKED | {f"{A}many_x.yaml": f"initialize:\n  - {CALL}\n", f"{A}z.yaml": f"run: {CALL}\n"}, []),
        (CHECKED | {f"{A}x.yaml": f"{RUN}x:\n  - {CALL}\n  - $1\nlist: [$1]\n"}, []),
    ],
    configs.copy_follows_its_original: [
        (
            {
                "bundles/hagan_128/configs/dataset.yaml": "x: hagan_128\ny: 1\nz: 2\n",
                f"{A}dataset.yaml": "x: a\ny: 3 # ours\nzz: 2\n",
            },
            [f"{A}dataset.yaml:3: other than in hagan_128"],
        ),
        ({f"{A}dataset.yaml": "x: a\n"}, [f"{A}dataset.yaml:1: hagan_128 has none"]),
        (SIZES | {f"{part}dataset.yaml": f"x: {name}\n" for part, name in COPIES.items()}, []),
    ],
    experiments.experiment_says_what_it_is: [
        (
            {TRIAL: "# Thesis.\na: 1\n"},
            [f"{TRIAL}:1: gives no fig", f"{TRIAL}:1: names no table", f"{TRIAL}:2: no source"],
        ),
        ({TRIAL: "# thesis tables 5.7 and 5.8:\n# FID 0.1\na: 1 # table 5.7\n"}, []),
    ],
    experiments.every_table_has_an_experiment: [
        ({TRIAL: f"# {' '.join(experiments.TABLES - {'5.9'})}\n"}, ["bundles:1: no experiment names thesis table 5.9"]),
        ({TRIAL: f"# {' '.join(experiments.TABLES)}\n"}, []),
    ],
    experiments.experiment_changes_what_is_there: [
        (
            {TRIAL: "a::0::new: 1\na::1::x: 1\nb: 1\n", f"{A}train.yaml": "a: [{}]\n"},
            [f"{TRIAL}:2: tr", f"{TRIAL}:3: tr"],
        ),
        (
            {f"{A}experiments/inference_x.yaml": "a: 1\n", f"{A}train.yaml": "a: 1\n", f"{A}inference.yaml": "b: 1\n"},
            [f"{A}experiments/inference_x.yaml:1: inference.yaml has no a"],
        ),
    ],
    experiments.experiment_is_in_the_docs: [
        ({TRIAL: "", "bundles/a/docs/README.md": "trial"}, [f"{TRIAL}:1: no page names it"]),
        ({TRIAL: "", "bundles/a/docs/how/x.md": "the `trial`"}, []),
    ],
    docs.sections_stand_in_the_zoos_order: [
        (
            {"bundles/a/docs/README.md": SECTIONS + "## License\n"},
            ["bundles/a/docs/README.md:1: has the sections Model"],
        ),
        ({"bundles/a/docs/README.md": "# A\n## Own\n" + SECTIONS}, []),
    ],
    docs.link_leads_somewhere: [
        ({"README.md": "[a](x.md)\n"}, ["README.md:1: no file x.md"]),
        ({"README.md": "# A\n[a](#b)\n[a](#a)\n"}, ["README.md:2: no section #b"]),
        ({"README.md": "\nrun bundles/a/configs/x.yaml\n"}, [f"README.md:2: no config {A}x.yaml"]),
        (
            {
                "bundles/a/docs/x.md": "[a](../../../README.md#so-it-is) [b](https://x.org/y) bundles/a/configs/x.yaml",
                "README.md": "## So *it* is!\n",
                f"{A}x.yaml": "",
            },
            [],
        ),
    ],
    docs.contents_name_every_section: [
        (
            {"bundles/a/docs/x.md": "# X\n- [A](#a)\n\n## A\n## B\n", "README.md": "# X\n## A\n- [B](#b)\n## B\n"},
            ["bundles/a/docs/x.md:1: the list of sections lacks 'B'"],
        ),
        ({"README.md": "# X\n- [A](#a)\n- [B](#b)\n\n## A\n## B\n"}, []),
    ],
    docs.first_screen_shows_the_way: [
        (
            READ | {"bundles/a/docs/README.md": "# A\n## Own\n[A](how_to.md)\n```\nrun\n```\n"},
            [": 0 commands", ": 0 pictures", ": the first section comes after links to ['how_to.md']"],
        ),
        (READ | {"bundles/a/docs/README.md": "\n" * 24 + SCREEN}, ["README.md:33: 33 lines before"]),
        (READ | {"bundles/a/docs/README.md": f"{SCREEN}```bash\nrun y\n```\n"}, ["README.md:1: 2 commands"]),
        (READ | {"bundles/a/docs/README.md": f"{SCREEN}\n## Model overview\n```bash\nrun y\n```\n"}, []),
    ],
    docs.page_stays_in_its_bundle: [
        (READ | {"bundles/a/docs/x.md": "# X\n"}, ["bundles/a/docs/x.md:1: no link leads here from README.md"]),
        (
            READ | {"bundles/a/docs/how_to.md": "# A\n[b](../../b/docs/README.md)\n"},
            ["how_to.md:2: ../../b/docs/README.md is not"],
        ),
        (READ | {"bundles/a/docs/how_to.md": "[x](x.md#a) [y](../configs/y.yaml)\n", "bundles/a/docs/x.md": ""}, []),
    ],
    docs.value_is_as_the_command_line_takes_it: [
        ({"README.md": "run --a true\n"}, ["README.md:1: --a true"]),
        ({"common/x.py": '"""Run --a=None."""\n'}, ["common/x.py:1: --a=None"]),
        ({f"{A}x.yaml": "# --a null\n"}, [f"{A}x.yaml:1: --a null"]),
        ({"README.md": "run --a True --b falsehood\n"}, []),
    ],
    docs.bundles_share_no_long_line: [
        (
            {"bundles/a/docs/README.md": LONG, "bundles/b/docs/README.md": "# B\n" + LONG},
            ["bundles/b/docs/README.md:2: stands in bundles/a/docs/README.md, too"],
        ),
        ({f"bundles/{name}/docs/README.md": f"Short.\n```\n{LONG}```\n## References\n{LONG}" for name in "ab"}, []),
    ],
    reference.row_is_as_declared: [
        (
            CHECKED | {"bundles/a/docs/reference.md": "# A\n## `x.yaml`\n| `b` | text | `2` | It. | us |\n"},
            ["reference.md:3: declared is | `b` | number | `2` | It. | us |"],
        ),
        (CHECKED, []),
    ],
    reference.reference_lists_every_key: [
        (
            {f"{A}x.yaml": CONFIG, f"{A}y.yaml": RUN, "bundles/a/docs/reference.md": ROWS},
            [".md:1: no section `y.yaml`", ".md:2: x.yaml has steps"],
        ),
        (
            {f"{A}x.yaml": "width: 9\n", "bundles/a/docs/reference.md": ROWS},
            [":3: x.yaml has no option root", ":4: x.yaml has no option folds", ":5: x.yaml has width: 9"],
        ),
        ({f"{A}x.yaml": CONFIG, "bundles/a/docs/reference.md": f"{ROWS}| `steps` | a | thrice | c |\n"}, []),
    ],
    code.file_is_short: [
        ({"tests/x.py": "a = 1\n" * 301, "bundles/a/scripts/y.py": "a = 1\n" * 300}, ["tests/x.py:301: 301 lines"])
    ],
    code.imports_run_downhill: [
        (
            LEFT_TO_RIGHT | {"common/low/y.py": "\nfrom ..high.x import a\n", "common/high/x.py": ""},
            ["low/y.py:2: low imp"],
        ),
        (
            LEFT_TO_RIGHT | {"common/low/y.py": "def f():\n    from common.small import x\n"},
            ["low/y.py:2: low imports from"],
        ),
        (LEFT_TO_RIGHT | {"common/files.py": "from .low import x\n"}, ["common/files.py:1: common imports from low"]),
        (
            LEFT_TO_RIGHT | {"common/new/x.py": "from ..low import x\n"},
            ["common/new/x.py:1: the room new has no place"],
        ),
        (LEFT_TO_RIGHT | {"common/low/y.py": "import tests.lint\n"}, ["common/low/y.py:1: imports tests.lint"]),
        ({"CONTRIBUTING.md": "`data`, `a → b.c`\n"}, ["CONTRIBUTING.md:1: has no line of rooms"]),
        (LEFT_TO_RIGHT | {"common/high/y.py": "from ..low import x\nfrom . import z\nfrom .. import files\n"}, []),
    ],
    code.map_says_what_rooms_import: [
        (
            {
                "CONTRIBUTING.md": "# A\n| `common/a` | x | b, c |\n| `common/b` | x | |\n| `common/old` | x | |\n",
                "common/a/x.py": "from ..b import y\nfrom .. import files\n",
                "common/b/y.py": "",
                "common/c/z.py": "from . import w\n",
            },
            [
                "CONTRIBUTING.md:1: the table has c: False, common has it: True",
                "CONTRIBUTING.md:1: the table has old: True, common has it: False",
                "CONTRIBUTING.md:2: a imports from b",
            ],
        ),
        (
            {
                "CONTRIBUTING.md": "| `common/a` | x | b |\n| `common/b` | x | |\n",
                "common/a/x.py": "import common.b.y\n",
                "common/b/y.py": "",
            },
            [],
        ),
    ],
    code.imports_make_no_circle: [
        (
            {
                "common/a/x.py": "from ..b import y",
                "common/b/y.py": "def f():\n    from .z import g\n",
                "common/b/z.py": "import common.a.x\n",
                "common/c.py": "from .a import x\n",
            },
            ["common.a.x imports common.b.y imports common.b.z imports common.a.x"],
        ),
        (
            {
                "common/__init__.py": "",
                "common/a/__init__.py": "from .x import f\n",
                "common/a/x.py": "from .. import b\n",
            },
            [],
        ),
    ],
}


@pytest.fixture
def write(tmp_path):
    """Function (file → text) -> folder of those files, where every room of `common` is a package."""

    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


@pytest.mark.parametrize(("rule", "files", "expected"), [(rule, *case) for rule in CASES for case in CASES[rule]])
def test_a_rule_finds_what_is_wrong_and_nothing_else(write, rule, files, expected):
    root = write(files)
    found = [f"{path.relative_to(root)}:{line}: {what}" for path, line, what, _ in sorted(rule(root))]
    assert len(found) == len(expected)
    assert all(words in text for text, words in zip(found, expected, strict=True)), found


def test_every_rule_is_shown_finding_something():
    assert set(CASES) == set(RULES)
    assert all(any(expected for _, expected in cases) for cases in CASES.values())


def test_the_script_prints_a_line_for_each_finding_and_fails(write, capsys):
    root = write({"README.md": "run --a true\n", **LEFT_TO_RIGHT, "bundles/README.md": ""})
    assert main(root) == 1
    printed = capsys.readouterr().out.splitlines()
    assert "README.md:1: --a true; write True or False, and leave out what is none" in printed
    assert printed[-1] == f"{len(printed) - 1} findings of {len(RULES)} rules"
