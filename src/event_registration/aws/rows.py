"""Registrations as items: their keys, their place in the outbox's index, and whether one is still as it was read."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from event_registration.aws.items import REGISTRATION
from event_registration.wire import row_of

if TYPE_CHECKING:
    from event_registration.mail import Mail
    from event_registration.model import Registration

__all__ = ["OUTBOX", "SHARDS", "mail_as_read", "place_in_outbox", "registration_row"]

OUTBOX = "outbox"
"""The index of the mails that are still to go out, and the attribute that is its partition key."""

SHARDS = "0123456789abcdef"
"""The index's partitions: one alone would take no more writes than a thousand a second, and hold up the table's."""


def registration_row(registration: Registration, digest: str) -> dict[str, str | int]:
    """Return the item of *registration*, the person's whose key is *digest*."""
    return row_of(registration) | {"sk": f"{REGISTRATION}{digest}"} | place_in_outbox(registration.mail, digest)


def place_in_outbox(mail: Mail, digest: str) -> dict[str, str]:
    """Return the attribute that lists *mail* among those that are still to go out, if it is one."""
    return {OUTBOX: SHARDS[zlib.crc32(digest.encode()) % len(SHARDS)]} if mail.is_pending and mail.due_at else {}


def mail_as_read(mail: Mail) -> tuple[str, dict[str, str | int]]:
    """Return the condition that a row's mail is still *mail*, which no two claims or debts have in common."""
    facts: dict[str, str | int] = {"mail": mail.state.value, "attempts": mail.attempts}
    condition = "mail = :mail AND attempts = :attempts AND "
    if mail.number == 1:  # as in all rows from before debts had numbers
        return f"{condition}attribute_not_exists(debt)", facts
    return f"{condition}debt = :debt", facts | {"debt": mail.number}
