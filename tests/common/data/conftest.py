"""Fixtures of several modules of this room."""

from tests.common.data.pair_files import datalist, generated_dir  # noqa: F401 fixtures
