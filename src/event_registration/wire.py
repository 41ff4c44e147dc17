"""Parsed JSON and table rows to model and back: the only module that knows both vocabularies."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import cattrs
from attrs import evolve, fields
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from event_registration.errors import InvalidEventError, InvalidRegistrationError, Problem, UnreadableRowError
from event_registration.event import Event, EventState, Listing
from event_registration.mail import Mail, MailKind, MailState
from event_registration.model import Registration, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "MAIL_COLUMNS",
    "NAMED_BY_CATALOGUE",
    "answer_of",
    "card_of",
    "document_of",
    "event_from_document",
    "instant_text",
    "listing_from_row",
    "registration_from_request",
    "registration_from_row",
    "row_of",
    "row_of_listing",
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
_REQUEST_FIELDS = ("eventid", "eventname", "cname", "cemail")
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
# What a row from before there were these columns means by leaving them out; so that such rows need no rewriting, it is
# left out of new ones too.
_LEFT_OUT = {"debt": 1, "link_generation": 1, "told_of": 0}
# How long a row from before there were claims keeps others from a mail whose sending was begun.
_OLD_CLAIM = timedelta(minutes=10)
MAIL_COLUMNS = tuple(_MAIL_COLUMNS.values())
"""The attributes of a row that say what its registration owes."""

_EVENT_FIELDS = {_WIRE_NAMES.get(a.name, a.name): a.name for a in fields(Event)}
_INSTANTS = ("starts_at", "ends_at", "opens_at", "closes_at")
# RFC 3339, section 5.6; Python reads more.
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    # cattrs would turn 5 into "5"; the model is to see, and refuse, what was sent.
    converter.register_structure_hook(str, lambda value, _: value)
    converter.register_structure_hook(datetime, lambda value, _: _instant(value))
    converter.register_unstructure_hook(datetime, _rfc3339)
    for enum in (Status, MailState, MailKind):  # they are strings too, so that the hook above would take them
        converter.register_structure_hook(enum, lambda value, cls: cls(value))
        converter.register_unstructure_hook(enum, lambda member: member.value)
    for cls, names in ((Mail, _MAIL_COLUMNS), (Registration, _WIRE_NAMES)):
        renamed: dict[str, Any] = {a.name: override(rename=names.get(a.name, a.name)) for a in fields(cls)}
        if "answers" in renamed:  # JSON as it came: the event's questions tell what is right
            renamed["answers"] = override(struct_hook=lambda value, _: value, unstruct_hook=lambda value: value)
        converter.register_structure_hook(cls, make_dict_structure_fn(cls, converter, **renamed))
        converter.register_unstructure_hook(cls, make_dict_unstructure_fn(cls, converter, **renamed))
    return converter


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without an offset")
    return instant


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_converter = _make_converter()


def registration_from_request(body: Mapping[str, object], *, is_managed: bool = False) -> Registration:
    """
    Make a registration of a request's fields; fields that it doesn't know are left alone.

    Args:
        body: The request's JSON.
        is_managed: Whether a catalogue has the event. Then its name is `NAMED_BY_CATALOGUE`, whatever was sent, and
            there may be answers to its questions, which are left unchecked.

    Raises:
        InvalidRegistrationError: With the problems of all fields, under the wire's names.
    """
    try:
        given = {name: body.get(name) for name in _REQUEST_FIELDS}
        if is_managed:
            given["eventname"] = NAMED_BY_CATALOGUE
            if isinstance(body.get("answers"), dict):
                given["answers"] = body["answers"]
        registration: Registration = _converter.structure(given, Registration)
    except InvalidRegistrationError as error:
        problems = (evolve(problem, field=_WIRE_NAMES[problem.field]) for problem in error.problems)
        raise InvalidRegistrationError(problems) from None
    return registration


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
    row = _converter.unstructure(registration)
    row |= row.pop("mail")
    row["answers"] = _json(registration.answers) if registration.answers else None
    return _set(row)


def row_of_mail(mail: Mail) -> dict[str, str | int]:
    """Return the attributes of a row that say what its registration owes, nothing that is unset."""
    return _set(_converter.unstructure(mail))


def instant_text(instant: datetime) -> str:
    """Return *instant* as rows keep it: RFC 3339 in UTC, always of one length, so that texts sort like instants."""
    return _rfc3339(instant)


def _set(row: Mapping[str, Any]) -> dict[str, str | int]:
    return {name: value for name, value in row.items() if value is not None and value != _LEFT_OUT.get(name)}


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
        registration: Registration = _converter.structure({**row, "mail": mail, **answers}, Registration)
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise UnreadableRowError(f"A stored row is no registration ({type(error).__name__}).") from None
    owed = registration.mail
    if owed.state is MailState.DUE and owed.attempted_at and owed.due_at is None:
        return evolve(registration, mail=evolve(owed, due_at=owed.attempted_at + _OLD_CLAIM))
    return registration


def event_from_document(document: Mapping[str, Any]) -> Event:
    """
    Make an event of what its organiser wrote, in the form of ``event.v1.schema.json``.

    Raises:
        InvalidEventError: With the problems of all fields, unknown ones too, under the wire's names.
    """
    unknown = [
        Problem(str(name), "unknown-field", f"There is no such field; there are {', '.join(_EVENT_FIELDS)}.")
        for name in document
        if name not in _EVENT_FIELDS
    ]
    values: dict[str, Any] = {name: document.get(wire_name) for wire_name, name in _EVENT_FIELDS.items()}
    try:
        event = Event(**values | {name: _instant_or_as_given(values[name]) for name in _INSTANTS})
    except InvalidEventError as error:
        known = [evolve(problem, field=_WIRE_NAMES.get(problem.field, problem.field)) for problem in error.problems]
        raise InvalidEventError(known + unknown) from None
    if unknown:
        raise InvalidEventError(unknown)
    return event


def _instant_or_as_given(value: object) -> object:
    """Read an RFC 3339 instant; the event explains what is none."""
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        return value
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        return value


def document_of(event: Event) -> dict[str, Any]:
    """Return *event* in the form of ``event.v1.schema.json``, without what is unset."""
    values = {wire_name: getattr(event, name) for wire_name, name in _EVENT_FIELDS.items()}
    return {
        name: _instant_text(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value is not None
    }


def _instant_text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def card_of(event: Event, state: EventState) -> dict[str, Any]:
    """Return what everybody may know of *event*; ``null`` where there is nothing to say."""
    return {
        "eventid": event.event_id,
        "eventname": event.event_name,
        "state": state.value,
        "starts_at": _instant_text(event.starts_at),
        "ends_at": _instant_text(event.ends_at),
        "time_zone": event.time_zone,
        "venue": event.venue,
        "opens_at": event.opens_at and _instant_text(event.opens_at),
        "closes_at": _instant_text(event.closes),
        "questions": event.questions,
    }


def view_of(
    registration: Registration, card: Mapping[str, Any], position: int | None, answers: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """
    Return what whoever has a registration's link is told of it.

    Args:
        registration: The registration.
        card: Its event's card.
        position: Its number among who waits; ``None`` if it doesn't.
        answers: What was asked and answered, as people read it.
    """
    return {
        "status": registration.status.value,
        "eventid": registration.event_id,
        "eventname": registration.event_name,
        "cname": registration.attendee_name,
        "registered_at": registration.registered_at and _rfc3339(registration.registered_at),
        "position": position,
        "answers": [{"title": title, "text": text} for title, text in answers],
        "card": dict(card),
    }


def row_of_listing(listing: Listing) -> dict[str, str | int | bool]:
    """Return the attributes of *listing* as a table keeps them: text, whole numbers and switches, nothing unset."""
    row = document_of(listing.event) | {"revision": listing.revision, "cancelled": listing.is_cancelled}
    if listing.event.questions is not None:
        row["questions"] = _json(listing.event.questions)
    if listing.resizing_to is not None:
        row["resizing_to"] = listing.resizing_to
    if listing.news:
        row["news"] = listing.news
    if listing.telling is not None:
        row["telling"] = listing.telling
    if listing.changed_at is not None:
        row["changed_at"] = _instant_text(listing.changed_at)
    return row


def listing_from_row(row: Mapping[str, Any]) -> Listing:
    """
    Read a stored event back; attributes that it doesn't know are left alone.

    Raises:
        UnreadableRowError: The row is no event: something else wrote it.
    """
    document = {name: row[name] for name in _EVENT_FIELDS if name in row}
    try:
        if "questions" in document:
            document["questions"] = json.loads(document["questions"])
        return Listing(
            event=event_from_document(document),
            revision=row["revision"],
            is_cancelled=bool(row["cancelled"]),
            resizing_to=row.get("resizing_to"),
            news=row.get("news", 0),
            telling=row.get("telling"),
            changed_at=_instant(row["changed_at"]) if "changed_at" in row else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRowError(f"A stored row is no event ({type(error).__name__}).") from None
