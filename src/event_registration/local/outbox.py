"""The SQLite file as an outbox: what registrations owe by an index, and how many mails an address got."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from event_registration.allowance import Allowance
from event_registration.local.sqlite import MAIL_AS_READ, mail_as_read, registration_of
from event_registration.mail import UNREADABLE
from event_registration.outbox import Debtor
from event_registration.wire import MAIL_COLUMNS, instant_text, row_of_mail

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from datetime import datetime

    from event_registration.local.sqlite import SQLiteRepository
    from event_registration.mail import Mail, MailState
    from event_registration.model import Registration

__all__ = ["SQLiteOutbox"]

_PENDING = "mail IN ('due', 'claimed', 'retry')"
# A page at a time: a sweep may end early, and each of its mails takes the lock again.
_DUE = (
    "SELECT eventid, digest, mail_at FROM registration "  # noqa: S608 - constants
    f"WHERE {_PENDING} AND mail_at <= :now AND (mail_at, eventid, digest) > (:mail_at, :eventid, :digest) "
    "ORDER BY mail_at, eventid, digest LIMIT 100"
)
_SELECT = "SELECT * FROM registration WHERE eventid = ? AND digest = ?"
_MARK = (
    f"UPDATE registration SET {', '.join(f'{column} = ?' for column in MAIL_COLUMNS)} "  # noqa: S608 - constants
    f"WHERE eventid = ? AND digest = ? AND {MAIL_AS_READ}"
)
_DISCARD = "UPDATE registration SET mail = 'failed', mail_reason = ?, mail_at = NULL WHERE eventid = ? AND digest = ?"
_RELEASE = "UPDATE registration SET mail_at = :now WHERE mail IN ('due', 'claimed') AND mail_at > :now"
_ADDRESS = "SELECT * FROM address WHERE digest = ?"
_PUT_ADDRESS = (
    "INSERT INTO address (digest, day, debts, blocked) VALUES (:digest, :day, :debts, :blocked) "
    "ON CONFLICT (digest) DO UPDATE SET day = :day, debts = :debts, blocked = :blocked"
)
_FORGET = "DELETE FROM address WHERE day < ? AND blocked IS NULL"


class SQLiteOutbox:
    """
    An `Outbox` in the database of registrations.

    Args:
        repository: The registrations, whose connection it shares.
    """

    def __init__(self, repository: SQLiteRepository) -> None:
        self._database = repository.database
        self._identity = repository.identity

    def due(self, now: datetime, *, deadline: float | None = None) -> Iterator[Debtor]:
        """Return whose mail may be claimed, the longest due first."""
        last = {"now": instant_text(now), "mail_at": "", "eventid": "", "digest": ""}
        while True:
            with self._database.held(deadline) as connection:
                page = connection.execute(_DUE, last).fetchall()
            if not page:
                return
            for row in page:
                yield Debtor(row["eventid"], row["digest"])
            last |= dict(page[-1])

    def release_claims(self, now: datetime) -> None:
        """
        Let all mails be due that somebody had claimed, who must be known to be dead.

        That goes for newer debts, too, which wait for the end of such a claim; what waits for another try waits on.
        """
        with self._database.held() as connection:
            connection.execute(_RELEASE, {"now": instant_text(now)})

    def digest_of(self, attendee_email: str) -> str:
        """Return the key of the person behind an address in normal form."""
        return self._identity(attendee_email)

    def find_by_digest(self, event_id: str, digest: str, *, deadline: float | None = None) -> Registration | None:
        """Return the registration of the person whose key is *digest*, or ``None``."""
        with self._database.held(deadline) as connection:
            row = connection.execute(_SELECT, (event_id, digest)).fetchone()
        return registration_of(row) if row else None

    def mark(self, registration: Registration, mail: Mail, *, deadline: float | None = None) -> bool:
        """Put *mail* in the place of that of *registration* if that is as read."""
        key = (registration.event_id, self._identity(registration.attendee_email))
        values = (*map(row_of_mail(mail).get, MAIL_COLUMNS), *key, *mail_as_read(registration.mail))
        with self._database.held(deadline) as connection:
            return connection.execute(_MARK, values).rowcount == 1

    def discard(self, debtor: Debtor, *, deadline: float | None = None) -> None:
        """Let a row that is no registration owe no mail any more."""
        with self._database.held(deadline) as connection:
            connection.execute(_DISCARD, (UNREADABLE, debtor.event_id, debtor.digest))

    def spend(self, digest: str, debt: str, now: datetime, *, limit: int, deadline: float | None = None) -> str | None:
        """Count a mail into its recipient's day, and forget the days before."""
        with self._database.transaction(deadline) as connection:
            row = connection.execute(_ADDRESS, (digest,)).fetchone()
            earlier = _allowance(row) if row else Allowance()
            if refused := earlier.refusal(debt, now, limit):
                return refused
            later = earlier.spent(debt, now)
            connection.execute(_PUT_ADDRESS, {"digest": digest} | _row(later))
            connection.execute(_FORGET, (later.day,))
        return None

    def block(self, digest: str, state: MailState, *, deadline: float | None = None) -> None:
        """Send nothing to an address any more."""
        with self._database.held(deadline) as connection:
            connection.execute(_PUT_ADDRESS, {"digest": digest} | _row(Allowance(blocked=state.value)))

    def unblock(self, digest: str, *, deadline: float | None = None) -> None:
        """Forget what is known of an address."""
        with self._database.held(deadline) as connection:
            connection.execute("DELETE FROM address WHERE digest = ?", (digest,))


def _allowance(row: sqlite3.Row) -> Allowance:
    return Allowance(day=row["day"], debts=frozenset(json.loads(row["debts"])), blocked=row["blocked"])


def _row(allowance: Allowance) -> dict[str, str | None]:
    return {"day": allowance.day, "debts": json.dumps(sorted(allowance.debts)), "blocked": allowance.blocked}
