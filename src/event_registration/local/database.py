"""One SQLite file, its connection and its lock: safe against concurrent writers and a killed process."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING

from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.local.layout import LAYOUT, bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Database"]

_DAMAGED = "The file is no database, or is damaged; restore it from a copy"
_TROUBLES = {
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_READONLY: "The database can't be written: look at the permissions of its file and its folder",
    sqlite3.SQLITE_CANTOPEN: "The database can't be opened: look at its folder and the permissions there",
}
"""What SQLite's primary result codes mean to whoever can mend it."""


class Database:
    """
    An SQLite database with this package's tables.

    Writes are durable when they return: WAL with ``synchronous=FULL``. One connection serves all threads in turn;
    other processes may use the same file.

    Args:
        path: The database file, made if it isn't there; ``":memory:"`` keeps everything in this process.
        patience: How many seconds to wait at most for others who are writing.

    Raises:
        RepositoryError: The file can't be opened, or another program or a newer version made it.
    """

    def __init__(self, path: str | Path, *, patience: float = 10.0) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._milliseconds = -1  # that SQLite waits at most; not known yet
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise _translated(error) from error
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except RepositoryError:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self.held() as connection:
            self._write_ahead()
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            (layout,) = connection.execute("PRAGMA user_version").fetchone()
            if layout >= LAYOUT:
                bring_up_to_date(connection)  # which only looks then: nobody who writes need be waited for
                return
        with self.transaction() as connection:
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

    def close(self) -> None:
        """Close the database, which can't be used any more."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self, deadline: float | None = None) -> Iterator[sqlite3.Connection]:
        """Hold the write lock from the start, so that what is read inside is still true when it is written."""
        with self.held(deadline) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def _wait_for_others(self, seconds: float) -> None:
        """Have SQLite wait so long at most for who writes the file; mostly that is what it does already."""
        # Rounded up to a tenth where there is time, so that deadlines seldom differ.
        milliseconds = 100 * ceil(10 * seconds) if seconds > 1 else ceil(1000 * seconds)
        if milliseconds != self._milliseconds:
            self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
            self._milliseconds = milliseconds

    @contextmanager
    def held(self, deadline: float | None = None) -> Iterator[sqlite3.Connection]:
        """
        Have the connection alone, once its other users are done; translate what SQLite raises.

        One statement that writes needs no `transaction`: it is one by itself, durable when it returns.
        """
        give_up_at = time.monotonic() + self._patience
        if deadline is not None:
            give_up_at = min(give_up_at, deadline)
        if not self._lock.acquire(timeout=_until(give_up_at)):
            raise RepositoryUnavailableError("The database is busy.")
        try:
            self._wait_for_others(_until(give_up_at))
            yield self._connection
        except sqlite3.Error as error:
            raise _translated(error) from error
        finally:
            self._lock.release()


def _until(instant: float) -> float:
    return max(0.0, instant - time.monotonic())


def _translated(error: sqlite3.Error) -> RepositoryError:
    if _is_lock(error):
        return RepositoryUnavailableError("The database is locked by another process.")
    # SQLite's own text may hold what was to be stored, or where. What Python itself finds wrong has no code.
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return RepositoryError(f"{_TROUBLES.get(_kind(error), 'SQLite failed')} ({name}).")


def _is_lock(error: sqlite3.Error) -> bool:
    return _kind(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _kind(error: sqlite3.Error) -> int:
    """Return the primary result code ("Result and Error Codes", SQLite)."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
