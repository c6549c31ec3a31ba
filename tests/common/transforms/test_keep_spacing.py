import torch
from monai.data import MetaTensor
from monai.transforms import Resize

from common.transforms import KeepSpacingd


def test_spacing_is_that_of_the_affine_after_resizing():
    volume = MetaTensor(torch.zeros(1, 8, 8, 4), affine=torch.diag(torch.tensor([1.5, 2.0, 3.0, 1.0])))
    item = KeepSpacingd(key="pair")({"pair": Resize((16, 8, 2))(volume)})
    torch.testing.assert_close(item["spacing"], torch.tensor([0.75, 2.0, 6.0]))
