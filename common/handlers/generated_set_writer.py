"""Writes generated pairs as a data set: NIfTI files, data list and provenance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import nibabel as nib
import numpy as np
from ignite.engine import Engine, Events

from ..background import Background
from ..data.datalist import write_datalist
from ..data.drawn_volumes import centred_affine, drawn_volumes
from ..data.preprocessing import makes_crops
from ..data.provenance import package_versions, write_provenance
from ..data.set_part import SetPart
from ..files import replacing
from ..networks.model_file import read_model_file, weights_sha256
from .decollated import decollated


class GeneratedSetWriter:
    """Ignite handler that saves each output of a generation and, at the end, what the set is.

    Leaves ``images/<case_id>.nii.gz`` (int16 HU), ``labels/<case_id>.nii.gz`` (uint8, if the values fit; none for
    generators of images only), ``dataset.json`` and ``provenance.json`` in `directory`. The same seeds give the same
    files. Of a conditional generator list and provenance name each case's ``condition``; its ``centre`` stays
    "generated". Files are written in the background while the next pairs are made. Of several processes each saves its
    part, and the first writes list and provenance when all are done.

    Args:
        directory: Of the set.
        part: This process's cases of it.
        checkpoint: The model file that generates.
        bundle: ``{"name": …, "version": …}``.
        seed: Of the set.
        spacing: Millimetres along the axes of the image, for its affine (RAS, origin at the centre).
        postprocessing: What was done to the network's output; plain values, for the provenance.
        labels: Value to name, for the data list; masks are written in these values, class k as the k-th.
        drawing: What else decided the pairs, such as steps of a flow and where masks came from; for the provenance.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        part: SetPart,
        checkpoint: str | Path,
        bundle: Mapping[str, str],
        seed: int,
        postprocessing: Mapping[str, Any],
        labels: Mapping[str, str],
        spacing: Sequence[float],
        drawing: Mapping[str, Any] | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.part = part
        self.checkpoint = Path(checkpoint)
        self.bundle = dict(bundle)
        self.seed = seed
        self.spacing = [float(s) for s in spacing]
        self.postprocessing = dict(postprocessing)
        self.labels = dict(labels)
        self.drawing = None if drawing is None else dict(drawing)
        self.cases: list[Mapping[str, Any]] = []
        self.content: dict[str, Any] = {}
        self.background = Background()  # compressing takes longer than a GPU needs to generate

    def attach(self, engine: Engine) -> None:
        """Save each batch; write list and provenance at the end."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.save_batch)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def start(self, engine: Engine) -> None:
        """Read what the model file says of itself, and which cases a killed run left."""
        self.part.begin()
        self.cases = list(self.part.finished)
        self.content = {key: value for key, value in read_model_file(self.checkpoint).items() if key != "model"}

    def save_batch(self, engine: Engine) -> None:
        """Save the pairs of ``state.output``, a list of items with image (1, H, W, D) in HU and label (1, H, W, D)."""
        for item, output in decollated(engine):
            case = {"case_id": item["case_id"], "seed": int(item["seed"])}
            case |= {key: item[key] for key in ("condition", "mask_from") if key in item}
            volumes = drawn_volumes(output, self.labels)
            case |= {key: f"{key}s/{case['case_id']}.nii.gz" for key in volumes}
            self.background.add(self._save, case, volumes)
            self.cases.append(case)

    def _save(self, case: Mapping[str, Any], volumes: Mapping[str, np.ndarray]) -> None:
        """The files of a case, then its record."""
        for key, array in volumes.items():
            with replacing(self.directory / case[key]) as temporary:
                nib.save(nib.Nifti1Image(array, centred_affine(array.shape, self.spacing)), temporary)
        self.part.add(case)

    def finish(self, engine: Engine) -> None:
        """Write ``dataset.json`` and ``provenance.json`` of all processes' cases."""
        self.background.finish()
        self.cases = self.part.gather(self.cases)
        if idist.get_rank() > 0:
            return
        entries = [
            {k: v for k, v in case.items() if k not in ("seed", "mask_from")} | {"centre": "generated", "fold": 0}
            for case in self.cases
        ]
        datalist = {
            "name": f"generated by {self.bundle['name']} {self.bundle['version']}",
            "labels": self.labels,
            "cropped": makes_crops(self.content["settings"].get("preprocessing")),
            "training": entries,
            "testing": [],
        }
        write_provenance(self.directory, self._provenance())
        write_datalist(datalist, self.directory / "dataset.json")
        self.part.end()

    def _provenance(self) -> dict[str, Any]:
        training, settings = self.content["training"], self.content["settings"]
        return {
            "bundle": self.bundle,
            "checkpoint": {
                "file": self.checkpoint.name,
                "sha256": weights_sha256(self.checkpoint),
                "step": training["step"],
            },
            "seed": self.seed,
            "cases": [{k: v for k, v in case.items() if k not in ("image", "label")} for case in self.cases],
            "training": training,
            "settings": settings,
            "preprocessing": settings.get("preprocessing"),
            "hu_window": list(settings["hu_window"]),
            "spacing": self.spacing,
            "postprocessing": self.postprocessing,
            **({} if self.drawing is None else {"drawing": self.drawing}),
            "versions": package_versions(),
        }
