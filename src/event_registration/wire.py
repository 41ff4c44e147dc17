"""Registrations as parsed JSON and as table rows, to model and back: here the two vocabularies meet."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from attrs import evolve, fields

from event_registration.errors import InvalidRegistrationError, UnreadableRowError
from event_registration.mail import Mail, MailKind, MailState
from event_registration.model import Registration, Status
from event_registration.rules import is_locale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import cattrs

__all__ = [
    "MAIL_COLUMNS",
    "NAMED_BY_CATALOGUE",
    "answer_of",
    "columns_of",
    "compact_json",
    "instant_of",
    "instant_text",
    "prepare_reading",
    "registration_from_request",
    "registration_from_row",
    "row_of",
    "row_of_mail",
    "view_of",
]

NAMED_BY_CATALOGUE = "-"
"""The event's name in a request where the catalogue has the name, whatever was sent."""

_WIRE_NAMES = {
    "event_id": "eventid",
    "event_name": "eventname",
    "attendee_name": "cname",
    "attendee_email": "cemail",
    "registration_id": "registrationid",
}
_MAIL_COLUMNS = {
    "state": "mail",
    "kind": "mail_kind",
    "number": "debt",
    "attempts": "attempts",
    "attempted_at": "attempted_at",
    "due_at": "mail_at",
    "reason": "mail_reason",
    "repeated_at": "repeated_at",
}
# How long a row from before there were claims keeps others from a mail whose sending was begun.
_OLD_CLAIM = timedelta(minutes=10)
_COMPACT = json.JSONEncoder(separators=(",", ":"))
MAIL_COLUMNS = tuple(_MAIL_COLUMNS.values())
"""The attributes of a row that say what its registration owes."""


@cache
def _reader() -> cattrs.Converter:
    import cattrs  # who registers writes a row and reads none: a cold start's twentieth is saved
    from cattrs.gen import make_dict_structure_fn, override

    converter = cattrs.Converter(detailed_validation=False)
    # cattrs would turn 5 into "5"; the model is to see, and refuse, what was sent.
    converter.register_structure_hook(str, lambda value, _: value)
    converter.register_structure_hook(datetime, lambda value, _: instant_of(value))
    for enum in (Status, MailState, MailKind):  # they are strings too, so that the hook above would take them
        converter.register_structure_hook(enum, lambda value, cls: cls(value))
    for cls, names in ((Mail, _MAIL_COLUMNS), (Registration, _WIRE_NAMES)):
        renamed: dict[str, Any] = {a.name: override(rename=names.get(a.name, a.name)) for a in fields(cls)}
        if "answers" in renamed:  # JSON as it came: the event's questions tell what is right
            renamed["answers"] = override(struct_hook=lambda value, _: value)
        converter.register_structure_hook(cls, make_dict_structure_fn(cls, converter, **renamed))
    return converter


def prepare_reading() -> None:
    """Do what reading a first row would: a function does it as it starts, with all of a processor."""
    _reader()


def instant_of(text: str) -> datetime:
    """Read what `instant_text` has written, or any other instant with its offset; what is none raises `ValueError`."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without an offset")
    return instant


def compact_json(value: object) -> str:
    """Return *value* as JSON without spaces, in ASCII."""
    return _COMPACT.encode(value)


def instant_text(instant: datetime) -> str:
    """Return *instant* as rows keep it: RFC 3339 in UTC, always of one length, so that texts sort like instants."""
    return _utc_text(instant.astimezone(UTC))


@lru_cache(maxsize=1)  # a newcomer's mail is due at the instant of its registration: both are one text
def _utc_text(instant: datetime) -> str:
    return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def registration_from_request(body: Mapping[str, object], *, is_managed: bool = False) -> Registration:
    """
    Make a registration of a request's fields; fields that it doesn't know are left alone.

    So is a locale that is no language's tag: nobody is turned away for that.

    Args:
        body: The request's JSON.
        is_managed: Whether a catalogue has the event. Then its name is `NAMED_BY_CATALOGUE`, whatever was sent, and
            there may be answers to its questions, which are left unchecked.

    Raises:
        InvalidRegistrationError: With the problems of all fields, under the wire's names.
    """
    given: Callable[[str], Any] = body.get  # whatever was sent: the model is to see, and refuse, what is no text
    answers, locale = given("answers"), given("locale")
    try:
        return Registration(
            event_id=given("eventid"),
            event_name=NAMED_BY_CATALOGUE if is_managed else given("eventname"),
            attendee_name=given("cname"),
            attendee_email=given("cemail"),
            answers=answers if is_managed and isinstance(answers, dict) else {},
            locale=locale if is_locale(locale) else None,
        )
    except InvalidRegistrationError as error:
        problems = (evolve(problem, field=_WIRE_NAMES[problem.field]) for problem in error.problems)
        raise InvalidRegistrationError(problems) from None


def answer_of(registration: Registration) -> dict[str, str]:
    """Return what a client is told of its registration: nothing it has not sent but the status."""
    waiting = registration.status is Status.WAITLISTED
    return {
        "message": "You are on the waiting list." if waiting else "Registration successful!",
        "status": registration.status.value,
        "eventid": registration.event_id,
        "eventname": registration.event_name,
    }


def row_of(registration: Registration) -> dict[str, str | int]:
    """Return the attributes of *registration* as a table keeps them: text and whole numbers, nothing that is unset."""
    return _set(columns_of(registration))


def row_of_mail(mail: Mail) -> dict[str, str | int]:
    """Return the attributes of a row that say what its registration owes, nothing that is unset."""
    return _set(_columns_of_mail(mail))


def columns_of(registration: Registration) -> dict[str, str | int | None]:
    """Return the attributes of *registration* as `row_of` does, but all of them: ``None`` is what is unset."""
    return {
        "eventid": registration.event_id,
        "eventname": registration.event_name,
        "cname": registration.attendee_name,
        "cemail": registration.attendee_email,
        "status": registration.status.value,
        "registrationid": registration.registration_id,
        "registered_at": _text_or_none(registration.registered_at),
        "seat": registration.seat,
        "place": registration.place,
        "answers": compact_json(registration.answers) if registration.answers else None,
        "locale": registration.locale,
        "link_generation": _unless(1, registration.link_generation),
        "revision": registration.revision,
        "told_of": _unless(0, registration.told_of),
        **_columns_of_mail(registration.mail),
    }


def _columns_of_mail(mail: Mail) -> dict[str, str | int | None]:
    return {
        "mail": mail.state.value,
        "mail_kind": mail.kind.value,
        "debt": _unless(1, mail.number),
        "attempts": mail.attempts,
        "attempted_at": _text_or_none(mail.attempted_at),
        "mail_at": _text_or_none(mail.due_at),
        "mail_reason": mail.reason,
        "repeated_at": _text_or_none(mail.repeated_at),
    }


def _unless(usual: int, number: int) -> int | None:
    """Leave out what rows from before there was a column mean by not having it: those then need no rewriting."""
    return None if number == usual else number


def _text_or_none(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)


def _set(row: Mapping[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in row.items() if value is not None}


def registration_from_row(row: Mapping[str, object]) -> Registration:
    """
    Read a stored row back; attributes that it doesn't know are left alone.

    Raises:
        UnreadableRowError: The row is no registration: something else wrote it.
    """
    mail = {column: row[column] for column in MAIL_COLUMNS if column in row}
    mail.setdefault("mail_kind", row.get("status", MailKind.CONFIRMED.value))
    try:
        answers = {"answers": json.loads(str(row["answers"]))} if "answers" in row else {}
        registration: Registration = _reader().structure({**row, "mail": mail, **answers}, Registration)
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise UnreadableRowError(f"A stored row is no registration ({type(error).__name__}).") from None
    owed = registration.mail
    if owed.state is MailState.DUE and owed.attempted_at and owed.due_at is None:
        return registration.changed(mail=evolve(owed, due_at=owed.attempted_at + _OLD_CLAIM))
    return registration


def view_of(
    registration: Registration, card: Mapping[str, Any], position: int | None, answers: Iterable[tuple[str, Any]]
) -> dict[str, Any]:
    """
    Return what whoever has a registration's link is told of it.

    Args:
        registration: The registration.
        card: Its event's card.
        position: Its number among who waits; ``None`` if it doesn't.
        answers: What was asked and answered; a page may write the values in its own language.
    """
    from event_registration.answers import text_of  # a POST of an event without questions has no use for it

    return {
        "status": registration.status.value,
        "eventid": registration.event_id,
        "eventname": registration.event_name,
        "cname": registration.attendee_name,
        "registered_at": registration.registered_at and instant_text(registration.registered_at),
        "position": position,
        "answers": [{"title": title, "text": text_of(value), "value": value} for title, value in answers],
        "card": dict(card),
    }
