"""Wherever a caller is killed or an answer gets lost, the books are right, and the next one completes the rest."""

from contextlib import suppress
from datetime import timedelta

import books
import pytest
from attrs import evolve

from event_registration.aws import DynamoDBEventRepository
from event_registration.errors import EventExistsError, EventFullError
from event_registration.model import Status
from event_registration.testing import KilledError, make_event
from event_registration.testing.guests import NOW, admit, cancel, current, found, names, resize, set_up

pytestmark = pytest.mark.unmeasured

ID = "devconf-2026"


def _nothing(_):
    """Begin with an empty table."""


def _unlimited(repository):
    set_up(repository)


def _unlimited_with_one(repository):
    admit(repository, set_up(repository), "ada")


def _unsold(repository):
    admit(repository, set_up(repository, capacity=3), "ada")


def _left(repository):
    _unsold(repository)
    cancel(repository, "ada")


def _full(repository):
    admit(repository, set_up(repository, capacity=2), "ada", "bob")


def _given_back(repository):
    _full(repository)
    cancel(repository, "ada")


def _waiting(repository):
    admit(repository, set_up(repository, capacity=2, waitlist=True), "ada", "bob", "cleo", "dan", "eve")


def _two_given_back(repository):
    _waiting(repository)
    cancel(repository, "ada", "bob")


def _lowered(repository):
    admit(repository, set_up(repository, capacity=4, waitlist=True), "ada", "bob", "cleo", "dan", "eve")
    resize(repository, 2)


def _lowered_and_given_back(repository):
    _lowered(repository)
    cancel(repository, "ada")


def _of_all_kinds(repository):
    """Leave, of six seats, the first three held, the fourth free, the fifth out of use and the last unsold."""
    admit(repository, set_up(repository, capacity=5), "ada", "bob", "cleo", "dan", "eve")
    resize(repository, 4)
    cancel(repository, "eve", "dan")


def _admit(name):
    def act(repository):
        with suppress(EventFullError):
            admit(repository, current(repository), name)

    return act


def _cancel(name):
    def act(repository):
        if found(repository, name).status is not Status.CANCELLED:
            cancel(repository, name)

    return act


def _resize(capacity):
    def act(repository):
        if current(repository).limit != capacity:
            resize(repository, capacity)
        repository.settle(ID, NOW)

    return act


def _create(repository):
    with suppress(EventExistsError):
        repository.create_event(make_event(capacity=2, waitlist=True))


def _rename(repository):
    old = current(repository)
    repository.change_event(old, evolve(old, event=evolve(old.event, event_name="New")), NOW)


def _settle(repository):
    repository.settle(ID, NOW)


def _moved(repository):
    _waiting(repository)
    listing = current(repository)
    ends_at = listing.event.ends_at + timedelta(hours=1)
    repository.change_event(
        listing,
        evolve(listing, event=evolve(listing.event, ends_at=ends_at), news=listing.revision + 1, telling=""),
        NOW - timedelta(minutes=1),
    )
    cancel(repository, "dan")


def _tell(repository):
    repository.tell(ID, NOW)


# What comes before, and what is done: once more, after a crash, it does what is left to do.
OPERATIONS = {
    "create": (_nothing, _create),
    "rename": (_waiting, _rename),
    "admit without a limit": (_unlimited, _admit("ada")),
    "admit to an unsold seat": (_unsold, _admit("bob")),
    "admit who comes back": (_left, _admit("ada")),
    "admit to a free seat": (_given_back, _admit("dan")),
    "admit to the queue": (_waiting, _admit("fay")),
    "refuse": (_full, _admit("dan")),
    "cancel without a limit": (_unlimited_with_one, _cancel("ada")),
    "cancel a seat": (_waiting, _cancel("ada")),
    "cancel a place": (_waiting, _cancel("cleo")),
    "cancel a seat above": (_lowered, _cancel("dan")),
    "settle": (_two_given_back, _settle),
    "settle with somebody above": (_lowered_and_given_back, _settle),
    "raise": (_waiting, _resize(3)),
    "raise over all kinds": (_of_all_kinds, _resize(8)),
    "lower": (_waiting, _resize(1)),
    "lower over all kinds": (_of_all_kinds, _resize(2)),
    "tell": (_moved, _tell),
}


class _World:
    """A table of its own, a repository that works, and one whose calls are disturbed."""

    def __init__(self, steady, disturbed, table):
        self._client, self._table = steady, table
        # Without chance seats are sold in their order, so that it is known who sits where.
        self.clean = DynamoDBEventRepository(steady, table, jitter=lambda: 0.0)
        self.failing = DynamoDBEventRepository(disturbed, table, jitter=lambda: 0.0)

    def check(self, *, settled):
        """Look into the books."""
        assert books.mistakes(books.read(self._client, self._table), settled=settled) == []

    def outcome(self):
        """Tell where everybody stands, and what the event is."""
        listing = self.clean.find_event(ID)
        standing = {status: names(self.clean, status) for status in Status}
        owed = {each.attendee_name: each.mail for each in self.clean.list(ID)}
        return listing and (listing.event, listing.resizing_to, listing.telling), standing, owed


@pytest.fixture
def make_world(engine_client, lean, watched, make_table, disturbed):
    """Return a function that makes a world in which something has happened already."""

    def make(arrange):
        disturbed.forget()
        world = _World(lean, watched, make_table(engine_client))
        arrange(world.clean)
        return world

    return make


@pytest.fixture
def writes_of(make_world, calls):
    """Return a function that tells which calls of an operation are writes, by their numbers, and what it comes to."""

    def writes_of(arrange, act):
        world = make_world(arrange)
        calls.clear()
        act(world.failing)
        made = list(calls)
        world.clean.settle(ID, NOW)
        world.check(settled=True)
        return [number for number, name in enumerate(made) if name not in {"GetItem", "Query"}], world.outcome()

    return writes_of


@pytest.fixture
def killed_at(disturbed):
    """
    Return a function that has an operation killed after one of its calls was carried out, or before the first one.

    Before a call is the same to everybody else as after the one that came before, and after a read the same as before
    it: these are all moments at which a kill makes a difference.
    """

    def killed_at(call, act, repository):
        if call is None:
            disturbed.kill(carried_out=False)
        else:
            disturbed.spare(call)
            disturbed.kill(carried_out=True)
        with pytest.raises(KilledError):
            act(repository)

    return killed_at


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_kill_at_any_moment(make_world, writes_of, killed_at, name):
    """Killed at any moment, an operation leaves books that settling completes; done again it comes to the same."""
    arrange, act = OPERATIONS[name]
    writes, expected = writes_of(arrange, act)
    for call in (None, *writes):
        world = make_world(arrange)

        killed_at(call, act, world.failing)

        world.check(settled=False)
        world.clean.settle(ID, NOW)
        world.check(settled=True)
        act(world.clean)
        world.clean.settle(ID, NOW)
        world.check(settled=True)
        assert world.outcome() == expected, f"killed after call {call}"


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_lost_answer_of_any_write(make_world, writes_of, disturbed, name):
    """If the answer of any write gets lost, an operation comes to the same as if it hadn't."""
    arrange, act = OPERATIONS[name]
    writes, expected = writes_of(arrange, act)
    for call in writes:
        world = make_world(arrange)
        disturbed.spare(call)
        disturbed.lose_answer()

        act(world.failing)

        world.clean.settle(ID, NOW)
        world.check(settled=True)
        assert world.outcome() == expected, f"the answer of call {call} was lost"


def _by_settling(repository):
    repository.settle(ID, NOW)


def _by_another_change(repository):
    _rename(repository)


def _by_admitting(repository):
    _admit("zoe")(repository)


@pytest.mark.parametrize("completes", [_by_settling, _by_another_change, _by_admitting])
@pytest.mark.parametrize("capacity", [1, 4])
def test_a_killed_resize_is_completed(make_world, writes_of, killed_at, capacity, completes):
    """A change of the capacity that was killed anywhere is completed by whoever settles, changes or comes next."""

    def act(repository):
        resize(repository, capacity)

    writes, _ = writes_of(_waiting, act)
    assert len(writes) > 2
    for call in writes:
        world = make_world(_waiting)
        killed_at(call, act, world.failing)

        completes(world.clean)

        listing = current(world.clean)
        assert (listing.event.capacity, listing.resizing_to) == (capacity, None)
        world.clean.settle(ID, NOW)
        world.check(settled=True)


@pytest.mark.parametrize(
    "change",
    [(1, 60, [2, 51, 51, 19, 2]), (60, 2, [2, 26, 26, 9, 2])],
    ids=["raise, two a seat", "lower, one a seat"],
)
def test_many_seats(make_world, writes_of, killed_at, watched, change):
    """Twenty-five seats are changed at once, and the event checked with them; killed between, the rest is completed."""
    before, after, expected = change
    sizes = []
    watched.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems",
        lambda params, **_: sizes.append(len(params["TransactItems"])),
    )

    def arrange(repository):
        admit(repository, set_up(repository, capacity=before), "ada")

    def act(repository):
        resize(repository, after)

    writes, _ = writes_of(arrange, act)
    assert sizes == expected
    for call in writes:
        world = make_world(arrange)

        killed_at(call, act, world.failing)

        world.check(settled=False)
        world.clean.settle(ID, NOW)
        world.check(settled=True)
        assert current(world.clean).event.capacity == after
