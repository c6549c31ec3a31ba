"""Mixed precision on the device of the inputs."""

import pytest
import torch
from monai.inferers import SimpleInferer, SlidingWindowInferer

from common.engines.autocast_inferer import AutocastInferer

NETWORK = torch.nn.Conv3d(1, 2, 3, padding=1)


@pytest.mark.parametrize(("amp", "dtype"), [("off", torch.float32), ("bf16", torch.bfloat16)])
def test_the_network_runs_in_the_precision(amp, dtype):
    output = AutocastInferer(SimpleInferer(), amp=amp)(torch.randn(1, 1, 8, 8, 8), NETWORK)
    assert output.dtype == dtype


@pytest.mark.parametrize(("native", "dtype"), [(False, torch.float32), (True, torch.bfloat16)])
def test_auto_runs_in_what_the_device_of_the_inputs_multiplies(monkeypatch, native, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native})
    assert AutocastInferer(SimpleInferer(), amp="auto")(torch.randn(1, 1, 8, 8, 8), NETWORK).dtype == dtype


def test_windows_in_bf16_are_near_those_in_fp32():
    image = torch.randn(1, 1, 12, 8, 8)
    windows = SlidingWindowInferer(roi_size=8, overlap=0.5, mode="gaussian")
    full, mixed = (AutocastInferer(windows, amp=amp)(image, NETWORK) for amp in ("off", "bf16"))
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, full, atol=0.05, rtol=0)
    assert not torch.equal(mixed, full)


def test_another_precision_is_refused():
    with pytest.raises(ValueError, match="expected one of auto, off, bf16, fp16"):
        AutocastInferer(SimpleInferer(), amp="half")
