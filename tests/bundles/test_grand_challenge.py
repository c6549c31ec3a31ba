"""The segmenter as grand-challenge calls it: a CT as .mha in, output.mha on its grid out."""

import numpy as np
import pytest
import SimpleITK as sitk

from bundles.segresnet_auto3dseg.scripts.grand_challenge import ROOT, main


@pytest.fixture
def ct(tmp_path):
    """A body on a grid of its own: turned, moved, with voxels of unequal edges."""
    hu = np.full((48, 40, 32), -1000)
    hu[8:40, 8:32] = 40
    image = sitk.GetImageFromArray(hu.transpose(2, 1, 0).astype(np.int16))
    image.SetSpacing((4.0, 5.0, 7.0))
    image.SetOrigin((-90.0, 120.5, -300.0))
    image.SetDirection((0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    folder = tmp_path / "input" / "images" / "ct"
    folder.mkdir(parents=True)
    sitk.WriteImage(image, str(folder / "some-uuid.mha"))
    return image, folder


def test_the_mask_lies_on_the_ct_and_holds_label_values(ct, tmp_path):
    image, folder = ct
    main(["--input", str(folder), "--output", str(tmp_path / "out")])
    mask = sitk.ReadImage(str(tmp_path / "out" / "output.mha"))
    assert mask.GetPixelID() == sitk.sitkUInt8 and mask.GetNumberOfComponentsPerPixel() == 1
    for of in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(mask, of)() == getattr(image, of)()
    assert set(np.unique(sitk.GetArrayFromImage(mask))) <= {0, 1, 2}


def test_what_is_no_single_ct_ends_in_one_line(ct, tmp_path, capsys):
    image, folder = ct
    sitk.WriteImage(image, str(folder / "another.mha"))
    for words, message in (
        (["--input", str(folder)], "holds 2 volumes (another, some-uuid), expected one CT"),
        (["--input", str(tmp_path / "no")], "there is no"),
        (["--input", str(folder), "--checkpoint", str(tmp_path / "no.pt")], "no.pt"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*words, "--output", str(tmp_path / "out")])
        said = capsys.readouterr().err
        assert stop.value.code == 1 and said.startswith("error: ") and message in said
    assert not (tmp_path / "out").exists() and (ROOT / "configs").is_dir()
