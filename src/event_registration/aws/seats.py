"""Reads the seat ledger: which seat to try, what is free, who waits, and who is above the capacity."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from event_registration.aws.items import LAST, REGISTRATION, delete, put
from event_registration.aws.ledger import FREE, OVER, WAITLIST, number_of, seat_key
from event_registration.aws.seatmap import FIRST_PART, SeatMap
from event_registration.aws.table import ChangedError
from event_registration.errors import RepositoryError
from event_registration.model import Status
from event_registration.wire import registration_from_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.aws.table import Table
    from event_registration.listing import Listing
    from event_registration.model import Registration

__all__ = ["Seats"]

_MOST_MAPS = 1000
_SOLD_OUT = "SOLD_OUT"


class Seats:
    """
    What the ledger of a table says.

    Args:
        table: The table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._maps: OrderedDict[str, SeatMap] = OrderedDict()
        self._lock = Lock()

    def guess(self, event_id: str, capacity: int) -> int | None:
        """Return a seat that may be unsold; ``None`` if none is, which stays true for this capacity."""
        return self._map(event_id).guess(capacity)

    def sold(self, event_id: str, seat: int) -> None:
        """Remember that a seat was sold by us."""
        self._map(event_id).sold([seat])

    def missed(self, event_id: str, seat: int, capacity: int, deadline: float | None) -> None:
        """
        Remember that a guess was wrong; after some, look for an unsold seat by consistent queries.

        That there is none stays true for this capacity. Of a large event it is written down by who finds it out, and
        read before each part of the ledger, so that of a thousand functions that begin at once few read all of it.
        """
        seats = self._map(event_id)
        if not seats.missed(seat):
            return
        is_large = capacity > FIRST_PART
        for first, last in seats.parts(capacity):
            if is_large and self._is_sold_out(event_id, capacity, deadline):
                seats.sold(range(1, capacity + 1))
                return
            if seats.looked(first, last, self.states(event_id, first, last, deadline)):
                return
        if is_large:
            # Who can't write it leaves it to the next one: it saves reading, and decides nothing.
            with suppress(RepositoryError):
                self._table.write(put({"eventid": event_id, "sk": _SOLD_OUT, "seats": capacity}, ""), deadline)

    def find_unsold(self, event_id: str, capacity: int, deadline: float | None) -> int | None:
        """Return a seat that was unsold when it was looked at, or ``None``."""
        while seat := self.guess(event_id, capacity):
            if self._table.get(event_id, seat_key(seat), deadline) is None:
                return seat
            self.missed(event_id, seat, capacity, deadline)
        return None

    def states(self, event_id: str, first: int, last: int, deadline: float | None) -> dict[int, dict[str, Any]]:
        """Return the rows of the seats from *first* to *last* that aren't unsold, by number."""
        rows = self._table.query(event_id, seat_key(first), seat_key(last), deadline=deadline)
        return {number_of(row): row for row in rows}

    def seat(self, event_id: str, seat: int, deadline: float | None) -> dict[str, Any] | None:
        """Return the row of a seat."""
        return self._table.get(event_id, seat_key(seat), deadline)

    def first_free(self, event_id: str, deadline: float | None) -> int | None:
        """Return the lowest free seat."""
        row = self._first(event_id, FREE, deadline)
        return number_of(row) if row else None

    def first_over(self, event_id: str, deadline: float | None) -> Registration | None:
        """
        Return who holds the lowest seat above the capacity.

        Raises:
            ChangedError: The person has another seat since.
        """
        row = self._first(event_id, OVER, deadline)
        return self._person(row, lambda holder: holder.seat == number_of(row), deadline) if row else None

    def first_waiting(self, event_id: str, deadline: float | None) -> Registration | None:
        """
        Return the head of the queue.

        Raises:
            ChangedError: The person doesn't wait since.
        """
        row = self._first(event_id, WAITLIST, deadline)
        return self._person(row, lambda person: person.status is Status.WAITLISTED, deadline) if row else None

    def count_waiting(self, event_id: str, place: int, deadline: float | None) -> int:
        """Return how many wait at *place* and before it."""
        return sum(1 for _ in self._table.query(event_id, WAITLIST, f"{WAITLIST}{place:012}", deadline=deadline))

    def first_unclaimed(self, listing: Listing, deadline: float | None) -> int | None:
        """Return a free seat that nobody who came before has a claim to."""
        event_id = listing.event.event_id
        seat = self.first_free(event_id, deadline)
        if seat is None or seat > (listing.limit or 0):
            return None
        if self._first(event_id, OVER, deadline) or self._first(event_id, WAITLIST, deadline):
            return None
        return seat

    def _is_sold_out(self, event_id: str, capacity: int, deadline: float | None) -> bool:
        """Tell whether it is written down that each seat up to *capacity* was sold once."""
        row = self._table.get(event_id, _SOLD_OUT, deadline)
        return row is not None and row["seats"] >= capacity

    def _first(self, event_id: str, prefix: str, deadline: float | None) -> dict[str, Any] | None:
        return next(self._table.query(event_id, prefix, prefix + LAST, limit=1, deadline=deadline), None)

    def _person(
        self, row: dict[str, Any], is_as_read: Callable[[Registration], bool], deadline: float | None
    ) -> Registration:
        person = self._holder(row, deadline)
        if person is None:
            # Nothing of ours deletes a registration: somebody did by hand, and what points to it would be in the way.
            self._table.write(delete(row["eventid"], row["sk"], ""), deadline)
        if person is None or not is_as_read(person):
            raise ChangedError
        return person

    def _holder(self, row: dict[str, Any], deadline: float | None) -> Registration | None:
        found = self._table.get(row["eventid"], REGISTRATION + row["held_by"], deadline)
        return registration_from_row(found) if found else None

    def _map(self, event_id: str) -> SeatMap:
        with self._lock:
            if event_id not in self._maps:
                self._maps[event_id] = SeatMap(self._table.jitter)
                if len(self._maps) > _MOST_MAPS:
                    self._maps.popitem(last=False)
            self._maps.move_to_end(event_id)
            return self._maps[event_id]
