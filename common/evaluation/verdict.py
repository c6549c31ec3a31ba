"""What an evaluation found, in sentences that need no statistics to be read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Mapping[str, Mapping[str, Any]]

_LOWER, _HIGHER = ("fid", "kid", "mmd"), ("precision", "recall", "density", "coverage")
_VIEWS = {
    "pair": "images with their masks",
    "image": "images",
    "mask": "masks",
    "z_concat": "images and masks side by side",
}
_EYES = {
    "organs": "in anatomy (the network that knows organs)",
    "slices": "in texture (the network that knows photographs)",
    "medicalnet": "in anatomy (MedicalNet)",
}
_MASK_FACTS = {
    "frequency": "how much of the volume the masks fill",
    "volume": "the size of the lesions",
    "components": "the number of separate lesions",
    "sphericity": "the shape of the lesions",
    "hu_mean": "the density (HU) inside the masks",
    "hu_contrast": "the contrast between lesion and rim",
    "air": "the share of the masks that lies in air",
    "position": "where in the body the lesions are",
}
CANNOT_TELL = (
    "What these numbers cannot tell: whether a radiologist takes the images for real (the reader study asks that), "
    "whether they help a segmenter (`run experiment` of the segmentation measures that), and whether something smaller "
    "than a whole volume was copied from a patient."
)


def verdict(scores: Rows) -> list[str]:
    """Paragraphs: what is as near to real cases as those are to each other, what is not, copies, and what is open.

    A score counts as near where the generated set, at the sample size of the floor, lies within the 95 % range of what
    halves of the real cases score against each other, or on its better side.

    Args:
        scores: Rows of ``metrics.json``, by key.
    """
    near: list[str] = []
    far: list[str] = []
    for name, is_near in (*_likeness(scores), *_mask_facts(scores), *_agreement(scores), *_variety(scores)):
        (near if is_near else far).append(name)
    paragraphs = [
        _listed("As near to real cases as real cases are to each other", near),
        _listed("Not as near", far),
        *_copies(scores),
        *_few(scores),
        CANNOT_TELL,
    ]
    return [paragraph for paragraph in paragraphs if paragraph]


def _likeness(scores: Rows) -> list[tuple[str, bool]]:
    """Of each view and extractor: likeness (KID, else FID, else MMD) and variety (coverage, else recall)."""
    places = dict.fromkeys(key.split("/", 1)[1] for key in scores if key.split("/")[0] in (*_LOWER, *_HIGHER))
    found = []
    for place in places:
        view, _, extractor = place.partition("/")
        judged = {}
        for side, names in (("likeness", ("kid", "fid", "mmd")), ("variety", ("coverage", "recall"))):
            rows = [(name, scores[f"{name}/{place}"]) for name in names if f"{name}/{place}" in scores]
            known = [(name, row) for name, row in rows if row.get("floor") and row.get("matched")]
            if known:
                judged[side] = _within(*known[0])
        words = f"the {_VIEWS.get(view, view)} {_EYES.get(extractor, extractor)}"
        found += [(words if side == "likeness" else f"the variety of {words}", near) for side, near in judged.items()]
    return found


def _within(name: str, row: Mapping[str, Any]) -> bool:
    low, high = row["floor"]["interval"]
    value = row["matched"]["value"]
    return bool(value <= high if name in _LOWER else value >= low)


def _mask_facts(scores: Rows) -> list[tuple[str, bool]]:
    rows = {key.rsplit("/", 1)[1]: row for key, row in scores.items() if key.startswith("mask/foreground/")}
    return [
        (words, bool(rows[fact]["matched"]["value"] <= rows[fact]["floor"]["interval"][1]))
        for fact, words in _MASK_FACTS.items()
        if rows.get(fact, {}).get("floor") and rows[fact].get("matched")
    ]


def _agreement(scores: Rows) -> list[tuple[str, bool]]:
    row = scores.get("consistency/foreground", {})
    gap = (row.get("gap") or {}).get("interval")
    if gap is None:
        return []
    dice = [f"{row[side]['value']:.2f}" for side in ("generated", "real")]
    words = (
        "the agreement of image and mask: a segmenter finds the masks with a Dice of {}, those of real cases with {}"
    )
    return [(words.format(*dice), gap[0] <= 0)]


def _variety(scores: Rows) -> list[tuple[str, bool]]:
    row = scores.get("ms_ssim/image", {})
    if not row.get("real") or not row.get("generated") or not row["real"].get("interval"):
        return []
    return [("how much the images differ from each other", row["generated"]["value"] <= row["real"]["interval"][1])]


def _copies(scores: Rows) -> list[str]:
    rows = [row for key, row in scores.items() if key.startswith("memorisation/")]
    if not rows:
        return ["Copies of patients were not looked for: see the section on memorisation."]
    most = max(row["copies"] for row in rows)
    expected = max(row["expected_rate"] for row in rows)
    if not most:
        return ["No image is nearer to a training case than unseen real cases are: no whole patient was copied."]
    rate = max(row["copy_rate"] for row in rows)
    return [
        f"{most} image{'s are' if most > 1 else ' is'} nearer to a training case than nearly all unseen real cases "
        f"are: {rate:.0%} of the set, where {expected:.0%} would be chance. See the closest pairs before you share it."
    ]


def _few(scores: Rows) -> list[str]:
    judged = [row for key, row in scores.items() if not re.match("mask/(?!foreground/)", key)]  # of a label: not judged
    sizes = [row["floor"]["n"] for row in judged if isinstance(row.get("floor"), Mapping)]
    if not sizes or min(sizes) >= 20:
        return []
    return [
        f"Only {min(sizes)} real cases could be compared with as many others: so few that sets of very different "
        "quality can look alike. Take 'as near' for 'no difference could be seen'."
    ]


def _listed(beginning: str, items: Sequence[str]) -> str:
    return f"{beginning}: {'; '.join(items)}." if items else f"{beginning}: nothing of what was measured."
