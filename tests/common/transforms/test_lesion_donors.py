"""Who gives lesions: training cases alone, each read once."""

import pytest

from common.data.leakage import LeakageError
from common.transforms import LesionDonors
from tests.common.transforms.lesion_cases import DONOR, donors


class Items(list):
    """Items that count how often they are asked for."""

    asked = 0

    def __getitem__(self, number):
        self.asked += 1
        return super().__getitem__(number)


def test_held_out_cases_are_refused_under_the_names_of_their_sources():
    with pytest.raises(LeakageError, match=r"1 held-out cases .* such as c0"):
        donors(DONOR, DONOR, held_out=["c0", "x"])
    copy = {"case_id": "c9__affine_0", "source_case": "c9"}
    with pytest.raises(LeakageError, match="such as c9"):
        LesionDonors([copy], [DONOR], held_out=["c9"])


def test_a_case_is_read_once_and_only_when_asked_for():
    items = Items([DONOR, DONOR])
    given = LesionDonors([{"case_id": "a"}, {"case_id": "b"}], items)
    assert items.asked == 0 and len(given) == 2
    assert given[1] is given[1] and given[1][0].case_id == "b"
    assert items.asked == 1


def test_a_plain_tensor_needs_a_spacing():
    plain = {key: volume.as_tensor() for key, volume in DONOR.items()}
    with pytest.raises(ValueError, match="set spacing"):
        donors(plain)[0]
    assert donors(plain, spacing=[2, 2, 2])[0][0].volume == donors()[0][0].volume
    with pytest.raises(ValueError, match="no case can give a lesion"):
        LesionDonors([], [])
