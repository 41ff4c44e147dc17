"""Plain rows to DynamoDB's items and back, and the writes and checks that are made of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LAST", "REGISTRATION", "Action", "Row", "check", "decode", "delete", "encode", "put"]

Row: TypeAlias = "Mapping[str, str | int | bool]"
"""An item, or its key, as plain text, whole numbers and switches by attribute."""

Action: TypeAlias = "dict[str, dict[str, Any]]"
"""One write or check, alone or in a transaction, as `put`, `delete` and `check` make it."""

REGISTRATION = "REGISTRATION#"
"""What the sort key of a registration begins with; the person's digest follows."""

LAST = "\x7f"
"""A sign behind every one that a sort key holds: the keys of a prefix end before ``prefix + LAST``."""

_KINDS = {str: "S", int: "N", bool: "BOOL"}


def encode(row: Row) -> dict[str, dict[str, Any]]:
    """Return *row* as DynamoDB wants it."""
    return {name: {_KINDS[type(value)]: str(value) if type(value) is int else value} for name, value in row.items()}


def decode(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return an item as a plain row. A number that is no whole one can't be ours and stays text."""
    row: dict[str, Any] = {}
    for name, value in item.items():
        ((kind, content),) = value.items()
        row[name] = int(content) if kind == "N" and content.lstrip("-").isdecimal() else content
    return row


def put(row: Row, condition: str, **values: str | int | bool) -> Action:
    """
    Put the whole *row* if *condition* holds, in which ``#name`` is an attribute and ``:name`` one of *values*.

    An empty condition always holds.
    """
    return {"Put": {"Item": encode(row), **_condition(condition, values)}}


def delete(event_id: str, sort_key: str, condition: str, **values: str | int | bool) -> Action:
    """Delete a row if *condition* holds."""
    return {"Delete": {"Key": encode({"eventid": event_id, "sk": sort_key}), **_condition(condition, values)}}


def check(event_id: str, sort_key: str, condition: str, **values: str | int | bool) -> Action:
    """Write nothing, and let the transaction fail unless *condition* holds."""
    return {"ConditionCheck": {"Key": encode({"eventid": event_id, "sk": sort_key}), **_condition(condition, values)}}


def _condition(condition: str, values: Row) -> dict[str, Any]:
    if not condition:
        return {}
    arguments: dict[str, Any] = {
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if names := re.findall(r"#(\w+)", condition):  # words that DynamoDB reserves, such as status
        arguments["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        arguments["ExpressionAttributeValues"] = encode({f":{name}": value for name, value in values.items()})
    return arguments
