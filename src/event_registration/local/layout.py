"""The tables of the SQLite file: made, brought up to date, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from event_registration.errors import RepositoryError

if TYPE_CHECKING:
    import sqlite3

__all__ = ["LAYOUT", "bring_up_to_date"]

_APPLICATION = int.from_bytes(b"EvRg")  # marks the file as ours ("PRAGMA application_id", SQLite)

# What each layout adds to the one before it. Files of every released layout exist: a step is never edited.
_STEPS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE registration (
            eventid TEXT NOT NULL,
            digest TEXT NOT NULL,
            eventname TEXT NOT NULL,
            cname TEXT NOT NULL,
            cemail TEXT NOT NULL,
            status TEXT NOT NULL,
            registrationid TEXT NOT NULL UNIQUE,
            registered_at TEXT,
            revision INTEGER NOT NULL,
            mail TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            attempted_at TEXT,
            PRIMARY KEY (eventid, digest)
        ) STRICT
        """,
    ),
    (
        "ALTER TABLE registration ADD COLUMN seat INTEGER",
        "ALTER TABLE registration ADD COLUMN place INTEGER",
        # Nobody sits on another's seat, and nobody waits at another's place.
        "CREATE UNIQUE INDEX seat ON registration (eventid, seat) WHERE seat IS NOT NULL",
        """
        CREATE UNIQUE INDEX queue ON registration (eventid, place)
        WHERE status = 'waitlisted' AND place IS NOT NULL
        """,
        """
        CREATE INDEX promoted ON registration (eventid, place)
        WHERE status = 'confirmed' AND place IS NOT NULL AND mail = 'due'
        """,
        # The last three are facts about the registrations, which no admission then has to count: how many seats are
        # held, the highest that ever was, and the place that was given last.
        """
        CREATE TABLE event (
            eventid TEXT PRIMARY KEY,
            eventname TEXT NOT NULL,
            starts_at TEXT NOT NULL,
            ends_at TEXT NOT NULL,
            time_zone TEXT NOT NULL,
            venue TEXT,
            capacity INTEGER,
            opens_at TEXT,
            closes_at TEXT,
            waitlist INTEGER NOT NULL,
            questions TEXT,
            contact TEXT,
            revision INTEGER NOT NULL,
            cancelled INTEGER NOT NULL,
            held INTEGER NOT NULL DEFAULT 0,
            highest_seat INTEGER NOT NULL DEFAULT 0,
            last_place INTEGER NOT NULL DEFAULT 0
        ) STRICT
        """,
        # Seats up to the highest that nobody holds any more.
        """
        CREATE TABLE freed_seat (
            eventid TEXT NOT NULL REFERENCES event,
            seat INTEGER NOT NULL,
            PRIMARY KEY (eventid, seat)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE registration ADD COLUMN answers TEXT",
        "ALTER TABLE registration ADD COLUMN link_generation INTEGER",
    ),
    (
        "ALTER TABLE registration ADD COLUMN told_of INTEGER",
        "ALTER TABLE registration ADD COLUMN mail_kind TEXT",
        "ALTER TABLE registration ADD COLUMN debt INTEGER",
        "ALTER TABLE registration ADD COLUMN mail_at TEXT",
        "ALTER TABLE registration ADD COLUMN mail_reason TEXT",
        "ALTER TABLE registration ADD COLUMN repeated_at TEXT",
        # What a killed server had left is due at once.
        """
        UPDATE registration SET mail_at = coalesce(attempted_at, registered_at, '1970-01-01T00:00:00.000000Z')
        WHERE mail = 'due'
        """,
        "DROP INDEX promoted",
        "CREATE INDEX outbox ON registration (mail_at, eventid, digest) WHERE mail IN ('due', 'claimed', 'retry')",
        "ALTER TABLE event ADD COLUMN news INTEGER",
        "ALTER TABLE event ADD COLUMN telling TEXT",
        "ALTER TABLE event ADD COLUMN changed_at TEXT",
        """
        CREATE TABLE address (
            digest TEXT PRIMARY KEY,
            day TEXT NOT NULL,
            debts TEXT NOT NULL,
            blocked TEXT
        ) STRICT, WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE registration ADD COLUMN locale TEXT",
        "ALTER TABLE event ADD COLUMN templates TEXT",
    ),
    (
        # Nothing relies on ids that differ: event and digest tell people apart. An index that sees to it is a page
        # more, anywhere in the file, that each registration writes: a sixth of SQLite's time. It can be dropped only
        # with the table.
        """
        CREATE TABLE new_registration (
            eventid TEXT NOT NULL,
            digest TEXT NOT NULL,
            eventname TEXT NOT NULL,
            cname TEXT NOT NULL,
            cemail TEXT NOT NULL,
            status TEXT NOT NULL,
            registrationid TEXT NOT NULL,
            registered_at TEXT,
            revision INTEGER NOT NULL,
            mail TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            attempted_at TEXT,
            seat INTEGER,
            place INTEGER,
            answers TEXT,
            link_generation INTEGER,
            told_of INTEGER,
            mail_kind TEXT,
            debt INTEGER,
            mail_at TEXT,
            mail_reason TEXT,
            repeated_at TEXT,
            locale TEXT,
            PRIMARY KEY (eventid, digest)
        ) STRICT
        """,
        "INSERT INTO new_registration SELECT * FROM registration",
        "DROP TABLE registration",
        "ALTER TABLE new_registration RENAME TO registration",
        "CREATE UNIQUE INDEX seat ON registration (eventid, seat) WHERE seat IS NOT NULL",
        """
        CREATE UNIQUE INDEX queue ON registration (eventid, place)
        WHERE status = 'waitlisted' AND place IS NOT NULL
        """,
        "CREATE INDEX outbox ON registration (mail_at, eventid, digest) WHERE mail IN ('due', 'claimed', 'retry')",
    ),
    (
        # Only a mail that is still to go out has a `mail_at`. A list of states costs more: for each registration SQLite
        # makes a temporary tree of it, a quarter of what the whole statement takes.
        "DROP INDEX outbox",
        "CREATE INDEX outbox ON registration (mail_at, eventid, digest) WHERE mail_at IS NOT NULL",
    ),
)

LAYOUT = len(_STEPS)
"""The layout that this version reads and writes."""


def bring_up_to_date(connection: sqlite3.Connection) -> None:
    """
    Make the tables in an empty database, or add what an older version's lack, for which the write lock must be held.

    Raises:
        RepositoryError: Another program or a newer version made the database. Nothing was changed.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    is_new = (application, layout, tables) == (0, 0, 0)
    if not is_new and application != _APPLICATION:
        raise RepositoryError("The database was made by another program.")
    if layout > LAYOUT:
        raise RepositoryError(
            f"The database has layout {layout}, this version reads layouts up to {LAYOUT}. "
            "Use the version of event-registration that made it, or newer."
        )
    if layout == LAYOUT:
        return
    for step in _STEPS[layout:]:
        for statement in step:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {LAYOUT}")
