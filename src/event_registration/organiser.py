"""What an organiser does: sets events up, changes them, and sees and cancels who is registered."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from event_registration.clock import utc_now
from event_registration.errors import (
    EventChangeError,
    InvalidEventError,
    InvalidTemplatesError,
    Problem,
    RepositoryUnavailableError,
    UnknownEventError,
    UnknownRegistrationError,
)
from event_registration.listing import EventState, Listing
from event_registration.model import Status
from event_registration.question_schema import problems_of
from event_registration.rules import normalise_address
from event_registration.zones import UNKNOWN_TIME_ZONE, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from event_registration.event import Event
    from event_registration.model import Registration
    from event_registration.ports import Clock, EventRepository

__all__ = ["Cancellation", "Counts", "Organiser"]

_TRIES = 5
# What whoever is registered must know of, if it changes.
_NEWS = ("starts_at", "ends_at", "time_zone", "venue")
# They are read with the event, and each promotion looks at that.
_MOST_OF_TEMPLATES = 16 * 1024
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

_ALREADY_OVER = Problem("ends_at", "already-over", "This is over already: a new event must end in the future.")


@frozen
class Counts:
    """How many registrations of an event there are of each status."""

    confirmed: int = 0
    waitlisted: int = 0
    cancelled: int = 0


@frozen
class Cancellation:
    """
    What came of cancelling a registration.

    Args:
        registration: The registration, cancelled now.
        promoted: How many people got a seat by it. Their mails and the one about the cancellation are due.
    """

    registration: Registration
    promoted: int = 0


class Organiser:
    """
    Sets up and changes events, and sees who is registered.

    It sends no mail. What it does lets registrations owe mails, which the server or the function sends.

    Args:
        repository: Where events and registrations are kept.
        clock: Tells the time.
    """

    def __init__(self, repository: EventRepository, *, clock: Clock = utc_now) -> None:
        self._repository = repository
        self._clock = clock

    def create(self, event: Event) -> Listing:
        """
        Store a new event; from then on people can register for it.

        Raises:
            InvalidEventError: There is no such time zone, the event is over already, or its questions are wrong.
            EventExistsError: There is an event of this id.
            EventChangeError: It is limited, and people have registered under its id already.
            RepositoryError: The repository failed.
        """
        problems = [] if zone_of(event.time_zone) else [UNKNOWN_TIME_ZONE]
        if event.ends_at <= self._clock():
            problems.append(_ALREADY_OVER)
        if event.questions is not None:
            problems += problems_of(event.questions)
        if problems:
            raise InvalidEventError(problems)
        self._repository.create_event(event)
        return self._listing(event.event_id)

    def update(self, event_id: str, changes: Mapping[str, Any], *, tells: bool = True) -> Listing:
        """
        Change some fields of an event.

        Who waits gets the seats that a higher capacity adds; a lower one takes nobody's seat. If another time, time
        zone or venue makes news of it (`Listing.news`), everybody who is registered is told by mail: from a minute
        after the last change on, so that one mail tells of several. An event that is over or was called off has none.

        Args:
            event_id: The event.
            changes: The fields' new values by their names in `Event`.
            tells: Whether people are told. News of an earlier change that they aren't told of yet stay news.

        Returns:
            The event as it is now.

        Raises:
            UnknownEventError: There is no such event.
            InvalidEventError: The fields break their rules together, or the questions theirs.
            EventChangeError: Someone else has just changed it, people have registered and it can't be limited or
                unlimited any more, or its id is to change.
            RepositoryError: The repository failed. The same call does the rest.
        """
        now = self._clock()
        self._repository.settle(event_id, now)  # completes a change of the capacity that was killed
        old = self._listing(event_id)
        event = evolve(old.event, **changes)
        if event.event_id != old.event.event_id:
            raise EventChangeError("An event keeps its id.")
        problems = []
        if event.time_zone != old.event.time_zone and not zone_of(event.time_zone):
            problems.append(UNKNOWN_TIME_ZONE)
        if event.ends_at != old.event.ends_at and event.ends_at <= now:
            problems.append(_ALREADY_OVER)
        if "questions" in changes and event.questions is not None:
            problems += problems_of(event.questions)
        if problems:
            raise InvalidEventError(problems)
        new = evolve(old, event=event)
        is_news = any(getattr(event, name) != getattr(old.event, name) for name in _NEWS)
        if tells and is_news and not old.is_cancelled:
            new = _with_news(new, now)
        listing = self._repository.change_event(old, new, now)
        self._repository.settle(event_id, now)
        return listing

    def set_templates(self, event_id: str, templates: Mapping[str, str]) -> Listing:
        """
        Have an event's mails made of other templates, from seconds later on.

        Args:
            event_id: The event.
            templates: The templates by their files' names, as `read_templates` reads them: all that it is to have;
                none lets its mails be what others' are.

        Raises:
            UnknownEventError: There is no such event.
            InvalidTemplatesError: One can't be used, or together they are over 16 KiB.
            EventChangeError: Someone else has just changed it.
            RepositoryError: The repository failed.
        """
        from event_registration.confirmation import render  # no other work needs what writes mails

        problems = render.problems(templates)
        if sum(len(text.encode()) for text in templates.values()) > _MOST_OF_TEMPLATES:
            problems.append(Problem("templates", "too-long", f"are over {_MOST_OF_TEMPLATES // 1024} KiB together."))
        if problems:
            raise InvalidTemplatesError(problems)
        old = self._listing(event_id)
        return self._repository.change_event(old, evolve(old, templates=dict(templates)), self._clock())

    def cancel(self, event_id: str) -> Listing:
        """
        Call an event off; nobody can register any more. The registrations stay, and so does an event called off before.

        Everybody who is registered is told by mail, from a minute later on, unless the event is over.

        Raises:
            UnknownEventError: There is no such event.
            EventChangeError: Someone else has just changed it.
            RepositoryError: The repository failed. Calling it off again is harmless.
        """
        old = self._listing(event_id)
        if old.is_cancelled:
            return old
        now = self._clock()
        return self._repository.change_event(old, _with_news(evolve(old, is_cancelled=True), now), now)

    def events(self) -> list[Listing]:
        """
        Return all events, the earliest start first.

        Raises:
            RepositoryError: The repository failed.
        """
        return sorted(self._repository.list_events(), key=lambda each: (each.event.starts_at, each.event.event_id))

    def event(self, event_id: str) -> tuple[Listing, EventState]:
        """
        Return an event and what a newcomer meets at its door now.

        Raises:
            UnknownEventError: There is no such event.
            RepositoryError: The repository failed.
        """
        listing = self._listing(event_id)
        return listing, self.state(listing)

    def state(self, listing: Listing) -> EventState:
        """
        Return what a newcomer meets at an event's door now.

        Raises:
            RepositoryError: The repository failed.
        """
        now = self._clock()
        is_open = listing.door_at(now) is EventState.OPEN
        return listing.state_at(now, self._repository.prospect(listing) if is_open else None)

    def registrations(self, event_id: str) -> Iterator[Registration]:
        """
        Return all registrations of an event in the order they came, whatever their status.

        Those of an event that nobody has set up are returned too, as there are where any event is taken.

        Raises:
            UnknownEventError: There is no such event, and nobody is registered for it.
            RepositoryError: The repository failed.
        """
        found = self.stream_registrations(event_id)
        return iter(sorted(found, key=lambda each: (each.registered_at or _BEFORE_ALL, each.place or 0)))

    def stream_registrations(self, event_id: str) -> Iterator[Registration]:
        """
        Return the same registrations in no particular order, read as they are asked for: there may be a million.

        Raises:
            UnknownEventError: There is no such event, and nobody is registered for it.
            RepositoryError: The repository failed, be it in the middle.
        """
        found = self._repository.list(event_id)
        for first in found:
            return chain([first], found)
        self._listing(event_id)
        return found

    def registration(self, event_id: str, attendee_email: str) -> Registration:
        """
        Return one person's registration.

        Args:
            event_id: The event.
            attendee_email: The person's address, in any spelling.

        Raises:
            UnknownEventError: There is no such event.
            UnknownRegistrationError: Nobody of this address is registered for it.
            RepositoryError: The repository failed.
        """
        found = self._repository.find(event_id, normalise_address(attendee_email))
        if found is None:
            self._listing(event_id)
            raise UnknownRegistrationError("Nobody of this address is registered for the event.")
        return found

    def cancel_registration(self, event_id: str, attendee_email: str) -> Cancellation:
        """
        Cancel one person's registration, and give the seat to who waits; one cancelled before stays so.

        Args:
            event_id: The event.
            attendee_email: The person's address, in any spelling.

        Raises:
            UnknownEventError: There is no such event.
            UnknownRegistrationError: Nobody of this address is registered for it.
            RepositoryUnavailableError: Not now. It may have been cancelled; the same call does the rest.
            RepositoryError: The repository failed. The same call does the rest.
        """
        for _ in range(_TRIES):
            found = self.registration(event_id, attendee_email)
            if found.status is Status.CANCELLED or self._repository.cancel(found, self._clock()):
                promoted = self._repository.settle(event_id, self._clock())
                return Cancellation(self.registration(event_id, attendee_email), promoted)
        raise RepositoryUnavailableError("The registration changes all the time.")

    def counts(self, event_id: str) -> Counts:
        """
        Count an event's registrations, all of which are read for it.

        Raises:
            RepositoryError: The repository failed.
        """
        counts = dict.fromkeys(Status, 0)
        for registration in self._repository.list(event_id):
            counts[registration.status] += 1
        return Counts(**{status.value: count for status, count in counts.items()})

    def _listing(self, event_id: str) -> Listing:
        listing = self._repository.find_event(event_id)
        if listing is None:
            raise UnknownEventError("There is no such event.")
        return listing


def _with_news(listing: Listing, now: datetime) -> Listing:
    """Return a changed event whose attendees are to be told, unless it is over."""
    if listing.event.ends_at <= now:
        return listing
    return evolve(listing, news=listing.revision + 1, telling="")
