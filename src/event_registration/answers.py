"""What an answer to one question may be: for each kind of question a normal form and the rules, as pure functions."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from attrs import frozen

from event_registration.rules import (
    check_address,
    check_line,
    check_text,
    is_blank,
    normalise_address,
    normalise_line,
    normalise_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["ANSWER_MESSAGES", "Kind", "is_nothing", "kind_of", "text_of"]

ANSWER_MESSAGES = {
    "required": "This is required.",
    "not-a-string": "This must be text.",
    "not-a-number": "Enter a number.",
    "not-an-integer": "Enter a whole number.",
    "not-a-switch": "Choose yes or no.",
    "not-a-list": "This must be a list of options.",
    "not-an-option": "Choose from the options.",
    "text-too-short": "Write more: this is too short.",
    "text-too-long": "Shorten this: it is too long.",
    "number-too-small": "Enter a larger number.",
    "number-too-large": "Enter a smaller number.",
    "too-few-options": "Choose more options.",
    "too-many-options": "Choose fewer options.",
    "invalid-email": "Enter one address in the form name@example.org.",
    "invalid-link": "Enter a link that begins with https:// or http://.",
    "invalid-date": "Enter a day of the calendar: year, month, day, as in 2030-05-01.",
    "invalid-time": "Enter a time from 00:00 to 23:59, as in 09:30.",
    "pattern-mismatch": "Write this in the form that is asked for.",
    "must-be-ticked": "Tick this box to go on.",
    "forbidden-character": "Remove invisible control characters, and line breaks where one line is asked for.",
    "unexpected-answer": "Remove what isn't asked for.",
    "answers-too-long": "Shorten the answers: together they are too long.",
    "not-an-object": "This must be an object that has the answers by their questions' names.",
}
"""Every code that answers can be refused with, and the sentence for it."""

_MAX_LINE = 200
_MAX_TEXT = 4000
_MAX_LINK = 2000
_MAX_INTEGER = 2**53 - 1  # RFC 8259, section 6: what all programs read alike

# A host by its characters alone, in any script, without a name and password before it, which make a link look as if it
# led elsewhere. Behind it stands what an address bar takes; programs read \ as /. Compiled when it is used: 20 ms.
_LABEL = "[A-Za-z0-9_\u00a1-\U0010ffff](?:[A-Za-z0-9_\u00a1-\U0010ffff-]*[A-Za-z0-9_\u00a1-\U0010ffff])?"
_LINK = rf'[Hh][Tt][Tt][Pp][Ss]?://{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?(?:[/?#][^ <>"\\]*)?'
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?")


@frozen
class Kind:
    """
    What answers to a question may be.

    Args:
        normalise: Writes an answer in normal form; what is of another type is left alone.
        check: Returns the code of the rule that an answer in normal form breaks; ``None`` if it breaks none.
    """

    normalise: Callable[[Any], Any]
    check: Callable[[Any], str | None]


def is_nothing(value: object) -> bool:
    """Tell whether *value* is no answer, to whatever question: ``None``, an empty list, or text that leaves no ink."""
    return value is None or value == [] or (isinstance(value, str) and is_blank(value))


def text_of(value: object) -> str:
    """Return an answer in normal form as people read it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def kind_of(question: Mapping[str, Any]) -> Kind:
    """Return what answers to *question* may be."""
    if question["type"] == "array":
        return _choices(question)
    if question["type"] == "boolean":
        return Kind(_as_it_is, lambda value: None if isinstance(value, bool) else "not-a-switch")
    if question["type"] != "string":
        return _number(question)
    return _choice(question["enum"]) if "enum" in question else _text(question)


def _as_it_is(value: object) -> object:
    return value


def _text(question: Mapping[str, Any]) -> Kind:
    most = question.get("maxLength", _MAX_TEXT)
    invalid, is_valid = _FORMATS.get(question.get("format", ""), ("", None))
    is_line = most <= _MAX_LINE or is_valid is not None or "pattern" in question
    pattern = re.compile(question.get("pattern", ""), re.ASCII)
    least = question.get("minLength", 0)
    if is_valid is _is_link:
        most = min(most, _MAX_LINK)
    write = normalise_address if is_valid is _is_address else normalise_line if is_line else normalise_text
    check_characters = check_line if is_line else check_text

    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "not-a-string"
        if fault := check_characters(value):
            return fault
        if not least <= len(value) <= most:
            return "text-too-short" if len(value) < least else "text-too-long"
        if is_valid and not is_valid(value):
            return invalid
        return "pattern-mismatch" if "pattern" in question and not pattern.fullmatch(value) else None

    return Kind(lambda value: write(value) if isinstance(value, str) else value, check)


def _is_address(value: str) -> bool:
    return check_address(value) is None


def _is_link(value: str) -> bool:
    return re.fullmatch(_LINK, value) is not None


def _is_date(value: str) -> bool:
    with suppress(ValueError):
        return _DATE.fullmatch(value) is not None and date.fromisoformat(value) is not None
    return False


def _is_time(value: str) -> bool:
    return _TIME.fullmatch(value) is not None


_FORMATS: dict[str, tuple[str, Callable[[str], bool] | None]] = {
    "email": ("invalid-email", _is_address),
    "uri": ("invalid-link", _is_link),
    "date": ("invalid-date", _is_date),
    "time": ("invalid-time", _is_time),
}


def _choice(options: Sequence[str]) -> Kind:
    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return "not-a-string"
        return None if value in options else "not-an-option"

    return Kind(_as_it_is, check)


def _choices(question: Mapping[str, Any]) -> Kind:
    options = question["items"]["enum"]
    least, most = question.get("minItems", 0), question.get("maxItems", len(options))

    def are_options(value: object) -> bool:
        return isinstance(value, list) and all(isinstance(each, str) and each in options for each in value)

    def check(value: object) -> str | None:
        if not isinstance(value, list):
            return "not-a-list"
        if not are_options(value):
            return "not-an-option"
        if least <= len(value) <= most:
            return None
        return "too-few-options" if len(value) < least else "too-many-options"

    return Kind(lambda value: [each for each in options if each in value] if are_options(value) else value, check)


def _number(question: Mapping[str, Any]) -> Kind:
    is_whole = question["type"] == "integer"
    limit = _MAX_INTEGER if is_whole else sys.float_info.max
    least, most = (float(question.get(name, end)) for name, end in (("minimum", -limit), ("maximum", limit)))

    def check(value: object) -> str | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return "not-a-number"
        if is_whole and isinstance(value, float) and not value.is_integer():
            return "not-an-integer"
        if least <= value <= most:
            return None
        return "number-too-small" if value < least else "number-too-large"

    return Kind(_as_programs_read_it, check)


def _as_programs_read_it(value: object) -> object:
    """Write a number that is whole without a fraction, and one beyond what all programs can tell as a double."""
    if isinstance(value, float) and abs(value) <= _MAX_INTEGER and value.is_integer():
        return int(value)
    if type(value) is int and _MAX_INTEGER < abs(value) <= sys.float_info.max:
        return float(value)
    return value
