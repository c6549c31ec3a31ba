"""What a training did to each file before it saw it: model files and generated sets carry it, others follow."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict, cast


class Preprocessing(TypedDict):
    """Plain values, as ``model.pt`` and ``provenance.json`` hold them under ``preprocessing``.

    Attributes:
        spacing: In mm, that volumes are resampled to; None keeps each case's own.
        centre_bounds: Centre to ``[[x0, x1], [y0, y1], [z0, z1]]``, fractions of each axis from right, back and feet.
        crop: Where those say nothing: the ``body`` box, an ``error``, or ``none``.
        fit: How the cropped volume comes to the size of the network: ``resize``, or ``zoom`` of the whole volume by a
            factor, cut or padded then.
        zoom: That factor; None for a resize.
        resize_pair: Whether image and mask were joined first and resized as one, which smooths masks.
    """

    spacing: list[float] | None
    centre_bounds: dict[str, Any]
    crop: Literal["body", "error", "none"]
    fit: Literal["resize", "zoom"]
    zoom: float | None
    resize_pair: bool


# of an entry: the box it is cropped to, whether it is a crop already, what the values of its mask mean
PREPARED_BY = ("centre", "cropped", "label_values")
ASSUMED: Preprocessing = {  # of files that do not say; thesis 3.4.3
    "spacing": [1.5, 1.5, 1.5],
    "centre_bounds": {},
    "crop": "body",
    "fit": "resize",
    "zoom": None,
    "resize_pair": False,
}


def complete(given: Mapping[str, Any] | None) -> Preprocessing:
    """`given`, with `ASSUMED` for what it does not say; a zoom takes the whole volume on its own voxels.

    Raises:
        ValueError: It has a key that there is not, or zooms by no factor.
    """
    if unknown := sorted(set(given or {}) - set(ASSUMED)):
        raise ValueError(f"preprocessing has the keys {unknown}, expected some of {sorted(ASSUMED)}")
    filled = {**ASSUMED, **(given or {})}
    if filled["fit"] == "zoom":
        if filled["zoom"] is None:
            raise ValueError("preprocessing has fit zoom and zoom null, expected the factor that volumes are shrunk by")
        filled |= {"spacing": None, "centre_bounds": {}, "crop": "none"}
    else:
        filled["zoom"] = None
    return cast(Preprocessing, filled)


def beside_pairs(recorded: Mapping[str, Any] | None) -> Preprocessing:
    """How real cases are prepared to stand beside generated pairs, by what their generator's training says of itself.

    They come onto the grid, image and mask each, whatever the training resized jointly. See `complete`.
    """
    return {**complete(recorded), "resize_pair": False}


def makes_crops(given: Mapping[str, Any] | None) -> bool:
    """Whether volumes prepared so are crops; False where nothing tells."""
    return given is not None and bool(given["crop"] != "none" or given["centre_bounds"])


def preprocessing_notes(
    used: Mapping[str, Any], recorded: Mapping[str, Any] | None, *, of: str = "the generator's training"
) -> list[str]:
    """Sentences for a protocol and its page: what was assumed, and what differs; none where all is as recorded.

    Args:
        used: Of this run.
        recorded: In the model file or the provenance; None for files of before it was recorded.
        of: Whose record it is, for the text.
    """
    if recorded is None:
        said = ", ".join(f"{key} {value}" for key, value in complete(used).items())
        return [f"nothing tells how {of} prepared its volumes, real cases are prepared with {said}"]
    now, then = dict(complete(used)), dict(complete(recorded))
    differ = [
        f"{key} {_said(now[key])} instead of {_said(then[key])}" for key in now if _plain(now[key]) != _plain(then[key])
    ]
    return [f"real cases are not prepared as {of} did: {', '.join(differ)}"] if differ else []


def _plain(value: Any) -> Any:
    """Tuples as lists and integers as floats, as JSON and a command line may bring either."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _said(value: Any) -> str:
    return "none" if value is None else str(value)
