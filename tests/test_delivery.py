"""A debt is claimed before its mail is begun, and a call's time is divided so that each step ends before the next."""

import math
from datetime import timedelta

import pytest
from attrs import evolve

from event_registration.confirmation import render
from event_registration.delivery import Delivery, Schedule
from event_registration.errors import RepositoryUnavailableError, TransientNotifierError
from event_registration.local import SQLiteEventRepository
from event_registration.mail import Mail, MailState
from event_registration.model import Status
from event_registration.testing import ManualClock, RecordingNotifier, at_once, make_registration

NOW = ManualClock().now
ANY_TIME = Schedule()


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
    assert current == evolve(promoted, mail=Mail(state=MailState.SENT, attempts=1, attempted_at=NOW))
    assert [message.to for message in notifier.messages] == ["ada@example.org"]


def test_a_debt_is_claimed_before_it_is_paid(repository, promoted):
    """While the mail is being sent its row already counts the attempt, so that a crash can't have it sent for ever."""
    seen = []

    class Looking(RecordingNotifier):
        def send(self, message):
            seen.append(_stored(repository).mail)
            super().send(message)

    Delivery(repository, Looking(), render=render).send_again(promoted, NOW, ANY_TIME)

    assert seen == [Mail(state=MailState.DUE, attempts=1, attempted_at=NOW)]


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
    repository.cancel(promoted)

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


def test_without_a_deadline_there_is_time_for_everything():
    """A call without a deadline is bound by the adapters' patience only."""
    schedule = Schedule.until(None, 1000.0)

    assert schedule == Schedule(store_by=None, send_before=math.inf, mark_before=math.inf)
    assert schedule.mark_by(1000.0) is None


@pytest.mark.parametrize(
    ("seconds", "store_by", "send_before", "mark_before"),
    [
        (900, 894.0, 896.5, 897.0),
        (10, 4.0, 6.5, 7.0),
        (5, 2.0, 3.25, 3.5),
        (1, 0.4, 0.5, 0.7),
        (0, 0.0, -0.5, 0.0),
        (-10, -4.0, -10.5, -7.0),
    ],
    ids=lambda value: f"{value}",
)
def test_time_is_divided_from_its_end(seconds, store_by, send_before, mark_before):
    """From ten seconds on each step has its full share; a shorter time is shared in proportion, a past one is past."""
    now = 1000.0

    schedule = Schedule.until(now + seconds, now)

    steps = (schedule.store_by, schedule.send_before, schedule.mark_before)
    assert [step - now for step in steps] == pytest.approx([store_by, send_before, mark_before])


def test_a_mark_has_two_and_a_half_seconds():
    """A mark that begins now is over two and a half seconds later, where there is a deadline at all."""
    assert Schedule.until(1030.0, 1000.0).mark_by(1007.0) == 1009.5


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


# Writing the mail


def test_a_mail_that_can_not_be_written_is_owed(repository, promoted):
    """If what a mail says can't be had now, it stays owed, and the reason is told."""
    down = RepositoryUnavailableError("the keys are away")

    def fails(_):
        raise down

    current, trouble = Delivery(repository, RecordingNotifier(), render=fails).send_again(promoted, NOW, ANY_TIME)

    assert (current.mail.state, current.mail.attempts) == (MailState.DUE, 1)
    assert isinstance(trouble, TransientNotifierError)
    assert (str(trouble), trouble.__cause__) == ("The mail can't be written: the keys are away", down)


def test_no_mail_is_begun_that_was_written_too_late(repository, promoted):
    """If writing it took all the time that sending needs, the mail isn't begun: the answer must not wait for it."""
    notifier = RecordingNotifier()
    now = 1000.0

    def slow(registration):
        nonlocal now
        now += 2
        return render(registration)

    delivery = Delivery(repository, notifier, render=slow, monotonic=lambda: now)

    _, trouble = delivery.send(promoted, Schedule(send_before=1001.0))

    assert str(trouble) == "Writing the mail left no time to send it."
    assert notifier.attempts == 0
