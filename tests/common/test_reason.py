"""What is left of a failure at the end of the output."""

from pathlib import Path

import pytest
from monai.bundle import ConfigParser
from monai.data import Dataset
from monai.transforms import Lambda
from torch.utils.data import DataLoader

from common.networks.hagan_size import volume_size
from common.reason import is_told, reason_of, worker_reason
from tests.fresh_process import run_fresh

ROOT = Path(__file__).parents[2]
OURS = "{_target_: common.networks.hagan_size.volume_size, size: 5}"
TOLD = "volume size is [5, 5, 5], expected three powers of two"
FAULT = "$[][1]"
MISSING = "$open('nowhere.txt')"


def wrapped(item):
    """What MONAI raises for a config with this item."""
    with pytest.raises(RuntimeError) as error:
        ConfigParser({"a": item, "b": "$len(@a)", "c": {"_target_": "builtins.len", "obj": "@b"}}).get_parsed_content(
            "c"
        )
    return error.value


def test_an_error_that_monai_wrapped():
    reason = reason_of(wrapped({"_target_": "common.networks.hagan_size.volume_size", "size": 5}))
    assert str(reason).startswith(TOLD) and is_told(reason)


def test_an_error_of_the_system_is_told():
    assert is_told(reason_of(wrapped(MISSING)))


def test_a_fault_of_the_code_is_not():
    reason = reason_of(wrapped(FAULT))
    assert isinstance(reason, IndexError) and not is_told(reason)


@pytest.mark.parametrize(("function", "told"), [(volume_size, TOLD), (lambda _: [][1], None)])
def test_an_error_in_a_process_of_a_loader(function, told):
    loader = DataLoader(Dataset([5], Lambda(function)), num_workers=1)
    with pytest.raises(Exception, match="in DataLoader worker process") as error:
        list(loader)
    text = worker_reason(error.value)
    assert text is None if told is None else text.startswith(told)


@pytest.fixture
def last_lines(tmp_path):
    """Function (item of a config, DEBUG) -> exit status and lines of what a run of it writes to stderr."""

    def run(item, debug=None):
        config = tmp_path / "x.yaml"
        checks = "{_target_: common.options.require.require_options, bundle: hagan_128, config: train}"
        config.write_text(f"imports: []\nrun:\n  - {checks}\n  - {item}\n")
        environment = {} if debug is None else {"DEBUG": debug}
        done = run_fresh(["-m", "monai.bundle", "run", "--config_file", config], folder=ROOT, environment=environment)
        return done.returncode, done.stderr.splitlines()

    return run


def test_a_run_ends_with_the_reason_and_without_a_traceback(last_lines):
    for debug in (None, "0"):
        status, lines = last_lines(OURS, debug)
        assert status == 1 and lines[-1].startswith(TOLD)
        assert lines[-2] == "DEBUG=1 in the environment shows the traceback of this:"
        assert not any("Traceback" in line for line in lines)


def test_debug_shows_the_traceback_before_it(last_lines):
    status, lines = last_lines(OURS, debug="1")
    assert status == 1 and lines[-1].startswith(TOLD)
    assert any("Traceback" in line for line in lines)


def test_a_fault_keeps_its_traceback_and_ends_with_its_name(last_lines):
    status, lines = last_lines(FAULT)
    assert status == 1 and lines[-1] == "IndexError: list index out of range"
    assert any("Traceback" in line for line in lines)
