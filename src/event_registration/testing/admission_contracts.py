"""What an `EventRepository` promises of who is admitted, as tests to inherit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from event_registration.errors import EventFullError
from event_registration.mail import Mail, MailKind, MailState
from event_registration.model import Status
from event_registration.testing.contracts import RepositoryContract
from event_registration.testing.doubles import make_event
from event_registration.testing.guests import NOW, admit, cancel, current, found, guest, names, resize, set_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.ports import EventRepository

__all__ = ["AdmissionContract"]


def _unlimited(repository: EventRepository) -> None:
    admit(repository, set_up(repository), "ada", "bob")


def _empty(repository: EventRepository) -> None:
    set_up(repository, capacity=1)


def _full(repository: EventRepository) -> None:
    admit(repository, set_up(repository, capacity=2), "ada", "bob")


def _full_with_queue(repository: EventRepository) -> None:
    admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob")


def _freed(repository: EventRepository) -> None:
    _full(repository)
    cancel(repository, "ada")


def _freed_with_queue(repository: EventRepository) -> None:
    _full_with_queue(repository)
    cancel(repository, "ada")


def _served(repository: EventRepository) -> None:
    admit(repository, set_up(repository, capacity=2, waitlist=True), "ada", "bob", "cleo")
    cancel(repository, "ada", "bob")
    repository.settle("devconf-2026", NOW)


def _left_by_all_who_waited(repository: EventRepository) -> None:
    _full_with_queue(repository)
    cancel(repository, "bob", "ada")


def _lowered(repository: EventRepository) -> None:
    admit(repository, set_up(repository, capacity=3), "ada", "bob", "cleo")
    resize(repository, 1)
    cancel(repository, "ada")


def _raised(repository: EventRepository) -> None:
    _full(repository)
    resize(repository, 3)


_SITUATIONS: list[tuple[Callable[[EventRepository], None], Status | None]] = [
    (_unlimited, Status.CONFIRMED),
    (_empty, Status.CONFIRMED),
    (_full, None),
    (_full_with_queue, Status.WAITLISTED),
    (_freed, Status.CONFIRMED),
    (_freed_with_queue, Status.WAITLISTED),
    (_served, Status.CONFIRMED),
    (_left_by_all_who_waited, Status.CONFIRMED),
    (_lowered, None),
    (_raised, Status.CONFIRMED),
]


class AdmissionContract(RepositoryContract):
    """What every `EventRepository` promises of admitting, for one caller at a time."""

    @pytest.fixture
    def repository(self) -> EventRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    def test_admits_everybody_without_a_limit(self, repository: EventRepository) -> None:
        """An event without limit confirms whoever comes; there are neither seats nor places."""
        admitted = admit(repository, set_up(repository), *(f"p{number}" for number in range(20)))

        assert {(each.status, each.seat, each.place) for each in admitted} == {(Status.CONFIRMED, None, None)}

    def test_stores_whom_it_admits(self, repository: EventRepository) -> None:
        """Who is admitted is stored as returned: what was asked for, with a seat or a place and a mail that says so."""
        listing = set_up(repository, capacity=1, waitlist=True)
        asked = [
            evolve(guest(name), registered_at=NOW, told_of=3, mail=Mail(attempts=1, due_at=NOW))
            for name in ("ada", "bob")
        ]

        ada, bob = (repository.admit(each, listing) for each in asked)

        assert [found(repository, name) for name in ("ada", "bob")] == [ada, bob]
        assert ada == asked[0].admitted(Status.CONFIRMED, seat=ada.seat)
        assert bob == asked[1].admitted(Status.WAITLISTED, place=bob.place)
        assert [each.mail.kind for each in (ada, bob)] == [MailKind.CONFIRMED, MailKind.WAITLISTED]

    def test_confirms_exactly_the_capacity(self, repository: EventRepository) -> None:
        """As many are confirmed as there are seats, each on one of their own; then it is full, and nothing stored."""
        listing = set_up(repository, capacity=3)

        admitted = admit(repository, listing, "ada", "bob", "cleo")

        assert {each.status for each in admitted} == {Status.CONFIRMED}
        assert len({each.seat for each in admitted} - {None}) == len(admitted)
        with pytest.raises(EventFullError):
            admit(repository, listing, "dan")
        assert repository.find("devconf-2026", "dan@example.org") is None

    def test_lets_wait_in_order(self, repository: EventRepository) -> None:
        """Whoever finds no seat waits, at a place behind who came before."""
        listing = set_up(repository, capacity=1, waitlist=True)

        _, bob, cleo, dan = admit(repository, listing, "ada", "bob", "cleo", "dan")

        assert [each.status for each in (bob, cleo, dan)] == [Status.WAITLISTED] * 3
        assert [each.seat for each in (bob, cleo, dan)] == [None] * 3
        assert (bob.place or 0) < (cleo.place or 0) < (dan.place or 0)

    def test_looks_at_no_status_that_is_asked_for(self, repository: EventRepository) -> None:
        """What a registration says of its own status, seat and place gets it nothing."""
        listing = set_up(repository, capacity=1, waitlist=True)
        (ada,) = admit(repository, listing, "ada")

        bob = repository.admit(evolve(guest("bob"), status=Status.CONFIRMED, seat=ada.seat), listing)
        cleo = repository.admit(evolve(guest("cleo"), status=Status.CANCELLED, place=0), listing)

        assert names(repository, Status.CONFIRMED) == ["ada"]
        assert [each.attendee_name for each in (bob, cleo)] == names(repository, Status.WAITLISTED)

    @pytest.mark.parametrize("changes", [{}, {"capacity": 1}, {"capacity": 1, "waitlist": True}])
    def test_returns_the_earlier_registration(self, repository: EventRepository, changes: dict[str, Any]) -> None:
        """Who is registered gets the earlier registration again, whatever they send and however full it is."""
        listing = set_up(repository, **changes)
        first = admit(repository, listing, "ada", *(["bob"] if listing.event.waitlist else []))

        again = [repository.admit(evolve(guest(each.attendee_name), attendee_name="Eve"), listing) for each in first]

        assert again == first
        assert len(list(repository.list("devconf-2026"))) == len(first)

    def test_recognises_its_own_admission(self, repository: EventRepository) -> None:
        """Asking the very same again, as after a lost answer, returns it as stored and takes no second seat."""
        listing = set_up(repository, capacity=2)
        asked = guest("ada")
        first = repository.admit(asked, listing)

        again = repository.admit(asked, listing)

        assert again == first
        assert admit(repository, listing, "bob")[0].status is Status.CONFIRMED

    def test_keeps_events_apart(self, repository: EventRepository) -> None:
        """One event's seats are not another's."""
        listing = set_up(repository, capacity=1)
        repository.create_event(make_event(event_id="other", capacity=1))
        other = repository.find_event("other")
        assert other is not None
        admit(repository, listing, "ada")

        admitted = repository.admit(evolve(guest("ada"), event_id="other"), other)

        assert admitted.status is Status.CONFIRMED
        assert repository.cancel(admitted, NOW)
        assert repository.prospect(listing) is None

    @pytest.mark.parametrize(
        ("arrange", "expected"), _SITUATIONS, ids=[arrange.__name__.strip("_") for arrange, _ in _SITUATIONS]
    )
    def test_foretells_what_comes(
        self, repository: EventRepository, arrange: Callable[[EventRepository], None], expected: Status | None
    ) -> None:
        """What a newcomer would come to be is what a newcomer comes to be."""
        arrange(repository)
        listing = current(repository)

        prospect = repository.prospect(listing)

        assert prospect == expected
        if prospect is None:
            with pytest.raises(EventFullError):
                admit(repository, listing, "newcomer")
        else:
            assert admit(repository, listing, "newcomer")[0].status is prospect

    def test_keeps_seats_and_places_over_a_mark(self, repository: EventRepository) -> None:
        """A mail that is marked as sent costs nobody the seat or the place."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admitted = admit(repository, listing, "ada", "bob")
        marked = [evolve(each, mail=evolve(each.mail, state=MailState.SENT)) for each in admitted]

        replaced = [repository.replace(old, new) for old, new in zip(admitted, marked, strict=True)]

        assert replaced == [True, True]
        assert [found(repository, name) for name in ("ada", "bob")] == marked

    def test_takes_deadlines(self, repository: EventRepository) -> None:
        """Every call that a request waits for takes the instant by which it must be over."""
        listing = set_up(repository, capacity=1)
        deadline = time.monotonic() + 5

        ada = repository.admit(guest("ada"), listing, deadline=deadline)

        assert repository.find("devconf-2026", "ada@example.org", deadline=deadline) == ada
        assert repository.prospect(listing, deadline=deadline) is None
        assert repository.cancel(ada, NOW, deadline=deadline)
        assert repository.settle("devconf-2026", NOW, deadline=deadline) == 0
