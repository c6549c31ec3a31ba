"""Cases of a generated set beside those of a real data list: told apart by id, their masks read by its values."""

from collections.abc import Mapping
from typing import Any

from .datalist import SIDES, label_values
from .generated_set import GeneratedSet, require_no_real_cases
from .label_map import values_note


def cases_beside(generated: GeneratedSet, datalist: Mapping[str, Any], *, joined: bool = True) -> list[dict[str, Any]]:
    """Cases of a set that are compared with those of a real list, see `cases_as_listed`.

    Args:
        generated: The set.
        datalist: The real list, as of `read_datalist`.
        joined: Whether the labels of the real cases are joined where the set has one foreground.

    Raises:
        LeakageError: Cases of the list, or of the generator's training, are among those of the set.
        ValueError: The set has one foreground, and the labels of the real cases are not joined.
    """
    if generated.binary_mask and not joined and len(label_values(datalist)) > 2:
        raise ValueError(
            f"binary_mask is False, but the masks of {generated.directory} have one foreground, and the data list has "
            f"the labels {dict(datalist['labels'])}: leave --binary_mask out, or label 1 of the set would be compared "
            "with a part of what it is"
        )
    require_no_real_cases(generated, [entry["case_id"] for side in SIDES for entry in datalist[side]])
    require_no_real_cases(generated, generated.seen_ids or (), of="its generator's training")
    return cases_as_listed(generated, datalist["labels"])


def cases_as_listed(generated: GeneratedSet, labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Cases whose masks are read by the values of a real list's `labels`; masks of one foreground by their own.

    Raises:
        ValueError: A label of the set has another value in the list, so that different things would be compared.
    """
    if generated.binary_mask:
        return generated.cases
    values = {name.casefold(): value for value, name in labels.items() if int(value)}
    for value, name in (generated.label_names or {}).items():
        if int(value) and values.get(name.casefold(), value) != value:
            raise ValueError(
                f"{generated.directory} has {name!r} as {value}, and the real data list as {values[name.casefold()]}, "
                "expected the same values: number the labels of one list, and its masks, as the other does"
            )
    return [
        {**{key: value for key, value in case.items() if key != "label_values"}, **values_note(labels)}
        for case in generated.cases
    ]
