"""A debt is claimed before its mail is begun."""

from datetime import timedelta

import pytest
from attrs import evolve

from event_registration.confirmation import render
from event_registration.delivery import Delivery
from event_registration.errors import PermanentNotifierError, TransientNotifierError
from event_registration.local import SQLiteEventRepository
from event_registration.mail import Mail, MailState
from event_registration.model import Status
from event_registration.schedule import Schedule
from event_registration.testing import ManualClock, RecordingNotifier, at_once, make_registration

NOW = ManualClock().now
ANY_TIME = Schedule()
LEASE = timedelta(minutes=10)


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = SQLiteEventRepository(":memory:")
    yield repository
    repository.close()


@pytest.fixture
def promoted(repository):
    """Return a stored registration that owes a mail whose sending has not begun."""
    return repository.add(make_registration(place=7, revision=2))


def _stored(repository):
    return repository.find("devconf-2026", "ada@example.org")


# Debts


def test_a_new_debt_is_paid_at_once(repository, promoted):
    """A mail that nobody has begun is claimed as the first attempt, sent and marked, whenever it came to be owed."""
    notifier = RecordingNotifier()

    current, trouble = Delivery(repository, notifier, render=render).send_again(promoted, NOW, ANY_TIME)

    assert trouble is None
    assert current == _stored(repository)
    assert current == evolve(promoted, mail=promoted.mail.claimed(NOW, LEASE).sent())
    assert [message.to for message in notifier.messages] == ["ada@example.org"]


def test_what_can_not_be_written_is_given_up(repository, promoted):
    """A mail by whose writing something breaks is marked with why, and undoes no registration."""
    notifier = RecordingNotifier()

    def broken(_registration):
        raise KeyError("name")

    current, trouble = Delivery(repository, notifier, render=broken).send_again(promoted, NOW, ANY_TIME)

    assert isinstance(trouble, PermanentNotifierError)
    assert isinstance(trouble.__cause__, KeyError)
    assert (current.mail.state, current.mail.reason) == (MailState.FAILED, "The mail can't be written (KeyError).")
    assert (current, notifier.messages) == (_stored(repository), [])


def test_a_debt_is_claimed_before_it_is_paid(repository, promoted):
    """While the mail is being sent its row already counts the attempt, so that a crash can't have it sent for ever."""
    seen = []

    class Looking(RecordingNotifier):
        def send(self, message):
            seen.append(_stored(repository).mail)
            super().send(message)

    Delivery(repository, Looking(), render=render).send_again(promoted, NOW, ANY_TIME)

    assert seen == [promoted.mail.claimed(NOW, LEASE)]


def test_of_many_one_pays(repository, promoted):
    """Of many who would pay one debt at once exactly one sends; the others are in no trouble."""
    notifier = RecordingNotifier()
    delivery = Delivery(repository, notifier, render=render)

    delivered = at_once(*[lambda: delivery.send_again(promoted, NOW, ANY_TIME)] * 8)

    assert len(notifier.messages) == 1
    assert [trouble for _, trouble in delivered] == [None] * 8
    assert sum(current.mail.state is MailState.SENT for current, _ in delivered) == 1


def test_a_debt_that_was_superseded_is_not_paid(repository, promoted):
    """What has changed since it was read is neither sent nor marked."""
    notifier = RecordingNotifier()
    repository.cancel(promoted, NOW)

    current, trouble = Delivery(repository, notifier, render=render).send_again(promoted, NOW, ANY_TIME)

    assert (current, trouble) == (promoted, None)
    assert notifier.attempts == 0
    assert _stored(repository).status is Status.CANCELLED


def test_an_old_debt_is_paid_ten_minutes_later(repository, promoted):
    """After an attempt that failed the next one waits for ten minutes to have passed, and not a moment longer."""
    notifier = RecordingNotifier([TransientNotifierError("later")])
    delivery = Delivery(repository, notifier, render=render)
    delivery.send_again(promoted, NOW, ANY_TIME)

    for age in (timedelta(minutes=10, microseconds=-1), timedelta(minutes=10)):
        delivery.send_again(_stored(repository), NOW + age, ANY_TIME)

    assert (notifier.attempts, len(notifier.messages)) == (2, 1)
    assert _stored(repository).mail == Mail(state=MailState.SENT, attempts=2, attempted_at=NOW + timedelta(minutes=10))


# Time


def test_claims_and_marks_in_time(promoted):
    """A claim has the time that storing has, the mark its own."""
    deadlines = []

    class Noting(SQLiteEventRepository):
        def replace(self, old, new, *, deadline=None):
            deadlines.append(deadline)
            return super().replace(old, new, deadline=deadline)

    noting = Noting(":memory:")
    noting.add(promoted)

    Delivery(noting, RecordingNotifier(), render=render, monotonic=lambda: 1001.0).send_again(
        promoted, NOW, Schedule.until(1030.0, 1000.0)
    )

    assert deadlines == [1024.0, 1003.5]
    noting.close()


def test_no_mail_is_begun_too_late(repository, promoted):
    """Where the time for sending is over, nothing is sent: the answer must not wait for it."""
    notifier = RecordingNotifier()
    delivery = Delivery(repository, notifier, render=render, monotonic=lambda: 1002.0)

    _, trouble = delivery.send(promoted, Schedule(send_before=1001.0))

    assert str(trouble) == "No time was left to send the mail."
    assert notifier.attempts == 0


def test_nothing_is_claimed_that_there_is_no_time_for(repository, promoted):
    """A repeat without time for the mail leaves it as it is, and says so."""
    notifier = RecordingNotifier()
    delivery = Delivery(repository, notifier, render=render, monotonic=lambda: 1002.0)

    current, trouble = delivery.send_again(promoted, NOW, Schedule(store_by=1001.0))

    assert (current, str(trouble)) == (promoted, "No time was left to send the mail.")
    assert (notifier.attempts, _stored(repository)) == (0, promoted)
