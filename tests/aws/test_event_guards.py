"""What keeps events right where functions remember, people delete rows, and time is short."""

from datetime import timedelta

import pytest
from attrs import evolve

from event_registration.aws import DynamoDBEventRepository
from event_registration.aws.table import ChangedError
from event_registration.errors import EventChangeError, RepositoryUnavailableError
from event_registration.model import Status
from event_registration.testing import ManualClock, make_event, make_registration

CLOCK = ManualClock()


@pytest.fixture
def repository(engine_client, table):
    """Return an empty repository."""
    return DynamoDBEventRepository(engine_client, table)


def _change(repository, now, **changes):
    old = repository.find_event("devconf-2026")
    return repository.change_event(old, evolve(old, event=evolve(old.event, **changes)), now)


def _admit(repository, *names, listing=None):
    listing = listing or repository.find_event("devconf-2026")
    for name in names:
        repository.admit(make_registration(attendee_email=f"{name}@example.org"), listing)


def _confirmed(repository):
    return [each for each in repository.list("devconf-2026") if each.status is Status.CONFIRMED]


def test_an_event_is_not_shut_the_moment_it_is_said_to_be(repository):
    """As long as a function may remember that an event was open, it gets no limit."""
    repository.create_event(make_event())
    _change(repository, CLOCK(), opens_at=CLOCK() + timedelta(minutes=10))

    with pytest.raises(EventChangeError):
        _change(repository, CLOCK() + timedelta(minutes=1), capacity=2)

    changed = _change(repository, CLOCK() + timedelta(minutes=1, seconds=1), capacity=2)
    assert changed.event.capacity == 2


def test_what_a_function_remembers_does_not_oversell(repository):
    """A capacity lowered just after the opening was put off holds for who still sells by the old one."""
    repository.create_event(make_event(capacity=10))
    remembered = repository.find_event("devconf-2026")
    _change(repository, CLOCK(), opens_at=CLOCK() + timedelta(minutes=10))
    _change(repository, CLOCK() + timedelta(seconds=1), capacity=2, waitlist=True)

    _admit(repository, *"abcdefgh", listing=remembered)

    assert len(_confirmed(repository)) == 2


@pytest.mark.parametrize("is_over", [False, True], ids=["waits", "sits above the capacity"])
def test_a_row_deleted_by_hand_stops_nobody(engine_client, table, repository, is_over):
    """Where somebody deleted a person's row, the next in line is served all the same."""
    repository.create_event(make_event(capacity=1, waitlist=True))
    _admit(repository, "ada")
    if is_over:
        _change(repository, CLOCK(), capacity=3)
        repository.settle("devconf-2026", CLOCK())
        _admit(repository, "bob", "cy")
        _change(repository, CLOCK(), capacity=1)
    _admit(repository, "dan", "eve")
    gone = max(repository.list("devconf-2026"), key=lambda each: each.seat or 0) if is_over else None
    gone = gone or next(each for each in repository.list("devconf-2026") if each.place == 1)
    sort_key = repository._sort_key(gone.attendee_email)
    engine_client.delete_item(TableName=table, Key={"eventid": {"S": "devconf-2026"}, "sk": {"S": sort_key}})

    for each in _confirmed(repository):
        repository.cancel(each, CLOCK())
    repository.settle("devconf-2026", CLOCK())

    assert len(_confirmed(repository)) == 1
    assert _confirmed(repository)[0].attendee_email[0] in "de"


class _Late:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_settling_ends_in_time(engine_client, table):
    """What there is no time for is left, and what was done counts."""
    time = _Late()

    def promote_one(*_, **__):
        time.now += 1.0

    engine_client.meta.events.register("before-send.dynamodb.TransactWriteItems", promote_one)
    try:
        repository = DynamoDBEventRepository(engine_client, table, monotonic=time)
        repository.create_event(make_event(capacity=1, waitlist=True))
        _admit(repository, "a", "b", "c", "d")
        _change(repository, CLOCK(), capacity=4)

        promoted = repository.settle("devconf-2026", CLOCK(), deadline=time.now + 1.5)

        assert promoted == 2
        with pytest.raises(RepositoryUnavailableError):
            repository.settle("devconf-2026", CLOCK(), deadline=time.now - 1)
        assert repository.settle("devconf-2026", CLOCK()) == 1
    finally:
        engine_client.meta.events.unregister("before-send.dynamodb.TransactWriteItems", promote_one)


def test_nobody_is_moved_into_the_seat_already_held(repository):
    """Where a free seat was read, and then that its new holder sits too high, the step begins anew."""
    repository.create_event(make_event(capacity=1))
    listing = repository.find_event("devconf-2026")
    holder = repository.admit(make_registration(), listing)

    with pytest.raises(ChangedError):
        repository._settling._move(listing, holder, holder.seat, None, is_unsold=False)

    assert repository.find("devconf-2026", "ada@example.org") == holder
