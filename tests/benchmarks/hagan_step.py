"""CPU seconds and peak memory of a HA-GAN step: the plain form, and what each lever changes, one after the other.

    python tests/benchmarks/hagan_step.py                     # 128³ batch 2 and 256³ batch 1
    python tests/benchmarks/hagan_step.py --sizes 64 --batches 4 --rounds 5
    python tests/benchmarks/hagan_step.py --sizes 128 --batches 2 --without --rounds 5     # does each lever pay?
    python tests/benchmarks/hagan_step.py --sizes 128 --batches 2 --beside     # what is no default

The plain form is the reference: interpolation to the doubled size and a convolution, Adam parameter by parameter,
gradients that stay until the network's next update. Each row keeps the levers above it; with `--without` each row is
all of them but one, with `--beside` all of them and one more. Rows take turns within one run, each in a process of its
own, so that peak memory is that of the row. Seconds are CPU time of one thread, what a step takes on a core of its own:
a busy machine changes it little. Prints a Markdown table: the median of the steps after the first, the ratio to the
first row, and what of it each network's update takes; the rest prepares the batch.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from peak_memory import peak_gb

ROOT = Path(__file__).parents[2]
PARTS = {"d": "D", "g": "G", "e": "E^H", "e_sub": "E^G"}  # the phases' names
LEVERS = ("freed", "ours", "whole")  # see `measure` and `without`
FORMS = {  # up-convolutions' form, then the levers
    "plain": ("plain",),
    "composed up-convolutions": ("composed",),
    "products": ("products",),
    "gradients freed": ("products", *LEVERS[:1]),
    "Adam without first moment": ("products", *LEVERS[:2]),
    "whole-map convolutions as linear layers": ("products", *LEVERS),
    "memory kept by malloc": ("products", *LEVERS, "malloc"),
}
WITHOUT = {  # all levers but one: what it is worth where the others are
    "all": ("products", *LEVERS),
    "without products": ("composed", *LEVERS),
    "without linear layers": ("products", *(lever for lever in LEVERS if lever != "whole")),
}
BESIDE = {
    "all above": ("products", *LEVERS),
    "memory kept by malloc": ("products", *LEVERS, "malloc"),
    "memory given back by malloc": ("products", *LEVERS, "given"),
    "huge pages by malloc": ("products", *LEVERS, "huge"),
    "checkpointing": ("products", *LEVERS, "checkpointing"),
    "checkpointing, memory kept": ("products", *LEVERS, "checkpointing", "malloc"),
    "accumulation 2": ("products", *LEVERS, "accumulation"),
    "fused Adam": ("products", *LEVERS, "fused"),
    "fused Adam, weights channels last": ("products", *LEVERS, "fused", "weights"),
    "bf16": ("products", *LEVERS, "bf16"),
    "bf16, memory kept": ("products", *LEVERS, "bf16", "malloc"),
    "compiled (inductor)": ("products", *LEVERS, "compiled"),
}
ENVIRONMENT = {
    "malloc": {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"},
    "given": {"MALLOC_MMAP_THRESHOLD_": "1000000"},
    "huge": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--batches", type=int, nargs="+", default=[2, 1], help="one for each size")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--slab", default="official", choices=["official", "seamless"])
    parser.add_argument("--steps", type=int, default=2, help="timed ones of a process, after one (nine when compiled)")
    parser.add_argument("--rounds", type=int, default=1, help="processes of each form")
    parser.add_argument("--without", action="store_true", help="each lever left out, the others kept")
    parser.add_argument("--beside", action="store_true", help="what is no default, on top of all that is")
    parser.add_argument("--rows", nargs="+", default=None, help="of the table, by name; the first is always there")
    parser.add_argument("--child", default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child.split(","), options)))
        return
    forms = BESIDE if options.beside else WITHOUT if options.without else FORMS
    if unknown := {*(options.rows or forms)} - {*forms}:
        parser.error(f"no rows {sorted(unknown)}, there are {list(forms)}")
    print(f"| volume | batch | form | CPU s / step | ratio | {' | '.join(PARTS.values())} | peak memory, GB | ratio |")
    print("|---" * (7 + len(PARTS)) + "|")
    for size, batch in zip(options.sizes, options.batches, strict=True):
        wanted = {next(iter(forms)), *(options.rows or forms)}
        report(
            size, batch, {form: forms[form] for form in forms if form in wanted and fits(forms[form], batch)}, options
        )


def fits(levers: Sequence[str], batch: int) -> bool:
    return batch > 1 or "accumulation" not in levers


def report(size: int, batch: int, forms: dict[str, Sequence[str]], options: argparse.Namespace) -> None:
    runs = {form: [] for form in forms}
    for _ in range(options.rounds):
        for form, levers in forms.items():
            runs[form].append(run_child(levers, size, batch, options))
    steps = {form: [step for run in runs[form] for step in run["steps"]] for form in forms}
    seconds = {form: statistics.median(step["all"] for step in steps[form]) for form in forms}
    memory = {form: max(run["peak_gb"] for run in runs[form]) for form in forms}
    first = next(iter(forms))
    for form in forms:
        ratios = [values[form] / values[first] for values in (seconds, memory)]
        parts = [f"{statistics.median(step[name] for step in steps[form]):.2f}" for name in PARTS]
        cells = f"{seconds[form]:.2f} | {ratios[0]:.2f} | {' | '.join(parts)} | {memory[form]:.2f} | {ratios[1]:.2f}"
        print(f"| {size}³ | {batch} | {form} | {cells} |", flush=True)


def run_child(levers: Sequence[str], size: int, batch: int, options: argparse.Namespace) -> dict:
    command = [sys.executable, __file__, "--child", ",".join(levers), "--sizes", str(size), "--batches", str(batch)]
    for name in ("channels", "slab", "steps"):
        command += [f"--{name}", str(getattr(options, name))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for lever in levers:
        environment |= ENVIRONMENT.get(lever, {})
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def measure(levers: Sequence[str], options: argparse.Namespace) -> dict:
    import torch
    from ignite.engine import Events

    from common.engines.adam import adam
    from common.engines.adversarial_trainer import AdversarialTrainer
    from common.engines.hagan_step import HAGANStep
    from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator
    from tests.up_forms import take_form

    torch.set_num_threads(1)
    torch.manual_seed(0)
    size, batch, c = options.sizes[0], options.batches[0], options.channels
    step = HAGANStep(
        take_form(Generator(size, channels=c, slab=options.slab), levers[0]),
        Discriminator(size, channels=c),
        EncoderH(channels=c),
        EncoderG(size, channels=c),
        checkpointing="checkpointing" in levers,
        compile_by="inductor" if "compiled" in levers else "off",
    )
    without(levers, step)
    make = adam if "ours" in levers else torch.optim.Adam
    if "fused" in levers:
        make = partial(torch.optim.Adam, fused=True)
    optimizers = {phase.name: make(phase.network.parameters(), lr=1e-4, betas=(0.0, 0.999)) for phase in step.phases}
    if "freed" not in levers:
        for phase in step.phases:
            keep_gradients(phase, optimizers[phase.name])
    untimed = 9 if "compiled" in levers else 1  # until all slab positions are compiled
    volumes = [torch.rand(batch, 1, size, size, size) * 2 - 1] * (options.steps + untimed)
    trainer = AdversarialTrainer(
        device=torch.device("cpu"),
        max_steps=len(volumes),
        data_loader=volumes,
        step=step,
        optimizers=optimizers,
        prepare_batch=lambda x: x,
        amp="bf16" if "bf16" in levers else "off",
        accumulation=2 if "accumulation" in levers else 1,
    )
    marks: list[tuple[str, float]] = []  # what begins, and when
    trainer.add_event_handler(Events.ITERATION_STARTED, lambda: marks.append(("begin", time.process_time())))
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: marks.append(("end", time.process_time())))
    for phase in step.phases:
        phase.register_forward_pre_hook(lambda phase, _: marks.append((phase.name, time.process_time())))
    trainer.run()
    return {"steps": by_part(marks)[untimed:], "peak_gb": peak_gb()}


def by_part(marks: Sequence[tuple[str, float]]) -> list[dict[str, float]]:
    """Seconds of each step: of all of it, and from the begin of each phase to that of the next."""
    steps: list[Counter] = []
    for (name, start), (_, stop) in pairwise(marks):
        if name == "begin":
            steps.append(Counter())
        if name != "end":
            steps[-1].update({name: stop - start, "all": stop - start})
    return steps


def without(levers: Sequence[str], step: Any) -> None:
    """Take out the levers that are no options, where they are not asked for."""
    import torch

    from common.networks.whole_convolution import WholeConvolution

    if "whole" not in levers:
        WholeConvolution.forward = torch.nn.Conv3d.forward
    if "weights" in levers:
        for phase in step.phases[:1] + step.phases[2:]:  # those of G are taken apart by its up-convolutions
            phase.network.to(memory_format=torch.channels_last_3d)


def keep_gradients(phase: Any, optimizer: Any) -> None:
    """Until the phase begins again."""
    zero_grad = optimizer.zero_grad
    optimizer.zero_grad = lambda **_: None
    phase.register_forward_pre_hook(lambda *_: zero_grad())


if __name__ == "__main__":
    main()
