"""What the model zoo's continuous integration runs on a bundle, and what its reviewers look at, as one table."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from .check_files import check_files
from .check_metadata import check_metadata
from .check_style import check_style
from .finding import Finding

Device = Literal["meta", "cpu", "cuda"]
_PROBE = Path(__file__).with_name("probe.py")


def check_bundle(
    bundle: Path,
    *,
    schema: Path | None = None,
    model_info: Path | None = None,
    dataset_dir: Path | None = None,
    device: Device = "meta",
) -> list[Finding]:
    """Findings on an exported bundle, which is left as it was.

    Args:
        bundle: Its folder.
        schema: File of the metadata's schema, which is never downloaded.
        model_info: The zoo's list of the versions that it has.
        dataset_dir: Prepared data, of which the trainings are built for their properties; any will do.
        device: That the shapes are verified on; ``meta`` computes them without values, in no memory.
    """
    return [
        *check_files(bundle),
        check_style(bundle),
        *check_metadata(bundle, model_info=model_info),
        *run_probe(bundle, "check", _path(schema), device, _path(dataset_dir)),
    ]


def run_probe(bundle: Path, command: str, *arguments: str) -> list[Finding]:
    """Findings of `probe` in a process that sees the exported bundle and the packages, not this checkout."""
    with TemporaryDirectory() as folder:
        result = Path(folder) / "findings.json"
        python = [sys.executable, "-P", "-B"]  # -P: the modules beside the file stay off the path
        done = subprocess.run(
            [*python, str(_PROBE), command, str(result), *arguments],
            cwd=bundle,
            env={**os.environ, "PYTHONPATH": str(bundle.resolve())},
            capture_output=True,
            text=True,
            check=False,
        )
        if not result.is_file():
            end = " ".join(done.stderr.splitlines()[-1:])
            return [Finding("run of the bundle", "FAILED", f"ended with status {done.returncode}: {end}")]
        return [Finding(*found) for found in json.loads(result.read_text())]


def _path(path: Path | None) -> str:
    return str(path.resolve()) if path else ""
