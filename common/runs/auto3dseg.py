"""Auto3DSeg on a data list: MONAI's `AutoRunner` analyses, generates, trains, ensembles; the test cases get scores."""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import nibabel as nib
import numpy as np
import torch
from monai.apps.auto3dseg import AutoRunner
from monai.bundle import ConfigParser

from ..data.datalist import datalist_hash, label_values, read_datalist, select_cases
from ..files import write_csv, write_json
from ..metrics.segmentation import segmentation_scores, summary
from ..same_settings import require_same_settings

logger = logging.getLogger(__name__)
Ensemble = Literal["best_by_fold", "best_n"]
_METHODS = {"best_by_fold": "AlgoEnsembleBestByFold", "best_n": "AlgoEnsembleBestN"}
_RECORD = "settings.json"
_PREDICTION = ("overlap", "amp")  # settings that hold for the ensemble's inference too
_MONAI_NAMES = {  # ours -> those of MONAI's templates
    "max_epochs": "num_epochs",
    "val_interval": "num_epochs_per_validation",
    "batch_size": "num_images_per_batch",
}
_PARTS = ("configs", "scripts", "docs", "common")  # of a bundle; an exported one has `common`
_NOT_COPIED = shutil.ignore_patterns("__pycache__")


class Auto3DSegRun:
    """One pass of `AutoRunner` over a data list; started again, it goes on where it was stopped.

    Leaves in ``output_dir`` what `AutoRunner` does (``datastats.yaml``, a bundle for each fold, ``ensemble_output``),
    and ``cases.csv`` and ``metrics.json`` with the scores of the test cases.

    Args:
        datalist: File in the data list's form; its folds are the folds.
        dataset_dir: Folder that the list's paths are relative to.
        output_dir: `AutoRunner`'s work folder.
        bundle_root: Bundle that is the algorithm template.
        name: Of the algorithm, whatever the bundle's folder is called; MONAI derives the class's name from it.
        num_fold: Folds that are trained, the first ones; None is all of the list.
        ensemble: The best model of each fold, or the `n_best` models.
        n_best: Models of ``best_n``.
        templates: ``ours``, or ``monai`` to download MONAI's own ``segresnet`` template.
        settings: Flat keys of the bundle's ``train.yaml``, and ``memory_gb``; they win over the data analysis, None
            leaves it the choice. MONAI's template takes ``max_epochs``, ``val_interval`` and ``batch_size`` of them.
        binary_mask: Score all foreground as one; else each label too.
        device: Of the data analysis.
        num_workers: That load images for the data analysis.

    Raises:
        ValueError: Folds, settings or an option are wrong, or ``output_dir`` holds a run of others.
    """

    def __init__(
        self,
        datalist: str | Path,
        *,
        dataset_dir: str | Path,
        output_dir: str | Path,
        bundle_root: str | Path,
        name: str = "segresnet_auto3dseg",
        num_fold: int | None = None,
        ensemble: Ensemble = "best_by_fold",
        n_best: int = 5,
        templates: Literal["ours", "monai"] = "ours",
        settings: Mapping[str, Any] | None = None,
        binary_mask: bool = True,
        device: torch.device | str = "cpu",
        num_workers: int = 0,
    ) -> None:
        if ensemble not in _METHODS or templates not in ("ours", "monai"):
            raise ValueError(f"ensemble {ensemble}, templates {templates}: expected best_by_fold|best_n, ours|monai")
        self.path, self.datalist = Path(datalist).resolve(), read_datalist(datalist)
        self.dataset_dir, self.output_dir = Path(dataset_dir).resolve(), Path(output_dir).resolve()
        self.bundle_root, self.name, self.templates = Path(bundle_root).resolve(), name, templates
        self.num_fold = _check_folds(self.datalist, num_fold, path=self.path)
        self.ensemble, self.n_best = ensemble, n_best
        self.settings = {key: value for key, value in (settings or {}).items() if value is not None}
        self.labels = () if binary_mask else label_values(self.datalist)[1:]
        self.device, self.num_workers = torch.device(device), num_workers
        if templates == "ours":
            self._check_settings()

    def run(self) -> dict[str, Any]:
        """Summary of the test cases' scores, also in ``metrics.json``; without test cases empty.

        Raises:
            ConnectionError: MONAI's template cannot be downloaded.
        """
        self._record()
        try:
            self._runner().run()
        except ValueError as error:
            if "Download and extract" not in str(error):
                raise
            raise ConnectionError(f"MONAI's templates are out of reach ({error}): use --templates ours") from error
        return self._score()

    def _runner(self) -> AutoRunner:
        ours = self.templates == "ours"
        source = {"modality": "ct", "datalist": str(self.path), "dataroot": str(self.dataset_dir)}
        runner = AutoRunner(
            work_dir=str(self.output_dir),
            input={**self.settings, **source} if ours else source,
            **self._template() if ours else {"algos": "segresnet"},
        )
        runner.set_num_fold(self.num_fold)
        runner.set_analyze_params({"device": str(self.device), "worker": self.num_workers})
        options = {"n_best": self.n_best} if self.ensemble == "best_n" else {}
        runner.set_ensemble_method(_METHODS[self.ensemble], **options)
        if ours:
            runner.set_prediction_params(
                {key: self.settings[key] for key in ("overlap", "amp") if key in self.settings}
            )
        else:
            params = {_MONAI_NAMES[key]: value for key, value in self.settings.items() if key in _MONAI_NAMES}
            runner.set_training_params(params)
        return runner

    def _template(self) -> dict[str, str]:
        """Copy of what the bundle consists of: `AutoRunner` would copy the folder that it lies in, with all outputs."""
        folder = self.output_dir / "algorithm_templates"
        for part in _PARTS:
            if (self.bundle_root / part).is_dir():
                shutil.rmtree(folder / self.name / part, ignore_errors=True)
                shutil.copytree(self.bundle_root / part, folder / self.name / part, ignore=_NOT_COPIED)
        return {"algos": self.name, "templates_path_or_url": str(folder)}

    def _check_settings(self) -> None:
        known = {*ConfigParser.load_config_file(self.bundle_root / "configs" / "train.yaml"), "memory_gb"}
        if unknown := sorted(set(self.settings) - known):
            raise ValueError(f"settings {unknown} are no flat keys of {self.bundle_root / 'configs' / 'train.yaml'}")

    def _record(self) -> None:
        """Refuse a folder of other settings: `AutoRunner` would go on with its old folds as if they were these."""
        record = {
            "datalist": datalist_hash(self.datalist),
            "num_fold": self.num_fold,
            "templates": self.templates,
            "settings": self.settings,
        }
        record, path = json.loads(json.dumps(record, default=str)), self.output_dir / _RECORD
        if path.is_file():
            remedy = "Repeat its settings, or name another --output_dir."
            require_same_settings(json.loads(path.read_text()), record, source=path, remedy=remedy)
        write_json(record, path)

    def _score(self) -> dict[str, Any]:
        if not self.datalist["testing"]:
            logger.warning("%s has no test cases: nothing to score", self.path)
            return {}
        cases = select_cases(self.datalist, folds="testing", dataset_dir=self.dataset_dir)
        rows = [self._score_case(case) for case in cases]
        write_csv(rows, self.output_dir / "cases.csv")
        scores = summary(rows)
        write_json({"ensemble": self.ensemble, "settings": self.settings, "scores": scores}, self._metrics_path)
        dice = scores["foreground"]["dice"]
        logger.info("test Dice %s over %s cases, see %s", dice["value"], dice["n"], self._metrics_path)
        return scores

    @property
    def _metrics_path(self) -> Path:
        return self.output_dir / "metrics.json"

    def _score_case(self, case: Mapping[str, Any]) -> dict[str, Any]:
        image = Path(case["image"])
        name = f"{image.name.removesuffix('.gz').removesuffix('.nii')}_ensemble.nii.gz"
        path = self.output_dir / "ensemble_output" / image.parent.relative_to(self.dataset_dir) / name
        if not path.is_file():
            raise FileNotFoundError(f"no prediction {path} of {case['case_id']}: see AutoRunner's log")
        prediction, truth = nib.load(path), nib.load(case["label"])
        volumes = [np.asarray(volume.dataobj) for volume in (prediction, truth)]
        spacing = [float(mm) for mm in truth.header.get_zooms()[:3]]
        scores = segmentation_scores(*volumes, spacing=spacing, labels=self.labels)
        return {"case_id": case["case_id"], "centre": case["centre"], **scores}


def _check_folds(datalist: Mapping[str, Any], num_fold: int | None, *, path: Path) -> int:
    there = sorted({entry.get("fold", 0) for entry in datalist["training"]})
    if there != list(range(len(there))) or len(there) < 2:
        raise ValueError(f"{path} has the folds {there}, expected 0, 1, … and at least two")
    if num_fold is not None and not 1 <= num_fold <= len(there):
        raise ValueError(f"num_fold is {num_fold}, expected 1 to {len(there)}, the folds of {path}")
    return num_fold or len(there)
