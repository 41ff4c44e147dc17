"""The laptop's adapters: a table in SQLite, mail in a folder."""

from event_registration.local.mailbox import MailboxNotifier
from event_registration.local.sqlite import SQLiteRepository

__all__ = ["MailboxNotifier", "SQLiteRepository"]
