"""A generated set that a segmenter which validates on fold 0 may train on."""

import json
import shutil

import pytest

from common.data.datalist import read_datalist


@pytest.fixture(scope="module")
def unseen_dir(phantom_dir, generated_dir, tmp_path_factory):
    """The generated set, of a generator that was trained without fold 0."""
    directory = shutil.copytree(generated_dir, tmp_path_factory.mktemp("unseen") / "generated")
    provenance = json.loads((directory / "provenance.json").read_text())
    cases = read_datalist(phantom_dir / "datalist.json")["training"]
    provenance["training"]["case_ids"] = [case["case_id"] for case in cases if case["fold"] != 0]
    (directory / "provenance.json").write_text(json.dumps(provenance))
    return directory
