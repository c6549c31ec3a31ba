"""The check of a run's options, before anything is read: the first thing that each run does."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow, run
from monai.utils import ensure_tuple

from ..bundle_root import bundle_root
from ..reason import end_with_reasons
from .declaration import read_declaration, read_yaml
from .problems import contradictions, find_problems, named_parts, sibling_keys


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
    lines = contradictions(declared, files) or find_problems(
        declared,
        workflow.parser.get(),
        base=read_yaml(base) if base else {},
        typed=typed,
        named=named_parts(files),
        read=[workflow.run_id, workflow.init_id, workflow.final_id],
        siblings=sibling_keys(base, declared),
    )
    if lines:
        raise ValueError(
            "\n".join([f"nothing was run, as {len(lines)} wrong in the options of {config}.yaml:", *lines])
        )
