import json
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.provenance import read_provenance
from common.data.set_part import SetPart
from common.files import file_sha256
from common.handlers.generated_set_writer import GeneratedSetWriter

SPACING = [2.0, 2.5, 3.0]


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "model.pt"
    settings = {"hu_window": [-1024, 600], "pairing": "z_concat"}
    training = {"case_ids": ["p1", "p2"], "step": 7, "spacing": SPACING}
    torch.save({"model": {}, "settings": settings, "training": training}, path)
    return path


def generate(directory, checkpoint, labels=True, drawing=None, **known):
    writer = GeneratedSetWriter(
        directory,
        part=SetPart(directory, numbers=[0], batch_size=1, checkpoint=checkpoint, settings={}),
        checkpoint=checkpoint,
        bundle={"name": "hagan_128", "version": "0.1.0"},
        seed=3,
        spacing=SPACING,
        postprocessing={"binary": False},
        labels={"0": "background", "1": "tumour"},
        drawing=drawing,
    )
    image = torch.linspace(-1024, 600, 4 * 6 * 8).view(1, 4, 6, 8)
    label = torch.zeros(1, 4, 6, 8, dtype=torch.uint8)
    label[0, 1, 2, 3] = 2
    item = {"case_id": "generated_00000", "seed": torch.tensor(11), **known}
    output = {"image": image, "label": label if labels else None}
    engine = SimpleNamespace(state=SimpleNamespace(batch=[item], output=[output]))
    writer.start(engine)
    writer.save_batch(engine)
    writer.finish(engine)
    return image, label


def test_nifti_pairs_share_geometry_and_hold_the_volumes(tmp_path, checkpoint):
    image, label = generate(tmp_path / "set", checkpoint)
    saved_image = nib.load(tmp_path / "set/images/generated_00000.nii.gz")
    saved_label = nib.load(tmp_path / "set/labels/generated_00000.nii.gz")
    assert saved_image.get_data_dtype() == np.int16 and saved_label.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(saved_image.get_fdata(), image[0].round().numpy())
    np.testing.assert_array_equal(saved_label.get_fdata(), label[0].numpy())
    np.testing.assert_array_equal(saved_image.affine, saved_label.affine)
    assert nib.aff2axcodes(saved_image.affine) == ("R", "A", "S")
    np.testing.assert_allclose(saved_image.header.get_zooms(), SPACING)
    centre = nib.affines.apply_affine(saved_image.affine, (np.array([4, 6, 8]) - 1) / 2)
    np.testing.assert_allclose(centre, 0, atol=1e-6)


def test_list_and_provenance_say_what_the_set_is(tmp_path, checkpoint):
    generate(tmp_path / "set", checkpoint)
    entry = json.loads((tmp_path / "set/dataset.json").read_text())["training"][0]
    assert entry == {
        "case_id": "generated_00000",
        "image": "images/generated_00000.nii.gz",
        "label": "labels/generated_00000.nii.gz",
        "centre": "generated",
        "fold": 0,
    }
    provenance = read_provenance(tmp_path / "set")
    assert provenance["checkpoint"] == {"file": "model.pt", "sha256": file_sha256(checkpoint), "step": 7}
    assert provenance["cases"] == [{"case_id": "generated_00000", "seed": 11}]
    assert provenance["seed"] == 3
    assert provenance["training"]["case_ids"] == ["p1", "p2"]


def test_provenance_says_how_a_flow_drew_and_whose_mask_was_given_and_the_list_does_not(tmp_path, checkpoint):
    generate(tmp_path / "set", checkpoint, drawing={"sampling_steps": 25}, mask_from="p7")
    provenance = read_provenance(tmp_path / "set")
    assert provenance["drawing"] == {"sampling_steps": 25}
    assert provenance["cases"] == [{"case_id": "generated_00000", "seed": 11, "mask_from": "p7"}]
    assert "mask_from" not in json.loads((tmp_path / "set/dataset.json").read_text())["training"][0]
    generate(tmp_path / "plain", checkpoint)
    assert "drawing" not in read_provenance(tmp_path / "plain")


def test_list_and_provenance_name_the_condition_and_the_centre_stays_generated(tmp_path, checkpoint):
    generate(tmp_path / "set", checkpoint, condition="CHUM")
    entry = json.loads((tmp_path / "set/dataset.json").read_text())["training"][0]
    assert entry["condition"] == "CHUM" and entry["centre"] == "generated"
    case = {"case_id": "generated_00000", "seed": 11, "condition": "CHUM"}
    assert read_provenance(tmp_path / "set")["cases"] == [case]


def test_the_same_seeds_give_the_same_files(tmp_path, checkpoint):
    for name in ("a", "b"):
        generate(tmp_path / name, checkpoint)
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(files) == 4
    for file in files:
        assert file_sha256(tmp_path / "a" / file) == file_sha256(tmp_path / "b" / file), file


def test_a_generator_of_images_leaves_no_labels(tmp_path, checkpoint):
    generate(tmp_path / "set", checkpoint, labels=False)
    assert not (tmp_path / "set/labels").exists()


def test_a_set_without_provenance_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no .*provenance.json: a generated set must say"):
        read_provenance(tmp_path)
    (tmp_path / "provenance.json").write_text("{}")
    with pytest.raises(ValueError, match=r"provenance.json lacks .*'training'"):
        read_provenance(tmp_path)
