import pytest
import torch
from monai.data import MetaTensor

from common.transforms import MaskRange, MaskRanged

# options, value of label 0, 1, 2 in the GAN's range
TABLE = [
    ({}, [-1, 0, 1]),
    ({"binary": True}, [-1, 1, 1]),
    ({"labels": 5}, [-1, -0.5, 0]),
    ({"binary": True, "low": 0, "high": 2}, [-1, 0, 0]),
    ({"low": -1024, "high": 600}, [2 * (1024 + k) / 1624 - 1 for k in range(3)]),
]


@pytest.mark.parametrize(("options", "expected"), TABLE)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.float32])
def test_worked_values(options, expected, dtype):
    out = MaskRange(**options)(torch.tensor([0, 1, 2], dtype=dtype))
    torch.testing.assert_close(torch.as_tensor(out), torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("options", [options for options, _ in TABLE])
def test_labels_survive_the_round_trip(options):
    convert = MaskRange(**options)
    mask = torch.randint(0, 3, (1, 4, 5, 6), dtype=torch.uint8)
    out = torch.as_tensor(convert.inverse(convert(mask))).round().byte()
    assert torch.equal(out, (mask > 0).byte() if options.get("binary") else mask)


def test_inverse_gives_float_label_units():
    generated = torch.tensor([-1.0, -0.3, 0.0, 0.6, 1.0])
    torch.testing.assert_close(torch.as_tensor(MaskRange().inverse(generated)), generated + 1)


@pytest.mark.parametrize(("options", "top"), [({"low": -1024, "high": 600}, 2), ({"binary": True, "high": 2}, 1)])
def test_inverse_of_a_wider_range_stays_within_the_labels(options, top):
    assert MaskRange(**options).inverse(torch.tensor([-1.0, 1.0])).tolist() == [0, top]


@pytest.mark.parametrize(
    ("labels", "mask", "found"), [(3, [0, 3], "0 to 3"), (2, [0, 2], "0 to 2"), (3, [-1], "-1 to -1")]
)
def test_values_outside_are_refused(labels, mask, found):
    with pytest.raises(ValueError, match=f"values {found}, expected 0 to {labels - 1}"):
        MaskRange(labels)(torch.tensor(mask))


@pytest.mark.parametrize("options", [{"labels": 1}, {"low": 2, "high": 2}, {"low": 3}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match="mask range"):
        MaskRange(**options)


def test_dictionary_keeps_geometry():
    mask = MetaTensor(torch.tensor([[[[0, 1, 2]]]]), affine=torch.diag(torch.tensor([2.0, 2, 3, 1])))
    transform = MaskRanged("label", labels=3)
    out = transform({"label": mask, "case_id": "a"})
    assert torch.equal(out["label"].affine, mask.affine)
    back = transform.inverse(out)
    assert back["label"].flatten().tolist() == [0, 1, 2]
    assert back["case_id"] == "a"
