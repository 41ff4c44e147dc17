"""Serving queues within a function's time: nobody's mail is lost for want of it, and no event is always the last."""

from datetime import timedelta

import pytest
from attrs import evolve
from mailing import relay_of

from event_registration.errors import TransientNotifierError
from event_registration.local import SQLiteEventRepository
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.queues import Queues
from event_registration.testing import ManualClock, RecordingNotifier, make_event, make_registration

FUNCTION_SECONDS = 12


class _Time:
    """A monotonic clock that moves when something takes time."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class _SlowNotifier(RecordingNotifier):
    """A notifier each of whose mails takes a while."""

    def __init__(self, time, seconds, **options):
        super().__init__(**options)
        self._time = time
        self._seconds = seconds

    def send(self, message):
        self._time.now += self._seconds
        super().send(message)


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = SQLiteEventRepository(":memory:")
    yield repository
    repository.close()


@pytest.fixture
def clock():
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def time():
    """Return a monotonic clock."""
    return _Time()


def _let_wait(repository, people, clock, **changes):
    """Set up an event whose seat is taken and that *people* wait for, then raise its capacity for all of them."""
    repository.create_event(make_event(capacity=1, waitlist=True, **changes))
    listing = repository.find_event(make_event(**changes).event_id)
    for number in range(people + 1):
        registration = make_registration(event_id=listing.event.event_id, attendee_email=f"{number}@example.org")
        repository.admit(registration, listing)
    return repository.change_event(listing, evolve(listing, event=evolve(listing.event, capacity=people + 1)), clock())


def test_everyone_is_mailed_once(repository, clock, time):
    """However many are promoted at once, each gets the mail once, in as many calls as it takes."""
    _let_wait(repository, 40, clock)
    notifier = _SlowNotifier(time, 0.7)
    queues = Queues(repository, clock=clock, monotonic=time)
    relay = relay_of(repository, notifier, clock=clock, monotonic=time)

    for _ in range(10):
        began = time.now
        queues.settle_all(deadline=began + FUNCTION_SECONDS)
        relay.sweep(deadline=began + FUNCTION_SECONDS)
        assert time.now - began < FUNCTION_SECONDS
        clock.advance(minutes=1)

    assert sorted(message.to for message in notifier.messages) == sorted(f"{n}@example.org" for n in range(1, 41))
    assert {each.mail.attempts for each in repository.list("devconf-2026") if each.place} == {1}


@pytest.mark.parametrize(("chance", "first"), [(0.0, "a"), (0.4, "b"), (0.99, "c")])
def test_begins_anywhere(repository, clock, time, chance, first):
    """Where there is time for one event only, each has its turn, and the others are told of."""
    for name in "abc":
        _let_wait(repository, 1, clock, event_id=name)
    settle = repository.settle

    def slow(event_id, now, **options):
        time.now += FUNCTION_SECONDS
        return settle(event_id, now, **options)

    repository.settle = slow
    queues = Queues(repository, clock=clock, monotonic=time, chance=lambda: chance)

    settled = queues.settle_all(deadline=time.now + FUNCTION_SECONDS)

    assert [name for name in "abc" if repository.find(name, "1@example.org").status is Status.CONFIRMED] == [first]
    assert settled.promoted == 1
    assert [str(each) for each in settled.troubles][-1] == "There was no time for 2 events."


class _PromotedElsewhere(SQLiteEventRepository):
    """A repository whose queue another process serves just before we do."""

    def settle(self, event_id, now, *, deadline=None):
        listing = self.find_event(event_id)
        if listing.event.capacity == 1:
            self.change_event(listing, evolve(listing, event=evolve(listing.event, capacity=2)), now)
            super().settle(event_id, now)
        return super().settle(event_id, now, deadline=deadline)


def test_tells_what_has_become_of_who_waits(clock):
    """Who is promoted by another process while registering is told so, and gets no mail of the waiting list."""
    repository = _PromotedElsewhere(":memory:")
    repository.create_event(make_event(capacity=1, waitlist=True))
    notifier = RecordingNotifier()
    service = EventRegistrationService(repository, relay_of(repository, notifier, clock=clock), clock=clock)
    service.register(make_registration())

    receipt = service.register(make_registration(attendee_email="bob@example.org"))

    assert receipt.registration.status is Status.CONFIRMED
    subjects = [message.subject.partition(":")[0] for message in notifier.messages]
    assert subjects == ["Registration confirmed", "You have a seat"]
    repository.close()


class _CancelledElsewhere(SQLiteEventRepository):
    """A repository in which whoever joins the queue is cancelled at once by somebody else."""

    def settle(self, event_id, now, *, deadline=None):
        for each in list(self.list(event_id)):
            if each.status is Status.WAITLISTED:
                self.cancel(each, now)
        return super().settle(event_id, now, deadline=deadline)


def test_answers_what_was_true(clock):
    """Who is cancelled in the same moment is told of the place that was got."""
    repository = _CancelledElsewhere(":memory:")
    repository.create_event(make_event(capacity=1, waitlist=True))
    service = EventRegistrationService(repository, None, clock=clock)
    service.register(make_registration())

    receipt = service.register(make_registration(attendee_email="bob@example.org"))

    assert receipt.registration.status is Status.WAITLISTED
    repository.close()


def test_the_past_minute_of_an_event_counts(clock):
    """No service remembers an event for longer than repositories rely on."""
    repository = SQLiteEventRepository(":memory:")
    repository.create_event(make_event())
    time = _Time()
    service = EventRegistrationService(repository, None, clock=clock, monotonic=time, cache_seconds=3600)
    service.card("devconf-2026")
    listing = repository.find_event("devconf-2026")
    repository.change_event(listing, evolve(listing, is_cancelled=True), clock())
    time.now += timedelta(seconds=30).total_seconds()

    _, state = service.card("devconf-2026")

    assert state == "cancelled"
    repository.close()


def test_a_repeat_without_time_claims_nothing(repository, clock, time):
    """A repeat that has no time to send the lost mail leaves the attempt to a later one, and says so."""
    repository.create_event(make_event())
    notifier = RecordingNotifier([TransientNotifierError("later")])
    relay = relay_of(repository, notifier, clock=clock, monotonic=time)
    service = EventRegistrationService(repository, relay, clock=clock, monotonic=time)
    service.register(make_registration())
    clock.advance(minutes=10)

    receipt = service.register(make_registration(), deadline=time.now - 1)

    assert isinstance(receipt.trouble, TransientNotifierError)
    assert notifier.attempts == 1
    assert repository.find("devconf-2026", "ada@example.org").mail.attempts == 1
