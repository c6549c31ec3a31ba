"""Steps a second of a HA-GAN training with one and with two processes; and what many machines would exchange, on paper.

    python tests/benchmarks/scaling.py --size 32 --channels 8      # measures; a core a process, gloo
    python tests/benchmarks/scaling.py --plan                      # bytes and seconds by formula, nothing is measured

Weak scaling: `--batch_size` is per process, so two processes train twice the pairs a step. Runs take turns, each in
processes of its own with one thread. Prints a Markdown table: the median of the steps after the first, and pairs a
second against those of one process times the number of processes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARAMETERS = {"G": 52_518_210, "D": 7_241_442, "E^H": 161_152, "E^G": 19_663_168}  # at 128³, the authors' counts
LINKS = {"InfiniBand, 25 GB/s": 25e9, "NVLink, 300 GB/s": 300e9}  # bytes a second, one direction
GPUS = (2, 4, 8, 16, 32, 64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--latent_dim", type=int, default=1024)
    parser.add_argument("--batch_size", type=int, default=2, help="of each process")
    parser.add_argument("--accumulation", type=int, default=1)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=10, help="timed steps a run, after one that is not")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each number of processes")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure(options)
    elif options.plan:
        plan()
    else:
        report(options)


def plan() -> None:
    """Print what one process sends a step, and the seconds of it were nothing computed meanwhile."""
    titles = ["GPUs", "2(N−1)/N", *(f"{name}, MB" for name in PARAMETERS), "all, MB"]
    titles += [f"ms, {link}" for link in LINKS]
    print(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|")
    for count in GPUS:
        sent = [ring_bytes(parameters, count) for parameters in PARAMETERS.values()]
        cells = [str(count), f"{2 * (count - 1) / count:.3f}", *(f"{size / 1e6:.1f}" for size in (*sent, sum(sent)))]
        cells += [f"{1e3 * sum(sent) / speed:.1f}" for speed in LINKS.values()]
        print(f"| {' | '.join(cells)} |")


def ring_bytes(parameters: int, count: int) -> float:
    """Bytes that each of `count` processes sends for the fp32 gradients of one update, by ring all-reduce."""
    return 2 * (count - 1) / count * 4 * parameters


def report(options: argparse.Namespace) -> None:
    runs: dict[int, list[float]] = {count: [] for count in options.processes}
    for _ in range(options.rounds):
        for count in options.processes:
            runs[count] += run_processes(count, options)
    print("| processes | pairs a step | s / step | steps / s | pairs / s | efficiency |")
    print("|---|---|---|---|---|---|")
    rates = {count: options.batch_size * count / statistics.median(seconds) for count, seconds in runs.items()}
    alone = rates[options.processes[0]] / options.processes[0]
    for count, seconds in runs.items():
        step = statistics.median(seconds)
        cells = f"{step:.3f} | {1 / step:.2f} | {rates[count]:.2f} | {rates[count] / count / alone:.2f}"
        print(f"| {count} | {options.batch_size * count} | {cells} |")


def run_processes(count: int, options: argparse.Namespace) -> list[float]:
    """Seconds of each timed step, as the first process sees them."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={count}"]
    command = [sys.executable, *launcher, __file__, "--child"]
    for name in ("size", "channels", "latent_dim", "batch_size", "accumulation", "steps"):
        command += [f"--{name}", str(getattr(options, name))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def measure(options: argparse.Namespace) -> None:
    """Train in this process, one of those that the launcher started."""
    import ignite.distributed as idist
    import torch
    from ignite.engine import Events

    from common.engines.adam import adam
    from common.engines.adversarial_trainer import AdversarialTrainer
    from common.engines.hagan_step import HAGANStep
    from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator

    torch.distributed.init_process_group("gloo")
    torch.manual_seed(0)
    size, c, latent = options.size, options.channels, options.latent_dim
    step = HAGANStep(
        Generator(size, latent_dim=latent, channels=c),
        Discriminator(size, channels=c),
        EncoderH(channels=c),
        EncoderG(size, latent_dim=latent, channels=c),
    )
    volumes = [torch.rand(options.batch_size, 1, size, size, size) * 2 - 1] * (options.steps + 1)
    trainer = AdversarialTrainer(
        device=torch.device("cpu"),
        max_steps=len(volumes),
        data_loader=volumes,
        step=step,
        optimizers={p.name: adam(p.network.parameters(), lr=1e-4, betas=(0.0, 0.999)) for p in step.phases},
        prepare_batch=lambda x: x,
        accumulation=options.accumulation,
    )
    times: list[float] = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: times.append(time.perf_counter()))
    trainer.run()
    if idist.get_rank() == 0:
        print(json.dumps([b - a for a, b in pairwise(times)]))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
