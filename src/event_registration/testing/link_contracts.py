"""What an `EventRepository` promises of who follows a link, as tests to inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from event_registration.model import Status
from event_registration.testing.contracts import RepositoryContract
from event_registration.testing.guests import NOW, admit, cancel, found, guest, set_up

if TYPE_CHECKING:
    from event_registration.ports import EventRepository

__all__ = ["LinkContract"]

_ANSWERS = {"diet": "vegan", "seats": 2, "rate": 0.5, "first": True, "days": ["mo", "we"], "name": "Łódź 山田 🎟"}


class LinkContract(RepositoryContract):
    """What every `EventRepository` promises of keys, places in line, answers and generations."""

    @pytest.fixture
    def repository(self) -> EventRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    def test_finds_by_digest(self, repository: EventRepository) -> None:
        """A person's key finds what the address finds, in that event alone; it is no address."""
        admit(repository, set_up(repository), "ada", "bob")

        digest = repository.digest_of("ada@example.org")

        assert repository.find_by_digest("devconf-2026", digest) == found(repository, "ada")
        assert repository.find_by_digest("other", digest) is None
        assert repository.find_by_digest("devconf-2026", repository.digest_of("eve@example.org")) is None
        assert "ada" not in digest

    def test_keys_tell_people_apart(self, repository: EventRepository) -> None:
        """Spellings of one address have one key, other addresses have others."""
        assert repository.digest_of("ADA@example.org") == repository.digest_of("ada@example.org")
        assert repository.digest_of("ada+1@example.org") != repository.digest_of("ada@example.org")

    def test_numbers_who_waits(self, repository: EventRepository) -> None:
        """The head of the queue is number one, and everybody moves up when someone leaves it or is served."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admit(repository, listing, "ada", "bob", "cleo", "dan", "eve")

        def numbers(*people: str) -> list[int]:
            return [repository.position(found(repository, name)) for name in people]

        assert numbers("bob", "cleo", "dan", "eve") == [1, 2, 3, 4]
        cancel(repository, "cleo")
        assert numbers("bob", "dan", "eve") == [1, 2, 3]
        cancel(repository, "ada")
        repository.settle("devconf-2026", NOW)
        assert numbers("dan", "eve") == [1, 2]

    def test_keeps_answers(self, repository: EventRepository) -> None:
        """Answers and the language come back as they were given, through the queue, a promotion and a cancellation."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admit(repository, listing, "ada")
        repository.admit(evolve(guest("bob"), answers=_ANSWERS, locale="de-AT"), listing)
        for person, status in (("ada", Status.WAITLISTED), ("bob", Status.CONFIRMED)):
            assert found(repository, "bob").status is status
            cancel(repository, person)
            repository.settle("devconf-2026", NOW)

            assert found(repository, "bob").answers == _ANSWERS
            assert found(repository, "bob").locale == "de-AT"

    def test_counts_generations(self, repository: EventRepository) -> None:
        """A registration's links change with its cancellation and with nothing else; a second one adds nothing."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admit(repository, listing, "ada", "bob")
        assert found(repository, "bob").link_generation == 1
        cancel(repository, "ada")
        repository.settle("devconf-2026", NOW)
        assert (found(repository, "bob").status, found(repository, "bob").link_generation) == (Status.CONFIRMED, 1)

        cancel(repository, "bob", "bob")
        left = found(repository, "bob")
        back = repository.admit(evolve(guest("bob"), answers={"diet": "none"}), listing)
        cancel(repository, "bob")
        gone = found(repository, "bob")

        assert [each.link_generation for each in (left, back, gone)] == [2, 2, 3]
        assert back.answers == {"diet": "none"}
