"""CPU seconds and peak memory of a HA-GAN step: the plain form, and what each lever changes, one after the other.

    python tests/benchmarks/hagan_step.py                     # 128³ batch 2 and 256³ batch 1
    python tests/benchmarks/hagan_step.py --sizes 64 --batches 4 --rounds 5

The plain form is the reference: interpolation to the doubled size and a convolution, Adam parameter by parameter,
gradients that stay until the network's next update. Each row keeps the levers above it. Rows take turns within one run,
each in a process of its own, so that peak memory is that of the row and a busy machine slows all. Prints a Markdown
table: the median of the steps after the first, and the ratio to the plain form.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# row: how up-convolutions are computed, whether gradients go with their update, whether Adam is ours
FORMS = {
    "plain": ("plain", False, False),
    "composed up-convolutions": ("composed", False, False),
    "products": ("products", False, False),
    "gradients freed": ("products", True, False),
    "Adam without first moment": ("products", True, True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 1], help="one for each size")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--slab", default="official", choices=["official", "seamless"])
    parser.add_argument("--steps", type=int, default=2, help="timed steps a process, after one that is not")
    parser.add_argument("--rounds", type=int, default=2, help="processes of each form")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--child", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child, options)))
        return
    print("| volume | batch | form | s / step | ratio | peak memory, GB | ratio |")
    print("|---|---|---|---|---|---|---|")
    for size, batch in zip(options.sizes, options.batches, strict=True):
        report(size, batch, options)


def report(size: int, batch: int, options: argparse.Namespace) -> None:
    runs = {form: [] for form in FORMS}
    for _ in range(options.rounds):
        for form in FORMS:
            runs[form].append(run_child(form, size, batch, options))
    seconds = {form: statistics.median(s for run in runs[form] for s in run["seconds"]) for form in FORMS}
    memory = {form: max(run["peak_gb"] for run in runs[form]) for form in FORMS}
    for form in FORMS:
        ratios = [values[form] / values["plain"] for values in (seconds, memory)]
        cells = f"{seconds[form]:.2f} | {ratios[0]:.2f} | {memory[form]:.2f} | {ratios[1]:.2f}"
        print(f"| {size}³ | {batch} | {form} | {cells} |", flush=True)


def run_child(form: str, size: int, batch: int, options: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--child", form, "--sizes", str(size), "--batches", str(batch)]
    for name in ("channels", "slab", "steps", "threads"):
        command += [f"--{name}", str(getattr(options, name))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def measure(form: str, options: argparse.Namespace) -> dict:
    import torch
    from ignite.engine import Events

    from common.engines.adam import adam
    from common.engines.adversarial_trainer import AdversarialTrainer
    from common.engines.hagan_step import HAGANStep
    from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    up_form, freed, ours = FORMS[form]
    size, batch, c = options.sizes[0], options.batches[0], options.channels
    step = HAGANStep(
        Generator(size, channels=c, slab=options.slab, up_form=up_form),
        Discriminator(size, channels=c),
        EncoderH(channels=c),
        EncoderG(size, channels=c),
    )
    make = adam if ours else torch.optim.Adam
    optimizers = {phase.name: make(phase.network.parameters(), lr=1e-4, betas=(0.0, 0.999)) for phase in step.phases}
    if not freed:
        for phase in step.phases:
            keep_gradients(phase, optimizers[phase.name])
    volumes = [torch.rand(batch, 1, size, size, size) * 2 - 1] * (options.steps + 1)
    trainer = AdversarialTrainer(
        device=torch.device("cpu"),
        max_steps=len(volumes),
        data_loader=volumes,
        step=step,
        optimizers=optimizers,
        prepare_batch=lambda x: x,
    )
    times = [time.process_time()]
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: times.append(time.process_time()))
    trainer.run()
    seconds = [b - a for a, b in pairwise(times[1:])]
    return {"seconds": seconds, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def keep_gradients(phase: Any, optimizer: Any) -> None:
    """Until the phase begins again."""
    zero_grad = optimizer.zero_grad
    optimizer.zero_grad = lambda **_: None
    phase.register_forward_pre_hook(lambda *_: zero_grad())


if __name__ == "__main__":
    main()
