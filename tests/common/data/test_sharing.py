import pytest

from common.data.sharing import own_batches

# items, batch size, processes → batches of each process
CASES = [
    ("abcdefg", 2, 1, [["ab", "cd", "ef", "g"]]),
    ("abcdefg", 2, 2, [["ab", "ef"], ["cd", "g"]]),
    ("abcdefg", 2, 3, [["ab", "g"], ["cd"], ["ef"]]),
    ("abc", 2, 3, [["ab"], ["c"], []]),
    ("", 2, 2, [[], []]),
]


@pytest.mark.parametrize(("items", "batch_size", "world_size", "expected"), CASES)
def test_batches_are_dealt_out_in_turn(items, batch_size, world_size, expected):
    for rank in range(world_size):
        batches = own_batches(items, batch_size=batch_size, rank=rank, world_size=world_size)
        assert ["".join(batch) for batch in batches] == expected[rank]
