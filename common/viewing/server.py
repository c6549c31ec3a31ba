"""Serving the page of `run viewing` until it is stopped."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..data.flagged import Flags
from ..web.access import new_code
from ..web.server import serve
from .app import create_app
from .cases import ShownCase
from .volumes import ShownVolumes


def serve_viewing(
    cases: Sequence[ShownCase], volumes: ShownVolumes, flags: Flags, *, port: int = 8322, **page: Any
) -> None:
    """Serve `cases` to this machine until Ctrl-C or SIGTERM; the log has the address with its code.

    Args:
        cases, volumes, flags: See `create_app`.
        port: To listen on; 0 takes a free one.
        page: Labels, windows and title, see `create_app`.

    Raises:
        ValueError: There is no such port, or there are no cases.
        OSError: The port is taken.
    """
    if not cases:
        raise ValueError("there is no case to look at: name a data list with --datalist, or a set with --generated_dir")
    code = new_code()
    serve(
        partial(create_app, cases, volumes, flags, code=code, **page),
        port=port,
        title="the pairs",
        path=f"/enter?code={code}",
        end=f"the page has stopped; flags are in {flags.path}, for `run dataset --flagged FILE`",
    )
