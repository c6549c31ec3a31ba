"""Auto3DSeg on a data list: MONAI's `AutoRunner` analyses, generates, trains, ensembles; the test cases get scores."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from monai.apps.auto3dseg import AutoRunner
from nibabel.affines import voxel_sizes

from ..data.datalist import datalist_hash, label_values, read_datalist, select_cases
from ..data.generated_set import read_generated_set
from ..data.label_map import to_values
from ..data.volume_file import open_volume, read_mask
from ..files import read_json, write_csv, write_json
from ..metrics.segmentation import segmentation_scores, summary
from ..same_settings import require_same_settings
from .auto3dseg_template import AlgorithmTemplate
from .workflow_run import end_orphans

logger = logging.getLogger(__name__)
Ensemble = Literal["best_by_fold", "best_n"]
_METHODS = {"best_by_fold": "AlgoEnsembleBestByFold", "best_n": "AlgoEnsembleBestN"}
_RECORD = "settings.json"


@dataclass
class RunnerOptions:
    """What `AutoRunner` does.

    Attributes:
        num_fold: Folds that are trained, the first ones; None is all of the list.
        ensemble: The best model of each fold, or the `n_best` models.
        n_best: Models of ``best_n``.
        device: Of the data analysis.
        num_workers: That load images for the data analysis.

    Raises:
        ValueError: There is no such ensemble.
    """

    num_fold: int | None = None
    ensemble: Ensemble = "best_by_fold"
    n_best: int = 5
    device: torch.device | str = "cpu"
    num_workers: int = 0

    def __post_init__(self) -> None:
        if self.ensemble not in _METHODS:
            raise ValueError(f"ensemble {self.ensemble}: expected {'|'.join(_METHODS)}")


class Auto3DSegRun:
    """One pass of `AutoRunner` over a data list; started again, it goes on where it was stopped.

    Leaves in ``output_dir`` what `AutoRunner` does (``datastats.yaml``, a bundle for each fold, ``ensemble_output``),
    and ``cases.csv`` and ``metrics.json`` with the scores of the test cases.

    Args:
        datalist: File in the data list's form; its folds are the folds.
        dataset_dir: Folder that the list's paths are relative to.
        output_dir: `AutoRunner`'s work folder.
        template: The algorithm with its settings.
        options: Folds, ensemble, data analysis.
        binary_mask: Score all foreground as one; else each label too.

    Raises:
        FileNotFoundError: There is no generated set where one is named.
        ValueError: Folds are wrong, or ``output_dir`` holds a run with other settings.
    """

    def __init__(
        self,
        datalist: str | Path,
        *,
        dataset_dir: str | Path,
        output_dir: str | Path,
        template: AlgorithmTemplate,
        options: RunnerOptions | None = None,
        binary_mask: bool = True,
    ) -> None:
        self.path, self.datalist = Path(datalist).resolve(), read_datalist(datalist)
        self.dataset_dir, self.output_dir = Path(dataset_dir).resolve(), Path(output_dir).resolve()
        self.template = template
        self.options = options or RunnerOptions()
        self.num_fold = self._checked_folds()
        if (generated := template.settings.get("generated_dir")) is not None:
            read_generated_set(generated, check=False)  # the trainings look at its volumes, after the data analysis
        self.labels = () if binary_mask else label_values(self.datalist)[1:]

    def run(self) -> dict[str, Any]:
        """Summary of the test cases' scores, also in ``metrics.json``; without test cases empty.

        Raises:
            ConnectionError: MONAI's template cannot be downloaded.
        """
        self._record()
        end_orphans(self.output_dir)
        try:
            self._runner().run()
        except ValueError as error:
            if "Download and extract" not in str(error):
                raise
            raise ConnectionError(f"MONAI's templates are out of reach ({error}): use --templates ours") from error
        return self._score()

    def _runner(self) -> AutoRunner:
        data = {"modality": "ct", "datalist": str(self.path), "dataroot": str(self.dataset_dir)}
        runner = self.template.runner(data, self.output_dir)
        runner.set_num_fold(self.num_fold)
        runner.set_analyze_params({"device": str(self.options.device), "worker": self.options.num_workers})
        n_best = {"n_best": self.options.n_best} if self.options.ensemble == "best_n" else {}
        return runner.set_ensemble_method(_METHODS[self.options.ensemble], **n_best)

    def _record(self) -> None:
        """Refuse a folder of other settings: `AutoRunner` would go on with its old folds as if they were these."""
        record = {
            "datalist": datalist_hash(self.datalist),
            "num_fold": self.num_fold,
            "templates": self.template.source,
            "settings": self.template.settings,
        }
        record, path = json.loads(json.dumps(record, default=str)), self.output_dir / _RECORD
        if path.is_file():
            remedy = "Repeat its settings, or name another --output_dir."
            found = read_json(path, remedy=remedy, keys=list(record))
            require_same_settings(found, record, source=path, remedy=remedy)
        write_json(record, path)

    def _score(self) -> dict[str, Any]:
        if not self.datalist["testing"]:
            logger.warning("%s has no test cases: nothing to score", self.path)
            return {}
        rows = []
        for case in select_cases(self.datalist, folds="testing", dataset_dir=self.dataset_dir):
            image = Path(case["image"])
            name = f"{image.name.removesuffix('.gz').removesuffix('.nii')}_ensemble.nii.gz"
            path = self.output_dir / "ensemble_output" / image.parent.relative_to(self.dataset_dir) / name
            if not path.is_file():
                raise FileNotFoundError(f"no prediction {path} of {case['case_id']}: see AutoRunner's log")
            truth = open_volume(case["label"])
            prediction, label = read_mask(open_volume(path), path=path), read_mask(truth, path=case["label"])
            prediction = to_values(prediction, label_values(self.datalist)) if self.labels else prediction
            spacing = voxel_sizes(truth.affine).tolist()
            scores = segmentation_scores(prediction, label, spacing=spacing, labels=self.labels)
            rows.append({"case_id": case["case_id"], "centre": case["centre"], **scores})
        write_csv(rows, self.output_dir / "cases.csv")
        means = summary(rows)
        metrics = self.output_dir / "metrics.json"
        settings = {"ensemble": self.options.ensemble, "settings": self.template.settings}
        write_json({**settings, "scores": means}, metrics)
        dice = means["foreground"]["dice"]
        logger.info("test Dice %s over %s cases, see %s", dice["value"], dice["n"], metrics)
        return means

    def _checked_folds(self) -> int:
        """Number of folds to train."""
        there = sorted({entry.get("fold", 0) for entry in self.datalist["training"]})
        if there != list(range(len(there))) or len(there) < 2:
            raise ValueError(
                f"{self.path} has the folds {there}, expected 0, 1, … and at least two: split the "
                "cases again with `python -m common.data prepare`"
            )
        wanted = len(there) if self.options.num_fold is None else self.options.num_fold
        if not 1 <= wanted <= len(there):
            raise ValueError(
                f"num_fold is {wanted}, expected 1 to {len(there)}, the folds of {self.path}: set --num_fold, or split "
                "the cases again with `python -m common.data prepare --folds N`"
            )
        if self.options.ensemble == "best_n" and self.options.n_best > wanted:
            raise ValueError(
                f"n_best is {self.options.n_best}, expected 1 to {wanted}, as each of the {wanted} folds has one "
                "network: set --n_best, or leave --ensemble best_n out, which takes them all"
            )
        return wanted
