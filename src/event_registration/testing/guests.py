"""Short words for what the contracts of events tell: who asks for a seat, and where everybody stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import evolve

from event_registration.model import Status
from event_registration.testing.doubles import make_event, make_registration

if TYPE_CHECKING:
    from event_registration.listing import Listing
    from event_registration.model import Registration
    from event_registration.ports import EventRepository

__all__ = ["NOW", "admit", "cancel", "current", "found", "guest", "mailed", "names", "resize", "set_up"]

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""An instant at which the event of `make_event` is open and people are promoted."""

_ID = "devconf-2026"


def set_up(repository: EventRepository, **changes: Any) -> Listing:  # noqa: ANN401 - the fields differ in type
    """Create the event of `make_event` with *changes*, and read it back."""
    repository.create_event(make_event(**changes))
    return current(repository)


def current(repository: EventRepository) -> Listing:
    """Return the event as it is stored now."""
    listing = repository.find_event(_ID)
    assert listing is not None
    return listing


def resize(repository: EventRepository, capacity: int) -> Listing:
    """Give the event another capacity."""
    old = current(repository)
    return repository.change_event(old, evolve(old, event=evolve(old.event, capacity=capacity)), NOW)


def guest(name: str) -> Registration:
    """Return what the person *name* sends."""
    return make_registration(attendee_name=name, attendee_email=f"{name}@example.org")


def admit(repository: EventRepository, listing: Listing, *people: str) -> list[Registration]:
    """Let *people* ask for a seat, one after the other."""
    return [repository.admit(guest(name), listing) for name in people]


def mailed(repository: EventRepository, *people: str) -> None:
    """Let the mails of *people* have gone out."""
    for name in people:
        person = found(repository, name)
        assert repository.replace(person, evolve(person, mail=person.mail.sent()))


def found(repository: EventRepository, name: str) -> Registration:
    """Return the registration of the person *name* as it is stored now."""
    registration = repository.find(_ID, f"{name}@example.org")
    assert registration is not None
    return registration


def cancel(repository: EventRepository, *people: str) -> None:
    """Cancel the registrations of *people* as they are now."""
    for name in people:
        assert repository.cancel(found(repository, name), NOW)


def names(repository: EventRepository, status: Status) -> list[str]:
    """Return who stands at *status*: who waits in the order of the queue, others by name."""
    standing = [each for each in repository.list(_ID) if each.status is status]
    standing.sort(key=lambda each: (each.place or 0 if status is Status.WAITLISTED else 0, each.attendee_name))
    seats = [each.seat for each in standing if status is Status.CONFIRMED and each.seat is not None]
    assert len(seats) == len(set(seats)), "two people on one seat"
    return [each.attendee_name for each in standing]
