"""What an `EventRepository` promises of the events themselves, as tests to inherit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from event_registration.errors import EventChangeError, EventExistsError
from event_registration.listing import Listing
from event_registration.testing.contracts import RepositoryContract
from event_registration.testing.doubles import make_event, make_registration
from event_registration.testing.guests import NOW, admit, cancel, current, found, resize, set_up

if TYPE_CHECKING:
    from event_registration.ports import EventRepository

__all__ = ["CatalogueContract"]

_LATER = {"opens_at": NOW + timedelta(days=1)}


class CatalogueContract(RepositoryContract):
    """What every `EventRepository` promises of creating, finding and changing events."""

    @pytest.fixture
    def repository(self) -> EventRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {
                "event_name": "Fête du lac 🎉",
                "venue": "山田 Hall, https://maps.example.org/?q=1",
                "capacity": 999_999,
                "opens_at": datetime(2026, 2, 1, 8, 30, 15, tzinfo=UTC),
                "closes_at": datetime(2026, 5, 1, tzinfo=UTC),
                "waitlist": True,
                "questions": {"type": "object", "properties": {"größe": {"enum": ["S", "M"]}}},
                "contact": "orga@example.org",
            },
        ],
        ids=["what is required", "everything"],
    )
    def test_stores_an_event(self, repository: EventRepository, changes: dict[str, Any]) -> None:
        """What was created is found and listed, every field as it was, at its first revision."""
        event = make_event(**changes)

        repository.create_event(event)

        assert repository.find_event(event.event_id) == Listing(event=event)
        assert list(repository.list_events()) == [Listing(event=event)]

    def test_keeps_the_first_of_one_id(self, repository: EventRepository) -> None:
        """A second event of an id is refused, and the first left as it was."""
        first = set_up(repository, capacity=5)

        with pytest.raises(EventExistsError):
            repository.create_event(make_event(event_name="Other"))

        assert current(repository) == first

    def test_finds_no_event_that_is_not_there(self, repository: EventRepository) -> None:
        """An unknown event is none, even if people have registered under its id."""
        repository.add(make_registration())

        assert repository.find_event("devconf-2026") is None
        assert list(repository.list_events()) == []

    def test_lists_all_events(self, repository: EventRepository) -> None:
        """Every event is listed once, and its registrations are not."""
        events = [make_event(event_id=f"event-{number}", capacity=number or None) for number in range(3)]
        for event in events:
            repository.create_event(event)
        for address in ("ada@example.org", "bob@example.org"):
            repository.admit(make_registration(event_id="event-2", attendee_email=address), Listing(event=events[2]))

        listed = sorted(repository.list_events(), key=lambda listing: listing.event.event_id)

        assert listed == [Listing(event=event) for event in events]

    def test_takes_over_who_registered_without_a_catalogue(self, repository: EventRepository) -> None:
        """An event without limit may be set up for an id that people have registered under; they stay registered."""
        earlier = repository.add(make_registration())
        listing = set_up(repository)

        again = repository.admit(make_registration(), listing)

        assert again == earlier

    def test_limits_nobody_who_registered_before(self, repository: EventRepository) -> None:
        """A limited event can't be set up for an id that people have registered under: nobody knows their seats."""
        repository.add(make_registration())

        with pytest.raises(EventChangeError):
            repository.create_event(make_event(capacity=5))

        assert repository.find_event("devconf-2026") is None

    def test_changes_an_event(self, repository: EventRepository) -> None:
        """A change of what is as it was read is stored with a higher revision, and nothing is left to do."""
        old = set_up(repository, capacity=5, venue="Hall 1")
        event = make_event(event_name="DevConf", capacity=6, waitlist=True, opens_at=datetime(2026, 2, 1, tzinfo=UTC))
        new = Listing(event=event, is_cancelled=True, revision=0, resizing_to=9)

        changed = repository.change_event(old, new, NOW)

        assert changed == Listing(event=event, is_cancelled=True, revision=changed.revision)
        assert changed.revision > old.revision
        assert current(repository) == changed

    def test_keeps_the_templates_of_an_event_s_mails(self, repository: EventRepository) -> None:
        """They are stored with the event, over its other changes and wherever it is read, and taken away again."""
        templates = {"confirmed.de.html": "<p>$name 🎟</p>\n", "mail.txt": "x" * 40_000}
        old = set_up(repository, capacity=5)

        changed = repository.change_event(old, evolve(old, templates=templates), NOW)
        again = repository.change_event(changed, evolve(changed, event=make_event(capacity=6)), NOW)

        assert changed.templates == again.templates == templates
        assert current(repository) == again
        assert list(repository.list_events()) == [again]
        assert repository.change_event(again, evolve(again, templates={}), NOW).templates == {}
        assert current(repository).templates == {}

    def test_changes_nothing_that_changed(self, repository: EventRepository) -> None:
        """A change that comes second is refused and leaves the first."""
        old = set_up(repository, capacity=5)
        first = repository.change_event(old, evolve(old, is_cancelled=True), NOW)

        with pytest.raises(EventChangeError):
            repository.change_event(old, evolve(old, event=make_event(capacity=9)), NOW)

        assert current(repository) == first

    def test_changes_no_event_that_is_not_there(self, repository: EventRepository) -> None:
        """A change of an event that was never stored is refused and stores nothing."""
        listing = Listing(event=make_event())

        with pytest.raises(EventChangeError):
            repository.change_event(listing, listing, NOW)

        assert repository.find_event("devconf-2026") is None

    @pytest.mark.parametrize(("before", "after"), [(None, 1), (1, None)], ids=["to limited", "to unlimited"])
    def test_limits_or_frees_an_event_before_anyone_came(
        self, repository: EventRepository, before: int | None, after: int | None
    ) -> None:
        """As long as nobody could register, a limit may be added or removed, and the new rule holds."""
        old = set_up(repository, capacity=before, **_LATER)

        changed = repository.change_event(old, evolve(old, event=make_event(capacity=after, **_LATER)), NOW)

        assert current(repository) == changed
        (ada,) = admit(repository, changed, "ada")
        assert (ada.seat is None) == (after is None)
        assert (repository.prospect(changed) is None) == (after is not None)

    @pytest.mark.parametrize("leaving", [[], ["ada"]], ids=["who is there", "who cancelled"])
    @pytest.mark.parametrize(("before", "after"), [(None, 5), (5, None)], ids=["to limited", "to unlimited"])
    def test_neither_limits_nor_frees_whom_it_has(
        self, repository: EventRepository, before: int | None, after: int | None, leaving: list[str]
    ) -> None:
        """Once anyone has registered, a limit is neither added nor removed."""
        old = set_up(repository, capacity=before, **_LATER)
        admit(repository, old, "ada")
        cancel(repository, *leaving)

        with pytest.raises(EventChangeError):
            repository.change_event(old, evolve(old, event=make_event(capacity=after, **_LATER)), NOW)

        assert current(repository).event == old.event

    def test_keeps_seats_over_other_changes(self, repository: EventRepository) -> None:
        """A change of name, times or waiting list leaves who is registered as they were."""
        listing = set_up(repository, capacity=1, waitlist=True)
        before = admit(repository, listing, "ada", "bob")

        repository.change_event(listing, evolve(listing, event=make_event(event_name="New", capacity=1)), NOW)

        assert [found(repository, name) for name in ("ada", "bob")] == before

    def test_believes_the_stored_capacity(self, repository: EventRepository) -> None:
        """What a caller still believes of the capacity gets nobody a seat that there isn't."""
        stale = set_up(repository, capacity=3, waitlist=True)
        admit(repository, stale, "ada")
        resize(repository, 1)

        (bob,) = admit(repository, stale, "bob")

        assert bob.seat is None
