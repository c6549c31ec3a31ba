"""Masks that nnU-Net predicts, on the grids of their images, for the same handlers as any segmenter's."""

import shutil
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from ...data.volume_file import open_volume, read_mask
from ...networks.model_file import read_model_file
from ...same_settings import require_same_settings
from ...transforms import LoadCased
from .dataset import NUMBER, write_images
from .environment import ENSEMBLE, PREDICT, NnUNet
from .plan import CONFIGURATION
from .plan import NAME as PLANS
from .training import FOLD, HOME, TRAINER, model_folder

_OWN = ("checkpoint_sha256",)


class NnUNetPrediction:
    """Predicts cases by nnU-Net's own commands, several models as nnU-Net's own ensemble, and hands the masks on.

    Args:
        checkpoints: ``model.pt`` of one or several trainings by `NnUNetTraining`.
        cases: Entries with ``case_id`` and ``image``.
        program: nnU-Net, whose home gets the images and the predictions.
        mirroring: Average over mirrored images, as nnU-Net does.
        handlers: With `attach`, such as `LabelWriter` and `CaseScores`.

    Raises:
        FileNotFoundError: One of the checkpoints is not there.
        ValueError: One is another network's, or they do not go together.
    """

    def __init__(
        self,
        checkpoints: Sequence[str],
        *,
        cases: Sequence[Mapping[str, Any]],
        program: NnUNet,
        mirroring: bool = True,
        handlers: Sequence[Any] = (),
    ) -> None:
        self.checkpoints = [Path(path) for path in checkpoints]
        self.cases, self.program, self.mirroring, self.handlers = list(cases), program, mirroring, list(handlers)
        first, *others = (read_model_file(path)["settings"] for path in self.checkpoints)
        for path, settings in zip(self.checkpoints[1:], others, strict=True):
            remedy = "Evaluate them one by one."
            require_same_settings(settings, first, source=path, remedy=remedy, may_differ=_OWN)
        self.load = LoadCased("image", centre_bounds=first["centre_bounds"], crop=first["crop"])

    def run(self) -> None:
        """Predict all cases, and let the handlers see each mask on its image's grid.

        Raises:
            RuntimeError: A command failed, or left no mask of a case.
        """
        folder = self.predict()
        engine = Engine(lambda _, batch: [self._output(case, folder) for case in batch])
        for handler in self.handlers:
            handler.attach(engine)
        engine.run([[case] for case in self.cases])

    def predict(self) -> Path:
        """The folder of the predictions, which are made anew: a killed command may have left half a file."""
        home = self.program.home
        write_images(self.cases, home / "imagesTs", load=self.load)
        single = len(self.checkpoints) == 1
        folders = [home / ("predicted" if single else f"member_{number}") for number in range(len(self.checkpoints))]
        for path, folder in zip(self.checkpoints, folders, strict=True):
            trained = path.parent / HOME
            if not (model_folder(trained) / f"fold_{FOLD}" / "checkpoint_final.pth").is_file():
                raise FileNotFoundError(
                    f"no checkpoint_final.pth in {model_folder(trained)}, expected nnU-Net's model beside {path}: let "
                    "the folder `nnunet` of the training stay there, or train again"
                )
            shutil.rmtree(folder, ignore_errors=True)
            options = self.predict_options(home / "imagesTs", folder, probabilities=not single)
            replace(self.program, home=trained).run(PREDICT, *options, log=home / "predict.log")
        if single:
            return folders[0]
        joined = home / "predicted"
        shutil.rmtree(joined, ignore_errors=True)
        members = [str(folder.absolute()) for folder in folders]
        options = ["-i", *members, "-o", str(joined.absolute()), "-np", self.program.processes]
        self.program.run(ENSEMBLE, *options, log=home / "predict.log")
        return joined

    def predict_options(self, images: Path, output: Path, *, probabilities: bool) -> list[str]:
        """Options of nnU-Net's prediction."""
        workers = str(self.program.num_workers)  # 0 and 0: one image after the other, in one process
        return [
            *("-i", str(images.absolute()), "-o", str(output.absolute()), "-d", str(NUMBER), "-c", CONFIGURATION),
            *("-f", FOLD, "-tr", TRAINER, "-p", PLANS, "-device", self.program.device),
            *("-npp", workers, "-nps", workers),
            *([] if self.mirroring else ["--disable_tta"]),
            *(["--save_probabilities"] if probabilities else []),
        ]

    def _output(self, case: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """``pred`` (1, H, W, D), classes on the grid of the case's file."""
        path = folder / f"{case['case_id']}.nii.gz"
        if not path.is_file():
            raise RuntimeError(f"nnU-Net left no {path}, expected a mask of each case: see predict.log beside it")
        given: dict[Hashable, Any] = dict(case.items())
        image: MetaTensor = self.load(given)["image"]
        values = torch.from_numpy(read_mask(open_volume(path), path=path).astype(np.float32))[None]
        if values.shape != image.shape:
            raise RuntimeError(f"{path} has shape {tuple(values.shape[1:])}, expected {tuple(image.shape[1:])}")
        mask = MetaTensor(values, meta=image.meta, applied_operations=image.applied_operations)
        return {"pred": self.load.inverse({"image": mask})["image"]}
