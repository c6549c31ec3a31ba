"""Command line of the packaging room: ``python -m common.packaging export``."""

import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import fire

from .check import Device, check_bundle
from .export import CHECKOUT, export_bundle
from .finding import as_table
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


def check(
    name: str,
    *,
    schema: str | None = None,
    model_info: str | None = None,
    dataset_dir: str | None = None,
    model: str | None = None,
    device: Device = "meta",
) -> None:
    """Print the table of everything that the model zoo checks; status 1 when something failed.

    Args:
        name: Bundle of this checkout, which is exported to a temporary folder first, or the folder of an exported one.
        schema: File of the metadata's schema, whose address stands in metadata.json; it is not downloaded.
        model_info: models/model_info.json of the zoo.
        dataset_dir: Prepared data, of which the trainings are built; those of `make setup` will do.
        model: model.pt of a training, as for export.
        device: That shapes are verified on: meta, cpu or cuda.
    """
    given = {"schema": schema, "model_info": model_info, "dataset_dir": dataset_dir}
    files = {key: Path(value) if value else None for key, value in given.items()}
    folder = Path(name)
    own = folder.resolve().parent == CHECKOUT / "bundles" or not (folder / "configs" / "metadata.json").is_file()
    with tempfile.TemporaryDirectory() as temporary:
        if own:
            export_bundle(folder.name, Path(temporary), model=Path(model) if model else None)
            folder = Path(temporary) / folder.name
        findings = check_bundle(folder, device=device, **files)
    sys.stdout.write(as_table(findings, title=name))
    if any(finding.status == "FAILED" for finding in findings):
        sys.exit(1)


def main(command: Sequence[str] | None = None) -> None:
    """Run the command line; errors of what it was given end with status 1 and their message alone."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        fire.Fire({"export": export, "check": check}, command=command, name="python -m common.packaging")
    except (ValueError, OSError, RuntimeError, json.JSONDecodeError) as error:
        sys.exit(f"error: {error}")
