"""What a reader may answer. Every answer is a score: 0 is surely real, 10 surely generated (thesis 4.7)."""

import unicodedata
from collections.abc import Mapping
from typing import Literal, NamedTuple

AnswerKind = Literal["score", "real_fake"]
HIGHEST = 10
UNDECIDED = 5
CONFIDENCES = range(1, 6)  # 1 is a guess, 5 is sure; 5 - 5 = 0 and 5 + 5 = 10 are the ends of the scale
NAME_LENGTH = 60
COMMENT_LENGTH = 500


class Answer(NamedTuple):
    """A reader's answer to one volume."""

    score: int
    comment: str = ""


def parse_answer(form: Mapping[str, str], kind: AnswerKind) -> Answer:
    """Answer in the fields of a form: ``score``, or ``verdict`` with ``confidence``, and an optional ``comment``.

    Raises:
        ValueError: A field is missing or out of range, or the comment too long; the message is for the reader.
    """
    comment = clean_text(form.get("comment", ""), COMMENT_LENGTH, "comment", lines=True)
    if kind == "score":
        return Answer(_whole_number(form.get("score", ""), range(HIGHEST + 1), "score"), comment)
    verdict = form.get("verdict", "")
    if verdict not in ("real", "generated"):
        raise ValueError("choose real or generated")
    confidence = _whole_number(form.get("confidence", ""), CONFIDENCES, "confidence")
    return Answer(UNDECIDED + (confidence if verdict == "generated" else -confidence), comment)


def parse_name(text: str) -> str:
    """A reader's name, with its spaces tidied.

    Raises:
        ValueError: It is empty, too long, or holds control characters.
    """
    name = clean_text(" ".join(text.split()), NAME_LENGTH, "name")
    if not name:
        raise ValueError("enter a name")
    return name


def clean_text(text: str, length: int, what: str, *, lines: bool = False) -> str:
    """Text in Unicode's composed form, without spaces around it.

    Raises:
        ValueError: It is too long, or holds invisible characters (line breaks too, without `lines`).
    """
    text = unicodedata.normalize("NFKC", text.replace("\r\n", "\n")).strip()
    if len(text) > length:
        raise ValueError(f"the {what} has {len(text)} characters, at most {length} are kept")
    if any(unicodedata.category(sign).startswith("C") and not (lines and sign in "\n\t") for sign in text):
        raise ValueError(f"the {what} holds characters that cannot be shown")
    return text


def _whole_number(text: str, allowed: range, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) in allowed):
        raise ValueError(f"choose a {what} from {allowed[0]} to {allowed[-1]}")
    return int(text)
