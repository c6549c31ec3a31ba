"""Inference of one trained fold inside an ensemble: probabilities on the image's own grid."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor, decollate_batch, list_data_collate
from monai.transforms import Invertd

OVERRIDES = ("overlap", "amp", "device")
FILLED = "filled.yaml"  # what `fill_template_config` leaves


class InferClass:
    """Predicts with the network, preprocessing and inferer of the bundle's ``inference.yaml``.

    Args:
        bundle_dir: Of the trained fold.
        checkpoint: Its ``model.pt``.
        overrides: Flat keys of ``inference.yaml``, such as ``overlap``; `OVERRIDES` are heard, others are left to
            MONAI, which hands over options of the whole ensemble.
    """

    def __init__(self, bundle_dir: str | Path, checkpoint: str | Path, **overrides: Any) -> None:
        bundle_dir = Path(bundle_dir)
        parser = ConfigParser()
        parser.read_config(bundle_dir / "configs" / "inference.yaml")
        if (metadata := bundle_dir / "configs" / "metadata.json").is_file():
            parser.read_meta(metadata)
        heard = {key: value for key, value in overrides.items() if key in OVERRIDES}
        parser.update({"bundle_root": str(bundle_dir), "checkpoint": str(checkpoint), **heard})
        self.cropped = _is_cropped(bundle_dir / "configs" / FILLED)
        self.device = parser.get_parsed_content("device")
        self.network = parser.get_parsed_content("network").to(self.device).eval()
        from common.networks.model_file import read_model_file  # the config has found the package

        self.network.load_state_dict(read_model_file(checkpoint)["model"])  # the workflow does so in a handler
        self.preprocessing = parser.get_parsed_content("preprocessing")
        self.inferer = parser.get_parsed_content("inferer")
        self.invert = Invertd(
            keys="pred", orig_keys="image", transform=self.preprocessing, nearest_interp=False, to_tensor=True
        )

    @torch.no_grad()
    def infer(self, file: str | Mapping[str, Any]) -> MetaTensor:
        """Class probabilities (C, H, W, D) of one image, a path or an entry of the data list."""
        file = file if isinstance(file, Mapping) else {"image": str(file)}
        # MONAI puts the data's folder before every text of a list, the centre's name too
        entry = {"image": file["image"], "centre": Path(file.get("centre", "unknown")).name, "cropped": self.cropped}
        batch = list_data_collate([self.preprocessing(entry)])
        logits = self.inferer(batch["image"].to(self.device), self.network)
        batch["pred"] = torch.softmax(logits.float(), dim=1)
        probabilities = self.invert(decollate_batch(batch)[0])["pred"]
        probabilities[0] = 1 - probabilities[1:].sum(0)  # what was cropped away comes back as zeros: background
        return probabilities


def _is_cropped(filled: Path) -> bool:
    """Whether the data list that the fold was trained on says so of its volumes."""
    datalist = ConfigParser.load_config_file(filled).get("datalist") if filled.is_file() else None
    return bool(datalist and json.loads(Path(datalist).read_text()).get("cropped", False))
