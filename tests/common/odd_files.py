"""Valid NIfTI pairs whose geometry or scaling readers take differently: a lesion of 500 HU in a body of 40."""

import nibabel as nib
import numpy as np

AFFINE = np.array([[-2.9296875, 0, 0, 60], [0, 2.9296875, 0, -50], [0, 0, 3.0, 20], [0, 0, 0, 1]])
SHAPE = (40, 36, 24)
LESION = (slice(8, 14), slice(20, 27), slice(5, 10))
HU = 500


def volumes():
    """Image (int16) and mask (uint8)."""
    image, mask = np.full(SHAPE, -1000, np.int16), np.zeros(SHAPE, np.uint8)
    image[4:36, 4:32] = 40
    image[LESION], mask[LESION] = HU, 2
    return image, mask


def plain(array, path):
    nib.save(nib.Nifti1Image(array, AFFINE), path)


def pixdim(array, path, sizes, *, affine=AFFINE, code=1):
    """The sform alone, beside voxel sizes of its own."""
    volume = nib.Nifti1Image(array, None)
    volume.set_sform(affine, code)
    volume.header["pixdim"][1:4] = sizes
    nib.save(volume, path)


def rounded(array, path):
    pixdim(array, path, (2.93, 2.93, 3.0))


def sform_alone(array, path):
    pixdim(array, path, (1, 1, 1))


def tilted(array, path):
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    pixdim(array, path, (2.93, 2.93, 2.5), affine=turn @ AFFINE)


def stale_qform(array, path, *, code=1):
    volume = nib.Nifti1Image(array, AFFINE)
    old = AFFINE.copy()
    old[:3, 3] += 10
    volume.set_sform(AFFINE, code)
    volume.set_qform(np.diag([-1, -1, 1, 1]) @ old, 1)
    nib.save(volume, path)


def sform_of_an_atlas(array, path):
    stale_qform(array, path, code=4)


def no_codes(array, path):
    volume = nib.Nifti1Image(array, None)
    volume.header.set_zooms((2.9296875, 2.9296875, 3.0))
    nib.save(volume, path)


def metres(array, path):
    volume = nib.Nifti1Image(array, np.diag([0.001, 0.001, 0.001, 1]) @ AFFINE)
    volume.header.set_xyzt_units("meter")
    nib.save(volume, path)


def micrometres(array, path):
    volume = nib.Nifti1Image(array, np.diag([1000, 1000, 1000, 1]) @ AFFINE)
    volume.header.set_xyzt_units("micron")
    nib.save(volume, path)


def slope_zero(array, path):
    """A header that scales by 0 and adds -1024; readers that ignore a slope of 0 read the values as stored."""
    plain(array, path)
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([0, -1024], np.float32).tobytes()  # scl_slope, scl_inter
    path.write_bytes(bytes(content))


def fourth_axis(array, path):
    nib.save(nib.Nifti1Image(array[..., None], AFFINE), path)


def nifti_2(array, path):
    nib.save(nib.Nifti2Image(array, AFFINE), path)


def scaled(array, path):
    """Edited as floats and saved with an integer header: nibabel scales it, and whole numbers come back beside it."""
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    nib.save(
        nib.Nifti1Image(array.astype(float) + np.linspace(0, 1e-6, array.size).reshape(array.shape), AFFINE, header),
        path,
    )


# name: how the image is written, how the mask is written, a word of each warning there must be
PAIRS = {
    "plain": (plain, plain, []),
    "rounded pixdim": (rounded, rounded, ["voxel sizes"]),
    "mask by set_sform alone": (plain, sform_alone, ["voxel sizes"]),
    "image by set_sform alone": (sform_alone, plain, ["voxel sizes"]),
    "tilted sform, nominal pixdim": (tilted, tilted, ["voxel sizes"]),
    "stale qform": (stale_qform, plain, ["qform (code 1) differ"]),
    "sform of code 4 beside a qform": (sform_of_an_atlas, sform_of_an_atlas, ["sform (code 4)"]),
    "no codes": (no_codes, no_codes, ["neither sform nor qform"]),
    "metres": (metres, metres, ["in meters"]),
    "micrometres beside mm": (micrometres, plain, ["in microns"]),
    "slope 0, intercept -1024": (slope_zero, plain, ["slope is 0"]),
    "a fourth axis of one": (fourth_axis, plain, []),
    "NIfTI-2": (nifti_2, nifti_2, []),
    "mask that was scaled": (plain, scaled, []),
}


def write_pair(folder, name):
    """Entry of the pair `name`, written into `folder`."""
    entry = {"case_id": name.replace(" ", "_"), "centre": "A"}
    for key, array, write in zip(("image", "label"), volumes(), PAIRS[name], strict=False):
        path = folder / f"{key}.nii"
        write(array, path)
        entry[key] = str(path)
    return entry
