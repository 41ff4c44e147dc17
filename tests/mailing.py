"""The way of mails about a repository's events, as compositions make it."""

from __future__ import annotations

from event_registration.composing import Composer
from event_registration.local import SQLiteOutbox
from event_registration.relay import Relay


def relay_of(repository, notifier, *, links=None, **options):
    """Return a relay that sends what a SQLite repository's registrations owe, and reads each event anew."""
    compose = Composer(repository, links=links, cache_seconds=0.0)
    return Relay(SQLiteOutbox(repository), notifier, compose=compose, **options)
