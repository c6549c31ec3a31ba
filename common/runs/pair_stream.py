"""Pairs of a generator, drawn when they are asked for: no set is written."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigWorkflow
from monai.data import MetaTensor
from monai.engines.utils import default_prepare_batch
from torch import nn
from torch.utils.data import Dataset

from ..data.drawn_volumes import centred_affine, drawn_volumes
from ..data.generated_set import real_mask_ids
from ..networks.model_file import read_model_file
from .bundle_predictions import inference_config

_DATA = ("latents", "dataset")  # where an inference config draws its latents, the first that it has


class PairStream(Dataset):
    """Case i of the set that `run inferring` of a bundle would write with the same seed, as tensors.

    An item has ``image``, a MetaTensor (1, H, W, D) of whole HU, ``label``, the same of label values, ``case_id`` and
    ``seed``, for MONAI's transforms and anybody's loop; generators of images alone give no ``label``. The voxels are
    those of the set's files. Items depend on their number alone, so that a `DataLoader` may shuffle them and have
    workers: each builds the network when it draws its first pair.

    ```python
    from common.runs.pair_stream import PairStream

    for pair in PairStream("bundles/hagan_128", num_samples=4):
        print(pair["case_id"], pair["image"].shape, pair["label"].unique())
    ```

    Args:
        bundle: Folder of a bundle of generators, or its inference config. It runs as code: trust it.
        checkpoint: The generator; by default the bundle's ``models/model.pt``.
        num_samples: Number of items.
        seed: Of the latents.
        overlays: Config files laid over the inference config, as the generation has them.
        options: Flat keys of the config, such as ``{"keep_largest": 3}``.
        device: That draws.

    Raises:
        FileNotFoundError: There is no such bundle or checkpoint.
        IndexError: An item beyond the last.
    """

    def __init__(
        self,
        bundle: str | Path,
        *,
        checkpoint: str | Path | None = None,
        num_samples: int = 16,
        seed: int = 0,
        overlays: Sequence[str | Path] = (),
        options: Mapping[str, Any] | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        config = inference_config(bundle, what="generator")
        root = config.parent.parent
        self.config_files = [str(config), *map(str, overlays)]
        self.checkpoint = Path(checkpoint) if checkpoint is not None else root / "models" / "model.pt"
        self.content = {key: value for key, value in read_model_file(self.checkpoint).items() if key != "model"}
        self.num_samples = num_samples
        self.device = torch.device(device)
        given = {"bundle_root": str(root), "checkpoint": str(self.checkpoint), "num_samples": num_samples, "seed": seed}
        self.options = {**(options or {}), **given, "device": self.device}

    @property
    def seen_ids(self) -> frozenset[str]:
        """All real case ids behind the pairs, given masks' included: never judge by one a model that they trained."""
        training = self.content["training"]
        return frozenset(training["case_ids"]).union(training.get("generator_case_ids", ()), self.mask_ids())

    def mask_ids(self, count: int | None = None) -> frozenset[str]:
        """Real case ids behind the masks that images are drawn for; none without given masks.

        Args:
            count: Of the first items, each of which has the next of the masks; by default all.
        """
        masks = self.drawing.get("masks") or {}
        return real_mask_ids(masks, masks.get("ids", ())[:count])

    @property
    def drawing(self) -> dict[str, Any]:
        """What decides the pairs beside seed and weights: ``postprocessing`` and more, as a set's provenance has it."""
        cleanup = self._workflow.get("cleanup", {})
        return {"postprocessing": cleanup, **self._workflow.get("drawing", {})}

    @property
    def labels(self) -> dict[str, str]:
        """Value to name, of the masks."""
        return self._workflow["label_names"]

    def __len__(self) -> int:
        return self.num_samples

    @torch.no_grad()
    def __getitem__(self, index: int) -> dict[str, Any]:
        if not 0 <= index < self.num_samples:
            raise IndexError(f"item {index} of {self.num_samples}")
        item = self._workflow["dataset"][index]
        batch = {key: value[None] if isinstance(value, torch.Tensor) else [value] for key, value in item.items()}
        prepare = self._workflow.get("evaluator::prepare_batch", default_prepare_batch)
        latents, _, *more = prepare(batch, self.device, False)
        arguments, named = more or ((), {})
        drawn = self._workflow["inferer"](latents, self._workflow["network"], *arguments, **named)[0].float().cpu()
        output = self._workflow["postprocessing"]({"pred": drawn})
        volumes = drawn_volumes(output, self.labels)
        affine = torch.from_numpy(centred_affine(volumes["image"].shape, self.content["training"]["spacing"]))
        affine = affine.float().double()  # as a file keeps it
        pair = {key: MetaTensor(torch.from_numpy(array)[None], affine=affine) for key, array in volumes.items()}
        return {**pair, "case_id": item["case_id"], "seed": item["seed"]}

    @cached_property
    def _workflow(self) -> dict[str, Any]:
        """Parts of the inference config, and its network with the checkpoint's weights."""
        workflow = ConfigWorkflow(self.config_files, workflow_type="infer", logging_file=False, **self.options)
        parser = workflow.parser
        data = next(key for key in _DATA if key in parser)
        parser.update({f"{data}::indices": None})  # all: the set's own bookkeeping of what is written is left out
        required = ("network", "dataset", "inferer", "postprocessing", "label_names")
        optional = [key for key in ("cleanup", "drawing", "evaluator::prepare_batch") if key in parser]
        with torch.random.fork_rng(devices=[]):  # first weights are drawn: nobody else's numbers are to depend on it
            parts = {key: parser.get_parsed_content(key) for key in (*required, *optional)}
        network: nn.Module = parts["network"]
        network.load_state_dict(read_model_file(self.checkpoint)["model"])
        return {**parts, "network": network.to(self.device).eval()}

    def __getstate__(self) -> dict[str, Any]:
        """Without the network, which each worker builds for itself."""
        return {key: value for key, value in self.__dict__.items() if key != "_workflow"}
