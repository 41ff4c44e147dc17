"""Plain rows to DynamoDB's items and back, and the writes and checks that are made of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = ["LAST", "REGISTRATION", "Action", "Row", "Value", "change", "check", "decode", "delete", "encode", "put"]

Value: TypeAlias = "str | int | bool | frozenset[str]"
"""What an attribute is: text, a whole number, a switch, or a set of texts that isn't empty."""

Row: TypeAlias = "Mapping[str, Value]"
"""An item, or its key, by attribute."""

Action: TypeAlias = "dict[str, dict[str, Any]]"
"""One write or check, alone or in a transaction, as `put`, `change`, `delete` and `check` make it."""

REGISTRATION = "REGISTRATION#"
"""What the sort key of a registration begins with; the person's digest follows."""

LAST = "\x7f"
"""A sign behind every one that a sort key holds: the keys of a prefix end before ``prefix + LAST``."""

_FORMS: dict[type, Callable[[Any], dict[str, Any]]] = {
    str: lambda text: {"S": text},
    int: lambda number: {"N": str(number)},
    bool: lambda switch: {"BOOL": switch},
    frozenset: lambda texts: {"SS": sorted(texts)},
}


def encode(row: Row) -> dict[str, dict[str, Any]]:
    """Return *row* as DynamoDB wants it."""
    return {name: _FORMS[type(value)](value) for name, value in row.items()}


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


def change(  # noqa: PLR0913 - a key, what is set and removed, and a condition
    event_id: str,
    sort_key: str,
    values: Row,
    *,
    remove: Collection[str] = (),
    condition: str = "",
    facts: Row | None = None,
) -> Action:
    """
    Set the attributes *values* of a row and *remove* others if *condition* holds, which is about *facts*.

    Attributes that are named in neither are left alone.
    """
    words = _condition(condition, facts or {})
    names = words.pop("ExpressionAttributeNames", {}) | {f"#{name}": name for name in (*values, *remove)}
    given = words.pop("ExpressionAttributeValues", {}) | encode({f":new_{name}": each for name, each in values.items()})
    clauses = []
    if values:
        clauses.append("SET " + ", ".join(f"#{name} = :new_{name}" for name in values))
    if remove:
        clauses.append("REMOVE " + ", ".join(f"#{name}" for name in sorted(remove)))
    update = {
        "Key": encode({"eventid": event_id, "sk": sort_key}),
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": names,
        **words,
    }
    return {"Update": update | ({"ExpressionAttributeValues": given} if given else {})}


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
    if "#" in condition:  # words that DynamoDB reserves, such as status
        arguments["ExpressionAttributeNames"] = {f"#{name}": name for name in re.findall(r"#(\w+)", condition)}
    if values:
        arguments["ExpressionAttributeValues"] = encode({f":{name}": value for name, value in values.items()})
    return arguments
