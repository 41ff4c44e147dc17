"""The table outside its stack: found again after the stack is gone, and deleted only on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from event_registration.deployment.account import Account

__all__ = ["adopt", "delete", "find"]

_KEYS = [{"AttributeName": "eventid", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
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


def check(table: dict[str, Any]) -> None:
    """
    Tell whether a stack can take over *table*.

    Raises:
        DeploymentError: It has other keys than ours.
    """
    if table["KeySchema"] != _KEYS:
        raise DeploymentError(
            f"Table {table['TableName']!r} exists and is not keyed by eventid (partition key) and sk (sort key), so "
            "that registrations would overwrite each other. Choose another name with --table; this one stays "
            "untouched."
        )


def adopt(account: Account, table: dict[str, Any]) -> None:
    """
    Give *table* what the template gives a new one: CloudFormation takes a table over as it is.

    Its stream is kept, and made if there is none; so are expiry, recovery and the protection against deletion.
    """
    client, name = account.client("dynamodb"), table["TableName"]
    if not table.get("StreamSpecification", {}).get("StreamEnabled"):
        client.update_table(TableName=name, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        client.get_waiter("table_exists").wait(TableName=name)
    if not table.get("DeletionProtectionEnabled"):
        client.update_table(TableName=name, DeletionProtectionEnabled=True)
        client.get_waiter("table_exists").wait(TableName=name)
    if client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        client.update_time_to_live(TableName=name, TimeToLiveSpecification=_TTL)
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


def delete(account: Account, name: str) -> None:
    """Delete a table and every registration in it."""
    client = account.client("dynamodb")
    client.update_table(TableName=name, DeletionProtectionEnabled=False)
    client.get_waiter("table_exists").wait(TableName=name)
    client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name)
