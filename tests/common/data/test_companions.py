"""Further volumes of a case."""

import pytest

from common.data.companions import add_companion


def test_files_are_found_by_the_images_name(tmp_path):
    (tmp_path / "a.nii.gz").touch()
    cases = add_companion([{"case_id": "a", "image": "/data/images/a.nii.gz"}], key="organs", directory=tmp_path)
    assert cases == [{"case_id": "a", "image": "/data/images/a.nii.gz", "organs": str(tmp_path / "a.nii.gz")}]


def test_missing_files_are_named_before_anything_is_read(tmp_path):
    cases = [{"case_id": name, "image": f"/data/{name}.nii.gz"} for name in "ab"]
    with pytest.raises(FileNotFoundError, match=r"2 of 2 cases have no organs, such as .*a\.nii\.gz"):
        add_companion(cases, key="organs", directory=tmp_path)
