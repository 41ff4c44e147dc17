"""Events in JSON and in table rows, and the model, one language each."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from event_registration.errors import InvalidEventError, RepositoryError
from event_registration.listing import EventState, Listing
from event_registration.testing import make_event
from event_registration.wire_events import card_of, document_of, event_from_document, listing_from_row, row_of_listing

DEVCONF = {
    "eventid": "devconf-2026",
    "eventname": "DevConf 2026",
    "starts_at": "2026-06-01T09:00:00Z",
    "ends_at": "2026-06-01T17:00:00Z",
    "time_zone": "Europe/Berlin",
}
FULL = {
    **DEVCONF,
    "venue": "Hall 1",
    "capacity": 5,
    "opens_at": "2026-03-01T00:00:00Z",
    "closes_at": "2026-05-31T22:00:00Z",
    "waitlist": True,
    "questions": {"type": "object", "properties": {"diet": {"type": "string"}}},
    "contact": "events@example.org",
}
EVENT = make_event(
    venue="Hall 1",
    capacity=5,
    opens_at=datetime(2026, 3, 1, tzinfo=UTC),
    closes_at=datetime(2026, 5, 31, 22, tzinfo=UTC),
    waitlist=True,
    questions={"type": "object", "properties": {"diet": {"type": "string"}}},
    contact="events@example.org",
)
ROW = {
    **FULL,
    "questions": '{"type":"object","properties":{"diet":{"type":"string"}}}',
    "revision": 3,
    "cancelled": True,
    "resizing_to": 7,
}
LISTING = Listing(event=EVENT, revision=3, is_cancelled=True, resizing_to=7)
INSTANTS = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9997, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
EVENTS = st.builds(
    lambda starts_at, seconds, **changes: make_event(
        starts_at=starts_at, ends_at=starts_at + timedelta(seconds=seconds), **changes
    ),
    INSTANTS,
    st.integers(1, 10**6),
    capacity=st.integers(1, 999_999),
    waitlist=st.booleans(),
    venue=st.sampled_from([None, "Halle 1", "会場"]),
    questions=st.none() | st.dictionaries(st.text(), st.integers() | st.text()),
    contact=st.sampled_from([None, "events@example.org"]),
)


def _problems(document):
    with pytest.raises(InvalidEventError) as refused:
        event_from_document(document)
    return [(problem.field, problem.code) for problem in refused.value.problems]


class TestDocuments:
    """What an organiser writes."""

    @pytest.mark.parametrize(("document", "event"), [(DEVCONF, make_event()), (FULL, EVENT)], ids=["five", "twelve"])
    def test_a_document_is_an_event(self, document, event):
        """Each field of a document is one of the event's."""
        assert event_from_document(document) == event

    def test_null_is_the_same_as_leaving_out(self):
        """A field that may be missing may be null."""
        document = {**dict.fromkeys(FULL), **DEVCONF}

        assert event_from_document(document) == make_event()

    @pytest.mark.parametrize(
        "text",
        [
            "2026-06-01T11:00:00+02:00",
            "2026-06-01 09:00:00Z",
            "2026-06-01t09:00:00z",
            "2026-06-01T09:00:00.000-00:00",
            "2026-06-01T09:00:00.000000Z",
        ],
    )
    def test_an_instant_may_be_written_in_all_ways_of_rfc_3339(self, text):
        """Offset, case, separator and fraction are the writer's choice."""
        assert event_from_document({**DEVCONF, "starts_at": text}) == make_event()

    @pytest.mark.parametrize(
        "text",
        [
            "2026-06-01T09:00:00",
            "2026-06-01T09:00Z",
            "2026-06-01",
            "20260601T090000Z",
            "2026-W23-1T09:00:00Z",
            "2026-06-01T09:00:00,5Z",
            "2026-06-31T09:00:00Z",
            "2026-06-01T09:00:00+0200",
            " 2026-06-01T09:00:00Z",
            "٢٠٢٦-06-01T09:00:00Z",
            1_780_304_400,
        ],
        ids=ascii,
    )
    def test_nothing_else_is_an_instant(self, text):
        """What RFC 3339 doesn't know, though Python may read it, is refused."""
        assert _problems({**DEVCONF, "starts_at": text}) == [("starts_at", "invalid-instant")]

    def test_all_that_is_wrong_is_told_under_the_wires_names(self):
        """One refusal names every wrong field as the document does, and then the fields that there are not."""
        document = {
            **DEVCONF,
            "eventid": "a b",
            "eventname": None,
            "contact": "events",
            "venu": "Hall 1",
            "Capacity": 5,
        }

        assert _problems(document) == [
            ("eventid", "invalid-event-id"),
            ("eventname", "required"),
            ("contact", "invalid-address"),
            ("venu", "unknown-field"),
            ("Capacity", "unknown-field"),
        ]

    def test_a_field_that_there_is_not_is_refused(self):
        """A mistyped field is not left out in silence, and the refusal names those there are."""
        with pytest.raises(InvalidEventError, match=r"^venu: There is no such field; .* venue,"):
            event_from_document({**DEVCONF, "venu": "Hall 1"})

    def test_an_event_is_written_without_what_is_unset(self):
        """A document has the fields that say something, its instants in UTC."""
        assert document_of(make_event()) == {**DEVCONF, "waitlist": False}
        assert document_of(EVENT) == FULL

    @given(EVENTS)
    @settings(deadline=None)
    def test_what_is_written_is_read_as_the_same(self, event):
        """An event goes through JSON without a change."""
        document = json.loads(json.dumps(document_of(event)))

        assert event_from_document(document) == event


class TestCards:
    """What everybody may know of an event."""

    def test_a_card_has_every_member(self):
        """What there is nothing to say of is null, but for the closing, which is the start."""
        card = card_of(make_event(), EventState.OPEN)

        assert card == {
            **DEVCONF,
            "state": "open",
            "venue": None,
            "opens_at": None,
            "closes_at": DEVCONF["starts_at"],
            "questions": None,
        }

    def test_a_card_keeps_the_organisers_own(self):
        """Address and capacity are nobody else's business; the rest is told."""
        card = card_of(EVENT, EventState.WAITLIST)

        told = {name: FULL[name] for name in (*DEVCONF, "venue", "opens_at", "closes_at", "questions")}
        assert card == {**told, "state": "waitlist"}


class TestRows:
    """What a table keeps."""

    def test_a_listing_is_kept_as_plain_values(self):
        """A row has text, whole numbers and switches; the questions are text."""
        assert row_of_listing(LISTING) == ROW

    def test_nothing_unset_is_kept(self):
        """A row has no column without a value."""
        row = row_of_listing(Listing(event=make_event()))

        assert row == {**DEVCONF, "waitlist": False, "revision": 1, "cancelled": False}

    @given(EVENTS, st.integers(1, 10**6), st.booleans(), st.none() | st.integers(1, 999_999))
    @settings(deadline=None)
    def test_a_row_is_read_as_the_same(self, event, revision, is_cancelled, resizing_to):
        """A listing goes through a row without a change."""
        listing = Listing(event=event, revision=revision, is_cancelled=is_cancelled, resizing_to=resizing_to)

        assert listing_from_row(row_of_listing(listing)) == listing

    def test_columns_of_others_are_left_alone(self):
        """Keys and columns of a later version don't hinder reading."""
        assert listing_from_row({**ROW, "sk": "EVENT", "held": 3, "colour": "red"}) == LISTING

    def test_a_switch_may_be_a_number(self):
        """SQLite has no truth values: 1 and 0 stand for them."""
        assert listing_from_row({**ROW, "cancelled": 0}) == evolve(LISTING, is_cancelled=False)

    @pytest.mark.parametrize(
        "change",
        [
            {"eventname": None},
            {"starts_at": "yesterday"},
            {"questions": "{"},
            {"questions": 5},
            {"questions": "[]"},
            {"capacity": 0},
        ],
        ids=json.dumps,
    )
    def test_what_is_no_event_is_refused(self, change):
        """A row that something else wrote is told from an event, without its values."""
        with pytest.raises(RepositoryError, match=r"^A stored row is no event \(\w+\)\.$"):
            listing_from_row({**ROW, **change})

    @pytest.mark.parametrize("column", ["eventid", "starts_at", "revision", "cancelled"])
    def test_a_row_that_lacks_something_is_refused(self, column):
        """Half a row is none."""
        row = {name: value for name, value in ROW.items() if name != column}

        with pytest.raises(RepositoryError):
            listing_from_row(row)
