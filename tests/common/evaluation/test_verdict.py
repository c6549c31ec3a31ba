"""The verdict of an evaluation, on rows of which the answer is known."""

import pytest

from common.evaluation.verdict import CANNOT_TELL, verdict


def two(matched, low, high, *, n=30):
    """Row of a score of two sets, as `compare` makes them."""
    return {
        "floor": {"value": (low + high) / 2, "interval": [low, high], "n": n},
        "matched": {"value": matched, "n": n},
    }


def copies(count, *, rate=0.1, expected=0.05):
    return {"copies": count, "copy_rate": rate, "expected_rate": expected}


def beginning(paragraphs, start):
    (found,) = [paragraph for paragraph in paragraphs if paragraph.startswith(start)]
    return found


NEAR, FAR = "As near to real cases", "Not as near"


@pytest.mark.parametrize(
    ("score", "matched", "near"),
    [
        ("kid", 0.01, True),
        ("kid", -0.2, True),  # nearer than the halves are
        ("kid", 0.03, False),
        ("coverage", 0.01, True),
        ("coverage", 1.0, True),
        ("coverage", -0.02, False),
    ],
)
def test_a_score_is_near_within_its_floor_or_on_its_better_side(score, matched, near):
    paragraphs = verdict({f"{score}/image/slices": two(matched, 0.0, 0.02)})
    words = "the images in texture (the network that knows photographs)"
    words = f"the variety of {words}" if score == "coverage" else words
    assert (words in beginning(paragraphs, NEAR)) is near
    assert (words in beginning(paragraphs, FAR)) is not near


def test_one_score_speaks_for_likeness():
    paragraphs = verdict(
        {"fid/mask/organs": two(9, 0, 1), "kid/mask/organs": two(0, 0, 1), "mmd/mask/organs": two(9, 0, 1)}
    )
    assert beginning(paragraphs, NEAR).count("masks") == 1
    assert beginning(paragraphs, FAR) == "Not as near: nothing of what was measured."


def test_facts_of_masks_agreement_and_variety():
    rows = {
        "mask/foreground/volume": two(5, 0, 3),
        "mask/foreground/air": two(0.01, 0, 0.02),
        "mask/label_1/volume": two(0, 0, 3),  # of one label: the foreground speaks
        "mask/foreground/surface": two(99, 0, 1),  # not in words a clinician asks for
        "consistency/foreground": {
            "generated": {"value": 0.5},
            "real": {"value": 0.73},
            "gap": {"value": 0.23, "interval": [0.1, 0.3]},
        },
        "ms_ssim/image": {"generated": {"value": 0.9}, "real": {"value": 0.5, "interval": [0.4, 0.6]}},
    }
    paragraphs = verdict(rows)
    assert beginning(paragraphs, NEAR).endswith(": the share of the masks that lies in air.")
    far = beginning(paragraphs, FAR)
    assert "the size of the lesions" in far and "surface" not in far
    assert "finds the masks with a Dice of 0.50, those of real cases with 0.73" in far
    assert "how much the images differ from each other" in far


def test_copies_are_told_with_what_chance_would_give():
    none = verdict({"memorisation/volumes": copies(0), "memorisation/organs": copies(0)})
    assert "no whole patient was copied" in " ".join(none)
    some = " ".join(verdict({"memorisation/volumes": copies(0), "memorisation/organs": copies(2)}))
    assert "2 images are nearer" in some and "10% of the set, where 5% would be chance" in some
    assert "Copies of patients were not looked for" in " ".join(verdict({}))


def test_few_cases_are_said_and_every_verdict_ends_with_what_is_open():
    few, many = (verdict({"kid/image/organs": two(0, 0, 1, n=n)}) for n in (5, 20))
    assert "Only 5 real cases" in " ".join(few) and "Only" not in " ".join(many)
    rare = verdict({"kid/image/organs": two(0, 0, 1, n=20), "mask/label_2/volume": two(0, 0, 3, n=2)})
    assert "Only" not in " ".join(rare)  # of a single label nothing is said
    assert few[-1] == many[-1] == CANNOT_TELL
