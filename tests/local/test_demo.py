"""The demo sets up what whoever tries the system out wants to find, once."""

from datetime import timedelta

import pytest

from event_registration.local import SQLiteEventRepository
from event_registration.local.demo import set_up_demo
from event_registration.model import MailState, Status
from event_registration.testing import ManualClock, make_registration

NOW = ManualClock().now


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = SQLiteEventRepository(":memory:")
    yield repository
    repository.close()


def _everything(repository):
    listings = sorted(repository.list_events(), key=lambda listing: listing.event.event_id)
    return listings, [list(repository.list(listing.event.event_id)) for listing in listings]


def test_sets_up_one_event_with_room_and_one_nearly_full(repository):
    """One event has no limit, the other two of its twenty seats left; both lie ahead, and nobody is owed a mail."""
    meetup_id, workshop_id = set_up_demo(repository, NOW)

    meetup, workshop = repository.find_event(meetup_id), repository.find_event(workshop_id)
    guests = list(repository.list(workshop_id))
    assert (meetup.event.capacity, workshop.event.capacity, workshop.event.waitlist) == (None, 20, True)
    assert [listing.state_at(NOW, Status.CONFIRMED) for listing in (meetup, workshop)] == ["open", "open"]
    assert min(meetup.event.starts_at, workshop.event.starts_at) > NOW + timedelta(days=7)
    assert list(repository.list(meetup_id)) == []
    assert len(guests) == 18
    assert {(guest.status, guest.mail.state) for guest in guests} == {(Status.CONFIRMED, MailState.SENT)}


def test_sets_up_once(repository):
    """A second time changes nothing, neither events nor people, not even those who have cancelled."""
    _, workshop_id = set_up_demo(repository, NOW)
    guest = next(iter(repository.list(workshop_id)))
    repository.cancel(guest)
    before = _everything(repository)

    set_up_demo(repository, NOW + timedelta(days=100))

    assert _everything(repository) == before


def test_completes_what_was_begun(repository):
    """What a kill has left is completed, and whoever registered in between stays."""
    _, workshop_id = set_up_demo(repository, NOW)
    listing = repository.find_event(workshop_id)
    other = SQLiteEventRepository(":memory:")
    other.create_event(listing.event)
    early = other.admit(make_registration(event_id=workshop_id), listing)

    set_up_demo(other, NOW)

    registrations = list(other.list(workshop_id))
    assert len(registrations) == 19
    assert early in registrations
    other.close()
