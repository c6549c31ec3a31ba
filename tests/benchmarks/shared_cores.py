"""What several processes cost that share a machine's cores, with threads that spin while they wait, and that sleep.

    python tests/benchmarks/shared_cores.py --threads 1 2 --processes 1 2 4

Each process takes the same training steps of a small 3D U-Net. OpenMP's threads, which PyTorch's convolutions run on,
wait for each other by spinning, unless `OMP_WAIT_POLICY=PASSIVE` lets them sleep. Prints a Markdown table.
"""

import argparse
import os
import subprocess
import sys
import time

STEPS = """
import resource, sys
import torch
from monai.networks.nets import BasicUNet
torch.manual_seed(0)
network = BasicUNet(3, 1, 1, features=(8, 8, 16, 16, 16, 8))
optimizer = torch.optim.Adam(network.parameters())
volume = torch.rand(2, 1, 48, 48, 32)
def step():
    optimizer.zero_grad()
    network(volume).square().mean().backward()
    optimizer.step()
step()
print("ready", flush=True)
sys.stdin.readline()
before = resource.getrusage(resource.RUSAGE_SELF)
for _ in range(int(sys.argv[1])):
    step()
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""


def measure(*, processes: int, threads: int, passive: bool, steps: int) -> tuple[float, float]:
    """Seconds of the wall, and CPU seconds of each process, until all have taken their steps."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_", "KMP_"))}
    environment["OMP_NUM_THREADS"] = str(threads)
    if passive:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
    command = [sys.executable, "-W", "ignore", "-c", STEPS, str(steps)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    running = [subprocess.Popen(command, env=environment, **pipes) for _ in range(processes)]
    for process in running:
        process.stdout.readline()  # its first step is behind it
    start = time.perf_counter()
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    seconds = [float(process.communicate()[0]) for process in running]
    return time.perf_counter() - start, sum(seconds) / processes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    print("| processes at once | threads of each | waiting | s of the wall | CPU s of each |\n|---|---|---|---|---|")
    for processes in options.processes:
        for threads in options.threads:
            for passive in (False, True) if threads > 1 else (False,):
                wall, cpu = measure(processes=processes, threads=threads, passive=passive, steps=options.steps)
                waiting = "" if threads == 1 else "asleep" if passive else "spinning"
                print(f"| {processes} | {threads} | {waiting} | {wall:.1f} | {cpu:.1f} |", flush=True)


if __name__ == "__main__":
    main()
