"""``large_files.yml``: files that the model zoo does not take into its repository, and where they lie."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from ..files import file_sha256, replacing

LIMIT = 25 * 1024**2  # bytes, model zoo
NAME = "large_files.yml"
PLACEHOLDER = "URL-OF"  # no address: `check` says so


def write_large_files(bundle_dir: Path, files: Iterable[Path], *, url: str | None, limit: int = LIMIT) -> None:
    """List those of `files` that are over `limit` bytes with hash and address; no list where there are none.

    Args:
        bundle_dir: Gets the list.
        files: Below it.
        url: Address of the folder that they will be uploaded to; a placeholder stands in for it.
        limit: Largest size that needs no listing.
    """
    base = (url or PLACEHOLDER).rstrip("/")
    large = [
        {
            "path": (path := file.relative_to(bundle_dir).as_posix()),
            "url": f"{base}/{path}",
            "hash_val": file_sha256(file),
            "hash_type": "sha256",
        }
        for file in sorted(files)
        if file.stat().st_size > limit
    ]
    if large:
        with replacing(bundle_dir / NAME) as temporary:
            temporary.write_text(yaml.safe_dump({"large_files": large}, sort_keys=False))
