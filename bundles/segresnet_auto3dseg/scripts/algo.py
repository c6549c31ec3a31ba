"""The algorithm that MONAI's `AutoRunner` generates, trains and ensembles, one bundle for each fold."""

import csv
import importlib.util
import json
import logging
import math
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.apps.auto3dseg import BundleAlgo
from monai.bundle import ConfigParser

from .filling import STATISTICS, complete_datalist, fill_settings
from .infer import FILLED, InferClass

logger = logging.getLogger("monai.apps.auto3dseg.segresnet_auto3dseg")
CPU_MEMORY = 4.0  # GiB for a batch of patches where there is no GPU
GPU_SHARE = 0.8  # of the smallest GPU's memory
# keys of AutoRunner's input that AutoRunner, the data analysis and MONAI's own algorithms read
_OF_AUTO3DSEG = frozenset(
    {
        *("name", "task", "description", "modality", "datalist", "dataroot", "work_dir", "multigpu", "class_names"),
        *("analyze", "algo_gen", "train", "hpo", "ensemble", "not_use_cache", "allow_skip", "algos", "hpo_backend"),
        *("templates_path_or_url", "mlflow_tracking_uri", "mlflow_experiment_name", "num_fold", "sigmoid"),
        *("class_index", "image_size", "roi_size", "normalize_mode", "intensity_bounds", "resample", "memory_gb"),
        *("num_epochs", "num_epochs_per_validation", "num_images_per_batch", "num_steps_per_image", "learning_rate"),
    }
)
# keys of AutoRunner's input that mean something else in train.yaml, or that each fold has of its own
_NOT_GIVEN = frozenset({"bundle_root", "datalist", "dataset_dir", "fold", "output_dir", "train"})


class Segresnet_auto3dsegAlgo(BundleAlgo):  # noqa: N801
    """SegResNet with deep supervision, trained by ``run training`` of the fold's own bundle.

    The class is named as `AutoRunner` looks for it. Flat keys of ``train.yaml`` may stand in `AutoRunner`'s input
    beside ``datalist``, or go to `set_training_params`; ``memory_gb`` in the input bounds the patch size.
    """

    _inferer: InferClass | None = None

    def pre_check_skip_algo(self, skip_bundlegen: bool = False, skip_info: str = "") -> tuple[bool, str]:
        """Skip what is no CT: intensities are windowed in HU."""
        modality = str(self._source().get("modality", "ct")).lower()
        if modality != "ct":
            return True, f"segresnet_auto3dseg reads CT, the input's modality is {modality}"
        return skip_bundlegen, skip_info

    def export_to_disk(self, output_path: str, algo_name: str, **kwargs: Any) -> None:
        """Copy the template to a folder whose name has the fold after its first underscore, and fill it.

        MONAI's `AlgoEnsembleBestByFold` reads the fold there, so ``segresnet_auto3dseg_0`` becomes
        ``segresnet-auto3dseg_0``. What the template's own trainings left is not copied.
        """
        super().export_to_disk(output_path, algo_name.replace(self.name, self.name.replace("_", "-"), 1), **kwargs)
        for left_over in ("output", "models"):
            shutil.rmtree(Path(self.output_path) / left_over, ignore_errors=True)

    def fill_template_config(self, data_stats_filename: str, algo_path: str, **kwargs: Any) -> dict:
        """Write ``configs/filled.yaml``, an overlay of ``train.yaml``, from the data statistics and the input.

        Raises:
            ModuleNotFoundError: No package `common`.
            ValueError: A key of the input is misspelt, or has a value that it may not have.
        """
        common_on_path(Path(algo_path))
        from common.options.ahead import require_ahead
        from common.options.unread import close_names

        source, configs = self._source(), Path(algo_path) / "configs"
        defaults = ConfigParser.load_config_file(configs / "train.yaml")
        for key in sorted(source.keys() - defaults.keys() - _OF_AUTO3DSEG):
            if close := close_names(key, defaults):  # one that is like none may be for another algorithm
                raise ValueError(f"the input of Auto3DSeg has {key}, did you mean {', '.join(close)}?")
        given = {key: value for key, value in {**source, **kwargs}.items() if key in defaults and key not in _NOT_GIVEN}
        require_ahead([("the input of Auto3DSeg", [configs / "train.yaml"], given)])
        statistics = ConfigParser.load_config_file(data_stats_filename)
        filled = fill_settings(statistics, defaults=defaults, given=given, memory=self._memory(source))
        filled["fold"] = kwargs.get("fold", self.fill_records.get(FILLED, {}).get("fold", 0))
        filled["dataset_dir"] = str(Path(source["dataroot"]).resolve())
        filled["datalist"] = self._datalist(Path(source["datalist"]), Path(algo_path), statistics)
        filled.setdefault("cache_dir", str(Path(algo_path).resolve().parent / "cache"))  # one for all folds
        ConfigParser.export_config_file(filled, configs / FILLED, fmt="yaml", default_flow_style=None, sort_keys=False)
        return {FILLED: filled}

    def train(
        self, train_params: Mapping[str, Any] | None = None, device_setting: Mapping[str, Any] | None = None
    ) -> subprocess.CompletedProcess:
        """Train this fold, or go on with it; its score is there only when it is finished."""
        self.best_metric = None
        finished = super().train(dict(train_params or {}), dict(device_setting) if device_setting else None)
        score = best_dice(self.run_dir / "validation.csv")
        self.best_metric = score  # type: ignore[assignment] # MONAI annotates the None that it begins with
        return finished

    def get_score(self, *args: Any, **kwargs: Any) -> float:
        """Best validation Dice.

        Raises:
            ValueError: The training has not finished; so `AutoRunner` goes on with it.
        """
        if self.best_metric is None:
            raise ValueError(f"{self.output_path} is not trained to its end")
        return self.best_metric

    def get_inferer(self, *args: Any, **kwargs: Any) -> InferClass:
        """Inferer of the best checkpoint, built once for all images; options of other algorithms are ignored."""
        if self._inferer is None:
            common_on_path(Path(self.output_path))
            self._inferer = InferClass(self.output_path, self.run_dir / "model.pt", **kwargs)
        return self._inferer

    @property
    def run_dir(self) -> Path:
        """Where the training of this fold leaves its files."""
        return Path(self.output_path).resolve() / "output" / "train"

    def _create_cmd(self, train_params: dict | None = None) -> tuple[str, str]:
        if int(self.device_setting["NUM_NODES"]) > 1:
            raise NotImplementedError("segresnet_auto3dseg trains on one machine, NUM_NODES is above 1")
        devices = int(self.device_setting["n_devices"])
        configs = Path(self.output_path).resolve() / "configs"
        names = ["train.yaml", *(["multi_gpu_train.yaml"] if devices > 1 else []), FILLED]
        options = {
            "config_file": [str(configs / name) for name in names],
            "bundle_root": str(configs.parent),
            "output_dir": str(self.run_dir),
            **(train_params or {}),
        }
        python = shlex.split(str(self.device_setting["CMD_PREFIX"])) or [sys.executable]
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={devices}"] if devices > 1 else []
        flags = [part for key, value in options.items() for part in (f"--{key}", str(value))]
        return shlex.join([*python, *launcher, "-m", "monai.bundle", "run", "training", *flags]), ""

    def _run_cmd(self, cmd: str, devices_info: str = "") -> subprocess.CompletedProcess:
        path = os.pathsep.join([str(common_root(Path(self.output_path))), *filter(None, [os.getenv("PYTHONPATH")])])
        visible = {"CUDA_VISIBLE_DEVICES": str(self.device_setting["CUDA_VISIBLE_DEVICES"])}
        log = Path(self.output_path) / "training.log"
        logger.info("training %s, see %s", Path(self.output_path).name, log)
        common_on_path(Path(self.output_path))
        from common.runs.workflow_run import run_process  # MONAI's `run_cmd` kills what it has started when it is ended

        status = run_process(shlex.split(cmd), log, environment={**os.environ, **visible, "PYTHONPATH": path})
        if status:
            end = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise RuntimeError(f"the training of {self.output_path} failed, the end of {log}:\n{end}")
        return subprocess.CompletedProcess(cmd, status)

    def _source(self) -> dict[str, Any]:
        return ConfigParser.load_config_file(self.data_list_file) if self.data_list_file else {}

    def _memory(self, source: Mapping[str, Any]) -> float:
        if source.get("memory_gb"):
            return float(source["memory_gb"])
        sizes = [torch.cuda.get_device_properties(index).total_memory for index in range(torch.cuda.device_count())]
        return GPU_SHARE * min(sizes) / 2**30 if sizes else CPU_MEMORY

    def _datalist(self, path: Path, bundle_dir: Path, statistics: Mapping[str, Any]) -> str:
        """Path of the list; of a completed copy where it is a plain Auto3DSeg list."""
        datalist = json.loads(path.read_text())
        completed = complete_datalist(datalist, labels=statistics[STATISTICS]["label_stats"]["labels"])
        if completed == datalist:
            return str(path.resolve())
        copy = bundle_dir.resolve() / "configs" / "datalist.json"
        copy.write_text(json.dumps(completed, indent=2))
        return str(copy)


def common_root(bundle_dir: Path) -> Path:
    """Folder that the package `common` lies in: the exported bundle, or where Python finds it, such as a checkout.

    Raises:
        ModuleNotFoundError: Neither has it.
    """
    if (bundle_dir / "common").is_dir():
        return bundle_dir.resolve()
    spec = importlib.util.find_spec("common")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"no package `common` in {bundle_dir} nor on the path of Python: run in the checkout with PYTHONPATH=., or "
            "use an exported bundle as the template"
        )
    return Path(spec.origin).resolve().parents[1]


def common_on_path(bundle_dir: Path) -> None:
    """Let this process import `common`."""
    root = str(common_root(bundle_dir))
    if root not in sys.path:
        sys.path.insert(0, root)


def best_dice(path: Path) -> float:
    """Highest Dice in a training's ``validation.csv``.

    Raises:
        ValueError: There is none, or no epoch has a finite one.
    """
    rows = list(csv.DictReader(path.open())) if path.is_file() else []
    scores = [float(row["dice"]) for row in rows]
    if not (scores := [score for score in scores if math.isfinite(score)]):
        raise ValueError(f"{path} has no validation Dice: let max_epochs be at least val_interval")
    return max(scores)
