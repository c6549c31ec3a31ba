"""Commands that the pages show are ones that the command lines take, from the checkout and from exported bundles.

A shell runs what the pages show; in place of Python and all other programs it has one that writes down its words.
"""

import inspect
import itertools
import re
import subprocess
from pathlib import Path

import fire
import pytest
from monai.bundle import run

from common.data import cli as data_cli
from common.options.ahead import problems_ahead
from common.packaging import cli as packaging_cli
from common.packaging.relocate import relocate, workflow_ids
from tests.lint.finding import pages

ROOT = Path(__file__).parents[2]
PAGES = [path.relative_to(ROOT) for path in pages(ROOT) if "```bash" in path.read_text()]
BUNDLE_PAGES = [path for path in PAGES if path.parts[0] == "bundles"]
ROOMS = {"common.data": data_cli, "common.packaging": packaging_cli}
OF_MONAI = inspect.signature(run).parameters  # the file of the config among them
RECORD = '#!/bin/sh\nprintf "%s\\0" "$@" >>"$RECORDED"\nprintf "\\0" >>"$RECORDED"\n'
MADE = "output/search/best.json"  # an overlay that another command writes


def commands_of(text, folder):
    """Words of each Python command of a page: of its blocks of bash, and of the lines; three dots leave out words."""
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    variables = [f"{name}={value}" for name, value in re.findall(r"`\$(\w+)` is `(.+?)`", prose)]
    in_lines = re.findall(r"`(python -m [\w.]+ \w+ [^`…]+)`", prose)
    for name in ("python", "torchrun", "srun"):
        (folder / name).write_text(RECORD)
        (folder / name).chmod(0o755)
    (recorded := folder / "recorded").touch()
    script = "\n".join([*variables, *blocks, *in_lines]).replace("/usr/bin/time -v", "").replace(" …\n", "\n")
    environment = {"PATH": str(folder), "RECORDED": str(recorded)}
    subprocess.run(["/bin/bash", "-c", script], cwd=folder, env=environment, capture_output=True, check=False)
    return [words.split("\0") for words in recorded.read_text().split("\0\0") if words]


def arguments_of(words):
    """Options by name, as the command lines read them; the words without a dash before them."""
    plain = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    taken = {}
    fire.Fire(lambda **given: taken.update(given), command=words[len(plain) :])
    return plain, taken


def faults_of_run(words, where):
    """What the check of the options says of `python -m monai.bundle run`, and whether the config has such a run."""
    (run_id,), taken = arguments_of(words)
    options = {key: value for key, value in taken.items() if key not in OF_MONAI}
    files = taken["config_file"] if isinstance(taken["config_file"], list) else [taken["config_file"]]
    found = [where / file for file in files if file != MADE]
    runs = {key for file in found for key in workflow_ids(file.read_text())}
    return problems_ahead(found, options) + [f"no {run_id}" for _ in [1] if run_id not in {"run", *runs}]


def faults_of_room(commands, words):
    """Whether one of the rooms' commands can be called with these words."""
    (name, *plain), taken = arguments_of(words)
    try:
        inspect.signature(getattr(commands, name)).bind(*plain, **taken)
    except (AttributeError, TypeError) as error:
        return [repr(error)]
    return []


def faults(words, where):
    if "monai.bundle" in words:
        start = words.index("monai.bundle") + 2
        return faults_of_run(words[start:], where) if "--config_file" in words else []  # it ends in three dots
    module = words[1] if words[0] == "-m" else None
    if module in ROOMS:
        return faults_of_room(ROOMS[module], words[2:])
    return [] if module or (ROOT / words[0]).is_file() else [f"no file {words[0]}"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_commands_of_a_page_are_taken(page, tmp_path):
    text = (ROOT / page).read_text().replace("--config_file configs/", "--config_file bundles/hagan_128/configs/")
    commands = commands_of(text, tmp_path)
    assert [(words, found) for words in commands if (found := faults(words, ROOT))] == []


@pytest.mark.parametrize("page", BUNDLE_PAGES, ids=str)
def test_commands_of_an_exported_page_are_taken(page, tmp_path):
    """An exported bundle's pages name files from its own root, the neighbours beside it."""
    bundle = page.parts[1]
    commands = commands_of(relocate((ROOT / page).read_text(), name=bundle), tmp_path)
    assert [(words, found) for words in commands if (found := faults(words, ROOT / "bundles" / bundle))] == []


def test_no_command_of_a_page_is_overlooked(tmp_path):
    """As many runs are looked at as the pages show."""
    text = "".join((ROOT / page).read_text() for page in PAGES)
    assert (
        sum("monai.bundle" in words for words in commands_of(text, tmp_path)) >= text.count("monai.bundle run ") * 0.95
    )


def test_a_wrong_command_of_a_page_is_found(tmp_path):
    config = "bundles/hagan_128/configs/train.yaml"
    text = f"""A\n```bash
C={config}
python -m monai.bundle run training --config_file "['$C']" --max_step 5 \\
    --seed=-1    # a comment
torchrun --nproc_per_node=2 -m monai.bundle run drawing --config_file $C
python -m common.data prepare --output data/x
python tests/benchmarks/none.py
```\nand `python -m common.packaging exprt x --output y`, `python -m common.data check --data_list x`.
"""
    commands = commands_of(text, tmp_path)
    found = [faults(words, ROOT) for words in commands]
    assert [len(lines) for lines in found] == [2, 1, 1, 1, 1, 1], (commands, found)
    assert found[1:4] == [
        ["no drawing"],
        ["TypeError(\"missing a required argument: 'source'\")"],
        ["no file tests/benchmarks/none.py"],
    ]
