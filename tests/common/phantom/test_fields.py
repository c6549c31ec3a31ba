import numpy as np
import pytest

from common.phantom.fields import smooth_field


def test_smooth_field_is_standard_and_depends_on_place_only():
    axes = [np.arange(-80, 80, 2.0), np.arange(-80, 80, 2.0), np.arange(-60, 60, 3.0)]
    field = smooth_field(np.random.default_rng(3), axes, 8)
    assert field.shape == (80, 80, 40)
    assert field.dtype == np.float32
    assert abs(field.mean()) < 0.05
    assert field.std() == pytest.approx(1, abs=0.05)
    coarse = smooth_field(np.random.default_rng(3), [a[::2] for a in axes], 8)
    np.testing.assert_allclose(coarse, field[::2, ::2, ::2], atol=1e-5)


def test_smooth_field_varies_over_its_pitch():
    axes = [np.arange(-100, 100, 2.0), np.zeros(1), np.zeros(1)]
    steps = [
        np.abs(np.diff(smooth_field(np.random.default_rng(seed), axes, pitch)[:, 0, 0])).mean()
        for pitch in (8, 60)
        for seed in (5, 6)
    ]
    assert min(steps[:2]) > 3 * max(steps[2:])
