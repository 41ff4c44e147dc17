"""The checks of a deployed stack's table: its keys, and that nothing in it is kept too long or lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from event_registration.deployment.diagnosis import advice, check, problem
from event_registration.deployment.table import DEFINITION, INDEX, INDEX_KEYS, KEYS, index_of, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from event_registration.deployment.diagnosis import Deployed, Trouble

__all__ = ["TABLE_CHECKS"]

_EXPIRY = "expires_at"


@check("Each registration has a key of its own.", "dynamodb:DescribeTable")
def table_layout(at: Deployed) -> Iterator[Trouble]:
    table = at.client("dynamodb").describe_table(TableName=at.output("TableName"))["Table"]
    if keys_of(table) != KEYS:
        yield problem(
            f"Table {table['TableName']} has other keys than eventid and sk: registrations would overwrite each other.",
            "Take a new table; the old one stays untouched:",
            at.deploy("--table", "NEW_NAME"),
        )


@check("Mails that are still to go out are found.", "dynamodb:DescribeTable")
def table_index(at: Deployed) -> Iterator[Trouble]:
    table = at.client("dynamodb").describe_table(TableName=at.output("TableName"))["Table"]
    name, index = table["TableName"], index_of(table)
    lost = "a mail that could not be sent at once is never found again."

    def update(change: Mapping[str, object], *more: str) -> str:
        changes = json.dumps([change])
        return at.aws("dynamodb update-table --global-secondary-index-updates", changes, *more, "--table-name", name)

    if index is None:
        attributes = [{"AttributeName": key, "AttributeType": kind} for key, _, kind in INDEX_KEYS]
        make = update({"Create": DEFINITION}, "--attribute-definitions", json.dumps(attributes))
        yield problem(f"Table {name} has no index {INDEX}: {lost}", "Make it, which takes a while:", make)
    elif keys_of(table, index) != INDEX_KEYS:
        message = f"Index {INDEX} of table {name} has other keys than outbox and mail_at: {lost}"
        delete = update({"Delete": {"IndexName": INDEX}})
        yield problem(message, "Delete it, and ask doctor again when it is gone:", delete)
    elif (state := index.get("IndexStatus", "ACTIVE")) != "ACTIVE":
        message = f"Index {INDEX} of table {name} is {state.lower()}: late mails are found later."
        yield advice(message, "Wait until it is active, and ask doctor again.")


@check("What has expired is deleted.", "dynamodb:DescribeTimeToLive")
def table_ttl(at: Deployed) -> Iterator[Trouble]:
    name = at.output("TableName")
    expiry = at.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    attribute = expiry.get("AttributeName") if expiry["TimeToLiveStatus"].startswith("ENABL") else None
    if attribute == _EXPIRY:
        return

    def update(specification: str) -> str:
        return at.aws("dynamodb update-time-to-live --table-name", name, "--time-to-live-specification", specification)

    message = f"takes {attribute} for the time to delete a row" if attribute else "never deletes what has expired"
    first = ["Switch that off, and wait an hour:", update(f"Enabled=false,AttributeName={attribute}")]
    yield problem(
        f"Table {name} {message}.",
        *(first if attribute else []),
        "Switch it on:",
        update(f"Enabled=true,AttributeName={_EXPIRY}"),
    )


@check("The table can be restored.", "dynamodb:DescribeContinuousBackups")
def table_recovery(at: Deployed) -> Iterator[Trouble]:
    name = at.output("TableName")
    backups = at.client("dynamodb").describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        switch = "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true --table-name"
        yield problem(
            f"Table {name} has no point-in-time recovery: what is deleted or damaged stays so.",
            "Switch it on:",
            at.aws(f"dynamodb update-continuous-backups {switch}", name),
        )


@check("The table can't be deleted by mistake.", "dynamodb:DescribeTable")
def table_protection(at: Deployed) -> Iterator[Trouble]:
    name = at.output("TableName")
    if not at.client("dynamodb").describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
        protect = at.aws("dynamodb update-table --deletion-protection-enabled --table-name", name)
        yield problem(f"Table {name} can be deleted by mistake.", "Protect it:", protect)


TABLE_CHECKS = (table_layout, table_index, table_ttl, table_recovery, table_protection)
"""What is looked at of the table."""
