"""Prepared data as studies of a MONAI Label server."""

import pytest

from common.data.cli import main
from common.data.datalist import write_datalist


@pytest.fixture
def prepared(tmp_path):
    """Folder of a training and a test case, whose files are texts."""
    entries = {}
    for name in ("train", "test"):
        for folder in ("images", "labels"):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / folder / f"{name}.nii.gz").write_text(f"{folder} of {name}")
        paths = {"image": f"images/{name}.nii.gz", "label": f"labels/{name}.nii.gz"}
        entries[name] = {"case_id": name, "centre": "here", "fold": 0, **paths}
    datalist = {"training": [entries["train"]], "testing": [entries["test"]], "labels": {"0": "air", "1": "lesion"}}
    write_datalist(datalist, tmp_path / "data" / "datalist.json")
    return tmp_path / "data"


def test_test_cases_are_left_to_label_and_labels_of_the_user_stay(prepared, tmp_path):
    studies = tmp_path / "studies"
    command = ["studies", "--dataset_dir", str(prepared), "--output", str(studies)]
    main(command)
    assert sorted(path.name for path in studies.glob("*.nii.gz")) == ["test.nii.gz", "train.nii.gz"]
    assert (studies / "test.nii.gz").read_text() == "images of test"
    mask = studies / "labels" / "final" / "train.nii.gz"
    assert list(mask.parent.iterdir()) == [mask] and mask.read_text() == "labels of train"
    mask.write_text("corrected")
    main(command)
    assert mask.read_text() == "corrected"
    assert (prepared / "labels" / "train.nii.gz").read_text() == "labels of train"
