"""Checks of a bundle's files that read them and run nothing."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from ..checksums import FILE_NAME as SUMS
from .archive import all_files, wrong_sums
from .finding import Finding, from_problems
from .large_files import LIMIT, NAME
from .zoo_json import zoo_json

CONFIGS = ("inference.yaml", "inference.yml", "inference.json")
_LAYOUT = (
    *("LICENSE", "configs/metadata.json", "configs/logging.conf", "docs/README.md", "docs/data_license.txt"),
    *("models/model.pt", "common/__init__.py", SUMS),
)
_TEXTS = frozenset((".yaml", ".yml", ".json", ".md", ".py", ".txt", ".conf", ".html", ".css", ".js", ""))
_WIDTH = 120  # of lines of code and configs
_PERSONAL = re.compile(r"(?<![\w.:/])/(?:home|Users|root|work|tmp|mnt|scratch)/\w+|\b[A-Z]:\\Users\\\w+")
_SECRETS = re.compile(
    r"\bhf_[A-Za-z0-9]{16,}|\bgh[pousr]_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|\bnvapi-[\w-]{20,}"
    r"|BEGIN [A-Z ]*PRIVATE KEY|(?i:password|passwd|secret|api_key|token)[\"']?\s*[:=]\s*[\"'][^\"'\s]{8,}[\"']"
)


def check_files(bundle: Path) -> list[Finding]:
    """Layout, sizes, checksums, formatting, paths and credentials of an exported bundle."""
    texts = {path: path.read_bytes().decode() for path in all_files(bundle) if path.suffix in _TEXTS}
    return [
        check_layout(bundle),
        check_sizes(bundle),
        from_problems("checksums", wrong_sums(bundle) if (bundle / SUMS).is_file() else [f"no {SUMS}"]),
        from_problems(
            "formatting", [problem for path, text in texts.items() for problem in _format(path, text, bundle)]
        ),
        _without(_PERSONAL, "no absolute paths", texts, bundle),
        _without(_SECRETS, "no credentials", texts, bundle, shown=False),
    ]


def check_layout(bundle: Path) -> Finding:
    """Files that the model zoo and its users look for; a listed large file may be absent."""
    listed = {entry["path"] for entry in large_files(bundle)}
    missing = [name for name in _LAYOUT if not (bundle / name).is_file() and name not in listed]
    if not any((bundle / "configs" / name).is_file() for name in CONFIGS):
        missing.append("configs/inference.yaml or .json")
    return from_problems("layout", [f"{name} is missing" for name in missing])


def check_sizes(bundle: Path) -> Finding:
    """Files over the zoo's limit are listed with an address, and all that is listed has one."""
    listed = {entry["path"]: str(entry.get("url", "")) for entry in large_files(bundle)}
    sizes = {path.relative_to(bundle).as_posix(): path.stat().st_size for path in all_files(bundle)}
    problems = [
        f"{name} has {size / 1e6:.0f} MB and is not in {NAME}"
        for name, size in sizes.items()
        if size > LIMIT and name not in listed
    ]
    problems += [
        f"{NAME}: {name} has no address, give --large_files_url to export"
        for name, url in listed.items()
        if not re.match(r"https?://", url)
    ]
    return from_problems("files over 25 MB are listed", problems, f"{sum(sizes.values()) / 1e6:.1f} MB in all")


def large_files(bundle: Path) -> list[dict[str, str]]:
    """Entries of ``large_files.yml``, none where there is no such file."""
    path = bundle / NAME
    return yaml.safe_load(path.read_text())["large_files"] if path.is_file() else []


def _format(path: Path, text: str, bundle: Path) -> Iterator[str]:
    name, lines = path.relative_to(bundle).as_posix(), text.split("\n")
    if text and not text.endswith("\n"):
        yield f"{name} does not end with a new line"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield f"{name}:{number} ends with white space"
        if len(line) > _WIDTH and path.suffix != ".json" and (path.suffix == ".py" or path.parent.name == "configs"):
            yield f"{name}:{number} is longer than {_WIDTH} characters"
    try:
        if path.suffix == ".json" and zoo_json(json.loads(text)) != text:
            yield f"{name} is not indented by 4, one value a line"
        if path.suffix in (".yaml", ".yml"):
            yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        yield f"{name} cannot be parsed: {' '.join(str(error).split())}"


def _without(pattern: re.Pattern, check: str, texts: dict[Path, str], bundle: Path, *, shown: bool = True) -> Finding:
    """Where `pattern` is found; what was found is left out where it must not reach a log."""
    found = [
        f"{path.relative_to(bundle).as_posix()}:{number}" + (f" {match[0]}" if shown else "")
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if (match := pattern.search(line))
    ]
    return from_problems(check, found)
