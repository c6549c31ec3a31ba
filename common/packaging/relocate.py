"""Texts of a bundle after its move out of the checkout: paths, and the check that `common` is of its release."""

import re
from collections.abc import Mapping

import yaml

from ..files import parse_yaml

_PLACE = re.compile(r"[Tt]he checkout's root(, or the bundle's own)?")
_END = "common.one_run.end_run"
_NO_WORKFLOW = ("imports", "initialize", "finalize")


def relocate(text: str, *, name: str) -> str:
    """``bundles/NAME/`` becomes the bundle's root, which commands are given from, ``bundles/OTHER`` its neighbour."""
    text = re.sub(rf"\bbundles/{name}/", "", text)
    text = re.sub(rf"\bbundles/(?!{name}\b)(\w+)", r"../\1", text)
    return _PLACE.sub("this bundle's root", text)


def require_same_common(config: str, release: Mapping[str, str]) -> str:
    """YAML text whose workflows first compare the imported `common` with the release that they were exported with.

    A workflow is a key alone on its line and below it calls and expressions; a list in brackets is a setting.

    Raises:
        ValueError: A workflow is not written one step a line, each after two spaces and a dash.
    """
    before = parse_yaml(config)
    keys = workflow_ids(config)
    call = f"$require_same_common('{release['version']}', '{release['sha256']}')"
    for key in keys:
        config = re.sub(rf"^{key}:.*$", lambda match: f"{match[0]}\n  - {call}", config, count=1, flags=re.M)
    imports = "imports:\n  - $from common.same_common import require_same_common"
    config = re.sub(r"^imports:$", imports, config, count=1, flags=re.M) if keys else config
    if keys and not _comes_first(config, {key: [call, *before[key]] for key in keys}):
        raise ValueError(f"one of the workflows {keys} is not written as a key and below it `  - $…`, one a line")
    return config


def workflow_ids(config: str) -> list[str]:
    """Keys of YAML text that `monai.bundle run` can be given: alone on their line, below them calls and expressions.

    The last is an expression, or the end of the run: a list of components alone, such as handlers, is none.
    """
    content = parse_yaml(config)
    if not isinstance(content, Mapping):
        return []
    return [
        key
        for key, value in content.items()
        if key not in _NO_WORKFLOW
        and isinstance(value, list)
        and value
        and all(map(_is_call, value))
        and (_is_expression(value[-1]) or value[-1]["_target_"] == _END)
        if re.search(rf"^{key}:\s*(#.*)?$", config, re.M)
    ]


def _comes_first(config: str, expected: Mapping[str, list[str]]) -> bool:
    try:
        return parse_yaml(config).items() >= expected.items()
    except (yaml.YAMLError, TypeError):
        return False


def _is_expression(value: object) -> bool:
    return isinstance(value, str) and value.startswith("$")


def _is_call(value: object) -> bool:
    return _is_expression(value) or (isinstance(value, Mapping) and "_target_" in value)
