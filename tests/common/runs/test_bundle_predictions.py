import nibabel as nib
import numpy as np
import pytest
import yaml

from common.runs.bundle_predictions import inference_config, predict_masks

# overrides of the bundle's saver, where the predictions then lie
SAVERS = [
    ({}, "{}/{}_trans.nii.gz"),
    ({"separate_folder": False}, "{1}_trans.nii.gz"),
    ({"separate_folder": False, "postfix": ""}, "{1}.nii.gz"),
]


@pytest.mark.parametrize(("overrides", "name"), SAVERS)
def test_predictions_are_found_wherever_the_saver_puts_them(tmp_path, segmenter, write_pair, overrides, name):
    entries = [write_pair(tmp_path, case_id) for case_id in ("a", "a_b")]
    work_dir = tmp_path / "work"
    found = predict_masks(segmenter, entries, work_dir=work_dir, overrides=overrides)
    expected = {case_id: work_dir / "segmenter_output" / name.format(case_id, case_id) for case_id in ("a", "a_b")}
    assert found == expected
    saved = nib.load(found["a"])
    mask = nib.load(entries[0]["label"])
    np.testing.assert_allclose(saved.affine, mask.affine)
    np.testing.assert_array_equal(saved.get_fdata(), mask.get_fdata())


def test_a_later_run_takes_nothing_of_an_earlier_one(tmp_path, segmenter, write_pair):
    """Neither its predictions nor its images; the images themselves stay."""
    work_dir = tmp_path / "work"
    first, second = write_pair(tmp_path, "first"), write_pair(tmp_path, "second")
    predict_masks(segmenter, [first], work_dir=work_dir)
    assert list(predict_masks(segmenter, [second], work_dir=work_dir)) == ["second"]
    files = sorted(path.name for path in work_dir.rglob("*.nii.gz"))
    assert files == ["second.nii.gz", "second_trans.nii.gz"]
    assert nib.load(first["image"]).shape == (12, 10, 8)


def test_a_config_file_or_the_folder_of_configs_will_do(segmenter):
    config = segmenter / "configs" / "inference.yaml"
    assert [inference_config(path) for path in (segmenter, segmenter / "configs", config)] == [config] * 3


def test_no_inference_config_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing is no segmenter.*configs/inference\.yaml"):
        predict_masks(tmp_path / "nothing", [], work_dir=tmp_path)


@pytest.mark.parametrize("missing", ["run", "output_dir", "dataset"])
def test_a_config_without_the_usual_ids_is_refused(tmp_path, segmenter, missing):
    path = segmenter / "configs" / "inference.yaml"
    config = yaml.safe_load(path.read_text())
    del config[missing]
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(ValueError, match=rf"inference\.yaml has no \['{missing}(::data)?'\]"):
        predict_masks(segmenter, [], work_dir=tmp_path / "work")


def test_a_case_without_prediction_is_named(tmp_path, segmenter, write_pair):
    entries = [write_pair(tmp_path, "a")]
    with pytest.raises(FileNotFoundError, match=r"1 of 1 cases, such as a: looked in .*segmenter_output"):
        predict_masks(segmenter, entries, work_dir=tmp_path / "work", overrides={"run": ["$None"]})


def test_two_predictions_of_a_case_are_refused(tmp_path, segmenter, write_pair):
    config = yaml.safe_load((segmenter / "configs" / "inference.yaml").read_text())
    transforms = config["postprocessing"]["transforms"]
    transforms.append({**transforms[-1], "output_postfix": "again"})
    overrides = {"postprocessing::transforms": transforms}
    with pytest.raises(ValueError, match=r"several files for 1 cases.*a_again.*a_trans"):
        predict_masks(segmenter, [write_pair(tmp_path, "a")], work_dir=tmp_path / "work", overrides=overrides)
