"""The table outside its stack: found again after the stack is gone, and deleted only on purpose."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from event_registration.aws.rows import OUTBOX
from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from event_registration.deployment.account import Account

__all__ = ["DEFINITION", "INDEX", "INDEX_KEYS", "KEYS", "adopt", "check", "delete", "find", "index_of", "keys_of"]

KEYS = [("eventid", "HASH", "S"), ("sk", "RANGE", "S")]
"""Name, kind and type of each key."""
INDEX = OUTBOX
"""The index of registrations whose mail is still to go out."""
INDEX_KEYS = [(OUTBOX, "HASH", "S"), ("mail_at", "RANGE", "S")]
"""Name, kind and type of each key of that index."""
DEFINITION = {
    "IndexName": INDEX,
    "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind, _ in INDEX_KEYS],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
"""That index, as DynamoDB makes it."""

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


def index_of(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what *table*, as `find` returns it, says of the outbox's index, or ``None`` if it has none."""
    return next((each for each in table.get("GlobalSecondaryIndexes", []) if each["IndexName"] == INDEX), None)


def keys_of(table: Mapping[str, Any], index: Mapping[str, Any] | None = None) -> list[tuple[str, str, str]]:
    """Return name, kind and type of each key of *table*, as `find` returns it, or of an *index* of it."""
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    keys = (index or table)["KeySchema"]
    return [(each["AttributeName"], each["KeyType"], types[each["AttributeName"]]) for each in keys]


def check(table: Mapping[str, Any]) -> None:
    """
    Tell whether a stack can take over *table*.

    Raises:
        DeploymentError: It has other keys than ours, or an index that is called as ours and has others.
    """
    if keys_of(table) != KEYS:
        raise DeploymentError(
            f"Table {table['TableName']!r} exists and is not keyed by eventid (partition key) and sk (sort key), two "
            "strings, so that registrations would overwrite each other or be refused. Choose another name with "
            "--table; this one stays untouched."
        )
    index = index_of(table)
    if index and keys_of(table, index) != INDEX_KEYS:
        raise DeploymentError(
            f"Table {table['TableName']!r} has an index {INDEX!r} that is not keyed by outbox and mail_at, so that no "
            "mail would be found that is still to go out. Delete the index, or choose another name with --table."
        )


def adopt(account: Account, table: Mapping[str, Any], *, announce: Callable[[str], object]) -> None:
    """
    Give *table* what the template gives a new one: CloudFormation takes a table over as it is.

    Its stream is kept, and made if there is none; so are expiry, recovery, the protection against deletion and the
    outbox's index, for which DynamoDB reads the whole table once. That takes minutes, during which all else goes on.

    Args:
        account: Where it is.
        table: The table, as `find` returns it.
        announce: Is told what is waited for.
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
    if index_of(table) is None:
        _patiently(
            client.update_table,
            TableName=name,
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, _, kind in INDEX_KEYS],
            GlobalSecondaryIndexUpdates=[{"Create": DEFINITION}],
        )
    client.get_waiter("table_exists").wait(TableName=name)
    _wait_for_index(account, name, announce)


def _wait_for_index(
    account: Account,
    name: str,
    announce: Callable[[str], object],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until the index answers, however long it takes; *announce* is told for how long it has taken."""
    seconds = 0.0
    while ((index_of(find(account, name) or {}) or {}).get("IndexStatus")) == "CREATING":
        announce(f"Table {name} gets its index, for which all of it is read: {seconds / 60:.0f} minutes so far")
        sleep(_PAUSE_SECONDS)
        seconds += _PAUSE_SECONDS


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
