"""Parameters, seconds a step, peak memory and scores of every GAN of the collection after the same time of training.

    python tests/benchmarks/gans.py --dataset_dir data/openkbp --seconds 120 --work output/gans

All at one volume size, so that their scores compare; a plane holds all slices of a pair. Each trains in a process of
its own for `--seconds`, after its first step; then generates and is scored by the evaluation bundle against the test
cases. Prints a Markdown table. What is finished stays in `--work` and is not done again.
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
SMALL = {"channels": 16}
HALF = {"pairing": "channels", "slab": "seamless", "ema": 0.95, "binary_mask": False}  # half the voxels of z_concat
# name: bundle, overlays, options
GANS: dict[str, tuple[str, list[str], dict[str, Any]]] = {
    "HA-GAN": ("hagan_128", ["demo"], HALF | SMALL),
    "Vanilla GAN 1": ("baseline_gans", ["vanilla_gan_1"], SMALL),
    "Vanilla GAN 2": ("baseline_gans", [], SMALL),
    "WGAN, clipped": ("baseline_gans", ["wgan_clip_3d"], SMALL),
    "WGAN-GP": ("baseline_gans", ["wgan_gp_3d"], SMALL),
    "WGAN, clipped, planes": ("baseline_gans", ["wgan_clip_2d"], SMALL),
    "WGAN-GP, planes": ("baseline_gans", ["wgan_gp_2d"], SMALL),
    "FastGAN, planes": ("baseline_gans", ["fastgan"], {"channels": 16}),
    "FastGAN, volumes": ("baseline_gans", ["fastgan", "volumes"], {}),
    "StyleGAN2, planes": ("baseline_gans", ["stylegan2"], {"channels": 4}),
    "StyleGAN2, volumes": ("baseline_gans", ["stylegan2", "volumes"], {"channels": 4}),
}
SCORES = ("fid/pair/organs", "kid/pair/organs", "fid/pair/slices", "kid/pair/slices")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", default="data/phantom")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--size", type=int, nargs=3, default=[64, 64, 32])
    parser.add_argument("--spacing", type=float, default=3.0)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--only", nargs="*", default=list(GANS))
    parser.add_argument("--work", type=Path, default=ROOT / "output" / "gans")
    options = parser.parse_args()
    print(f"| GAN | G | D | s / step | steps | GB | {' | '.join(SCORES)} |")
    print("|---|" + "---|" * (5 + len(SCORES)), flush=True)
    for name in options.only:
        work = options.work / name.replace(", ", "_").replace(" ", "_")
        found = trained(name, work, options)
        scores = evaluated(name, work, options)
        cells = [f"{found[net]:,}" for net in ("generator", "discriminator")]
        cells += [f"{found['step']:.2f}", str(found["steps"]), f"{found['peak']:.1f}"]
        print(f"| {name} | {' | '.join(cells + [describe(scores[key]) for key in SCORES])} |", flush=True)


def trained(name: str, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    path = work / "training.json"
    if not path.is_file():
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = pool.submit(train, name, work, options).result()
        path.write_text(json.dumps(found))
    return json.loads(path.read_text())


def train(name: str, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Train for the given time; runs in a process of its own."""
    from ignite.engine import Events
    from monai.bundle import ConfigWorkflow

    bundle, overlays, settings = GANS[name]
    files = [str(path) for path in configs(bundle, ["train", *overlays])]
    workflow = ConfigWorkflow(
        files, workflow_type="train", logging_file=False, **flags(bundle, work, options, settings)
    )
    workflow.initialize()
    keys = ("train::trainer", "train::dataset", "networks")
    trainer, dataset, networks = (workflow.parser.get_parsed_content(key) for key in keys)
    for index in range(len(dataset)):  # preprocess what is not in the cache yet: it belongs to no GAN's time
        dataset[index]
    times: list[float] = []

    def look(engine: Any) -> None:
        times.append(time.perf_counter())
        if times[-1] - times[0] > options.seconds:
            engine.terminate()

    trainer.add_event_handler(Events.ITERATION_COMPLETED, look)
    trainer.run()
    return {
        "steps": len(times),
        "step": (times[-1] - times[0]) / (len(times) - 1),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        **{net: sum(p.numel() for p in networks[net].parameters()) for net in ("generator", "discriminator")},
    }


def flags(bundle: str, work: Path, options: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    height, width, depth = options.size
    plane = {"plane_size": [height * depth // 4, width * 8]}  # all 2·depth slices of a pair
    shape = {"image_size": options.size, "spacing": [options.spacing] * 3, "batch_size": options.batch_size}
    run = {"dataset_dir": options.dataset_dir, "output_dir": str(work / "train"), "max_steps": 10**6}
    often = {"checkpoint_interval": 10**6, "preview_interval": 10**6, "ema": 0.95}
    fit = {"fit": "resize"} if bundle == "baseline_gans" else {}
    planes = plane if work.name.endswith("planes") else {}
    return {**shape, **run, **often, **fit, **planes, "num_workers": 1, **settings}


def evaluated(name: str, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    bundle, overlays, _ = GANS[name]
    if not (work / "generated" / "provenance.json").is_file():
        places = {"checkpoint": work / "train" / "model.pt", "output_dir": work / "generated"}
        run("inferring", configs(bundle, ["inference", *overlays]), {**places, "num_samples": options.samples})
    report = work / "evaluation"
    if not (report / "metrics.json").is_file():
        places = {"dataset_dir": options.dataset_dir, "generated_dir": work / "generated", "output_dir": report}
        scoring = {**places, "neighbours": 3, "sections": ["fidelity"]}
        run("evaluating", configs("evaluation", ["evaluate"]), scoring)
    return json.loads((report / "metrics.json").read_text())["scores"]


def run(run_id: str, files: list[Path], options: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "monai.bundle", "run", run_id, "--config_file", str([str(f) for f in files])]
    log = Path(options["output_dir"]).with_suffix(".log")
    with log.open("w") as file:
        pairs = [f"--{key}={value}" for key, value in options.items()]
        subprocess.run([*command, *pairs], cwd=ROOT, stdout=file, stderr=file, check=True)


def configs(bundle: str, names: list[str]) -> list[Path]:
    return [ROOT / "bundles" / bundle / "configs" / f"{name}.yaml" for name in names]


def describe(score: dict[str, Any]) -> str:
    """Value, and the real-vs-real floor in brackets."""
    return f"{score['value']:.3g} ({score['floor']['value']:.3g})"


if __name__ == "__main__":
    main()
