"""Runs a bundle with MONAI's own functions, in a process that sees the bundle and the packages alone.

`check` starts this file by its path, in the bundle's root; it imports nothing of `common`, as the bundle has its own.
"""

import ast
import importlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from pydoc import locate
from tempfile import TemporaryDirectory
from typing import Any

import torch
from monai.bundle import ConfigParser, ConfigWorkflow, ckpt_export, onnx_export, verify_metadata, verify_net_in_out
from monai.utils import OptionalImportError

META = "configs/metadata.json"
NETWORK = "network_def"
WORKFLOWS = {"train": "train", "inference": "infer"}
NOT_CHECKED = "not checked"


def run_checks(result: str, schema: str, device: str, dataset_dir: str) -> None:
    """Write ``[[check, status, note], …]`` of all checks to the file `result`."""
    torch.manual_seed(0)
    checks: dict[str, Callable[[], str]] = {
        "metadata schema": lambda: check_schema(schema),
        "names in configs": check_names,
        "workflow properties": lambda: check_properties(dataset_dir),
        "network_data_format": lambda: check_shapes(device),
        "TorchScript": check_torchscript,
    }
    _write(result, checks)


def run_onnx(result: str, file: str) -> None:
    """Write the network to `file` as ONNX, and one finding to the file `result`."""
    _write(result, {"ONNX": lambda: export_onnx(file)})


def check_schema(schema: str) -> str:
    """The metadata against a schema file, which MONAI would download."""
    if not schema:
        url = json.loads(Path(META).read_text()).get("schema")
        return f"{NOT_CHECKED}: no schema file at hand, get {url} and name it with --schema"
    with TemporaryDirectory() as folder:  # what lies there already is not downloaded
        try:
            verify_metadata(META, shutil.copy(schema, folder))
        except OptionalImportError:
            return f"{NOT_CHECKED}: MONAI needs the package jsonschema for it"
    return Path(schema).name


def check_names() -> str:
    """Everything that the configs import or instantiate is there."""
    names = sorted({name for path in _configs() for name in _names(ConfigParser.load_config_file(path))})
    if missing := [name for name in names if locate(name) is None]:
        raise ValueError(f"cannot be imported: {', '.join(missing)}")
    return f"{len(names)} in {len(_configs())} files"


def check_properties(dataset_dir: str) -> str:
    """MONAI finds the properties of a training and of an inference, which are built for it."""
    if not dataset_dir:
        return f"{NOT_CHECKED}: a training is built of data, name prepared ones with --dataset_dir"
    found = [name for name in WORKFLOWS if Path(f"configs/{name}.yaml").is_file()]
    overlay = [file for file in ("configs/smoke.yaml",) if Path(file).is_file()]  # for any prepared data, and quick
    for name in found:
        with TemporaryDirectory() as folder:
            options = {"output_dir": folder, "cache_dir": f"{folder}/cache", "dataset_dir": dataset_dir}
            file = f"configs/{name}.yaml"
            kind = WORKFLOWS[name]
            workflow = ConfigWorkflow([file, *overlay], workflow_type=kind, logging_file=False, **options)
            workflow.initialize()
            if missing := workflow.check_properties():
                raise ValueError(f"{file} lacks {missing}")
    return ", ".join(found)


def check_shapes(device: str) -> str:
    """The network takes and gives what the metadata say, on `device`; ``meta`` has shapes and types, no values."""
    verify_net_in_out(NETWORK, meta_file=META, config_file=_inference(), device=device)
    network, x = _network().to(device).eval(), _input().to(device)
    pred = json.loads(Path(META).read_text())["network_data_format"]["outputs"]["pred"]
    with torch.no_grad():
        shape = list(network(x).shape)
    if shape[1:] != [pred["num_channels"], *pred["spatial_shape"]]:
        raise ValueError(
            f"{list(x.shape)} gives {shape}, the metadata say {pred['num_channels'], *pred['spatial_shape']}"
        )
    return f"{list(x.shape)} → {shape} on {device}"


def check_torchscript() -> str:
    """``ckpt_export`` of the shipped weights, and its output beside that of the network."""
    if not Path("models/model.pt").is_file():
        raise FileNotFoundError("no models/model.pt, give export one with --model")
    with TemporaryDirectory() as folder:
        file = f"{folder}/model.ts"
        ckpt_export(NETWORK, file, "models/model.pt", META, _inference(), bundle_root=".")
        scripted = torch.jit.load(file).eval()
    with torch.no_grad():
        return _compared(scripted(_input()))


def export_onnx(file: str) -> str:
    """``onnx_export`` of the shipped weights, and its output in onnxruntime beside that of the network."""
    shape = list(_input().shape)
    onnx_export(NETWORK, file, "models/model.pt", META, _inference(), input_shape=shape, bundle_root=".")
    session = importlib.import_module("onnxruntime").InferenceSession(file, providers=["CPUExecutionProvider"])
    output = session.run(None, {session.get_inputs()[0].name: _input().numpy()})[0]
    return _compared(torch.from_numpy(output))


def _compared(found: torch.Tensor) -> str:
    """The largest difference from eager; an error where it is more than rounding."""
    network = _network().eval()
    network.load_state_dict(torch.load("models/model.pt", weights_only=True))
    with torch.no_grad():
        expected = network(_input())
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    return f"largest difference from eager {(found - expected).abs().max():.1e}"


def _write(result: str, checks: Mapping[str, Callable[[], str]]) -> None:
    Path(result).write_text(json.dumps([[name, *_outcome(check)] for name, check in checks.items()]))


def _outcome(check: Callable[[], str]) -> tuple[str, str]:
    try:
        note = check()
    except Exception as error:  # whatever a bundle's code raises is a finding
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        return "FAILED", " ".join(f"{type(cause).__name__}: {cause}".split())[:400]
    if note.startswith(NOT_CHECKED):
        return NOT_CHECKED, note.removeprefix(f"{NOT_CHECKED}: ")
    return "passed", note


def _configs() -> list[Path]:
    return sorted(path for path in Path("configs").rglob("*.yaml"))


def _names(content: Any) -> Iterator[str]:
    """Dotted ``_target_`` and imported names anywhere in a config."""
    if isinstance(content, dict):
        target = content.get("_target_", "")
        if "." in target and target[0] not in "$@%":
            yield target
        for value in content.values():
            yield from _names(value)
    elif isinstance(content, list):
        for value in content:
            yield from _names(value)
    elif isinstance(content, str) and content.startswith(("$import ", "$from ")):
        for node in ast.parse(content[1:]).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                yield from (f"{module}{alias.name}" for alias in node.names)


def _inference() -> str:
    return next(str(path) for path in sorted(Path("configs").glob("inference.*")))


def _network() -> torch.nn.Module:
    parser = ConfigParser()
    parser.read_config(_inference())
    parser.read_meta(META)
    return parser.get_parsed_content(NETWORK)


def _input() -> torch.Tensor:
    image = json.loads(Path(META).read_text())["network_data_format"]["inputs"]["image"]
    generator = torch.Generator().manual_seed(0)
    return torch.rand(1, image["num_channels"], *image["spatial_shape"], generator=generator)


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"check": run_checks, "onnx": run_onnx}
    commands[sys.argv[1]](*sys.argv[2:])
