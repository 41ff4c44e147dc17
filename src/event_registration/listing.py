"""An event as the catalogue keeps it: whom its door lets in when, and whom it has news for. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import field, frozen

from event_registration.errors import EventCancelledError, EventFullError, NotOpenYetError, RegistrationClosedError
from event_registration.mail import MailKind
from event_registration.model import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from event_registration.errors import NotAdmittedError
    from event_registration.event import Event
    from event_registration.model import Registration

__all__ = ["EventState", "Listing", "refusal"]

_SETTLED_AFTER = timedelta(minutes=1)
# What is true of an event that was called off, too.
_STILL_TRUE = frozenset({MailKind.CALLED_OFF, MailKind.CANCELLED, MailKind.REPEATED})


class EventState(StrEnum):
    """What a newcomer meets at an event's door."""

    NOT_OPEN_YET = "not-open-yet"
    OPEN = "open"
    WAITLIST = "waitlist"
    FULL = "full"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@frozen(kw_only=True)
class Listing:
    """
    An event as the catalogue keeps it.

    Args:
        event: What the organiser says of it.
        revision: Rises with every change.
        is_cancelled: Whether the organiser called it off.
        resizing_to: The capacity that a change in progress is bringing about; ``None`` if there is none.
        news: The revision of the last change that everybody who is registered is to be told of; 0 if there was none.
        telling: The key of the person up to whom that was told, in their order; empty before the first, ``None`` if
            nobody is left to tell.
        templates: The templates of its mails that take the place of others, by their files' names.
        changed_at: When it was changed last; it says nothing of the event.
    """

    event: Event
    revision: int = 1
    is_cancelled: bool = False
    resizing_to: int | None = None
    news: int = 0
    telling: str | None = None
    templates: Mapping[str, str] = field(factory=dict, hash=False)
    changed_at: datetime | None = field(default=None, eq=False)

    @property
    def limit(self) -> int | None:
        """The highest seat that may be given to who waits: of a change in progress, what it leads to."""
        return self.event.capacity if self.resizing_to is None else self.resizing_to

    def state_at(self, now: datetime, prospect: Status | None) -> EventState:
        """Return the state that a newcomer meets *now* who would come to be *prospect*; ``None`` is not admitted."""
        door = self.door_at(now)
        if door is not EventState.OPEN:
            return door
        if prospect is None:
            return EventState.FULL
        return EventState.WAITLIST if prospect is Status.WAITLISTED else EventState.OPEN

    def door_at(self, now: datetime) -> EventState:
        """Return whether registration is open *now*, whatever seats there are: each instant belongs to what follows."""
        if self.is_cancelled:
            return EventState.CANCELLED
        if now >= self.event.closes:
            return EventState.CLOSED
        if self.event.opens_at is not None and now < self.event.opens_at:
            return EventState.NOT_OPEN_YET
        return EventState.OPEN

    def tells_at(self, now: datetime) -> bool:
        """Tell whether its news is told *now*: a minute after the last change, so that one mail tells of several."""
        is_settled = self.changed_at is None or now - self.changed_at >= _SETTLED_AFTER
        return self.telling is not None and is_settled and now < self.event.ends_at

    def news_for(self, registration: Registration) -> MailKind | None:
        """Return what news *registration* is still to be told, if any."""
        if registration.status is Status.CANCELLED or registration.told_of >= self.news:
            return None
        return MailKind.CALLED_OFF if self.is_cancelled else MailKind.MOVED

    def may_tell(self, kind: MailKind) -> bool:
        """Tell whether a mail of *kind* is still true: of an event that was called off, most are not."""
        return not self.is_cancelled or kind in _STILL_TRUE

    def promotes_at(self, now: datetime) -> bool:
        """Tell whether who waits may get a seat *now*: until the event starts, or closes if that is later."""
        return not self.is_cancelled and now < max(self.event.starts_at, self.event.closes)


_REFUSALS: dict[EventState, type[NotAdmittedError]] = {
    EventState.NOT_OPEN_YET: NotOpenYetError,
    EventState.FULL: EventFullError,
    EventState.CLOSED: RegistrationClosedError,
    EventState.CANCELLED: EventCancelledError,
}
_SENTENCES = {
    EventState.NOT_OPEN_YET: "Registration for this event has not opened yet.",
    EventState.FULL: "All seats of this event are taken.",
    EventState.CLOSED: "Registration for this event has closed.",
    EventState.CANCELLED: "This event has been cancelled.",
}


def refusal(state: EventState) -> NotAdmittedError:
    """Return what a newcomer is told whom *state* keeps out."""
    return _REFUSALS[state](_SENTENCES[state])
