"""JSON and table rows to model and back: the only module that knows both vocabularies."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import cattrs
from attrs import evolve, fields
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from event_registration.errors import (
    BodyTooLargeError,
    InvalidRegistrationError,
    MalformedBodyError,
    RepositoryError,
)
from event_registration.model import Mail, MailState, Registration, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MAX_BODY",
    "answer_of",
    "json_object",
    "registration_from_request",
    "registration_from_row",
    "row_of",
]

MAX_BODY = 16 * 1024
"""The longest body in octets, before and after base64."""
_MAX_DEPTH = 16
_MAX_DIGITS = 19

_WIRE_NAMES = {
    "event_id": "eventid",
    "event_name": "eventname",
    "attendee_name": "cname",
    "attendee_email": "cemail",
    "registration_id": "registrationid",
}
_REQUEST_FIELDS = ("eventid", "eventname", "cname", "cemail")
_MAIL_COLUMNS = {"state": "mail", "attempts": "attempts", "attempted_at": "attempted_at"}

# Possessive, and an unclosed string ends with the text: linear, whatever is sent.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[][{}]', re.DOTALL)

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


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


def json_object(body: str | bytes, *, is_base64: bool = False) -> dict[str, Any]:
    """
    Parse the one JSON object that *body* holds, refusing whatever two programs could read differently.

    Args:
        body: What arrived: at most 16 KiB of UTF-8 once base64 is undone.
        is_base64: Whether *body* is base64 (RFC 4648, padded, no other characters).

    Raises:
        BodyTooLargeError: The body is over 16 KiB; it was not decoded.
        MalformedBodyError: Broken base64, UTF-8 or JSON, a duplicate key, NaN or Infinity, a number of over 19
            digits, more than 16 levels, half of a surrogate pair, or no object. RFC 8259 leaves these to each
            implementation.
    """
    text = _decode(body, is_base64=is_base64)
    if not text.strip(" \t\n\r"):
        raise MalformedBodyError("empty-body", "The body is empty; send a JSON object.")
    if _depth(text) > _MAX_DEPTH:
        raise MalformedBodyError("too-deep", f"The JSON is nested more than {_MAX_DEPTH} levels deep.")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_bounded_int,
            parse_float=_finite_float,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        message = f"The body is not JSON: line {error.lineno}, column {error.colno}."
        raise MalformedBodyError("not-json", message) from None
    if _SURROGATE.search(text) and not _is_text(value):
        raise MalformedBodyError("lone-surrogate", "The JSON holds half of a surrogate pair.")
    if not isinstance(value, dict):
        raise MalformedBodyError("not-an-object", "The JSON is not an object.")
    return value


def _decode(body: str | bytes, *, is_base64: bool) -> str:
    limit = 4 * math.ceil(MAX_BODY / 3) if is_base64 else MAX_BODY
    try:
        octets = body if len(body) > limit or isinstance(body, bytes) else body.encode()
        if is_base64 and len(octets) <= limit:
            octets = base64.b64decode(octets, validate=True)
        if len(octets) > MAX_BODY:
            raise BodyTooLargeError(f"The body is over {MAX_BODY} octets.")
        return octets.decode() if isinstance(octets, bytes) else octets
    except binascii.Error:
        raise MalformedBodyError("not-base64", "The body is marked as base64 and is not.") from None
    except UnicodeError:
        raise MalformedBodyError("not-utf-8", "The body is not UTF-8.") from None


def _is_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return 0
    depth = deepest = 0
    for sign in _STRING_OR_BRACKET.findall(text):
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise MalformedBodyError("duplicate-key", "The JSON names a key twice.")
    return value


def _bounded_int(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_DIGITS:
        _refuse_number()
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        _refuse_number()
    return number


def _refuse_number() -> NoReturn:
    raise MalformedBodyError("number-out-of-range", f"A number has over {_MAX_DIGITS} digits or is too large.")


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedBodyError("not-json", "The body is not JSON: it holds NaN or Infinity.")


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
