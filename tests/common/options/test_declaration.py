"""Declarations that take what they lack from others."""

import pytest

from common.options.declaration import FOLDER, read_declaration, read_sections

SHARED = """
count: {type: integer, minimum: 1}
steps: {like: count, unit: steps, meaning: Long., source: chosen}
"""
FIRST = """
train:
  steps: {}
  epochs: {like: count, nullable: true}
  name: {enum: [a, b], meaning: Of it.}
train/more:
  extra: {like: steps, meaning: More.}
other:
  steps: {type: number, unit: null, source: thesis}
"""
SECOND = """
like: first
train:
  steps: {source: thesis}
other: null
"""


@pytest.fixture
def folder(tmp_path):
    for name, text in {"shared": SHARED, "first": FIRST, "second": SECOND}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_an_option_is_what_the_shared_one_of_its_name_is(folder):
    steps = read_sections("first", folder)["train"]["steps"]
    assert (steps.schema, steps.unit, steps.meaning) == ({"type": "integer", "minimum": 1}, "steps", "Long.")
    assert steps.expected == "integer ≥ 1, steps"


def test_a_schema_of_its_own_takes_the_place_of_the_shared_one(folder):
    steps = read_sections("first", folder)["other"]["steps"]
    assert (steps.schema, steps.unit, steps.meaning, steps.source) == ({"type": "number"}, None, "Long.", "thesis")


def test_like_names_a_kind_or_another_option(folder):
    sections = read_sections("first", folder)
    assert sections["train"]["epochs"].expected == "integer ≥ 1, or `null`"
    assert sections["train"]["epochs"].accepts(None) and not sections["train"]["steps"].accepts(None)
    assert sections["train/more"]["extra"].meaning == "More." and sections["train/more"]["extra"].unit == "steps"


def test_a_bundle_that_is_like_another_has_its_sections_but_those_it_drops(folder):
    sections = read_sections("second", folder)
    assert sections.keys() == {"train", "train/more"}
    assert sections["train"]["steps"].source == "thesis" and sections["train"]["name"].meaning == "Of it."


def test_a_config_has_options_those_of_its_overlays_and_those_of_others():
    declared = read_declaration("hagan_128", "train")
    assert "max_steps" in declared.options and "plain" in declared.overlays["augment"]
    assert declared.others["num_samples"] == ["inference", "dataset"] and "plain" not in declared.others


def test_a_config_that_is_not_declared():
    with pytest.raises(ValueError, match=r"hagan_128\.yaml has no section trian"):
        read_declaration("hagan_128", "trian")


def test_no_folder_of_any_config_is_blank():
    """Blank, it would be the file system's root, or the folder that the run happens to be started in."""
    bundles = [path.stem for path in FOLDER.glob("*.yaml") if path.stem != "shared"]
    folders = {
        (bundle, section, option.name): option
        for bundle in bundles
        for section, options in read_sections(bundle).items()
        for option in options.values()
        if option.name.endswith("_dir") or option.schema.get("format") in ("folder", "file", "folder or file")
    }
    assert {bundle for bundle, _, name in folders if name == "output_dir"} == set(bundles)
    for place, option in folders.items():
        assert not option.accepts(""), place
        assert option.accepts("out"), place
        if option.name.endswith("_dir"):
            assert not option.accepts(" "), place
