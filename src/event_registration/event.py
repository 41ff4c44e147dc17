"""The event: a frozen value that checks itself."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import NOTHING, field, fields, frozen

from event_registration.errors import InvalidEventError, Problem
from event_registration.questions import Questionnaire
from event_registration.rules import (
    PROBLEM_MESSAGES,
    check_address,
    check_event_id,
    check_line,
    check_name,
    normalise_address,
    normalise_event_id,
    normalise_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["MAX_CAPACITY", "Event"]

MAX_CAPACITY = 999_999
"""The most seats an event can have: a seat's number has six digits."""

_MAX_VENUE = 200
_MAX_QUESTIONS = 32 * 1024
_MESSAGES = PROBLEM_MESSAGES | {
    "reserved-event-id": "An event id can't be . or .. because those mean something else in an address.",
    "venue-too-long": f"A venue has at most {_MAX_VENUE} characters.",
    "invalid-instant": "This must be an instant with its offset, as in 2030-05-01T09:00:00+02:00 (RFC 3339).",
    "invalid-time-zone": "This must be a time zone's name, as in Europe/Berlin.",
    "invalid-capacity": f"This must be a whole number from 1 to {MAX_CAPACITY:,}, or left out for no limit.",
    "not-a-switch": "This must be true or false.",
    "not-a-schema": "This must be a JSON object.",
    "questions-too-long": f"The questions take more than {_MAX_QUESTIONS // 1024} KiB.",
    "ends-before-start": "An event must end after it starts.",
    "closes-before-opening": "Registration must close after it opens.",
    "closes-after-end": "Registration must close before the event ends.",
    "waitlist-without-capacity": "Only an event with a capacity can have a waiting list.",
}
# "Theory and pragmatics of the tz code and data", Names of timezones.
_TIME_ZONE = re.compile(r"(?=.{1,64}\Z)[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_YEARS = range(1970, 9999)  # in UTC; the last one would overflow in zones east of Greenwich


def _instant(value: object) -> str | None:
    try:
        is_fine = isinstance(value, datetime) and value.utcoffset() is not None and value.astimezone(UTC).year in _YEARS
    except OverflowError:
        is_fine = False
    return None if is_fine else "invalid-instant"


def _own_id(value: str) -> str | None:
    return "reserved-event-id" if value in {".", ".."} else check_event_id(value)


def _venue(value: str) -> str | None:
    return "venue-too-long" if len(value) > _MAX_VENUE else check_line(value)


def _time_zone(value: str) -> str | None:
    return None if _TIME_ZONE.fullmatch(value) else "invalid-time-zone"


def _capacity(value: object) -> str | None:
    return None if type(value) is int and 1 <= value <= MAX_CAPACITY else "invalid-capacity"


def _switch(value: object) -> str | None:
    return None if isinstance(value, bool) else "not-a-switch"


def _questions(value: object) -> str | None:
    if not isinstance(value, dict):
        return "not-a-schema"
    try:
        length = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return "not-a-schema"
    return "questions-too-long" if length > _MAX_QUESTIONS else None


def _optional_name(value: str | None) -> str | None:
    return normalise_name(value) or None if isinstance(value, str) else value


def _optional_address(value: str | None) -> str | None:
    return normalise_address(value) or None if isinstance(value, str) else value


def _switched(value: bool | None) -> bool:  # noqa: FBT001 - a converter's only argument
    return False if value is None else value


def _of_text(rule: Callable[[str], str | None]) -> Callable[[object], str | None]:
    return lambda value: rule(value) if isinstance(value, str) else "not-a-string"


_RULES: dict[str, Callable[[Any], str | None]] = {
    "event_id": _of_text(_own_id),
    "event_name": _of_text(check_name),
    "starts_at": _instant,
    "ends_at": _instant,
    "time_zone": _of_text(_time_zone),
    "venue": _of_text(_venue),
    "capacity": _capacity,
    "opens_at": _instant,
    "closes_at": _instant,
    "waitlist": _switch,
    "questions": _questions,
    "contact": _of_text(check_address),
}


@frozen(kw_only=True)
class Event:
    """
    A gathering that people register for, as its organiser describes it.

    Args:
        event_id: 1 to 128 of ``A-Z a-z 0-9 . _ ~ -``, neither ``.`` nor ``..``.
        event_name: 1 to 100 characters of any script; no control characters, no link.
        starts_at: When it begins, aware.
        ends_at: When it ends, aware, later.
        time_zone: The IANA name of the zone that its times are told in.
        venue: Where, in one line of at most 200 characters, which may hold a link.
        capacity: How many people may come, 1 to 999,999; ``None`` is no limit.
        opens_at: From when on people may register; ``None`` is at once.
        closes_at: Until when, that instant excluded; ``None`` is until it starts.
        waitlist: Whether who finds no seat may wait for one.
        questions: What else attendees are asked, as a JSON Schema of at most 32 KiB. `Organiser` holds it to
            ``questions.v1.schema.json``; here it is any object, so that reading an event needs no validator.
        contact: The organiser's address, which answers to mails go to.

    Raises:
        InvalidEventError: With a problem for every field that breaks its rule.
    """

    event_id: str = field(converter=normalise_event_id)
    event_name: str = field(converter=normalise_name)
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    venue: str | None = field(default=None, converter=_optional_name)
    capacity: int | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    waitlist: bool = field(default=False, converter=_switched)
    questions: Mapping[str, Any] | None = None
    contact: str | None = field(default=None, converter=_optional_address)

    def __attrs_post_init__(self) -> None:
        """Apply every rule, so that one refusal names all that is wrong."""
        faults: dict[str, str] = {}
        for each in fields(Event):
            if fault := _fault(getattr(self, each.name), _RULES[each.name], is_required=each.default is NOTHING):
                faults[each.name] = fault
        faults = faults or dict(self._contradictions())
        if faults:
            raise InvalidEventError(Problem(name, code, _MESSAGES[code]) for name, code in faults.items())

    def _contradictions(self) -> Iterator[tuple[str, str]]:
        found = [
            ("ends_at", "ends-before-start", self.ends_at <= self.starts_at),
            ("closes_at", "closes-after-end", self.closes_at is not None and self.closes_at > self.ends_at),
            ("opens_at", "closes-before-opening", self.opens_at is not None and self.opens_at >= self.closes),
            ("waitlist", "waitlist-without-capacity", self.waitlist and self.capacity is None),
        ]
        return ((name, code) for name, code, is_so in found if is_so)

    @property
    def closes(self) -> datetime:
        """The instant from which on nobody can register: `closes_at`, or the start."""
        return self.closes_at or self.starts_at

    @cached_property
    def questionnaire(self) -> Questionnaire | None:
        """The questions, ready to judge answers; ``None`` if there are none."""
        return None if self.questions is None else Questionnaire(self.questions)


def _fault(value: object, rule: Callable[[Any], str | None], *, is_required: bool) -> str | None:
    if value is None or (value == "" and is_required):
        return "required" if is_required else None
    return rule(value)
