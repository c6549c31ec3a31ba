"""A bundle's network as an ONNX file, compared with eager."""

from pathlib import Path

from .check import run_probe


def export_onnx(bundle: Path, file: Path) -> str:
    """Write the network of an exported bundle with its weights as ONNX, and give back how it was compared.

    Args:
        bundle: Folder of the export.
        file: For a batch of one of the input that ``network_data_format`` describes.

    Raises:
        RuntimeError: An operator has no counterpart, the outputs differ, or the packages onnx, onnxscript and, for the
            comparison, onnxruntime are not installed.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    (finding,) = run_probe(bundle, "onnx", str(file.resolve()))
    if finding.status != "passed":
        raise RuntimeError(f"{bundle} has no ONNX form: {finding.note}")
    return finding.note
