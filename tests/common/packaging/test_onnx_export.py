"""ONNX files of exported bundles, run by onnxruntime."""

import numpy as np
import pytest
import torch

from common.networks.hagan import Generator
from common.networks.model_file import read_model_file
from common.packaging.cli import main
from common.packaging.finding import Finding
from common.packaging.onnx_export import export_onnx


def test_a_generator_gives_the_same_volumes_in_onnxruntime(shipped, forked_probe, tmp_path):
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name)
    runtime = pytest.importorskip("onnxruntime")
    bundle, file = shipped("hagan_128"), tmp_path / "folder" / "generator.onnx"
    main(["onnx", str(bundle), "--output", str(file)])
    content = read_model_file(bundle / "models" / "model.pt")
    network = Generator(32, latent_dim=16, channels=content["settings"]["channels"]).eval()
    network.load_state_dict(content["model"])
    z = torch.randn(1, 16, generator=torch.Generator().manual_seed(7))
    session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: z.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(found, network(z).numpy(), atol=1e-4)


@pytest.mark.release
@pytest.mark.parametrize("name", ["segresnet_auto3dseg", "evaluation", "baseline_gans"])
def test_the_shipped_segmenters_and_the_unet_are_equal_in_onnxruntime(name, dist, tmp_path):
    """`export_onnx` compares, and raises where they differ by more than rounding."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    assert export_onnx(dist / name, tmp_path / "model.onnx").startswith("largest difference from eager ")
    assert (tmp_path / "model.onnx").stat().st_size > 1_000_000


def test_what_has_no_onnx_form_says_why(tmp_path, monkeypatch):
    finding = Finding("ONNX", "FAILED", "ModuleNotFoundError: No module named 'onnxruntime'")
    monkeypatch.setattr("common.packaging.onnx_export.run_probe", lambda *arguments: [finding])
    with pytest.raises(RuntimeError, match="has no ONNX form: ModuleNotFoundError: No module named 'onnxruntime'"):
        export_onnx(tmp_path, tmp_path / "model.onnx")
