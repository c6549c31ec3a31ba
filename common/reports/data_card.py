"""The data card of a published set: what it is, what it is for, how it was made, how good and how safe it is."""

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from ..checksums import write_checksums
from ..data.datalist import foreground_names
from ..data.generated_set import GeneratedSet, read_generated_set
from ..data.label_map import read_classes
from ..data.provenance import read_provenance
from ..data.volume_file import open_volume
from ..files import read_json, replacing
from ..runs.published.verdicts import COPY
from .page import format_cell
from .slices import pair_grid

logger = logging.getLogger(__name__)
_SCORES = ("fid", "kid", "mmd", "precision", "recall", "density", "coverage")


class DataCard:
    """Leaves ``README.md``, ``LICENSE``, ``previews/pairs.png`` and, last, ``SHA256SUMS`` in a set.

    Args:
        directory: Of the set.
        title: Of the card.
        licence: Name of the set's licence.
        licence_file: Its text.
        training_data: What the user says of the training data, such as where they are from; names no patient.
        evaluation: Folder, or ``metrics.json``, of a `run evaluating` on this set.
        preview_count: Pairs in the picture; 0 is none.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        title: str,
        licence: str,
        licence_file: str | Path,
        training_data: str | None = None,
        evaluation: str | Path | None = None,
        preview_count: int = 4,
    ) -> None:
        self.directory = Path(directory)
        self.title = title
        self.licence = licence
        self.licence_file = Path(licence_file)
        self.training_data = training_data
        self.evaluation = evaluation
        self.preview_count = preview_count

    def require_files(self) -> None:
        """Look for what the card is to quote before the set is made, which may take days.

        Raises:
            FileNotFoundError: There is no licence text, or an evaluation is named, and there is none.
        """
        if not self.licence_file.is_file():
            raise FileNotFoundError(
                f"licence_file is {self.licence_file}, and there is no such file, expected the text of the licence: "
                "name another --licence_file"
            )
        if self.evaluation is not None:
            self._metrics_file()

    def write(self) -> Path:
        """Write all of it; path of the card.

        Raises:
            FileNotFoundError: No set, no licence text, or no evaluation there.
            ValueError: The evaluation is of another set.
        """
        generated, provenance = read_generated_set(self.directory, check=False), read_provenance(self.directory)
        text = self.text(generated, provenance)
        with replacing(self.directory / "LICENSE") as temporary:
            shutil.copyfile(self.licence_file, temporary)
        if self.preview_count:
            self._preview(generated)
        path = self.directory / "README.md"
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        write_checksums(self.directory)
        logger.info("wrote %s", path)
        return path

    def text(self, generated: GeneratedSet, provenance: Mapping[str, Any]) -> str:
        """The card in Markdown."""
        environment = Environment(loader=PackageLoader(__package__), trim_blocks=True, keep_trailing_newline=True)
        environment.filters["cell"] = format_cell
        rejected = provenance["filter"]["rejected"]
        return environment.get_template("data_card.md").render(
            title=self.title,
            licence=self.licence,
            training_data=self.training_data,
            size="×".join(map(str, generated.image_size)),
            spacing="×".join(map(format_cell, provenance["spacing"])),
            hu_window=f"{generated.hu_window[0]:g} to {generated.hu_window[1]:g}",
            labels=", ".join(f"{value} {name}" for value, name in self._label_names().items()),
            hu_step=provenance["postprocessing"]["hu_step"],
            postprocessing=_settings(provenance["postprocessing"]),
            versions=_settings(provenance["versions"]),
            checkpoints=[{**each, "trained_by": _bundle(each["training"])} for each in provenance["checkpoints"]],
            trained_cases=len(provenance["training"]["case_ids"]),
            lists=sorted({str(each["training"].get("datalist_sha256")) for each in provenance["checkpoints"]}),
            candidates=provenance["filter"]["candidates"],
            kept=len(provenance["cases"]) / provenance["filter"]["candidates"],
            masks=provenance["filter"].get("masks"),  # sets of before the filter have none
            compared=provenance["filter"]["compared"],
            copies=rejected.get(COPY, 0),
            rejected_count=sum(rejected.values()),
            rejected=", ".join(f"{count} {reason}" for reason, count in rejected.items()),
            **{key: provenance[key] for key in ("bundle", "cases", "seed")},
            **self._scores(len(provenance["cases"])),
        )

    def _scores(self, count: int) -> dict[str, Any]:
        """Variables of the section of scores; none without an evaluation."""
        if self.evaluation is None:
            return {}
        path = self._metrics_file()
        metrics = read_json(path, remedy="evaluate this set again", keys=("protocol", "scores", "warnings"))
        if (found := metrics["protocol"]["n_generated"]) != count:
            raise ValueError(f"{path} is of {found} generated pairs, this set has {count}: evaluate this set")
        rows = [{"name": name, **row} for name, row in metrics["scores"].items() if row.get("value", 0) is not None]
        return {
            "n_real": metrics["protocol"]["n_real"],
            "protocol": metrics["protocol"]["hash"],
            "warnings": metrics["warnings"],
            "scores": [
                {**row, "floor": (row.get("floor") or {}).get("value")}
                for row in rows
                if row["name"].split("/")[0] in _SCORES
            ]
            + _found_again(metrics["scores"].get("consistency/foreground")),
            "memorisation": [row for row in rows if row["name"].startswith("memorisation/")],
        }

    def _metrics_file(self) -> Path:
        path = Path(str(self.evaluation))
        path = path / "metrics.json" if path.is_dir() else path
        if not path.is_file():
            raise FileNotFoundError(
                f"no evaluation at {path}, expected metrics.json: name the output_dir of `run evaluating` on this set, "
                "or leave --evaluation out until there is one"
            )
        return path

    def _preview(self, generated: GeneratedSet) -> None:
        """Pairs spread over the set, so that each checkpoint is seen."""
        step = max(1, len(generated.cases) // self.preview_count)
        cases = generated.cases[::step][: self.preview_count]
        images = [open_volume(case["image"]).get_fdata(dtype="float32") for case in cases]
        masks = [read_classes(case) for case in cases]
        pair_grid(
            images,
            masks,
            path=self.directory / "previews" / "pairs.png",
            window=generated.hu_window,
            spacing=generated.spacing,
            label_names=foreground_names(self._label_names()),
        )

    def _label_names(self) -> dict[str, str]:
        """Value to name, as in the set's list."""
        path = self.directory / "dataset.json"
        return read_json(path, remedy="make the set again", keys=("labels",))["labels"]


def _bundle(training: Mapping[str, Any]) -> str:
    bundle = training.get("bundle") or {}
    return f"{bundle.get('name', '')} {bundle.get('version', '')}".strip()


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items() if value is not None)


def _found_again(row: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The row of pair consistency, whose floor is that of real pairs; none where no segmenter was asked."""
    if not row or row["generated"]["value"] is None:
        return []
    found, real = row["generated"], row.get("real") or {}
    return [{"name": "Dice of mask and segmenter", **found, "floor": real.get("value")}]
