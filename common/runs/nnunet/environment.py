"""nnU-Net's commands: where they are, and how one is run."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..workflow_run import require_success, run_process

PLAN, PREPROCESS, TRAIN = "nnUNetv2_plan_and_preprocess", "nnUNetv2_preprocess", "nnUNetv2_train"
PREDICT, ENSEMBLE = "nnUNetv2_predict", "nnUNetv2_ensemble"
COMMANDS = (PLAN, PREPROCESS, TRAIN, PREDICT, ENSEMBLE)


def find_environment(folder: str | Path) -> str:
    """The folder of a virtual environment that nnU-Net's commands lie in.

    Raises:
        FileNotFoundError: They do not; the message says how to get them.
    """
    places = Path(folder) / "bin"
    if missing := [name for name in COMMANDS if not (places / name).is_file()]:
        raise FileNotFoundError(
            f"no {missing[0]} in {places.absolute()}, expected nnU-Net's commands in an environment of its own: run "
            "`make nnunet`, which makes .venv-nnunet (docs/nnunet.md says how in an exported bundle), or name another "
            "with --environment"
        )
    return str(folder)


@dataclass(frozen=True, kw_only=True)
class NnUNet:
    """Runs nnU-Net's commands on data sets, plans and models in folders of one run.

    Attributes:
        environment: Folder of the virtual environment.
        home: Gets ``nnUNet_raw``, ``nnUNet_preprocessed`` and ``nnUNet_results``, and a log of each command.
        trainers: Folder of trainers beside nnU-Net's own.
        device: ``cpu`` or ``cuda``.
        num_workers: Processes that augment, with 0 the training itself; of other work at least one.
    """

    environment: str
    home: Path
    trainers: str
    device: str = "cpu"
    num_workers: int = 2

    def __post_init__(self) -> None:
        find_environment(self.environment)

    @property
    def processes(self) -> str:
        """Number of processes of a command's option."""
        return str(max(1, self.num_workers))

    def variables(self, command: str = TRAIN) -> dict[str, str]:
        """What nnU-Net reads from the environment; its planner takes augmenting processes for threads, 1 or more."""
        home = self.home.absolute()
        folders = {name: str(home / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
        augmenting = str(self.num_workers) if command == TRAIN else self.processes
        workers = {"nnUNet_n_proc_DA": augmenting, "nnUNet_def_n_proc": self.processes}
        return {**folders, **workers, "nnUNet_extTrainer": str(Path(self.trainers).absolute())}

    def run(self, command: str, *options: str, log: str | Path) -> None:
        """Run a command, its output appended to `log`.

        Raises:
            RuntimeError: It failed; the message holds the log's last lines.
        """
        log = Path(log)
        program = Path(self.environment).absolute() / "bin" / command
        environment: Mapping[str, str] = {**os.environ, **self.variables(command)}
        require_success(run_process([str(program), *options], log, environment=environment), command, log)

    @property
    def version(self) -> str:
        """Of nnU-Net, as its environment's package says."""
        packages = sorted(Path(self.environment).glob("lib/python*/site-packages/nnunetv2-*.dist-info"))
        return packages[-1].name.removeprefix("nnunetv2-").removesuffix(".dist-info") if packages else "unknown"
