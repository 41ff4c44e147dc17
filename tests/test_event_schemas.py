"""The schemas of an event and of its card: of one mind with the model, and with the organisers' page."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from test_schemas import NORMAL_ADDRESSES, NORMAL_IDS, NORMAL_NAMES, OTHER_TYPES, SCHEMAS

from event_registration.cli.documents import FIELDS, PROBLEM_MESSAGES
from event_registration.errors import InvalidEventError
from event_registration.event import _MESSAGES
from event_registration.listing import EventState
from event_registration.testing import make_event
from event_registration.wire_events import card_of, document_of, event_from_document

PAGE = (Path(__file__).parent.parent / "docs" / "organising.md").read_text()
CALENDAR = FormatChecker(formats=())
DEVCONF = {
    "eventid": "devconf-2030",
    "eventname": "DevConf 2030",
    "starts_at": "2030-05-01T09:00:00+02:00",
    "ends_at": "2030-05-01T17:00:00+02:00",
    "time_zone": "Europe/Berlin",
}
# What JSON Schema has no words for.
UNTOLD = {"ends-before-start", "closes-before-opening", "closes-after-end", "questions-too-long"}


@CALENDAR.checks("date-time", raises=ValueError)
def _is_in_the_calendar(value):
    # The pattern says all but how many days a month has.
    return not isinstance(value, str) or datetime.strptime(value[:10], "%Y-%m-%d")  # noqa: DTZ007 - a day has no zone


EVENT = Draft202012Validator(SCHEMAS["event.v1.schema.json"], format_checker=CALENDAR)
CARD = Draft202012Validator(SCHEMAS["card.v1.schema.json"], format_checker=CALENDAR)


def _faults(document):
    """Return the codes of what the model finds wrong with a document."""
    try:
        event_from_document(document)
    except InvalidEventError as error:
        return {problem.code for problem in error.problems}
    return set()


def _joined(*parts):
    return st.tuples(*parts).map("".join)


# The first of each is good.
PARTS = (
    ("2030", "0000", "1969", "1970", "2023", "2024", "9998", "9999", "203", "20301"),
    ("-05", "-02", "-04", "-12", "-00", "-13", "-1", "05"),
    ("-01", "-28", "-29", "-30", "-31", "-00", "-32", "-1"),
    ("T", "t", " ", "_", ""),
    ("09:30", "00:00", "23:59", "25:00", "09:60", "9:30", "0930"),
    (":00", ":59", ":60", "", ":1"),
    ("", ".0", ".123456", ".1234567", ".", ",5"),
    ("Z", "z", "+00:00", "-00:00", "+23:59", "-24:00", "+02", "+0200", "", " Z", "Z\n", "\u0660"),
)
GOOD_PARTS = tuple(parts[0] for parts in PARTS)
INSTANTS = st.sampled_from(range(len(PARTS))).flatmap(
    lambda n: st.sampled_from(PARTS[n]).map(lambda part: "".join((*GOOD_PARTS[:n], part, *GOOD_PARTS[n + 1 :])))
) | _joined(*map(st.sampled_from, PARTS[:3]), st.just("T09:30:00Z"))
GOOD_INSTANTS = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9997, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
ZONES = _joined(st.text("aZ09_+-/", max_size=6), st.sampled_from(["", "/", "Europe/Berlin", "\n", ".", "é", "a" * 62]))
VENUES = NORMAL_NAMES.map(lambda name: name or None) | st.integers(198, 202).map(lambda length: "𠮷" * length)
WHOLE = st.integers() | st.sampled_from([0, 1, 999_999, 1_000_000])
# 5.0 is an integer to JSON Schema and, since the two are written differently, none to us.
OTHERS = OTHER_TYPES.filter(lambda value: not (isinstance(value, float) and value.is_integer()))
CHANGES = {
    "eventid": NORMAL_IDS | st.sampled_from([".", "..", "...", ".a"]) | OTHERS,
    "eventname": NORMAL_NAMES | OTHERS,
    "starts_at": INSTANTS | OTHERS,
    "ends_at": INSTANTS | OTHERS,
    "time_zone": ZONES | OTHERS,
    "venue": VENUES | OTHERS,
    "capacity": WHOLE | OTHERS,
    "opens_at": INSTANTS | OTHERS,
    "closes_at": INSTANTS | OTHERS,
    "waitlist": OTHERS,
    "questions": st.dictionaries(st.text(max_size=3), OTHERS.filter(lambda value: not isinstance(value, float)))
    | OTHERS,
    "contact": NORMAL_ADDRESSES.map(lambda address: address or None) | OTHERS,
    "note": OTHERS,
}
ONE_CHANGE = st.sampled_from(sorted(CHANGES)).flatmap(lambda field: st.tuples(st.just(field), CHANGES[field]))


def _agree_on(changes):
    document = {**DEVCONF, "capacity": 5, **changes}

    faults = _faults(document)

    assert EVENT.is_valid(document) is not bool(faults - UNTOLD)


class TestEventSchema:
    """An event's document beside the model."""

    @given(ONE_CHANGE)
    @settings(max_examples=400, deadline=None)
    @example(("eventid", "."))
    @example(("starts_at", "2023-02-29T09:00:00Z"))
    @example(("starts_at", "2024-02-29T09:00:00Z"))
    @example(("opens_at", ""))
    @example(("venue", None))
    @example(("waitlist", None))
    def test_model_and_schema_agree_on_one_field(self, change):
        """In an otherwise good document, each single field in normal form is judged alike."""
        _agree_on(dict([change]))

    @pytest.mark.proof
    @given(ONE_CHANGE)
    @settings(max_examples=10_000, deadline=None)
    def test_model_and_schema_agree_on_one_field_proof(self, change):
        """In an otherwise good document, each single field in normal form is judged alike, many times over."""
        _agree_on(dict([change]))

    @given(st.fixed_dictionaries({}, optional={field: CHANGES[field] for field in CHANGES}))
    @settings(max_examples=400, deadline=None)
    @example({"waitlist": True})
    @example({"waitlist": True, "capacity": None})
    @example({"waitlist": True, "capacity": 5})
    @example({"waitlist": False})
    def test_model_and_schema_agree_on_several_fields(self, changes):
        """Whatever several fields say, the document is judged alike."""
        document = {**DEVCONF, **changes}

        faults = _faults(document)

        assert EVENT.is_valid(document) is not bool(faults - UNTOLD)

    @pytest.mark.parametrize("field", DEVCONF)
    def test_five_fields_are_required(self, field):
        """None of the five may be left out, and no more are needed."""
        document = {name: value for name, value in DEVCONF.items() if name != field}

        assert EVENT.is_valid(DEVCONF)
        assert not EVENT.is_valid(document)
        assert _faults(document) == {"required"}

    def test_the_fields_are_the_models(self):
        """The schema names the fields of an event in their order, and so does the command line."""
        full = make_event(
            venue="Hall 1",
            capacity=5,
            opens_at=datetime(2026, 3, 1, tzinfo=UTC),
            closes_at=datetime(2026, 4, 1, tzinfo=UTC),
            questions={},
            contact="events@example.org",
        )

        assert tuple(SCHEMAS["event.v1.schema.json"]["properties"]) == tuple(document_of(full)) == FIELDS

    @given(GOOD_INSTANTS, st.integers(1, 10**6), VENUES, st.booleans())
    @settings(deadline=None)
    def test_what_the_model_writes_is_an_instance(self, starts_at, seconds, venue, waitlist):
        """An event is written as the schema says, whatever it was read from."""
        try:
            event = make_event(
                starts_at=starts_at,
                ends_at=starts_at + timedelta(seconds=seconds),
                venue=venue,
                capacity=5,
                waitlist=waitlist,
            )
        except InvalidEventError:
            assume(False)  # noqa: FBT003 - the venue breaks its own rule

        assert EVENT.is_valid(document_of(event))


class TestCardSchema:
    """What everybody may know of an event."""

    @given(
        st.sampled_from(EventState),
        GOOD_INSTANTS,
        st.none() | st.integers(1, 10**6),
        st.none() | st.integers(-(10**6), 10**6),
    )
    @settings(deadline=None)
    def test_every_card_is_an_instance(self, state, starts_at, opens, closes):
        """Whatever event in whatever state: its card is as the schema says."""
        closes_at = None if closes is None else starts_at + timedelta(seconds=closes)
        event = make_event(
            starts_at=starts_at,
            ends_at=starts_at + timedelta(seconds=10**6),
            opens_at=opens and (closes_at or starts_at) - timedelta(seconds=opens),
            closes_at=closes_at,
            venue="https://meet.example.org",
            questions={"type": "object"},
        )

        card = card_of(event, state)

        assert CARD.is_valid(card)
        assert set(card) == set(SCHEMAS["card.v1.schema.json"]["required"])

    def test_a_card_of_little_is_an_instance(self):
        """An event of which only the required is known has a card too."""
        card = card_of(make_event(), EventState.OPEN)

        assert CARD.is_valid(card)

    def test_the_states_are_the_models(self):
        """The schema names every state, and no other."""
        assert SCHEMAS["card.v1.schema.json"]["properties"]["state"]["enum"] == [state.value for state in EventState]

    @pytest.mark.parametrize(
        "change",
        [
            {"contact": "events@example.org"},
            {"capacity": 5},
            {"confirmed": 3},
            {"state": "sold-out"},
            {"starts_at": "2030-05-01T09:00:00+02:00"},
            {"starts_at": "2030-02-30T09:00:00Z"},
            {"starts_at": "2030-05-01 09:00:00Z"},
            {"closes_at": None},
            {"venue": ""},
            {"eventid": ".."},
        ],
        ids=json.dumps,
    )
    def test_nothing_else_is_a_card(self, change):
        """What isn't everybody's business, and other types and states, are refused."""
        card = card_of(make_event(), EventState.OPEN)

        assert not CARD.is_valid(card | change)

    @pytest.mark.parametrize("member", SCHEMAS["card.v1.schema.json"]["required"])
    def test_no_member_may_be_missing(self, member):
        """A client can rely on every member."""
        card = card_of(make_event(), EventState.OPEN)

        assert not CARD.is_valid({name: value for name, value in card.items() if name != member})


class TestPage:
    """The organisers' page beside the code."""

    def test_every_field_is_explained(self):
        """The table of fields has those of a document, in their order, and no other."""
        explained = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Fields")[2].partition("\n## ")[0], re.MULTILINE)

        assert tuple(explained) == FIELDS

    def test_every_code_is_explained(self):
        """The table of codes has every code that a field can be refused with, and no other."""
        listed = PAGE.partition("## What can be wrong")[2].partition("\n## ")[0]
        explained = {code for cell in re.findall(r"^\| (`.*?) \|", listed, re.MULTILINE) for code in cell.split(", ")}

        codes = {*_MESSAGES, *PROBLEM_MESSAGES, "unknown-field", "unknown-time-zone", "already-over"}
        assert {code.strip("`") for code in explained} == codes

    def test_every_state_is_explained(self):
        """The table of states has every state, and no other."""
        listed = PAGE.partition("## States")[2].partition("\n## ")[0]

        assert re.findall(r"^\| `([a-z-]+)` \|", listed, re.MULTILINE) == [state.value for state in EventState]
