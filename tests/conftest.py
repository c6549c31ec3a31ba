"""Fixtures shared by all tests."""

import gc
import os
from pathlib import Path

import pytest

OPENKBP_DIR = Path(os.environ.get("OPENKBP_DIR", Path(__file__).parents[2] / "shared" / "data" / "openkbp"))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """The garbage collector is off while all is imported, and passes over it afterwards.

    What is imported lives as long as the process: each time the collector walks it takes a third of a second. It looks
    at what is young after 10,000 objects in place of 700, too.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


def pytest_collection_modifyitems(config, items):
    """One thread in each process; tests of a release, and of servers, are skipped by name in everyday runs.

    The files beside this one begin first: one of them is long, and as the last it would leave a process idle.
    """
    import torch  # seconds, which the process that only hands out the tests has no use for

    torch.set_num_threads(1)  # two processes keep two cores busy, and threads that wait for a core spin meanwhile
    items.sort(key=lambda item: item.path.parent != Path(__file__).parent)
    if "RELEASE" not in os.environ:
        for item in items:
            if "release" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="before a release: RELEASE=1 runs it"))
            for kind in ("slurm", "postgres"):  # minutes, and servers of their own
                if kind in item.keywords and kind not in config.option.markexpr:
                    item.add_marker(pytest.mark.skip(reason=f"a server of its own: -m {kind} or RELEASE=1 runs it"))


@pytest.fixture(scope="session")
def phantom_dir(tmp_path_factory) -> Path:
    """Ten small phantom cases and their list."""
    from common.data.cli import prepare  # as above

    directory = tmp_path_factory.mktemp("phantom")
    prepare("phantom", str(directory), count=10, size=(32, 32, 16), folds=2)
    return directory


@pytest.fixture(scope="session")
def openkbp_dir() -> Path:
    """Folder of the real head-and-neck CT pairs; tests that ask for it are skipped by name where it is not."""
    if not (OPENKBP_DIR / "cases.json").is_file():
        pytest.skip(f"no OpenKBP pairs at {OPENKBP_DIR} (set OPENKBP_DIR)")
    return OPENKBP_DIR
