"""The table outside its stack: found again after the stack is gone, and deleted only on purpose."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from event_registration.deployment.account import Account

__all__ = ["KEYS", "adopt", "check", "delete", "find", "keys_of"]

KEYS = [("eventid", "HASH", "S"), ("sk", "RANGE", "S")]
"""Name, kind and type of each key."""

_PAUSE_SECONDS = 5.0
_MOST_TRIES = 60
# A table that was just made or restored isn't ready for every change, and takes one at a time.
_NOT_YET = frozenset({"ContinuousBackupsUnavailableException", "ResourceInUseException"})
_TTL = {"AttributeName": "expires_at", "Enabled": True}


def find(account: Account, name: str) -> dict[str, Any] | None:
    """Return what DynamoDB says of a table, or ``None`` if there is none."""
    try:
        description: dict[str, Any] = account.client("dynamodb").describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    return description


def keys_of(table: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, kind and type of each key of *table*, as `find` returns it."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    return [(each["AttributeName"], each["KeyType"], types[each["AttributeName"]]) for each in table["KeySchema"]]


def check(table: Mapping[str, Any]) -> None:
    """
    Tell whether a stack can take over *table*.

    Raises:
        DeploymentError: It has other keys than ours.
    """
    if keys_of(table) != KEYS:
        raise DeploymentError(
            f"Table {table['TableName']!r} exists and is not keyed by eventid (partition key) and sk (sort key), two "
            "strings, so that registrations would overwrite each other or be refused. Choose another name with "
            "--table; this one stays untouched."
        )


def adopt(account: Account, table: Mapping[str, Any]) -> None:
    """
    Give *table* what the template gives a new one: CloudFormation takes a table over as it is.

    Its stream is kept, and made if there is none; so are expiry, recovery and the protection against deletion.
    """
    client, name = account.client("dynamodb"), table["TableName"]
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        _patiently(client.update_table, TableName=name, StreamSpecification=stream)
    if not table.get("DeletionProtectionEnabled"):
        _patiently(client.update_table, TableName=name, DeletionProtectionEnabled=True)
    if client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        _patiently(client.update_time_to_live, TableName=name, TimeToLiveSpecification=_TTL)
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        recovery = {"PointInTimeRecoveryEnabled": True}
        _patiently(client.update_continuous_backups, TableName=name, PointInTimeRecoverySpecification=recovery)
    client.get_waiter("table_exists").wait(TableName=name)


def _patiently(
    call: Callable[..., object],
    *,
    sleep: Callable[[float], None] = time.sleep,
    **arguments: Any,  # noqa: ANN401 - botocore's
) -> None:
    """Make a call again for as long as the table isn't ready for it, at most five minutes."""
    tries = 1
    while not _is_taken(call, arguments, patient=tries < _MOST_TRIES):
        tries += 1
        sleep(_PAUSE_SECONDS)


def _is_taken(call: Callable[..., object], arguments: Mapping[str, Any], *, patient: bool) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        if patient and error_code(error) in _NOT_YET:
            return False
        raise
    return True


def delete(account: Account, name: str) -> None:
    """Delete a table and every registration in it; one that is gone is deleted."""
    client = account.client("dynamodb")
    with suppress(client.exceptions.ResourceNotFoundException):
        _patiently(client.update_table, TableName=name, DeletionProtectionEnabled=False)
        _patiently(client.delete_table, TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name)
