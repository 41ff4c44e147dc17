"""The laptop's adapters: tables in SQLite, mail in a folder."""

from event_registration.local.events import SQLiteEventRepository
from event_registration.local.mailbox import MailboxNotifier
from event_registration.local.outbox import SQLiteOutbox
from event_registration.local.smtp import SMTPNotifier
from event_registration.local.sqlite import SQLiteRepository

__all__ = ["MailboxNotifier", "SMTPNotifier", "SQLiteEventRepository", "SQLiteOutbox", "SQLiteRepository"]
