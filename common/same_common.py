"""One `common` for all bundles of a release: two exported bundles in one process share what was imported first."""

import json
from pathlib import Path
from typing import Any

from . import __version__

MARK_FILE = "_common.json"  # beside this file in an exported bundle; a checkout has none


def identity(folder: Path | None = None) -> dict[str, Any]:
    """``{"version": …, "sha256": …}`` of the `common` in `folder`, the imported one by default.

    ``sha256`` is that of all its files, None in a checkout, whose files may change at any time.
    """
    path = (folder or Path(__file__).parent) / MARK_FILE
    return json.loads(path.read_text()) if path.is_file() else {"version": __version__, "sha256": None}


def require_same_common(version: str, sha256: str) -> None:
    """The exported configs call this first, with the release that they came with.

    A checkout of the same version passes: whoever runs an exported bundle from there wants the checkout's `common`.

    Raises:
        RuntimeError: The `common` that this process has imported is of another release.
    """
    imported = identity()
    if imported["version"] == version and imported["sha256"] in (None, sha256):
        return
    raise RuntimeError(
        f"this bundle was exported with `common` {version} ({sha256[:12]}), but this process has imported "
        f"{imported['version']} ({(imported['sha256'] or 'a checkout')[:12]}) from {Path(__file__).parent}: bundles of "
        "different releases do not mix in one process. Run them in processes of their own, or take both from one "
        "release"
    )
