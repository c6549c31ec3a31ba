"""Rules for what is declared of the configs' options, and for the check of it in each run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from common.options.declaration import FOLDER, Option, read_sections
from common.packaging.relocate import workflow_ids
from tests.lint.finding import Finding, config_files, line_of, read_config
from tests.lint.reference import flat_keys

CALL = "common.options.require.require_options"
EVALUATION = "evaluation"  # the bundle whose evaluate.yaml the overlays of that name go on


def declaration_file(root: Path, bundle: str) -> Path:
    """The file that declares the options of a bundle's configs."""
    return root / FOLDER.relative_to(FOLDER.parents[2]) / f"{bundle}.yaml"


def sections_of(root: Path, bundle: str) -> dict[str, dict[str, Option]]:
    """Section → options by name; nothing where a bundle declares nothing."""
    file = declaration_file(root, bundle)
    return read_sections(bundle, file.parent) if file.is_file() else {}


def option_is_declared(root: Path) -> Iterator[Finding]:
    """Every option on the top of a workflow's config is declared, with its default among the values it may have."""
    for bundle in sorted(path for path in (root / "bundles").iterdir() if path.is_dir()):
        file, sections = declaration_file(root, bundle.name), sections_of(root, bundle.name)
        named = {section: bundle / "configs" / f"{section.rpartition('/')[2]}.yaml" for section in sections}
        workflows = [path for path in (bundle / "configs").glob("*.yaml") if _is_workflow(read_config(path))]
        for config in sorted({*workflows, *named.values()}):
            section = next((name for name, path in named.items() if path == config), config.stem)
            options = sections.get(section, {})
            if not config.is_file():
                yield Finding(file, line_of(file, f"{section}:"), f"no config {config.name}", "mend the section's name")
                continue
            flat, content = flat_keys(config), read_config(config)
            known = {**sections.get(section.partition("/")[0], {}), **options}  # an overlay sets those of its workflow
            for key in sorted(flat.keys() - known.keys()):
                remedy = f"declare it under {section} in {file.relative_to(root)}"
                yield Finding(config, line_of(config, f"{key}:"), f"{key} is not declared", remedy)
            for key in sorted(options.keys() - content.keys()):
                yield Finding(file, line_of(file, rf" +{key}:"), f"{config.name} has no {key}", "mend the key")
            for key, default in flat.items():
                yield from _wrong(config, key, None if default is None else yaml.safe_load(default), options, default)


def overlay_keeps_to_what_is_declared(root: Path) -> Iterator[Finding]:
    """A literal on the top of an overlay is one that a config beside it declares, or something there refers to it."""
    for overlay in config_files(root):
        content, bundle = read_config(overlay), overlay.relative_to(root).parts[1]
        if _is_workflow(content) or "search" in overlay.parts:
            continue
        sections = sections_of(root, EVALUATION if overlay.stem == "evaluate" else bundle).values()
        beside = "".join(path.read_text() for path in [overlay, *overlay.parent.glob("*.yaml")])
        for key, value in content.items():
            if "::" in key or isinstance(value, dict | list) or str(value)[:1] in ("$", "@"):
                continue
            options = [section[key] for section in sections if key in section]
            if options and not any(option.accepts(value) for option in options):
                expected = " or ".join(dict.fromkeys(option.expected for option in options))
                yield Finding(overlay, line_of(overlay, f"{key}:"), f"{key}: expected {expected}", "mend the value")
            elif not options and f"@{key}" not in beside:
                remedy = f"declare it, or mend its name: no config of {bundle} reads it"
                yield Finding(overlay, line_of(overlay, f"{key}:"), f"{key} is not declared", remedy)


def run_checks_its_options(root: Path) -> Iterator[Finding]:
    """The first that a run does is the check of its options: in `initialize`, else in the list of each run id."""
    for config in sorted(root.glob("bundles/*/configs/*.yaml")):
        content, bundle = read_config(config), config.parts[-3]
        beside = {path.stem: read_config(path) for path in config.parent.glob("*.yaml")}
        below = [name for name, other in beside.items() if _is_workflow(other) and config.stem.endswith(name)]
        if "run" in content:
            places = ["initialize"] if "initialize" in content else workflow_ids(config.read_text())
        else:  # an overlay takes the place of what it replaces
            places = [key for key in content if key == "initialize" and any(key in beside[name] for name in below)]
        sections = sections_of(root, bundle)
        right = [name for section in sections for name in [section.partition("/")[0]] if name in (config.stem, *below)]
        right += [section.partition("/")[0] for section in sections if section.endswith(f"/{config.stem}")]
        for key in places:
            first = content[key][0] if content[key] else None
            if not isinstance(first, dict) or first.get("_target_") != CALL:
                remedy = f"begin with {{_target_: {CALL}, bundle: {bundle}, config: {config.stem}}}"
                yield Finding(config, line_of(config, f"{key}:"), f"{key} does not check the options first", remedy)
            elif (first.get("bundle"), first.get("config")) not in [(bundle, name) for name in right]:
                remedy = f"name bundle {bundle} and one of {sorted(set(right))}"
                yield Finding(config, line_of(config, f"{key}:"), f"{key} checks those of another config", remedy)


def _wrong(path: Path, key: str, value: Any, options: dict[str, Option], default: str | None) -> Iterator[Finding]:
    if default is not None and key in options and not options[key].accepts(value):
        what = f"{key}: {default}, expected {options[key].expected}"
        yield Finding(path, line_of(path, f"{key}:"), what, "mend the default or the declaration")


def _is_workflow(content: dict[str, Any]) -> bool:
    return {"imports", "run"} <= content.keys()


RULES = (option_is_declared, overlay_keeps_to_what_is_declared, run_checks_its_options)
