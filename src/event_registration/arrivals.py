"""Lines about registrations in the order in which people came: sorted on disk, however many there are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from event_registration.errors import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from event_registration.model import Registration

__all__ = ["lines_in_order"]

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def lines_in_order(registrations: Iterable[Registration], line: Callable[[Registration], str]) -> Iterator[str]:
    """
    Return a line for each of *registrations*, the earliest first.

    Nothing is returned before all have been read. Until then the lines are in a database without a name
    ("Temporary Databases", SQLite): one that only this process can open, that needs memory for a few pages, and that
    is gone with the process, however it ends.

    Args:
        registrations: In any order. Of those that came at one instant the queue's order counts, then theirs here.
        line: Makes the text about one of them.

    Raises:
        RepositoryError: The folder for temporary files has no room for them.
    """
    try:
        with closing(sqlite3.connect("")) as lines:
            lines.execute("PRAGMA journal_mode = OFF")  # what is thrown away needn't be repaired
            lines.execute("CREATE TABLE line (instant TEXT, place INTEGER, text TEXT)")
            lines.executemany("INSERT INTO line VALUES (?, ?, ?)", (_row(each, line) for each in registrations))
            for (text,) in lines.execute("SELECT text FROM line ORDER BY instant, place, rowid"):
                yield text
    except sqlite3.Error as error:
        raise RepositoryError(
            f"The folder for temporary files has no room to sort the registrations ({error.sqlite_errorname}). "
            "Name another one in TMPDIR."
        ) from error


def _row(registration: Registration, line: Callable[[Registration], str]) -> tuple[str, int, str]:
    came = (registration.registered_at or _BEFORE_ALL).astimezone(UTC)
    return came.isoformat(timespec="microseconds"), registration.place or 0, line(registration)
