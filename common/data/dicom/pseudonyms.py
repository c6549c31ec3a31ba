"""Names that stand for a patient's: keyed hashes, so that who has the key gets the same again, and nobody else any."""

import hmac
import os
import re
import secrets
from pathlib import Path

from ...files import naming

_MODE = 0o600


class Pseudonyms:
    """Hashes of what must not be known, by HMAC-SHA-256."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: str, text: str, *, digits: int = 10) -> str:
        """Hexadecimal digits for a text of a kind, such as a patient's id."""
        return hmac.digest(self._key, f"{kind}\0{text}".encode(), "sha256").hex()[:digits]


def read_key(path: Path) -> bytes:
    """The key in a file that its owner alone may read; made, from 32 random bytes, where there is none.

    Raises:
        ValueError: Others may read the file, or it holds no key.
        OSError: It cannot be written.
    """
    if not path.exists():
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "w") as file:
                file.write(secrets.token_hex(32) + "\n")
    if (mode := path.stat().st_mode & 0o777) & 0o077:
        raise ValueError(
            f"{path} has the mode {mode:o}, expected {_MODE:o}: who reads the key can tell patients from pseudonyms; "
            f"`chmod 600 {path}`"
        )
    text = path.read_text().strip()
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError(
            f"{path} holds no key, expected 64 hexadecimal digits: name the file that an earlier run made with --key, "
            "or another path for a new one"
        )
    return bytes.fromhex(text)
