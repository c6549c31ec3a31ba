#!/usr/bin/env bash
# nnU-Net trains on volumes as they are stored: two orientations in one data set are mirrored to each other, unnoticed.
#
# Versions: nnunetv2 2.8.1, SimpleITK 2.5.7, torch 2.13.0.
# Input:    one head twice in nnU-Net's raw format, once stored from right to left and once from left to right; each file
#           says so in its header, and the two show the same voxel at the same place of the patient.
# Guess:    the integrity check refuses or names the mixture, or reading turns the volumes alike, as the Orientationd of
#           MONAI's Auto3DSeg does.
# Came:     the check that `nnUNetv2_plan_and_preprocess --verify_dataset_integrity` makes passes, for image and mask
#           agree. The arrays that the preprocessing gets are mirrored to each other: the patient's left is on one side
#           in one case and on the other side in the other. A network for labels that mean a side learns both.
# Seen:     integrity verified; the bright voxel lies at x -5.0 mm in both, and at index 2 of 16 in head_001, 13 in head_002
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq torch==2.13.0 SimpleITK==2.5.7 numpy==2.4.6 pandas==3.1.1 batchgenerators==0.25.5 \
    acvl-utils==0.2.6 tqdm==4.70.1 nibabel==5.4.2 tifffile==2026.3.3
"$work/venv/bin/pip" install -qq --no-deps nnunetv2==2.8.1
cd "$work"
export nnUNet_raw=$work/raw nnUNet_preprocessed=$work/preprocessed nnUNet_results=$work/results
cat > check.py <<'PY'
import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

if __name__ == "__main__":  # nnU-Net spawns processes
    folder = Path("raw/Dataset501_Head")
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    ct = np.full((8, 12, 16), -1000, np.int16)
    ct[2:6, 2:10, 2:14] = 40
    ct[4, 6, 2] = 1000
    image = sitk.GetImageFromArray(ct)
    image.SetOrigin((-7, 0, 0))
    for name, volume in (("head_001", image), ("head_002", sitk.Flip(image, [True, False, False]))):
        sitk.WriteImage(volume, str(folder / "imagesTr" / f"{name}_0000.nii.gz"))
        sitk.WriteImage(sitk.Cast(volume > 500, sitk.sitkUInt8), str(folder / "labelsTr" / f"{name}.nii.gz"))
    content = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "tumour": 1}, "numTraining": 2, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(content))
    verify_dataset_integrity(str(folder), num_processes=1)
    places, indices = [], []
    for name in ("head_001", "head_002"):
        path = str(folder / "imagesTr" / f"{name}_0000.nii.gz")
        array, _ = SimpleITKIO().read_images([path])
        index = [int(i[0]) for i in np.where(array[0] == 1000)]
        indices.append(index[2])
        places.append(sitk.ReadImage(path).TransformIndexToPhysicalPoint(index[::-1])[0])
    print("x in mm", places, "index", indices, "of", array.shape[3])
    assert places == [-5.0, -5.0] and indices == [2, 13]
PY
venv/bin/python -W ignore check.py
