"""The copy of `common` in an exported bundle's root."""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from .. import __version__
from ..files import file_sha256
from ..same_common import MARK_FILE
from .reach import PACKAGE, data_files, reached_modules
from .zoo_json import zoo_json

TEXTS = ("configs/**/*.yaml", "docs/*.md", "scripts/**/*.py")


def common_files(checkout: Path) -> set[Path]:
    """Files of `common` that any of the checkout's bundles reaches.

    All of them, not those of one bundle: two bundles in one process share what the first one brought, so that each
    must bring what the other needs. It costs each bundle some hundred kilobytes.
    """
    texts = {path for pattern in TEXTS for path in (checkout / "bundles").glob(f"*/{pattern}")}
    modules = reached_modules(sorted(texts), checkout=checkout) | {checkout / PACKAGE / "same_common.py"}
    return modules | data_files(modules, checkout=checkout)


def files_hash(files: Iterable[Path], *, root: Path) -> str:
    """SHA-256 over names and contents, whatever the order."""
    lines = sorted(f"{file_sha256(file)}  {file.relative_to(root).as_posix()}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def vendor(checkout: Path, bundle_dir: Path) -> dict[str, str]:
    """Copy `common` into a bundle's root and write its ``_common.json``, which is given back."""
    files = common_files(checkout)
    for file in files:
        target = bundle_dir / file.relative_to(checkout)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    release = {"version": __version__, "sha256": files_hash(files, root=checkout)}
    (bundle_dir / PACKAGE / MARK_FILE).write_text(zoo_json(release))
    return release
