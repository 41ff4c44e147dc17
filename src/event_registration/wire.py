"""Parsed JSON and table rows to model and back: the only module that knows both vocabularies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import cattrs
from attrs import evolve, fields
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from event_registration.errors import InvalidRegistrationError, RepositoryError
from event_registration.model import Mail, MailState, Registration, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "answer_of",
    "registration_from_request",
    "registration_from_row",
    "row_of",
]


_WIRE_NAMES = {
    "event_id": "eventid",
    "event_name": "eventname",
    "attendee_name": "cname",
    "attendee_email": "cemail",
    "registration_id": "registrationid",
}
_REQUEST_FIELDS = ("eventid", "eventname", "cname", "cemail")
_MAIL_COLUMNS = {"state": "mail", "attempts": "attempts", "attempted_at": "attempted_at"}


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    # cattrs would turn 5 into "5"; the model is to see, and refuse, what was sent.
    converter.register_structure_hook(str, lambda value, _: value)
    converter.register_structure_hook(datetime, lambda value, _: _instant(value))
    converter.register_unstructure_hook(datetime, _rfc3339)
    for enum in (Status, MailState):  # they are strings too, so that the hook above would take them
        converter.register_structure_hook(enum, lambda value, cls: cls(value))
        converter.register_unstructure_hook(enum, lambda member: member.value)
    for cls, names in ((Mail, _MAIL_COLUMNS), (Registration, _WIRE_NAMES)):
        renamed: dict[str, Any] = {a.name: override(rename=names.get(a.name, a.name)) for a in fields(cls)}
        converter.register_structure_hook(cls, make_dict_structure_fn(cls, converter, **renamed))
        converter.register_unstructure_hook(cls, make_dict_unstructure_fn(cls, converter, **renamed))
    return converter


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without an offset")
    return instant


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_converter = _make_converter()


def registration_from_request(body: Mapping[str, object]) -> Registration:
    """
    Make a registration of a request's fields; fields that it doesn't know are left alone.

    Raises:
        InvalidRegistrationError: With the problems of all fields, under the wire's names.
    """
    try:
        registration: Registration = _converter.structure({f: body.get(f) for f in _REQUEST_FIELDS}, Registration)
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
    return {name: value for name, value in row.items() if value is not None}


def registration_from_row(row: Mapping[str, object]) -> Registration:
    """
    Read a stored row back; attributes that it doesn't know are left alone.

    Raises:
        RepositoryError: The row is no registration: something else wrote it.
    """
    mail = {column: row[column] for column in _MAIL_COLUMNS.values() if column in row}
    try:
        registration: Registration = _converter.structure({**row, "mail": mail}, Registration)
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise RepositoryError(f"A stored row is no registration ({type(error).__name__}).") from None
    return registration
