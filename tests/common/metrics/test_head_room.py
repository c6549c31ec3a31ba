"""Whether a table can show a gain."""

import pytest

from common.metrics.head_room import Loss, head_room

CLEAR, SMALL, UNSURE = (0.05, 0.02, 0.08), (0.02, 0.01, 0.03), (0.05, -0.01, 0.11)
# cases of the baseline; (cases, loss, interval) of the arms with fewer; state, cases of the arm that decided
VERDICTS = {
    "half loses clearly": (20, [(10, *CLEAR)], "yes", 10),
    "half loses exactly enough": (20, [(10, 0.03, 0.001, 0.06)], "yes", 10),
    "half loses too little": (20, [(10, *SMALL)], "no", 10),
    "half loses within the interval": (20, [(10, *UNSURE)], "unknown", 10),
    "half gains": (20, [(10, -0.02, -0.04, 0.0)], "no", 10),
    "an interval up to 0": (20, [(10, 0.05, 0.0, 0.1)], "unknown", 10),
    "one test case, no interval": (20, [(10, 0.2, None, None)], "unknown", 10),
    "half of an odd number, rounded up": (149, [(75, *CLEAR)], "yes", 75),
    "half of an odd number, rounded down": (149, [(74, *SMALL)], "no", 74),
    "nothing to compare": (20, [], "unknown", None),
    "more cases do not count": (20, [(40, *CLEAR), (20, *CLEAR)], "unknown", None),
    "a tenth does not lose": (148, [(15, *SMALL)], "no", 15),
    "a tenth loses: half may not": (148, [(15, *CLEAR)], "unknown", 15),
    "three quarters lose": (20, [(15, *CLEAR)], "yes", 15),
    "three quarters do not: half may": (20, [(15, *SMALL)], "unknown", 15),
    "half decides, not a quarter": (20, [(5, *CLEAR), (10, *SMALL)], "no", 10),
    "the nearest decides": (40, [(4, *CLEAR), (10, *SMALL)], "no", 10),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(name):
    cases, losses, state, decided = VERDICTS[name]
    found = head_room(cases, [Loss(*loss) for loss in losses])
    assert (found.state, found.cases) == (state, cases)
    assert (found.shown_by and found.shown_by.cases) == decided
