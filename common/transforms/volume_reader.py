"""MONAI's image reader, with the geometry that everything else of this collection reads."""

from collections.abc import Sequence
from typing import Any

from monai.config import PathLike
from monai.data import NibabelReader
from monai.utils import ensure_tuple

from ..data.volume_file import open_volume


class VolumeReader(NibabelReader):
    """Opens files by `open_volume`.

    MONAI 1.6.1's own reader puts the qform, even one without a code, in the place of the sform where the header's voxel
    sizes differ from the sform's by more than about 1e-5: a mask and its image then lie in different places.
    """

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> Any:
        """The opened file, or a list of several."""
        self.filenames = ensure_tuple(data)
        volumes = [open_volume(str(name)) for name in self.filenames]
        return volumes if len(volumes) > 1 else volumes[0]
