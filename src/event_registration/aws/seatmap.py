"""Which seats of an event are known to be sold: a hint which one to try, which saves tries and decides nothing."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["SeatMap"]

_GUESSES = 16
_FIRST_LOOK = 2


class SeatMap:
    """
    The seats of one event that were sold, given back or retired: once a seat's key exists it always will.

    What it doesn't know it guesses at random, so that many callers at once seldom try the same seat.

    Args:
        chance: Returns a number from 0 to 1, evenly spread.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._sold: set[int] = set()
        self._sold_out_to = 0
        self._misses = 0
        self._look_at = _FIRST_LOOK
        self._lock = Lock()

    def guess(self, capacity: int) -> int | None:
        """Return a seat that may be unsold, or ``None`` if each from 1 to *capacity* is known to be sold."""
        with self._lock:
            if capacity <= self._sold_out_to:
                return None
            for _ in range(_GUESSES):
                seat = self._any(capacity)
                if seat not in self._sold:
                    return seat
            unsold = [seat for seat in range(1, capacity + 1) if seat not in self._sold]
            if unsold:
                return unsold[self._any(len(unsold)) - 1]
            self._sold_out_to = capacity
            return None

    def sold(self, seats: Iterable[int]) -> None:
        """Remember *seats*."""
        with self._lock:
            self._sold.update(seats)

    def missed(self, seat: int) -> bool:
        """
        Remember a *seat* that was guessed wrong; tell whether to look at all seats before the next guess.

        That is after the second miss, and each time after twice as many as before.
        """
        with self._lock:
            self._sold.add(seat)
            self._misses += 1
            if self._misses < self._look_at:
                return False
            self._misses = 0
            self._look_at *= 2
            return True

    def _any(self, count: int) -> int:
        return min(int(self._chance() * count), count - 1) + 1
