"""Further volumes of a case, in a folder of their own under the image's file name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def add_companion(cases: Sequence[Mapping[str, Any]], *, key: str, directory: str | Path) -> list[dict[str, Any]]:
    """`cases` with the path of ``directory/<name of the image>`` under `key`.

    Raises:
        FileNotFoundError: A case has no such file; the message names the first ones.
    """
    directory = Path(directory)
    found = [{**case, key: str(directory / Path(case["image"]).name)} for case in cases]
    if missing := [case[key] for case in found if not Path(case[key]).is_file()]:
        raise FileNotFoundError(
            f"{len(missing)} of {len(found)} cases have no {key}, such as {', '.join(missing[:3])}: expected a file "
            f"named as the case's image in {directory}: name another --{key}_dir"
        )
    return found
