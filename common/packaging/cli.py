"""Command line of the packaging room: ``python -m common.packaging export``."""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import fire

from .export import export_bundle
from .large_files import LIMIT


def export(
    name: str,
    output: str,
    *,
    model: str | None = None,
    large_files_url: str | None = None,
    large_file_bytes: int = LIMIT,
) -> None:
    """Write OUTPUT/NAME and OUTPUT/NAME_vVERSION.zip: the bundle with all that it needs of this checkout.

    Args:
        name: Bundle, such as hagan_128.
        output: Folder; an earlier export of NAME in it is replaced.
        model: model.pt of a training to ship; the bundle's models/model.pt by default.
        large_files_url: Address of the folder that files over 25 MB will be uploaded to, for large_files.yml.
        large_file_bytes: The 25 MB.
    """
    options = {"large_files_url": large_files_url, "large_file_bytes": large_file_bytes}
    export_bundle(name, Path(output), model=Path(model) if model else None, **options)


def main(command: Sequence[str] | None = None) -> None:
    """Run the command line; errors of what it was given end with status 1 and their message alone."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        fire.Fire({"export": export}, command=command, name="python -m common.packaging")
    except (ValueError, OSError, RuntimeError, json.JSONDecodeError) as error:
        sys.exit(f"error: {error}")
