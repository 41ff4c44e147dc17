"""An event as its organiser writes it, in a file and in flags, with times as the clocks of its zone show them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from event_registration.errors import InvalidEventError, Problem
from event_registration.wire_events import event_from_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from zoneinfo import ZoneInfo

    from event_registration.event import Event

__all__ = ["FIELDS", "PROBLEM_MESSAGES", "describing", "event_of"]

FIELDS = (
    "eventid",
    "eventname",
    "starts_at",
    "ends_at",
    "time_zone",
    "venue",
    "capacity",
    "opens_at",
    "closes_at",
    "waitlist",
    "questions",
    "contact",
)
"""The fields of an event document, in the order of ``event.v1.schema.json``."""

PROBLEM_MESSAGES = {
    "unplaced-time": "A time without its offset is the event zone's: name the zone in time_zone, or add the offset.",
    "skipped-time": "Clocks skip this time in the event's zone: they go from {} to {}. Choose another one.",
    "repeated-time": "Clocks show this time twice in the event's zone: add {} or {} to it.",
}
"""Every code a local time can be refused with, and the sentence for it."""

_INVALID_INSTANT = (
    "This must be a day and a time, as in 2030-05-01 09:00 (by the clocks of the event's time zone), or an instant "
    "with its offset, as in 2030-05-01T09:00:00+02:00."
)

_INSTANTS = ("starts_at", "ends_at", "opens_at", "closes_at")
# RFC 3339 with or without seconds and offset, as people write it.
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII
)
_NUMBER = re.compile(r"[0-9]{1,9}")
_NOTHING = "none"
_CLEARABLE = frozenset({"venue", "capacity", "opens_at", "closes_at", "questions", "contact"})
_FILE = click.Path(allow_dash=True)  # names files to the shell's completion; reading them is `read_object`'s
_FLAGS = (
    click.option("--name", "eventname", metavar="TEXT", help="The event's name."),
    click.option("--starts-at", metavar="TIME", help="When it begins, as in '2030-05-01 09:00'."),
    click.option("--ends-at", metavar="TIME", help="When it ends."),
    click.option("--time-zone", metavar="ZONE", help="Zone that its times are told in, as in Europe/Berlin."),
    click.option("--venue", metavar="TEXT", help="Where it is."),
    click.option("--capacity", metavar="NUMBER", help="How many people may come; none is no limit."),
    click.option("--opens-at", metavar="TIME", help="When registration opens; none is at once."),
    click.option("--closes-at", metavar="TIME", help="When registration closes; none is when it begins."),
    click.option("--waitlist/--no-waitlist", default=None, help="Whether people can wait for a seat."),
    click.option("--questions", type=_FILE, metavar="FILE", help="JSON Schema of what else people are asked."),
    click.option("--contact", metavar="ADDRESS", help="The organiser's address."),
)


def describing(command: Callable[..., None]) -> Callable[..., None]:
    """
    Add to *command* the file and the flags that describe an event.

    It gets what they say as ``document``, in the wire's names: a flag replaces what the file says, and ``None`` is
    what is to be left empty. Options of its own that are named by a field are among the flags.
    """

    @wraps(command)
    def run(*, file: str | None, **values: Any) -> None:  # noqa: ANN401 - click's
        flags = {name: values.pop(name) for name in FIELDS if name in values}
        command(document=_document(file, flags), **values)

    described: Callable[..., None] = run
    for flag in reversed(_FLAGS):
        described = flag(described)
    return click.argument("file", required=False, type=_FILE)(described)


def _document(file: str | None, flags: Mapping[str, Any]) -> dict[str, Any]:
    from event_registration.cli.files import read_object

    document = read_object(file) if file else {}
    for name, value in flags.items():
        if value is None:
            continue
        if value == _NOTHING and name in _CLEARABLE:
            document[name] = None
        elif name == "questions":
            document[name] = read_object(value)
        elif name == "capacity" and _NUMBER.fullmatch(value):
            document[name] = int(value)
        else:
            document[name] = value
    return document


def event_of(document: Mapping[str, Any]) -> Event:
    """
    Make an event of *document*, in whose times the offset may be missing: they are then the event zone's own.

    Raises:
        InvalidEventError: With the problems of all fields, under the wire's names.
    """
    from event_registration.zones import UNKNOWN_TIME_ZONE, zone_of

    name = document.get("time_zone")
    zone = zone_of(name) if isinstance(name, str) else None
    values = dict(document)
    problems = {}
    for field in _INSTANTS:
        instant = _instant(document.get(field), zone)
        if isinstance(instant, datetime):
            values[field] = instant
        elif instant:
            code, *offsets = instant
            problems[field] = Problem(field, code, PROBLEM_MESSAGES[code].format(*offsets))
    try:
        return event_from_document(values)
    except InvalidEventError as error:
        found = {problem.field: _in_our_words(problem) for problem in error.problems} | problems
        if isinstance(name, str) and zone is None:
            found.setdefault("time_zone", UNKNOWN_TIME_ZONE)
        order = [*FIELDS, *found]
        raise InvalidEventError(sorted(found.values(), key=lambda problem: order.index(problem.field))) from None


def _in_our_words(problem: Problem) -> Problem:
    """Tell of a wrong time what may be written here: more than programs may send."""
    return Problem(problem.field, problem.code, _INVALID_INSTANT) if problem.code == "invalid-instant" else problem


def _instant(value: object, zone: ZoneInfo | None) -> datetime | tuple[str, ...] | None:
    """Return the instant that *value* tells, what is wrong with it, or ``None`` if it is for the wire to judge."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        time = datetime.fromisoformat(value.upper())
    except ValueError:
        return None
    if time.tzinfo:
        return time
    if zone is None:
        return ("unplaced-time",)
    # PEP 495: fold tells the two readings apart, which differ only where clocks are changed.
    first, second = (time.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    if first == second:
        return time.replace(tzinfo=timezone(first))
    return ("skipped-time" if first < second else "repeated-time", _offset(first), _offset(second))


def _offset(offset: timedelta) -> str:
    return datetime.min.replace(tzinfo=timezone(offset)).isoformat()[len("0001-01-01T00:00:00") :]
