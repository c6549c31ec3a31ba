from dataclasses import replace

import numpy as np


def test_facts_are_read_once_and_shared(build_sets):
    sets = build_sets()
    facts = sets.facts(sets.real)
    assert sets.facts(sets.held_out) == facts[:16]
    assert np.isclose(facts[0].histogram.sum(), 1)
    assert facts[0].small.shape == (2 * 32 * 32 * 16,)


def test_a_generator_that_saw_copies_of_a_case_has_seen_it(build_sets):
    sets = build_sets()
    copies = [
        {**case, "case_id": f"{case['case_id']}__turned", "source_case": case["case_id"]}
        for case in sets.training.cases
    ]
    augmented = replace(sets, training=replace(sets.training, cases=copies))
    assert augmented.seen == sets.seen and len(augmented.held_out) == len(sets.held_out) == 16


def test_other_real_cases_are_another_protocol(build_sets):
    sets = build_sets()
    fewer = replace(sets, real=sets.real.select(range(1, 24)))
    other = replace(sets, real=sets.real.select([*range(1, 24), 0]))
    assert sets.describe() == other.describe() != fewer.describe()
    assert build_sets(training=False).describe() != sets.describe()
