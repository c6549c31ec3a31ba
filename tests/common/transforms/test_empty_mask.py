import torch

from common.transforms import NameEmptyMaskd


def test_only_masks_without_foreground_are_named():
    name, full, empty = NameEmptyMaskd(), torch.tensor([[[[0, 2]]]]), torch.zeros(1, 1, 1, 2)
    assert name({"case_id": "a", "label": full})["empty_mask"] == ""
    assert name({"case_id": "b", "label": empty})["empty_mask"] == "b"
    assert name({"case_id": "g", "label": empty, "source": "generated"})["empty_mask"] == ""  # may be so from the start
    assert name({"case_id": "i"})["empty_mask"] == ""  # images alone
    item = {"case_id": "a", "label": full}
    assert name(item) is not item and "empty_mask" not in item
