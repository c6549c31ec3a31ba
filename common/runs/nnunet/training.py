"""One training by nnU-Net's own commands, in the place of a bundle's ``training``."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ...data.training_mix import TrainingMix
from ...files import file_sha256, read_json, write_csv, write_json
from ...networks.model_file import write_model_file
from ...same_settings import require_same_settings
from ...transforms import LoadCased
from .dataset import NAME as DATASET
from .dataset import NUMBER, write_dataset
from .environment import PLAN, PREPROCESS, TRAIN, NnUNet
from .plan import CONFIGURATION, PlanEdits, edit_plan
from .plan import NAME as PLANS

logger = logging.getLogger(__name__)
TRAINER, FOLD, HOME = "ArmTrainer", "0", "nnunet"
NETWORK = "nnunet"  # what a model file calls it, so that no other network takes its weights
_EPOCH = re.compile(r": Epoch (\d+)\s*$")
_LOSS = re.compile(r": train_loss (\S+)\s*$")


class NnUNetTraining:
    """Data set, plan, preprocessing and training of one arm; started again, it goes on where it was stopped.

    Leaves ``model.pt`` without weights, which says what was trained on and where nnU-Net's checkpoint lies, and
    ``losses.csv`` with nnU-Net's mean training loss of each epoch. The rest, logs included, is in ``nnunet``.

    Args:
        mix: Cases, with the leakage guard passed.
        program: nnU-Net, whose home is ``nnunet`` in `output_dir`.
        edits: Of its plan.
        output_dir: Of this training.
        label_names: Value, as text, to name.
        binary: Join all labels.
        region: ``centre_bounds`` and ``crop`` of real cases.
        validation: How many cases of the fold nnU-Net validates on.
        record: What ``model.pt`` says of the training.

    Raises:
        ValueError: `output_dir` holds a training with other settings.
    """

    def __init__(
        self,
        mix: TrainingMix,
        *,
        program: NnUNet,
        edits: PlanEdits,
        output_dir: str | Path,
        label_names: Mapping[str, str],
        binary: bool,
        region: Mapping[str, Any],
        validation: int,
        record: Mapping[str, Any],
    ) -> None:
        self.mix, self.program, self.edits = mix, program, edits
        self.output_dir = Path(output_dir)
        self.label_names, self.binary, self.region = dict(label_names), binary, dict(region)
        self.validation, self.record = validation, dict(record)

    @property
    def checkpoint(self) -> Path:
        """nnU-Net's model of the last update."""
        return model_folder(self.program.home) / f"fold_{FOLD}" / "checkpoint_final.pth"

    def run(self) -> None:
        """Do what is missing, step by step.

        Raises:
            RuntimeError: A command failed.
        """
        self._require_same()
        home, processes = self.program.home, self.program.processes
        load = LoadCased(("image", "label"), **self.region)
        write_dataset(
            self.mix, home, load=load, label_names=self.label_names, binary=self.binary, validation=self.validation
        )
        prepared = home / "nnUNet_preprocessed" / DATASET
        if not (prepared / f"{PLANS}.json").is_file():
            check = ("-d", str(NUMBER), "--verify_dataset_integrity", "--clean", "--no_pp", "-npfp", processes)
            self.program.run(PLAN, *check, log=home / "plan.log")
            plans = read_json(prepared / "nnUNetPlans.json", remedy="remove the folder", keys=("configurations",))
            write_json(edit_plan(plans, self.edits), prepared / f"{PLANS}.json")
        if not (done := home / "preprocessed").is_file():
            options = ("-d", str(NUMBER), "-plans_name", PLANS, "-c", CONFIGURATION, "-np", processes)
            self.program.run(PREPROCESS, *options, log=home / "preprocess.log")
            done.touch()
        if not self._is_validated():
            self.program.run(TRAIN, *self.train_options(), log=home / "train.log")
        if not self.checkpoint.is_file():
            raise RuntimeError(f"{TRAIN} left no {self.checkpoint}, see {home / 'train.log'}")
        self._write_losses()
        self._write_model()

    def train_options(self) -> list[str]:
        """Options of nnU-Net's training, which goes on where there is a checkpoint of an epoch."""
        options = [str(NUMBER), CONFIGURATION, FOLD, "-tr", TRAINER, "-p", PLANS, "-device", self.program.device]
        names = ("checkpoint_final.pth", "checkpoint_latest.pth", "checkpoint_best.pth")
        going_on = any((self.checkpoint.parent / name).is_file() for name in names)
        return [*options, "--c"] if going_on else options

    def _is_validated(self) -> bool:
        return self.checkpoint.is_file() and (self.checkpoint.parent / "validation" / "summary.json").is_file()

    def _require_same(self) -> None:
        """Refuse a folder of a training with other cases, plan or length."""
        record = {
            "cases": sorted(case["case_id"] for case in self.mix.training),
            "share": self.mix.settings.get("generated_share"),
            "generated_set": self.mix.generated_sha256,
            "plan": {
                key: list(value) if isinstance(value, tuple) else value for key, value in vars(self.edits).items()
            },
            "region": self.region,
            "binary": self.binary,
            "validation": self.validation,
            "nnunet": self.program.version,
        }
        path = self.program.home / "settings.json"
        if path.is_file():
            remedy = f"Repeat its settings, or name another --output_dir than {self.output_dir}."
            require_same_settings(read_json(path, remedy=remedy), record, source=path, remedy=remedy)
        write_json(record, path)

    def _write_losses(self) -> None:
        logs = sorted(self.checkpoint.parent.glob("training_log_*.txt"), key=lambda path: path.stat().st_mtime)
        losses: dict[int, float] = {}
        for log in logs:
            losses |= read_log(log.read_text(errors="replace"))
        rows = [{"step": (epoch + 1) * self.edits.steps, "loss": loss} for epoch, loss in sorted(losses.items())]
        if rows:
            write_csv(rows, self.output_dir / "losses.csv")

    def _write_model(self) -> None:
        settings = {
            "network": NETWORK,
            **self.region,
            "binary_mask": self.binary,
            "label_names": self.label_names,
            "nnunet": self.program.version,
            "checkpoint_sha256": file_sha256(self.checkpoint),
        }
        write_model_file(self.output_dir / "model.pt", nn.Identity(), settings=settings, training=self.record)
        logger.info("nnU-Net %s: %s", self.program.version, self.checkpoint)


def model_folder(home: Path) -> Path:
    """That nnU-Net keeps an arm's model in."""
    return home / "nnUNet_results" / DATASET / f"{TRAINER}__{PLANS}__{CONFIGURATION}"


def read_log(text: str) -> dict[int, float]:
    """Mean training loss of each epoch, from a training's log; of an epoch that was run again the last one."""
    found: dict[int, float] = {}
    epoch = None
    for line in text.splitlines():
        if match := _EPOCH.search(line):
            epoch = int(match[1])
        elif epoch is not None and (match := _LOSS.search(line)):
            found[epoch] = float(match[1])
    return found
