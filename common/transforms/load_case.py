"""From the files of a case to volumes that can be compared: one orientation, the head and neck alone, one spacing."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any
from warnings import catch_warnings, filterwarnings

from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, LoadImaged, MapTransform, Orientationd
from monai.transforms.utils import allow_missing_keys_mode
from monai.utils import convert_to_dst_type

from ..data.label_map import to_classes
from ..data.volume_file import whole_numbers
from .centre_crop import Bounds, CentreBoundsCropd, Fallback
from .spacing_of_keys import SpacingOfKeysd
from .volume_reader import VolumeReader


class LoadCased(MapTransform, InvertibleTransform):
    """Paths to volumes (1, H, W, D) in RAS, cropped and resampled (thesis 3.4.3); the inverse gives the file's grid.

    The steps: MONAI's `LoadImaged` with our `VolumeReader`, `Orientationd`, our `CentreBoundsCropd`, and `Spacingd`,
    images bilinear, all other keys nearest. An entry with ``cropped`` true is not cropped again. Masks hold whole
    numbers, see `common.data.volume_file.read_mask`; they come out as classes 0 … n - 1, see `common.data.label_map`,
    where the entry has ``label_values``. Items that hold volumes already, with their affine, are not read.

    Args:
        keys: Items that hold paths, or all of them MetaTensors (1, H, W, D) as a file's voxels are.
        spacing: In mm; None keeps each case's own.
        centre_bounds: See `CentreBoundsCrop`.
        crop: Where they say nothing; see `CentreBoundsCrop`.
        image_key: The image, in HU, that the crop is found on.
        allow_missing_keys: Leave out keys that are absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        spacing: Sequence[float] | None = None,
        centre_bounds: Mapping[str, Bounds] | None = None,
        crop: Fallback = "body",
        image_key: str = "image",
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.image_key = image_key
        with catch_warnings():  # wherever pydicom is installed, MONAI warns that a GPU's DICOM decoder is not
            filterwarnings("ignore", "NvImgCodecPydicomReader")
            # as stored, mostly in two bytes or one a voxel: what a crop cuts off never becomes a float
            self.load = LoadImaged(keys, dtype=None, ensure_channel_first=True, allow_missing_keys=allow_missing_keys)
        self.steps: list[MapTransform] = [
            Orientationd(keys, axcodes="RAS", labels=None, allow_missing_keys=allow_missing_keys),
            CentreBoundsCropd(
                keys,
                centre_bounds,
                default=crop,
                source_key=image_key if image_key in self.keys else str(self.keys[0]),  # masks alone have no body's box
                allow_missing_keys=allow_missing_keys,
            ),
        ]
        if spacing is not None:
            modes = ["bilinear" if key == image_key else "nearest" for key in self.keys]
            self.steps.append(SpacingOfKeysd(keys, pixdim=spacing, mode=modes, allow_missing_keys=allow_missing_keys))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Read, turn, crop and resample each key.

        Raises:
            ValueError: A mask holds something else than whole numbers, or than the entry's ``label_values``.
        """
        values = data.get("label_values")
        if all(isinstance(data[key], MetaTensor) for key in self.key_iterator(data)):
            read = dict(data)
        else:
            read = self.load(data, reader=VolumeReader())  # here: of one given to LoadImaged it passes over failures
        for key in self.key_iterator(read):
            if key != self.image_key:
                path = read[key].meta.get("filename_or_obj", data.get("case_id"))
                mask = read[key].numpy()
                mask = to_classes(whole_numbers(mask, path=path) if mask.dtype.kind == "f" else mask, values, path=path)
                read[key] = convert_to_dst_type(mask, read[key])[0]
        for step in self.steps:
            read = step(read)
        return {**read, **{key: read[key].float() for key in self.key_iterator(read)}}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Each key that is there, back to the grid of its file."""
        with allow_missing_keys_mode(tuple(self.steps)):  # type: ignore[arg-type] # takes a tuple of any length
            for step in reversed(self.steps):
                data = step.inverse(data) if isinstance(step, InvertibleTransform) else data
        return dict(data)
