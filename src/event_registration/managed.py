"""Registers an attendee for an event that its organiser has set up: its name, its door, its seats and its queue."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from event_registration.catalogue import Catalogue
from event_registration.clock import utc_now
from event_registration.errors import (
    InvalidRegistrationError,
    NotifierError,
    RepositoryError,
    TransientNotifierError,
    UnknownEventError,
)
from event_registration.listing import EventState, refusal
from event_registration.model import Status, new_registration_id
from event_registration.outbox import Debtor
from event_registration.rules import check_event_id, normalise_event_id
from event_registration.schedule import Schedule
from event_registration.service import OnDuplicate, RegistrationService

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from event_registration.delivery import Delivered
    from event_registration.errors import EventRegistrationError, Problem
    from event_registration.event import Event
    from event_registration.listing import Listing
    from event_registration.model import Registration
    from event_registration.ports import Clock, EventRepository
    from event_registration.relay import Relay

__all__ = ["EventRegistrationService"]

# How long who comes serves the queue for others too; the rest is the schedule's.
_SECONDS_TO_SERVE = 1.0


class EventRegistrationService(RegistrationService):
    """
    Takes registrations for the events of a catalogue: within their hours, up to their capacity, in order.

    Args:
        repository: Where events and registrations are kept.
        relay: What sends the mail of who registers at once; ``None`` leaves it due, for another `Relay` to send.
        event_ids: The only event ids that are taken; ``None`` takes all of the catalogue.
        on_duplicate: Whether a repeat is answered as if it were the first, or refused.
        clock: Tells the time that is stored, and that doors open and close by.
        monotonic: The clock of deadlines and of the catalogue's age, in seconds.
        new_id: Makes the id of each registration.
        cache_seconds: How long an event that was read is good for, at most 30.
    """

    def __init__(  # noqa: PLR0913 - parts and policies, all keyword-only but the two that everyone gives
        self,
        repository: EventRepository,
        relay: Relay | None,
        *,
        event_ids: Collection[str] | None = None,
        on_duplicate: OnDuplicate = OnDuplicate.ANSWER,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = new_registration_id,
        cache_seconds: float = 5.0,
    ) -> None:
        super().__init__(
            repository,
            None,
            event_ids=event_ids,
            on_duplicate=on_duplicate,
            clock=clock,
            monotonic=monotonic,
            new_id=new_id,
        )
        self._events = repository
        self._relay = relay
        # A repository relies on it that nobody believes for a minute what an event was (`change_event`).
        self._catalogue = Catalogue(repository, seconds=min(cache_seconds, 30.0), monotonic=monotonic)

    def card(self, event_id: str, *, deadline: float | None = None) -> tuple[Event, EventState]:
        """
        Return an event and what a newcomer meets at its door now.

        Args:
            event_id: The event.
            deadline: The instant of *monotonic* by which the caller must have answered.

        Raises:
            UnknownEventError: There is no such event.
            RepositoryError: The repository failed.
        """
        look_by = Schedule.until(deadline, self._monotonic()).store_by
        listing = self._listing(event_id, look_by)
        now = self._clock()
        is_open = listing.door_at(now) is EventState.OPEN
        return listing.event, listing.state_at(
            now, self._events.prospect(listing, deadline=look_by) if is_open else None
        )

    def find_event(self, event_id: str, *, deadline: float | None = None) -> Event:
        """
        Return an event as it was seconds ago.

        Args:
            event_id: The event.
            deadline: The instant of *monotonic* by which it must be read.

        Raises:
            UnknownEventError: There is no such event.
            RepositoryError: The repository failed.
        """
        return self._listing(event_id, deadline).event

    def problems_of(self, event_id: object, answers: object, *, deadline: float | None = None) -> tuple[Problem, ...]:
        """
        Return what is wrong with *answers* to an event's questions; nothing if there is no such event.

        It is for telling them along with other fields' problems; `register` looks itself.

        Raises:
            RepositoryError: The repository failed.
        """
        name = normalise_event_id(event_id) if isinstance(event_id, str) else ""
        if not name or check_event_id(name):
            return ()
        try:
            look_by = Schedule.until(deadline, self._monotonic()).store_by
            _answered(self._listing(name, look_by).event, answers)
        except UnknownEventError:
            return ()
        except InvalidRegistrationError as error:
            return error.problems
        return ()

    def _named(self, registration: Registration, store_by: float | None) -> Registration:
        event = self._listing(registration.event_id, store_by).event
        return registration.changed(event_name=event.event_name, answers=_answered(event, registration.answers))

    def _listing(self, event_id: str, look_by: float | None) -> Listing:
        self._check_event_id(event_id)
        return self._catalogue.find(event_id, deadline=look_by)

    def _mailed(self, stored: Registration, _now: datetime, schedule: Schedule, *, is_first: bool) -> Delivered:  # noqa: ARG002 - first or not, what is due is sent
        if self._relay is None:
            return stored, None
        debtor = Debtor(stored.event_id, self._events.digest_of(stored.attendee_email))
        try:
            troubles = self._relay.deliver(debtor, deadline=schedule.deadline).troubles
        except RepositoryError as error:
            troubles = (error,)
        return stored, _late(troubles[0]) if troubles else None

    def _store(self, asked: Registration, now: datetime, store_by: float | None) -> Delivered:
        listing = self._catalogue.find(asked.event_id, deadline=store_by)
        door = listing.door_at(now)
        trouble = None
        if door is EventState.CANCELLED:
            raise refusal(door)
        if door is not EventState.OPEN:
            found = self._repository.find(asked.event_id, asked.attendee_email, deadline=store_by)
            stored = None if found is None else found.changed(event_name=asked.event_name)
            if stored is None or stored.status is Status.CANCELLED or not stored.same_details(asked):
                raise refusal(door)
            return stored, None
        asked = asked.changed(told_of=listing.revision)
        stored = self._events.admit(asked, listing, deadline=store_by)
        if stored.status is Status.WAITLISTED:
            stored, trouble = self._served(stored, now, store_by)
        # The catalogue's name may have changed since; the answer and the mail have today's.
        return stored.changed(event_name=asked.event_name), trouble

    def _served(self, waiting: Registration, now: datetime, store_by: float | None) -> Delivered:
        """Serve the queue that *waiting* has joined. It has, whatever fails from here on."""
        trouble = None
        serve_by = self._monotonic() + _SECONDS_TO_SERVE
        try:
            self._events.settle(
                waiting.event_id, now, deadline=serve_by if store_by is None else min(serve_by, store_by)
            )
        except RepositoryError as error:
            trouble = error
        try:
            # Whoever serves the queue may have promoted the person meanwhile, and mailed so.
            found = self._events.find(waiting.event_id, waiting.attendee_email, deadline=store_by)
        except RepositoryError as error:
            return waiting, error
        is_same = found is not None and found.registration_id == waiting.registration_id
        return (found if found and is_same and found.status is not Status.CANCELLED else waiting), trouble

    def _as_newcomer(self, asked: Registration, store_by: float | None) -> Registration:
        prospect = self._events.prospect(self._catalogue.find(asked.event_id, deadline=store_by), deadline=store_by)
        if prospect is None:
            raise refusal(EventState.FULL)
        return asked.changed(status=prospect, registered_at=None)


def _late(trouble: EventRegistrationError) -> EventRegistrationError:
    """Return *trouble* as the mail's: what else can fail is the queue's."""
    if isinstance(trouble, NotifierError):
        return trouble
    late = TransientNotifierError(f"The mail is late: {trouble}")
    late.__cause__ = trouble
    return late


def _answered(event: Event, answers: object) -> dict[str, Any]:
    """Return *answers* in normal form; where nothing is asked, whatever was sent is left alone."""
    return event.questionnaire.answers_of(answers) if event.questionnaire else {}
