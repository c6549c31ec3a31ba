"""The check of a run's options, before anything is read: the first thing that each run does."""

import gc
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow, run
from monai.utils import ensure_tuple

from ..bundle_root import bundle_root
from ..files import read_json
from ..reason import end_with_reasons
from .declaration import read_declaration, read_yaml
from .overlays import file_problems, named_parts
from .problems import find_problems, sibling_keys
from .schema import listed
from .unread import close_names


def require_options(bundle: str, config: str) -> None:
    """Refuse options that the config does not have, and values that they may not have; all of them at once.

    A config calls it first, in ``initialize`` or in the list of a run id. MONAI hands a component nothing but its
    arguments, so the config that is being run is found on the call stack: MONAI's parser is what calls.

    Args:
        bundle: Name of the file in ``declared``.
        config: Section of it.

    Raises:
        ValueError: A line for each of them.
        RuntimeError: No workflow of MONAI calls.
    """
    end_with_reasons()
    _pass_over_imports()
    workflow: ConfigWorkflow | None = None
    typed: Mapping[str, Any] = {}
    files: Sequence[str] = ()
    frame = inspect.currentframe()
    while frame:
        caller = frame.f_locals.get("self")
        if isinstance(caller, ConfigWorkflow):
            if workflow not in (None, caller):  # one that has this one run in its process
                break
            workflow = caller
        elif frame.f_code is run.__code__:  # `python -m monai.bundle run`
            typed, files = frame.f_locals["override"], ensure_tuple(frame.f_locals["config_file"])
        frame = frame.f_back
    if workflow is None:
        raise RuntimeError("require_options is an entry of a config, in `initialize` or a run id: MONAI must call it")
    folders = [Path(workflow.config_root_path), Path(bundle_root(bundle), "configs")]
    base = next((folder / f"{config}.yaml" for folder in folders if (folder / f"{config}.yaml").is_file()), None)
    declared = read_declaration(bundle, config)
    lines = file_problems(declared, files) or [
        *_run_problems(workflow),
        *find_problems(
            declared,
            workflow.parser.get(),
            base=read_yaml(base) if base else {},
            typed=typed,
            named=named_parts(files),
            read=[workflow.run_id, workflow.init_id, workflow.final_id],
            siblings=cache(lambda: sibling_keys(base, declared)),
            files=files,
        ),
    ]
    if lines:
        raise ValueError(
            "\n".join([f"nothing was run, as {len(lines)} wrong in the options of {config}.yaml:", *lines])
        )


@cache
def _pass_over_imports() -> None:
    """Keep the garbage collector off what is imported, which stays: a walk over it takes 0.2 s.

    Once in a process, as there may be garbage of an earlier run in later ones.
    """
    gc.freeze()


def _run_problems(workflow: ConfigWorkflow) -> Iterator[str]:
    """A line for a run id that there is not, and for metadata that are not the bundle's."""
    parser = workflow.parser
    if workflow.run_id not in parser:
        known = [key for key, value in parser.get().items() if key == "run" or _is_run(value)]
        close = close_names(workflow.run_id, known)
        remedy = f"did you mean {listed(close)}?" if close else "name one of these after `run`"
        yield f"run_id: found {workflow.run_id}, expected {listed(known)}; {remedy}"
    own = Path(workflow.config_root_path, "metadata.json")
    if not own.is_file():
        return
    found, name = parser.get("_meta_") or {}, read_json(own, remedy="take the bundle's own file again")["name"]
    if found.get("name") != name:
        what = repr(found.get("name")) if found else "no metadata"
        yield f"meta_file: found {what}, expected {own}, of {name!r}; leave --meta_file out"


def _is_run(value: Any) -> bool:
    """Whether it is what a run id names: a list with something to do."""
    return isinstance(value, list) and any(isinstance(item, str) and re.fullmatch(r"\$.*\)", item) for item in value)
