"""Hands free seats on, in order, and brings an event's seats to another capacity: each step one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from event_registration.aws import ledger
from event_registration.aws.table import ChangedError
from event_registration.errors import RepositoryUnavailableError

if TYPE_CHECKING:
    from datetime import datetime

    from event_registration.aws.catalogue import EventTable
    from event_registration.aws.items import Action
    from event_registration.aws.seats import Seats
    from event_registration.aws.table import Table
    from event_registration.listing import Listing
    from event_registration.model import Registration
    from event_registration.rules import Identity

__all__ = ["Settling"]

_SEATS_AT_ONCE = 25  # "TransactWriteItems" takes 100 actions; a seat needs two


class Settling:
    """
    Settles and resizes the limited events of a table.

    Every step may be the last one before a crash: the next call begins with what it left. Whatever others change
    between reading and writing makes a step begin anew.

    Args:
        table: The table.
        events: Its events.
        seats: Its ledger.
        identity: Maps an address in normal form to the person's key.
    """

    def __init__(self, table: Table, events: EventTable, seats: Seats, identity: Identity) -> None:
        self._table = table
        self._events = events
        self._seats = seats
        self._identity = identity

    def settle(self, event_id: str, now: datetime, deadline: float | None) -> int:
        """Give the free seats of an event away, as many as there is time for; return how many people were promoted."""
        promoted = 0
        try:
            while (count := self._table.repeatedly(lambda: self._step(event_id, now, deadline), deadline)) is not None:
                promoted += count
        except RepositoryUnavailableError:
            if not promoted:
                raise
        return promoted

    def complete(self, event_id: str, deadline: float | None) -> Listing | None:
        """Return an event as it is stored, after a change of its capacity that is under way is done."""
        return self._table.repeatedly(lambda: self._complete(event_id, deadline), deadline)

    def _step(self, event_id: str, now: datetime, deadline: float | None) -> int | None:
        """Do one thing with one free seat and return how many people that promoted; ``None`` if all is settled."""
        listing = self.complete(event_id, deadline)
        if listing is None or listing.limit is None:
            return None
        seat = self._seats.first_free(event_id, deadline)
        if seat is None:
            return None
        if seat > listing.limit:
            return self._carry_out(listing, ledger.retire(event_id, seat, is_unsold=False), deadline)
        if holder := self._seats.first_over(event_id, deadline):
            return self._move(listing, holder, seat, deadline, is_unsold=False)
        waiting = self._seats.first_waiting(event_id, deadline) if listing.promotes_at(now) else None
        if waiting is None:
            return None
        self._carry_out(listing, ledger.promote(waiting, self._digest(waiting), seat, now), deadline)
        return 1

    def _complete(self, event_id: str, deadline: float | None) -> Listing | None:
        listing = self._events.find(event_id, deadline)
        if listing is None or listing.resizing_to is None:
            return listing
        self._resize(listing, listing.event.capacity or 0, listing.resizing_to, deadline)
        done = evolve(listing, event=evolve(listing.event, capacity=listing.resizing_to), resizing_to=None)
        return self._events.replace(listing, done, deadline)

    def _resize(self, listing: Listing, old: int, new: int, deadline: float | None) -> None:
        event_id = listing.event.event_id
        low, high = sorted((old, new))
        change = _raised if new > old else _lowered
        states = self._seats.states(event_id, low + 1, high, deadline)
        steps = [step for seat in range(low + 1, high + 1) if (step := change(event_id, seat, states.get(seat)))]
        for first in range(0, len(steps), _SEATS_AT_ONCE):
            actions = [action for step in steps[first : first + _SEATS_AT_ONCE] for action in step]
            self._carry_out(listing, actions, deadline)
        if new < old:
            self._move_down(listing, new, deadline)

    def _move_down(self, listing: Listing, capacity: int, deadline: float | None) -> None:
        """Move who sits above *capacity* into free and unsold seats within it, as long as there are any."""
        event_id = listing.event.event_id
        while holder := self._seats.first_over(event_id, deadline):
            free = self._seats.first_free(event_id, deadline)
            seat = free or self._seats.find_unsold(event_id, capacity, deadline)
            if seat is None:
                return
            self._move(listing, holder, seat, deadline, is_unsold=free is None)

    def _move(
        self, listing: Listing, holder: Registration, seat: int, deadline: float | None, *, is_unsold: bool
    ) -> int:
        if seat == holder.seat:  # the two were read one after the other, and it changed hands between
            raise ChangedError
        return self._carry_out(listing, ledger.move(holder, self._digest(holder), seat, is_unsold=is_unsold), deadline)

    def _carry_out(self, listing: Listing, actions: list[Action], deadline: float | None) -> int:
        """Carry out *actions* if the event is still as it was read: what they rest on may have changed with it."""
        self._table.check_time(deadline)  # each step alone may be quick, and there may be thousands
        self._table.transact([*actions, ledger.as_read(listing)], deadline)
        return 0

    def _digest(self, registration: Registration) -> str:
        return self._identity(registration.attendee_email)


def _raised(event_id: str, seat: int, row: dict[str, Any] | None) -> list[Action]:
    """Return what makes a seat one within the capacity."""
    if row is None or row["state"] == "retired":
        return ledger.put_back(event_id, seat, is_unsold=row is None)
    return ledger.keep_within(event_id, seat, row["held_by"]) if row.get("over") else []


def _lowered(event_id: str, seat: int, row: dict[str, Any] | None) -> list[Action]:
    """Return what makes a seat one above the capacity."""
    if row is None or row["state"] == "free":
        return ledger.retire(event_id, seat, is_unsold=row is None)
    return ledger.keep_over(event_id, seat, row["held_by"]) if row["state"] == "held" and not row.get("over") else []
