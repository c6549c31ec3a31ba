"""Mixed precision on the device of the inputs."""

import pytest
import torch
from monai.inferers import SimpleInferer, SlidingWindowInferer

from common.engines.autocast_inferer import AutocastInferer, multiplies_bf16

NETWORK = torch.nn.Conv3d(1, 2, 3, padding=1)


@pytest.mark.parametrize(("amp", "dtype"), [("off", torch.float32), ("bf16", torch.bfloat16)])
def test_the_network_runs_in_the_precision(amp, dtype):
    output = AutocastInferer(SimpleInferer(), amp=amp)(torch.randn(1, 1, 8, 8, 8), NETWORK)
    assert output.dtype == dtype


def test_windows_in_bf16_are_near_those_in_fp32():
    image = torch.randn(1, 1, 12, 8, 8)
    windows = SlidingWindowInferer(roi_size=8, overlap=0.5, mode="gaussian")
    full, mixed = (AutocastInferer(windows, amp=amp)(image, NETWORK) for amp in ("off", "bf16"))
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, full, atol=0.05, rtol=0)
    assert not torch.equal(mixed, full)


@pytest.mark.parametrize(
    ("instructions", "dtype"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),  # AMD Zen 4
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": False, "avx512_f": True}, torch.float32),
        ({"architecture": "arm64", "bf16": True}, torch.float32),
    ],
)
def test_auto_takes_bf16_where_the_cpu_multiplies_it(monkeypatch, instructions, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    output = AutocastInferer(SimpleInferer(), amp="auto")(torch.randn(1, 1, 8, 8, 8), NETWORK)
    assert output.dtype == dtype


@pytest.mark.parametrize("native", [True, False])
def test_auto_asks_a_gpu_for_bf16_that_is_not_emulated(monkeypatch, native):
    asked = {}
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **options: asked.update(options) or native)
    assert multiplies_bf16(torch.device("cuda")) == native
    assert asked == {"including_emulation": False}
    assert not multiplies_bf16(torch.device("mps"))


def test_another_precision_is_refused():
    with pytest.raises(ValueError, match="expected one of auto, off, bf16, fp16"):
        AutocastInferer(SimpleInferer(), amp="half")
