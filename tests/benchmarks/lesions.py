"""CPU seconds that a patch of the segmenter's training costs: plain, with pasted lesions, and with drawn ones.

    python tests/benchmarks/lesions.py --dataset_dir data/phantom --spacing 3 --cases 8 --rounds 5
    python tests/benchmarks/lesions.py --dataset_dir data/openkbp --spacing 1.5 --existing covered

Every draw is given a lesion (`lesion_prob` 1); by default half are. Cases come from the disk cache and donors are
known, as after the first epoch. Prints a Markdown table: medians over cases and rounds.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", default="data/phantom")
    parser.add_argument("--spacing", type=float, default=3)
    parser.add_argument("--roi_size", type=int, nargs=3, default=[48, 48, 32])
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--existing", default="spared")
    options = parser.parse_args()
    print("| training | CPU ms a patch | of draws with a lesion | draws without a place |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        for name, overlays in (("plain", []), ("pasted", ["copy_paste"]), ("drawn", ["drawn_lesions"])):
            drawn = measure(options, overlays, cache)
            every = 1000 * statistics.median(seconds for seconds, _ in drawn)
            added = [1000 * seconds for seconds, source in drawn if source not in ("", "no place", None)]
            missed = sum(source == "no place" for _, source in drawn)
            of_added = f"{statistics.median(added):.0f}" if added else "–"
            print(f"| {name} | {every:.0f} | {of_added} | {missed} of {len(drawn)} |", flush=True)


def measure(options: argparse.Namespace, overlays: list[str], cache_dir: str) -> list[tuple[float, str | None]]:
    """CPU seconds of each draw, and what it says of its lesion."""
    import torch
    from monai.bundle import ConfigParser

    torch.set_num_threads(1)
    parser = ConfigParser()
    configs = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"
    parser.read_config([str(configs / f"{name}.yaml") for name in ("train", *overlays)])
    parser.read_meta(str(configs / "metadata.json"))
    settings = {"dataset_dir": options.dataset_dir, "cache_dir": cache_dir, "output_dir": cache_dir}
    settings |= {"spacing": [options.spacing] * 3, "roi_size": options.roi_size, "num_workers": 0}
    parser.update(settings | ({"lesion_prob": 1.0, "existing_lesions": options.existing} if overlays else {}))
    parser["train::data"] = parser.get_parsed_content("train::data")[: options.cases]
    dataset = parser.get_parsed_content("train::dataset")
    for case in range(len(dataset)):  # fills the cache
        dataset[(case, 0)]
    if overlays:
        donors = parser.get_parsed_content("train::donors")
        for case in range(len(donors)):
            donors[case]
    drawn = []
    for draw in range(options.rounds * len(dataset)):
        start = time.process_time()
        (item,) = dataset[(draw % len(dataset), draw + 1)]
        drawn.append((time.process_time() - start, item.get("lesion_from")))
    return drawn


if __name__ == "__main__":
    main()
