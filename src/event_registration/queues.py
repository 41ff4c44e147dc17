"""Serves the waiting lists of events, and lets everybody owe an event's news: whatever a crash has left, too."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from attrs import frozen

from event_registration.clock import utc_now
from event_registration.errors import EventRegistrationError, RepositoryError, RepositoryUnavailableError
from event_registration.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.listing import Listing
    from event_registration.ports import Clock, EventRepository

__all__ = ["Queues", "Settled"]

# What an event takes at worst: the adapters' time-outs.
_SECONDS_FOR_AN_EVENT = 4.0


@frozen
class Settled:
    """
    What came of serving the queues.

    Args:
        events: How many events were looked at.
        promoted: How many people got a seat.
        told: How many people owe a mail with their event's news by it.
        troubles: Why an event could not be served. A later call goes on.
    """

    events: int = 0
    promoted: int = 0
    told: int = 0
    troubles: tuple[EventRegistrationError, ...] = ()

    def __add__(self, other: Settled) -> Settled:
        """Return what came of both."""
        return Settled(
            self.events + other.events,
            self.promoted + other.promoted,
            self.told + other.told,
            self.troubles + other.troubles,
        )


class Queues:
    """
    Gives free seats to who waits. Each promotion owes a mail, which whoever serves the outbox sends.

    Args:
        repository: Where events and registrations are kept.
        clock: Tells the time that is stored, and until when people are promoted.
        monotonic: The clock of deadlines, in seconds.
        chance: Returns a number from 0 to 1, evenly spread: where serving all events begins.
    """

    def __init__(
        self,
        repository: EventRepository,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._repository = repository
        self._clock = clock
        self._monotonic = monotonic
        self._chance = chance

    def settle(self, event_id: str, *, deadline: float | None = None) -> Settled:
        """
        Give an event's free seats to who waits, and let who is registered owe its news.

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
        promoted = self._repository.settle(event_id, now, deadline=schedule.half(self._monotonic()))
        told = self._repository.tell(event_id, now, deadline=schedule.store_by)
        return Settled(1, promoted, told)

    def settle_all(self, *, deadline: float | None = None) -> Settled:
        """
        Settle every event that has a queue or news; what fails for one doesn't keep the others waiting.

        It begins with any of them, so that where there is no time for all, none is always the last.

        Args:
            deadline: The instant of *monotonic* by which it must be over; what was not reached is left to the next
                call, and told as a trouble.

        Raises:
            RepositoryError: The events can't be listed.
        """
        events = [each.event.event_id for each in self._repository.list_events() if self._is_unsettled(each)]
        first = int(self._chance() * len(events))
        total = Settled()
        for number, event_id in enumerate(events[first:] + events[:first]):
            if deadline is not None and self._monotonic() > deadline - _SECONDS_FOR_AN_EVENT:
                late = RepositoryUnavailableError(f"There was no time for {len(events) - number} events.")
                return total + Settled(troubles=(late,))
            try:
                total += self.settle(event_id, deadline=deadline)
            except RepositoryError as error:
                total += Settled(1, troubles=(error,))
        return total

    def _is_unsettled(self, listing: Listing) -> bool:
        return listing.event.ends_at > self._clock() and (listing.limit is not None or listing.telling is not None)
