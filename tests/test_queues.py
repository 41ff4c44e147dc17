"""Serving the queues of all events: who waits gets a seat, who is registered owes the news, and each is told once."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from watching import WatchedRepository

from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.mail import MailKind, MailState
from event_registration.model import Status
from event_registration.queues import Queues, Settled
from event_registration.testing import ManualClock, at_once, make_event
from event_registration.testing.guests import admit, cancel, current, found, guest, mailed, names, set_up

ID = "devconf-2026"
ENDS = datetime(2026, 6, 1, 17, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
DOWN = RepositoryUnavailableError("down")


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = WatchedRepository()
    yield repository
    repository.close()


@pytest.fixture
def clock():
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def queues(repository, clock):
    """Return the queues of the repository's events."""
    return Queues(repository, clock=clock)


def _two_seats_given_back(repository, *waiting):
    """Give back two of three seats while others wait, so that nobody has served the queue yet."""
    admit(repository, set_up(repository, capacity=3, waitlist=True), "ada", "bob", "zoe", *waiting)
    cancel(repository, "ada", "bob")


def _queue(repository, clock, event_id, **changes):
    """Set up an event with a free seat and somebody who waits for it."""
    repository.create_event(make_event(event_id=event_id, capacity=1, waitlist=True, **changes))
    listing = repository.find_event(event_id)
    first, _ = (repository.admit(evolve(guest(name), event_id=event_id), listing) for name in ("ada", "bob"))
    repository.cancel(first, clock())


def _move(repository, clock, **changes):
    """Change an event in a way that everybody is to be told of."""
    old = current(repository)
    news = {"news": old.revision + 1, "telling": ""}
    is_cancelled = changes.pop("is_cancelled", False)
    event = evolve(old.event, **changes)
    return repository.change_event(old, evolve(old, event=event, is_cancelled=is_cancelled, **news), clock())


def _mails(repository):
    return {each.attendee_name: (each.mail.kind, each.mail.state) for each in repository.list(ID)}


# One event


def test_settling_promotes_once(queues, repository):
    """Settling gives free seats to who waits, each of whom owes a mail; nothing is left to settle."""
    _two_seats_given_back(repository, "cleo", "dan", "eve")

    settled = [queues.settle(ID) for _ in range(2)]

    assert settled == [Settled(1, 2), Settled(1, 0)]
    assert names(repository, Status.CONFIRMED) == ["cleo", "dan", "zoe"]
    assert {found(repository, name).mail.kind for name in ("cleo", "dan")} == {MailKind.PROMOTED}
    assert {found(repository, name).mail.state for name in ("cleo", "dan")} == {MailState.DUE}


def test_many_who_settle_promote_once(queues, repository):
    """However many settle at once, each free seat is given away once."""
    _two_seats_given_back(repository, "cleo", "dan", "eve")

    settled = at_once(*[lambda: queues.settle(ID)] * 8)

    assert sum(each.promoted for each in settled) == 2
    assert {each.troubles for each in settled} == {()}


def test_settling_fails_with_the_repository(queues, repository):
    """A queue that can't be served is an error."""
    _two_seats_given_back(repository, "cleo")
    repository.faults["settle"] = DOWN

    with pytest.raises(RepositoryUnavailableError):
        queues.settle(ID)


@pytest.mark.parametrize(
    ("deadline", "expected"),
    [(1030.0, {"settle": {1012.0}, "tell": {1024.0}}), (None, {"settle": {None}, "tell": {None}})],
    ids=["a deadline", "none"],
)
def test_settling_divides_its_time(repository, clock, deadline, expected):
    """Serving the queue takes half of the time at most, the news the rest."""
    set_up(repository, capacity=1)
    repository.deadlines.clear()

    Queues(repository, clock=clock, monotonic=lambda: 1000.0).settle(ID, deadline=deadline)

    assert {name: repository.deadlines[name] for name in expected} == expected


def test_settles_no_event_that_is_not_there(queues):
    """An event that isn't there has nobody to serve, which is no error."""
    assert queues.settle(ID) == Settled(1, 0)


# News


def test_news_is_owed_a_minute_after_the_change(queues, repository, clock):
    """Who is registered owes a mail about a change, from a minute after it on, and once."""
    admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob")
    mailed(repository, "ada", "bob")
    _move(repository, clock, venue="Hall 2")

    told = []
    for seconds in (0, 59, 1, 60):
        clock.advance(seconds=seconds)
        told.append(queues.settle(ID).told)

    assert told == [0, 0, 2, 0]
    assert _mails(repository) == dict.fromkeys(["ada", "bob"], (MailKind.MOVED, MailState.DUE))


def test_one_mail_tells_of_changes_that_follow_one_another(queues, repository, clock):
    """A correction within the minute puts the news off, and nobody owes two mails."""
    admit(repository, set_up(repository), "ada")
    _move(repository, clock, venue="Hal 2")
    clock.advance(seconds=40)
    _move(repository, clock, venue="Hall 2")

    told = []
    for _ in range(3):
        clock.advance(seconds=40)
        told.append(queues.settle_all().told)

    assert told == [0, 1, 0]


def test_who_is_called_off_is_told_so(queues, repository, clock):
    """Everybody who is registered or waits is told that an event is called off; who has cancelled is not."""
    admit(repository, set_up(repository), "ada", "bob")
    cancel(repository, "bob")
    _move(repository, clock, is_cancelled=True)
    clock.advance(minutes=1)

    assert queues.settle_all() == Settled(1, 0, told=1)
    assert _mails(repository)["ada"] == (MailKind.CALLED_OFF, MailState.DUE)
    assert _mails(repository)["bob"] == (MailKind.CANCELLED, MailState.DUE)


# All events


def test_settles_all_that_have_a_queue_or_news(queues, repository, clock):
    """Each limited event is settled and each with news; any other is left alone."""
    for event_id in ("one", "two"):
        _queue(repository, clock, event_id)
    set_up(repository)

    settled = [queues.settle_all() for _ in range(2)]

    assert settled == [Settled(2, 2), Settled(2, 0)]
    assert f"settle {ID}" not in repository.calls


@pytest.mark.parametrize(("now", "events"), [(ENDS - MOMENT, 1), (ENDS, 0)], ids=["not over", "over"])
def test_settles_until_an_event_is_over(queues, repository, clock, now, events):
    """An event is settled until the instant of its end."""
    _queue(repository, clock, "one")
    clock.now = now

    assert queues.settle_all().events == events


def test_settles_what_was_called_off(queues, repository, clock):
    """An event that was called off is looked at, and promotes nobody."""
    admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob")
    cancel(repository, "ada")
    _move(repository, clock, is_cancelled=True)

    assert queues.settle_all() == Settled(1, 0)


@pytest.mark.parametrize("fault", [DOWN, RepositoryError("refused")], ids=lambda error: type(error).__name__)
def test_one_event_that_fails_keeps_no_other_waiting(queues, repository, clock, fault):
    """What fails for one event is told, and all others are settled."""
    for event_id in ("one", "two", "three"):
        _queue(repository, clock, event_id)
    repository.faults["settle two"] = fault

    assert queues.settle_all() == Settled(3, 2, troubles=(fault,))


def test_what_can_not_be_listed_is_an_error(queues, repository):
    """If the events can't be listed there is nothing to say of any."""
    repository.faults["list_events"] = DOWN

    with pytest.raises(RepositoryUnavailableError):
        queues.settle_all()


@pytest.mark.parametrize(
    ("seconds", "events"), [(3.999, 0), (4.0, 1), (4.999, 1), (5.0, 2), (6.0, 3), (None, 3)], ids=str
)
def test_begins_no_event_that_it_may_not_end(clock, seconds, events):
    """An event is begun while there are four seconds for it; how many there was no time for is told."""
    now = [1000.0]

    class Slow(WatchedRepository):
        def settle(self, event_id, when, *, deadline=None):
            now[0] += 1.0
            return super().settle(event_id, when, deadline=deadline)

    repository = Slow()
    for event_id in ("one", "two", "three"):
        repository.create_event(make_event(event_id=event_id, capacity=1))
    queues = Queues(repository, clock=clock, monotonic=lambda: now[0])

    settled = queues.settle_all(deadline=None if seconds is None else now[0] + seconds)

    left = [f"There was no time for {3 - events} events."] * (events < 3)
    assert (settled.events, [str(trouble) for trouble in settled.troubles]) == (events, left)
    repository.close()


def test_begins_with_any_event(repository, clock):
    """Where there is no time for all, none is always the last: chance says which is the first."""
    for event_id in ("one", "two", "three"):
        _queue(repository, clock, event_id)

    first = []
    for chance in (0.0, 0.4, 0.9):
        repository.calls.clear()
        Queues(repository, clock=clock, chance=lambda chance=chance: chance).settle_all()
        first.append(next(call for call in repository.calls if call.startswith("settle ")))

    assert len(set(first)) == 3
