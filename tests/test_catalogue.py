"""The catalogue remembers events for a few seconds, and never what there was not."""

import pytest
from attrs import evolve

from event_registration.catalogue import Catalogue
from event_registration.errors import RepositoryUnavailableError, UnknownEventError
from event_registration.local import SQLiteEventRepository
from event_registration.testing import at_once, make_event
from event_registration.testing.guests import NOW, current, set_up

ID = "devconf-2026"


class _Counted(SQLiteEventRepository):
    """SQLite in memory that counts how often each event is asked for, and fails if it is told to."""

    def __init__(self):
        super().__init__(":memory:")
        self.asked = []
        self.deadline = None
        self.fault = None

    def find_event(self, event_id, *, deadline=None):
        """Count, then find or raise."""
        self.asked.append(event_id)
        self.deadline = deadline
        if self.fault:
            raise self.fault
        return super().find_event(event_id, deadline=deadline)


class _Time:
    """A clock in seconds that stands still until it is moved."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def repository():
    """Return a repository with one event, which nobody has asked for yet."""
    repository = _Counted()
    set_up(repository)
    repository.asked.clear()
    yield repository
    repository.close()


@pytest.fixture
def time():
    """Return the clock."""
    return _Time()


@pytest.fixture
def catalogue(repository, time):
    """Return a catalogue that remembers for five seconds."""
    return Catalogue(repository, seconds=5, monotonic=time)


def _rename(repository, name):
    old = current(repository)
    repository.change_event(old, evolve(old, event=evolve(old.event, event_name=name)), NOW)
    repository.asked.clear()


def test_reads_once(catalogue, repository):
    """Many who ask within the seconds cost one reading."""
    found = [catalogue.find(ID) for _ in range(100)]

    assert {listing.event.event_id for listing in found} == {ID}
    assert repository.asked == [ID]


@pytest.mark.parametrize(
    ("seconds", "name"), [(0, "DevConf 2026"), (4.999, "DevConf 2026"), (5, "New"), (3600, "New")], ids=str
)
def test_sees_a_change_after_its_seconds(catalogue, repository, time, seconds, name):
    """An organiser's change is seen as soon as what was read is five seconds old, and not before."""
    catalogue.find(ID)
    _rename(repository, "New")

    time.now += seconds

    assert catalogue.find(ID).event.event_name == name


def test_what_was_read_again_is_new(catalogue, repository, time):
    """The seconds begin anew with each reading, and asking does not prolong them."""
    for _ in range(10):
        catalogue.find(ID)
        time.now += 2

    assert repository.asked == [ID] * 4


def test_remembers_for_five_seconds_unless_told_otherwise(repository, time):
    """Without being told how long, it remembers for five seconds."""
    catalogue = Catalogue(repository, monotonic=time)

    for seconds in (0, 4.999, 0.001):
        time.now += seconds
        catalogue.find(ID)

    assert repository.asked == [ID] * 2


def test_a_clock_may_have_just_begun(repository, time):
    """Where the clock is younger than the seconds, nothing is taken for read that isn't."""
    time.now = 0.0

    with pytest.raises(UnknownEventError):
        Catalogue(repository, monotonic=time).find("other")


def test_no_seconds_remember_nothing(repository, time):
    """With no seconds every question is a reading."""
    catalogue = Catalogue(repository, seconds=0, monotonic=time)

    for _ in range(3):
        catalogue.find(ID)

    assert repository.asked == [ID] * 3


def test_asks_for_an_unknown_event_each_time(catalogue, repository):
    """What is unknown is asked for each time, so that it is there as soon as it is set up."""
    for _ in range(2):
        with pytest.raises(UnknownEventError):
            catalogue.find("other")
    repository.create_event(make_event(event_id="other"))

    assert catalogue.find("other").event.event_id == "other"
    assert repository.asked == ["other"] * 3


def test_keeps_events_apart(catalogue, repository):
    """Each event is remembered on its own."""
    repository.create_event(make_event(event_id="other"))

    found = [catalogue.find(event_id).event.event_id for event_id in (ID, "other", ID, "other")]

    assert found == [ID, "other", ID, "other"]
    assert repository.asked == [ID, "other"]


@pytest.fixture
def others(repository):
    """Return the ids of a thousand further events."""
    others = [f"event-{number}" for number in range(1000)]
    for event_id in others:
        repository.create_event(make_event(event_id=event_id))
    return others


def test_remembers_a_thousand(catalogue, repository, others):
    """Of more events than a thousand the one that was read first is forgotten, so that the memory stays small."""
    for event_id in (ID, *others):
        catalogue.find(event_id)
    repository.asked.clear()

    for event_id in (*others, ID):
        catalogue.find(event_id)

    assert repository.asked == [ID]


def test_forgets_what_was_read_longest_ago(catalogue, repository, others, time):
    """An event that is read again is not the first to be forgotten any more."""
    for event_id in (ID, *others[:-1]):
        catalogue.find(event_id)
    time.now += 5
    catalogue.find(ID)
    catalogue.find(others[-1])
    repository.asked.clear()

    catalogue.find(ID)

    assert repository.asked == []


def test_remembers_no_failure(catalogue, repository, time):
    """A reading that fails is told, and the next one is made as if it hadn't been."""
    catalogue.find(ID)
    time.now += 5
    repository.fault = RepositoryUnavailableError("down")
    with pytest.raises(RepositoryUnavailableError):
        catalogue.find(ID)
    repository.fault = None

    assert catalogue.find(ID).event.event_id == ID
    assert repository.asked == [ID] * 3


def test_needs_no_repository_while_it_remembers(catalogue, repository, time):
    """As long as what was read is good, nobody notices that the repository is away."""
    catalogue.find(ID)
    repository.fault = RepositoryUnavailableError("down")
    time.now += 4

    assert catalogue.find(ID).event.event_id == ID


def test_reads_in_time(catalogue, repository):
    """A reading has the deadline of who asks."""
    catalogue.find(ID, deadline=1004.0)

    assert repository.deadline == 1004.0


def test_many_may_ask_at_once(catalogue):
    """Threads that ask at once are all told the same."""
    found = at_once(*[lambda: catalogue.find(ID)] * 16)

    assert found == [catalogue.find(ID)] * 16


def test_keeps_the_object_while_nothing_changes(catalogue, repository, time):
    """An event that is read again unchanged is the same object, so that what was made of it is made once a revision."""
    first = catalogue.find(ID)
    time.now += 6

    again = catalogue.find(ID)
    _rename(repository, "New")
    time.now += 6

    assert again is first
    assert catalogue.find(ID) is not first


def test_knows_what_it_read_last(catalogue, repository, time):
    """What was read last can be had at any age without asking; what never was is none."""
    assert catalogue.last(ID) is None
    listing = catalogue.find(ID)
    time.now += 3600

    assert catalogue.last(ID) is listing
    assert repository.asked == [ID]


def test_is_told_what_others_read(catalogue, repository, time):
    """What was read elsewhere is as good as what it has read itself."""
    listing = catalogue.remember(current(repository), time.now)
    repository.asked.clear()

    assert catalogue.find(ID) is listing
    assert repository.asked == []
