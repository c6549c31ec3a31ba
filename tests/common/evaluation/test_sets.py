import numpy as np


def test_facts_are_read_once_and_shared(build_sets):
    sets = build_sets()
    facts = sets.facts(sets.real)
    assert sets.facts(sets.held_out) == facts[:16]
    assert np.isclose(facts[0].histogram.sum(), 1)
    assert facts[0].small.shape == (2 * 32 * 32 * 16,)
