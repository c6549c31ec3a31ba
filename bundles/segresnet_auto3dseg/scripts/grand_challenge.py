"""The segmenter under the contract of HECKTOR on grand-challenge: a CT as .mha in, `output.mha` on its grid out.

    python -m bundles.segresnet_auto3dseg.scripts.grand_challenge --input /input/images/ct --output /output/images/mask

From the root of an exported bundle it is ``python -m scripts.grand_challenge``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .infer import InferClass

ROOT = Path(__file__).resolve().parents[1]


def main(command: Sequence[str] | None = None) -> None:
    """Segment the only volume of a folder, or one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, default=Path("/input/images/ct"), help="folder with one CT, or the file")
    parser.add_argument("--output", type=Path, default=Path("/output/images/mask"), help="folder of output.mha")
    parser.add_argument("--checkpoint", type=Path, default=ROOT / "models" / "model.pt", help="model.pt of a training")
    options = parser.parse_args(command)
    try:
        segment(options.input, options.output, options.checkpoint)
    except (ValueError, OSError, RuntimeError) as error:
        parser.exit(1, f"error: {error}\n")


def segment(source: Path, output: Path, checkpoint: Path) -> Path:
    """Write ``output.mha``: label values of the checkpoint (uint8), on the grid of the CT at `source`.

    Raises:
        FileNotFoundError: There is no CT, or no checkpoint.
        ValueError: There are several, or one is no volume.
        RuntimeError: SimpleITK is not installed.
    """
    inferer = InferClass(ROOT, checkpoint)  # its config finds `common`
    from common.data.label_map import ordered_values, to_values
    from common.data.nifti_files import image_cases
    from common.files import replacing
    from common.networks.model_file import read_settings
    from common.optional_packages import optional_package

    sitk = optional_package("SimpleITK", needed_for="writing output.mha")
    cases = image_cases(source)
    if len(cases) != 1:
        names = ", ".join(case["case_id"] for case in cases[:5])
        raise ValueError(f"{source} holds {len(cases)} volumes ({names}), expected one CT: name a file with --input")
    image = cases[0]["image"]
    classes = inferer.infer(image).argmax(0).cpu().numpy().astype(np.uint8)
    values = ordered_values(read_settings(checkpoint)["label_names"])
    mask = sitk.GetImageFromArray(np.ascontiguousarray(to_values(classes, values).transpose(2, 1, 0).astype(np.uint8)))
    mask.CopyInformation(sitk.ReadImage(image))
    with replacing(output / "output.mha") as temporary:
        sitk.WriteImage(mask, str(temporary), True)  # compressed
    return output / "output.mha"


if __name__ == "__main__":
    main()
