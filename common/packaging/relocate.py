"""Texts of a bundle after its move out of the checkout: paths, and the check that `common` is of its release."""

import re
from collections.abc import Mapping

import yaml

_PLACE = re.compile(r"[Tt]he checkout's root(, or the bundle's own)?")
_NO_WORKFLOW = ("imports", "initialize", "finalize")


def relocate(text: str, *, name: str) -> str:
    """``bundles/NAME/`` becomes the bundle's root, which commands are given from, ``bundles/OTHER/`` its neighbour."""
    text = re.sub(r"\bbundles/(\w+)/", lambda match: "" if match[1] == name else f"../{match[1]}/", text)
    return _PLACE.sub("this bundle's root", text)


def require_release(config: str, release: Mapping[str, str]) -> str:
    """YAML text whose workflows first compare the imported `common` with the release that they were exported with.

    Raises:
        ValueError: A workflow is written in another way than one expression a line, or all in brackets on one.
    """
    before = yaml.safe_load(config)
    keys = workflow_ids(before)
    call = f"$require_release('{release['version']}', '{release['sha256']}')"
    for key in keys:
        config = _insert(config, key, call)
    imports = "imports:\n  - $from common.release import require_release"
    config = re.sub(r"^imports:$", imports, config, count=1, flags=re.M) if keys else config
    if keys and not _comes_first(config, {key: [call, *before[key]] for key in keys}):
        raise ValueError(f"one of the workflows {keys} is not written as `key: [$…]`, or a key and below it `  - $…`")
    return config


def _insert(config: str, key: str, call: str) -> str:
    """`call` before the first expression of a workflow."""
    inline = re.compile(rf"^{key}: \[", re.M)
    if inline.search(config):
        return inline.sub(lambda match: f'{match[0]}"{call}", ', config, count=1)
    return re.sub(rf"^{key}:.*$", lambda match: f"{match[0]}\n  - {call}", config, count=1, flags=re.M)


def workflow_ids(content: object) -> list[str]:
    """Keys of a config that `monai.bundle run` can be given: lists of expressions."""
    if not isinstance(content, Mapping):
        return []
    return [
        key
        for key, value in content.items()
        if key not in _NO_WORKFLOW and isinstance(value, list) and value and all(map(_is_expression, value))
    ]


def _comes_first(config: str, expected: Mapping[str, list[str]]) -> bool:
    try:
        return yaml.safe_load(config).items() >= expected.items()
    except (yaml.YAMLError, TypeError):
        return False


def _is_expression(value: object) -> bool:
    return isinstance(value, str) and value.startswith("$")
