"""Commands of the bundles as a user types them, at tiny sizes."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Command:
    """A run id of a bundle.

    Attributes:
        bundle: Of it.
        run_id: Of it.
        configs: Names of config files, later ones laid over earlier ones.
        options: Of the command line, right ones.
        end: Whether it works without a start that could be watched for, such as an analysis.
        reads: What of its input may be spoilt: ``list``, ``generated``, ``model``.
    """

    bundle: str
    run_id: str
    configs: tuple[str, ...]
    options: tuple[str, ...] = ()
    end: bool = False
    reads: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Column of the table."""
        return f"{self.bundle} {self.run_id}"

    def arguments(self, *more: str, overlay: str | None = None) -> tuple[str, ...]:
        """Of ``python``, with further options, and a config file laid over all others."""
        files = [f"bundles/{self.bundle}/configs/{name}.yaml" for name in self.configs]
        given = [repr(name) for name in [*files, *([overlay] if overlay else [])]]
        start = ("-m", "monai.bundle", "run", self.run_id, "--config_file", f"[{','.join(given)}]")
        taken = {word for word in more if word.startswith("--")}
        kept = [word for pair in _pairs(self.options) if pair[0] not in taken for word in pair]
        return (*start, *kept, *more)

    @property
    def options_known(self) -> list[str]:
        """Flat keys of its first config, beside those that name components."""
        return [key for key, value in _config(self.bundle, self.configs[0]).items() if not _component(value)]


def _pairs(options: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(options[::2], options[1::2], strict=True))


@cache
def _config(bundle: str, name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "bundles" / bundle / "configs" / f"{name}.yaml").read_text())


def _component(value: Any) -> bool:
    return isinstance(value, dict) and "_target_" in value


_DATA, _OUT, _SET = ("--dataset_dir", "{data}"), ("--output_dir", "{out}"), ("--generated_dir", "{generated}")
_MODEL = ("--checkpoint", "{model}")
COMMANDS = (
    Command("hagan_128", "training", ("train", "smoke"), _DATA + _OUT, reads=("list",)),
    Command("hagan_128", "inferring", ("inference", "smoke"), _OUT + _MODEL, reads=("model",)),
    Command(
        "hagan_128",
        "augmenting",
        ("augmenting",),
        (*_DATA, *_OUT, "--spacing", "[6,6,6]", "--elastic", "False", "--preview_count", "0"),
        end=True,
        reads=("list",),
    ),
    Command("hagan_128", "dataset", ("dataset",), (*_OUT, "--checkpoints", "['{model}']"), reads=("model",)),
    Command("hagan_128", "searching", ("search",), _DATA + _OUT),
    Command("hagan_256", "training", ("train", "smoke"), _DATA + _OUT, reads=("list",)),
    Command("hagan_256", "inferring", ("inference", "smoke"), _OUT + _MODEL, reads=("model",)),
    Command("baseline_gans", "training", ("train", "wgan_gp_3d", "smoke"), _DATA + _OUT, reads=("list",)),
    Command("baseline_gans", "inferring", ("inference", "smoke"), _OUT + _MODEL, reads=("model",)),
    Command("latent_flow", "training", ("train", "smoke"), _DATA + _OUT, reads=("list",)),
    Command("evaluation", "analysing", ("analyse", "smoke"), _DATA + _OUT, end=True, reads=("list",)),
    Command("evaluation", "evaluating", ("evaluate", "smoke"), _DATA + _SET + _OUT, reads=("list", "generated")),
    Command("evaluation", "sanity", ("evaluate", "sanity", "smoke"), _DATA + _OUT, reads=("list",)),
    Command("evaluation", "training", ("train", "smoke"), _DATA + _OUT, reads=("list",)),
    Command("evaluation", "inferring", ("inference", "smoke"), _DATA + _OUT + _MODEL, reads=("list", "model")),
    Command(
        "evaluation",
        "reader_study",
        ("reader_study",),
        (*_DATA, *_SET, *_OUT, "--folds", "all", "--n_real", "2", "--n_generated", "2"),
        reads=("list", "generated"),
    ),
    Command("evaluation", "viewing", ("viewing",), (*_DATA, *_SET, *_OUT), reads=("list", "generated")),
    Command("segresnet_auto3dseg", "training", ("train", "smoke"), _DATA + _OUT, reads=("list",)),
    Command("segresnet_auto3dseg", "inferring", ("inference", "smoke"), _DATA + _OUT + _MODEL, reads=("list", "model")),
    Command("segresnet_auto3dseg", "evaluating", ("evaluate", "smoke"), _DATA + _OUT + _MODEL, reads=("list", "model")),
    Command("segresnet_auto3dseg", "auto3dseg", ("auto3dseg",), _DATA + _OUT),
    Command("segresnet_auto3dseg", "experiment", ("experiment",), _DATA + _OUT + _SET),
)
WITH_SET = Command(  # a training that adds a whole generated set
    "segresnet_auto3dseg",
    "training",
    ("train", "smoke"),
    (*_DATA, *_OUT, *_SET, "--generated_count", "6"),
    reads=("generated",),
)
