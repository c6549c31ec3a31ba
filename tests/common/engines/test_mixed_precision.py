"""What an option of precision means on each device."""

import pytest
import torch

from common.engines.mixed_precision import autocast_dtype, multiplies_bf16


@pytest.mark.parametrize(
    ("instructions", "dtype"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),  # AMD Zen 4
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": False, "avx512_f": True}, None),
        ({"architecture": "arm64", "bf16": True}, None),
    ],
)
def test_auto_takes_bf16_where_the_cpu_multiplies_it(monkeypatch, instructions, dtype):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    assert autocast_dtype("auto", device=torch.device("cpu")) == dtype


@pytest.mark.parametrize("native", [True, False])
def test_auto_asks_a_gpu_for_bf16_that_is_not_emulated(monkeypatch, native):
    asked = {}
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **options: asked.update(options) or native)
    assert multiplies_bf16(torch.device("cuda")) == native
    assert asked == {"including_emulation": False}
    assert not multiplies_bf16(torch.device("mps"))
