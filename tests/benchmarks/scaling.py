"""Steps a second of a HA-GAN training with one and with two processes; and what many machines would exchange, on paper.

    python tests/benchmarks/scaling.py --size 32 --channels 8      # measures; a core a process, gloo
    python tests/benchmarks/scaling.py --plan                      # bytes and seconds by formula, nothing is measured

Weak scaling: `--batch_size` is per process, so two processes train twice the pairs a step. Runs take turns, each in
processes of its own with one thread. Beside them as many trainings run that exchange nothing: what sharing a machine's
memory costs, not the exchange. Prints a Markdown table: the median of the steps after the first, and pairs a second
against those of one process times the number of processes.
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
    rows = {f"{count}": (count, 1) for count in options.processes}  # title: processes a training, trainings
    rows |= {f"{count}, exchanging nothing": (1, count) for count in options.processes if count > 1}
    runs: dict[str, list[float]] = {title: [] for title in rows}
    for _ in range(options.rounds):
        for title, (processes, trainings) in rows.items():
            runs[title] += run_trainings(processes, trainings, options)
    print("| processes | pairs a step | s / step | steps / s | pairs / s | efficiency |")
    print("|---|---|---|---|---|---|")
    alone = statistics.median(runs[f"{options.processes[0]}"])
    for title, (processes, trainings) in rows.items():
        pairs, step = options.batch_size * processes * trainings, statistics.median(runs[title])
        print(f"| {title} | {pairs} | {step:.3f} | {1 / step:.2f} | {pairs / step:.2f} | {alone / step:.2f} |")


def run_trainings(processes: int, trainings: int, options: argparse.Namespace) -> list[float]:
    """Seconds of each timed step of trainings side by side, as the first process of each sees them.

    Raises:
        RuntimeError: One has failed; what it wrote stands above.
    """
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [sys.executable, *launcher, __file__, "--child"]
    for name in ("size", "channels", "latent_dim", "batch_size", "accumulation", "steps"):
        command += [f"--{name}", str(getattr(options, name))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(trainings)]
    printed = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise RuntimeError(f"a training of {processes} processes has failed, see above: {' '.join(command)}")
    return [seconds for lines in printed for seconds in json.loads(lines.splitlines()[-1])]


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
    torch.distributed.barrier()  # or the first to leave closes connections that another still uses
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
