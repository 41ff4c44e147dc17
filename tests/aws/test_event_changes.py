"""Events in the table that change: what callers still believe, what happens meanwhile, and limits that come and go."""

from datetime import timedelta

import books
import pytest
from attrs import evolve

from event_registration.aws import DynamoDBEventRepository
from event_registration.errors import EventChangeError, EventFullError, RepositoryUnavailableError
from event_registration.listing import Listing
from event_registration.model import Status
from event_registration.testing import KilledError, make_event
from event_registration.testing.guests import NOW, admit, cancel, current, found, names, resize, set_up

ID = "devconf-2026"
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def check(engine_client, table):
    """Return a function that checks that the books are right and nothing is left to do."""

    def check():
        assert books.mistakes(books.read(engine_client, table), settled=True) == []

    return check


def _change(repository, **changes):
    old = current(repository)
    return repository.change_event(old, evolve(old, event=evolve(old.event, **changes)), NOW)


# What callers believe


@pytest.mark.parametrize(
    ("taken", "waitlist"), [(taken, waitlist) for taken in (1, 2, 4) for waitlist in (False, True)]
)
def test_believing_in_more_seats_sells_none(check, clean, events, taken, waitlist):
    """Who still believes in a capacity that was lowered admits nobody beyond the new one."""
    stale = set_up(clean, capacity=5, waitlist=waitlist)
    admit(clean, stale, *(f"early{number}" for number in range(taken)))
    resize(clean, 2)

    for number in range(4):
        try:
            admit(events, stale, f"late{number}")
        except EventFullError:
            assert not waitlist

    assert len(names(clean, Status.CONFIRMED)) == max(taken, 2)
    assert len(names(clean, Status.WAITLISTED)) == (4 + taken - max(taken, 2) if waitlist else 0)
    check()


def test_a_seat_that_is_left_goes_to_who_sits_beyond_a_lowered_capacity(check, clean):
    """Who got a seat above the capacity, which is chance, moves into the first that is left within it."""
    admit(clean, set_up(clean, capacity=3), "ada", "bob", "cleo")
    resize(clean, 2)
    leaving = next(each.attendee_email.partition("@")[0] for each in clean.list(ID) if each.seat == 1)

    cancel(clean, leaving)
    clean.settle(ID, NOW)

    assert {each.seat for each in clean.list(ID) if each.status is Status.CONFIRMED} == {1, 2}
    check()


@pytest.mark.parametrize("waitlist", [False, True], ids=["no list", "a list"])
def test_believing_in_fewer_seats_refuses_nobody(check, clean, events, waitlist):
    """Who still believes in a capacity that was raised admits as many as there are seats now, and no more."""
    stale = set_up(clean, capacity=2, waitlist=waitlist)
    admit(events, stale, "ada", "bob")
    resize(clean, 4)

    admitted = admit(events, stale, "cleo", "dan")

    assert [each.status for each in admitted] == [Status.CONFIRMED] * 2
    if waitlist:
        assert admit(events, stale, "eve")[0].status is Status.WAITLISTED
    else:
        with pytest.raises(EventFullError):
            admit(events, stale, "eve")
    check()


@pytest.mark.parametrize("capacity", [1, 2, 7])
def test_believing_in_seats_while_they_are_resized(check, clean, events, capacity):
    """A resize that was announced and not carried out misleads nobody: whoever finds all sold completes it."""
    listing = set_up(clean, capacity=3, waitlist=True)
    admit(clean, listing, "ada", "bob", "cleo")
    clean._events.replace(listing, evolve(listing, resizing_to=capacity))

    (dan,) = admit(events, listing, "dan")

    assert dan.status is (Status.CONFIRMED if capacity > 3 else Status.WAITLISTED)
    assert current(clean).event.capacity == capacity
    check()


def test_believing_in_a_waiting_list_that_was_closed(clean, events):
    """Whether somebody may wait is decided by the stored event."""
    stale = set_up(clean, capacity=1, waitlist=True)
    admit(clean, stale, "ada")
    _change(clean, waitlist=False)

    with pytest.raises(EventFullError):
        admit(events, stale, "bob")


def test_an_event_that_is_gone_admits_nobody_further(watched, table):
    """Where an event's own row is gone, who finds no unsold seat is asked to come later."""
    time = [0.0]
    repository = DynamoDBEventRepository(
        watched, table, monotonic=lambda: time[0], sleep=lambda seconds: time.__setitem__(0, time[0] + seconds)
    )
    gone = Listing(event=make_event(capacity=1))
    admit(repository, gone, "ada")

    with pytest.raises(RepositoryUnavailableError):
        admit(repository, gone, "bob")

    assert names(repository, Status.CONFIRMED) == ["ada"]


# What happens between reading and writing


def test_a_free_seat_goes_to_one(watched, table, clean, disturbed):
    """Who was about to take a free seat that another has just taken pauses, looks again, and is refused."""
    pauses = []
    events = DynamoDBEventRepository(watched, table, sleep=pauses.append)
    listing = set_up(clean, capacity=1)
    admit(events, listing, "ada")
    with pytest.raises(EventFullError):  # now it is known that all is sold
        admit(events, listing, "zoe")
    cancel(clean, "ada")
    disturbed.spare(4)  # the event, what is free, who is over, who waits
    disturbed.meanwhile(lambda: admit(clean, listing, "eve"))

    with pytest.raises(EventFullError):
        admit(events, listing, "dan")

    assert names(clean, Status.CONFIRMED) == ["eve"]
    assert len(pauses) == 1


def test_a_free_seat_is_nobody_s_once_the_capacity_falls(check, clean, events, disturbed):
    """Who was about to take a free seat while the capacity fell looks again, and is refused."""
    listing = set_up(clean, capacity=2)
    admit(events, listing, "ada", "bob")
    with pytest.raises(EventFullError):
        admit(events, listing, "zoe")
    cancel(clean, "ada")
    disturbed.spare(4)
    disturbed.meanwhile(lambda: resize(clean, 1))

    with pytest.raises(EventFullError):
        admit(events, listing, "dan")

    assert names(clean, Status.CONFIRMED) == ["bob"]
    check()


def test_who_leaves_a_seat_above_leaves_it_out_of_use(check, clean, events, disturbed):
    """Who leaves while the seat comes to lie above the capacity leaves it there, and nobody gets it."""
    listing = set_up(clean, capacity=3)
    admit(clean, listing, "ada", "bob", "cleo")
    (last,) = (name for name in ("ada", "bob", "cleo") if found(clean, name).seat == 3)
    disturbed.spare(2)  # the registration and its seat
    disturbed.meanwhile(lambda: resize(clean, 2))

    assert events.cancel(found(clean, last), NOW)

    clean.settle(ID, NOW)
    check()
    assert events.prospect(current(clean)) is None


def _leave_the_first_seat(repository):
    """Cancel who has seat 1, and return who else is confirmed."""
    (first,) = (name for name in names(repository, Status.CONFIRMED) if found(repository, name).seat == 1)
    cancel(repository, first)
    return names(repository, Status.CONFIRMED)


def _killed_while_lowering(events, disturbed, capacity):
    """Return what begins to lower the capacity and is killed once somebody is marked as sitting above it."""

    def lower():
        # Reading it, announcing it, reading it and its seats again, and the marks.
        disturbed.spare(4)
        disturbed.kill(carried_out=True)
        with pytest.raises(KilledError):
            resize(events, capacity)

    return lower


def test_a_free_seat_is_not_a_newcomers_while_somebody_sits_above(check, clean, events, disturbed):
    """Who was about to take a free seat, when somebody came to sit above the capacity, looks again and is refused."""
    admit(events, set_up(clean, capacity=3), "ada", "bob", "cleo")
    with pytest.raises(EventFullError):
        admit(events, current(clean), "zoe")
    others = _leave_the_first_seat(clean)
    listing = current(clean)
    disturbed.spare(4)
    disturbed.meanwhile(_killed_while_lowering(events, disturbed, 1))

    with pytest.raises(EventFullError):
        admit(events, listing, "dan")

    assert names(clean, Status.CONFIRMED) == others
    check()


def test_nobody_moves_up_while_somebody_sits_above(check, clean, events, disturbed):
    """Who was about to be promoted, when somebody came to sit above the capacity, goes on waiting."""
    admit(events, set_up(clean, capacity=3, waitlist=True), "ada", "bob", "cleo", "dan")
    others = _leave_the_first_seat(clean)
    disturbed.spare(5)  # the event, what is free, who is over, who waits, and that person
    disturbed.meanwhile(_killed_while_lowering(events, disturbed, 1))

    promoted = events.settle(ID, NOW)

    assert promoted == 0
    assert names(clean, Status.CONFIRMED) == others
    check()


def test_nobody_moves_up_once_it_is_called_off(clean, events, disturbed):
    """Who was about to be promoted, when the event was called off, is not."""
    listing = set_up(clean, capacity=1, waitlist=True)
    admit(clean, listing, "ada", "bob")
    cancel(clean, "ada")
    disturbed.spare(5)
    disturbed.meanwhile(lambda: clean.change_event(listing, evolve(listing, is_cancelled=True), NOW))

    promoted = events.settle(ID, NOW)

    assert promoted == 0
    assert names(clean, Status.WAITLISTED) == ["bob"]


def test_a_slow_change_undoes_no_later_one(check, clean, events, disturbed):
    """Who was about to take seats out of use, when others did so and added them again, leaves them in use."""
    set_up(clean, capacity=2)
    resize(clean, 4)  # so that the third and fourth are free
    disturbed.spare(4)

    def do_both():
        clean.settle(ID, NOW)
        resize(clean, 4)

    disturbed.meanwhile(do_both)

    resize(events, 2)

    check()
    assert current(clean).event.capacity == 4
    admit(clean, current(clean), "ada", "bob", "cleo", "dan")


def test_a_place_is_given_once_though_the_counter_is_gone(check, engine_client, table, clean, events):
    """Where somebody deleted the counter of places, who joins the queue gets none that another has."""
    listing = set_up(clean, capacity=1, waitlist=True)
    *_, cleo = admit(clean, listing, "ada", "bob", "cleo")
    engine_client.delete_item(TableName=table, Key={"eventid": {"S": ID}, "sk": {"S": "WAITLIST"}})

    (dan,) = admit(events, listing, "dan")

    assert dan.place == cleo.place + 1
    assert names(clean, Status.WAITLISTED) == ["bob", "cleo", "dan"]
    check()


# Limits

MINUTE = timedelta(minutes=1)
TURNS = pytest.mark.parametrize(("before", "after"), [(None, 5), (5, None)], ids=["to limited", "to unlimited"])


@TURNS
@pytest.mark.parametrize(
    ("opens_in", "is_taken"),
    [(MINUTE + MOMENT, True), (MINUTE, False), (MOMENT, False), (timedelta(0), False), (-MINUTE, False), (None, False)],
    ids=["over a minute", "a minute", "a moment", "now", "open", "always open"],
)
def test_a_limit_comes_and_goes_only_while_shut(clean, before, after, opens_in, is_taken):
    """A limit is added or removed only while registration is shut for more than a minute, though nobody has come."""
    old = set_up(clean, capacity=before, opens_at=None if opens_in is None else NOW + opens_in)

    if is_taken:
        _change(clean, capacity=after)
    else:
        with pytest.raises(EventChangeError, match="gets or loses its limit only before anyone has registered"):
            _change(clean, capacity=after)

    assert current(clean).event.capacity == (after if is_taken else before)
    assert (current(clean) == old) is not is_taken


@TURNS
@pytest.mark.parametrize(
    ("age", "is_taken"), [(timedelta(0), False), (MINUTE, False), (MINUTE + MOMENT, True)], ids=str
)
def test_a_limit_comes_and_goes_only_once_open_doors_are_forgotten(clean, before, after, age, is_taken):
    """A change of the limit comes more than a minute after the last change: a door that was open may be remembered."""
    set_up(clean, capacity=before)
    _change(clean, opens_at=NOW + timedelta(days=1))
    old = current(clean)
    new = evolve(old, event=evolve(old.event, capacity=after))

    if is_taken:
        clean.change_event(old, new, NOW + age)
    else:
        with pytest.raises(EventChangeError):
            clean.change_event(old, new, NOW + age)

    assert current(clean).event.capacity == (after if is_taken else before)


def test_a_new_limit_holds(check, clean):
    """An event that got its limit while shut sells exactly as many seats."""
    set_up(clean, opens_at=NOW + MINUTE + MOMENT)
    listing = _change(clean, capacity=2, waitlist=True)

    admit(clean, listing, "ada", "bob", "cleo")

    assert names(clean, Status.CONFIRMED) == ["ada", "bob"]
    assert names(clean, Status.WAITLISTED) == ["cleo"]
    check()


def test_seats_that_came_and_went_before_anyone_are_nobodys(check, clean):
    """Seats that were added while the door was open, and taken away while it was shut, are given to nobody."""
    set_up(clean, capacity=1, waitlist=True)
    resize(clean, 4)
    _change(clean, opens_at=NOW + timedelta(days=1))
    old = current(clean)
    listing = clean.change_event(old, evolve(old, event=evolve(old.event, capacity=2)), NOW + 2 * MINUTE)

    admit(clean, listing, "ada", "bob", "cleo")
    clean.settle(ID, NOW)

    assert names(clean, Status.CONFIRMED) == ["ada", "bob"]
    check()


# Changes upon changes


@pytest.fixture
def announced(clean):
    """Return an event of three seats whose change to five was announced and then killed."""
    listing = set_up(clean, capacity=3, waitlist=True)
    admit(clean, listing, *(f"p{number}" for number in range(7)))
    clean._events.replace(listing, evolve(listing, resizing_to=5))
    return current(clean)


def test_another_change_completes_the_first(check, clean, announced):
    """A change of something else completes the change of the capacity that it has read, and keeps both."""
    changed = clean.change_event(announced, evolve(announced, event=evolve(announced.event, event_name="New")), NOW)

    clean.settle(ID, NOW)
    assert (changed.event.event_name, changed.event.capacity, changed.resizing_to) == ("New", 5, None)
    assert changed == current(clean)
    assert len(names(clean, Status.CONFIRMED)) == 5
    check()


@pytest.mark.parametrize("capacity", [1, 5, 7])
def test_a_further_size_follows_the_first(check, clean, announced, capacity):
    """A change to yet another capacity completes the first one and then itself."""
    changed = clean.change_event(announced, evolve(announced, event=evolve(announced.event, capacity=capacity)), NOW)

    clean.settle(ID, NOW)
    assert changed == current(clean)
    assert (changed.event.capacity, changed.resizing_to) == (capacity, None)
    assert len(names(clean, Status.CONFIRMED)) == max(capacity, 3)
    check()


@pytest.mark.parametrize("change", [{"event_name": "Other"}, {"capacity": 6}], ids=str)
def test_a_change_of_what_changed_while_it_was_completed_is_refused(clean, announced, change):
    """Who has read a change that was under way, and comes after yet another one, is refused."""
    _change(clean, **change)
    before = current(clean)

    with pytest.raises(EventChangeError):
        clean.change_event(announced, evolve(announced, event=evolve(announced.event, event_name="New")), NOW)

    assert current(clean) == before


def test_a_change_of_what_is_gone_is_refused(clean):
    """A change that was under way of an event that isn't there any more is completed by nobody."""
    gone = Listing(event=make_event(capacity=1), resizing_to=3)

    with pytest.raises(EventChangeError):
        clean.change_event(gone, gone, NOW)

    assert clean.find_event(ID) is None


@pytest.mark.parametrize("capacity", [3, 5, 6], ids=["no size", "the announced size", "another size"])
def test_news_after_an_announced_size_reach_who_came_between(clean, announced, capacity):
    """Who registers once the capacity has changed, and before the news are stored, is told of them."""
    completed = clean._settling.complete(ID, None)
    between = evolve(found(clean, "p0"), told_of=completed.revision)
    moved = evolve(announced.event, venue="Hall 2", capacity=capacity)

    clean.change_event(announced, evolve(announced, event=moved, news=announced.revision + 1, telling=""), NOW)

    assert current(clean).news_for(between) == "moved"
