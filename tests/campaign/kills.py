"""Trainings that are killed or asked to stop at random moments, started again, and compared with one that was not."""

import hashlib
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.one_run import LOCK_NAME

from .commands import Command
from .process import Forked, fork

_OPTIONS = ("--dataset_dir", "{data}", "--output_dir", "{out}")
_STEPS, _EPOCHS = (*_OPTIONS, "--max_steps", "8"), (*_OPTIONS, "--max_epochs", "4")
TRAININGS = {  # that take seconds, with a checkpoint after each step or epoch
    "hagan_128": Command("hagan_128", "training", ("train", "smoke"), _STEPS),
    "baseline_gans": Command("baseline_gans", "training", ("train", "wgan_gp_3d", "smoke"), _STEPS),
    "segresnet_auto3dseg": Command("segresnet_auto3dseg", "training", ("train", "smoke"), _EPOCHS),
}  # fmt: skip
STATUS = {signal.SIGKILL: (-9,), signal.SIGTERM: (143,), signal.SIGINT: (130,)}


@dataclass
class Interrupted:
    """A training that was interrupted some times.

    Attributes:
        bundle: Of it.
        number: Of the signal.
        count: How often.
        problems: What went wrong; empty where it ended as one that ran through.
    """

    bundle: str
    number: signal.Signals
    count: int
    problems: list[str]


def interruptions(world: Path, folder: Path, counts: dict[signal.Signals, int], *, seed: int) -> Iterator[Interrupted]:
    """Interrupt each training up to three times in a run, until each signal was sent as often as asked for.

    SIGKILLs come at any moment, SIGTERM and SIGINT from when a training has the lock of its folder.
    """
    moments = random.Random(seed)
    whole: dict[str, tuple[str, float]] = {}
    pace = dict.fromkeys(TRAININGS, 1.0)  # shorter waits where trainings ended before they were hit
    for number, wanted in counts.items():
        sent = 0
        while sent < wanted:
            for bundle, command in TRAININGS.items():
                if bundle not in whole:
                    out = folder / bundle
                    start = time.monotonic()
                    status, output = _wait(_start(command, world, out))
                    assert status == 0, output[-3000:]
                    whole[bundle] = (_digest(out), time.monotonic() - start)
                expected, seconds = whole[bundle][0], whole[bundle][1] * pace[bundle]
                out = folder / f"{bundle}_{number.name}_{sent}"
                done = _interrupt(command, world, out, number, min(3, wanted - sent), seconds, expected, moments)
                pace[bundle] *= 0.7 if done.count == 0 else 1.1
                sent += done.count
                yield done
                shutil.rmtree(out, ignore_errors=True)
                if sent >= wanted:
                    break


def _interrupt(
    command: Command,
    world: Path,
    out: Path,
    number: signal.Signals,
    times: int,
    seconds: float,
    expected: str,
    moments: Any,
) -> Interrupted:
    problems: list[str] = []
    count = 0
    for _ in range(times):
        (out / LOCK_NAME).unlink(missing_ok=True)  # that a killed run has left
        running = _start(command, world, out)
        # while Python still imports MONAI no line of this project listens, and there is nothing to lose
        if number != signal.SIGKILL and not _holds_lock(running, out):
            break
        time.sleep(moments.uniform(0.1, 0.9) * seconds)
        if os.waitpid(running.pid, os.WNOHANG)[0]:
            break
        os.kill(running.pid, number)
        count += 1
        status, output = _wait(running)
        if status not in (*STATUS[number], 0):
            problems.append(f"exit status {status}, expected {STATUS[number][0]}")
        if number != signal.SIGKILL and "Traceback" in output:
            problems.append("a traceback: " + output[output.index("Traceback") :][:3000])
    status, output = _wait(_start(command, world, out))
    if status != 0:
        problems.append(f"started again it ended with {status}: " + "\n".join(output.strip().splitlines()[-3:]))
    elif _digest(out) != expected:
        problems.append("another model or other losses than of a training that ran through")
    return Interrupted(command.bundle, number, count, problems)


def _holds_lock(running: Forked, out: Path) -> bool:
    """Wait until a training has the lock of its folder; False where it ends before."""
    while not (out / LOCK_NAME).is_file():
        if os.waitpid(running.pid, os.WNOHANG)[0]:
            return False
        time.sleep(0.01)
    return True


def _start(command: Command, world: Path, out: Path) -> Forked:
    paths = {"data": str(world / "data"), "out": str(out)}
    arguments = [word.format(**paths) if word.startswith("{") else word for word in command.arguments()]
    here = out.with_name(out.name + ".log")
    here.mkdir(parents=True, exist_ok=True)
    return fork(arguments, here, watched=False)


def _wait(running: Forked) -> tuple[int, str]:
    _, status = os.waitpid(running.pid, 0)
    return os.waitstatus_to_exitcode(status), running.output()


def _digest(out: Path) -> str:
    """Of the weights in model.pt and of the losses."""
    import torch

    found = hashlib.sha256()
    content = torch.load(out / "model.pt", weights_only=True, map_location="cpu")
    for name, tensor in sorted(_tensors(content, "")):
        found.update(
            name.encode() + tensor.clone(memory_format=torch.contiguous_format).view(torch.uint8).numpy().tobytes()
            if tensor.ndim
            else name.encode()
        )
    for path in sorted(out.glob("losses.csv")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _tensors(content: Any, path: str) -> Iterator[tuple[str, Any]]:
    import torch

    if isinstance(content, torch.Tensor):
        yield path, content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _tensors(value, f"{path}/{key}")
