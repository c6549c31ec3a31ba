"""What the commands work on: ten phantoms, a generated set, the bundles' own models; a copy for whom it is spoilt."""

import json
import shutil
from pathlib import Path

from .wrong_input import Wrong

ROOT = Path(__file__).parents[2]
PAIRS = 6


def make_world(folder: Path) -> None:
    """Fill `folder` with ``data`` and ``generated``."""
    from common.data.cli import prepare

    prepare("phantom", str(folder / "data"), count=10, size=(32, 32, 16), folds=2)
    published = ROOT / "common" / "data" / "synthetic"
    listed = json.loads((published / "dataset.json").read_text())
    part = next(name for name in ("training", "testing") if listed[name])
    listed[part] = listed[part][:PAIRS]
    listed |= {name: [] for name in ("training", "testing") if name != part}
    provenance = json.loads((published / "provenance.json").read_text())
    provenance["cases"] = provenance["cases"][:PAIRS]
    for entry in listed[part]:
        for kind in ("image", "label"):
            target = folder / "generated" / entry[kind]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(published / entry[kind], target)
    (folder / "generated" / "dataset.json").write_text(json.dumps(listed))
    (folder / "generated" / "provenance.json").write_text(json.dumps(provenance))


def paths_for(wrong: Wrong, world: Path, here: Path) -> dict[str, str]:
    """Paths of an input by the names in its arguments; `here` is made, and gets its own copy of what is spoilt."""
    here.mkdir(parents=True)
    model = ROOT / "bundles" / wrong.command.split()[0] / "models" / "model.pt"
    paths = {"data": world / "data", "generated": world / "generated", "model": model}
    if wrong.spoil is not None:
        for name in ("data", "generated"):
            shutil.copytree(world / name, here / name)
            paths[name] = here / name
        if model.is_file():
            paths["model"] = Path(shutil.copy(model, here / "model.pt"))
        wrong.spoil(here)
    return {name: str(path) for name, path in {**paths, "out": here / "out", "here": here}.items()}
