"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
import torch

OPENKBP_DIR = Path(os.environ.get("OPENKBP_DIR", Path(__file__).parents[2] / "shared" / "data" / "openkbp"))


def pytest_configure(config):
    """One thread: two test processes keep two cores busy, and threads that wait for a core spin meanwhile."""
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """Tests of a release are skipped by name in everyday runs."""
    if "RELEASE" not in os.environ:
        for item in items:
            if "release" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="before a release: RELEASE=1 runs it"))


@pytest.fixture(scope="session")
def openkbp_dir() -> Path:
    """Folder of the real head-and-neck CT pairs; tests that ask for it are skipped by name where it is not."""
    if not (OPENKBP_DIR / "cases.json").is_file():
        pytest.skip(f"no OpenKBP pairs at {OPENKBP_DIR} (set OPENKBP_DIR)")
    return OPENKBP_DIR
