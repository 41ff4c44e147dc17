"""What whoever has a registration's link can do without asking anyone: look at it, and cancel it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from event_registration.clock import utc_now
from event_registration.errors import (
    EventRegistrationError,
    InvalidLinkError,
    RepositoryError,
    RepositoryUnavailableError,
    UnknownEventError,
)
from event_registration.links import end_of_links
from event_registration.model import Status
from event_registration.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.event import Event
    from event_registration.links import Links
    from event_registration.listing import EventState
    from event_registration.managed import EventRegistrationService
    from event_registration.model import Registration
    from event_registration.ports import Clock, EventRepository

__all__ = ["SelfService", "View"]

_TRIES = 5


@frozen
class View:
    """
    A registration as its link shows it.

    Args:
        registration: The registration.
        event: Its event.
        state: What a newcomer meets at the event's door.
        position: Its number among who waits, 1 being next; ``None`` if it doesn't wait.
        trouble: Why the queue could not be served, if it couldn't.
    """

    registration: Registration
    event: Event
    state: EventState
    position: int | None = None
    trouble: EventRegistrationError | None = None


class SelfService:
    """
    Shows and cancels the registrations that links in mails are about.

    A link is live until thirty days after the event, as that is set up now, and until its registration is cancelled.
    From then on it tells that, and once the person has come back it is worth nothing: the new mail has a new one.

    Args:
        service: What took the registrations.
        repository: Where events and registrations are kept.
        links: Reads the links.
        clock: Tells when a link has expired.
        monotonic: The clock of deadlines, in seconds.
    """

    def __init__(
        self,
        service: EventRegistrationService,
        repository: EventRepository,
        links: Links,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._repository = repository
        self._links = links
        self._clock = clock
        self._monotonic = monotonic

    def view(self, token: object, *, deadline: float | None = None) -> View:
        """
        Return the registration that a link is about.

        Args:
            token: What the link's fragment holds, whatever it is.
            deadline: The instant of *monotonic* by which the caller must have answered.

        Raises:
            InvalidLinkError: It is no live link: not ours, expired, or older than a cancellation after which the
                person came back.
            RepositoryError: The repository failed.
        """
        look_by = Schedule.until(deadline, self._monotonic()).store_by
        return self._view(self._linked(token, look_by), deadline, look_by)

    def cancel(self, token: object, *, deadline: float | None = None) -> View:
        """
        Cancel the registration that a link is about, and give its seat to who waits; a second time is fine.

        Args:
            token: What the link's fragment holds, whatever it is.
            deadline: The instant of *monotonic* by which the caller must have answered.

        Raises:
            InvalidLinkError: As in `view`.
            RepositoryUnavailableError: Not now. It may have been cancelled; asking again is harmless.
            RepositoryError: Someone has to mend the repository first.
        """
        look_by = Schedule.until(deadline, self._monotonic()).store_by
        for _ in range(_TRIES):
            registration = self._linked(token, look_by)
            if registration.status is Status.CANCELLED:
                trouble = self._hand_on(registration, deadline)
                return evolve(self._view(registration, deadline, look_by), trouble=trouble)
            self._repository.cancel(registration, self._clock(), deadline=look_by)
        raise RepositoryUnavailableError("The registration changes all the time.")

    def _linked(self, token: object, look_by: float | None) -> Registration:
        try:
            link = self._links.read(
                token, self._clock(), good_until=lambda link: end_of_links(self._event(link.event_id, look_by))
            )
            self._event(link.event_id, look_by)
        except UnknownEventError:
            raise InvalidLinkError("This link is of an event that isn't taken here any more.") from None
        found = self._repository.find_by_digest(link.event_id, link.digest, deadline=look_by)
        if found is not None:
            is_cancelled = found.status is Status.CANCELLED
            if link.generation in {found.link_generation, found.link_generation - is_cancelled}:
                return found
        raise InvalidLinkError("This link is not valid, or not any more.")

    def _event(self, event_id: str, look_by: float | None) -> Event:
        return self._service.find_event(event_id, deadline=look_by)

    def _view(self, registration: Registration, deadline: float | None, look_by: float | None) -> View:
        event, state = self._service.card(registration.event_id, deadline=deadline)
        is_waiting = registration.status is Status.WAITLISTED
        # Who has just been promoted is before all others.
        position = max(1, self._repository.position(registration, deadline=look_by)) if is_waiting else None
        return View(registration.changed(event_name=event.event_name), event, state, position)

    def _hand_on(self, cancelled: Registration, deadline: float | None) -> EventRegistrationError | None:
        """Give to who waits what *cancelled* has left; cancelled it is, whatever fails here."""
        settle_by = Schedule.until(deadline, self._monotonic()).half(self._monotonic())
        try:
            self._repository.settle(cancelled.event_id, self._clock(), deadline=settle_by)
        except RepositoryError as error:
            return error
        return None
