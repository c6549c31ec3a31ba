"""A generator in the place of a generated set: the pairs of a segmenter's training, drawn while it trains."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from ..data.choose_generated import GeneratedOptions
from ..data.choose_real import held_out_cases
from ..data.datalist import read_datalist
from ..data.generated_set import GeneratedSet
from ..data.label_map import values_note
from ..data.latents import case_name
from ..data.leakage import check_leakage
from ..data.preprocessing import Preprocessing, beside_pairs, complete, makes_crops
from ..files import content_sha256, file_sha256
from ..networks.model_file import weights_sha256
from ..options.ahead import require_ahead
from .pair_stream import PairStream
from .workflow_run import Options

_ELSEWHERE = {  # options of the generation that are said otherwise here, or not at all
    **{"checkpoint": "generator_checkpoint", "num_samples": "generated_count"},
    **dict.fromkeys(("bundle_root", "device", "indices", "output_dir", "batch_size", "preview_count")),
}


class GeneratorPairs:
    """Pairs 0, 1, 2, … of a generator, as `common.data.drawn_pairs.PairSource` wants them; see `PairStream`.

    They are drawn on the CPU by one thread, as workers of a `DataLoader` can.

    Args:
        generator: Folder of a bundle, or its inference config; or a list, of that and of config files laid over the
            inference config. It runs as code: trust it.
        checkpoint: The generator's ``model.pt``; by default the bundle's own. ``{fold}`` in it is replaced.
        options: Flat keys of the inference config, such as the ``seed`` of the latents, by default 0.
        fold: In place of ``{fold}``, for one generator a fold.

    Raises:
        FileNotFoundError: There is no such generator or checkpoint.
        ValueError: An option is one that the generator does not have, or may not have so, or is said in another way.
    """

    def __init__(
        self,
        generator: str | Path | Sequence[str | Path],
        *,
        checkpoint: str | Path | None = None,
        options: Mapping[str, Any] | None = None,
        fold: int | str | None = None,
    ) -> None:
        bundle, *overlays = [generator] if isinstance(generator, str | Path) else generator
        self.generator, self.overlays = str(bundle), [str(path) for path in overlays]
        self.options = {"seed": 0, **(options or {})}
        for key in sorted(_ELSEWHERE.keys() & self.options.keys()):
            remedy = f"set --{_ELSEWHERE[key]}" if _ELSEWHERE[key] else "leave it out, it decides nothing here"
            raise ValueError(f"generator_options have {key} {self.options[key]!r}: {remedy}")
        try:
            self.stream = PairStream(
                self.generator,
                checkpoint=None if checkpoint is None else str(checkpoint).replace("{fold}", str(fold)),
                num_samples=sys.maxsize,
                seed=self.options["seed"],
                overlays=self.overlays,
                options=self.options,
            )
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(str(error).replace("--checkpoint", "--generator_checkpoint")) from error
        require_ahead([(f"generator {self.generator}", self.stream.config_files, self.options)])

    @property
    def labels(self) -> Mapping[str, str]:
        """Value to name, of the masks."""
        return self.stream.labels

    @property
    def recorded(self) -> Preprocessing | None:
        """What was done to the training's real cases; None where the model file does not say."""
        found = self.stream.content["settings"].get("preprocessing")
        return complete(found) if found else None

    @property
    def preprocessing(self) -> Preprocessing:
        """What real cases become like, to be mixed with the pairs."""
        return beside_pairs(self.recorded)

    def generated_set(self, count: int, *, renewed: bool) -> GeneratedSet:
        """What the first `count` pairs, or all, are as a set; in place of files its entries have ``pair``, a number."""
        training, settings = self.stream.content["training"], self.stream.content["settings"]
        notes: dict[str, Any] = {**values_note(self.labels), "centre": "generated", "generator": self._identity}
        notes |= {"cropped": True} if makes_crops(settings.get("preprocessing")) else {}
        notes |= {"renewed": True} if renewed else {}
        keys = ["image"] if settings["pairing"] == "image_only" else ["image", "label"]
        cases = [
            {**notes, **dict.fromkeys(keys, f"pair {n} of {self.generator}"), "case_id": case_name(n), "pair": n}
            for n in range(count)
        ]
        return GeneratedSet(
            directory=Path(self.generator),
            cases=cases,
            image_size=list(settings["image_size"]),
            spacing=list(training["spacing"]),
            hu_window=[float(value) for value in settings["hu_window"]],
            binary_mask=len(self.labels) <= 2,
            training_ids=frozenset(training["case_ids"]),
            generator_case_ids=frozenset(training.get("generator_case_ids", ())),
            mask_ids=self.stream.mask_ids(None if renewed else count),
            recorded=self.recorded,
        )

    def draw(self, number: int) -> dict[str, Any]:
        """``image`` and ``label`` of a pair, MetaTensors (1, H, W, D), to the bit the same in any process."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # as a worker has: the order of sums depends on it, and a HU in ten thousand
        try:
            pair = self.stream[number]
        finally:
            torch.set_num_threads(threads)
        return {key: pair[key] for key in ("image", "label") if key in pair}

    def describe(self) -> dict[str, Any]:
        """Plain values for the record of a training: equal ones mean equal pairs, wherever the generator lies."""
        return {"generator": self.generator, "file": self.stream.checkpoint.name, **self._decisive}

    @cached_property
    def _decisive(self) -> dict[str, Any]:
        training = self.stream.content["training"]
        return {
            "bundle": dict(training.get("bundle") or {}),
            "sha256": weights_sha256(self.stream.checkpoint),
            "step": training.get("step"),
            "overlays": {path: file_sha256(path) for path in self.overlays},
            "options": self.options,
            **self.stream.drawing,
        }

    @property
    def _identity(self) -> str:
        return content_sha256(self._decisive)


def require_unleaked(trainings: Iterable[tuple[str, Sequence[str | Path], Options]]) -> None:
    """Refuse trainings that would refuse their generator, before the first of them starts.

    Args:
        trainings: Name, config files and options of each.

    Raises:
        FileNotFoundError, ValueError, LeakageError: See `GeneratorPairs`, `GeneratedOptions` and `check_leakage`.
    """
    read: dict[str, GeneratorPairs] = {}
    for name, files, options in trainings:
        given = {**ConfigParser.load_config_files([str(path) for path in files]), **options}
        if not given.get("generator"):
            continue
        settings = {"checkpoint": given["generator_checkpoint"], "options": given["generator_options"]}
        try:
            key = repr([given["generator"], settings])
            pairs = read[key] = read.get(key) or GeneratorPairs(given["generator"], **settings)
            GeneratedOptions(directory=given["generated_dir"], pairs=pairs)
            fold = given["fold"] if isinstance(given["fold"], int) else None
            held_out = held_out_cases(read_datalist(given["datalist"]), fold=fold)
            source = pairs.generated_set(1, renewed=True)
            check_leakage(source, held_out=held_out, allow_leakage=given["allow_leakage"])
        except (FileNotFoundError, ValueError) as error:
            raise type(error)(f"nothing was run: {name}: {error}") from error
