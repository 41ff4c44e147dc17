"""What an `EventRepository` promises of a capacity that changes, as tests to inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from event_registration.errors import EventFullError
from event_registration.model import Status
from event_registration.testing.contracts import RepositoryContract
from event_registration.testing.guests import NOW, admit, cancel, current, names, resize, set_up

if TYPE_CHECKING:
    from event_registration.ports import EventRepository

__all__ = ["ResizingContract"]


class ResizingContract(RepositoryContract):
    """What every `EventRepository` promises of raising and lowering a capacity, for one caller at a time."""

    @pytest.fixture
    def repository(self) -> EventRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    def test_raises_the_capacity(self, repository: EventRepository) -> None:
        """Seats that are added go to who waits, in their order, and only then to newcomers."""
        admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob", "cleo", "dan", "eve")

        listing = resize(repository, 3)
        repository.settle("devconf-2026", NOW)

        assert names(repository, Status.CONFIRMED) == ["ada", "bob", "cleo"]
        assert names(repository, Status.WAITLISTED) == ["dan", "eve"]
        resize(repository, 6)
        repository.settle("devconf-2026", NOW)
        assert names(repository, Status.CONFIRMED) == ["ada", "bob", "cleo", "dan", "eve"]
        assert admit(repository, current(repository), "fay")[0].status is Status.CONFIRMED
        assert admit(repository, listing, "gus")[0].status is Status.WAITLISTED

    def test_lowers_the_capacity(self, repository: EventRepository) -> None:
        """A capacity that falls takes nobody's seat, and admits nobody until fewer are confirmed than it says."""
        admit(repository, set_up(repository, capacity=4, waitlist=True), "ada", "bob", "cleo", "dan", "eve")

        resize(repository, 2)

        assert repository.settle("devconf-2026", NOW) == 0
        assert names(repository, Status.CONFIRMED) == ["ada", "bob", "cleo", "dan"]
        for leaving, left in [("ada", ["bob", "cleo", "dan"]), ("dan", ["bob", "cleo"]), ("bob", ["cleo", "eve"])]:
            cancel(repository, leaving)
            repository.settle("devconf-2026", NOW)
            assert names(repository, Status.CONFIRMED) == left

    def test_lowers_the_capacity_where_nobody_can_wait(self, repository: EventRepository) -> None:
        """Without a waiting list, too, newcomers are refused until the number fits."""
        admit(repository, set_up(repository, capacity=3), "ada", "bob", "cleo")
        listing = resize(repository, 1)

        for leaving in ("bob", "ada"):
            cancel(repository, leaving)
            with pytest.raises(EventFullError):
                admit(repository, listing, "dan")
        cancel(repository, "cleo")

        assert admit(repository, listing, "dan")[0].status is Status.CONFIRMED
        with pytest.raises(EventFullError):
            admit(repository, listing, "eve")

    @pytest.mark.parametrize("low", [1, 3])
    @pytest.mark.parametrize("leaving", [[], ["ada"], ["bob", "dan"]])
    def test_loses_no_seat_between_lower_and_higher(
        self, repository: EventRepository, low: int, leaving: list[str]
    ) -> None:
        """A capacity that fell and rose again leaves no seat unused and none twice."""
        admit(repository, set_up(repository, capacity=4), "ada", "bob", "cleo", "dan")
        resize(repository, low)
        cancel(repository, *leaving)
        listing = resize(repository, 5)
        people = [f"new{number}" for number in range(len(leaving) + 1)]

        admitted = admit(repository, listing, *people)

        assert {each.status for each in admitted} == {Status.CONFIRMED}
        assert len(names(repository, Status.CONFIRMED)) == listing.event.capacity
        with pytest.raises(EventFullError):
            admit(repository, listing, "late")
