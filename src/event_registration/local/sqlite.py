"""Registrations in one SQLite file, safe against concurrent writers and a killed process."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.local.layout import LAYOUT, bring_up_to_date
from event_registration.rules import attendee_digest
from event_registration.wire import registration_from_row, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from event_registration.model import Registration
    from event_registration.rules import Identity

__all__ = ["SQLiteRepository", "registration_of", "set_columns"]

_COLUMNS = (
    "eventid",
    "digest",
    "eventname",
    "cname",
    "cemail",
    "status",
    "registrationid",
    "registered_at",
    "revision",
    "mail",
    "attempts",
    "attempted_at",
    "seat",
    "place",
    "answers",
    "link_generation",
)
_VALUES = f"({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{column}' for column in _COLUMNS)})"
_INSERT = f"INSERT INTO registration {_VALUES} ON CONFLICT (eventid, digest) DO NOTHING"
_ASSIGNMENTS = ", ".join(f"{column} = :{column}" for column in _COLUMNS)
_PUT = f"INSERT INTO registration {_VALUES} ON CONFLICT (eventid, digest) DO UPDATE SET {_ASSIGNMENTS}"
_SELECT = "SELECT * FROM registration WHERE eventid = ? AND digest = ?"
_PAGE = "SELECT * FROM registration WHERE eventid = ? AND digest > ? ORDER BY digest LIMIT ?"
_PAGE_ROWS = 1000
_UPDATE = (
    f"UPDATE registration SET {_ASSIGNMENTS} "  # noqa: S608 - constants
    "WHERE eventid = :eventid AND digest = :digest AND revision = :old_revision AND attempts = :old_attempts"
)

_DAMAGED = "The file is no database, or is damaged; restore it from a copy"
_TROUBLES = {
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_READONLY: "The database can't be written: look at the permissions of its file and its folder",
    sqlite3.SQLITE_CANTOPEN: "The database can't be opened: look at its folder and the permissions there",
}
"""What SQLite's primary result codes mean to whoever can mend it."""


class SQLiteRepository:
    """
    A `RegistrationRepository` in an SQLite database.

    Writes are durable when they return: WAL with ``synchronous=FULL``. One connection serves all threads in turn;
    other processes may use the same file.

    Args:
        path: The database file, made if it isn't there; ``":memory:"`` keeps everything in this process.
        identity: Maps an address in normal form to the person's key.
        patience: How many seconds to wait at most for others who are writing.

    Raises:
        RepositoryError: The file can't be opened, or another program or a newer version made it.
    """

    def __init__(self, path: str | Path, *, identity: Identity = attendee_digest, patience: float = 10.0) -> None:
        self._identity = identity
        self._patience = patience
        self._lock = threading.Lock()
        with _translated_errors():
            self._connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except RepositoryError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with _translated_errors():
            self._write_ahead()
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
        with self._held() as connection:
            (layout,) = connection.execute("PRAGMA user_version").fetchone()
            if layout >= LAYOUT:
                bring_up_to_date(connection)  # which only looks then: nobody who writes need be waited for
                return
        with self._transaction() as connection:
            bring_up_to_date(connection)  # which looks again: somebody else may have done it by now

    def _write_ahead(self) -> None:
        # SQLite doesn't wait where waiting could deadlock: a writer in a file that isn't WAL yet fails this at once.
        give_up_at = time.monotonic() + self._patience
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not _is_lock(error) or time.monotonic() >= give_up_at:
                    raise
                time.sleep(0.005)
            else:
                return

    def add(self, registration: Registration, *, deadline: float | None = None) -> Registration:
        """Store *registration* unless its person is registered for its event already."""
        with self._transaction(deadline) as connection:
            return self._add(connection, registration)

    def replace(self, old: Registration, new: Registration, *, deadline: float | None = None) -> bool:
        """Put *new* in the place of *old* if revision and mail attempts are as read."""
        row = self._row(new) | {"old_revision": old.revision, "old_attempts": old.mail.attempts}
        with self._transaction(deadline) as connection:
            return connection.execute(_UPDATE, row).rowcount == 1

    def find(self, event_id: str, attendee_email: str, *, deadline: float | None = None) -> Registration | None:
        """Return the person's registration, or ``None``."""
        with self._held(deadline) as connection:
            return self._find(connection, event_id, attendee_email)

    def list(self, event_id: str) -> Iterator[Registration]:
        """
        Return all registrations of an event, ordered by digest and read a page at a time.

        A row keeps its primary key for good, whatever is written between two pages and even through a VACUUM, which
        row ids promise not to survive: whoever is registered at the beginning is returned, and nobody twice. Other
        threads wait for one page at most.
        """
        last = ""
        while True:
            with self._held() as connection:
                page = connection.execute(_PAGE, (event_id, last, _PAGE_ROWS)).fetchall()
            yield from map(registration_of, page)
            if len(page) < _PAGE_ROWS:
                return
            last = page[-1]["digest"]

    def close(self) -> None:
        """Close the database; the repository can't be used any more."""
        with self._lock:
            self._connection.close()

    def _add(self, connection: sqlite3.Connection, registration: Registration) -> Registration:
        row = self._row(registration)
        if connection.execute(_INSERT, row).rowcount:
            return registration
        return registration_of(connection.execute(_SELECT, (row["eventid"], row["digest"])).fetchone())

    def _row(self, registration: Registration) -> dict[str, str | int | None]:
        unset = dict.fromkeys(_COLUMNS)
        return unset | row_of(registration) | {"digest": self._identity(registration.attendee_email)}

    def _put(self, connection: sqlite3.Connection, registration: Registration) -> None:
        """Store *registration*, whatever was stored of its person and event; the caller has looked at that."""
        connection.execute(_PUT, self._row(registration))

    def _find(self, connection: sqlite3.Connection, event_id: str, attendee_email: str) -> Registration | None:
        return self._find_by_digest(connection, event_id, self._identity(attendee_email))

    @staticmethod
    def _find_by_digest(connection: sqlite3.Connection, event_id: str, digest: str) -> Registration | None:
        row = connection.execute(_SELECT, (event_id, digest)).fetchone()
        return registration_of(row) if row else None

    @contextmanager
    def _transaction(self, deadline: float | None = None) -> Iterator[sqlite3.Connection]:
        """Hold the write lock from the start, so that what is read inside is still true when it is written."""
        with self._held(deadline) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def _held(self, deadline: float | None = None) -> Iterator[sqlite3.Connection]:
        """Have the connection alone, once its other users are done; translate what SQLite raises."""
        give_up_at = time.monotonic() + self._patience
        if deadline is not None:
            give_up_at = min(give_up_at, deadline)
        if not self._lock.acquire(timeout=_until(give_up_at)):
            raise RepositoryUnavailableError("The database is busy.")
        try:
            with _translated_errors():
                self._connection.execute(f"PRAGMA busy_timeout = {1000 * _until(give_up_at):.0f}")
                yield self._connection
        finally:
            self._lock.release()


def _until(instant: float) -> float:
    return max(0.0, instant - time.monotonic())


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if _is_lock(error):
            raise RepositoryUnavailableError("The database is locked by another process.") from error
        # SQLite's own text may hold what was to be stored, or where. What Python itself finds wrong has no code.
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        raise RepositoryError(f"{_TROUBLES.get(_kind(error), 'SQLite failed')} ({name}).") from error


def _is_lock(error: sqlite3.Error) -> bool:
    return _kind(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _kind(error: sqlite3.Error) -> int:
    """Return the primary result code ("Result and Error Codes", SQLite)."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def registration_of(row: sqlite3.Row) -> Registration:
    """Return the registration that *row* keeps."""
    return registration_from_row(set_columns(row))


def set_columns(row: sqlite3.Row) -> dict[str, str | int]:
    """Return the columns of *row* that aren't ``NULL``."""
    return {name: row[name] for name in row.keys() if row[name] is not None}  # noqa: SIM118 - a Row iterates over values
