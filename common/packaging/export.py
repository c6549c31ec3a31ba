"""A bundle as a folder and an archive that need nothing but pinned packages."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..checksums import FILE_NAME as SUMS
from ..checksums import write_checksums
from ..files import read_json
from ..leftovers import remove_leftovers, temporary_folder
from ..networks.model_file import read_model_file
from .archive import all_files, write_zip
from .large_files import LIMIT, write_large_files
from .monai_label import write_label_config
from .pins import pinned
from .reach import reached_modules
from .relocate import relocate, require_same_common
from .vendor import TEXTS, vendor
from .weights_metadata import describe_weights
from .zoo_json import zoo_json
from .zoo_model import copy_model

logger = logging.getLogger(__name__)
CHECKOUT = Path(__file__).resolve().parents[2]
_PARTS = ("configs", "docs", "scripts")  # copied whole; models are converted, the rest stays behind
_ABOUT = """
## About this folder
Exported from version {version} of the collection, release `{sha256:.12}`. Commands are given from this folder, with
the packages of `configs/metadata.json` installed; `python -m common.data prepare --source phantom --output
data/phantom` makes data to try it on. `common/` holds what the bundles of the collection share. Each of them carries
all of it, as two bundles that are loaded in one process share what the first one brought; bundles of different
releases are refused there, by a line that the export adds to each workflow. `sha256sum -c SHA256SUMS` compares the
files.
"""


def export_bundle(
    name: str,
    output: Path,
    *,
    model: Path | None = None,
    large_files_url: str | None = None,
    large_file_bytes: int = LIMIT,
    checkout: Path = CHECKOUT,
) -> Path:
    """Write ``output/NAME`` and ``output/NAME_vVERSION.zip``, whose path is given back; the same files, the same bytes.

    Args:
        name: Of a bundle of the checkout.
        output: An earlier export of `name` in it is replaced.
        model: Model file that goes in as ``models/model.pt``; the bundle's own by default.
        large_files_url: Address that files over `large_file_bytes` will be uploaded to.
        large_file_bytes: Size above which ``large_files.yml`` lists a file.
        checkout: Folder of ``bundles/`` and ``common/``.

    Raises:
        FileNotFoundError: There is no such bundle, or no `model`.
        FileExistsError: Something that is no export stands in the way.
    """
    source, target = checkout / "bundles" / name, output / name
    if not (source / "configs" / "metadata.json").is_file():
        there = ", ".join(
            sorted(path.parents[1].name for path in (checkout / "bundles").glob("*/configs/metadata.json"))
        )
        raise FileNotFoundError(
            f"no bundle '{name}' in {checkout / 'bundles'}, expected one of {there}: name one of these"
        )
    if target.exists() and not (target / SUMS).is_file():
        raise FileExistsError(f"{target} is no earlier export (it has no {SUMS}): name another --output or remove it")
    output.mkdir(parents=True, exist_ok=True)
    remove_leftovers(output, deep=False)
    with temporary_folder(output, name) as temporary:
        folder = temporary / name
        _fill(folder, source, model, checkout)
        write_large_files(folder, all_files(folder), url=large_files_url, limit=large_file_bytes)
        write_checksums(folder)
        version = _metadata(folder)["version"]
        archive = output / f"{name}_v{version}.zip"
        write_zip(folder, archive)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    logger.info("%s and %s, %.1f MB", target, archive.name, archive.stat().st_size / 1e6)
    return archive


def _metadata(bundle: Path) -> dict[str, Any]:
    return read_json(bundle / "configs" / "metadata.json", remedy="mend it, or take it from git", keys=("version",))


def _fill(folder: Path, source: Path, model: Path | None, checkout: Path) -> None:
    release = vendor(checkout, folder)
    for file in _kept(source):
        target = folder / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix in (".yaml", ".md"):
            text = relocate(file.read_text(), name=source.name)
            target.write_text(require_same_common(text, release) if file.suffix == ".yaml" else text)
        else:
            shutil.copyfile(file, target)
    readme, metadata = folder / "docs" / "README.md", folder / "configs" / "metadata.json"
    if readme.is_file():
        readme.write_text(readme.read_text() + _ABOUT.format(**release))
    write_label_config(folder / "configs")
    _copy_models(source / "models", folder / "models", model)
    texts = [path for pattern in TEXTS for path in sorted(source.glob(pattern))]
    modules = reached_modules(texts, checkout=checkout)
    content = pinned(_metadata(source), sorted(modules), checkout=checkout)
    described = zoo_json(describe_weights(content, folder))
    metadata.write_text(relocate(described, name=source.name))


def _kept(source: Path) -> Iterator[Path]:
    yield from (path for path in (source / "LICENSE",) if path.is_file())
    for part in _PARTS:
        for path in all_files(source / part):
            hidden = any(name.startswith((".", "__pycache__")) for name in path.relative_to(source).parts)
            if not hidden:
                yield path


def _require_own(bundle: str, model: Path) -> None:
    """Refuse a model of another bundle, whose network this one does not build; HA-GAN's two sizes are one network."""
    trained_by = (read_model_file(model)["training"].get("bundle") or {}).get("name", bundle)
    if trained_by.partition("_")[0] != bundle.partition("_")[0]:
        raise ValueError(f"{model} was trained by {trained_by}, expected a model of {bundle}: name another --model")


def _copy_models(source: Path, target: Path, model: Path | None) -> None:
    target.mkdir()
    files = {path.name: path for path in all_files(source) if path.suffix == ".pt"}
    if model is not None:
        _require_own(source.parent.name, model)
        files["model.pt"] = model
    for name, path in files.items():
        copy_model(path, target / name)
