"""A seeded split of cases by patient, stratified by centre."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from .case import Case

TEST = -1


def split_cases(cases: Sequence[Case], *, test_fraction: float = 0.2, folds: int = 5, seed: int = 0) -> dict[str, int]:
    """Fold of each case id, or `TEST`; the order of ``cases`` does not matter.

    Patients are dealt out whole. Test patients are taken from each centre in proportion (largest remainder), folds by
    going round, centre after centre, so that both all folds and each centre's are as even as can be: of HECKTOR's 524
    cases 105 are for testing, the thesis's number.

    Raises:
        ValueError: There are too few patients for the split.
    """
    if not 0 <= test_fraction < 1:
        raise ValueError(f"test_fraction is {test_fraction}, expected 0 up to, and without, 1")
    patients = _patients_by_centre(cases)
    count = sum(len(ids) for ids in patients.values())
    test_count = int(np.ceil(round(test_fraction * count, 6)))  # 0.07 · 100 is 7.000000000000001
    if folds < 1 or count - test_count < folds:
        raise ValueError(
            f"{count} patients cannot be split into {test_count} for testing and {folds} folds of at least one: "
            "add cases, or lower --folds or --test_fraction"
        )
    rng = np.random.default_rng(seed)
    order = {centre: [ids[i] for i in rng.permutation(len(ids))] for centre, ids in sorted(patients.items())}
    quotas = _quotas({centre: len(ids) for centre, ids in order.items()}, test_count)
    fold_of = {patient: TEST for centre, ids in order.items() for patient in ids[: quotas[centre]]}
    rest = [patient for centre, ids in order.items() for patient in ids[quotas[centre] :]]
    fold_of |= {patient: position % folds for position, patient in enumerate(rest)}
    patient_of = _patient_of(cases)
    return {case.case_id: fold_of[patient_of[case.case_id]] for case in cases}


def _patient_of(cases: Sequence[Case]) -> dict[str, str]:
    """Patient of each case id; ids that differ in capitals alone are typed differently, and mean one patient."""
    spelt: dict[str, str] = {}
    for case in sorted(cases, key=lambda case: case.case_id):
        spelt.setdefault((case.patient or case.case_id).casefold(), case.patient or case.case_id)
    return {case.case_id: spelt[(case.patient or case.case_id).casefold()] for case in cases}


def _patients_by_centre(cases: Sequence[Case]) -> dict[str, list[str]]:
    """Patient ids, sorted, by the centre of the patient's first case."""
    centre_of: dict[str, str] = {}
    patient_of = _patient_of(cases)
    for case in sorted(cases, key=lambda case: case.case_id):
        centre_of.setdefault(patient_of[case.case_id], case.centre)
    patients = defaultdict(list)
    for patient in sorted(centre_of):
        patients[centre_of[patient]].append(patient)
    return patients


def _quotas(sizes: dict[str, int], total: int) -> dict[str, int]:
    """Share ``total`` out in proportion to ``sizes``, by the largest remainder."""
    exact = {centre: total * size / sum(sizes.values()) for centre, size in sizes.items()}
    quotas = {centre: int(share) for centre, share in exact.items()}
    by_remainder = sorted(sizes, key=lambda centre: (quotas[centre] - exact[centre], centre))
    for centre in by_remainder[: total - sum(quotas.values())]:
        quotas[centre] += 1
    return quotas
