"""Writes an enlarged data set: each case of a data list, and deformed copies of it (thesis 3.5, 4.6.5)."""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import monai
import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Randomizable

from ..progress import Progress
from .case import Case
from .datalist import datalist_hash, read_datalist, source_case, write_datalist
from .generated_set import LIST_NAME
from .label_map import to_values
from .lesion_note import LESION_FROM, NO_PLACE
from .provenance import write_provenance
from .sources.nifti_pair import is_written, pair_paths, recipe_note, write_pair

logger = logging.getLogger(__name__)
ORIGINAL = "original"
LIST_NAMES = ("datalist.json", LIST_NAME)  # as trainings look for it, and as in every set that a bundle writes
LESIONS = "lesions.jsonl"  # who gave the lesion of each copy that was made to have one, in the order of making
_DRAWS = 20
_PREPARED = ("spacing", "centre_bounds", "crop")  # of the settings: how real cases become like the set's


@dataclass(frozen=True)
class Copy:
    """A case of the set: its id, the entry it is made from, how, and the seed of what is random in it."""

    case_id: str
    source: Mapping[str, Any]
    kind: str
    number: int
    seed: int


class AugmentedSet:
    """Cases of a data list and their copies, as NIfTI pairs with a data list and a provenance of their own.

    Leaves ``images/<case_id>.nii.gz`` (int16, HU), ``labels/<case_id>.nii.gz`` (uint8), ``datalist.json`` (a copy has
    fold, centre and patient of its case, and names it as ``source_case``), the same as ``dataset.json``, and
    ``provenance.json``. A case keeps its id
    as ``original``; copy 0 of a kind is ``<case id>__<kind>_0``. Started again, it makes what is missing or was made
    with other settings. A draw that moves the mask out of the volume is made anew. A copy that is to be given a lesion
    (`common.transforms.add_lesion`) names its donor in ``provenance.json``; where no draw finds a place for one it is
    left out, and named there under ``left_out``.

    Args:
        cases: Entries with absolute paths.
        datalist: Path of the list that they are from.
        dataset_dir: Folder of that list; nothing is written into it.
        output_dir: Of the set.
        load: Entry to item: ``image`` in HU and ``label``, both `MetaTensor` (1, H, W, D) in RAS.
        kinds: Name to transforms of an item, one for each copy. Results without an affine are on the item's grid.
        seed: Of the set; each copy has a seed of its own that depends on this and its id alone.
        settings: Parameters of all transforms, plain values, for the provenance and to know what must be made again.
        hu_range: HU that images are clipped to.
        mask_share: Of the mask's voxels that must stay inside the volume.
        cropped: Whether `load` crops; trainings on the set then do not crop again.
        bundle: ``{"name": …, "version": …}``.

    Raises:
        ValueError: Test cases or copies are among the cases, the output folder is the data's, or there is nothing to
            write.
    """

    def __init__(
        self,
        cases: Sequence[Mapping[str, Any]],
        *,
        datalist: str | Path,
        dataset_dir: str | Path,
        output_dir: str | Path,
        load: Callable[[Mapping[str, Any]], dict[str, Any]],
        kinds: Mapping[str, Sequence[Callable]],
        seed: int,
        settings: Mapping[str, Any],
        hu_range: Sequence[float],
        mask_share: float,
        cropped: bool,
        bundle: Mapping[str, str],
    ) -> None:
        self.directory = Path(output_dir)
        self.content = read_datalist(datalist)
        self.cases = sorted(cases, key=lambda case: case["case_id"])
        self.load = load
        self.kinds = {kind: list(transforms) for kind, transforms in kinds.items() if transforms}
        self.seed = seed
        self.settings = dict(settings)
        self.hu_range = [float(bound) for bound in hu_range]
        self.mask_share = mask_share
        self.cropped = cropped
        self.bundle = dict(bundle)
        self._lesions = self._read_lesions()
        self._check(Path(dataset_dir), Path(datalist))

    def _check(self, dataset_dir: Path, datalist: Path) -> None:
        if self.directory.resolve() in {dataset_dir.resolve(), datalist.resolve().parent}:
            raise ValueError(f"output_dir is {self.directory}, where the data are: name another with --output_dir")
        held_out = {entry["case_id"] for entry in self.content["testing"]}
        if found := sorted(held_out & {case["case_id"] for case in self.cases}):
            raise ValueError(
                f"{len(found)} test cases would be copied into a training set, such as {found[0]}: name training folds "
                "with --folds, or leave it out"
            )
        if copied := [case["case_id"] for case in self.cases if source_case(case) != case["case_id"]]:
            raise ValueError(f"{datalist} holds copies already, such as {copied[0]}: name the list of the real cases")
        if not self.kinds:
            raise ValueError(
                "original, affine, elastic, pasted and drawn are False, expected one of them True, or nothing would be "
                "written: turn one on"
            )

    def copies(self) -> Iterator[Copy]:
        """All cases of the set, source after source."""
        for source in self.cases:
            for kind, transforms in self.kinds.items():
                for number in range(len(transforms)):
                    case_id = source["case_id"] if kind == ORIGINAL else f"{source['case_id']}__{kind}_{number}"
                    own = hashlib.sha256(f"{self.seed} {case_id}".encode()).digest()[:4]  # whatever others there are
                    yield Copy(case_id, source, kind, number, int.from_bytes(own))

    def made(self) -> list[Copy]:
        """Those of the copies that are not left out."""
        return [copy for copy in self.copies() if self._donor(copy) != NO_PLACE]

    def write(self) -> None:
        """Write what is missing, then the data list and the provenance."""
        loaded: tuple[str, dict[str, Any]] | None = None
        copies = list(self.copies())
        made = 0
        for copy in Progress(copies, "augmenting"):
            if is_written(self._files(copy), note=self._note(copy)) or self._donor(copy) == NO_PLACE:
                continue
            if loaded is None or loaded[0] != copy.source["case_id"]:
                loaded = copy.source["case_id"], self.load(dict(copy.source))
            made += self._write(copy, loaded[1])
        kept = self.made()
        if len(kept) < len(copies):
            left = len(copies) - len(kept)
            logger.warning(
                "%s: %d of %d copies found no place for a lesion: left out", self.directory, left, len(copies)
            )
        for name in LIST_NAMES:
            write_datalist(self._datalist(kept), self.directory / name)
        write_provenance(self.directory, self._provenance(kept))
        logger.info("%s: %d pairs of %d cases, %d of them made now", self.directory, len(kept), len(self.cases), made)

    def _files(self, copy: Copy) -> Case:
        return Case(copy.case_id, *pair_paths(self.directory, copy.case_id))

    def _note(self, copy: Copy) -> str:
        """Of what the pair is made from: the source's files, the seed and every parameter."""
        files = [Path(copy.source[key]).stat() for key in ("image", "label")]
        stamps = [(file.st_size, file.st_mtime_ns) for file in files]
        how = [self.settings, self.hu_range, self.mask_share]
        return recipe_note([copy.case_id, stamps, copy.seed, copy.number, *how])

    def _read_lesions(self) -> dict[str, tuple[str, str]]:
        """Case id → note and donor of the copies with lesions so far; a line that a kill cut off is passed over."""
        path, found = self.directory / LESIONS, {}
        for line in path.read_text().splitlines() if path.is_file() else ():
            with suppress(ValueError, KeyError):
                row = json.loads(line)
                found[row["case_id"]] = row["note"], row[LESION_FROM]
        return found

    def _donor(self, copy: Copy) -> str | None:
        """Who gave the lesion of this copy, as its recipe is now; None where it has none, or is still to be made."""
        note, donor = self._lesions.get(copy.case_id, (None, None))
        return donor if donor is not None and note == self._note(copy) else None

    def _remember(self, copy: Copy, donor: str) -> None:
        """Before the pair is written: a pair that is there has its donor on record."""
        row = {"case_id": copy.case_id, "note": self._note(copy), LESION_FROM: donor}
        self._lesions[copy.case_id] = row["note"], donor
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / LESIONS).open("a") as file:
            file.write(f"{json.dumps(row)}\n")

    def _write(self, copy: Copy, item: Mapping[str, Any]) -> bool:
        """Write the copy, unless it found no place for its lesion; whether it did."""
        output = self._deformed(copy, item)
        if LESION_FROM in output:
            self._remember(copy, output[LESION_FROM])
            if output[LESION_FROM] == NO_PLACE:
                return False
        resampled = isinstance(output["image"], MetaTensor)  # else the voxels alone moved, on the item's grid
        affine = np.asarray((output if resampled else item)["image"].affine)
        image = np.asarray(output["image"])[0].round().clip(*self.hu_range)
        label = np.asarray(output["label"])[0].astype(np.uint8)
        label = to_values(label, copy.source.get("label_values", ()))
        write_pair(self._files(copy), image, label, affine, note=self._note(copy))
        return True

    def _deformed(self, copy: Copy, item: Mapping[str, Any]) -> dict[str, Any]:
        """The copy of `item`: the first draw of its seed that keeps the mask inside."""
        transform = self.kinds[copy.kind][copy.number]
        pair = {"image": item["image"], "label": item["label"]}
        if not isinstance(transform, Randomizable):
            return transform(pair)
        enough = self.mask_share * int(torch.count_nonzero(pair["label"]))
        for seed in np.random.SeedSequence(copy.seed).generate_state(_DRAWS):
            output = transform.set_random_state(int(seed))(dict(pair))
            placed = output.get(LESION_FROM) != NO_PLACE
            if placed and torch.count_nonzero(output["label"]) >= max(enough, 1):
                return output
        if not placed:
            return output
        raise ValueError(
            f"{copy.case_id}: in {_DRAWS} draws the mask kept less than {self.mask_share:.0%} of its voxels: lower the "
            "translation or --mask_share, or leave the case out"
        )

    def _datalist(self, copies: Sequence[Copy]) -> dict[str, Any]:
        entries = []
        for copy in copies:
            source, files = copy.source, self._files(copy)
            entry = {
                "case_id": copy.case_id,
                "image": files.image.relative_to(self.directory).as_posix(),
                "label": files.label.relative_to(self.directory).as_posix(),
                "centre": source["centre"],
                "patient": source.get("patient", source["case_id"]),
                "fold": source.get("fold", 0),
                "kind": copy.kind,
                "source_case": source["case_id"],
            }
            entries.append(entry)
        notes: dict[str, Any] = {key: self.content[key] for key in ("description", "licence") if key in self.content}
        return {
            "name": f"{self.content.get('name', 'data')}, augmented",
            **notes,
            "labels": self.content["labels"],
            "cropped": self.cropped,
            "training": entries,
            "testing": [],
        }

    def _provenance(self, copies: Sequence[Copy]) -> dict[str, Any]:
        cases = []
        for copy in copies:
            case = {
                "case_id": copy.case_id,
                "source_case": copy.source["case_id"],
                "kind": copy.kind,
                "seed": copy.seed,
            }
            donor = self._donor(copy)
            cases.append(case if donor is None else {**case, LESION_FROM: donor})
        training = {
            "case_ids": [case["case_id"] for case in self.cases],
            "datalist_sha256": datalist_hash(self.content),
        }
        return {
            "bundle": self.bundle,
            "checkpoint": None,
            "seed": self.seed,
            "cases": cases,
            "left_out": sorted({copy.case_id for copy in self.copies()} - {copy.case_id for copy in copies}),
            "preprocessing": {key: self.settings[key] for key in _PREPARED if key in self.settings},
            "training": training,
            "settings": self.settings,
            "hu_window": self.hu_range,
            "spacing": self.settings.get("spacing"),
            "postprocessing": None,
            "versions": {"monai": monai.__version__, "torch": torch.__version__, "nibabel": nib.__version__},
        }
