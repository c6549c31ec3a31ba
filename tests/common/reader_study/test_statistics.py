import krippendorff
import numpy as np
import pytest
from scipy.stats import beta
from sklearn.metrics import roc_auc_score

from common.reader_study.statistics import agreement, discrimination, study_statistics, volume_means

# tables 5.17 and 5.18 of the thesis: number of the volume to the scores of MD 1, the radiologist, MD 2
REAL = {3: (2, 4, 7), 4: (4, 5, 4), 6: (3, 5, 7), 7: (4, 3, 4), 8: (5, 4, 5)}
GENERATED = {1: (3, 5, 8), 2: (5, 6, 6), 5: (2, 3, 2), 9: (3, 6, 7), 10: (4, 4, 8)}
READERS = ("MD 1", "radiologist", "MD 2")
MEANS = {"MD 1": (3.6, 3.4), "radiologist": (4.2, 4.8), "MD 2": (5.4, 6.2)}  # as the thesis states them


def answers(scores, source, reader="A"):
    return [
        {"reader": reader, "number": number, "source": source, "case_id": f"c{number}", "score": score, "comment": ""}
        for number, score in scores.items()
    ]


def thesis_rows():
    rows = []
    for place, reader in enumerate(READERS):
        for scores, source in ((REAL, "real"), (GENERATED, "generated")):
            rows += answers({number: given[place] for number, given in scores.items()}, source, reader)
    return rows


def one_reader(real, generated):
    return answers(dict(enumerate(real)), "real") + answers(dict(enumerate(generated, 100)), "generated")


@pytest.mark.parametrize("reader", READERS)
def test_the_means_of_the_thesis(reader):
    values = study_statistics(thesis_rows())["readers"][reader]
    assert (values["mean_real"], values["mean_generated"]) == pytest.approx(MEANS[reader])


def test_accuracy_of_the_thesis_worked_by_hand():
    """MD 2: real volumes 7, 4, 7, 4, 5: two of four decided; generated ones 8, 6, 2, 7, 8: four of five."""
    values = study_statistics(thesis_rows())["readers"]["MD 2"]
    assert (values["correct"], values["decided"]) == (6, 9)
    assert values["accuracy"] == pytest.approx(6 / 9)
    assert values["true_negative_rate"] == pytest.approx(2 / 4)
    assert values["true_positive_rate"] == pytest.approx(4 / 5)
    # Clopper–Pearson bounds are quantiles of beta distributions
    assert values["accuracy_interval"] == pytest.approx([beta.ppf(0.025, 6, 4), beta.ppf(0.975, 7, 3)])


def test_clopper_pearson_of_a_published_example():
    """9 of 10: 0.5550 to 0.9975."""
    values = discrimination(one_reader([1, 1, 1, 1, 9], [9, 9, 9, 9, 9]))
    assert values["accuracy_interval"] == pytest.approx([0.5550, 0.9975], abs=5e-5)
    assert values["accuracy_p"] == pytest.approx(2 * (1 + 10) / 2**10)


def test_auc_counts_the_pairs_in_order_and_halves_ties():
    """Generated 5 against real 3, 5, 7 wins, ties, loses: 1.5; generated 9 wins all three: 4.5 of 6 pairs."""
    values = discrimination(one_reader([3, 5, 7], [5, 9]))
    assert values["mann_whitney_u"] == 4.5
    assert values["auc"] == pytest.approx(4.5 / 6)


def test_auc_equals_scikit_learns():
    rng = np.random.default_rng(0)
    real, generated = rng.integers(0, 11, 40), rng.integers(2, 11, 30)
    truth = [0] * 40 + [1] * 30
    expected = roc_auc_score(truth, [*real, *generated])
    assert discrimination(one_reader(real, generated))["auc"] == pytest.approx(expected)


def test_a_perfect_and_an_inverted_reader():
    assert discrimination(one_reader([0, 1], [9, 10]))["auc"] == 1
    worst = discrimination(one_reader([9, 10], [0, 1]))
    assert (worst["auc"], worst["accuracy"]) == (0, 0)


def test_equal_scores_tell_nothing():
    values = discrimination(one_reader([5, 5], [5, 5]))
    assert (values["auc"], values["mann_whitney_p"], values["accuracy"]) == (0.5, 1.0, None)
    assert values["accuracy_interval"] is None


def test_one_side_alone_has_no_auc():
    values = discrimination(one_reader([1, 2], []))
    assert values["auc"] is None
    assert values["mean_generated"] is None
    assert values["accuracy"] == 1


def test_agreement_of_equal_readers_is_one_and_of_one_reader_unknown():
    scores = {1: 2, 2: 8, 3: 7}
    both = answers(scores, "real", "A") + answers(scores, "real", "B")
    assert agreement(both) == {"alpha_scores": pytest.approx(1), "alpha_verdicts": pytest.approx(1)}
    assert agreement(answers(scores, "real")) == {"alpha_scores": None, "alpha_verdicts": None}


def test_nominal_alpha_worked_by_hand():
    """Verdicts A: r r g g, B: r g g g: one of four pairs differs, 3 real and 5 generated: 1 - 7 · 2 / (2 · 3 · 5)."""
    rows = answers({1: 1, 2: 1, 3: 9, 4: 9}, "real", "A") + answers({1: 1, 2: 9, 3: 9, 4: 9}, "real", "B")
    assert agreement(rows)["alpha_verdicts"] == pytest.approx(1 - 7 * 2 / (2 * 3 * 5))


def test_undecided_and_missing_answers_leave_no_verdict():
    rows = answers({1: 1, 2: 5, 3: 9}, "real", "A") + answers({1: 1, 2: 9, 3: 9, 4: 2}, "real", "B")
    assert agreement(rows)["alpha_verdicts"] == pytest.approx(1)


def test_agreement_of_the_thesis():
    """The package on the plain table, readers × volumes."""
    table = [[{**REAL, **GENERATED}[number][place] for number in range(1, 11)] for place in range(3)]
    expected = krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal")
    assert agreement(thesis_rows())["alpha_scores"] == pytest.approx(expected)


def test_all_equal_answers_have_no_agreement():
    rows = answers({1: 5, 2: 5}, "real", "A") + answers({1: 5, 2: 5}, "real", "B")
    assert agreement(rows) == {"alpha_scores": None, "alpha_verdicts": None}


def test_means_of_volumes():
    volumes = {row["number"]: row for row in volume_means(thesis_rows())}
    assert list(volumes) == list(range(1, 11))
    assert volumes[3]["mean_score"] == pytest.approx((2 + 4 + 7) / 3)
    assert (volumes[10]["lowest"], volumes[10]["highest"], volumes[10]["source"]) == (4, 8, "generated")


def test_pooled_counts_all_answers_and_means_count_volumes():
    statistics = study_statistics(thesis_rows())
    assert statistics["pooled"]["n_real"] == 15
    assert statistics["pooled"]["mean_generated"] == pytest.approx((3.4 + 4.8 + 6.2) / 3)
    assert statistics["volume_means"]["n_real"] == 5
