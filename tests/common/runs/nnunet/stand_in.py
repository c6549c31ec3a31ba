"""Commands with nnU-Net's names and options, which write what a plan, a training and a prediction leave: no network."""

import json
import os
import sys
from pathlib import Path

COMMANDS = ("plan_and_preprocess", "preprocess", "train", "predict", "ensemble")
DATASET = "Dataset501_arm"
PLAN = {
    "batch_size": 9,
    "patch_size": [4, 8, 8],
    "spacing": [4.0, 2.0, 2.0],
    "architecture": {"arch_kwargs": {"n_stages": 3, "features_per_stage": [32, 64, 128]}},
}


def make_environment(folder):
    """A folder with stand-ins for nnU-Net's commands, each of which notes its options in ``calls.jsonl``."""
    (folder / "bin").mkdir(parents=True)
    for name in COMMANDS:
        script = folder / "bin" / f"nnUNetv2_{name}"
        script.write_text(f"#!{sys.executable}\nimport runpy\nrunpy.run_path({str(Path(__file__))!r})['main']()\n")
        script.chmod(0o755)
    (folder / "lib" / "python3.11" / "site-packages" / "nnunetv2-9.9.9.dist-info").mkdir(parents=True)
    return folder


def calls(folder):
    """Command and options of each call, in order."""
    path = folder / "calls.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def main():
    command, options = Path(sys.argv[0]).name.removeprefix("nnUNetv2_"), sys.argv[1:]
    with (Path(sys.argv[0]).parents[1] / "calls.jsonl").open("a") as file:
        file.write(json.dumps([command, options]) + "\n")
    {"plan_and_preprocess": plan, "train": train, "predict": predict, "ensemble": join}.get(command, print)(options)


def place(name):
    return Path(os.environ[f"nnUNet_{name}"]) / DATASET


def plan(_):
    content = {"plans_name": "nnUNetPlans", "transpose_forward": [0, 1, 2], "transpose_backward": [0, 1, 2]}
    assert json.loads((place("raw") / "dataset.json").read_text())["file_ending"] == ".nii.gz"
    place("preprocessed").mkdir(parents=True, exist_ok=True)
    plans = json.dumps({**content, "configurations": {"3d_fullres": PLAN}})
    (place("preprocessed") / "nnUNetPlans.json").write_text(plans)


def train(options):
    length = json.loads((place("preprocessed") / "armPlans.json").read_text())["length"]
    fold = place("results") / "ArmTrainer__armPlans__3d_fullres" / "fold_0"
    (fold / "validation").mkdir(parents=True, exist_ok=True)
    begun = 1 if "--c" in options else 0
    lines = [
        line
        for epoch in range(begun, length["epochs"])
        for line in (f"2026-01-01 00:00:00.0: Epoch {epoch} ", f"2026-01-01 00:00:00.0: train_loss {-0.25 * epoch} ")
    ]
    (fold / f"training_log_{begun}.txt").write_text("\n".join(lines[: 2 if "STAND_IN_STOPS" in os.environ else None]))
    (fold / "checkpoint_latest.pth").write_text("weights")
    if "STAND_IN_STOPS" in os.environ:
        sys.exit("out of memory")
    (fold / "checkpoint_final.pth").write_text("weights")
    (fold / "validation" / "summary.json").write_text("{}")


def predict(options):
    """Bright voxels are foreground."""
    import nibabel as nib
    import numpy as np

    images, output = (Path(options[options.index(flag) + 1]) for flag in ("-i", "-o"))
    output.mkdir(parents=True, exist_ok=True)
    for path in images.glob("*_0000.nii.gz"):
        image = nib.load(path)
        mask = (np.asarray(image.dataobj) > 0).astype(np.uint8)
        nib.save(nib.Nifti1Image(mask, image.affine), output / path.name.replace("_0000", ""))


def join(options):
    import shutil

    shutil.copytree(options[options.index("-i") + 1], options[options.index("-o") + 1])
