"""What an `EventRepository` promises of the waiting list, as tests to inherit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from event_registration.errors import EventFullError
from event_registration.mail import Mail, MailKind, MailState
from event_registration.model import Status
from event_registration.testing.contracts import RepositoryContract
from event_registration.testing.doubles import make_event
from event_registration.testing.guests import NOW, admit, cancel, found, names, set_up

if TYPE_CHECKING:
    from event_registration.ports import EventRepository

__all__ = ["QueueContract"]


class QueueContract(RepositoryContract):
    """What every `EventRepository` promises of the queue, for one caller at a time."""

    @pytest.fixture
    def repository(self) -> EventRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    def test_gives_a_freed_seat_to_the_first(self, repository: EventRepository) -> None:
        """Settling gives the seat of who cancelled to who has waited longest, and nothing to the next."""
        admit(repository, set_up(repository, capacity=2, waitlist=True), "ada", "bob", "cleo", "dan")
        cancel(repository, "ada")

        promoted = repository.settle("devconf-2026", NOW)

        assert promoted == 1
        assert names(repository, Status.CONFIRMED) == ["bob", "cleo"]
        assert names(repository, Status.WAITLISTED) == ["dan"]
        assert found(repository, "cleo").seat is not None

    def test_owes_a_mail_to_who_is_promoted(self, repository: EventRepository) -> None:
        """A promotion is a change of the same registration, and owes another mail, due at once."""
        _, bob = admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob")
        sent = evolve(bob, mail=bob.mail.claimed(NOW, timedelta(minutes=1)).sent())
        repository.replace(bob, sent)
        cancel(repository, "ada")

        repository.settle("devconf-2026", NOW)

        promoted = found(repository, "bob")
        assert promoted.registration_id == bob.registration_id
        assert promoted.revision > bob.revision
        assert promoted.mail == Mail(kind=MailKind.PROMOTED, number=2, due_at=NOW)

    def test_keeps_a_promotion_s_mail_from_overtaking(self, repository: EventRepository) -> None:
        """While the mail of the waiting list is being sent, the promotion's waits for the end of that claim."""
        _, bob = admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob")
        repository.replace(bob, evolve(bob, mail=bob.mail.claimed(NOW, timedelta(minutes=1))))
        cancel(repository, "ada")

        repository.settle("devconf-2026", NOW)

        assert found(repository, "bob").mail.due_at == NOW + timedelta(minutes=1)

    def test_refuses_the_mark_of_an_older_state(self, repository: EventRepository) -> None:
        """Who marks the mail of the waiting list as sent after a promotion is told so, and the new debt stays."""
        _, bob = admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob")
        cancel(repository, "ada")
        repository.settle("devconf-2026", NOW)

        marked = repository.replace(bob, evolve(bob, mail=Mail(state=MailState.SENT)))

        assert not marked
        assert found(repository, "bob").mail.state is MailState.DUE

    def test_owes_a_mail_to_who_cancels(self, repository: EventRepository) -> None:
        """A cancellation owes a mail about it, in the same write."""
        admit(repository, set_up(repository), "ada")

        cancel(repository, "ada")

        assert found(repository, "ada").mail == Mail(kind=MailKind.CANCELLED, number=2, due_at=NOW)

    def test_settles_once(self, repository: EventRepository) -> None:
        """Settling what is settled changes nothing."""
        admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob", "cleo")
        cancel(repository, "ada")
        repository.settle("devconf-2026", NOW)
        before = {each.attendee_name: each for each in repository.list("devconf-2026")}

        promoted = repository.settle("devconf-2026", NOW)

        assert promoted == 0
        assert {each.attendee_name: each for each in repository.list("devconf-2026")} == before

    def test_settles_nothing_where_nothing_is(self, repository: EventRepository) -> None:
        """An event that isn't there, has no limit, or has nobody waiting has nothing to settle."""
        assert repository.settle("devconf-2026", NOW) == 0
        listing = set_up(repository)
        assert repository.settle("devconf-2026", NOW) == 0
        admit(repository, listing, "ada")
        assert repository.settle("devconf-2026", NOW) == 0

    def test_lets_nobody_overtake(self, repository: EventRepository) -> None:
        """A seat that is free while somebody waits is not a newcomer's: the newcomer waits, and is served later."""
        listing = set_up(repository, capacity=2, waitlist=True)
        admit(repository, listing, "ada", "bob", "cleo")
        cancel(repository, "ada")

        (dan,) = admit(repository, listing, "dan")

        assert dan.status is Status.WAITLISTED
        assert repository.settle("devconf-2026", NOW) == 1
        assert names(repository, Status.CONFIRMED) == ["bob", "cleo"]
        assert names(repository, Status.WAITLISTED) == ["dan"]

    def test_serves_past_who_left_the_queue(self, repository: EventRepository) -> None:
        """Who leaves the queue is passed over, and whoever came back is served last."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admit(repository, listing, "ada", "bob", "cleo")
        cancel(repository, "bob")
        admit(repository, listing, "bob")

        served = []
        for leaving in ("ada", "cleo"):
            cancel(repository, leaving)
            repository.settle("devconf-2026", NOW)
            served += names(repository, Status.CONFIRMED)

        assert served == ["cleo", "bob"]

    def test_sells_a_freed_seat_where_nobody_can_wait(self, repository: EventRepository) -> None:
        """Without a waiting list a seat that was given back is the next newcomer's, and only one's."""
        listing = set_up(repository, capacity=2)
        admit(repository, listing, "ada", "bob")
        cancel(repository, "ada")

        admit(repository, listing, "cleo")

        assert names(repository, Status.CONFIRMED) == ["bob", "cleo"]
        with pytest.raises(EventFullError):
            admit(repository, listing, "dan")

    def test_serves_who_waits_in_a_list_that_was_closed(self, repository: EventRepository) -> None:
        """When the waiting list is switched off, who waits is served first, and newcomers come after them."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admit(repository, listing, "ada", "bob")
        listing = repository.change_event(listing, evolve(listing, event=make_event(capacity=1)), NOW)
        with pytest.raises(EventFullError):
            admit(repository, listing, "cleo")
        cancel(repository, "ada")
        with pytest.raises(EventFullError):
            admit(repository, listing, "cleo")

        promoted = repository.settle("devconf-2026", NOW)

        assert promoted == 1
        assert names(repository, Status.CONFIRMED) == ["bob"]

    @pytest.mark.parametrize(
        ("closes_at", "last"),
        [
            (datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, 9, 0, tzinfo=UTC)),
            (None, datetime(2026, 6, 1, 9, 0, tzinfo=UTC)),
            (datetime(2026, 6, 1, 16, 0, tzinfo=UTC), datetime(2026, 6, 1, 16, 0, tzinfo=UTC)),
        ],
        ids=["closes before the start", "closes at the start", "closes after the start"],
    )
    def test_promotes_nobody_too_late(
        self, repository: EventRepository, closes_at: datetime | None, last: datetime
    ) -> None:
        """Who waits is promoted up to the start, or as long as registration is open, and not from that instant on."""
        admit(repository, set_up(repository, capacity=1, waitlist=True, closes_at=closes_at), "ada", "bob")
        cancel(repository, "ada")

        assert repository.settle("devconf-2026", last) == 0
        assert names(repository, Status.WAITLISTED) == ["bob"]
        assert repository.settle("devconf-2026", last - timedelta(microseconds=1)) == 1

    def test_promotes_nobody_for_what_was_called_off(self, repository: EventRepository) -> None:
        """An event that was cancelled promotes nobody; one that takes place again does."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admit(repository, listing, "ada", "bob")
        cancel(repository, "ada")
        off = repository.change_event(listing, evolve(listing, is_cancelled=True), NOW)

        assert repository.settle("devconf-2026", NOW) == 0
        repository.change_event(off, evolve(off, is_cancelled=False), NOW)
        assert repository.settle("devconf-2026", NOW) == 1
