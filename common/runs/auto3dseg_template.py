"""The algorithm that Auto3DSeg trains: a bundle as its template, or MONAI's own."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from monai.apps.auto3dseg import AutoRunner

from ..options.ahead import require_ahead

Source = Literal["ours", "monai"]
_OF_PAIRS = ("generated_dir", "generated_count", "use_real", "allow_leakage", "declared")
_MONAI_NAMES = {  # ours -> those of MONAI's templates
    "max_epochs": "num_epochs",
    "val_interval": "num_epochs_per_validation",
    "batch_size": "num_images_per_batch",
}
_PREDICTION = ("overlap", "amp")  # settings that hold for the ensemble's inference too
_PARTS = ("configs", "scripts", "docs", "common")  # of a bundle; an exported one has `common`, a checkout's a link


@dataclass
class AlgorithmTemplate:
    """The template, and the settings that every fold's training gets of us.

    Attributes:
        bundle_root: Bundle that is the template.
        name: Of the algorithm, whatever the bundle's folder is called; MONAI derives the class's name from it.
        source: ``ours``, or ``monai`` to download MONAI's own ``segresnet`` template.
        settings: Flat keys of the bundle's ``train.yaml``, and ``memory_gb``; they win over the data analysis, None
            leaves it the choice. MONAI's template takes ``max_epochs``, ``val_interval`` and ``batch_size`` of them.

    Raises:
        ValueError: There is no such source, or ``train.yaml`` has no such key or takes no such value.
    """

    bundle_root: str | Path
    name: str = "segresnet_auto3dseg"
    source: Source = "ours"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.source not in get_args(Source):
            raise ValueError(f"templates {self.source}: expected {'|'.join(get_args(Source))}")
        self.settings = {key: value for key, value in self.settings.items() if value is not None}
        if self.source == "monai" and (given := {key: self.settings[key] for key in _OF_PAIRS if key in self.settings}):
            raise ValueError(
                f"templates is monai, and {given} was given: expected none of {', '.join(_OF_PAIRS)}, as "
                "MONAI's template knows real cases alone; leave them out, or take --templates ours"
            )
        ours = {key: value for key, value in self.settings.items() if key != "memory_gb"}
        train = Path(self.bundle_root) / "configs" / "train.yaml"
        if self.source == "ours":
            require_ahead([("training of a fold", [train], ours)])

    def runner(self, data: Mapping[str, str], work_dir: Path) -> AutoRunner:
        """`AutoRunner` of this algorithm, with the settings.

        Args:
            data: What its ``input`` says of the data.
            work_dir: Gets a copy of our template.
        """
        if self.source == "monai":
            runner = AutoRunner(work_dir=str(work_dir), input=dict(data), algos="segresnet")
            params = {_MONAI_NAMES[key]: value for key, value in self.settings.items() if key in _MONAI_NAMES}
            return runner.set_training_params(params)
        templates = self._copy(work_dir / "algorithm_templates")
        given = {**self.settings, **data}
        runner = AutoRunner(str(work_dir), given, algos=self.name, templates_path_or_url=str(templates))
        return runner.set_prediction_params({key: self.settings[key] for key in _PREDICTION if key in self.settings})

    def _copy(self, folder: Path) -> Path:
        """What the bundle consists of: `AutoRunner` would copy the folder that it lies in, with all outputs."""
        for part in _PARTS:
            if (source := Path(self.bundle_root) / part).is_dir() and not source.is_symlink():
                shutil.rmtree(folder / self.name / part, ignore_errors=True)
                shutil.copytree(source, folder / self.name / part, ignore=shutil.ignore_patterns("__pycache__"))
        return folder
