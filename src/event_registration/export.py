"""A registration as a line of a file: of CSV for spreadsheets, of JSON for programs."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from event_registration.wire import row_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from event_registration.model import Registration
    from event_registration.questions import Column

__all__ = ["REGISTRATION_FIELDS", "CSVLines", "JSONLines", "Lines", "registration_record"]

REGISTRATION_FIELDS = (
    "eventid",
    "eventname",
    "cname",
    "cemail",
    "status",
    "registrationid",
    "registered_at",
    "seat",
    "place",
    "locale",
    "revision",
    "mail",
    "mail_kind",
    "mail_reason",
    "attempts",
    "attempted_at",
    "answers",
)
"""The names of a registration's record."""

_FACTS = ("cname", "cemail", "status", "registered_at", "seat", "place", "mail", "mail_reason", "registrationid")
_OTHER_ANSWERS = "other answers"

# With these a spreadsheet program takes a cell for a formula ("CSV Injection", OWASP): the signs themselves, their
# full-width and small twins and U+2212, the minus of typographers, lest a program read them alike, and the white space
# that some skip before them.
_SIGN = "[-=+@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212\t\r\n]"
# A cell begins with the text. For a program that is set to other separators than the comma, as in much of Europe, and
# so doesn't see our quotation marks, it also begins behind a semicolon, a tab or the end of a line: LibreOffice then
# calculates. Apostrophes before a sign count as nothing, so that whoever takes one away in each of these places has
# what was there before.
_FORMULA = re.compile(rf"(?:^|(?<=[;\t\r\n]))(?=[\"']*{_SIGN})")


def registration_record(registration: Registration) -> dict[str, Any]:
    """Return what programs are told of a registration: a row's fields, ``None`` if unset, and the answers."""
    row = dict.fromkeys(REGISTRATION_FIELDS) | row_of(registration) | {"answers": dict(registration.answers)}
    return {name: row[name] for name in REGISTRATION_FIELDS}


class Lines(Protocol):
    """A format of files that have a line, or several, a registration."""

    @property
    def head(self) -> str:
        """What comes before all lines."""

    def line(self, registration: Registration) -> str:
        """Return what is said of one registration, with the end of its line."""


class JSONLines:
    """
    JSON Lines: an object a line, each the record of a registration.

    Everything beyond ASCII is escaped, as in all our JSON: whatever encoding a program expects, it reads the same.
    """

    head = ""
    """What comes before all lines: nothing."""

    def line(self, registration: Registration) -> str:
        """Return the line of one registration."""
        return json.dumps(registration_record(registration)) + "\n"


class CSVLines:
    """
    CSV as RFC 4180 has it, every cell quoted, with what people and their spreadsheet programs read.

    Args:
        zone: The zone to tell times in.
        questions: The event's questions in the form's order. Where several columns would have one heading, a question's
            name is added to its title.
    """

    def __init__(self, zone: tzinfo, questions: Sequence[Column]) -> None:
        self._zone = zone
        self._names = [each.name for each in questions]
        self._line = csv.writer(_Echo(), quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow
        titles = Counter(title.casefold() for title in (*_FACTS, *(each.title for each in questions), _OTHER_ANSWERS))
        asked = [
            each.title if titles[each.title.casefold()] == 1 else f"{each.title} ({each.name})" for each in questions
        ]
        self.head: str = "\ufeff" + self._line(map(_cell, [*_FACTS, *asked, _OTHER_ANSWERS]))
        """What comes before all lines: the mark by which Excel knows UTF-8, and the headings."""

    def line(self, registration: Registration) -> str:
        """Return the line of one registration, which can be several lines of text."""
        came = registration.registered_at
        answers = registration.answers
        others = {name: answer for name, answer in answers.items() if name not in self._names}
        cells = (
            registration.attendee_name,
            registration.attendee_email,
            registration.status.value,
            came.astimezone(self._zone).isoformat(timespec="seconds") if came else None,
            registration.seat,
            registration.place,
            registration.mail.state.value,
            registration.mail.reason,
            registration.registration_id,
            *(answers.get(name) for name in self._names),
            json.dumps(others, ensure_ascii=False) if others else None,
        )
        line: str = self._line(map(_cell, cells))
        return line


def _cell(value: object) -> str | int | float:
    """Return what stands in a cell: a number as it is, since it can be no formula, all else as text that is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    return _FORMULA.sub("'", "; ".join(map(str, value)) if isinstance(value, list) else str(value))


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        """Return *text*, which `csv` returns then."""
        return text
