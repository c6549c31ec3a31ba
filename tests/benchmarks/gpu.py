"""Everything that only a GPU can tell, in one table of at most ten minutes.

    python tests/benchmarks/gpu.py                                   # data/phantom is what `make setup` prepares
    python tests/benchmarks/gpu.py --sizes 128 --rows "training step"
    python tests/benchmarks/gpu.py --device cpu --tiny               # seconds: the rows alone, as the tests run them

Each row is a process of its own. Steps are HA-GAN's whole ones, of all four networks, on random volumes and weights,
without what loads data and writes files; the plain form is interpolation to the doubled size and a convolution, torch's
Adam, float32. A row that runs out of memory says so; one that the time does not suffice for is left out. Peak memory is
what the device has held, or of a CPU the process. Prints a Markdown table, line by line.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAPER = 80_000  # steps of the official training
FORMS: dict[str, dict[str, Any]] = {  # of a training step
    "plain, fp32": {"form": "plain"},
    "fp32": {},
    "TF32": {"tf32": True},
    "bf16": {"amp": "bf16"},
    "fp16": {"amp": "fp16"},
    "TF32, compiled": {"tf32": True, "compile_by": "inductor"},
    "bf16, compiled": {"amp": "bf16", "compile_by": "inductor"},
    "TF32, checkpointed": {"tf32": True, "checkpointing": True},
    "bf16, checkpointed": {"amp": "bf16", "checkpointing": True},
}
LARGEST = ("TF32", "bf16", "bf16, checkpointed")  # forms whose largest batch is sought
KINDS = ("parity with the CPU", "training step", "generation", "segmentation update", "evaluation", "largest batch")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", default=str(ROOT / "data" / "phantom"), help="of the segmentation update")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 2], help="one for each size")
    parser.add_argument("--steps", type=int, default=10, help="timed ones of a row, after three (ten when compiled)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the whole table")
    parser.add_argument("--rows", nargs="+", default=list(KINDS), choices=KINDS, help="kinds of rows")
    parser.add_argument("--tiny", action="store_true", help="networks and volumes of a few voxels")
    options = parser.parse_args()
    if options.tiny:
        options.sizes, options.batches, options.steps = [32], [2], 1
    until = time.monotonic() + 60 * options.minutes
    print("| what | volume | batch | form | a second | ratio | peak memory, GB | note |\n" + "|---" * 8 + "|")
    first: dict[tuple, float] = {}
    for row in rows(options):
        found = run_child(row, until - time.monotonic())
        rate, key = found.get("rate"), (row["kind"], row["size"], row["batch"])
        ratio = f"{rate / first.setdefault(key, rate):.2f}" if rate else ""
        numbers = [f"{rate:.3g}" if rate else "", ratio, f"{found['peak_gb']:.2f}" if "peak_gb" in found else ""]
        size = f"{row['size']}³" if row["size"] else "default"
        batch = str(found.get("batch", row["batch"] or ""))
        print(
            "|", " | ".join([row["kind"], size, batch, row["name"], *numbers, found.get("note", "")]), "|", flush=True
        )


def rows(options: argparse.Namespace) -> list[dict[str, Any]]:
    """What each row measures, the most telling first."""
    common = {"device": options.device, "steps": options.steps, "tiny": options.tiny, "data": options.dataset_dir}
    sizes = list(zip(options.sizes, options.batches, strict=True))
    found: list[dict[str, Any]] = []

    def add(kind: str, name: str, size: int, batch: int, **settings: Any) -> None:
        found.append({"kind": kind, "name": name, "size": size, "batch": batch, **common, **settings})

    small = 32 if options.tiny else 64
    for name in ("fp32", "TF32", "bf16"):
        add("parity with the CPU", name, small, 2, **FORMS[name])
    for size, batch in sizes:
        for name, form in FORMS.items():
            add("training step", name, size, batch, **form)
    for size, batch in sizes:
        for name in ("fp32", "TF32"):
            add("generation", name, size, batch, **FORMS[name])
    for name in ("off", "auto"):
        add("segmentation update", f"amp {name}", 0, 0, amp=name)
    for name in ("fp32", "TF32"):
        add("evaluation", f"features of organs, {name}", 0, 2, **FORMS[name])
    for size, batch in sizes:
        for name in LARGEST:
            add("largest batch", name, size, batch, **FORMS[name])
    return [row for row in found if row["kind"] in options.rows]


def run_child(row: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What a row measures, in a process of its own; why not, as its note."""
    if seconds <= 0:
        return {"note": "left out: the time is over"}
    command = [
        sys.executable,
        "-c",
        f"import json; from tests.benchmarks import gpu; print(json.dumps(gpu.measure({row!r})))",
    ]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=seconds, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return {"note": "ended: the time is over"}
    if done.returncode:
        return {"note": f"failed: {(done.stderr.strip().splitlines() or ['without a word'])[-1][:200]}"}
    return json.loads(done.stdout.splitlines()[-1])


def measure(row: dict[str, Any]) -> dict[str, Any]:
    """Rate a second, peak memory, and a note."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = bool(row.get("tf32"))
    measured = {
        "parity with the CPU": parity,
        "training step": training_step,
        "generation": generation,
        "segmentation update": segmentation_update,
        "evaluation": evaluation,
        "largest batch": largest_batch,
    }[row["kind"]]
    try:
        return {**measured(row), "peak_gb": held_gb(row["device"])}
    except torch.OutOfMemoryError:
        return {"note": "out of memory"}


def training_step(row: dict[str, Any]) -> dict[str, Any]:
    """Steps a second."""
    untimed = 1 if row["tiny"] else 10 if "compile_by" in row else 3  # until all slab positions are compiled
    seconds = timed_steps(row, row["batch"], untimed=untimed, timed=row["steps"])
    return {"rate": 1 / seconds, "note": f"{PAPER:,} steps in {PAPER * seconds / 3600:.1f} h"}


def largest_batch(row: dict[str, Any]) -> dict[str, Any]:
    """The largest batch, doubled from the row's, of which two steps fit."""
    import torch

    batch, found = row["batch"], {}
    while batch <= (2 * row["batch"] if row["tiny"] else 1024):
        try:
            seconds = timed_steps(row, batch, untimed=1, timed=1)
        except torch.OutOfMemoryError:
            break
        found = {"batch": batch, "rate": batch / seconds, "note": "pairs a second; twice as many do not fit"}
        batch *= 2
        torch.cuda.empty_cache()
    return found or {"note": "out of memory"}


def timed_steps(row: dict[str, Any], batch: int, *, untimed: int, timed: int) -> float:
    """Mean seconds of HA-GAN's steps behind the untimed ones."""
    marks: list[float] = []
    run_steps(row, row["device"], batch, untimed + timed, after=lambda *_: marks.append(now(row["device"])))
    return (marks[-1] - marks[untimed - 1]) / timed


def run_steps(row: dict[str, Any], device: str, batch: int, count: int, *, after: Callable) -> list[dict[str, float]]:
    """Train HA-GAN for `count` steps on random volumes; the losses of each."""
    import torch
    from ignite.engine import Events

    from common.engines.adam import adam
    from common.engines.adversarial_trainer import AdversarialTrainer
    from common.engines.hagan_step import HAGANStep
    from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator
    from tests.up_forms import take_form

    torch.manual_seed(0)
    size, c = row["size"], 8 if row["tiny"] else 32
    plain, latent = row.get("form") == "plain", {"latent_dim": 16} if row["tiny"] else {}
    generator = Generator(size, channels=c, **latent).to(device)
    others = [Discriminator(size, channels=c), EncoderH(channels=c), EncoderG(size, channels=c, **latent)]
    if plain:
        take_form(generator, "plain")
    options = {key: row[key] for key in ("checkpointing", "compile_by") if key in row}
    if row["tiny"] and "compile_by" in row:
        options["compile_by"] = "eager"  # a C++ compiler takes a minute
    step = HAGANStep(generator, *(network.to(device) for network in others), **options)
    make = torch.optim.Adam if plain else adam
    optimizers = {phase.name: make(phase.network.parameters(), lr=1e-4, betas=(0.0, 0.999)) for phase in step.phases}
    volume = torch.rand(batch, 1, size, size, size) * 2 - 1
    trainer = AdversarialTrainer(
        device=device,
        max_steps=count,
        data_loader=[volume] * count,
        step=step,
        optimizers=optimizers,
        prepare_batch=lambda x: x.to(device),
        amp="bf16" if row["tiny"] and row.get("amp") == "fp16" else row.get("amp", "off"),  # a CPU has no fp16
    )
    losses: list[dict[str, float]] = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: losses.append(dict(trainer.state.output)))
    trainer.add_event_handler(Events.ITERATION_COMPLETED, after)
    trainer.run()
    return losses


def parity(row: dict[str, Any]) -> dict[str, Any]:
    """Largest relative difference of the losses of three steps from those of a CPU in float32."""
    expected = run_steps({**row, "amp": "off"}, "cpu", row["batch"], 3, after=lambda *_: None)
    found = run_steps(row, row["device"], row["batch"], 3, after=lambda *_: None)
    pairs = [(a[name], b[name]) for a, b in zip(expected, found, strict=True) for name in a]
    return {"note": f"losses of three steps differ by {max(abs(a - b) / abs(a) for a, b in pairs):.1e} at most"}


def generation(row: dict[str, Any]) -> dict[str, Any]:
    """Volumes a second."""
    import torch

    from common.networks.hagan import Generator

    settings = {"channels": 8, "latent_dim": 16} if row["tiny"] else {}
    generator = Generator(row["size"], **settings).to(row["device"]).eval()
    z = torch.randn(row["batch"], generator.latent_dim, device=row["device"])
    with torch.no_grad():
        seconds = timed(lambda: generator(z), row)
    return {"rate": row["batch"] / seconds, "note": "volumes a second"}


def evaluation(row: dict[str, Any]) -> dict[str, Any]:
    """Volumes a second of which an evaluation has the features; the other extractor and the scores take less."""
    import torch

    from common.networks.extractor import load_extractor

    extractor = load_extractor("organs", allow_untrained=True).to(row["device"])
    volumes = torch.rand(row["batch"], 1, *((32, 32, 16) if row["tiny"] else (128, 128, 64)), device=row["device"])
    seconds = timed(lambda: extractor(volumes), row)
    return {"rate": row["batch"] / seconds, "note": "volumes of 128×128×64 a second, one view"}


def segmentation_update(row: dict[str, Any]) -> dict[str, Any]:
    """Updates a second of the segmenter's training, cache filled, augmentation in the same process."""
    import logging
    import tempfile

    from ignite.engine import Events

    from tests.benchmarks.segmentation_update import SIZES, filled_trainer

    logging.disable(logging.INFO)
    untimed = 1 if row["tiny"] else 3
    with tempfile.TemporaryDirectory() as output:
        settings = {"dataset_dir": row["data"], "output_dir": output, "cache_dir": f"{output}/cache"}
        settings |= {"epoch_steps": untimed + row["steps"], "device": row["device"], "amp": row["amp"]}
        trainer = filled_trainer(settings | SIZES["tiny" if row["tiny"] else "default"])
        marks: list[float] = []
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: marks.append(now(row["device"])))
        trainer.run()
    return {"rate": row["steps"] / (marks[-1] - marks[untimed - 1]), "note": "updates a second"}


def timed(call: Callable[[], Any], row: dict[str, Any]) -> float:
    """Mean seconds of a call, after one that is not timed."""
    call()
    start = now(row["device"])
    for _ in range(row["steps"]):
        call()
    return (now(row["device"]) - start) / row["steps"]


def now(device: str) -> float:
    """Seconds, when the device has done all that it was given."""
    import torch

    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def held_gb(device: str) -> float:
    """Most memory that has been held so far, GB."""
    import torch
    from peak_memory import peak_gb

    return torch.cuda.max_memory_allocated() / 1e9 if torch.device(device).type == "cuda" else peak_gb()


if __name__ == "__main__":
    main()
