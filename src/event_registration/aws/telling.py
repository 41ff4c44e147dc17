"""Lets the registrations of an event owe its news, one after the other, and begins where it was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from event_registration.aws import ledger
from event_registration.aws.items import LAST, REGISTRATION
from event_registration.errors import RepositoryUnavailableError, UnreadableRowError
from event_registration.wire import registration_from_row

if TYPE_CHECKING:
    from datetime import datetime

    from event_registration.aws.catalogue import EventTable
    from event_registration.aws.table import Table
    from event_registration.listing import Listing

__all__ = ["Telling"]

_SAVED_EVERY = 100


class Telling:
    """
    Tells news.

    How far it has come is kept in the event's own item, and each registration keeps what it was told of: what is told
    again after a crash owes nothing twice.

    Args:
        table: The table.
        events: Its events.
    """

    def __init__(self, table: Table, events: EventTable) -> None:
        self._table = table
        self._events = events

    def tell(self, event_id: str, now: datetime, deadline: float | None) -> int:
        """Let who is registered owe the event's news, as many as there is time for; return how many do by this."""
        listing = self._events.find(event_id, deadline)
        if listing is None or listing.telling is None or not listing.tells_at(now):
            return 0
        told = 0
        rows = self._table.query(event_id, REGISTRATION + listing.telling, REGISTRATION + LAST, deadline=deadline)
        for number, row in enumerate(rows, 1):
            digest = str(row["sk"]).removeprefix(REGISTRATION)
            try:
                self._table.check_time(deadline)
            except RepositoryUnavailableError:
                self._events.note(listing, digest)
                return told
            told += self._told(listing, row, digest, now, deadline)
            # Others see how far this has come, and it sees whether the event was changed and has other news.
            if number % _SAVED_EVERY == 0 and not self._events.note(listing, digest, deadline):
                return told
        self._events.note(listing, None, deadline)
        return told

    def _told(self, listing: Listing, row: dict[str, Any], digest: str, now: datetime, deadline: float | None) -> bool:
        try:
            if listing.news_for(registration_from_row(row)) is None:
                return False
            return self._table.repeatedly(lambda: self._owe(listing, digest, now, deadline), deadline)
        except UnreadableRowError:  # whoever it was can't be told
            return False

    def _owe(self, listing: Listing, digest: str, now: datetime, deadline: float | None) -> bool:
        row = self._table.get(listing.event.event_id, REGISTRATION + digest, deadline)
        registration = registration_from_row(row) if row else None
        kind = listing.news_for(registration) if registration else None
        if registration is None or kind is None:
            return False
        self._table.write(ledger.save(registration.told(kind, listing.news, now), digest, registration), deadline)
        return True
