"""What comes back of a mail is kept in its registration, and its recipient gets nothing more."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from event_registration.errors import RepositoryUnavailableError
from event_registration.feedback import Feedback, reference_of
from event_registration.local import SQLiteOutbox, SQLiteRepository
from event_registration.mail import Mail, MailKind, MailState
from event_registration.message import Message
from event_registration.testing import make_registration
from event_registration.testing.guests import NOW

SENT = Mail(state=MailState.SENT, attempts=1, number=3)


@pytest.fixture
def repository():
    """Return a repository with Ada, whose third mail was sent."""
    repository = SQLiteRepository(":memory:")
    repository.add(make_registration(mail=SENT))
    yield repository
    repository.close()


@pytest.fixture
def outbox(repository):
    """Return the repository's outbox."""
    return SQLiteOutbox(repository)


def _mail(repository):
    return repository.find("devconf-2026", "ada@example.org").mail


def _is_blocked(outbox):
    return outbox.spend(outbox.digest_of("ada@example.org"), "other#1", NOW, limit=5)


@pytest.mark.parametrize("state", [MailState.BOUNCED, MailState.COMPLAINED])
@pytest.mark.parametrize("address", ["ada@example.org", " ADA@Example.ORG"])
def test_marks_the_mail_and_blocks_the_address(repository, outbox, state, address):
    """The registration's mail says what has become of it, and the address gets no mail of any event any more."""
    is_kept = [Feedback(outbox).take(address, reference_of("devconf-2026", 3), state, is_final=True) for _ in range(2)]

    assert is_kept == [True, True]
    assert _mail(repository) == evolve(SENT, state=state)
    assert _is_blocked(outbox) == state.value


def test_a_full_mailbox_blocks_nobody(repository, outbox):
    """A bounce that may pass is told, and the address gets mails as before."""
    Feedback(outbox).take("ada@example.org", reference_of("devconf-2026", 3), MailState.BOUNCED, is_final=False)

    assert (_mail(repository).state, _mail(repository).reason) == (MailState.BOUNCED, "temporary")
    assert _is_blocked(outbox) is None


def test_what_bounced_before_its_mark_has_bounced(repository, outbox):
    """A bounce that is faster than the mark stays: who sent the mail finds it bounced."""
    claimed = evolve(SENT, state=MailState.CLAIMED, due_at=NOW)
    old = repository.find("devconf-2026", "ada@example.org")
    repository.replace(old, evolve(old, mail=claimed))

    Feedback(outbox).take("ada@example.org", reference_of("devconf-2026", 3), MailState.BOUNCED, is_final=True)

    assert not outbox.mark(evolve(old, mail=claimed), claimed.sent())
    assert (_mail(repository).state, _mail(repository).due_at) == (MailState.BOUNCED, None)


def test_an_older_mail_says_nothing_of_a_newer_one(repository, outbox):
    """If another mail is owed by now, only the address is blocked: the newer one will say so itself."""
    old = repository.find("devconf-2026", "ada@example.org")
    newer = evolve(old, mail=old.mail.owing(MailKind.MOVED, NOW))
    repository.replace(old, newer)

    is_kept = Feedback(outbox).take(
        "ada@example.org", reference_of("devconf-2026", 3), MailState.BOUNCED, is_final=True
    )

    assert not is_kept
    assert _mail(repository) == newer.mail
    assert _is_blocked(outbox) == "bounced"


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "-",
        "3",
        "3-devconf_2026",
        "ZGV2Y29uZi0yMDI2",
        "x-ZGV2Y29uZi0yMDI2",
        "1-=",
        "1-w7w",
        "1-ZA",
        "3.ZGV2Y29uZi0yMDI2",
    ],
)
def test_a_mail_that_is_none_of_ours(repository, outbox, reference):
    """What names no registration of ours changes none."""
    assert not Feedback(outbox).take("ada@example.org", reference, MailState.BOUNCED, is_final=False)
    assert _mail(repository) == SENT


def test_somebody_else_s_mail(repository, outbox):
    """An address that isn't registered for the event is not marked."""
    reference = reference_of("devconf-2026", 3)

    assert not Feedback(outbox).take("bob@example.org", reference, MailState.BOUNCED, is_final=False)
    assert _mail(repository) == SENT


def test_gives_up_on_a_row_that_changes_all_the_time(repository):
    """If the row is never as it was read, nothing is claimed to be kept."""

    class Changing(SQLiteOutbox):
        def mark(self, *_arguments, **_options):
            return False

    feedback = Feedback(Changing(repository))

    assert not feedback.take("ada@example.org", reference_of("devconf-2026", 3), MailState.BOUNCED, is_final=False)


def test_a_repository_that_fails_is_told(repository):
    """What can't be kept is an error: it is to be told again."""

    class Away(SQLiteOutbox):
        def block(self, *_arguments, **_options):
            raise RepositoryUnavailableError("away")

    with pytest.raises(RepositoryUnavailableError):
        Feedback(Away(repository)).take("ada@example.org", "", MailState.BOUNCED, is_final=True)


@given(st.text("ABCxyz019._~-", min_size=1, max_size=128), st.integers(1, 10**9))
def test_any_mail_has_a_reference_that_a_message_takes(event_id, number):
    """Whatever an event is called, the reference is of the signs that mail services take, and names it again."""
    reference = reference_of(event_id, number)

    message = Message(to="ada@example.org", subject="s", text="t", html="h", reference=reference)

    assert message.reference == reference
    assert reference_of(event_id, number + 1) != reference
