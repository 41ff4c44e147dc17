"""A request's body to the one JSON object that every program would read in it, or an error."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from typing import Any, NoReturn

from event_registration.errors import BodyTooLargeError, MalformedBodyError

__all__ = ["MAX_BODY", "json_object"]

MAX_BODY = 16 * 1024
"""The longest body in octets, before and after base64."""
_MAX_DEPTH = 16
_MAX_DIGITS = 19

# Possessive, and an unclosed string ends with the text: linear, whatever is sent. Compiled for who sends many brackets.
_STRING_OR_BRACKET = r'(?s)"(?:[^"\\]|\\.)*+"?|[][{}]'


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
        value = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        message = f"The body is not JSON: line {error.lineno}, column {error.colno}."
        raise MalformedBodyError("not-json", message) from None
    if "\\u" in text and not _is_text(value):
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
    for sign in re.findall(_STRING_OR_BRACKET, text):
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


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_bounded_int,
    parse_float=_finite_float,
    parse_constant=_refuse_constant,
)
