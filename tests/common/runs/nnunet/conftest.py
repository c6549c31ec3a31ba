"""Pairs of the tests of data, for those of nnU-Net's data sets."""

from tests.common.data.pair_files import datalist, generated_dir  # noqa: F401
