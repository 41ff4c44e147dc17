"""The event as a value, and whom it takes when."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve, fields
from attrs.exceptions import FrozenInstanceError

from event_registration.errors import (
    EventCancelledError,
    EventFullError,
    InvalidEventError,
    NotOpenYetError,
    RegistrationClosedError,
)
from event_registration.event import _MESSAGES, MAX_CAPACITY, Event
from event_registration.listing import EventState, Listing, refusal
from event_registration.mail import MailKind
from event_registration.model import Status
from event_registration.testing import make_event

DEVCONF = {
    "event_id": "devconf-2030",
    "event_name": "DevConf 2030",
    "starts_at": datetime(2030, 5, 1, 7, tzinfo=UTC),
    "ends_at": datetime(2030, 5, 1, 15, tzinfo=UTC),
    "time_zone": "Europe/Berlin",
}
OPENS = datetime(2030, 3, 1, tzinfo=UTC)
CLOSES = datetime(2030, 4, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def _codes(refused):
    return [(problem.field, problem.code) for problem in refused.value.problems]


class TestDefaults:
    """What an event is when only its five fields are given."""

    def test_five_fields_suffice(self):
        """It is open at once and until it starts, without limit and waiting list."""
        event = Event(**DEVCONF)

        assert (event.capacity, event.waitlist, event.opens_at, event.closes) == (None, False, None, event.starts_at)
        assert (event.venue, event.questions, event.contact) == (None, None, None)

    def test_it_has_twelve_fields(self):
        """An event stays small enough to be read in one look."""
        assert len(fields(Event)) == 12

    def test_fields_are_named(self):
        """Nobody can mix up the fields' order."""
        with pytest.raises(TypeError):
            Event(*DEVCONF.values())

    @pytest.mark.parametrize("value", [Event(**DEVCONF), Listing(event=Event(**DEVCONF))], ids=["Event", "Listing"])
    def test_values_are_frozen(self, value):
        """A value can't be changed once it is checked."""
        name = value.__attrs_attrs__[0].name

        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "other")

    def test_a_new_listing_is_as_its_event(self):
        """What was just set up has revision 1, takes place, and is not being resized."""
        listing = Listing(event=Event(**DEVCONF, capacity=5))

        assert (listing.revision, listing.is_cancelled, listing.resizing_to, listing.limit) == (1, False, None, 5)


class TestNormalForm:
    """How fields are written before they are checked and kept."""

    @pytest.mark.parametrize(
        ("field", "value", "normal"),
        [
            ("event_id", " devconf-2030\n", "devconf-2030"),
            ("event_name", "DevConf \u2003 2030 ", "DevConf 2030"),
            ("venue", "  Cafe\u0301\u3000am See ", "Café am See"),
            ("venue", " ", None),
            ("venue", "", None),
            ("contact", " Events@EXAMPLE.org\t", "Events@example.org"),
            ("contact", "", None),
            ("waitlist", None, False),
        ],
    )
    def test_fields_are_kept_in_normal_form(self, field, value, normal):
        """Each field is normalised wherever an event is made."""
        event = Event(**{**DEVCONF, field: value})

        assert getattr(event, field) == normal

    def test_a_changed_copy_is_checked_again(self):
        """No copy of an event escapes the rules."""
        event = Event(**DEVCONF)

        with pytest.raises(InvalidEventError):
            evolve(event, capacity=0)


class TestRefusal:
    """What is refused, and how that is told."""

    def test_all_problems_are_told_at_once(self):
        """One refusal names every wrong field, in the order of the fields, under Python's names."""
        with pytest.raises(InvalidEventError) as refused:
            Event(
                event_id="a b",
                event_name="www.example.org",
                starts_at="2030-05-01",
                ends_at=None,
                time_zone="Berlin!",
                venue="a\0",
                capacity=0,
                opens_at=5,
                closes_at=datetime(2030, 4, 1),  # noqa: DTZ001 - the very fault
                waitlist="yes",
                questions=[],
                contact="events",
            )

        assert _codes(refused) == [
            ("event_id", "invalid-event-id"),
            ("event_name", "contains-link"),
            ("starts_at", "invalid-instant"),
            ("ends_at", "required"),
            ("time_zone", "invalid-time-zone"),
            ("venue", "forbidden-character"),
            ("capacity", "invalid-capacity"),
            ("opens_at", "invalid-instant"),
            ("closes_at", "invalid-instant"),
            ("waitlist", "not-a-switch"),
            ("questions", "not-a-schema"),
            ("contact", "invalid-address"),
        ]

    @pytest.mark.parametrize(
        ("field", "value", "code"),
        [
            ("event_id", None, "required"),
            ("event_id", "", "required"),
            ("event_id", 5, "not-a-string"),
            ("event_id", ".", "reserved-event-id"),
            ("event_id", "..", "reserved-event-id"),
            ("event_id", "a" * 129, "event-id-too-long"),
            ("event_name", "\u200b", "required"),
            ("event_name", "a" * 101, "name-too-long"),
            ("starts_at", datetime(2030, 5, 1, 7), "invalid-instant"),  # noqa: DTZ001 - the very fault
            ("starts_at", datetime(1969, 5, 1, 7, tzinfo=UTC), "invalid-instant"),
            ("starts_at", datetime(9999, 5, 1, 7, tzinfo=UTC), "invalid-instant"),
            ("time_zone", "", "required"),
            ("time_zone", 5, "not-a-string"),
            ("time_zone", "Europe/", "invalid-time-zone"),
            ("time_zone", "../Berlin", "invalid-time-zone"),
            ("time_zone", "Europe/Berlin\n", "invalid-time-zone"),
            ("time_zone", "a" * 65, "invalid-time-zone"),
            ("venue", "a" * 201, "venue-too-long"),
            ("venue", 5, "not-a-string"),
            ("capacity", True, "invalid-capacity"),
            ("capacity", 5.0, "invalid-capacity"),
            ("capacity", "5", "invalid-capacity"),
            ("capacity", MAX_CAPACITY + 1, "invalid-capacity"),
            ("waitlist", 1, "not-a-switch"),
            ("questions", "{}", "not-a-schema"),
            ("questions", {"minimum": float("nan")}, "not-a-schema"),
            ("questions", {"minimum": object()}, "not-a-schema"),
            ("questions", {"title": "a" * 32 * 1024}, "questions-too-long"),
            ("contact", 5, "not-a-string"),
            ("contact", f"{'a' * 65}@example.org", "address-too-long"),
            ("contact", "événements@example.org", "unsupported-address"),
        ],
        ids=lambda value: ascii(value)[:20],
    )
    def test_a_wrong_value_is_refused(self, field, value, code):
        """Each field has its own rule."""
        with pytest.raises(InvalidEventError) as refused:
            Event(**{**DEVCONF, field: value})

        assert _codes(refused) == [(field, code)]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("event_id", "..."),
            ("time_zone", "America/Argentina/Buenos_Aires"),
            ("time_zone", "Etc/GMT+5"),
            ("venue", "https://meet.example.org/devconf"),
            ("venue", "会" * 200),
            ("capacity", 1),
            ("capacity", MAX_CAPACITY),
            ("questions", {}),
            ("questions", {"title": "a" * 32_000}),
            ("starts_at", datetime(2030, 5, 1, 8, 59, tzinfo=timezone(timedelta(hours=2)))),
            ("starts_at", datetime(2030, 5, 1, 9, tzinfo=ZoneInfo("Europe/Berlin"))),
        ],
        ids=lambda value: ascii(value)[:20],
    )
    def test_a_value_on_the_edge_is_taken(self, field, value):
        """What a rule just allows is kept as it is."""
        event = Event(**{**DEVCONF, field: value})

        assert getattr(event, field) == value

    def test_questions_nested_beyond_reason_are_none(self):
        """A schema that no program could write is refused like anything else that is none."""
        questions = {}
        for _ in range(100_000):
            questions = {"not": questions}

        with pytest.raises(InvalidEventError) as refused:
            Event(**DEVCONF, questions=questions)

        assert _codes(refused) == [("questions", "not-a-schema")]

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"ends_at": DEVCONF["starts_at"]}, ("ends_at", "ends-before-start")),
            ({"closes_at": DEVCONF["ends_at"] + MOMENT}, ("closes_at", "closes-after-end")),
            ({"opens_at": DEVCONF["starts_at"]}, ("opens_at", "closes-before-opening")),
            ({"opens_at": CLOSES, "closes_at": CLOSES}, ("opens_at", "closes-before-opening")),
            ({"waitlist": True}, ("waitlist", "waitlist-without-capacity")),
        ],
        ids=str,
    )
    def test_fields_that_contradict_each_other_are_refused(self, changes, expected):
        """Fields that are right by themselves must fit each other."""
        with pytest.raises(InvalidEventError) as refused:
            Event(**{**DEVCONF, **changes})

        assert _codes(refused) == [expected]

    @pytest.mark.parametrize(
        "changes",
        [
            {"ends_at": DEVCONF["starts_at"] + MOMENT},
            {"closes_at": DEVCONF["ends_at"]},
            {"opens_at": DEVCONF["starts_at"] - MOMENT},
            {"opens_at": DEVCONF["starts_at"], "closes_at": DEVCONF["ends_at"]},
            {"waitlist": True, "capacity": 1},
        ],
        ids=str,
    )
    def test_fields_that_just_fit_are_taken(self, changes):
        """What the rules allow together is an event."""
        assert Event(**{**DEVCONF, **changes})

    def test_a_refusal_never_repeats_the_value(self):
        """A message holds nothing of what was given: it can be logged."""
        with pytest.raises(InvalidEventError) as refused:
            Event(**{**DEVCONF, "event_id": "secret/", "event_name": "secret ://", "contact": "secret"})

        assert "secret" not in str(refused.value)

    @pytest.mark.parametrize("code", _MESSAGES)
    def test_every_message_is_a_sentence(self, code):
        """A message begins with a capital and says what is wrong in one line of ASCII."""
        assert re.fullmatch(r"[A-Z][ -~]+", _MESSAGES[code])


class TestDoor:
    """Who is taken when, to the instant."""

    @pytest.mark.parametrize(
        ("now", "state"),
        [
            (OPENS - MOMENT, EventState.NOT_OPEN_YET),
            (OPENS, EventState.OPEN),
            (CLOSES - MOMENT, EventState.OPEN),
            (CLOSES, EventState.CLOSED),
        ],
        ids=["before opening", "opening", "before closing", "closing"],
    )
    def test_each_instant_belongs_to_what_follows(self, now, state):
        """At the very instant of opening people are taken, at that of closing nobody is."""
        listing = Listing(event=Event(**DEVCONF, opens_at=OPENS, closes_at=CLOSES))

        assert listing.door_at(now) is state

    @pytest.mark.parametrize("now", [datetime(1970, 1, 1, tzinfo=UTC), DEVCONF["starts_at"] - MOMENT])
    def test_without_hours_it_is_open_until_it_starts(self, now):
        """An event without opening and closing takes people from ever on, until it begins."""
        listing = Listing(event=Event(**DEVCONF))

        assert listing.door_at(now) is EventState.OPEN
        assert listing.door_at(DEVCONF["starts_at"]) is EventState.CLOSED

    @pytest.mark.parametrize("now", [OPENS - MOMENT, OPENS, CLOSES])
    def test_a_cancelled_event_is_nothing_else(self, now):
        """Whatever its hours, an event that was called off is cancelled."""
        listing = Listing(event=Event(**DEVCONF, opens_at=OPENS, closes_at=CLOSES), is_cancelled=True)

        assert listing.door_at(now) is EventState.CANCELLED

    @pytest.mark.parametrize(
        ("prospect", "state"),
        [
            (Status.CONFIRMED, EventState.OPEN),
            (Status.WAITLISTED, EventState.WAITLIST),
            (None, EventState.FULL),
        ],
    )
    def test_within_the_hours_the_seats_decide(self, prospect, state):
        """Who comes while registration is open meets a seat, a queue or nothing."""
        listing = Listing(event=Event(**DEVCONF))

        assert listing.state_at(OPENS, prospect) is state

    @pytest.mark.parametrize("prospect", [*Status, None])
    def test_outside_the_hours_the_seats_do_not_matter(self, prospect):
        """A closed event is closed, full or not."""
        listing = Listing(event=Event(**DEVCONF))

        assert listing.state_at(DEVCONF["starts_at"], prospect) is EventState.CLOSED


class TestTelling:
    """Which mails are still true."""

    @pytest.mark.parametrize("kind", list(MailKind))
    def test_of_an_event_that_takes_place_all_are(self, kind):
        """As long as it was not called off any mail may be sent."""
        assert Listing(event=Event(**DEVCONF)).may_tell(kind)

    def test_of_an_event_that_was_called_off_few_are(self):
        """Nobody is told of a seat at what does not take place."""
        listing = Listing(event=Event(**DEVCONF), is_cancelled=True)

        assert {kind for kind in MailKind if listing.may_tell(kind)} == {"called-off", "cancelled", "repeated"}


class TestPromotion:
    """How long who waits may get a seat."""

    @pytest.mark.parametrize(
        ("changes", "until"),
        [
            ({}, DEVCONF["starts_at"]),
            ({"closes_at": CLOSES}, DEVCONF["starts_at"]),
            ({"closes_at": DEVCONF["ends_at"]}, DEVCONF["ends_at"]),
        ],
        ids=["no closing", "early closing", "late closing"],
    )
    def test_people_are_promoted_until_it_starts_or_closes(self, changes, until):
        """The later of beginning and closing ends it, that instant excluded."""
        listing = Listing(event=Event(**DEVCONF, **changes))

        assert listing.promotes_at(until - MOMENT)
        assert not listing.promotes_at(until)

    def test_nobody_is_promoted_to_what_does_not_take_place(self):
        """Who waits for an event that was called off stays where they are."""
        listing = Listing(event=Event(**DEVCONF), is_cancelled=True)

        assert not listing.promotes_at(OPENS)

    def test_a_resize_in_progress_counts_already(self):
        """Seats are given up to what a change leads to."""
        listing = Listing(event=make_event(capacity=5), resizing_to=3)

        assert listing.limit == 3


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (EventState.NOT_OPEN_YET, NotOpenYetError),
        (EventState.FULL, EventFullError),
        (EventState.CLOSED, RegistrationClosedError),
        (EventState.CANCELLED, EventCancelledError),
    ],
)
def test_a_closed_door_says_why(state, error):
    """Each state that keeps people out has its own error, whose message is a sentence for them."""
    told = refusal(state)

    assert type(told) is error
    assert re.fullmatch(r"[A-Z][ -~]+\.", str(told))


@pytest.mark.parametrize(
    ("starts_at", "ends_at"),
    [
        (datetime(1970, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(1970, 2, 1, tzinfo=UTC)),
        (datetime(2030, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))),
        (datetime(2030, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=12)))),
    ],
)
def test_years_are_counted_in_utc(starts_at, ends_at):
    """An instant whose year is out of range where it is stored is refused, so that what is stored can be read."""
    with pytest.raises(InvalidEventError) as refusal:
        make_event(starts_at=starts_at, ends_at=ends_at)

    assert {problem.code for problem in refusal.value.problems} == {"invalid-instant"}
