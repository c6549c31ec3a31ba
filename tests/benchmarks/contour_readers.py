"""How far libraries that turn RTSTRUCT contours into masks agree with a publisher's masks, and with known shapes.

    python tests/benchmarks/contour_readers.py --data /data/sarcoma --work output/readers

`--data` holds `dicom/CASE/{image,mask/RS.dcm}` and `truth/CASE/CT_mask.nii.gz`, as IBSI published them
(github.com/theibsi/data_sets, ibsi_validation). Each library runs in an environment of its own, which is made below
`--work` from pinned packages. Surface distance is the mean over both surfaces. The shapes are drawn on a CT that is not
square; of each of them the table says how many voxels are missing and how many too many, by the rule that a voxel
belongs to a structure if its centre does. Prints two Markdown tables.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

ROI = "GTV_Mass_CT"
# reader: packages, and a program that leaves `mask` (slices, rows, columns), the lowest slice first
READERS = {
    "plastimatch 1.10.0": (
        "plastimatch==1.10.0 SimpleITK==2.5.7 numpy==2.4.6",
        """
import subprocess, tempfile, glob, SimpleITK as sitk
out = tempfile.mkdtemp()
program = sys.executable.replace("python", "plastimatch")
subprocess.run([program, "convert", "--input", rs, "--referenced-ct", ct, "--output-prefix", out, "--prefix-format",
                "mha"], check=True, stdout=subprocess.DEVNULL)
mask = sitk.GetArrayFromImage(sitk.ReadImage(glob.glob(out + "/*.mha")[0]))
""",
    ),
    "MIRP 2.7.0": (
        "mirp==2.7.0",
        """
from mirp import extract_images
for _, masks in extract_images(image=ct, mask=rs, roi_name=roi, image_export_format="native", write_images=False):
    mask = masks[0].roi.get_voxel_grid()
""",
    ),
    "rt-utils 1.2.7": (
        "rt-utils==1.2.7 pydicom==3.0.2 opencv-python==5.0.0.93 numpy==2.4.6",
        """
from rt_utils import RTStructBuilder, rtstruct_builder
rtstruct_builder.warnings = warnings  # that it warns with, and does not import
mask = RTStructBuilder.create_from(ct, rs, warn_only=True).get_roi_mask_by_name(roi).transpose(2, 0, 1)
""",
    ),
    "DicomRTTool 6.2.0": (
        "dicomrttool==6.2.0",
        """
from DicomRTTool.ReaderWriter import DicomReaderWriter
import os
reader = DicomReaderWriter(Contour_Names=[roi.lower()], verbose=False)
reader.walk_through_folders(os.path.dirname(ct))
reader.get_mask()
mask = reader.mask
""",
    ),
    "platipy 0.7.2": (
        "platipy==0.7.2",
        """
import tempfile, glob, SimpleITK as sitk
from platipy.dicom.io.rtstruct_to_nifti import convert_rtstruct
out = tempfile.mkdtemp()
convert_rtstruct(ct, rs, prefix="", output_dir=out)
mask = sitk.GetArrayFromImage(sitk.ReadImage(glob.glob(out + "/*.nii.gz")[0]))
""",
    ),
    "med-imagetools 2.16.0": (
        "med-imagetools==2.16.0",
        """
import SimpleITK as sitk
from imgtools.coretypes.base_medimage import MedImage
from imgtools.coretypes.masktypes.structureset import RTStructureSet
names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(ct)
image = MedImage(sitk.ReadImage(names))
mask = RTStructureSet.from_dicom(rs).get_mask_ndarray(image, roi, (*image.GetSize()[::-1], 1))
""",
    ),
}
RUN = """
import sys, warnings, logging, numpy as np
warnings.simplefilter("ignore"); logging.disable()
ct, rs, roi, to = sys.argv[1:]
{body}
np.save(to, np.asarray(mask) > 0)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=ROOT / "output" / "contour_readers")
    parser.add_argument("--readers", nargs="*", default=["this project", *READERS])
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    truths = {path.name: read_truth(path / "CT_mask.nii.gz") for path in sorted((options.data / "truth").iterdir())}
    shapes = write_shapes(options.work / "shapes")
    print("| reader | case | Dice | volume, mL | against truth | surface distance, mm | HD95, mm |")
    print("|---|---|---|---|---|---|---|")
    found: dict[str, dict[str, str]] = {}
    for reader in options.readers:
        for case, (truth, spacing) in truths.items():
            folder = options.data / "dicom" / case
            mask = read(reader, folder / "image", folder / "mask" / "RS.dcm", ROI, options.work)
            print(f"| {reader} | {case} | {compare(mask, truth, spacing)} |", flush=True)
        found[reader] = {}
        for shape, truth in shapes.items():
            folder = options.work / "shapes" / shape
            mask = read(reader, folder / "image", folder / "RS.dcm", ROI, options.work)
            found[reader][shape] = difference(mask, truth)
    print(f"\n| reader | {' | '.join(shapes)} |\n|---|{'---|' * len(shapes)}")
    for reader, cells in found.items():
        print(f"| {reader} | {' | '.join(cells.values())} |")


def read_truth(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mask (slices, rows, columns) and spacing along these, mm."""
    import nibabel as nib

    volume = nib.load(path)
    return np.asarray(volume.dataobj).T > 0, np.abs(np.diag(volume.affine)[:3])[::-1]


def read(reader: str, ct: Path, rs: Path, roi: str, work: Path) -> np.ndarray | str:
    """What a reader makes of a structure, or what it says instead."""
    if reader == "this project":
        return own_mask(ct, rs, roi)
    packages, body = READERS[reader]
    python = work / reader.replace(" ", "_") / "bin" / "python"
    if not python.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *packages.split()], check=True)
    to = work / "mask.npy"
    to.unlink(missing_ok=True)
    words = [python, "-W", "ignore", "-c", RUN.format(body=body), ct, rs, roi, to]
    run = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    return np.load(to) if to.is_file() else (run.stderr.strip().splitlines() or ["nothing"])[-1][:80]


def own_mask(ct: Path, rs: Path, roi: str) -> np.ndarray | str:
    """What this project makes of it."""
    from common.data.dicom.ct_series import CtSeries
    from common.data.dicom.files import find_dicom
    from common.data.dicom.rtstruct import RtStruct

    try:
        return RtStruct(rs).mask(roi, CtSeries.of(find_dicom(ct).headers))
    except ValueError as error:
        return str(error)[:80]


def compare(mask: np.ndarray | str, truth: np.ndarray, spacing: np.ndarray) -> str:
    """Cells of the first table."""
    if isinstance(mask, str) or mask.shape != truth.shape:
        return f"{mask if isinstance(mask, str) else f'shape {mask.shape}, expected {truth.shape}'} | | | |"
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    volume = np.prod(spacing) / 1000
    dice = 2 * (mask & truth).sum() / (mask.sum() + truth.sum())
    pair = [torch.from_numpy(each[None, None]) for each in (mask, truth)]
    more = {"include_background": True, "spacing": spacing.tolist()}
    surface = compute_average_surface_distance(*pair, symmetric=True, **more).item()
    hd95 = compute_hausdorff_distance(*pair, percentile=95, **more).item()
    change = mask.sum() / truth.sum() - 1
    return f"{dice:.4f} | {mask.sum() * volume:.2f} | {change:+.1%} | {surface:.3f} | {hd95:.2f}"


def difference(mask: np.ndarray | str, truth: np.ndarray) -> str:
    """A cell of the second table."""
    if isinstance(mask, str) or mask.shape != truth.shape:
        return f"{mask}" if isinstance(mask, str) else f"shape {mask.shape}"
    missing, more = int((truth & ~mask).sum()), int((mask & ~truth).sum())
    return "exact" if missing == more == 0 else f"-{missing} +{more} of {int(truth.sum())}"


def write_shapes(folder: Path) -> dict[str, np.ndarray]:
    """Shapes on a CT of 6 slices, 24 rows, 32 columns, 1 mm by 1 mm by 3 mm, and the voxels whose centres they hold."""
    from tests.common.data.dicom.dicom_files import save_ct, save_rtstruct

    outer, inner = box(4.6, 5.6, 15.4, 20.4), box(8.6, 9.6, 11.4, 14.4)
    keyhole = [*outer, outer[0], inner[0], *inner[:0:-1], inner[0]]
    rows, columns = np.mgrid[:24, :32]

    def held(corners: list[tuple[float, float]]) -> np.ndarray:
        (left, top), (right, bottom) = np.min(corners, 0), np.max(corners, 0)
        return (columns > left) & (columns < right) & (rows > top) & (rows < bottom)

    ring = held(outer) ^ held(inner)
    islands = [box(2.6, 3.6, 7.4, 8.4), box(20.6, 12.6, 29.4, 21.4)]
    turned = [(12.0, 3.3), (20.7, 12.0), (12.0, 20.7), (3.3, 12.0)]
    drawn = {
        "hole, two contours": ([outer, inner], ring),
        "hole, keyhole": ([keyhole], ring),
        "two islands": (islands, held(islands[0]) | held(islands[1])),
        "diamond": ([turned], np.abs(columns - 12) + np.abs(rows - 12) < 8.7),
        "one voxel": ([box(15.6, 9.6, 16.4, 10.4)], (columns == 16) & (rows == 10)),
        "beyond column 24": ([box(24.6, 9.6, 29.4, 14.4)], held(box(24.6, 9.6, 29.4, 14.4))),
    }
    truths = {}
    for name, (contours, plane) in drawn.items():
        series = save_ct(folder / name / "image", shape=(6, 24, 32), spacing=(3, 1, 1))
        save_rtstruct(folder / name / "RS.dcm", series, {ROI: [(k, points) for k in (2, 3) for points in contours]})
        truths[name] = np.zeros((6, 24, 32), bool)
        truths[name][2:4] = plane
    return truths


def box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    """Corners, columns and rows."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


if __name__ == "__main__":
    main()
