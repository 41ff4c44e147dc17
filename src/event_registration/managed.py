"""Registers an attendee for an event that its organiser has set up: its name, its door, its seats and its queue."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from event_registration.catalogue import Catalogue
from event_registration.confirmation import render
from event_registration.delivery import Schedule
from event_registration.errors import (
    EventRegistrationError,
    InvalidRegistrationError,
    RepositoryError,
    RepositoryUnavailableError,
    UnknownEventError,
)
from event_registration.event import EventState, refusal
from event_registration.links import Link
from event_registration.model import Status, new_registration_id
from event_registration.ports import utc_now
from event_registration.rules import check_event_id, normalise_event_id
from event_registration.service import OnDuplicate, RegistrationService

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from event_registration.delivery import Delivered
    from event_registration.errors import Problem
    from event_registration.event import Event, Listing
    from event_registration.links import Links
    from event_registration.model import Message, Registration
    from event_registration.ports import Clock, EventRepository, Notifier

__all__ = ["EventRegistrationService", "Settled", "end_of_links"]


# How long who comes serves the queue for others too; the rest is the schedule's.
_SECONDS_TO_SERVE = 1.0
# What an event takes at worst before its mails: the adapters' time-outs.
_SECONDS_FOR_AN_EVENT = 4.0
# A link in a mail is good for so long after the event's end.
_LINK_LASTS = timedelta(days=30)


def end_of_links(event: Event) -> datetime:
    """Return until when the links in mails about an event are good."""
    return event.ends_at + _LINK_LASTS


@frozen
class Settled:
    """
    What came of serving the queues.

    Args:
        events: How many events were looked at.
        promoted: How many people got a seat.
        troubles: Why an event's queue could not be served or a promotion's mail not be sent. A later call goes on.
    """

    events: int = 0
    promoted: int = 0
    troubles: tuple[EventRegistrationError, ...] = ()


class EventRegistrationService(RegistrationService):
    """
    Takes registrations for the events of a catalogue: within their hours, up to their capacity, in order.

    Args:
        repository: Where events and registrations are kept.
        notifier: What sends mail.
        event_ids: The only event ids that are taken; ``None`` takes all of the catalogue.
        on_duplicate: Whether a repeat is answered as if it were the first, or refused.
        clock: Tells the time that is stored, and that doors open and close by.
        monotonic: The clock of deadlines and of the catalogue's age, in seconds.
        new_id: Makes the id of each registration.
        links: Signs the links in mails; without it mails have none. `SelfService` is what they lead to.
        cache_seconds: How long an event that was read is good for, at most 30.
        chance: Returns a number from 0 to 1, evenly spread: where settling all events begins.
    """

    def __init__(  # noqa: PLR0913 - parts and policies, all keyword-only but the two that everyone gives
        self,
        repository: EventRepository,
        notifier: Notifier,
        *,
        event_ids: Collection[str] | None = None,
        on_duplicate: OnDuplicate = OnDuplicate.ANSWER,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = new_registration_id,
        links: Links | None = None,
        cache_seconds: float = 5.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(
            repository,
            notifier,
            event_ids=event_ids,
            on_duplicate=on_duplicate,
            clock=clock,
            monotonic=monotonic,
            new_id=new_id,
        )
        self._events = repository
        self._links = links
        # A repository relies on it that nobody believes for a minute what an event was (`change_event`).
        self._catalogue = Catalogue(repository, seconds=min(cache_seconds, 30.0), monotonic=monotonic)
        self._chance = chance

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

    def settle(self, event_id: str, *, deadline: float | None = None) -> Settled:
        """
        Give an event's free seats to who waits, and send the mails that promotions owe.

        It may be called at any time, by any number of callers, and completes what a crash has left.

        Args:
            event_id: The event.
            deadline: The instant of *monotonic* by which it must be over. What there is no time for is left to the
                next call.

        Raises:
            RepositoryError: The repository failed. Settling again does the rest.
        """
        schedule = Schedule.until(deadline, self._monotonic())
        now = self._clock()
        promoted = self._events.settle(event_id, now, deadline=schedule.half(self._monotonic()))
        read_at = self._monotonic()
        listing = self._events.find_event(event_id, deadline=schedule.store_by)
        if listing is None or listing.is_cancelled:  # nobody is told of a seat that is of no use
            return Settled(1, promoted)
        self._catalogue.remember(listing, read_at)
        troubles = []
        for registration in self._events.promoted(event_id):
            if schedule.is_over(self._monotonic()):
                break
            named = evolve(registration, event_name=listing.event.event_name)
            sent, trouble = self._delivery.send_again(named, now, schedule)
            if trouble:
                troubles.append(self._delivery.give_up(sent, schedule) or trouble)
        return Settled(1, promoted, tuple(troubles))

    def settle_all(self, *, deadline: float | None = None) -> Settled:
        """
        Settle every limited event that isn't over; what fails for one doesn't keep the others waiting.

        It begins with any of them, so that where there is no time for all, none is always the last.

        Args:
            deadline: The instant of *monotonic* by which it must be over; what was not reached is left to the next
                call, and told as a trouble.

        Raises:
            RepositoryError: The events can't be listed.
        """
        now = self._clock()
        events = [each for each in self._events.list_events() if each.event.ends_at > now and each.limit is not None]
        first = int(self._chance() * len(events))
        total = Settled()
        for number, listing in enumerate(events[first:] + events[:first]):
            if deadline is not None and self._monotonic() > deadline - _SECONDS_FOR_AN_EVENT:
                late = RepositoryUnavailableError(f"There was no time for {len(events) - number} events.")
                return evolve(total, troubles=(*total.troubles, late))
            try:
                settled = self.settle(listing.event.event_id, deadline=deadline)
            except RepositoryError as error:
                settled = Settled(1, troubles=(error,))
            total = Settled(
                total.events + settled.events,
                total.promoted + settled.promoted,
                total.troubles + settled.troubles,
            )
        return total

    def _named(self, registration: Registration, store_by: float | None) -> Registration:
        event = self._listing(registration.event_id, store_by).event
        return evolve(registration, event_name=event.event_name, answers=_answered(event, registration.answers))

    def _listing(self, event_id: str, look_by: float | None) -> Listing:
        self._check_event_id(event_id)
        return self._catalogue.find(event_id, deadline=look_by)

    def _message(self, registration: Registration) -> Message:
        # It was read a moment ago, and a mail is not to wait for a newer one.
        listing = self._catalogue.last(registration.event_id) or self._catalogue.find(registration.event_id)
        link = Link(
            registration.event_id,
            self._events.digest_of(registration.attendee_email),
            registration.link_generation,
            int(end_of_links(listing.event).timestamp()),
        )
        return render(
            registration,
            link=self._links.address_of(link) if self._links else None,
            answers=_summary(listing.event, registration),
        )

    def _store(self, asked: Registration, now: datetime, store_by: float | None) -> Delivered:
        listing = self._catalogue.find(asked.event_id, deadline=store_by)
        door = listing.door_at(now)
        trouble = None
        if door is EventState.CANCELLED:
            raise refusal(door)
        if door is not EventState.OPEN:
            found = self._repository.find(asked.event_id, asked.attendee_email, deadline=store_by)
            stored = None if found is None else evolve(found, event_name=asked.event_name)
            if stored is None or stored.status is Status.CANCELLED or not stored.same_details(asked):
                raise refusal(door)
            return stored, None
        stored = self._events.admit(asked, listing, deadline=store_by)
        if stored.status is Status.WAITLISTED:
            stored, trouble = self._served(stored, now, store_by)
        # The catalogue's name may have changed since; the answer and the mail have today's.
        return evolve(stored, event_name=asked.event_name), trouble

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
        return evolve(asked, status=prospect, registered_at=None)


def _answered(event: Event, answers: object) -> dict[str, Any]:
    """Return *answers* in normal form; where nothing is asked, whatever was sent is left alone."""
    return event.questionnaire.answers_of(answers) if event.questionnaire else {}


def _summary(event: Event, registration: Registration) -> list[tuple[str, str]]:
    return event.questionnaire.summary(registration.answers) if event.questionnaire else []
