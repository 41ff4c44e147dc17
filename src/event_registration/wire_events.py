"""Events as organisers write them, as everybody is shown them, and as table rows, to model and back."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import evolve, fields

from event_registration.errors import InvalidEventError, Problem, UnreadableRowError
from event_registration.event import Event
from event_registration.listing import EventState, Listing
from event_registration.wire import compact_json, instant_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["card_of", "document_of", "event_from_document", "listing_from_row", "row_of_listing"]

_WIRE_NAMES = {"event_id": "eventid", "event_name": "eventname"}
_EVENT_FIELDS = {_WIRE_NAMES.get(a.name, a.name): a.name for a in fields(Event)}
_INSTANTS = ("starts_at", "ends_at", "opens_at", "closes_at")
# RFC 3339, section 5.6; Python reads more.
_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


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


def row_of_listing(listing: Listing) -> dict[str, str | int | bool]:
    """Return the attributes of *listing* as a table keeps them: text, whole numbers and switches, nothing unset."""
    row = document_of(listing.event) | {"revision": listing.revision, "cancelled": listing.is_cancelled}
    if listing.event.questions is not None:
        row["questions"] = compact_json(listing.event.questions)
    if listing.resizing_to is not None:
        row["resizing_to"] = listing.resizing_to
    if listing.news:
        row["news"] = listing.news
    if listing.telling is not None:
        row["telling"] = listing.telling
    if listing.templates:
        row["templates"] = json.dumps(dict(listing.templates), ensure_ascii=False)  # \\u takes three times the room
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
            templates=json.loads(row["templates"]) if "templates" in row else {},
            changed_at=instant_of(row["changed_at"]) if "changed_at" in row else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRowError(f"A stored row is no event ({type(error).__name__}).") from None
