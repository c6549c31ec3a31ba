import json
from contextlib import contextmanager

import nibabel as nib
import numpy as np
import pytest

from common.checksums import read_checksums, write_checksums
from common.data.generated_set import read_generated_set
from common.data.latents import latent_seed
from common.data.leakage import LeakageError, check_leakage
from common.data.provenance import read_provenance
from common.files import file_sha256
from common.runs.engine import Engine
from common.runs.published.published_set import PublishedSet
from common.runs.published.record import SetDescription
from common.runs.published.selection import Selection
from common.runs.published.source import read_sources
from common.runs.workflow_run import Workflow


class NearFilter:
    """Finds images brighter than 300 HU at 0.5 from a training case, all others at 3."""

    threshold = 1.0
    identity = "near"

    def distances(self, items, *, window):
        return np.array([0.5 if item["image"].max() > 300 else 3.0 for item in items])

    def describe(self, distances):
        return {"smallest_distance": min(distances)}


def sums(folder):
    write_checksums(folder)
    return read_checksums(folder)


def test_the_set_is_a_generated_set_that_names_its_checkpoint(released, model_file):
    folder = released(3)
    generated, provenance = read_generated_set(folder), read_provenance(folder)
    assert [case["case_id"] for case in generated.cases] == [f"synthetic_{i:05d}" for i in range(3)]
    assert generated.image_size == [32, 32, 16] and generated.spacing == [6.0, 6.0, 6.0]
    assert generated.training_ids == {"p1", "p2"}
    with pytest.raises(LeakageError, match="1 of the 1 held-out cases"):
        check_leakage(generated, held_out=["p2"])
    assert provenance["checkpoint"] == {"file": "model.pt", "sha256": file_sha256(model_file()), "step": 7}
    assert provenance["cases"][2]["seed"] == latent_seed(0, 2)
    expected = {"candidates": 3, "kept": 1, "rejected": {}, "compared": None, "masks": None}
    assert provenance["filter"] == expected
    assert provenance["postprocessing"] == {"threshold": 0.5, "hu_step": 1}


def test_volumes_are_those_that_were_generated_in_steps_of_hu(released, pair_of):
    folder = released(1, hu_step=8)
    image, label = pair_of(latent_seed(0, 0))
    saved = nib.load(folder / "images/synthetic_00000.nii.gz")
    assert saved.get_data_dtype() == np.int16
    values = saved.get_fdata()
    assert np.abs(values - image).max() <= 4 and not (values % 8).any()
    mask = nib.load(folder / "labels/synthetic_00000.nii.gz")
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(mask.get_fdata(), label)
    np.testing.assert_array_equal(mask.affine, saved.affine)


def test_several_checkpoints_share_the_set_and_draw_by_seeds_of_their_own(released, model_file):
    paths = [model_file("a"), model_file("b", ("p3",))]
    folder = released(5, checkpoints=paths, seed=4)
    provenance = read_provenance(folder)
    hashes = [file_sha256(path) for path in paths]
    assert [case["checkpoint"] for case in provenance["cases"]] == [hashes[0]] * 3 + [hashes[1]] * 2
    assert [case["seed"] for case in provenance["cases"][3:]] == [latent_seed(5, 0), latent_seed(5, 1)]
    assert [(each["count"], each["seed"]) for each in provenance["checkpoints"]] == [(3, 4), (2, 5)]
    assert provenance["checkpoint"] is None
    assert read_generated_set(folder).training_ids == {"p1", "p2", "p3"}


def test_each_image_names_the_mask_that_its_own_checkpoint_drew_it_for(released, inferring, model_file):
    """Checkpoints of different folds draw for masks of different cases."""
    paths = [model_file("a"), model_file("b", ("p3",))]
    inferring.masks = {
        0: {"name": "list.json", "sha256": "1", "ids": ["p1", "p2"]},
        1: {"name": "list.json", "sha256": "2", "ids": ["p3"]},
    }
    folder = released(5, checkpoints=paths)
    provenance = read_provenance(folder)
    assert [case["mask_from"] for case in provenance["cases"]] == ["p1", "p2", "p1", "p3", "p3"]
    assert provenance["drawing"]["temperature"] == 0.5
    assert provenance["drawing"]["masks"]["ids"] == ["p1", "p2", "p3"]
    assert read_generated_set(folder).mask_ids == {"p1", "p2", "p3"}


def test_a_set_whose_masks_have_changed_is_not_gone_on_with(released, tmp_path, pair_of):
    for name, seed in (("a", 1), ("b", 2)):
        path = tmp_path / "masks" / f"{name}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        nib.save(nib.Nifti1Image(pair_of(seed)[1], np.eye(4)), path)
    options = {"masks": str(tmp_path / "masks")}
    first = sums(released(2, options=options))
    assert sums(released(2, options=options)) == first
    path.unlink()
    with pytest.raises(ValueError, match=r"request\.json was made with other settings:\n  given_masks.*: found "):
        released(2, options=options)


def test_another_seed_makes_another_set_and_the_same_seed_the_same(released):
    first, again, other = released(2), released(2, folder="again"), released(2, folder="other", seed=1)
    assert sums(first) == sums(again)
    assert not set(sums(first).values()) & {sums(other)[f"images/synthetic_{i:05d}.nii.gz"] for i in range(2)}


def test_an_interrupted_set_equals_one_made_in_one_go(released, inferring, model_file):
    paths = [model_file("a"), model_file("b", ("p3",))]
    whole = released(6, checkpoints=paths, folder="whole")
    broken = released(6, checkpoints=paths, folder="broken")
    for name in ("images/synthetic_00001.nii.gz", "labels/synthetic_00004.nii.gz", "dataset.json"):
        (broken / name).unlink()
    inferring.runs.clear()
    released(6, checkpoints=paths, folder="broken")
    assert inferring.runs == [(0, [1]), (1, [1])]  # what is there is not generated again
    assert sums(broken) == sums(whole)
    inferring.runs.clear()
    released(6, checkpoints=paths, folder="broken")
    assert inferring.runs == []


@pytest.mark.parametrize("finished", [0, 2, 4])
def test_a_run_killed_while_generating_goes_on(released, inferring, finished):
    whole = released(4, folder="whole")
    inferring.killed_after = finished
    with pytest.raises(KeyboardInterrupt):
        released(4, folder="killed")
    inferring.runs.clear()
    folder = released(4, folder="killed")
    assert inferring.runs == [(0, list(range(finished, 4)) or [0])]  # lists are written by a run that ends
    assert sums(folder) == sums(whole)


class PoolHere:
    """Stands in for workers: does what it is given at once."""

    def submit(self, name, call, *given, after=()):
        call(*given, watch=lambda: None)
        return name

    def wait(self, futures):
        return list(futures)

    def result(self, future):
        return None


def test_a_set_that_is_made_in_parts_equals_one_made_in_one_go(released, inferring, model_file, monkeypatch):
    monkeypatch.setattr(Engine, "pool", contextmanager(lambda self: iter([PoolHere()])))
    paths = [model_file("a"), model_file("b", ("p3",))]
    whole = released(7, checkpoints=paths, folder="whole")
    inferring.runs.clear()
    parts = released(7, checkpoints=paths, folder="parts", engine=Engine(workers=3))
    assert inferring.runs == [(0, [0, 1]), (0, [2, 3]), (1, [0]), (1, [1]), (1, [2])]
    assert sums(parts) == sums(whole)
    assert not list((parts.parent / "parts.work").rglob("chunks"))


def test_copies_are_left_out_and_replaced_and_numbered_on(released, inferring, pair_of):
    image, label = pair_of(1)
    for index in (1, 3):
        inferring.planted[0, index] = (np.where(label, 400, image).astype(np.int16), label)
    folder = released(4, copy_filter=NearFilter())
    provenance = read_provenance(folder)
    assert [case["index"] for case in provenance["cases"]] == [0, 2, 4, 5]
    assert provenance["filter"] == {
        "candidates": 6,
        "kept": 0.6667,
        "rejected": {"near a training case": 2},
        "compared": {"smallest_distance": 3.0},
        "masks": None,
    }
    assert inferring.runs == [(0, [0, 1, 2, 3]), (0, [4, 5])]
    assert not list((folder.parent / "set.work").rglob("*.nii.gz"))
    assert max(np.max(nib.load(path).get_fdata()) for path in (folder / "images").iterdir()) < 300


def test_pairs_without_foreground_are_replaced_unless_they_may_stay(released, inferring, pair_of):
    image, label = pair_of(1)
    inferring.planted[0, 0] = (image, np.zeros_like(label))
    provenance = read_provenance(released(2))
    assert provenance["filter"]["rejected"] == {"empty mask": 1}
    assert [case["index"] for case in provenance["cases"]] == [1, 2]
    kept = read_provenance(released(2, folder="kept", empty_masks=True))
    assert [case["index"] for case in kept["cases"]] == [0, 1]


def test_it_ends_where_too_few_candidates_are_good(released, inferring, pair_of):
    image, label = pair_of(1)
    inferring.planted = {(0, index): (np.full_like(image, 50), label) for index in range(6)}
    with pytest.raises(ValueError, match=r"of 6 candidates 0 are good, 3 are wanted; left out: \{'not HU': 6\}"):
        released(3, candidates=2)


def test_a_set_is_not_gone_on_with_by_other_settings(released):
    folder = released(2)
    with pytest.raises(ValueError, match=r"request\.json was made with other settings:\n  checkpoints: found "):
        released(3)
    with pytest.raises(ValueError, match=r"  filter: found None, expected '.*'\n  hu_step: found 1, expected 8\n"):
        released(2, hu_step=8, copy_filter=NearFilter())
    (folder.parent / "set.work" / "request.json").unlink()
    with pytest.raises(ValueError, match=r"holds a set, but .*request.json is missing"):
        released(2)


def test_a_run_that_leaves_nothing_is_an_error(released, inferring, monkeypatch):
    monkeypatch.setattr(type(inferring), "__call__", lambda *_, **__: None)
    with pytest.raises(RuntimeError, match="left no pair 0 in"):
        released(2)


def test_entries_say_that_they_are_generated(released):
    content = json.loads((released(1) / "dataset.json").read_text())
    assert content["training"][0]["generated"] is True
    assert content["generator_case_ids"] == ["p1", "p2"]
    assert content["labels"] == {"0": "background", "1": "tumour"}


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", ".x"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name):
    with pytest.raises(ValueError, match=r"name .* expected the name of a file"):
        SetDescription(name, {"name": "hagan_128", "version": "0.1.0"})


def test_options_that_the_set_gives_itself_are_refused(tmp_path, model_file):
    sources = read_sources([model_file()], num_samples=2, seed=0)
    about = SetDescription("synthetic", {"name": "hagan_128", "version": "0.1.0"})
    inferring = Workflow("inferring", ["inference.yaml"], {"seed": 3, "min_size": 10})
    with pytest.raises(
        ValueError, match=r"options: found seed 3, expected options other than checkpoint, seed, .* --seed"
    ):
        PublishedSet(
            *(sources, about),
            inferring=inferring,
            selection=Selection(),
            output_dir=tmp_path / "set",
            work_dir=tmp_path / "work",
        )


def test_the_folder_of_what_is_not_handed_on_lies_outside_of_the_set(tmp_path, model_file):
    sources = read_sources([model_file()], num_samples=2, seed=0)
    about = SetDescription("synthetic", {"name": "hagan_128", "version": "0.1.0"})
    for work_dir in (tmp_path / "set", tmp_path / "set" / "work", tmp_path / "x" / ".." / "set" / "a" / "b"):
        with pytest.raises(
            ValueError, match=r"work_dir .* lies in it, expected a folder outside of the set.*--work_dir"
        ):
            PublishedSet(
                *(sources, about),
                inferring=Workflow("inferring", ["inference.yaml"]),
                selection=Selection(),
                output_dir=tmp_path / "set",
                work_dir=work_dir,
            )
