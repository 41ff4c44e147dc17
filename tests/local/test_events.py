"""Events in SQLite: which seats are given, what a call costs, and what a kill leaves."""

import itertools
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from attrs import evolve
from serving import unmeasured
from watching import statements_of

from event_registration.errors import EventFullError, RepositoryError, RepositoryUnavailableError
from event_registration.listing import Listing
from event_registration.local import SQLiteEventRepository
from event_registration.mail import Mail, MailKind, MailState
from event_registration.model import Status
from event_registration.testing import ManualClock, make_event, make_registration

NOW = ManualClock().now


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = SQLiteEventRepository(":memory:")
    yield repository
    repository.close()


def _set_up(repository, **changes):
    repository.create_event(make_event(**changes))
    return repository.find_event("devconf-2026")


def _guest(number):
    return make_registration(attendee_email=f"guest{number}@example.org")


def _admit(repository, listing, *numbers):
    return [repository.admit(_guest(number), listing) for number in numbers]


def _find(repository, number):
    return repository.find("devconf-2026", f"guest{number}@example.org")


def _resize(repository, capacity):
    old = repository.find_event("devconf-2026")
    return repository.change_event(old, evolve(old, event=evolve(old.event, capacity=capacity)), NOW)


def test_gives_new_seats_first_and_then_freed_ones(repository):
    """The lowest seat that nobody had yet comes first, then the lowest that was freed."""
    listing = _set_up(repository, capacity=4)
    first, second, third = _admit(repository, listing, 1, 2, 3)
    for registration in (second, first):
        repository.cancel(registration, NOW)

    seats = [each.seat for each in (first, second, third, *_admit(repository, listing, 4, 5, 6))]

    assert seats == [1, 2, 3, 4, 1, 2]


def test_keeps_seats_above_a_lower_capacity(repository):
    """Whoever sits above a capacity that fell keeps the seat; the next ones sit within it."""
    listing = _set_up(repository, capacity=4)
    first, second, third, _ = _admit(repository, listing, 1, 2, 3, 4)
    listing = _resize(repository, 2)
    for registration in (third, second, first):
        repository.cancel(registration, NOW)

    (fifth,) = _admit(repository, listing, 5)

    assert _find(repository, 4).seat == 4
    assert fifth.seat == 1
    assert repository.prospect(listing) is None


@pytest.mark.parametrize(
    "call",
    [
        lambda repository, listing: repository.admit(_guest(0), listing),
        lambda repository, listing: repository.prospect(listing),
    ],
    ids=["admit", "prospect"],
)
def test_knows_no_event_that_is_not_there(repository, call):
    """An event that was never stored admits nobody and promises nobody anything."""
    with pytest.raises(RepositoryError, match="no such event"):
        call(repository, Listing(event=make_event()))

    assert list(repository.list("devconf-2026")) == []


@pytest.mark.parametrize(("capacity", "is_added"), [(None, True), (5, False)], ids=["no limit", "a limit"])
def test_adds_nobody_past_a_limit(repository, capacity, is_added):
    """Who takes registrations without looking at events stores none of one that got a limit meanwhile."""
    _set_up(repository, capacity=capacity)

    if is_added:
        repository.add(_guest(1))
    else:
        with pytest.raises(RepositoryUnavailableError, match="has a limit"):
            repository.add(_guest(1))

    assert (_find(repository, 1) is not None) == is_added


@pytest.mark.parametrize(
    ("capacity", "statements"),
    [
        pytest.param(None, ["INSERT"], id="no limit"),
        pytest.param(5, ["BEGIN", "SELECT", "SELECT", "UPDATE", "INSERT", "COMMIT"], id="a limit"),
    ],
)
def test_admits_a_newcomer_by_fewstatements_of(repository, capacity, statements):
    """Who comes to an event without a limit costs one statement, which is a transaction by itself."""
    listing = _set_up(repository, capacity=capacity)

    assert statements_of(repository, lambda: repository.admit(_guest(1), listing)) == statements


def test_admits_nobody_past_a_limit_that_is_unknown(repository):
    """An event that was unlimited when it was read, and got a limit meanwhile, is sold by its limit."""
    listing = _set_up(repository, capacity=None)
    _resize(repository, 1)

    admitted = _admit(repository, listing, 1)

    assert admitted[0].seat == 1
    with pytest.raises(EventFullError):
        repository.admit(_guest(2), listing)


def _steps(repository, call):
    """Return how many steps of SQLite's machine *call* takes."""
    counter = itertools.count()
    repository.database._connection.set_progress_handler(lambda: next(counter) and None, 1)
    try:
        call()
    finally:
        repository.database._connection.set_progress_handler(None, 1)
    return next(counter)


def _costs(repository, people):
    """Return what each call costs for an event of so many *people*, half of them waiting."""
    listing = _set_up(repository, capacity=people // 2, waitlist=True)
    _admit(repository, listing, *range(people))
    return [
        _steps(repository, call)
        for call in (
            lambda: repository.prospect(listing),
            lambda: repository.admit(_guest(people), listing),
            lambda: repository.admit(_guest(0), listing),
            lambda: repository.cancel(_find(repository, people), NOW),
            lambda: repository.cancel(_find(repository, people // 4), NOW),
            lambda: repository.settle("devconf-2026", NOW),
            lambda: repository.change_event(repository.find_event("devconf-2026"), listing, NOW),
            lambda: repository.settle("devconf-2026", NOW),
        )
    ]


def test_costs_no_more_with_more_people(repository):
    """What a call costs doesn't grow with the number of registrations."""
    few = _costs(repository, 8)
    many = SQLiteEventRepository(":memory:")

    grown = _costs(many, 400)

    many.close()
    assert [more for more, less in zip(grown, few, strict=True) if more > less + 10] == []


@pytest.fixture
def moved(repository):
    """Return an event that was moved a minute ago, for which more people are registered than are told at once."""
    listing = _set_up(repository)
    with repository.database.transaction() as connection:
        for number in range(1100):
            repository._add(connection, evolve(_guest(number), mail=Mail(state=MailState.SENT)))
    event = evolve(listing.event, ends_at=listing.event.ends_at + timedelta(hours=1))
    return repository.change_event(
        listing, evolve(listing, event=event, news=2, telling=""), NOW - timedelta(minutes=1)
    )


def _kinds(repository):
    return Counter(each.mail.kind for each in repository.list("devconf-2026"))


@pytest.mark.usefixtures("moved")
def test_tells_news_some_hundred_at_a_time(repository):
    """Who registers waits for a part of the people at most; what there is no time for is told by the next call."""
    connection = repository.database._connection
    connection.set_trace_callback(lambda statement: time.sleep(0.3) if statement == "COMMIT" else None)
    some = repository.tell("devconf-2026", NOW, deadline=time.monotonic() + 0.2)
    connection.set_trace_callback(None)
    assert _kinds(repository) == {MailKind.MOVED: some, MailKind.CONFIRMED: 1100 - some}

    rest = repository.tell("devconf-2026", NOW)

    assert (some, rest) == (500, 600)
    assert {each.mail.number for each in repository.list("devconf-2026")} == {2}
    assert repository.find_event("devconf-2026").telling is None


@pytest.mark.usefixtures("moved")
def test_tells_past_rows_that_are_nobodys(repository):
    """A row that somebody has spoilt keeps nobody else from being told."""
    key = repository.digest_of("guest7@example.org")
    with repository.database.transaction() as connection:
        connection.execute("UPDATE registration SET cemail = 'none' WHERE digest = ?", (key,))

    assert repository.tell("devconf-2026", NOW) == 1099

    assert repository.find_event("devconf-2026").telling is None


_WORK_AND_DIE = """
import os, random, signal, sys, threading
from event_registration.local import SQLiteEventRepository
from event_registration.mail import MailKind
from event_registration.testing import ManualClock, make_event, make_registration
repository = SQLiteEventRepository(sys.argv[1])
listing = repository.find_event("devconf-2026")
chance = random.Random(int(sys.argv[2]))
threading.Timer(0.02 + 0.1 * chance.random(), os.kill, [os.getpid(), signal.SIGKILL]).start()
while True:
    address = f"guest{chance.randrange(12)}@example.org"
    registration = repository.admit(make_registration(attendee_email=address), listing)
    if chance.random() < 0.5:
        repository.cancel(registration, ManualClock().now)
    repository.settle("devconf-2026", ManualClock().now)
"""


def test_loses_no_seat_to_a_kill(tmp_path):
    """After kills -9 at any moment, one further settle leaves every seat used and nobody overtaken."""
    path = tmp_path / "registrations.db"
    repository = SQLiteEventRepository(path)
    listing = _set_up(repository, capacity=5, waitlist=True)
    repository.close()

    for seed in range(5):
        command = [sys.executable, "-c", _WORK_AND_DIE, path, str(seed)]
        killed = subprocess.run(command, capture_output=True, check=False, env=unmeasured())
        assert killed.returncode == -9, killed.stderr

        repository = SQLiteEventRepository(path)
        _admit(repository, listing, *range(12))
        repository.settle("devconf-2026", NOW)
        registrations = list(repository.list("devconf-2026"))
        repository.close()
        confirmed = [each for each in registrations if each.status is Status.CONFIRMED]
        waiting = [each for each in registrations if each.status is Status.WAITLISTED]
        assert len({each.seat for each in confirmed}) == len(confirmed) == 5
        assert len({each.place for each in waiting}) == len(waiting) == 7
        assert max(each.place or 0 for each in confirmed) < min(each.place for each in waiting)
