"""Which options the configs of a bundle have, read from the files in ``declared``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ..files import parse_yaml
from .schema import accepting, describe

FOLDER = Path(__file__).parent / "declared"
_WORDS = ("nullable", "unit", "default", "meaning", "source", "remedy", "read_with")  # the rest is JSON Schema
_ALTERNATIVES = "alternatives"  # in a file of declarations, beside the sections


@dataclass(frozen=True)
class Option:
    """A flat key of a config.

    Attributes:
        name: The key.
        schema: What its value may be, as JSON Schema.
        nullable: Whether it may be null, too.
        unit: Of its numbers.
        default: In words, where the config computes it.
        meaning: A sentence or two.
        source: Where its default comes from.
        remedy: What to do about another value, where there is more to say than to set one that is expected.
        read_with: Option that must be set too, or this one has no effect → values of it, or None for any but null;
            one of several as ``a or b``.
    """

    name: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    nullable: bool = False
    unit: str | None = None
    default: str | None = None
    meaning: str = ""
    source: str | None = None
    remedy: str | None = None
    read_with: Mapping[str, list[Any] | None] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """Type, range and unit, in words."""
        words = describe(self.schema) + (f", {self.unit}" if self.unit else "")
        return words + (", or `null`" if self.nullable and not self._is_nothing else "")

    def accepts(self, value: Any) -> bool:
        """Whether the value is one of those that are expected."""
        return self.nullable or self._is_nothing if value is None else self._check(value)

    @property
    def _is_nothing(self) -> bool:
        """Whether it may be null alone: an option of another config that this one refuses, by name."""
        return self.schema.get("type") == "null"

    @cached_property
    def _check(self) -> Callable[[Any], bool]:
        return accepting(self.schema)


@dataclass(frozen=True)
class Declaration:
    """Options of one config.

    Attributes:
        config: Its name, without ``.yaml``.
        options: By name.
        overlays: Name of an overlay of it → the options that the overlay adds.
        others: Options of the bundle's other configs → names of these: files may set them for several.
        configs: Names of all declared configs of the bundle, each a workflow of its own.
        alternatives: Groups of overlays of which a run takes one.
    """

    config: str
    options: Mapping[str, Option]
    overlays: Mapping[str, Mapping[str, Option]]
    others: Mapping[str, list[str]]
    configs: Sequence[str] = ()
    alternatives: Sequence[Sequence[str]] = ()


@cache
def read_declaration(bundle: str, config: str) -> Declaration:
    """What is declared for a config of a bundle.

    Raises:
        ValueError: Nothing is.
    """
    sections = read_sections(bundle)
    if config not in sections:
        raise ValueError(f"{FOLDER / bundle}.yaml has no section {config}: declare the options of {config}.yaml there")
    overlays = {name.partition("/")[2]: options for name, options in sections.items() if name.startswith(f"{config}/")}
    others: dict[str, list[str]] = {}
    for name, options in sections.items():
        if name.partition("/")[0] != config:
            for key in options:
                others.setdefault(key, []).append(name.rpartition("/")[2])
    configs = [name for name in sections if "/" not in name]
    return Declaration(config, sections[config], overlays, others, configs, _alternatives(bundle))


def _alternatives(bundle: str) -> list[list[str]]:
    content = read_yaml(FOLDER / f"{bundle}.yaml")
    return content.get(_ALTERNATIVES) or (_alternatives(content["like"]) if "like" in content else [])


@cache
def read_sections(bundle: str, folder: Path = FOLDER) -> dict[str, dict[str, Option]]:
    """Section → options by name; ``train/augment`` is that of an overlay ``augment`` of ``train``."""
    shared, sections = read_yaml(folder / "shared.yaml"), _read(folder / f"{bundle}.yaml")
    return {
        name: {key: _option(key, entry or {}, shared) for key, entry in (section or {}).items()}
        for name, section in sections.items()
    }


def _option(name: str, entry: Mapping[str, Any], shared: Mapping[str, Any]) -> Option:
    fields = _complete(entry, shared, fallback=name)
    words = {key: fields.pop(key) for key in _WORDS if fields.get(key) is not None}
    return Option(name, {key: value for key, value in fields.items() if key not in _WORDS}, **words)


def _complete(entry: Mapping[str, Any], shared: Mapping[str, Any], *, fallback: str | None = None) -> dict[str, Any]:
    """An entry with what it lacks of the one that it is like, by default the shared one of its name.

    A schema of its own, or one that it names by `like`, takes the place of the inherited one.
    """
    base = _complete(shared[fallback], shared) if fallback and fallback in shared else {}
    kind = _complete(shared[entry["like"]], shared) if "like" in entry else {}
    own = {key: value for key, value in entry.items() if key != "like"}
    if kind or own.keys() - set(_WORDS):
        base = {key: value for key, value in base.items() if key in _WORDS}
    return {**base, **kind, **own}


def _read(path: Path) -> dict[str, Any]:
    """Sections of a file, with what it lacks of the one that it is like."""
    content = read_yaml(path)
    content.pop(_ALTERNATIVES, None)
    if "like" not in content:
        return content
    sections = {section: dict(keys) for section, keys in _read(path.with_name(f"{content.pop('like')}.yaml")).items()}
    for section, keys in content.items():
        if keys is None:  # it has no such config
            del sections[section]
        for key, entry in (keys or {}).items():
            sections[section][key] = {**sections[section][key], **entry}
    return sections


def read_yaml(path: Path) -> dict[str, Any]:
    """Content of a file."""
    return parse_yaml(path.read_text())
