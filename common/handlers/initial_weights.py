"""A training that starts from the weights of another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from ..data.leakage import check_initial_weights
from ..networks.model_file import read_model_file, weights_sha256
from ..same_settings import require_same_settings


class InitialWeights:
    """Loads a model file when a training starts; attach it before the checkpoint, which takes its place on resuming.

    Args:
        path: A model.pt of a training with the same settings.
        network: Not wrapped for several devices.
        settings: Of this training, as its own model file will have them.
        held_out: Case ids that neither training may have seen.
        allow_leakage: See `check_initial_weights`.
        may_differ: Names of settings that the two need not share.

    Raises:
        FileNotFoundError: There is none (when built: before any training).
        ValueError: Its settings are others.
        LeakageError: It was trained on a held-out case.
    """

    def __init__(
        self,
        path: str | Path,
        network: nn.Module,
        *,
        settings: Mapping[str, Any],
        held_out: Sequence[str] = (),
        allow_leakage: bool = False,
        may_differ: Sequence[str] = ("roi_size",),
    ) -> None:
        self.path = Path(path)
        self.network = network
        content = read_model_file(path)
        self.training = content["training"]
        remedy = "Train with those it was made with, or start from another file with --init_from."
        require_same_settings(content["settings"], settings, source=path, remedy=remedy, may_differ=may_differ)
        self.leakage = check_initial_weights(self.training, path=path, held_out=held_out, allow_leakage=allow_leakage)

    def attach(self, engine: Engine) -> None:
        """Load at the start."""
        engine.add_event_handler(Events.STARTED, self.load)

    def load(self, engine: Engine) -> None:
        """Put the weights into the network."""
        self.loaded()

    def loaded(self) -> nn.Module:
        """The network with the weights, for one that is copied before the training starts, as for a moving average."""
        self.network.load_state_dict(read_model_file(self.path)["model"])
        return self.network


def with_initial(record: Mapping[str, Any], initial: InitialWeights | None) -> dict[str, Any]:
    """`record` of a training, with that of its initial weights, their cases and their leakage where there are any.

    A model that goes on from this one is thereby judged by the cases of both.
    """
    if initial is None:
        return dict(record)
    before = initial.training
    origin = {"file": initial.path.name, "sha256": weights_sha256(initial.path), "training": dict(before)}
    stamps = [stamp for stamp in (record.get("leakage"), initial.leakage.stamp) if stamp]
    behind = sorted({*record.get("generator_case_ids", ()), *before.get("generator_case_ids", ())})
    case_ids = sorted({*record["case_ids"], *before["case_ids"]})
    generated = record.get("generated") or before.get("generated")
    if generated and generated.get("generator_case_ids") is not None:  # what neither training had
        beyond = len({*generated["generator_case_ids"]} - {*case_ids})
        generated = {**generated, "generator_cases_beyond_real": beyond}
    return {
        **record,
        **({"generator_case_ids": behind} if behind else {}),
        "case_ids": case_ids,
        "generated": generated,
        "leakage": "; ".join(stamps) or None,
        "init_from": origin,
    }
