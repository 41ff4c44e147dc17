"""Which seats of an event are known to be sold: a hint which one to try, which saves tries and decides nothing."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

__all__ = ["FIRST_PART", "SeatMap"]

_GUESSES = 16
_FIRST_LOOK = 2

FIRST_PART = 740
"""So many seats are looked at first: their rows have 110 bytes, and a unit reads 4 KB, so that they cost 20 units."""


class SeatMap:
    """
    The seats of one event that were sold, given back or retired: once a seat's key exists it always will.

    It guesses at random, so that many callers at once seldom try the same seat: any of those that were unsold when it
    last looked, else any that it doesn't know.

    Args:
        chance: Returns a number from 0 to 1, evenly spread.
    """

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._sold: set[int] = set()
        self._unsold: list[int] = []
        self._sold_out_to = 0
        self._misses = 0
        self._look_at = _FIRST_LOOK
        self._lock = Lock()

    def guess(self, capacity: int) -> int | None:
        """Return a seat that may be unsold, or ``None`` if each from 1 to *capacity* is known to be sold."""
        with self._lock:
            if capacity <= self._sold_out_to:
                return None
            self._unsold = [seat for seat in self._unsold if seat <= capacity and seat not in self._sold]
            if self._unsold:
                return self._unsold[self._any(len(self._unsold)) - 1]
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

    def parts(self, capacity: int) -> Iterator[tuple[int, int]]:
        """
        Yield the first and the last seat of each part of the ledger that isn't known to be sold, as to be looked at.

        It begins anywhere, with few, and goes round once, with twice as many each time: where some are unsold, many
        functions that know nothing yet read little each, and where none is, all of it in few calls.
        """
        # Who looks again looks at more: what many have come through soon knows all, and seldom guesses wrong.
        width = FIRST_PART * max(self._look_at // (2 * _FIRST_LOOK), 1)
        first = self._any(capacity) if capacity > width else 1
        left = capacity
        while left:
            last = min(first + min(width, left) - 1, capacity)
            if not self._sold.issuperset(range(first, last + 1)):
                yield first, last
            left -= last - first + 1
            first = last % capacity + 1
            width *= 2

    def looked(self, first: int, last: int, sold: Collection[int]) -> bool:
        """Remember which seats from *first* to *last* are *sold*; tell whether any is not."""
        with self._lock:
            self._sold.update(sold)
            self._unsold = [seat for seat in range(first, last + 1) if seat not in self._sold]
            return bool(self._unsold)

    def missed(self, seat: int) -> bool:
        """
        Remember a *seat* that was guessed wrong; tell whether to look at the ledger before the next guess.

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
