"""The study's SQLite file: volumes under secret tokens, readers, answers."""

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypedDict, cast

from .answers import Answer
from .drawing import Source

_SCHEMA = """
CREATE TABLE study (settings TEXT NOT NULL);
CREATE TABLE volume (token TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE item (
    number INTEGER PRIMARY KEY,
    source TEXT NOT NULL CHECK (source IN ('real', 'generated')),
    case_id TEXT NOT NULL,
    image TEXT NOT NULL UNIQUE REFERENCES volume,
    mask TEXT NOT NULL UNIQUE REFERENCES volume
);
CREATE TABLE reader (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    code TEXT NOT NULL,
    session TEXT NOT NULL UNIQUE,
    started TEXT NOT NULL,
    finished TEXT
);
CREATE TABLE answer (
    reader INTEGER NOT NULL REFERENCES reader,
    number INTEGER NOT NULL REFERENCES item,
    score INTEGER NOT NULL CHECK (typeof(score) = 'integer' AND score BETWEEN 0 AND 10),
    comment TEXT NOT NULL,
    answered TEXT NOT NULL,
    PRIMARY KEY (reader, number)
);
"""
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is read as another
_CODE_LENGTH = 10  # 31^10 codes


class Item(NamedTuple):
    """One volume of the study; `source` and `case_id` are never sent to a reader."""

    number: int
    source: Source
    case_id: str
    image: str
    mask: str


class Reader(NamedTuple):
    """A reader; `code` lets them come back."""

    id: int
    name: str
    code: str
    finished: str | None


class AnswerRow(TypedDict):
    """An answer with its volume, as a table has it; `answered` is the time in UTC."""

    reader: str
    number: int
    source: Source
    case_id: str
    score: int
    comment: str
    answered: str


class NameTakenError(ValueError):
    """Another reader has this name."""


class FinishedError(ValueError):
    """The reader has finished, or has not answered all, so that this cannot be done."""


class Store:
    """One connection to a study's file; for one thread, and closed at the end of a ``with`` block.

    Args:
        path: Of the SQLite file.

    Raises:
        FileNotFoundError: There is none; `create_study` makes it.
        ValueError: It is damaged, or no study.
    """

    def __init__(self, path: str | Path) -> None:
        if not Path(path).is_file():
            raise FileNotFoundError(
                f"no reader study at {path}: make one by `run reader_study`, or give its --output_dir"
            )
        self._connection = sqlite3.connect(path, timeout=10)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self.settings()
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            self._connection.close()
            if isinstance(error, sqlite3.OperationalError) and "no such" not in str(error):
                raise  # locked, or a full disk
            raise ValueError(
                f"{path} holds no reader study ({error}), expected the SQLite file that `run reader_study` wrote: "
                "put its copy back, or name another --output_dir for a new study"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def settings(self) -> dict[str, Any]:
        """What the study was prepared with."""
        return json.loads(self._one("SELECT settings FROM study")[0])

    def items(self) -> list[Item]:
        """All volumes in the order that they are shown in."""
        rows = self._connection.execute("SELECT number, source, case_id, image, mask FROM item ORDER BY number")
        return [Item(*row) for row in rows]

    def volume(self, token: str) -> bytes | None:
        """NIfTI file under `token`, None where there is none."""
        row = self._one("SELECT content FROM volume WHERE token = ?", token)
        return row and row[0]

    def add_reader(self, name: str) -> tuple[Reader, str]:
        """New reader and the secret of their session.

        Raises:
            NameTakenError: There is a reader of this name, whatever its case.
        """
        code = "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
        secret = secrets.token_urlsafe(32)
        try:
            with self._connection as connection:
                connection.execute(
                    "INSERT INTO reader (name, name_key, code, session, started) VALUES (?, ?, ?, ?, ?)",
                    (name, name.casefold(), code, _digest(secret), _now()),
                )
        except sqlite3.IntegrityError as error:
            raise NameTakenError(f"there is a reader named {name} already") from error
        row = self._one("SELECT id, name, code, finished FROM reader WHERE name_key = ?", name.casefold())
        return Reader(*row), secret

    def resume(self, name: str, code: str) -> str | None:
        """Secret of a new session, which ends the reader's last one; None where name and code do not match."""
        row = self._one("SELECT id, code FROM reader WHERE name_key = ?", name.casefold())
        kept = row[1] if row else "-" * _CODE_LENGTH
        given = code.replace("-", "").replace(" ", "").lower()
        if not hmac.compare_digest(kept.encode(), given.encode()):
            return None
        secret = secrets.token_urlsafe(32)
        with self._connection as connection:
            connection.execute("UPDATE reader SET session = ? WHERE id = ?", (_digest(secret), row[0]))
        return secret

    def mark_of(self, name: str) -> str:
        """What a browser keeps that a reader of this name has used; "" where there is none."""
        row = self._one("SELECT code FROM reader WHERE name_key = ?", name.casefold())
        return _digest(f"browser {row[0]}") if row else ""

    def reader_of(self, secret: str) -> Reader | None:
        """Reader whose session has this secret."""
        row = self._one("SELECT id, name, code, finished FROM reader WHERE session = ?", _digest(secret))
        return row and Reader(*row)

    def answers_of(self, reader: Reader) -> dict[int, Answer]:
        """Number of the volume to the reader's own answer."""
        rows = self._connection.execute("SELECT number, score, comment FROM answer WHERE reader = ?", (reader.id,))
        return {number: Answer(score, comment) for number, score, comment in rows}

    def save_answer(self, reader: Reader, number: int, answer: Answer) -> None:
        """Write an answer at once; an earlier one of the same reader is replaced.

        Raises:
            FinishedError: The reader has finished.
            sqlite3.IntegrityError: There is no such volume, or the score is out of range.
        """
        with self._connection as connection:
            changed = connection.execute(
                """INSERT INTO answer (reader, number, score, comment, answered)
                   SELECT id, ?, ?, ?, ? FROM reader WHERE id = ? AND finished IS NULL
                   ON CONFLICT (reader, number) DO UPDATE
                   SET score = excluded.score, comment = excluded.comment, answered = excluded.answered""",
                (number, answer.score, answer.comment, _now(), reader.id),
            ).rowcount
        if not changed:
            raise FinishedError("you have finished: answers can no longer be changed")

    def finish(self, reader: Reader) -> None:
        """Close the reader's answers.

        Raises:
            FinishedError: Not all volumes are answered, or this was done before.
        """
        with self._connection as connection:
            changed = connection.execute(
                """UPDATE reader SET finished = ? WHERE id = ? AND finished IS NULL AND
                   (SELECT count(*) FROM answer WHERE reader = id) = (SELECT count(*) FROM item)""",
                (_now(), reader.id),
            ).rowcount
        if not changed:
            raise FinishedError("answer all volumes first")

    def all_answers(self) -> list[AnswerRow]:
        """All answers, by reader and number."""
        query = """SELECT reader.name AS reader, item.number AS number, source, case_id, score, comment, answered
                   FROM answer JOIN reader ON reader.id = answer.reader JOIN item ON item.number = answer.number
                   ORDER BY reader.id, item.number"""
        answers = self._connection.execute(query)
        columns = [name for name, *_ in answers.description]
        return [cast(AnswerRow, dict(zip(columns, row, strict=True))) for row in answers]

    def _one(self, query: str, *values: Any) -> Any:
        return self._connection.execute(query, values).fetchone()


def create_study(
    path: str | Path, *, settings: Mapping[str, Any], items: list[tuple[Source, str, bytes, bytes]]
) -> None:
    """Make the file of a study: `items` are source, case id, image and mask in the order that they are shown in."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            connection.executescript(_SCHEMA)
            connection.execute("INSERT INTO study VALUES (?)", (json.dumps(settings),))
            for number, (source, case_id, image, mask) in enumerate(items, 1):
                tokens = [secrets.token_urlsafe(24) for _ in range(2)]
                connection.executemany("INSERT INTO volume VALUES (?, ?)", zip(tokens, (image, mask), strict=True))
                connection.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?)", (number, source, case_id, *tokens))
    finally:
        connection.close()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
