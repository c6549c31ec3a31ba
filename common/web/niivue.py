"""NiiVue, the viewer, as the plain ES module that the ipyniivue wheel carries.

The wheel's widget saves scenes as stand-alone pages and holds NiiVue's published module for that, percent-encoded in
one string. It is taken from there when the page is served, so that nothing comes from another host.
"""

import functools
import importlib.util
import re
from pathlib import Path
from urllib.parse import unquote

_ENCODED = re.compile(r"""(["'`])([A-Za-z0-9_.!~*'()%-]{100000,})\1""")
_EXPORT = re.compile(r"export\s*\{[^{}]*\bNiivue\b[^{}]*\}\s*;?\s*(?://[^\n]*\s*)?\Z")


@functools.cache
def niivue_module() -> str:
    """JavaScript of NiiVue's ES module, which exports the class `Niivue`.

    Raises:
        ModuleNotFoundError: ipyniivue is not installed.
        RuntimeError: Its wheel holds no such module.
    """
    found = importlib.util.find_spec("ipyniivue")  # looked for, not imported: the widget needs Jupyter's machinery
    if found is None or found.origin is None:
        raise ModuleNotFoundError("volumes are shown with NiiVue: pip install ipyniivue==2.4.4")
    widget = Path(found.origin).parent / "static" / "widget.js"
    if not widget.is_file():
        raise RuntimeError(f"no {widget}: install the version that was tested, pip install ipyniivue==2.4.4")
    return extract_module(widget.read_text(encoding="utf-8"), source=str(widget))


def extract_module(widget: str, *, source: str = "widget.js") -> str:
    """The module inside the text of `source`.

    Raises:
        RuntimeError: There is none that exports `Niivue`.
    """
    for match in _ENCODED.finditer(widget):
        module = unquote(match[2])
        if _EXPORT.search(module):
            return module
    raise RuntimeError(
        f"{source} holds no NiiVue module, expected a percent-encoded one that exports Niivue: "
        "install the version that was tested, pip install ipyniivue==2.4.4"
    )
