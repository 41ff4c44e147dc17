"""What an `EventRepository` promises of who leaves and who comes back, as tests to inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from event_registration.errors import EventFullError
from event_registration.model import Status
from event_registration.testing.contracts import RepositoryContract
from event_registration.testing.guests import NOW, admit, cancel, found, guest, names, set_up

if TYPE_CHECKING:
    from event_registration.ports import EventRepository

__all__ = ["LeavingContract"]


class LeavingContract(RepositoryContract):
    """What every `EventRepository` promises of cancelling and coming back, for one caller at a time."""

    @pytest.fixture
    def repository(self) -> EventRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    def test_cancels(self, repository: EventRepository) -> None:
        """Who cancels has neither seat nor place any more, and a higher revision; the rest stays."""
        listing = set_up(repository, capacity=1, waitlist=True)
        for registration in admit(repository, listing, "ada", "bob"):
            cancelled = repository.cancel(registration, NOW)

            assert cancelled
            stored = found(repository, registration.attendee_name)
            assert (stored.status, stored.seat) == (Status.CANCELLED, None)
            assert stored.registration_id == registration.registration_id
            assert stored.revision > registration.revision

    def test_cancels_without_a_limit(self, repository: EventRepository) -> None:
        """Leaving an event without limit leaves nobody waiting and nothing to settle."""
        admit(repository, set_up(repository), "ada", "bob")

        cancel(repository, "ada")

        assert names(repository, Status.CONFIRMED) == ["bob"]
        assert names(repository, Status.CANCELLED) == ["ada"]
        assert repository.settle("devconf-2026", NOW) == 0

    def test_cancels_once(self, repository: EventRepository) -> None:
        """Cancelling what is cancelled, as after a lost answer, is harmless: one seat is free and not two."""
        listing = set_up(repository, capacity=2)
        ada, _ = admit(repository, listing, "ada", "bob")

        cancelled = [
            repository.cancel(ada, NOW),
            repository.cancel(ada, NOW),
            repository.cancel(found(repository, "ada"), NOW),
        ]

        assert cancelled == [True, True, True]
        admit(repository, listing, "cleo")
        assert repository.prospect(listing) is None

    def test_cancels_nobody_who_changed(self, repository: EventRepository) -> None:
        """A cancellation of what is not as it was read any more is refused and changes nothing."""
        listing = set_up(repository, capacity=1, waitlist=True)
        _, bob = admit(repository, listing, "ada", "bob")
        cancel(repository, "ada")
        repository.settle("devconf-2026", NOW)

        cancelled = repository.cancel(bob, NOW)

        assert not cancelled
        assert names(repository, Status.CONFIRMED) == ["bob"]

    def test_cancels_nobody_who_is_not_there(self, repository: EventRepository) -> None:
        """A cancellation of a registration that was never stored is refused and stores nothing."""
        set_up(repository, capacity=1)

        cancelled = repository.cancel(guest("ada"), NOW)

        assert not cancelled
        assert repository.find("devconf-2026", "ada@example.org") is None

    def test_takes_back_who_cancelled(self, repository: EventRepository) -> None:
        """Who comes back is a new registration of the next revision; the old one's cancellation doesn't touch it."""
        listing = set_up(repository, capacity=1)
        (first,) = admit(repository, listing, "ada")
        cancel(repository, "ada")
        left = found(repository, "ada")

        (back,) = admit(repository, listing, "ada")

        assert back.status is Status.CONFIRMED
        assert back.registration_id not in {first.registration_id, ""}
        assert back.revision == left.revision + 1
        assert found(repository, "ada") == back
        assert not repository.cancel(first, NOW)
        assert names(repository, Status.CONFIRMED) == ["ada"]
        assert repository.cancel(back, NOW)
        assert not repository.cancel(first, NOW)

    @pytest.mark.parametrize("who", ["ada", "bob"], ids=["who had a seat", "who waited"])
    def test_takes_back_at_the_end_of_the_queue(self, repository: EventRepository, who: str) -> None:
        """Who comes back waits behind everybody who has not left."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admit(repository, listing, "ada", "bob", "cleo")
        cancel(repository, who)

        (back,) = admit(repository, listing, who)

        assert back.status is Status.WAITLISTED
        assert names(repository, Status.WAITLISTED) == [name for name in ("bob", "cleo") if name != who] + [who]

    def test_refuses_who_comes_back_too_late(self, repository: EventRepository) -> None:
        """Who cancelled and finds the event full stays cancelled."""
        listing = set_up(repository, capacity=1)
        admit(repository, listing, "ada")
        cancel(repository, "ada")
        admit(repository, listing, "bob")
        left = found(repository, "ada")

        with pytest.raises(EventFullError):
            admit(repository, listing, "ada")

        assert found(repository, "ada") == left
