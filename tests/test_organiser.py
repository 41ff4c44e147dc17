"""What an organiser does with events and registrations."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from event_registration.errors import (
    EventChangeError,
    EventExistsError,
    InvalidEventError,
    RepositoryUnavailableError,
    UnknownEventError,
    UnknownRegistrationError,
)
from event_registration.listing import EventState
from event_registration.local import SQLiteEventRepository
from event_registration.model import Status
from event_registration.organiser import Counts, Organiser
from event_registration.testing import ManualClock, make_event, make_registration
from event_registration.testing.guests import mailed

ID = "devconf-2026"
NAMES = ("ada", "bob", "cyd", "dan")


@pytest.fixture
def clock():
    """Return a clock that stands three months before the event."""
    return ManualClock()


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = SQLiteEventRepository(":memory:")
    yield repository
    repository.close()


@pytest.fixture
def organiser(repository, clock):
    """Return an organiser of events in the repository."""
    return Organiser(repository, clock=clock)


def _registration(name, **changes):
    return make_registration(attendee_name=name, attendee_email=f"{name}@example.org", **changes)


def _admit(repository, clock, *names):
    for name in names:
        clock.advance(seconds=1)
        repository.admit(_registration(name, registered_at=clock()), repository.find_event(ID))


def _standing(organiser):
    return [(each.attendee_name, each.status) for each in organiser.registrations(ID)]


class TestCreate:
    """Setting an event up."""

    def test_a_new_event_is_stored_and_open(self, organiser):
        """What was set up is found again, and takes registrations at once."""
        listing = organiser.create(make_event(capacity=2))

        assert listing.event == make_event(capacity=2)
        assert (listing, EventState.OPEN) == organiser.event(ID)

    def test_an_id_is_given_once(self, organiser):
        """A second event of an id is refused, and the first is as it was."""
        organiser.create(make_event())

        with pytest.raises(EventExistsError):
            organiser.create(make_event(event_name="Another"))

        assert organiser.event(ID)[0].event == make_event()

    def test_all_that_only_now_is_wrong_is_told(self, organiser, clock):
        """A zone that isn't there, an end that has passed and wrong questions are all named, and nothing is stored."""
        clock.now = make_event().ends_at

        with pytest.raises(InvalidEventError) as refusal:
            organiser.create(make_event(time_zone="Europe/Bonn", questions={"type": "object", "properties": {}}))

        assert [(problem.field, problem.code) for problem in refusal.value.problems] == [
            ("time_zone", "unknown-time-zone"),
            ("ends_at", "already-over"),
            ("questions/properties", "too-few"),
        ]
        assert organiser.events() == []

    def test_an_event_may_have_begun(self, organiser, clock):
        """Until it ends an event can be set up, as for people who come in the middle."""
        clock.now = make_event().ends_at - timedelta(microseconds=1)

        listing = organiser.create(make_event())

        assert organiser.state(listing) is EventState.CLOSED


class TestUpdate:
    """Changing an event."""

    def test_only_what_is_given_changes(self, organiser):
        """The other fields stay as they are."""
        organiser.create(make_event(venue="Hall 1", capacity=2))

        listing = organiser.update(ID, {"venue": None, "event_name": "DevConf"})

        assert listing.event == make_event(event_name="DevConf", capacity=2)
        assert listing == organiser.event(ID)[0]
        assert listing.revision > 1

    def test_a_higher_capacity_serves_the_queue(self, organiser, repository, clock):
        """Who waits has a seat as soon as the change is done, in the order of the queue."""
        organiser.create(make_event(capacity=1, waitlist=True))
        _admit(repository, clock, *NAMES)

        organiser.update(ID, {"capacity": 3})

        assert _standing(organiser) == [
            ("ada", Status.CONFIRMED),
            ("bob", Status.CONFIRMED),
            ("cyd", Status.CONFIRMED),
            ("dan", Status.WAITLISTED),
        ]

    def test_a_lower_capacity_takes_nobodys_seat(self, organiser, repository, clock):
        """Who is confirmed stays so."""
        organiser.create(make_event(capacity=2))
        _admit(repository, clock, "ada", "bob")

        organiser.update(ID, {"capacity": 1})

        assert organiser.counts(ID) == Counts(confirmed=2)

    @pytest.mark.parametrize(
        ("changes", "field", "code"),
        [
            ({"capacity": 0}, "capacity", "invalid-capacity"),
            ({"ends_at": make_event().starts_at}, "ends_at", "ends-before-start"),
            ({"time_zone": "Europe/Bonn"}, "time_zone", "unknown-time-zone"),
        ],
        ids=str,
    )
    def test_a_wrong_field_is_refused(self, organiser, changes, field, code):
        """A change must leave an event that obeys its rules; else nothing changes."""
        organiser.create(make_event())

        with pytest.raises(InvalidEventError) as refusal:
            organiser.update(ID, changes)

        assert [(problem.field, problem.code) for problem in refusal.value.problems] == [(field, code)]
        assert organiser.event(ID)[0].event == make_event()

    def test_an_old_zone_is_no_hindrance(self, organiser, repository):
        """An event whose zone this machine's list doesn't have can be changed otherwise."""
        repository.create_event(make_event(time_zone="Europe/Atlantis"))

        listing = organiser.update(ID, {"venue": "Hall 1"})

        assert listing.event.venue == "Hall 1"

    def test_an_event_keeps_its_id(self, organiser):
        """No change makes another event of it."""
        organiser.create(make_event())

        with pytest.raises(EventChangeError, match="keeps its id"):
            organiser.update(ID, {"event_id": "devconf-2027"})

        assert organiser.update(ID, {"event_id": ID}).event == make_event()

    def test_an_unknown_event_is_none(self, organiser):
        """Only an event that was set up can be changed."""
        with pytest.raises(UnknownEventError):
            organiser.update(ID, {"venue": "Hall 1"})


def _tell(repository, clock):
    """Let a minute pass, and return whom the event's news make owe what."""
    clock.advance(minutes=1)
    repository.tell(ID, clock())
    return {each.attendee_name: each.mail.kind for each in repository.list(ID) if each.mail.number > 1}


class TestNews:
    """Whom a change is told, by whoever serves the event a minute later."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"starts_at": make_event().starts_at - timedelta(hours=1)},
            {"ends_at": make_event().ends_at + timedelta(hours=1)},
            {"time_zone": "Europe/London"},
            {"venue": "Hall 2"},
            {"venue": None},
        ],
        ids=str,
    )
    def test_another_time_or_place_is_news(self, organiser, repository, clock, changes):
        """Everybody who is registered owes a mail about it: who is confirmed, who waits, and who has cancelled not."""
        organiser.create(make_event(capacity=1, waitlist=True, venue="Hall 1"))
        _admit(repository, clock, "ada", "bob", "cyd")
        mailed(repository, "ada", "bob")
        repository.cancel(organiser.registration(ID, "cyd@example.org"), clock())

        listing = organiser.update(ID, changes)

        assert (listing.news, listing.telling) == (listing.revision, "")
        assert _tell(repository, clock) == {"ada": "moved", "bob": "moved", "cyd": "cancelled"}

    @pytest.mark.parametrize(
        "changes",
        [
            {"event_name": "DevConf"},
            {"capacity": 7},
            {"closes_at": make_event().ends_at},
            {"contact": "events@example.org"},
            {"venue": "Hall 1"},
        ],
        ids=str,
    )
    def test_all_else_is_none(self, organiser, repository, clock, changes):
        """What nobody who comes must know is not told, nor what stays as it was."""
        organiser.create(make_event(capacity=5, venue="Hall 1"))
        _admit(repository, clock, "ada")

        listing = organiser.update(ID, changes)

        assert (listing.news, listing.telling) == (0, None)
        assert _tell(repository, clock) == {}

    def test_it_can_be_kept(self, organiser, repository, clock):
        """If the organiser doesn't want to, nobody is told."""
        organiser.create(make_event())
        _admit(repository, clock, "ada")

        organiser.update(ID, {"venue": "Hall 2"}, tells=False)

        assert _tell(repository, clock) == {}

    def test_earlier_news_are_told_all_the_same(self, organiser, repository, clock):
        """A change without a mail doesn't take back the mail about another one."""
        organiser.create(make_event())
        _admit(repository, clock, "ada")
        mailed(repository, "ada")
        organiser.update(ID, {"venue": "Hall 2"})

        organiser.update(ID, {"event_name": "DevConf"}, tells=False)

        assert _tell(repository, clock) == {"ada": "moved"}

    def test_several_changes_are_one_mail(self, organiser, repository, clock):
        """Each change puts the mail off, and who is told is told once."""
        organiser.create(make_event())
        _admit(repository, clock, "ada")
        mailed(repository, "ada")
        for venue in ("Hall 2", "Hall 3", "Hall 4"):
            clock.advance(seconds=59)
            organiser.update(ID, {"venue": venue})
            assert repository.tell(ID, clock()) == 0

        assert _tell(repository, clock) == {"ada": "moved"}
        assert repository.find(ID, "ada@example.org").mail.number == 2

    def test_an_event_that_is_over_has_none(self, organiser, repository, clock):
        """Afterwards nobody is told that it was somewhere else, or called off."""
        repository.create_event(make_event())
        clock.now = make_event().ends_at

        changed = organiser.update(ID, {"venue": "Hall 2"})
        called_off = organiser.cancel(ID)

        assert (changed.news, called_off.news) == (0, 0)

    def test_a_new_date_is_news_though_the_old_one_is_over(self, organiser, repository, clock):
        """What is postponed after its end is told."""
        repository.create_event(make_event())
        clock.now = make_event().ends_at

        listing = organiser.update(ID, {"ends_at": clock() + timedelta(days=7)})

        assert listing.telling == ""

    def test_of_an_event_that_was_called_off_nothing_is(self, organiser, repository, clock):
        """Whoever was told that it does not take place isn't told where it doesn't."""
        organiser.create(make_event())
        _admit(repository, clock, "ada")
        organiser.cancel(ID)
        _tell(repository, clock)

        listing = organiser.update(ID, {"venue": "Hall 2"})

        assert listing.telling is None


class TestQuestions:
    """Changing what people are asked."""

    QUESTIONS = {"type": "object", "properties": {"diet": {"type": "string"}}}  # noqa: RUF012 - read only

    def test_questions_are_looked_at(self, organiser):
        """Wrong questions are refused with their place, and the old ones stay."""
        organiser.create(make_event(questions=self.QUESTIONS))

        with pytest.raises(InvalidEventError) as refusal:
            organiser.update(ID, {"questions": {"type": "object", "properties": {"diet": {"type": "text"}}}})

        assert [problem.field for problem in refusal.value.problems] == ["questions/properties/diet/type"]
        assert organiser.event(ID)[0].event.questions == self.QUESTIONS

    def test_questions_can_be_taken_away(self, organiser):
        """An event that asked something needn't do so for ever."""
        organiser.create(make_event(questions=self.QUESTIONS))

        assert organiser.update(ID, {"questions": None}).event.questions is None

    def test_yes_is_no_number(self, organiser):
        """Questions that only Python holds to be the same are looked at, too."""
        asking = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 1}}}
        organiser.create(make_event(questions=asking))

        with pytest.raises(InvalidEventError):
            organiser.update(
                ID, {"questions": {"type": "object", "properties": {"age": {"type": "integer", "minimum": True}}}}
            )

    def test_questions_from_elsewhere_keep_nobody_from_other_changes(self, organiser, repository):
        """What something else stored as questions is looked at only when they are to change."""
        repository.create_event(make_event(questions={"type": "object"}))

        assert organiser.update(ID, {"venue": "Hall 1"}).event.venue == "Hall 1"


class TestCancel:
    """Calling an event off."""

    def test_nobody_is_taken_any_more(self, organiser, repository, clock):
        """The event is cancelled, and who was registered still is."""
        organiser.create(make_event())
        _admit(repository, clock, "ada")

        listing = organiser.cancel(ID)

        assert listing.is_cancelled
        assert organiser.event(ID) == (listing, EventState.CANCELLED)
        assert organiser.counts(ID) == Counts(confirmed=1)

    def test_everybody_is_told(self, organiser, repository, clock):
        """Who is registered owes a mail about it a minute later, in the place of any other that has not gone out."""
        organiser.create(make_event())
        _admit(repository, clock, "ada", "bob")
        organiser.update(ID, {"venue": "Hall 2"})

        organiser.cancel(ID)

        assert _tell(repository, clock) == {"ada": "called-off", "bob": "called-off"}

    def test_once_more_changes_nothing(self, organiser):
        """An event that was called off can be called off again."""
        organiser.create(make_event())
        first = organiser.cancel(ID)

        second = organiser.cancel(ID)

        assert second == first

    def test_an_unknown_event_is_none(self, organiser):
        """Only an event that was set up can be called off."""
        with pytest.raises(UnknownEventError):
            organiser.cancel(ID)


class TestEvents:
    """Looking at events."""

    def test_the_earliest_comes_first(self, organiser):
        """Events are in the order of their beginnings, then of their ids."""
        first = datetime(2026, 4, 1, tzinfo=UTC)
        for event_id, starts_at in (("c", first), ("a", first + timedelta(days=1)), ("b", first)):
            organiser.create(make_event(event_id=event_id, starts_at=starts_at))

        events = organiser.events()

        assert [each.event.event_id for each in events] == ["b", "c", "a"]

    @pytest.mark.parametrize(
        ("waitlist", "state"), [(True, EventState.WAITLIST), (False, EventState.FULL)], ids=["waitlist", "none"]
    )
    def test_the_state_is_a_newcomers(self, organiser, repository, clock, waitlist, state):
        """Once the seats are taken the event tells what somebody would meet who came now."""
        organiser.create(make_event(capacity=1, waitlist=waitlist))
        _admit(repository, clock, "ada")

        assert organiser.event(ID)[1] is state

    def test_an_unknown_event_is_none(self, organiser):
        """There is nothing to say of an event that nobody set up."""
        with pytest.raises(UnknownEventError):
            organiser.event(ID)

    def test_registrations_are_counted_by_status(self, organiser, repository, clock):
        """Each registration is counted once, as it stands."""
        organiser.create(make_event(capacity=2, waitlist=True))
        _admit(repository, clock, *NAMES)
        organiser.cancel_registration(ID, "dan@example.org")

        assert organiser.counts(ID) == Counts(confirmed=2, waitlisted=1, cancelled=1)


class TestRegistrations:
    """Looking at who is registered."""

    def test_all_are_listed_in_the_order_they_came(self, organiser, repository, clock):
        """Whatever their status, the earliest comes first; at one instant the queue's order counts."""
        organiser.create(make_event(capacity=1, waitlist=True))
        _admit(repository, clock, "dan", "cyd")
        listing = repository.find_event(ID)
        for name in ("bob", "ada"):
            repository.admit(_registration(name, registered_at=clock()), listing)
        organiser.cancel_registration(ID, "dan@example.org")

        assert _standing(organiser) == [
            ("dan", Status.CANCELLED),
            ("cyd", Status.CONFIRMED),
            ("bob", Status.WAITLISTED),
            ("ada", Status.WAITLISTED),
        ]

    def test_an_event_without_any_has_none(self, organiser):
        """Of an event that is set up and that nobody comes to there is nothing to list."""
        organiser.create(make_event())

        assert list(organiser.registrations(ID)) == []

    def test_those_of_an_open_event_are_listed(self, organiser, repository):
        """Where any event is taken, people are registered for events that nobody set up."""
        repository.add(_registration("ada"))

        assert _standing(organiser) == [("ada", Status.CONFIRMED)]

    def test_an_unknown_event_is_none(self, organiser):
        """A mistyped id is not an event without registrations."""
        with pytest.raises(UnknownEventError):
            organiser.registrations(ID)

    def test_they_can_be_read_one_by_one(self, organiser, repository, clock):
        """The same registrations are there without being kept, in no particular order."""
        organiser.create(make_event())
        _admit(repository, clock, *NAMES)

        streamed = organiser.stream_registrations(ID)

        assert next(streamed) is not None
        assert 1 + len(list(streamed)) == len(NAMES)
        assert sorted(each.attendee_name for each in organiser.stream_registrations(ID)) == [*NAMES]

    def test_one_by_one_an_unknown_event_is_none_either(self, organiser):
        """Before the first is asked for it is told whether there is such an event; one without any has none."""
        with pytest.raises(UnknownEventError):
            organiser.stream_registrations(ID)
        organiser.create(make_event())

        assert list(organiser.stream_registrations(ID)) == []

    @pytest.mark.parametrize("spelling", ["ada@example.org", " ADA@EXAMPLE.ORG"])
    def test_a_person_is_found_by_any_spelling(self, organiser, repository, spelling):
        """Space around an address and its case don't matter."""
        stored = repository.add(_registration("ada"))

        assert organiser.registration(ID, spelling) == stored

    def test_a_stranger_is_not_found(self, organiser):
        """Who isn't registered is told from an event that isn't there."""
        with pytest.raises(UnknownEventError):
            organiser.registration(ID, "ada@example.org")
        organiser.create(make_event())

        with pytest.raises(UnknownRegistrationError):
            organiser.registration(ID, "ada@example.org")


class _Restless(SQLiteEventRepository):
    """A repository whose registrations change between a read and a cancellation, so and so often."""

    def __init__(self, changes):
        super().__init__(":memory:")
        self._changes = changes

    def find(self, event_id, attendee_email, *, deadline=None):
        """Return the registration as it was before another change."""
        found = super().find(event_id, attendee_email, deadline=deadline)
        if self._changes:
            self._changes -= 1
            self.replace(found, evolve(found, revision=found.revision + 1))
        return found


class TestCancelRegistration:
    """Cancelling for somebody."""

    def test_who_waits_gets_the_seat(self, organiser, repository, clock):
        """The first of the queue is confirmed at once, and the caller is told how many were."""
        organiser.create(make_event(capacity=1, waitlist=True))
        _admit(repository, clock, "ada", "bob", "cyd")

        cancellation = organiser.cancel_registration(ID, " ADA@example.org")

        assert cancellation.promoted == 1
        assert cancellation.registration == organiser.registration(ID, "ada@example.org")
        assert _standing(organiser) == [
            ("ada", Status.CANCELLED),
            ("bob", Status.CONFIRMED),
            ("cyd", Status.WAITLISTED),
        ]

    def test_both_are_owed_a_mail(self, organiser, repository, clock):
        """Who is cancelled and who got the seat are told by who serves the event: the mails are due."""
        organiser.create(make_event(capacity=1, waitlist=True))
        _admit(repository, clock, "ada", "bob")

        organiser.cancel_registration(ID, "ada@example.org")

        owed = {name: repository.find(ID, f"{name}@example.org").mail for name in ("ada", "bob")}
        assert {name: mail.kind for name, mail in owed.items()} == {"ada": "cancelled", "bob": "promoted"}
        assert all(mail.is_claimable(clock()) for mail in owed.values())

    def test_once_more_completes_what_was_left(self, organiser, repository, clock):
        """A registration that was cancelled stays so, and a seat that a crash has left free is given."""
        organiser.create(make_event(capacity=1, waitlist=True))
        _admit(repository, clock, "ada", "bob")
        repository.cancel(organiser.registration(ID, "ada@example.org"), clock())

        cancellation = organiser.cancel_registration(ID, "ada@example.org")

        assert cancellation.registration.status is Status.CANCELLED
        assert cancellation.promoted == 1

    def test_a_registration_of_an_open_event_is_cancelled(self, organiser, repository):
        """It needs no event that somebody set up."""
        repository.add(_registration("ada"))

        cancellation = organiser.cancel_registration(ID, "ada@example.org")

        assert (cancellation.registration.status, cancellation.promoted) == (Status.CANCELLED, 0)

    def test_a_stranger_is_not_cancelled(self, organiser):
        """Who isn't registered can't be cancelled."""
        organiser.create(make_event())

        with pytest.raises(UnknownRegistrationError):
            organiser.cancel_registration(ID, "ada@example.org")

    def test_a_change_in_between_is_met_with_patience(self, clock):
        """The registration is read anew as long as others change it, a few times."""
        repository = _Restless(changes=4)
        repository.add(_registration("ada"))

        cancellation = Organiser(repository, clock=clock).cancel_registration(ID, "ada@example.org")

        assert cancellation.registration.status is Status.CANCELLED
        repository.close()

    def test_patience_ends(self, clock):
        """Whoever meets a change every time is told to try again, and nothing is cancelled."""
        repository = _Restless(changes=5)
        repository.add(_registration("ada"))

        with pytest.raises(RepositoryUnavailableError):
            Organiser(repository, clock=clock).cancel_registration(ID, "ada@example.org")

        assert repository.find(ID, "ada@example.org").status is Status.CONFIRMED
        repository.close()


def test_nothing_is_moved_into_the_past(organiser, repository, clock):
    """An event can't be changed so that it is over; one that is over keeps its end when something else changes."""
    repository.create_event(make_event())
    clock.advance(days=200)

    with pytest.raises(InvalidEventError) as refusal:
        organiser.update(ID, {"ends_at": clock() - timedelta(hours=1), "starts_at": clock() - timedelta(hours=2)})
    listing = organiser.update(ID, {"venue": "Hall 2"})

    assert [(each.field, each.code) for each in refusal.value.problems] == [("ends_at", "already-over")]
    assert listing.event == make_event(venue="Hall 2")
