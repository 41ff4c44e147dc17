"""The outbox in SQLite: claims of the dead, what is forgotten, and other processes."""

import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest

from event_registration.errors import RepositoryUnavailableError, UnreadableRowError
from event_registration.local import SQLiteOutbox, SQLiteRepository
from event_registration.mail import Mail, MailKind, MailState
from event_registration.outbox import Debtor
from event_registration.rules import attendee_digest
from event_registration.testing import make_registration

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ADA = attendee_digest("ada@example.org")


@pytest.fixture
def repository(tmp_path):
    """Return an empty repository."""
    repository = SQLiteRepository(tmp_path / "registrations.db")
    yield repository
    repository.close()


@pytest.fixture
def outbox(repository):
    """Return what is owed in it."""
    return SQLiteOutbox(repository)


CLAIMED = Mail(due_at=NOW - MINUTE).claimed(NOW - MINUTE, timedelta(minutes=10))


@pytest.mark.parametrize(
    ("mail", "due_at"),
    [
        (CLAIMED, NOW),
        (CLAIMED.owing(MailKind.CANCELLED, NOW), NOW),
        (Mail(due_at=NOW - MINUTE).claimed(NOW - MINUTE, MINUTE / 2), NOW - MINUTE / 2),
        (Mail(due_at=NOW - MINUTE), NOW - MINUTE),
        (CLAIMED.retried(NOW + MINUTE, "later"), NOW + MINUTE),
        (CLAIMED.sent(), None),
    ],
    ids=["claimed", "behind a claim", "claimed long ago", "due", "to be tried again", "sent"],
)
def test_ends_the_claims_of_the_dead(repository, outbox, mail, due_at):
    """What a dead process was sending is due now, and so is what waits for that; all else is as before."""
    repository.add(make_registration(mail=mail))

    outbox.release_claims(NOW)

    released = outbox.find_by_digest("devconf-2026", ADA)
    assert released.mail.due_at == due_at
    assert (released.mail.state, released.mail.number, released.mail.attempts) == (
        mail.state,
        mail.number,
        mail.attempts,
    )
    assert list(outbox.due(NOW)) == [Debtor("devconf-2026", ADA)] * (due_at is not None and due_at <= NOW)


def test_a_claim_of_the_dead_is_taken_over(repository, outbox):
    """A mail whose claim was ended is claimed by another, and what the dead one had read is no claim any more."""
    dead = repository.add(make_registration(mail=CLAIMED))
    outbox.release_claims(NOW)
    found = outbox.find_by_digest("devconf-2026", ADA)

    assert outbox.mark(found, found.mail.claimed(NOW, MINUTE))

    assert not outbox.mark(dead, dead.mail.sent())


def test_says_why_a_row_is_given_up(repository, outbox):
    """A row that is no registration says itself that its mail failed, and keeps the rest."""
    repository.add(make_registration(mail=Mail(due_at=NOW)))
    connection = repository.database._connection
    connection.execute("UPDATE registration SET status = 'held'")

    outbox.discard(Debtor("devconf-2026", ADA))

    (row,) = connection.execute("SELECT mail, mail_at, mail_reason, status FROM registration").fetchall()
    assert tuple(row) == ("failed", None, "unreadable", "held")
    with pytest.raises(UnreadableRowError):
        outbox.find_by_digest("devconf-2026", ADA)


def test_forgets_days_that_are_over(repository, outbox):
    """Of addresses that got mails only the last day's are kept, and those that are blocked."""
    for number in range(3):
        outbox.spend(f"early-{number}", "a", NOW, limit=5)
    outbox.block("early-1", MailState.BOUNCED)
    outbox.block("stranger", MailState.COMPLAINED)

    outbox.spend("late", "a", NOW + timedelta(days=1), limit=5)

    kept = repository.database._connection.execute("SELECT digest FROM address ORDER BY digest").fetchall()
    assert [digest for (digest,) in kept] == ["early-1", "late", "stranger"]


@pytest.mark.parametrize(
    "call",
    [
        lambda outbox, deadline: outbox.mark(make_registration(), Mail(), deadline=deadline),
        lambda outbox, deadline: outbox.spend(ADA, "a", NOW, limit=5, deadline=deadline),
        lambda outbox, deadline: outbox.block(ADA, MailState.BOUNCED, deadline=deadline),
        lambda outbox, deadline: outbox.unblock(ADA, deadline=deadline),
        lambda outbox, deadline: outbox.discard(Debtor("devconf-2026", ADA), deadline=deadline),
    ],
    ids=["mark", "spend", "block", "unblock", "discard"],
)
def test_waits_for_others_until_the_deadline(tmp_path, outbox, call):
    """A write that finds the database locked gives up at its deadline."""
    other = sqlite3.connect(tmp_path / "registrations.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()

    with pytest.raises(RepositoryUnavailableError):
        call(outbox, started + 0.1)

    assert time.monotonic() - started < 2
    other.close()
