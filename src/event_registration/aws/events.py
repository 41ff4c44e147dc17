"""Events, seats and waiting lists in the registrations' DynamoDB table: never one seat too many or too few."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from attrs import evolve

from event_registration.aws.admission import Admission
from event_registration.aws.catalogue import EventTable
from event_registration.aws.dynamodb import DynamoDBRepository
from event_registration.aws.items import LAST, REGISTRATION
from event_registration.aws.seats import Seats
from event_registration.aws.settling import Settling
from event_registration.aws.table import ConditionFailedError
from event_registration.aws.telling import Telling
from event_registration.errors import EventChangeError, EventExistsError
from event_registration.listing import Listing
from event_registration.model import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from event_registration.event import Event
    from event_registration.model import Registration

__all__ = ["DynamoDBEventRepository"]

# Longer than any function remembers an event and a request takes besides.
_SURELY_FORGOTTEN = timedelta(minutes=1)


class DynamoDBEventRepository(DynamoDBRepository):
    """
    An `EventRepository` in the table of the registrations, made like a `DynamoDBRepository`.

    It needs ``PutItem``, ``GetItem``, ``Query``, ``UpdateItem``, ``DeleteItem`` and ``ConditionCheckItem``. A
    registration for an unlimited event is one conditional put; for a limited one that has unsold seats it is one
    transaction of two puts.
    """

    @cached_property
    def _events(self) -> EventTable:
        return EventTable(self._table)

    @cached_property
    def _seats(self) -> Seats:
        return Seats(self._table)

    @cached_property
    def _settling(self) -> Settling:
        return Settling(self._table, self._events, self._seats, self._identity)

    @cached_property
    def _telling(self) -> Telling:
        return Telling(self._table, self._events)

    @cached_property
    def _admission(self) -> Admission:
        return Admission(self._table, self._seats, self._settling, self._identity)

    def create_event(self, event: Event) -> None:
        """Store a new event, and its copy in the catalogue."""
        if event.capacity is not None and self._has_registrations(event.event_id):
            raise EventChangeError("People have registered under this id without a limit: leave out the capacity.")
        try:
            self._events.create(Listing(event=event))
        except ConditionFailedError:
            raise EventExistsError("There is an event of this id already.") from None

    def find_event(self, event_id: str, *, deadline: float | None = None) -> Listing | None:
        """Return the event by a consistent read, or ``None``."""
        return self._events.find(event_id, deadline)

    def list_events(self) -> Iterator[Listing]:
        """Return all events by queries of the catalogue's partition."""
        return self._events.list()

    def change_event(self, old: Listing, new: Listing, now: datetime) -> Listing:
        """
        Store *new* in the place of *old*.

        Another capacity of a limited event is announced in the event, then brought about seat by seat, then
        published. As long as nobody can have registered, any change is one write.
        """
        wanted = new.event.capacity
        new = evolve(new, changed_at=now)
        try:
            if old.resizing_to is not None:
                wanted = old.resizing_to if wanted == old.event.capacity else wanted
                old = self._completed(old)
            before = old.event.capacity
            if wanted == before or self._is_untouched(old, now):
                return self._events.replace(old, _sized(new, wanted))
            if before is None or wanted is None:
                raise EventChangeError(
                    "An event gets or loses its limit only before anyone has registered and while registration has "
                    "not opened. Let it open ten minutes from now, wait for one, and try again."
                )
            announced = self._events.replace(old, evolve(_sized(new, before), resizing_to=wanted))
        except ConditionFailedError:
            raise EventChangeError("The event was changed in between. Look at it again.") from None
        return self._settling.complete(announced.event.event_id, None) or announced

    def admit(self, registration: Registration, listing: Listing, *, deadline: float | None = None) -> Registration:
        """Store *registration*, each try one transaction that can't sell a seat twice."""
        return self._table.repeatedly(lambda: self._admission.admit(registration, listing, deadline), deadline)

    def prospect(self, listing: Listing, *, deadline: float | None = None) -> Status | None:
        """Return what a newcomer would come to be."""
        event = listing.event
        if event.capacity is None or self._seats.find_unsold(event.event_id, event.capacity, deadline):
            return Status.CONFIRMED
        # As admitting does, by what the event is now: a stranger is told what a newcomer is.
        current = self._events.find(event.event_id, deadline) or listing
        if self._seats.first_unclaimed(current, deadline):
            return Status.CONFIRMED
        return Status.WAITLISTED if current.event.waitlist else None

    def cancel(self, registration: Registration, now: datetime, *, deadline: float | None = None) -> bool:
        """Cancel *registration*, and with it give its seat or place back, in one transaction."""
        return self._table.repeatedly(lambda: self._admission.cancel(registration, now, deadline), deadline)

    def settle(self, event_id: str, now: datetime, *, deadline: float | None = None) -> int:
        """Give free seats to who waits, each in one transaction, after completing a change of the capacity."""
        return self._settling.settle(event_id, now, deadline)

    def digest_of(self, attendee_email: str) -> str:
        """Return the key of the person behind an address in normal form."""
        return self._identity(attendee_email)

    def find_by_digest(self, event_id: str, digest: str, *, deadline: float | None = None) -> Registration | None:
        """Return the registration of the person whose key is *digest* by a consistent read, or ``None``."""
        return self._admission.find(event_id, digest, deadline)

    def position(self, registration: Registration, *, deadline: float | None = None) -> int:
        """Return the person's number among who waits, 1 being next, by a consistent query of all before."""
        return self._seats.count_waiting(registration.event_id, registration.place or 0, deadline)

    def tell(self, event_id: str, now: datetime, *, deadline: float | None = None) -> int:
        """Let the registrations of an event owe its news, each in one conditional put."""
        return self._telling.tell(event_id, now, deadline)

    def _completed(self, old: Listing) -> Listing:
        """Return the event with the capacity that it was being brought to, if nothing else has changed."""
        listing = self._settling.complete(old.event.event_id, None)
        if listing is None or listing.event != _sized(old, old.resizing_to).event:
            raise EventChangeError("The event was changed in between. Look at it again.")
        return listing

    def _is_untouched(self, listing: Listing, now: datetime) -> bool:
        """Tell whether nobody can have registered, not even where an earlier state of the event is remembered."""
        opens_at, changed_at = listing.event.opens_at, listing.changed_at
        is_shut = opens_at is not None and opens_at - now > _SURELY_FORGOTTEN
        is_known = changed_at is None or now - changed_at > _SURELY_FORGOTTEN
        return is_shut and is_known and not self._has_registrations(listing.event.event_id)

    def _has_registrations(self, event_id: str) -> bool:
        return any(self._table.query(event_id, REGISTRATION, REGISTRATION + LAST, limit=1))


def _sized(listing: Listing, capacity: int | None) -> Listing:
    return evolve(listing, event=evolve(listing.event, capacity=capacity), resizing_to=None)
