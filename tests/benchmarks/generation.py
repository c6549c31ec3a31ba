"""Seconds and peak memory of HA-GAN's generation per volume: the whole volume at once, and slab by slab.

    python tests/benchmarks/generation.py                          # 128³ and 256³
    python tests/benchmarks/generation.py --sizes 512x512x256 --slices 16 32 64

Random weights: the cost does not depend on them. Each row is a process of its own, rows take turns within one run, so
that a busy machine slows all. Peak memory is the process's, libraries and weights included; what these alone take is
the column beside it. Prints a Markdown table: the median time of the volumes after the first, and ratios to the whole.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from peak_memory import peak_gb

ROOT = Path(__file__).parents[2]
WHOLE = 0  # slices of the row that makes the volume at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["128", "256"], help="a cube's edge, or axes as in 512x512x256")
    parser.add_argument("--slices", type=int, nargs="+", default=[16, 32], help="thickness of the slabs")
    parser.add_argument("--slabs", nargs="+", default=["official", "seamless"])
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--volumes", type=int, default=2, help="timed volumes a process, after one that is not")
    parser.add_argument("--rounds", type=int, default=1, help="processes of each row")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--child", type=int, default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(measure(options.child, options)))
        return
    print("| volume | slab | made at once | s / volume | ratio | peak memory, GB | ratio | before, GB |")
    print("|---|---|---|---|---|---|---|---|")
    for size in options.sizes:
        for slab in options.slabs:
            report(size, slab, options)


def report(size: str, slab: str, options: argparse.Namespace) -> None:
    rows = [WHOLE, *options.slices]
    runs = {slices: [] for slices in rows}
    for _ in range(options.rounds):
        for slices in rows:
            runs[slices].append(run_child(slices, size, slab, options))
    seconds = {slices: statistics.median(s for run in runs[slices] for s in run["seconds"]) for slices in rows}
    memory = {slices: max(run["peak_gb"] for run in runs[slices]) for slices in rows}
    for slices in rows:
        ratios = [values[slices] / values[WHOLE] for values in (seconds, memory)]
        before = max(run["before_gb"] for run in runs[slices])
        cells = f"{seconds[slices]:.2f} | {ratios[0]:.2f} | {memory[slices]:.2f} | {ratios[1]:.2f} | {before:.2f}"
        print(f"| {shown(size)} | {slab} | {f'{slices} slices' if slices else 'all'} | {cells} |", flush=True)


def axes(size: str) -> list[int]:
    values = [int(axis) for axis in size.split("x")]
    return values * 3 if len(values) == 1 else values


def shown(size: str) -> str:
    return size.replace("x", "×") if "x" in size else f"{size}³"


def run_child(slices: int, size: str, slab: str, options: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--child", str(slices), "--sizes", size, "--slabs", slab]
    for name in ("channels", "volumes", "threads"):
        command += [f"--{name}", str(getattr(options, name))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def measure(slices: int, options: argparse.Namespace) -> dict:
    import torch

    from common.engines.slab_inferer import SlabInferer
    from common.networks.hagan import Generator

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    generator = Generator(axes(options.sizes[0]), channels=options.channels, slab=options.slabs[0]).eval()
    inferer = SlabInferer(slices or None)
    latents = torch.randn(options.volumes + 1, 1, generator.latent_dim)
    before, seconds = peak_gb(), []
    with torch.no_grad():
        for z in latents:
            start = time.perf_counter()
            inferer(z, generator)
            seconds.append(time.perf_counter() - start)
    return {"seconds": seconds[1:], "peak_gb": peak_gb(), "before_gb": before}


if __name__ == "__main__":
    main()
