"""Two events for whoever tries the system out: one with room, one nearly full."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve

from event_registration.errors import EventExistsError
from event_registration.event import Event
from event_registration.listing import EventState
from event_registration.mail import Mail, MailState
from event_registration.model import Registration

if TYPE_CHECKING:
    from event_registration.listing import Listing
    from event_registration.ports import EventRepository

__all__ = ["set_up_demo"]

# People of novels whose authors' rights have ended.
_GUESTS = (
    "Alice Liddell",
    "Captain Nemo",
    "Dorothea Brooke",
    "Dorothy Gale",
    "Elizabeth Bennet",
    "Emma Woodhouse",
    "Huckleberry Finn",
    "Irene Adler",
    "Jane Eyre",
    "Jean Valjean",
    "Jo March",
    "Long John Silver",
    "Mary Lennox",
    "Nils Holgersson",
    "Passepartout",
    "Phileas Fogg",
    "Sherlock Holmes",
    "Tom Sawyer",
)


_EXPERIENCE = ["Never", "Once or twice", "Often"]
_LUNCH = ["Vegetarian", "Vegan", "I bring my own"]
_QUESTIONS = {
    "type": "object",
    "properties": {
        "experience": {
            "type": "string",
            "title": "Have you bound a book before?",
            "enum": _EXPERIENCE,
        },
        "lunch": {
            "type": "string",
            "title": "Lunch",
            "description": "It is cooked on the spot and included.",
            "enum": _LUNCH,
        },
        "paper": {
            "type": "array",
            "title": "Papers you would like to try",
            "items": {"type": "string", "enum": ["Laid", "Wove", "Marbled", "Japanese"]},
            "maxItems": 2,
        },
        "remarks": {"type": "string", "title": "What else should we know?", "maxLength": 500},
    },
    "required": ["experience", "lunch"],
    "if": {"properties": {"lunch": {"enum": _LUNCH[:2]}}, "required": ["lunch"]},
    "then": {
        "properties": {
            "allergies": {
                "type": "string",
                "title": "Allergies",
                "description": "Leave it empty if you have none.",
                "maxLength": 200,
            }
        }
    },
}


def set_up_demo(repository: EventRepository, now: datetime) -> tuple[str, ...]:
    """
    Set up the two events if they aren't there, and return their ids; what became of them since is left as it is.

    But one that has closed is moved ahead: there would be nothing to try. Nobody is sent a mail.

    Args:
        repository: Where events are kept.
        now: The present; new events are weeks later.

    Raises:
        EventChangeError: Somebody else has just changed one that has closed. Setting up again does the rest.
        RepositoryError: The repository failed. Setting up again does the rest.
    """
    events = _events(now)
    for event in events:
        with suppress(EventExistsError):
            repository.create_event(event)
        _move_ahead(repository, event, now)
    _fill(repository, events[-1].event_id, now)
    return tuple(event.event_id for event in events)


def _events(now: datetime) -> tuple[Event, Event]:
    meetup = _morning(now, days=30)
    workshop = _morning(now, days=45)
    return (
        Event(
            event_id="demo-meetup",
            event_name="Lake Meetup",
            starts_at=meetup,
            ends_at=meetup + timedelta(hours=3),
            time_zone="Europe/Zurich",
            venue="Boathouse, Lakeside 1",
            contact="organiser@example.org",
        ),
        Event(
            event_id="demo-workshop",
            event_name="Bookbinding Workshop",
            starts_at=workshop,
            ends_at=workshop + timedelta(hours=7),
            time_zone="Europe/Zurich",
            venue="Old Library, Reading Room",
            capacity=20,
            waitlist=True,
            questions=_QUESTIONS,
            contact="organiser@example.org",
        ),
    )


def _morning(now: datetime, *, days: int) -> datetime:
    return (now + timedelta(days=days)).replace(hour=8, minute=0, second=0, microsecond=0)


def _move_ahead(repository: EventRepository, ahead: Event, now: datetime) -> None:
    """Give the stored event the dates of *ahead* if it has closed."""
    listing = _listing(repository, ahead.event_id)
    if listing.door_at(now) is EventState.CLOSED:
        event = evolve(listing.event, starts_at=ahead.starts_at, ends_at=ahead.ends_at, opens_at=None, closes_at=None)
        repository.change_event(listing, evolve(listing, event=event), now)


def _listing(repository: EventRepository, event_id: str) -> Listing:
    (listing,) = (each for each in repository.list_events() if each.event.event_id == event_id)
    return listing


def _fill(repository: EventRepository, event_id: str, now: datetime) -> None:
    """Register the guests who never were; one who has cancelled since does not come back."""
    listing = _listing(repository, event_id)
    for number, name in enumerate(_GUESTS):
        address = f"{name.lower().replace(' ', '.')}@example.org"
        if repository.find(event_id, address) is None:
            guest = Registration(
                event_id=event_id,
                event_name=listing.event.event_name,
                attendee_name=name,
                attendee_email=address,
                answers={"experience": _EXPERIENCE[number % 3], "lunch": _LUNCH[number % 2]},
                registered_at=now - timedelta(minutes=len(_GUESTS) - number),
                mail=Mail(state=MailState.SENT),
            )
            repository.admit(guest, listing)
