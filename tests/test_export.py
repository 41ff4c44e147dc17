"""Registrations as lines of CSV and JSON."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from event_registration.export import REGISTRATION_FIELDS, CSVLines, JSONLines, registration_record
from event_registration.mail import Mail, MailKind, MailState
from event_registration.model import Status
from event_registration.questions import Column
from event_registration.testing import make_registration
from event_registration.wire import row_of

SIGNS = "-=+@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
BERLIN = ZoneInfo("Europe/Berlin")
ADA = make_registration(
    registration_id="ada-1",
    registered_at=datetime(2026, 3, 1, 12, 0, 5, 999_999, tzinfo=UTC),
    seat=7,
    mail=Mail(state=MailState.SENT, attempts=1, attempted_at=datetime(2026, 3, 1, 12, 1, tzinfo=UTC)),
    answers={"diet": "vegan", "guests": 2, "topics": ["Go", "Rust"], "news": False},
)

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0")) | st.text(f"{SIGNS}a'\"; ,\t\r\n", max_size=9)
_ANSWERS = st.dictionaries(
    st.sampled_from(["a", "b", "gone", "lost"]),
    _TEXT | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)


def _columns(**titles):
    return [Column(name, title) for name, title in titles.items()]


def _read(text):
    """Return the rows of a CSV, as any reader has them."""
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def _restored(cell):
    """Take the apostrophes away again that keep a text from being a formula."""
    return re.sub(rf"(?:^|(?<=[;\t\r\n]))'(?=[\"']*[{SIGNS}\t\r\n])", "", cell)


def _told(answer):
    return {True: "yes", False: "no"}[answer] if isinstance(answer, bool) else str(answer)


def _cells(answers, titles=None):
    """Return the cells of all answers, by the headings of their columns."""
    lines = CSVLines(UTC, _columns(**({name: name for name in answers} if titles is None else titles)))
    headings, row = _read(lines.head + lines.line(make_registration(answers=answers)))
    return dict(zip(headings[9:], row[9:], strict=True))


class TestCSVLines:
    """What people open in a spreadsheet program."""

    def test_a_row_has_what_an_organiser_wants(self):
        """Every cell is quoted, lines end with CRLF, and the mark of UTF-8 comes first."""
        lines = CSVLines(BERLIN, _columns(diet="Diet", guests="Guests", topics="Topics", news="News?"))

        text = lines.head + lines.line(ADA)

        assert text == (
            '\ufeff"cname","cemail","status","registered_at","seat","place","mail","mail_reason","registrationid",'
            '"Diet","Guests","Topics","News?","other answers"\r\n'
            '"Ada Lovelace","ada@example.org","confirmed","2026-03-01T13:00:05+01:00","7","","sent","","ada-1",'
            '"vegan","2","Go; Rust","no",""\r\n'
        )

    def test_places_are_those_of_the_record(self):
        """Seat and place are as in the JSON: who was served keeps the place that led to the seat."""
        registration = make_registration(status=Status.CONFIRMED, place=3, seat=1)

        (row,) = _read(CSVLines(UTC, []).line(registration))

        assert row[4:6] == ["1", "3"]

    def test_what_nobody_knows_is_empty(self):
        """A registration without its time and without an answer has empty cells there."""
        (row,) = _read(CSVLines(UTC, _columns(diet="Diet")).line(make_registration()))

        assert (row[3], row[9], row[10]) == ("", "", "")

    @pytest.mark.parametrize(
        ("answer", "cell"),
        [
            (True, "yes"),
            (False, "no"),
            (5, "5"),
            (-5, "-5"),
            (2**53 - 1, "9007199254740991"),
            (-0.25, "-0.25"),
            (1e22, "1e+22"),
            (["Go"], "Go"),
            (["-1", "Go"], "'-1; Go"),
            ("5", "5"),
            ("-5", "'-5"),
            ("naïve 日本 שלום नमस्ते 👩‍🚀", "naïve 日本 שלום नमस्ते 👩‍🚀"),
            ('a "b", c', 'a "b", c'),
            ("two\nlines", "two\nlines"),
        ],
        ids=repr,
    )
    def test_an_answer_is_told_as_people_read_it(self, answer, cell):
        """Numbers are numbers, even negative ones, and text that looks like one stays what it is."""
        assert _cells({"q": answer})["q"] == cell

    @pytest.mark.parametrize("sign", [*SIGNS, "\t", "\r", "\n"], ids=lambda sign: f"U+{ord(sign):04X}")
    def test_no_text_is_a_formula(self, sign):
        """An apostrophe stands before every sign that begins a formula anywhere, and before apostrophes before one."""
        assert _cells({"q": f"{sign}1+1"})["q"] == f"'{sign}1+1"
        assert _cells({"q": f"'{sign}1+1"})["q"] == f"''{sign}1+1"
        assert _cells({"q": f"a{sign}1"})["q"].startswith("a")

    @pytest.mark.parametrize("separator", [";", "\t", "\n", "\r", ';"', ";''"], ids=repr)
    def test_no_text_hides_a_formula(self, separator):
        """A program that knows another separator finds no formula behind it."""
        cell = _cells({"q": f"a{separator}=1+1"})["q"]

        assert cell == re.sub("([;\t\r\n])", r"\1'", f"a{separator}=1+1")

    def test_no_name_and_no_title_is_a_formula(self):
        """What stands in the other cells is told apart from formulas alike."""
        lines = CSVLines(UTC, _columns(q="=1+1"))
        headings, row = _read(lines.head + lines.line(make_registration(attendee_name="=1+1", attendee_email="+@a.eu")))

        assert (headings[9], row[0], row[1]) == ("'=1+1", "'=1+1", "'+@a.eu")

    @given(_ANSWERS)
    @example({"a": "'=1"})
    @example({"a": "''=1;'=1"})
    @example({"a": "\n'\n=", "gone": ";="})
    def test_whoever_reads_it_has_all_answers(self, answers):
        """Apart from the apostrophes every answer is read as it was given; those to no question are there as JSON."""
        cells = _cells(answers, {"a": "A", "b": "B"})

        texts = {name: _restored(cells[name.upper()]) for name in ("a", "b")}
        assert texts == {name: _told(answers.get(name, "")) for name in ("a", "b")}
        others = {name: answer for name, answer in answers.items() if name not in {"a", "b"}}
        assert json.loads(_restored(cells["other answers"]) or "{}") == others

    @given(st.dictionaries(st.sampled_from(["a", "gone"]), _TEXT))
    def test_other_separators_find_no_formula_either(self, answers):
        """Wherever a program that ignores our quotation marks lets a cell begin, no sign of a formula stands."""
        text = CSVLines(UTC, _columns(a="A")).line(make_registration(answers=answers))

        assert [cell for cell in re.split(r"[;\t\r\n]", text) if cell.lstrip('"')[:1] in [*SIGNS]] == []

    def test_titles_that_collide_have_their_names(self):
        """No two columns have one heading, in capitals or not, and none has that of another kind of column."""
        titles = {"a": "Size", "b": "size", "c": "CName", "d": "Other answers", "e": "Colour", "f": "f"}

        assert [*_cells({}, titles)] == [
            "Size (a)",
            "size (b)",
            "CName (c)",
            "Other answers (d)",
            "Colour",
            "f",
            "other answers",
        ]


class TestJSONLines:
    """What programs read."""

    @given(_ANSWERS)
    def test_a_line_is_one_record(self, answers):
        """Each line is the record of a registration, in ASCII, and holds all answers as they were given."""
        registration = make_registration(answers=answers, attendee_name="Zoë 日本")

        line = JSONLines().line(registration)

        assert line.isascii()
        assert line.splitlines(keepends=True) == [line]
        assert json.loads(line) == registration_record(registration)
        assert json.loads(line)["answers"] == answers

    def test_nothing_comes_before(self):
        """The first line is a registration's."""
        assert JSONLines().head == ""


class TestRegistrationRecord:
    """What programs are told of a registration."""

    def test_it_has_all_that_a_row_has(self):
        """No attribute is left out but what only our own code goes by."""
        mail = Mail(number=2, attempts=1, attempted_at=ADA.registered_at, due_at=ADA.registered_at, reason="budget")
        owing = evolve(mail, repeated_at=ADA.registered_at)
        row = row_of(evolve(ADA, place=1, locale="de", link_generation=2, told_of=2, mail=owing))

        assert {*row} - {"link_generation", "told_of", "debt", "mail_at", "repeated_at"} == {*REGISTRATION_FIELDS}

    def test_a_failed_mail_says_why(self):
        """Whom to write to by hand is seen in both formats."""
        failed = evolve(ADA, mail=Mail(kind=MailKind.PROMOTED).failed("budget"))

        record = registration_record(failed)
        (row,) = _read(CSVLines(UTC, []).line(failed))

        assert (record["mail"], record["mail_kind"], record["mail_reason"]) == ("failed", "promoted", "budget")
        assert row[6:8] == ["failed", "budget"]

    def test_what_is_unset_is_none(self):
        """Every name is always there, in one order, and answers are an object."""
        record = registration_record(make_registration())

        assert tuple(record) == REGISTRATION_FIELDS
        assert record["seat"] is None
        assert record["answers"] == {}
