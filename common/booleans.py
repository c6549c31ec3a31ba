"""Settings that are on or off."""

from typing import Any


def require_booleans(**switches: Any) -> None:
    """Each run calls this first: a ``false`` on MONAI's command line arrives as a text, which Python holds true.

    Args:
        switches: Values by the names of their settings; None is a switch that was not set.

    Raises:
        ValueError: A value is neither a boolean nor None.
    """
    for name, value in switches.items():
        if not isinstance(value, bool | None):
            meant = "False" if str(value).lower() in ("false", "no", "off", "0") else "True"
            raise ValueError(
                f"{name}: found {value!r}, expected True or False; on the command line write --{name} {meant}, with "
                f"the capital, in a config {name}: {meant.lower()}"
            )
