"""Registrations in one SQLite file, safe against concurrent writers and a killed process."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from event_registration.local.database import Database
from event_registration.rules import attendee_digest
from event_registration.wire import MAIL_COLUMNS, columns_of, registration_from_row, row_of_mail

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from event_registration.mail import Mail
    from event_registration.model import Registration
    from event_registration.rules import Identity

__all__ = ["MAIL_AS_READ", "SQLiteRepository", "insert_if", "mail_as_read", "registration_of", "set_columns"]

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
    "seat",
    "place",
    "answers",
    "locale",
    "link_generation",
    "told_of",
    *MAIL_COLUMNS,
)
_in_order = itemgetter(*_COLUMNS)
_NAMES = ", ".join(_COLUMNS)
_MARKS = ", ".join("?" for _ in _COLUMNS)
_ROW = f"({_NAMES}) VALUES ({_MARKS})"
_INSERT = f"INSERT INTO registration {_ROW} ON CONFLICT (eventid, digest) DO NOTHING"
_PUT = (
    f"INSERT INTO registration {_ROW} "
    f"ON CONFLICT (eventid, digest) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in _COLUMNS)}"
)
_SELECT = "SELECT * FROM registration WHERE eventid = ? AND digest = ?"
_PAGE = "SELECT * FROM registration WHERE eventid = ? AND digest > ? ORDER BY digest LIMIT ?"
_PAGE_ROWS = 1000
MAIL_AS_READ = "mail = ? AND attempts = ? AND debt IS ?"
"""The condition that a row's mail is still what `mail_as_read` has of it."""

_UPDATE = (
    f"UPDATE registration SET {', '.join(f'{column} = ?' for column in _COLUMNS)} "  # noqa: S608 - constants
    f"WHERE eventid = ? AND digest = ? AND revision = ? AND {MAIL_AS_READ}"
)


def insert_if(condition: str) -> str:
    """Return the statement that stores a row if *condition* holds, unless its person is registered already."""
    return (
        f"INSERT INTO registration ({_NAMES}) SELECT {_MARKS} WHERE {condition} "
        "ON CONFLICT (eventid, digest) DO NOTHING"
    )


class SQLiteRepository:
    """
    A `RegistrationRepository` in an SQLite database.

    Writes are durable when they return. Many threads may use it, and other processes the same file.

    Args:
        path: The database file, made if it isn't there; ``":memory:"`` keeps everything in this process.
        identity: Maps an address in normal form to the person's key.
        patience: How many seconds to wait at most for others who are writing.

    Raises:
        RepositoryError: The file can't be opened, or another program or a newer version made it.
    """

    def __init__(self, path: str | Path, *, identity: Identity = attendee_digest, patience: float = 10.0) -> None:
        self.database = Database(path, patience=patience)
        self.identity = identity

    def add(self, registration: Registration, *, deadline: float | None = None) -> Registration:
        """Store *registration* unless its person is registered for its event already."""
        if self._inserted(_INSERT, self._row(registration), deadline):
            return registration
        with self.database.transaction(deadline) as connection:
            return self._add(connection, registration)

    def replace(self, old: Registration, new: Registration, *, deadline: float | None = None) -> bool:
        """Put *new* in the place of *old* if revision and mail are as read."""
        key = (new.event_id, self.identity(new.attendee_email))
        values = (*self._row(new), *key, old.revision, *mail_as_read(old.mail))
        with self.database.held(deadline) as connection:
            return connection.execute(_UPDATE, values).rowcount == 1

    def find(self, event_id: str, attendee_email: str, *, deadline: float | None = None) -> Registration | None:
        """Return the person's registration, or ``None``."""
        with self.database.held(deadline) as connection:
            return self._find(connection, event_id, attendee_email)

    def list(self, event_id: str) -> Iterator[Registration]:
        """
        Return all registrations of an event, ordered by digest and read a page at a time.

        A row keeps its primary key for good, whatever is written between two pages and even through a VACUUM, which
        row ids promise not to survive: whoever is registered at the beginning is returned, and nobody twice. Other
        threads wait for one page at most.
        """
        return map(registration_of, self._rows(event_id))

    def _rows(self, event_id: str) -> Iterator[sqlite3.Row]:
        last = ""
        while True:
            with self.database.held() as connection:
                page = connection.execute(_PAGE, (event_id, last, _PAGE_ROWS)).fetchall()
            yield from page
            if len(page) < _PAGE_ROWS:
                return
            last = page[-1]["digest"]

    def close(self) -> None:
        """Close the database; the repository can't be used any more."""
        self.database.close()

    def _inserted(self, statement: str, values: tuple[str | int | None, ...], deadline: float | None) -> bool:
        """
        Tell whether *statement* stored a newcomer, as it mostly does.

        It is one transaction by itself, and SQLite works and syncs through it while other threads have the interpreter.
        """
        with self.database.held(deadline) as connection:
            return connection.execute(statement, values).rowcount == 1

    def _add(self, connection: sqlite3.Connection, registration: Registration) -> Registration:
        if connection.execute(_INSERT, self._row(registration)).rowcount:
            return registration
        key = (registration.event_id, self.identity(registration.attendee_email))
        return registration_of(connection.execute(_SELECT, key).fetchone())

    def _row(self, registration: Registration) -> tuple[str | int | None, ...]:
        columns = columns_of(registration) | {"digest": self.identity(registration.attendee_email)}
        row: tuple[str | int | None, ...] = _in_order(columns)
        return row

    def _put(self, connection: sqlite3.Connection, registration: Registration) -> None:
        """Store *registration*, whatever was stored of its person and event; the caller has looked at that."""
        connection.execute(_PUT, self._row(registration))

    def _find(self, connection: sqlite3.Connection, event_id: str, attendee_email: str) -> Registration | None:
        return self._find_by_digest(connection, event_id, self.identity(attendee_email))

    @staticmethod
    def _find_by_digest(connection: sqlite3.Connection, event_id: str, digest: str) -> Registration | None:
        row = connection.execute(_SELECT, (event_id, digest)).fetchone()
        return registration_of(row) if row else None


def mail_as_read(mail: Mail) -> tuple[str | int | None, ...]:
    """Return the values of `MAIL_AS_READ`."""
    row = row_of_mail(mail)
    return row["mail"], row["attempts"], row.get("debt")


def registration_of(row: sqlite3.Row) -> Registration:
    """Return the registration that *row* keeps."""
    return registration_from_row(set_columns(row))


def set_columns(row: sqlite3.Row) -> dict[str, str | int]:
    """Return the columns of *row* that aren't ``NULL``."""
    return {name: row[name] for name in row.keys() if row[name] is not None}  # noqa: SIM118 - a Row iterates over values
