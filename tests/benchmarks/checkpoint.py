"""Seconds and size of a whole checkpoint of a HA-GAN training, written and read, and what it adds to peak memory.

    python tests/benchmarks/checkpoint.py --size 128 --folder output/checkpoint_benchmark

The default networks with their optimisers, moments filled. Prints a Markdown table: the median of the rounds.
"""

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from peak_memory import peak_gb

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=ROOT / "output" / "checkpoint_benchmark")
    options = parser.parse_args()
    checkpoint = build(options)
    before = peak_gb()
    written, read, size = [], [], 0.0
    for step in range(1, options.rounds + 1):
        engine = SimpleNamespace(
            state=SimpleNamespace(iteration=step, epoch=0, epoch_length=1, device="cpu"), scaler=None
        )
        written.append(timed(checkpoint.save, engine))
        size = checkpoint.files()[0].stat().st_size / 1e6
        read.append(timed(checkpoint.load, engine))
    shutil.rmtree(options.folder)
    print("| volume | MB | written, s | read, s | peak memory before, GB | after, GB |\n|---|---|---|---|---|---|")
    cells = f"{size:.0f} | {statistics.median(written):.2f} | {statistics.median(read):.2f} | {before:.2f}"
    print(f"| {options.size}³ | {cells} | {peak_gb():.2f} |")


def build(options: argparse.Namespace) -> "TrainingCheckpoint":  # noqa: F821 - imports of torch follow the arguments
    import torch

    from common.engines.adam import adam
    from common.handlers.training_checkpoint import TrainingCheckpoint
    from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator

    size, c = options.size, options.channels
    networks = {
        "generator": Generator(size, channels=c),
        "discriminator": Discriminator(size, channels=c),
        "encoder_h": EncoderH(channels=c),
        "encoder_g": EncoderG(size, channels=c),
    }
    optimizers = {name: adam(net.parameters(), lr=1e-4, betas=(0.0, 0.999)) for name, net in networks.items()}
    for name, network in networks.items():
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizers[name].step()
        optimizers[name].zero_grad()
    return TrainingCheckpoint(options.folder, {"networks": networks, "optimizers": optimizers}, settings={}, keep=1)


def timed(task: Callable[[SimpleNamespace], None], engine: SimpleNamespace) -> float:
    start = time.perf_counter()
    task(engine)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
