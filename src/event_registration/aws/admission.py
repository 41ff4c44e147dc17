"""Lets people into an event and out again: each try one transaction that can't sell a seat twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from event_registration.aws import ledger
from event_registration.aws.items import REGISTRATION
from event_registration.aws.table import ChangedError, ConditionFailedError
from event_registration.listing import EventState, refusal
from event_registration.model import Status
from event_registration.wire import registration_from_row

if TYPE_CHECKING:
    from datetime import datetime

    from event_registration.aws.items import Action
    from event_registration.aws.seats import Seats
    from event_registration.aws.settling import Settling
    from event_registration.aws.table import Table
    from event_registration.listing import Listing
    from event_registration.model import Registration
    from event_registration.rules import Identity

__all__ = ["Admission"]


class Admission:
    """
    Admits and cancels.

    Args:
        table: The table.
        seats: Its ledger.
        settling: Tells what an event is now.
        identity: Maps an address in normal form to the person's key.
    """

    def __init__(self, table: Table, seats: Seats, settling: Settling, identity: Identity) -> None:
        self._table = table
        self._seats = seats
        self._settling = settling
        self._identity = identity

    def admit(self, asked: Registration, listing: Listing, deadline: float | None) -> Registration:
        """
        Store *asked* with a seat or a place, or return the person's registration if there is a live one.

        Raises:
            ChangedError: Others were faster; try again.
            EventFullError: There is neither.
        """
        digest = self._identity(asked.attendee_email)
        old: Registration | None = None
        while old is None or old.status is Status.CANCELLED:
            new = asked if old is None else asked.after(old)
            entrant = ledger.Entrant(new=new, digest=digest, old=old)
            seat = self._guess(listing)
            try:
                stored, actions = self._way_in(entrant, listing, seat, deadline)
                self._carry_out(actions, deadline)
            except ConditionFailedError as failed:
                if 0 in failed.found:  # the person's own row is not as it was
                    old = self._met(entrant, failed, deadline)
                elif seat is None:
                    raise
                else:
                    self._seats.missed(asked.event_id, seat, listing.event.capacity or seat, deadline)
            else:
                if seat is not None:
                    self._seats.sold(asked.event_id, seat)
                return stored
        return old

    def cancel(self, registration: Registration, now: datetime, deadline: float | None) -> bool:
        """
        Cancel *registration*, and with it give its seat or place back; tell whether it is cancelled now.

        Raises:
            ChangedError: Others were faster; try again.
        """
        event_id, digest = registration.event_id, self._identity(registration.attendee_email)
        current = self.find(event_id, digest, deadline)
        if current is None or current.registration_id != registration.registration_id:
            return False
        if current.status is Status.CANCELLED:
            return True
        if current.revision != registration.revision:
            return False
        seat = None if current.seat is None else self._seats.seat(event_id, current.seat, deadline)
        self._carry_out(ledger.cancel(current, digest, now, is_over=seat is not None and "over" in seat), deadline)
        return True

    def _guess(self, listing: Listing) -> int | None:
        capacity = listing.event.capacity
        return None if capacity is None else self._seats.guess(listing.event.event_id, capacity)

    def _way_in(
        self, entrant: ledger.Entrant, listing: Listing, seat: int | None, deadline: float | None
    ) -> ledger.Admitted:
        """Return a newcomer as admitted, to *seat* if that may be unsold, and the writes that make it so."""
        if listing.event.capacity is None:
            return ledger.enter(entrant)
        if seat is not None:
            return ledger.sell(entrant, seat)
        return self._when_sold_out(entrant, deadline)

    def _when_sold_out(self, entrant: ledger.Entrant, deadline: float | None) -> ledger.Admitted:
        """Return the same of an event without unsold seats, by what the event is now."""
        event_id = entrant.new.event_id
        current = self._settling.complete(event_id, deadline)
        if current is None:
            raise ChangedError
        if seat := self._seats.first_unclaimed(current, deadline):
            new, actions = ledger.take(entrant, seat)
            return new, [*actions, ledger.as_read(current)]
        row = self._table.get(event_id, REGISTRATION + entrant.digest, deadline)
        if row and registration_from_row(row).status is not Status.CANCELLED:
            raise ConditionFailedError({0: row}, after_lost_answer=False)  # a repeat, which a write would have met
        if not current.event.waitlist:
            raise refusal(EventState.FULL)
        place = self._table.increment(event_id, ledger.PLACES, "places", deadline)
        return ledger.join(entrant, place)

    def _met(self, entrant: ledger.Entrant, failed: ConditionFailedError, deadline: float | None) -> Registration:
        if row := failed.found[0]:
            return registration_from_row(row)
        found = self.find(entrant.new.event_id, entrant.digest, deadline)  # an engine that does not return it
        if found is None:
            raise ChangedError
        return found

    def find(self, event_id: str, digest: str, deadline: float | None) -> Registration | None:
        """Return the registration of the person whose key is *digest*, or ``None``."""
        row = self._table.get(event_id, REGISTRATION + digest, deadline)
        return registration_from_row(row) if row else None

    def _carry_out(self, actions: list[Action], deadline: float | None) -> None:
        """Carry out *actions*, all or none."""
        if len(actions) == 1:
            self._table.write(actions[0], deadline)
        else:
            self._table.transact(actions, deadline)
