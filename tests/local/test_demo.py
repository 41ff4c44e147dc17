"""The demo sets up what whoever tries the system out wants to find, once."""

from datetime import timedelta

import pytest
from attrs import evolve

from event_registration.local import SQLiteEventRepository
from event_registration.local.demo import set_up_demo
from event_registration.mail import MailState
from event_registration.model import Status
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
    repository.cancel(guest, NOW)
    before = _everything(repository)

    set_up_demo(repository, NOW + timedelta(days=10))

    assert _everything(repository) == before


def test_sets_up_guests_who_came_one_after_the_other(repository):
    """Whoever sorts the guests by when they came sees them in the order of their seats, all before the present."""
    _, workshop_id = set_up_demo(repository, NOW)

    guests = sorted(repository.list(workshop_id), key=lambda guest: guest.registered_at)

    assert [guest.seat for guest in guests] == list(range(1, 19))
    assert len({guest.registered_at for guest in guests}) == len(guests)
    assert guests[-1].registered_at < NOW


def test_moves_events_ahead_that_have_closed(repository):
    """Months later there is something to try again: new dates, and all else as it has become."""
    later = NOW + timedelta(days=100)
    _, workshop_id = set_up_demo(repository, NOW)
    old = repository.find_event(workshop_id)
    changed = evolve(old.event, venue="New Library", closes_at=old.event.starts_at - timedelta(days=1))
    repository.change_event(old, evolve(old, event=changed), NOW)
    (_, people) = _everything(repository)

    event_ids = set_up_demo(repository, later)

    listings, people_later = _everything(repository)
    assert [listing.event.event_id for listing in listings] == list(event_ids)
    assert [listing.state_at(later, Status.CONFIRMED) for listing in listings] == ["open", "open"]
    assert min(listing.event.starts_at for listing in listings) > later + timedelta(days=7)
    assert listings[-1].event.venue == "New Library"
    assert people_later == people


def test_leaves_a_cancelled_event_cancelled(repository):
    """What was called off stays so, whatever its dates."""
    meetup_id, _ = set_up_demo(repository, NOW)
    old = repository.find_event(meetup_id)
    cancelled = repository.change_event(old, evolve(old, is_cancelled=True), NOW)

    set_up_demo(repository, NOW + timedelta(days=100))

    assert repository.find_event(meetup_id) == cancelled


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
