"""What a value may be, as JSON Schema, and how that is said."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _increasing(_: Any, wanted: bool, value: Any, __: Any) -> Iterator[ValidationError]:
    numbers = [item for item in value if item is not None] if isinstance(value, list | tuple) else []
    if wanted and any(low >= high for low, high in itertools.pairwise(numbers)):
        yield ValidationError("not in increasing order")


def _ordered(_: Any, wanted: bool, value: Any, __: Any) -> Iterator[ValidationError]:
    numbers = [item for item in value if _is_number(_, item)] if isinstance(value, list | tuple) else []
    if wanted and any(low > high for low, high in itertools.pairwise(numbers)):
        yield ValidationError("the low end is above the high one")


def _min_span(_: Any, least: float, value: Any, __: Any) -> Iterator[ValidationError]:
    numbers = [item for item in value if _is_number(_, item)] if isinstance(value, list | tuple) else []
    if len(numbers) > 1 and max(numbers) - min(numbers) < least:
        yield ValidationError("too near each other")


def _max_product(_: Any, most: int, value: Any, __: Any) -> Iterator[ValidationError]:
    numbers = value if isinstance(value, list | tuple) and all(_is_number(_, item) for item in value) else []
    if math.prod(numbers) > most:
        yield ValidationError("more in all")


def _power_of_two(_: Any, wanted: bool, value: Any, __: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(value, int) and (value < 1 or value & (value - 1)):
        yield ValidationError("no power of two")


# other than in JSON, 4.0 is no integer and nan no number; a tuple is what the command line makes of 0,1
_VALIDATOR = extend(
    Draft202012Validator,
    validators={
        **{"increasing": _increasing, "ordered": _ordered},
        **{"powerOfTwo": _power_of_two, "maxProduct": _max_product, "minSpan": _min_span},
    },
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": _is_integer,
            "number": _is_number,
            "array": lambda _, value: isinstance(value, list | tuple),
            "string": lambda _, value: isinstance(value, str | Path),
            "component": lambda _, value: isinstance(value, Mapping) and "_target_" in value,
        }
    ),
)


def accepting(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Function (value) -> whether it is what the schema says; to make one takes longer than to call it."""
    validator = _VALIDATOR(schema)
    return lambda value: validator.is_valid(str(value) if isinstance(value, Path) else value)


def describe(schema: Mapping[str, Any], *, plural: bool = False) -> str:
    """What a value may be, in words, such as ``3 numbers > 0``.

    Args:
        schema: Of the keywords that `accepting` knows.
        plural: Whether it is said of several.
    """
    return listed(list(_kinds(schema, plural=plural)))


def listed(names: Sequence[str], *, last: str = "or") -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)


def _kinds(schema: Mapping[str, Any], *, plural: bool) -> Iterator[str]:
    """Each kind of value that is accepted."""
    kind = schema.get("type", "value")
    if "anyOf" in schema:
        for part in schema["anyOf"]:
            yield from _kinds(part, plural=plural)
    elif "enum" in schema:
        for value in schema["enum"]:
            yield f"`{str(value).lower() if isinstance(value, bool) else value}`"
    elif isinstance(kind, list):
        for part in kind:
            yield from _kinds({**schema, "type": part}, plural=plural)
    elif kind == "null":
        yield "`null`"
    elif kind == "array":
        items = describe(schema.get("items", {}), plural=True)
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        order = (
            f", increasing, {schema['minSpan']} apart"
            if "minSpan" in schema
            else ", increasing"
            if schema.get("increasing")
            else ", low ≤ high"
            if schema.get("ordered")
            else ""
        )
        once = ", each once" if schema.get("uniqueItems") else ""
        product = f", product ≤ {schema['maxProduct']}" if "maxProduct" in schema else ""
        yield f"{least if least == most else 'list of'} {items}{order}{once}{product}"
    else:
        name = "mapping" if kind == "object" else str(schema.get("format", kind))
        yield name + ("s" if plural else "") + _range(schema, plural=plural)


def _range(schema: Mapping[str, Any], *, plural: bool) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    least = f" > {above}" if above is not None else "" if low is None else f" ≥ {low}"
    most = f" < {below}" if below is not None else "" if high is None else f" ≤ {high}"
    words = f" from {low} to {high}" if None not in (low, high) else f"{least}{',' if least and most else ''}{most}"
    if factor := schema.get("multipleOf"):
        words += f", multiple{'s' if plural else ''} of {factor}"
    return words + (f", power{'s' if plural else ''} of two" if schema.get("powerOfTwo") else "")
