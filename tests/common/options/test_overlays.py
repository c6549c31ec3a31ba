"""Files that do not go together are named before anything is run."""

import pytest

from common.options.declaration import Declaration, Option
from common.options.overlays import file_problems, missing_parts, named_parts, overwritten

DECLARED = Declaration(
    "train",
    {"lr": Option("lr")},
    {"paste": {}, "draw": {}},
    {},
    configs=["train", "infer"],
    alternatives=[["gan_1", "gan_2"]],
)
FILES = {
    "train": "{imports: [], run: [], lr: 1, train: {sampler: {shuffle: true}, lesion: null}}",
    "infer": "{imports: [], run: [], lr: 1}",
    "fast": "{lr: 2}",
    "paste": "{+train: {lesion: {_target_: paste}}}",
    "draw": "{+train: {lesion: {_target_: draw}}}",
    "gan_1": "{lr: 3}",
    "gan_2": "{lr: 4}",
    "deep": "{train::sampler::shuffle: false}",
    "twice": "lr: 3\nlr: 4",
}
CASES = {
    # names of files → what is said of them
    "train fast": None,
    "train gan_1 fast": None,
    "train deep paste": None,
    "fast train": "found fast.yaml before train.yaml, which takes back what they set, expected train.yaml first; put",
    "train infer": "found train.yaml and infer.yaml, each a workflow of its own, expected one of them",
    "infer fast train": "found infer.yaml and train.yaml, each a workflow of its own",
    "train gan_1 fast gan_2": "found gan_1.yaml and gan_2.yaml, expected one of them; leave the others out",
    "train draw paste": "found draw.yaml and paste.yaml, which both set train::lesion, expected one of them; leave",
    "infer deep": "found deep.yaml, which changes train::sampler, but infer.yaml has no train::sampler, expected over",
    "infer paste": "found paste.yaml, which changes train, but infer.yaml has no train, expected overlays of infer.y",
    "train twice": "found lr twice in twice.yaml, expected each key once; remove the one that is not meant",
}


@pytest.fixture
def paths(tmp_path):
    """Function (names in one text) → paths."""
    for name, text in FILES.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return lambda names: [tmp_path / f"{name}.yaml" for name in names.split()]


@pytest.mark.parametrize("names", CASES)
def test_files(names, paths):
    lines = file_problems(DECLARED, paths(names))
    if CASES[names] is None:
        assert lines == []
    else:
        assert len(lines) == 1 and lines[0].startswith(f"config_file: {CASES[names]}"), lines


def test_an_overlay_of_another_bundle_that_changes_parts(tmp_path):
    files = []
    for bundle, name, text in (("a", "train", FILES["train"]), ("b", "deep", FILES["deep"]), ("b", "fast", "lr: 2")):
        folder = tmp_path / bundle / "configs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metadata.json").write_text("{}")
        files.append(folder / f"{name}.yaml")
        files[-1].write_text(text)
    (line,) = file_problems(DECLARED, files)
    assert line.startswith("config_file: found deep.yaml of the bundle b, which changes parts of that one's config")


def test_parts_that_an_overlay_before_adds_are_there(paths, tmp_path):
    (tmp_path / "adds.yaml").write_text("+train: {sampler: {}}")
    assert missing_parts([*paths("train"), tmp_path / "adds.yaml", *paths("deep")]) == []


def test_what_a_part_that_is_merged_sets_is_named(paths):
    assert named_parts(paths("train fast paste deep")) == ["train::lesion", "train::sampler::shuffle"]


def test_a_later_file_that_replaces_the_reader_is_the_reason(paths, tmp_path):
    (tmp_path / "site.yaml").write_text("{mixed: 1, arms: [{options: '@mixed'}]}")
    (tmp_path / "mine.yaml").write_text("{arms: []}")
    files = [*paths("train"), tmp_path / "site.yaml", tmp_path / "mine.yaml"]
    what = "config_file: found site.yaml and mine.yaml, which both set arms, so that nothing reads mixed"
    assert (overwritten("mixed", files) or "").startswith(what)
    assert overwritten("arms", files) is None and overwritten("mixed", files[:2]) is None
