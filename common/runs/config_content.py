"""What config files say, to tell whether a run that goes on, or stands beside others, was made of the same."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from ..files import content_sha256


def config_content(files: Sequence[str | Path]) -> list[str]:
    """SHA-256 of each config, YAML or JSON, without its comments; empty for a file that is not there."""
    return [
        content_sha256(repr(yaml.safe_load(Path(file).read_text()))) if Path(file).is_file() else "" for file in files
    ]
