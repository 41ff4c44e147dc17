"""Events in the SQLite file, and for each that is limited who holds a seat and who waits for one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from attrs import evolve

from event_registration.errors import (
    EventChangeError,
    EventExistsError,
    RepositoryError,
    RepositoryUnavailableError,
    UnreadableRowError,
)
from event_registration.listing import EventState, Listing, refusal
from event_registration.local.sqlite import SQLiteRepository, insert_if, registration_of, set_columns
from event_registration.model import Status
from event_registration.wire_events import listing_from_row, row_of_listing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from datetime import datetime

    from event_registration.event import Event
    from event_registration.model import Registration

__all__ = ["SQLiteEventRepository"]

_COLUMNS = (
    "eventid",
    "eventname",
    "starts_at",
    "ends_at",
    "time_zone",
    "venue",
    "capacity",
    "opens_at",
    "closes_at",
    "waitlist",
    "questions",
    "templates",
    "contact",
    "revision",
    "cancelled",
    "news",
    "telling",
    "changed_at",
)
_VALUES = f"({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{column}' for column in _COLUMNS)})"
_INSERT = f"INSERT INTO event {_VALUES}"
_UPDATE = f"UPDATE event SET {', '.join(f'{column} = :{column}' for column in _COLUMNS)} WHERE eventid = :eventid"  # noqa: S608 - constants
_WAITS = "status = 'waitlisted' AND place IS NOT NULL"
_QUEUE = f"SELECT * FROM registration WHERE eventid = ? AND {_WAITS} ORDER BY place LIMIT ?"  # noqa: S608 - constants
_POSITION = f"SELECT count(*) FROM registration WHERE eventid = ? AND {_WAITS} AND place <= ?"  # noqa: S608 - constants
_SELECT = "SELECT * FROM event"
_ROOM = (
    "SELECT capacity, held, waitlist, EXISTS (SELECT 1 FROM registration "  # noqa: S608 - constants
    f"WHERE registration.eventid = event.eventid AND {_WAITS}) AS has_queue FROM event WHERE eventid = ?"
)
_ADD = insert_if("NOT EXISTS (SELECT 1 FROM event WHERE eventid = ? AND capacity IS NOT NULL)")
_ADMIT = insert_if("EXISTS (SELECT 1 FROM event WHERE eventid = ? AND capacity IS NULL)")
# A page is a transaction, and whoever registers waits for it.
_UNTOLD = "SELECT * FROM registration WHERE eventid = ? AND digest > ? ORDER BY digest LIMIT 500"
_TAKE_NEW_SEAT = (
    "UPDATE event SET held = held + 1, highest_seat = highest_seat + 1 "
    "WHERE eventid = ? AND highest_seat < capacity RETURNING highest_seat"
)
_TAKE_FREED_SEAT = (
    "DELETE FROM freed_seat WHERE eventid = :eventid "
    "AND seat = (SELECT min(seat) FROM freed_seat WHERE eventid = :eventid) RETURNING seat"
)


class SQLiteEventRepository(SQLiteRepository):
    """
    An `EventRepository` in an SQLite database.

    Each call is one transaction that reads the event afresh: a call that is killed leaves nothing half done, and what
    a caller believes of the capacity doesn't matter. What a call costs doesn't grow with the number of registrations.

    Args:
        path: The database file, made if it isn't there; ``":memory:"`` keeps everything in this process.
        identity: Maps an address in normal form to the person's key.
        patience: How many seconds to wait at most for others who are writing.

    Raises:
        RepositoryError: The file can't be opened, or another program or a newer version made it.
    """

    def create_event(self, event: Event) -> None:
        """Store a new event."""
        with self.database.transaction() as connection:
            if _event(connection, event.event_id):
                raise EventExistsError("There is an event of this id already.")
            if event.capacity is not None and _has_registrations(connection, event.event_id):
                raise EventChangeError("People have registered under this id already; the event can't be limited.")
            connection.execute(_INSERT, _row(Listing(event=event)))

    def find_event(self, event_id: str, *, deadline: float | None = None) -> Listing | None:
        """Return the event, or ``None``."""
        with self.database.held(deadline) as connection:
            row = _event(connection, event_id)
        return _listing(row) if row else None

    def list_events(self) -> Iterator[Listing]:
        """Return all events, the earliest first."""
        with self.database.held() as connection:
            rows = connection.execute(f"{_SELECT} ORDER BY starts_at, eventid").fetchall()
        return map(_listing, rows)

    def change_event(self, old: Listing, new: Listing, now: datetime) -> Listing:
        """Store *new* in the place of *old*; the seats follow, because each admission looks at the capacity."""
        changed = evolve(new, revision=old.revision + 1, resizing_to=None, changed_at=now)
        with self.database.transaction() as connection:
            row = _event(connection, new.event.event_id)
            if row is None or row["revision"] != old.revision:
                raise EventChangeError("The event was changed in between.")
            turns = (row["capacity"] is None) != (new.event.capacity is None)
            if turns and _has_registrations(connection, new.event.event_id):
                raise EventChangeError("People have registered already; a limit can be changed, not added or removed.")
            connection.execute(_UPDATE, _row(changed))
        return changed

    def add(self, registration: Registration, *, deadline: float | None = None) -> Registration:
        """
        Store *registration* as it comes, unless its event has a limit: who sells it without looking would oversell it.

        Raises:
            RepositoryUnavailableError: The event has a limit. A server that has just learnt of it admits the next try.
        """
        if self._inserted(_ADD, (*self._row(registration), registration.event_id), deadline):
            return registration
        with self.database.transaction(deadline) as connection:
            event = _event(connection, registration.event_id)
            if event is not None and event["capacity"] is not None:
                raise RepositoryUnavailableError("The event has a limit: it must be served with managed events.")
            return self._add(connection, registration)

    def admit(self, registration: Registration, listing: Listing, *, deadline: float | None = None) -> Registration:
        """Store *registration* with a seat or a place in the queue, unless its person is registered already."""
        event_id = listing.event.event_id
        if listing.event.capacity is None:
            admitted = registration.admitted(Status.CONFIRMED)
            if self._inserted(_ADMIT, (*self._row(admitted), event_id), deadline):
                return admitted
        with self.database.transaction(deadline) as connection:
            event = _room(connection, event_id)
            earlier = self._find(connection, event_id, registration.attendee_email)
            if earlier and earlier.status is not Status.CANCELLED:
                return earlier
            status = _prospect(event)
            if status is None:
                raise refusal(EventState.FULL)
            has_seat = status is Status.CONFIRMED and event["capacity"] is not None
            new = registration.after(earlier) if earlier else registration
            admitted = new.admitted(
                status,
                seat=_take_seat(connection, event_id) if has_seat else None,
                place=_take_place(connection, event_id) if status is Status.WAITLISTED else None,
            )
            self._put(connection, admitted)
        return admitted

    def prospect(self, listing: Listing, *, deadline: float | None = None) -> Status | None:
        """Return what a newcomer would come to be: confirmed, waiting, or ``None`` if there is no room."""
        with self.database.held(deadline) as connection:
            return _prospect(_room(connection, listing.event.event_id))

    def cancel(self, registration: Registration, now: datetime, *, deadline: float | None = None) -> bool:
        """Cancel *registration* if it is as it was read, and free its seat or place."""
        with self.database.transaction(deadline) as connection:
            stored = self._find(connection, registration.event_id, registration.attendee_email)
            if stored is None or stored.registration_id != registration.registration_id:
                return False
            if stored.status is Status.CANCELLED:
                return True
            if stored.revision != registration.revision:
                return False
            self._put(connection, stored.cancelled(now))
            if stored.seat is not None:
                _free_seat(connection, stored.event_id, stored.seat)
        return True

    def settle(self, event_id: str, now: datetime, *, deadline: float | None = None) -> int:
        """Give the free seats to who waits, in their order, all or none."""
        with self.database.transaction(deadline) as connection:
            event = _event(connection, event_id)
            if event is None or event["capacity"] is None or not _listing(event).promotes_at(now):
                return 0
            free = max(0, event["capacity"] - event["held"])
            queue = connection.execute(_QUEUE, (event_id, free)).fetchall()
            for waiting in map(registration_of, queue):
                self._put(connection, waiting.promoted(_take_seat(connection, event_id), now))
        return len(queue)

    def digest_of(self, attendee_email: str) -> str:
        """Return the key of the person behind an address in normal form."""
        return self.identity(attendee_email)

    def find_by_digest(self, event_id: str, digest: str, *, deadline: float | None = None) -> Registration | None:
        """Return the registration of the person whose key is *digest*, or ``None``."""
        with self.database.held(deadline) as connection:
            return self._find_by_digest(connection, event_id, digest)

    def position(self, registration: Registration, *, deadline: float | None = None) -> int:
        """Return the person's number among who waits: 1 is next."""
        with self.database.held(deadline) as connection:
            (position,) = connection.execute(_POSITION, (registration.event_id, registration.place)).fetchone()
        return int(position)

    def tell(self, event_id: str, now: datetime, *, deadline: float | None = None) -> int:
        """Let the registrations of an event owe its news, some hundred in a transaction."""
        told = 0
        while deadline is None or time.monotonic() < deadline:
            with self.database.transaction(deadline) as connection:
                event = _event(connection, event_id)
                if event is None or not (listing := _listing(event)).tells_at(now):
                    return told
                rows = connection.execute(_UNTOLD, (event_id, listing.telling)).fetchall()
                told += sum(self._told(connection, listing, row, now) for row in rows)
                telling = rows[-1]["digest"] if rows else None
                connection.execute("UPDATE event SET telling = ? WHERE eventid = ?", (telling, event_id))
        return told

    def _told(self, connection: sqlite3.Connection, listing: Listing, row: sqlite3.Row, now: datetime) -> bool:
        try:
            registration = registration_of(row)
        except UnreadableRowError:  # whoever it was can't be told
            return False
        kind = listing.news_for(registration)
        if kind is not None:
            self._put(connection, registration.told(kind, listing.news, now))
        return kind is not None


def _row(listing: Listing) -> dict[str, str | int | None]:
    return dict.fromkeys(_COLUMNS) | row_of_listing(listing)


def _listing(row: sqlite3.Row) -> Listing:
    return listing_from_row(set_columns(row) | {"waitlist": bool(row["waitlist"])})


def _event(connection: sqlite3.Connection, event_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = connection.execute(f"{_SELECT} WHERE eventid = ?", (event_id,)).fetchone()
    return row


def _room(connection: sqlite3.Connection, event_id: str) -> sqlite3.Row:
    """Return what decides on who comes: the event's limit, and whether anybody waits."""
    room: sqlite3.Row | None = connection.execute(_ROOM, (event_id,)).fetchone()
    if room is None:
        raise RepositoryError("There is no such event.")
    return room


def _has_registrations(connection: sqlite3.Connection, event_id: str) -> bool:
    return bool(connection.execute("SELECT 1 FROM registration WHERE eventid = ? LIMIT 1", (event_id,)).fetchone())


def _prospect(event: sqlite3.Row) -> Status | None:
    """Return what a newcomer comes to be: a seat that is free while somebody waits is not for whoever comes later."""
    if event["capacity"] is None or (event["held"] < event["capacity"] and not event["has_queue"]):
        return Status.CONFIRMED
    return Status.WAITLISTED if event["waitlist"] else None


def _take_seat(connection: sqlite3.Connection, event_id: str) -> int:
    """
    Return the lowest seat that nobody ever had, or else the lowest that was freed; the event has one.

    Below the capacity there is one even if some hold seats above it, since a lower capacity takes nobody's seat:
    fewer seats are held than there are numbers.
    """
    for (seat,) in connection.execute(_TAKE_NEW_SEAT, (event_id,)).fetchall():
        return int(seat)
    connection.execute("UPDATE event SET held = held + 1 WHERE eventid = ?", (event_id,))
    ((seat,),) = connection.execute(_TAKE_FREED_SEAT, {"eventid": event_id}).fetchall()
    return int(seat)


def _free_seat(connection: sqlite3.Connection, event_id: str, seat: int) -> None:
    connection.execute("UPDATE event SET held = held - 1 WHERE eventid = ?", (event_id,))
    connection.execute("INSERT INTO freed_seat (eventid, seat) VALUES (?, ?)", (event_id, seat))


def _take_place(connection: sqlite3.Connection, event_id: str) -> int:
    """Return the next place in the queue; none is given twice, so that whoever comes back is the last."""
    ((place,),) = connection.execute(
        "UPDATE event SET last_place = last_place + 1 WHERE eventid = ? RETURNING last_place", (event_id,)
    ).fetchall()
    return int(place)
