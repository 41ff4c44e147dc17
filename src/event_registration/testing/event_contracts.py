"""What an `EventRepository` promises, all of it, as tests to inherit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from event_registration.errors import EventChangeError
from event_registration.model import Status
from event_registration.testing.admission_contracts import AdmissionContract
from event_registration.testing.catalogue_contracts import CatalogueContract
from event_registration.testing.contracts import ConcurrentRepositoryContract
from event_registration.testing.doubles import at_once
from event_registration.testing.guests import NOW, admit, current, found, guest, names, set_up
from event_registration.testing.leaving_contracts import LeavingContract
from event_registration.testing.link_contracts import LinkContract
from event_registration.testing.queue_contracts import QueueContract
from event_registration.testing.resizing_contracts import ResizingContract
from event_registration.testing.telling_contracts import TellingContract, change_with_news

if TYPE_CHECKING:
    from event_registration.listing import Listing
    from event_registration.ports import EventRepository

__all__ = ["ConcurrentEventRepositoryContract", "EventRepositoryContract"]

_SEATS = 5
_CROWD = [f"person{number}" for number in range(16)]


class EventRepositoryContract(
    CatalogueContract,
    AdmissionContract,
    LeavingContract,
    LinkContract,
    QueueContract,
    ResizingContract,
    TellingContract,
):
    """
    What every `EventRepository` promises, for one caller at a time; it is a `RegistrationRepository`, too.

    Inherit from it and override the fixture `repository`.
    """

    @pytest.fixture
    def repository(self) -> EventRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")


class ConcurrentEventRepositoryContract(EventRepositoryContract, ConcurrentRepositoryContract):
    """What an `EventRepository` promises besides, when many callers use it at once."""

    def test_sells_the_last_seats_once(self, repository: EventRepository) -> None:
        """Of many who come at once exactly as many as there are seats are confirmed, the rest wait one by one."""
        listing = set_up(repository, capacity=_SEATS, waitlist=True)

        admitted = at_once(*(lambda name=name: repository.admit(guest(name), listing) for name in _CROWD))

        assert len(names(repository, Status.CONFIRMED)) == _SEATS
        places = {found(repository, name).place for name in names(repository, Status.WAITLISTED)}
        assert len(places) == len(_CROWD) - _SEATS
        assert [found(repository, name) for name in _CROWD] == admitted

    def test_admits_one_person_once(self, repository: EventRepository) -> None:
        """Of many calls for one person one is admitted and all are told the same one; the other seats stay free."""
        listing = set_up(repository, capacity=3)

        answers = at_once(*[lambda: repository.admit(guest("ada"), listing)] * len(_CROWD))

        assert answers == [found(repository, "ada")] * len(_CROWD)
        admit(repository, listing, "bob", "cleo")
        assert names(repository, Status.CONFIRMED) == ["ada", "bob", "cleo"]
        assert repository.prospect(listing) is None

    def test_hands_on_what_many_give_back(self, repository: EventRepository) -> None:
        """When all who have seats leave at once and many settle meanwhile, the seats go to the first who wait."""
        confirmed = admit(repository, set_up(repository, capacity=_SEATS, waitlist=True), *_CROWD)[:_SEATS]
        settles = [lambda: repository.settle("devconf-2026", NOW)] * _SEATS

        results = at_once(*(lambda each=each: repository.cancel(each, NOW) for each in confirmed), *settles)

        assert results[:_SEATS] == [True] * _SEATS
        assert sum(results[_SEATS:]) + repository.settle("devconf-2026", NOW) == _SEATS
        assert names(repository, Status.CONFIRMED) == sorted(_CROWD[_SEATS : 2 * _SEATS])
        assert names(repository, Status.WAITLISTED) == _CROWD[2 * _SEATS :]

    def test_cancels_one_seat_once(self, repository: EventRepository) -> None:
        """When one person leaves many times at once, one seat is free."""
        listing = set_up(repository, capacity=2)
        ada, _ = admit(repository, listing, "ada", "bob")

        results = at_once(*[lambda: repository.cancel(ada, NOW)] * len(_CROWD))

        assert results == [True] * len(_CROWD)
        admit(repository, listing, "cleo")
        assert names(repository, Status.CONFIRMED) == ["bob", "cleo"]
        assert repository.prospect(listing) is None

    def test_many_tell_everybody_once(self, repository: EventRepository) -> None:
        """When many tell an event's news at once, while the queue moves, everybody owes it once."""
        admit(repository, set_up(repository, capacity=_SEATS, waitlist=True), *_CROWD)
        change_with_news(repository, NOW - timedelta(minutes=1))
        tells = [lambda: repository.tell("devconf-2026", NOW)] * 4

        results = at_once(*tells, lambda: repository.settle("devconf-2026", NOW))

        assert sum(results) == len(_CROWD)
        assert {each.mail.number for each in repository.list("devconf-2026")} == {2}
        assert current(repository).telling is None

    def test_one_of_many_changes_of_an_event_wins(self, repository: EventRepository) -> None:
        """Of many who change an event at once exactly one succeeds, and its change is what is stored."""
        old = set_up(repository, capacity=1, waitlist=True)
        admit(repository, old, *_CROWD)

        def change(capacity: int) -> Listing | None:
            try:
                return repository.change_event(old, evolve(old, event=evolve(old.event, capacity=capacity)), NOW)
            except EventChangeError:
                return None

        changed = [each for each in at_once(*(lambda n=n: change(n) for n in range(2, 8))) if each is not None]

        assert changed == [current(repository)]
        repository.settle("devconf-2026", NOW)
        assert len(names(repository, Status.CONFIRMED)) == changed[0].event.capacity
