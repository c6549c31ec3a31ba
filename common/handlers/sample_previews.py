"""Pictures of what the generator makes of the same latents as training goes on."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.inferers import Inferer
from torch.utils.tensorboard import SummaryWriter

from ..data.conditions import with_class
from ..data.datalist import foreground_names
from ..data.latents import LatentDataset
from ..networks.image_generator import ImageGenerator
from ..reports.slices import orthogonal_slices, pair_grid


class SamplePreviews:
    """Generates the same few samples every `interval` steps and at the end, and saves their slices.

    Those of a network with ``classes`` go through them in turn, each class once at least.

    Leaves ``<directory>/step_<step>.png`` and, given a writer, the first sample's views in TensorBoard.

    Args:
        directory: Of the pictures.
        network: The generator or its moving average.
        inferer: Runs the network, as in inference.
        postprocessing: Takes ``{"pred": pair (C, S)}`` and returns it with image in HU and label.
        latent_dim, seed, count: Of the latents.
        window: HU shown as black and white.
        label_names: Number to name, in order, for the legend.
        spacing: Tells the spacing of the voxels, mm, when the first picture is drawn.
        interval: Steps between two pictures.
        writer: For TensorBoard.
    """

    def __init__(
        self,
        directory: str | Path,
        network: ImageGenerator,
        *,
        inferer: Inferer,
        postprocessing: Callable[[dict[str, Any]], dict[str, Any]],
        latent_dim: int,
        seed: int = 0,
        count: int = 3,
        window: Sequence[float] = (-1024, 600),
        label_names: Mapping[str, str] | None = None,
        spacing: Callable[[], Sequence[float]] = lambda: (1, 1, 1),
        interval: int = 1000,
        writer: SummaryWriter | None = None,
    ) -> None:
        self.directory = Path(directory)
        self.network = network
        self.inferer = inferer
        self.postprocessing = postprocessing
        self.latents = LatentDataset(max(count, network.classes), latent_dim, seed=seed)
        self.low, self.high = window
        self.label_names = foreground_names(label_names)
        self.spacing = spacing
        self.interval = interval
        self.writer = writer

    def attach(self, engine: Engine) -> None:
        """Draw every `interval` steps and at the end, and at the start what a kill has kept from being drawn."""
        engine.add_event_handler(Events.STARTED, self.make_up)
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.draw)
        engine.add_event_handler(Events.COMPLETED, self.draw)

    def make_up(self, engine: Engine) -> None:
        """Draw the samples of the checkpoint that was just loaded, unless that was done."""
        if engine.state.iteration and engine.state.iteration % self.interval == 0:
            self.draw(engine)

    def draw(self, engine: Engine) -> None:
        """Draw the samples as they are after this step, unless that was done."""
        step = engine.state.iteration
        path = self.directory / f"step_{step:08d}.png"
        if path.is_file():
            return
        state: Any = engine.state  # MONAI's engines add the device to Ignite's
        samples = self.generate(state.device)
        images = [sample["image"] for sample in samples]
        pair_grid(
            images,
            [sample["label"] for sample in samples] if "label" in samples[0] else None,
            path=path,
            window=(self.low, self.high),
            spacing=self.spacing(),
            label_names=self.label_names,
        )
        if self.writer is not None:
            for view in orthogonal_slices(images[0]):
                grey = ((view.image - self.low) / (self.high - self.low)).clip(0, 1)
                self.writer.add_image(f"sample/{view.plane}", grey, step, dataformats="HW")

    def generate(self, device: torch.device) -> list[dict[str, Any]]:
        """The samples, one at a time, in evaluation mode."""
        classes, training = self.network.classes, self.network.training
        self.network.eval()
        with torch.no_grad():
            samples = []
            for number in range(len(self.latents)):
                y = torch.tensor([number % classes]) if classes else None
                z = with_class(self.latents[number]["image"][None], y, classes)  # (1, latent_dim + classes)
                volume = self.inferer(z.to(device), self.network)[0]
                samples.append(self.postprocessing({"pred": volume.cpu()}))
        self.network.train(training)
        return samples
