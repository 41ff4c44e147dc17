"""The AWS adapters: a table in DynamoDB, mail through SES."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from event_registration.aws.dynamodb import DynamoDBRepository
    from event_registration.aws.events import DynamoDBEventRepository
    from event_registration.aws.outbox import DynamoDBOutbox
    from event_registration.aws.ses import SESNotifier, SESQuota

__all__ = ["DynamoDBEventRepository", "DynamoDBOutbox", "DynamoDBRepository", "SESNotifier", "SESQuota"]

_HOMES = {
    "DynamoDBEventRepository": "events",
    "DynamoDBOutbox": "outbox",
    "DynamoDBRepository": "dynamodb",
    "SESNotifier": "ses",
    "SESQuota": "ses",
}


def __getattr__(name: str) -> object:
    """Import an adapter when it is first asked for: botocore costs what a team with its own adapters need not pay."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
