"""The lesions of the training cases."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.data import MetaTensor
from monai.utils import convert_to_numpy

from ..data.datalist import source_case
from ..data.leakage import LeakageError
from ..data.sized_dataset import SizedDataset
from .lesion_cut import Lesion, cut_lesions
from .lesion_host import Host, Placement


class LesionDonors:
    """Lesions of cases, each case read when it is first asked for; its lesions are kept, not the scan.

    Args:
        cases: Entries; their ids are recorded.
        items: What they become by the deterministic transforms of the training: ``image`` and ``label``, (1, H, W, D).
        spacing: In mm; by default that of each image's affine.
        hu_window: HU that are -1 and 1 in the images; None where these are HU.
        placement: Says what is soft tissue.
        held_out: Case ids that must not be among the donors: the validation fold's and the test cases'.

    Raises:
        LeakageError: A case is held out.
        ValueError: There is no case.
    """

    def __init__(
        self,
        cases: Sequence[Mapping[str, Any]],
        items: SizedDataset,
        *,
        spacing: Sequence[float] | None = None,
        hu_window: Sequence[float] | None = None,
        placement: Placement | None = None,
        held_out: Iterable[str] = (),
    ) -> None:
        self.case_ids = [source_case(case) for case in cases]
        if not self.case_ids:
            raise ValueError("no case can give a lesion: name training cases")
        if found := sorted({*self.case_ids} & {*held_out}):
            raise LeakageError(
                f"{len(found)} held-out cases (validation fold and test cases) would give their lesions to the "
                f"training, such as {found[0]}: name training cases alone"
            )
        self.items = items
        self.spacing, self.hu_window = spacing, hu_window
        self.placement = placement or Placement()
        self._known: dict[int, list[Lesion]] = {}

    def __len__(self) -> int:
        return len(self.case_ids)

    def __getitem__(self, number: int) -> list[Lesion]:
        """Lesions of a case; none where its mask has nothing that can be given away."""
        if number not in self._known:
            self._known[number] = cut_lesions(self.host(self.items[number]), case_id=self.case_ids[number])
        return self._known[number]

    def host(self, item: Mapping[str, Any]) -> Host:
        """Image and mask of an item, whose memory it shares.

        Raises:
            ValueError: Nothing tells the spacing.
        """
        image, label = (convert_to_numpy(item[key])[0] for key in ("image", "label"))
        if self.spacing is None and not isinstance(item["image"], MetaTensor):
            raise ValueError("nothing tells the voxels' size in mm: set spacing, which lesions are measured by")
        spacing = np.asarray(item["image"].pixdim if self.spacing is None else self.spacing, dtype=float)
        tissue = self.placement.tissue
        return Host(image, label, spacing=spacing, hu_window=self.hu_window, tissue=tissue)
