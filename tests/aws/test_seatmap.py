"""The seat map guesses what is unsold, and never says that all is sold as long as something may not be."""

import itertools
import random

import pytest

from event_registration.aws.seatmap import SeatMap
from event_registration.testing import at_once


def _always(number):
    return lambda: number


def _sold(*seats, chance=random.random):
    seat_map = SeatMap(chance)
    seat_map.sold(seats)
    return seat_map


@pytest.mark.parametrize(("chance", "seat"), [(0.0, 1), (0.19, 1), (0.2, 2), (0.5, 3), (0.999, 5), (1.0, 5)], ids=str)
def test_chance_decides(chance, seat):
    """Each seat up to the capacity is guessed for its even share of chance, the edges too."""
    assert SeatMap(_always(chance)).guess(5) == seat


def test_one_seat_is_a_seat():
    """Of an event with one seat that one is guessed."""
    assert SeatMap(random.random).guess(1) == 1


def test_spreads_over_all_seats():
    """Many who guess at once seldom guess alike: over time every seat comes up."""
    chance = random.Random(2026)
    seat_map = SeatMap(chance.random)

    guesses = {seat_map.guess(20) for _ in range(500)}

    assert guesses == set(range(1, 21))


@pytest.mark.parametrize("unsold", [1, 37, 50])
def test_finds_the_last_unsold_seat(unsold):
    """Where chance keeps hitting what is sold, the one seat that isn't is found all the same."""
    sold = [seat for seat in range(1, 51) if seat != unsold]
    seat_map = _sold(*sold, chance=_always((sold[0] - 0.5) / 50))

    assert seat_map.guess(50) == unsold


def test_any_of_the_last_seats_may_be_guessed():
    """Where few are left, they are guessed at random too and not in a row."""
    # Sixteen guesses at seat 1, which is sold, and then any of the three that are not.
    chance = itertools.chain.from_iterable([0.0] * 16 + [last] for last in (0.0, 0.5, 0.9))
    seat_map = _sold(*range(1, 98), chance=lambda: next(chance))

    assert [seat_map.guess(100) for _ in range(3)] == [98, 99, 100]


def test_says_when_all_is_sold():
    """When every seat up to the capacity is known to be sold there is nothing to guess."""
    seat_map = _sold(1, 2, 3)

    assert seat_map.guess(3) is None


def test_a_higher_capacity_has_seats_again():
    """Sold out is said of one capacity and those below it; above it there may be seats."""
    seat_map = _sold(1, 2, 3)
    seat_map.guess(3)

    assert [seat_map.guess(capacity) for capacity in (2, 3, 4)] == [None, None, 4]


def test_sold_out_costs_no_further_look():
    """What is sold out once is known to be: no chance is taken again."""
    tried = []
    seat_map = _sold(1, 2, chance=lambda: tried.append(1) or 0.0)
    seat_map.guess(2)
    tried.clear()

    assert seat_map.guess(2) is None
    assert tried == []


def test_does_not_guess_what_was_missed():
    """A seat that turned out to be sold is not guessed again."""
    seat_map = SeatMap(_always(0.0))
    seat_map.missed(1)

    assert seat_map.guess(2) == 2


def test_looks_at_all_seats_ever_more_seldom():
    """After the second miss all seats are to be looked at, and then each time after twice as many misses."""
    seat_map = SeatMap(random.random)

    looks = [number for number in range(1, 40) if seat_map.missed(number)]

    assert looks == [2, 2 + 4, 2 + 4 + 8, 2 + 4 + 8 + 16]


@pytest.mark.parametrize("capacity", [1, 740, 741, 5_000, 12_345])
def test_looks_at_each_seat_once(capacity):
    """The parts are all of the ledger, each twice as large as the one before but where it ends and begins anew."""
    parts = list(SeatMap(random.Random(8).random).parts(capacity))

    assert sorted(seat for first, last in parts for seat in range(first, last + 1)) == list(range(1, capacity + 1))
    assert parts[0][1] - parts[0][0] < 740
    assert len(parts) <= 7


def test_looks_at_nothing_twice():
    """A part that is known to be sold is not looked at again."""
    seat_map = _sold(*range(2_501, 3_241), chance=_always(0.5))

    assert next(seat_map.parts(5_000)) == (3_241, 4_720)


def test_looks_at_more_each_time():
    """The second look's first part is twice as large."""
    seat_map = SeatMap(_always(0.0))
    for seat in (1, 2, 3, 4, 5, 6):
        seat_map.missed(seat)

    assert next(seat_map.parts(5_000)) == (1, 1_480)


def test_begins_anywhere():
    """Where a large ledger is begun is chance; a small one is one part."""
    assert next(SeatMap(_always(0.5)).parts(5_000)) == (2_501, 3_240)
    assert list(SeatMap(_always(0.5)).parts(740)) == [(1, 740)]


def test_guesses_what_was_unsold():
    """After a look any of the seats that were unsold in it is guessed, as long as they may be, and then any other."""
    seat_map = SeatMap(_always(0.0))

    assert not seat_map.looked(1, 3, {1, 2, 3})
    assert seat_map.looked(4, 6, {5})
    assert seat_map.guess(10) == 4
    seat_map.sold([4])
    assert seat_map.guess(10) == 6
    assert seat_map.guess(5) is None or seat_map.guess(5) > 6
    seat_map.sold([6])
    assert seat_map.guess(10) == 7


def test_many_may_use_it():
    """Threads that share a map lose nothing of what they remember."""
    seat_map = SeatMap(random.random)

    at_once(*(lambda first=first: [seat_map.missed(seat) for seat in range(first, 801, 8)] for first in range(1, 9)))

    assert seat_map.guess(800) is None
