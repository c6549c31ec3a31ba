"""Several trained networks as one."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..data.leakage import LeakageError, seen_cases
from ..networks.model_file import read_model_file, weights_sha256
from ..same_settings import require_same_settings

_OWN = ("roi_size",)  # of one training; another window does not make another network


class SoftmaxEnsemble(nn.Module):
    """Mean of the members' class probabilities: image (B, C, H, W, D) to probabilities (B, K, H, W, D).

    Args:
        network: What all members are built as; its weights are not used.
        checkpoints: Model files, one or several.

    Raises:
        FileNotFoundError: One is not there.
        ValueError: They were trained with different settings, so that no one preprocessing suits them.
    """

    def __init__(self, network: nn.Module, checkpoints: Sequence[str | Path]) -> None:
        super().__init__()
        contents = {str(path): read_model_file(path) for path in checkpoints}
        (first, expected), *others = contents.items()
        for path, content in others:
            require_same_settings(
                content["settings"],
                expected["settings"],
                source=path,
                remedy=f"Only networks of one preprocessing and one set of labels make an ensemble with {first}: "
                "evaluate them one by one.",
                may_differ=_OWN,
            )
        self.members = nn.ModuleList(deepcopy(network) for _ in contents)
        for member, content in zip(self.members, contents.values(), strict=True):
            member.load_state_dict(content["model"])

    def forward(self, x: Tensor) -> Tensor:
        """Probabilities; one member gives its own softmax."""
        return torch.stack([member(x).float().softmax(1) for member in self.members]).mean(0)


def describe_checkpoints(
    checkpoints: Sequence[str | Path], case_ids: Sequence[str], allow_leakage: bool = False
) -> list[dict[str, Any]]:
    """What is scored: ``file``, ``sha256``, ``training`` (as the model file says) and ``leakage`` of each.

    Args:
        checkpoints: Model files.
        case_ids: That they will be scored on.
        allow_leakage: Score cases that one was trained on, with a stamp, instead of refusing.

    Raises:
        LeakageError: One, or the generator of its training pairs, was trained on a case of `case_ids`.
    """
    described = []
    for path in checkpoints:
        training = read_model_file(path)["training"]
        seen = seen_cases(training) & set(case_ids)
        stamp = f"LEAKAGE: {path} was trained on {len(seen)} of the {len(case_ids)} cases to score" if seen else None
        if stamp and not allow_leakage:
            raise LeakageError(
                f"{stamp}. Score cases that it has not seen (--folds testing), or mark the result with "
                "--allow_leakage True"
            )
        stamp = stamp or training.get("leakage")
        described.append({"file": str(path), "sha256": weights_sha256(path), "training": training, "leakage": stamp})
    return described
