"""Command line of the packaging room: ``python -m common.packaging export|check|push|download|onnx``."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from ..command_line import run_command_line
from ..files import read_json
from .check import Device, check_bundle
from .export import CHECKOUT, export_bundle
from .finding import as_table
from .hub import fetch_bundle, push_bundle
from .large_files import LIMIT
from .onnx_export import export_onnx

logger = logging.getLogger(__name__)


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
    export_bundle(
        name,
        Path(output),
        model=Path(model) if model else None,
        large_files_url=large_files_url,
        large_file_bytes=large_file_bytes,
    )


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
    if device not in get_args(Device):
        raise ValueError(f"--device is '{device}', expected one of {', '.join(get_args(Device))}: name one of these")
    files = {key: Path(value) if value else None for key, value in given.items()}
    for key, path in files.items():
        if path is not None and not path.exists():
            raise FileNotFoundError(
                f"--{key}: no file {path}, expected the file or folder: name another, or leave --{key} out"
            )
    with _exported(name, model) as folder:
        findings = check_bundle(folder, device=device, **files)
    sys.stdout.write(as_table(findings, title=name))
    if any(finding.status == "FAILED" for finding in findings):
        sys.exit(1)


def push(name: str, repo_id: str, *, model: str | None = None, private: bool = True) -> None:
    """Upload a bundle to a Hugging Face repository, with the token in the environment's HF_TOKEN.

    Args:
        name: Bundle of this checkout, which is exported first, or the folder of an exported one.
        repo_id: owner/name.
        model: model.pt of a training, as for export.
        private: Of a repository that does not exist yet.
    """
    with _exported(name, model) as folder:
        metadata = folder / "configs" / "metadata.json"
        version = read_json(metadata, remedy="export the bundle again", keys=("version",))["version"]
        push_bundle(folder, repo_id, version=version, private=private)


def download(
    name: str, output: str, *, repo_id: str | None = None, url: str | None = None, version: str | None = None
) -> None:
    """Download a bundle to OUTPUT/NAME and compare its files with their checksums.

    Args:
        name: Bundle, such as hagan_128.
        output: Folder.
        repo_id: Hugging Face repository, owner/name.
        url: Address of an archive of export, in place of a repository.
        version: Tag in the repository; the latest one by default.
    """
    fetch_bundle(name, Path(output), repo_id=repo_id, url=url, version=version)


def onnx(name: str, output: str, *, model: str | None = None) -> None:
    """Write a bundle's network as the ONNX file OUTPUT, compared with eager in onnxruntime.

    Args:
        name: Bundle of this checkout, which is exported first, or the folder of an exported one.
        output: File.
        model: model.pt of a training, as for export.
    """
    if Path(output).is_dir():
        raise ValueError(f"--output {output} is a folder, expected the name of an ONNX file: name another")
    with _exported(name, model) as folder:
        logger.info("%s: %s", output, export_onnx(folder, Path(output)))


@contextmanager
def _exported(name: str, model: str | None) -> Iterator[Path]:
    """Folder of an exported bundle: the one that `name` is, or a temporary one of the checkout's bundle."""
    folder = Path(name)
    if folder.resolve().parent != CHECKOUT / "bundles" and (folder / "configs" / "metadata.json").is_file():
        yield folder
        return
    with TemporaryDirectory() as temporary:
        export_bundle(folder.name, Path(temporary), model=Path(model) if model else None)
        yield Path(temporary) / folder.name


def main(command: Sequence[str] | None = None) -> None:
    """Run the command line; errors of what it was given end with status 1 and their message alone."""
    commands: dict[str, Callable[..., None]] = {
        "export": export,
        "check": check,
        "push": push,
        "download": download,
        "onnx": onnx,
    }
    run_command_line(commands, command, name="python -m common.packaging")
