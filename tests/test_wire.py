"""
JSON, table rows and the model, one language each.

The cases in `tests/wire` are data, so that every implementation of the contract can run them. A case's ``normal``
holds the four fields as they are stored; without it they are stored as sent.
"""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from cases import CASES, each_case, fields_of, load
from hypothesis import given, settings
from hypothesis import strategies as st

from event_registration.errors import (
    InvalidRegistrationError,
    RepositoryError,
)
from event_registration.mail import Mail, MailKind, MailState
from event_registration.model import Registration, Status
from event_registration.rules import PROBLEM_MESSAGES
from event_registration.wire import (
    MAIL_COLUMNS,
    answer_of,
    instant_text,
    registration_from_request,
    registration_from_row,
    row_of,
    row_of_mail,
)

FIELDS = ("eventid", "eventname", "cname", "cemail")
BODY = '{"eventid":"spring-2026","eventname":"Spring Meeting","cname":"Ada","cemail":"ada@example.org"}'


REGISTRATIONS = [case for path in sorted(CASES.glob("registrations-*.json")) for case in load(path.name)]


class TestRegistrationCases:
    """The fields of a request, by the cases in `wire/registrations-*.json`."""

    @each_case(case for case in REGISTRATIONS if case["valid"])
    def test_a_valid_one_is_accepted_in_normal_form(self, case):
        """What is valid is accepted, and each field is kept in its normal form."""
        expected = case.get("normal") or {field: case["data"][field] for field in FIELDS}

        registration = registration_from_request(case["data"])

        assert fields_of(registration) == expected

    @each_case(case for case in REGISTRATIONS if not case["valid"])
    def test_an_invalid_one_names_every_wrong_field(self, case):
        """What is invalid is refused with all problems, in the order of the fields, under the wire's names."""
        expected = [(p["field"], p["code"], PROBLEM_MESSAGES[p["code"]]) for p in case["problems"]]

        with pytest.raises(InvalidRegistrationError) as refusal:
            registration_from_request(case["data"])

        assert [(p.field, p.code, p.message) for p in refusal.value.problems] == expected

    @each_case(case for case in REGISTRATIONS if case["valid"])
    def test_the_normal_form_is_stable(self, case):
        """What was normalised once stays as it is when it is sent again."""
        once = fields_of(registration_from_request(case["data"]))

        twice = fields_of(registration_from_request(once))

        assert twice == once

    def test_the_messages_are_the_models(self):
        """Every implementation explains a code in the same words."""
        messages = load("messages.json")

        assert messages == PROBLEM_MESSAGES

    def test_every_code_has_a_case(self):
        """No rule goes without a case that breaks it."""
        codes = {problem["code"] for case in REGISTRATIONS for problem in case["problems"]}

        assert codes == set(PROBLEM_MESSAGES)

    def test_descriptions_are_unique_in_each_file(self):
        """A failing case can be found by its description."""
        duplicates = {}
        for path in CASES.glob("*.json"):
            cases = load(path.name)
            if isinstance(cases, list):
                descriptions = [case["description"] for case in cases]
                duplicates[path.name] = sorted({d for d in descriptions if descriptions.count(d) > 1})

        assert not any(duplicates.values()), duplicates

    @each_case(REGISTRATIONS)
    def test_a_case_is_well_formed(self, case):
        """A case is valid if and only if it has no problems, which come in the order of the fields."""
        fields = [problem["field"] for problem in case["problems"]]

        assert case["valid"] is (not fields)
        assert fields == [field for field in FIELDS if field in fields]
        assert set(case) <= {"description", "data", "valid", "problems", "normal"}


class TestRegistrationFromRequest:
    """What is taken of a request."""

    def test_answers_are_taken_where_a_catalogue_asks(self):
        """Answers are left for the event's questions to judge; where events are open there are none."""
        body = json.loads(BODY) | {"answers": {"diet": ["what", {"ever": None}]}}

        assert registration_from_request(body, is_managed=True).answers == body["answers"]
        assert registration_from_request(body).answers == {}
        assert registration_from_request(body | {"answers": "none"}, is_managed=True).answers == {}

    @pytest.mark.parametrize("locale", ["de", "pt-BR", "zh-Hant-TW", "es-419", "i" * 8])
    def test_a_locale_is_taken(self, locale):
        """A language's tag is kept as it was sent; it is no detail by which two registrations differ."""
        registration = registration_from_request(json.loads(BODY) | {"locale": locale})

        assert registration.locale == locale
        assert registration.same_details(registration_from_request(json.loads(BODY)))

    @pytest.mark.parametrize("locale", [None, "", 5, ["de"], "d", "de_DE", "de-", "../de", "de\n", "de" * 18, "{name}"])
    def test_what_is_no_locale_is_left_alone(self, locale):
        """Nobody is turned away for a language, and nothing of what was sent is kept."""
        assert registration_from_request(json.loads(BODY) | {"locale": locale}).locale is None

    def test_only_the_four_fields_are_taken(self):
        """A client can't choose its status, identity, revision or mail."""
        body = {**json.loads(BODY), "status": "cancelled", "registrationid": "0", "revision": 9, "mail": "sent"}

        registration = registration_from_request(body)

        assert registration == evolve(
            Registration(
                event_id="spring-2026",
                event_name="Spring Meeting",
                attendee_name="Ada",
                attendee_email="ada@example.org",
            ),
            registration_id=registration.registration_id,
        )
        assert registration.registration_id != "0"

    @given(
        st.dictionaries(
            st.sampled_from(FIELDS) | st.text(max_size=5),
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.lists(st.text()),
        )
    )
    @settings(deadline=None)
    def test_nothing_but_a_refusal_comes_out(self, body):
        """Whatever the fields hold, the answer is a registration or one refusal."""
        outcome = None
        try:
            outcome = registration_from_request(body)
        except InvalidRegistrationError as error:
            outcome = error

        assert isinstance(outcome, Registration | InvalidRegistrationError)


INSTANTS = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the strategy adds the zones
    max_value=datetime(2999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
NAMES = (
    st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=30)
    .map(lambda text: f"A{text}")
    .filter(lambda name: not re.search(r"://|www\.", name, re.IGNORECASE))
)
REGISTRATION = st.builds(
    Registration,
    event_id=st.from_regex(r"[A-Za-z0-9._~-]{1,128}", fullmatch=True),
    event_name=NAMES,
    attendee_name=NAMES,
    attendee_email=st.from_regex(r"[a-zA-Z0-9+_-]{1,20}@[a-z0-9]{1,20}\.[a-z]{2,9}", fullmatch=True),
    status=st.sampled_from(Status),
    registered_at=st.none() | INSTANTS,
    link_generation=st.integers(1, 99),
    revision=st.integers(1, 10**9),
    told_of=st.integers(0, 99),
    locale=st.none() | st.sampled_from(["de", "pt-BR"]),
    mail=st.builds(
        Mail,
        state=st.sampled_from(MailState),
        kind=st.sampled_from(MailKind),
        number=st.integers(1, 10**6),
        attempts=st.integers(0, 99),
        attempted_at=st.none() | INSTANTS,
        due_at=INSTANTS,
        reason=st.none() | st.text(st.characters(exclude_categories=("C",)), min_size=1),
        repeated_at=st.none() | INSTANTS,
    ),
)
ROW = {
    "eventid": "spring-2026",
    "eventname": "Spring Meeting",
    "cname": "Zoë",
    "cemail": "zoe@example.org",
    "registrationid": "8d1f",
    "status": "waitlisted",
    "registered_at": "2026-03-01T09:30:00.000001Z",
    "revision": 2,
    "mail": "sent",
    "mail_kind": "waitlisted",
    "attempts": 1,
    "attempted_at": "2026-03-01T09:30:01.000000Z",
}
# What 0.1.0 wrote, which had one kind of mail and neither claims nor an outbox.
OLD_ROW = {name: value for name, value in ROW.items() if name != "mail_kind"}
REGISTERED = Registration(
    event_id="spring-2026",
    event_name="Spring Meeting",
    attendee_name="Zoë",
    attendee_email="zoe@example.org",
    status=Status.WAITLISTED,
    registration_id="8d1f",
    registered_at=datetime(2026, 3, 1, 9, 30, 0, 1, tzinfo=UTC),
    revision=2,
    mail=Mail(
        state=MailState.SENT,
        kind=MailKind.WAITLISTED,
        attempts=1,
        attempted_at=datetime(2026, 3, 1, 9, 30, 1, tzinfo=UTC),
    ),
)
OWING = Mail(
    state=MailState.RETRY,
    kind=MailKind.CALLED_OFF,
    number=7,
    attempts=3,
    attempted_at=datetime(2026, 3, 1, 9, 30, 1, tzinfo=UTC),
    due_at=datetime(2026, 3, 1, 9, 32, tzinfo=UTC),
    reason="SES can't be reached.",
    repeated_at=datetime(2026, 2, 1, tzinfo=UTC),
)
OWING_ROW = {
    "mail": "retry",
    "mail_kind": "called-off",
    "debt": 7,
    "attempts": 3,
    "attempted_at": "2026-03-01T09:30:01.000000Z",
    "mail_at": "2026-03-01T09:32:00.000000Z",
    "mail_reason": "SES can't be reached.",
    "repeated_at": "2026-02-01T00:00:00.000000Z",
}


class TestRows:
    """A registration in a table, and back."""

    def test_a_row_has_the_tables_names(self):
        """A registration is stored under the table's names, times in UTC to the microsecond."""
        row = row_of(REGISTERED)

        assert row == ROW

    def test_a_row_is_read_back(self):
        """A stored row becomes the registration it was made of."""
        registration = registration_from_row(ROW)

        assert registration == REGISTERED

    def test_times_are_stored_in_utc(self):
        """The same instant in another zone is the same row."""
        instant = datetime(2026, 3, 1, 11, 30, 0, 1, tzinfo=timezone(timedelta(hours=2)))

        row = row_of(evolve(REGISTERED, registered_at=instant))

        assert row["registered_at"] == ROW["registered_at"]

    def test_what_is_unset_is_left_out(self):
        """A registration not yet stored has no times in its row."""
        row = row_of(evolve(REGISTERED, registered_at=None, mail=Mail()))

        assert row.keys() == ROW.keys() - {"registered_at", "attempted_at"}

    @given(REGISTRATION)
    @settings(deadline=None)
    def test_every_registration_survives_the_round_trip(self, registration):
        """Whatever is stored is read back as it was, with its own types."""
        row = row_of(registration)

        stored = registration_from_row(row)

        assert stored == registration
        assert type(stored.status) is Status
        assert type(stored.mail.state) is MailState
        assert type(stored.mail.kind) is MailKind

    @given(REGISTRATION)
    @settings(deadline=None)
    def test_a_row_holds_only_text_and_whole_numbers(self, registration):
        """A row survives JSON and any table: plain text and plain integers, nothing else."""
        row = row_of(registration)

        assert {type(value) for value in row.values()} == {str, int}
        assert json.loads(json.dumps(row)) == row

    def test_answers_are_one_text(self):
        """Answers are JSON in one attribute, which isn't there without any; they are read back as they were."""
        answers = {"diet": "vegan", "seats": 2, "rate": 0.5, "first": True, "days": ["mo"], "name": "山田"}

        row = row_of(evolve(REGISTERED, answers=answers))

        assert row == ROW | {"answers": json.dumps(answers, separators=(",", ":"))}
        assert registration_from_row(row).answers == answers

    def test_a_first_generation_goes_without_saying(self):
        """Rows from before there were links are of the first generation, and rows of it look like them."""
        assert "link_generation" not in row_of(REGISTERED)
        row = row_of(evolve(REGISTERED, link_generation=3))
        assert row == ROW | {"link_generation": 3}
        assert (registration_from_row(ROW).link_generation, registration_from_row(row).link_generation) == (1, 3)

    def test_a_debt_is_stored_with_the_row(self):
        """All that is owed is in columns of the row itself, and these are read back as what is owed."""
        row = row_of(evolve(REGISTERED, mail=OWING))

        assert {name: row[name] for name in OWING_ROW} == OWING_ROW == row_of_mail(OWING)
        assert set(OWING_ROW) == set(MAIL_COLUMNS)
        assert registration_from_row(row).mail == OWING

    def test_a_first_debt_goes_without_saying(self):
        """Rows from before debts had numbers owe their first, and rows of it look like them; so do news not told."""
        row = row_of(evolve(REGISTERED, told_of=3, mail=evolve(REGISTERED.mail, number=2)))

        assert not {"debt", "told_of"} & row_of(REGISTERED).keys()
        assert row == ROW | {"debt": 2, "told_of": 3}
        assert registration_from_row(ROW).told_of == 0
        assert registration_from_row(row).told_of == 3

    @pytest.mark.parametrize("status", Status, ids=str)
    def test_an_old_row_owes_what_its_status_says(self, status):
        """The mail of a row from before there were kinds tells of the registration's status."""
        registration = registration_from_row(OLD_ROW | {"status": status.value})

        assert registration.mail == evolve(REGISTERED.mail, kind=MailKind(status.value))

    def test_an_old_row_keeps_a_mail_that_was_begun(self):
        """The mail of a row from before there were claims may be sent ten minutes after it was begun."""
        begun = registration_from_row(OLD_ROW | {"mail": "due"})
        unbegun = registration_from_row({**OLD_ROW, "mail": "due", "attempts": 0, "attempted_at": None})

        assert begun.mail.due_at == datetime(2026, 3, 1, 9, 40, 1, tzinfo=UTC)
        assert not begun.mail.is_claimable(datetime(2026, 3, 1, 9, 40, tzinfo=UTC))
        assert unbegun.mail == Mail(kind=MailKind.WAITLISTED)
        assert registration_from_row(OLD_ROW).mail.due_at is None

    def test_instants_sort_as_text(self):
        """Instants are texts of one length in UTC, so that an index has them in their order."""
        instants = [
            datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
            datetime(2026, 3, 1, 11, 30, 0, 1, tzinfo=timezone(timedelta(hours=2))),
            datetime(2026, 3, 1, 9, 30, 1, tzinfo=UTC),
            datetime(2026, 11, 1, tzinfo=UTC),
        ]

        texts = [instant_text(instant) for instant in reversed(instants)]

        assert sorted(texts) == texts[::-1]
        assert {len(text) for text in texts} == {len("2026-03-01T09:30:00.000001Z")}

    def test_instants_of_an_hour_that_comes_twice_differ(self):
        """What a clock shows twice, as it is put back, are two instants and two texts, one just after the other."""
        first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Zurich"))

        texts = [instant_text(instant) for instant in (first, first.replace(fold=1))]

        assert texts == ["2026-10-25T00:30:00.000000Z", "2026-10-25T01:30:00.000000Z"]

    def test_columns_of_others_are_left_alone(self):
        """Keys, digests and columns of a later version don't hinder reading."""
        row = {**ROW, "sk": "REGISTRATION#0", "outbox": "3", "shirt": "XL", "expires_at": 1}

        registration = registration_from_row(row)

        assert registration == REGISTERED

    def test_numbers_of_any_kind_are_read(self):
        """A table's decimal numbers and text become integers."""
        registration = registration_from_row({**ROW, "revision": "2", "attempts": 1.0})

        assert (type(registration.revision), type(registration.mail.attempts)) == (int, int)
        assert registration == REGISTERED

    def test_a_row_without_mail_columns_owes_its_first_mail(self):
        """A row of the four fields alone is a registration with its defaults."""
        registration = registration_from_row({field: ROW[field] for field in FIELDS} | {"registrationid": "8d1f"})

        assert registration == evolve(REGISTERED, status=Status.CONFIRMED, registered_at=None, revision=1, mail=Mail())

    @pytest.mark.parametrize(
        "columns",
        [
            *({field: value} for field in FIELDS for value in (None, "", 5, [], {"S": "x"}, "\0", "a\ud800")),
            *({"status": value} for value in (None, "", "CONFIRMED", "held", 1, [])),
            *({"mail": value} for value in (None, "", "claim", 1, [], {})),
            *({"mail_kind": value} for value in (None, "", "pending", 1, [])),
            *({"registered_at": value} for value in ("", "yesterday", 1767225600, [], "2026-13-01T00:00:00Z")),
            *({"attempted_at": value} for value in ("", "soon", 0.5)),
            *({column: value} for column in ("mail_at", "repeated_at") for value in ("", "soon", 1)),
            *({column: value} for column in ("debt", "told_of") for value in (None, "", "x", -1)),
            *({column: value} for column in ("revision", "attempts") for value in (None, "", "x", [], float("nan"))),
            *({column: "2026-03-01T12:00:00"} for column in ("registered_at", "attempted_at")),
            *({column: float("inf")} for column in ("revision", "attempts")),
            {"revision": "9" * 5000},
            *({"answers": value} for value in (None, "", "[", "[]", "null", '"x"', 5)),
            *({"link_generation": value} for value in (None, "", "x", -1)),
        ],
        ids=lambda columns: ascii(columns)[:60],
    )
    def test_a_foreign_row_is_no_registration(self, columns):
        """A row that something else wrote is refused as a repository's failure, without its values."""
        row = {**ROW, **columns}

        with pytest.raises(RepositoryError, match=r"^A stored row is no registration \(\w+\)\.$") as refusal:
            registration_from_row(row)

        assert refusal.value.__suppress_context__

    @pytest.mark.parametrize("column", FIELDS)
    def test_a_row_without_a_field_is_no_registration(self, column):
        """A row that lacks one of the four fields is refused."""
        row = {name: value for name, value in ROW.items() if name != column}

        with pytest.raises(RepositoryError):
            registration_from_row(row)

    def test_an_event_is_no_registration(self):
        """Another kind of item in the same table is refused."""
        row = {"eventid": "spring-2026", "sk": "EVENT", "eventname": "Spring Meeting", "capacity": 5}

        with pytest.raises(RepositoryError):
            registration_from_row(row)


class TestAnswerOf:
    """What a client is told."""

    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (Status.CONFIRMED, "Registration successful!"),
            (Status.WAITLISTED, "You are on the waiting list."),
        ],
        ids=str,
    )
    def test_it_tells_the_outcome_and_nothing_of_the_person(self, status, message):
        """The answer holds the status and the event, and neither name, address, id nor time."""
        answer = answer_of(evolve(REGISTERED, status=status))

        assert answer == {
            "message": message,
            "status": status.value,
            "eventid": "spring-2026",
            "eventname": "Spring Meeting",
        }

    def test_a_row_answers_like_the_registration_it_was_made_of(self):
        """A stored registration is answered byte for byte like a new one."""
        stored = registration_from_row(row_of(REGISTERED))

        assert json.dumps(answer_of(stored)) == json.dumps(answer_of(REGISTERED))
