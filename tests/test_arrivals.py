"""Lines are in the order in which people came."""

import random
import resource
from datetime import UTC, datetime, timedelta, timezone

import pytest

from event_registration.arrivals import lines_in_order
from event_registration.errors import RepositoryError
from event_registration.testing import make_registration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _names(people):
    return list(lines_in_order(people, lambda each: each.attendee_name))


def _person(name, registered_at, place=None):
    return make_registration(attendee_name=name, registered_at=registered_at, place=place)


def test_the_earliest_comes_first():
    """Instants are compared, whatever zones they are in, to the microsecond; who has none comes before all."""
    people = [
        _person("third", NOON + timedelta(microseconds=1)),
        _person("second", NOON.astimezone(timezone(timedelta(hours=5)))),
        _person("first", NOON - timedelta(microseconds=1)),
        _person("unknown", None),
    ]

    assert _names(people) == ["unknown", "first", "second", "third"]


def test_at_one_instant_the_queue_counts():
    """Who came at one instant is told in the order of the queue, without one as they were given."""
    people = [_person("d", NOON, 10), _person("c", NOON, 9), _person("b", NOON), _person("a", NOON)]

    assert _names(people) == ["b", "a", "c", "d"]


def test_nobody_is_nothing():
    """Without registrations there are no lines."""
    assert _names([]) == []


def test_many_are_in_order_too():
    """More lines than memory is used for are sorted all the same, and each is there once."""
    numbers = random.Random(1).sample(range(20_000), 20_000)
    people = (_person(f"{number:05} {'x' * 90}", NOON + timedelta(seconds=number)) for number in numbers)

    names = _names(people)

    assert [int(name[:5]) for name in names] == list(range(20_000))


def test_what_is_wrong_with_a_registration_is_told_as_it_is():
    """An error of whoever reads the registrations is that, and none of sorting."""

    def people():
        yield _person("a", NOON)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        _names(people())


@pytest.fixture
def full_disk():
    """Let no file of this process grow beyond 100,000 bytes, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_told():
    """Where there is no room to sort, the error says what to do."""
    people = [_person("a", NOON)] * 5000

    with pytest.raises(RepositoryError, match=r"no room to sort the registrations \(SQLITE_\w+\)\. Name .* TMPDIR"):
        list(lines_in_order(people, lambda _: "x" * 1000))
