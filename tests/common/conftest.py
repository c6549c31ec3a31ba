"""A small HA-GAN training, and published sets without networks, shared by the tests of this folder."""

from operator import itemgetter
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset

from common.data.latents import latent_seed
from common.data.provenance import write_provenance
from common.engines.adversarial_trainer import AdversarialTrainer
from common.engines.hagan_step import HAGANStep
from common.engines.step_sampler import StepBatchSampler
from common.files import write_json
from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator
from common.networks.hagan_conditional import ConditionalDiscriminator
from common.networks.model_file import write_model_file
from common.runs.published.published_set import PublishedSet
from common.runs.published.record import SetDescription
from common.runs.published.selection import Selection
from common.runs.published.source import read_sources
from common.runs.workflow_run import Workflow
from tests.common.threshold_bundle import segmenter, write_pair  # noqa: F401 fixtures of two rooms
from tests.common.web.browser import browser, open_page, serve_app  # noqa: F401 fixtures of two rooms

CHANNELS, LATENT = 8, 16
STEP_OPTIONS = ("objective", "g_iterations", "r1_weight", "checkpointing", "compile_by")


def build_networks(slab="official", seed=0, classes=0, **conditioning):
    torch.manual_seed(seed)
    generator = Generator(32, latent_dim=LATENT, channels=CHANNELS, slab=slab, classes=classes)
    kind, options = (ConditionalDiscriminator, {"classes": classes, **conditioning}) if classes else (Discriminator, {})
    return {
        "generator": generator,
        "discriminator": kind(32, channels=CHANNELS, **options),
        "encoder_h": EncoderH(channels=CHANNELS),
        "encoder_g": EncoderG(32, latent_dim=LATENT, channels=CHANNELS),
    }


@pytest.fixture
def networks():
    return build_networks


def build_adam(nets, lr=1e-3):
    """Optimisers by the names of HA-GAN's phases."""
    phases = zip(("g", "d", "e", "e_sub"), nets.values(), strict=True)
    return {name: torch.optim.Adam(net.parameters(), lr=lr, betas=(0.0, 0.999)) for name, net in phases}


@pytest.fixture
def adam():
    return build_adam


@pytest.fixture
def hagan_training():
    """Function (max_steps, handlers, …) -> trainer on 5 smooth random volumes of 32³, of its classes in turn."""

    def build(
        *,
        max_steps=2,
        batch_size=2,
        nets=None,
        optimizers=None,
        handlers=None,
        device="cpu",
        rank=0,
        world_size=1,
        **options,
    ):
        nets = nets or build_networks()
        step_options = {k: options.pop(k) for k in STEP_OPTIONS if k in options}
        classes = nets["generator"].classes
        step = HAGANStep(**nets, class_shares=[1 / classes] * classes if classes else (), **step_options)
        noise = torch.randn(5, 1, 8, 8, 8, generator=torch.Generator().manual_seed(3))
        volumes = torch.tanh(torch.nn.functional.interpolate(noise, scale_factor=4.0, mode="trilinear"))
        dataset = Dataset([{"pair": v, "class": torch.tensor(i % max(classes, 1))} for i, v in enumerate(volumes)])
        sampler = StepBatchSampler(
            num_items=5, batch_size=batch_size, max_steps=max_steps, seed=0, rank=rank, world_size=world_size
        )
        return AdversarialTrainer(
            device=torch.device(device),
            max_steps=max_steps,
            data_loader=DataLoader(dataset, batch_sampler=sampler),
            step=step,
            optimizers=optimizers or build_adam(nets),
            prepare_batch=itemgetter("pair", "class") if classes else itemgetter("pair"),
            handlers=handlers,
            **options,
        )

    return build


class FakeInferring:
    """Stands in for runs of `inferring`: smooth bodies with a lesion, of the seeds asked for; remembers its runs.

    `planted` maps (seed, index) to image and mask of a pair that is "generated" there; `masks` a seed to what the run
    says of the masks that it draws images for. With `killed_after` it dies once, having written that many pairs and
    nothing else.
    """

    def __init__(self):
        self.runs = []
        self.planted = {}
        self.masks = {}
        self.killed_after = None

    def __call__(self, run_id, configs, options, log, **_):
        assert run_id == "inferring"
        self.runs.append((options["seed"], list(options["indices"])))
        for index in options["indices"][: self.killed_after]:
            seed = latent_seed(options["seed"], index)
            image, label = self.planted.get((options["seed"], index)) or draw_pair(seed)
            for folder, volume in (("images", image), ("labels", label)):
                path = Path(options["output_dir"]) / folder / f"generated_{index:05d}.nii.gz"
                path.parent.mkdir(parents=True, exist_ok=True)
                nib.save(nib.Nifti1Image(volume, np.diag([6.0, 6.0, 6.0, 1.0])), path)
        if self.killed_after is not None:
            self.killed_after = None
            raise KeyboardInterrupt
        write_json({"labels": LABELS}, Path(options["output_dir"]) / "dataset.json")
        keys = ("bundle", "checkpoint", "seed", "cases", "spacing")
        made = {"postprocessing": {"threshold": 0.5}, "versions": {"torch": "0"}}
        made |= {"training": {"case_ids": ["p1", "p2"]}, "hu_window": [-1024, 600]}
        if options["seed"] in self.masks:
            made["drawing"] = {"temperature": 0.5, "masks": self.masks[options["seed"]]}
        write_provenance(options["output_dir"], {**dict.fromkeys(keys), **made})


LABELS = {"0": "background", "1": "tumour"}


def draw_pair(seed, shape=(32, 32, 16)):
    """Image (int16, HU) and mask (uint8) of a body with a lesion."""
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    width, centre = rng.uniform(0.5, 0.8), rng.uniform(-0.3, 0.3, 3)
    image = np.where(x**2 + y**2 < width**2, 40, -1000) + rng.normal(0, 20, shape)
    label = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 < 0.04
    return image.clip(-1024, 600).astype(np.int16), label.astype(np.uint8)


@pytest.fixture
def pair_of():
    return draw_pair


@pytest.fixture
def inferring():
    return FakeInferring()


@pytest.fixture
def model_file(tmp_path):
    """Function (name, case_ids, **settings) -> path of a model file without weights."""

    def write(name="a", case_ids=("p1", "p2"), **changed):
        settings = {"image_size": [32, 32, 16], "hu_window": [-1024, 600], "pairing": "z_concat", "binary_mask": False}
        training = {"bundle": {"name": "hagan_128", "version": "0.1.0"}, "case_ids": list(case_ids), "step": 7}
        training |= {"spacing": [6.0, 6.0, 6.0], "seed": 5, "datalist_sha256": "d" * 64}
        path = tmp_path / name / "model.pt"
        write_model_file(
            path, torch.nn.Identity(), settings={**settings, "label_names": LABELS, **changed}, training=training
        )
        return path

    return write


@pytest.fixture
def released(tmp_path, inferring, model_file):
    """Function (num_samples, checkpoints, folder, …, **selection) -> folder of a set made by a `PublishedSet`.

    `options` are those of `inferring`.
    """
    config = tmp_path / "inference.yaml"
    config.write_text("run: []\n")

    def make(
        num_samples=5, *, checkpoints=None, folder="set", seed=0, hu_step=1, engine=None, options=None, **selection
    ):
        sources = read_sources(checkpoints or [model_file()], num_samples=num_samples, seed=seed)
        about = SetDescription("synthetic", {"name": "hagan_128", "version": "0.1.0"}, seed, hu_step)
        how = {"inferring": Workflow("inferring", [str(config)], options or {}), "selection": Selection(**selection)}
        folders = {"output_dir": tmp_path / folder, "work_dir": tmp_path / f"{folder}.work"}
        PublishedSet(sources, about, **how, **folders, runner=inferring, engine=engine).make()
        return tmp_path / folder

    return make
