"""What attendees are asked, and what their answers may be."""

import json
import re
import subprocess
import sys
import unicodedata
from datetime import datetime

import pytest
from cases import each_case, load
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from questionnaires import answers_for, anything_for, is_asked_more, schemas

from event_registration.answers import ANSWER_MESSAGES, is_nothing
from event_registration.errors import InvalidRegistrationError
from event_registration.question_schema import problems_of
from event_registration.questions import Column, Questionnaire
from event_registration.rules import check_address, normalise_address
from event_registration.testing import make_event

CASES = load("answers.json")


def _outcome(questions, answers):
    try:
        return {"value": Questionnaire(questions).answers_of(answers)}
    except InvalidRegistrationError as error:
        return {"problems": [{"field": each.field, "code": each.code} for each in error.problems]}


class TestSharedCases:
    """The cases that the form runs, too."""

    @each_case(CASES)
    def test_case(self, case):
        """The server judges answers as the form does."""
        outcome = _outcome(case["questions"], case["answers"])

        # As JSON, in which the order shows and yes is no number.
        assert json.dumps(outcome) == json.dumps(case["expected"])

    def test_all_questions_could_be_asked(self):
        """No case is about questions that an organiser couldn't set up."""
        assert [case["description"] for case in CASES if problems_of(case["questions"])] == []

    def test_every_code_has_a_case(self):
        """There is a case for everything that can be wrong."""
        codes = {problem["code"] for case in CASES for problem in case["expected"].get("problems", [])}

        assert codes == set(ANSWER_MESSAGES)

    def test_the_sentences_are_shared(self):
        """The form tells of each code in the same words."""
        assert load("answer-messages.json") == ANSWER_MESSAGES


# A second reading of the rules, by JSON Schema and other libraries.
SPACES = "\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
FORMATS = FormatChecker(formats=())
FORMATS.checks("email")(lambda value: check_address(value) is None)


@FORMATS.checks("uri")
def _is_link(value):
    scheme, found, rest = value.partition("://")
    host, colon, port = re.split("[/?#]", rest, maxsplit=1)[0].partition(":")
    labels = [label for label in host.split(".") if re.fullmatch(r"[^\x00-,/:-@[-^`{-\xa0]+", label)]
    return (
        (scheme.lower(), found) in {("http", "://"), ("https", "://")}
        and len(labels) == host.count(".") + 1
        and not any(label.startswith("-") or label.endswith("-") for label in labels)
        and (not colon or (port.isascii() and port.isdigit() and len(port) <= 5))
        and not set(value) & set(' <>"\\')
        and len(value) <= 2000
    )


@FORMATS.checks("date", raises=ValueError)
def _is_date(value):
    return len(value) == 10 and value.isascii() and datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007 - no instant


@FORMATS.checks("time", raises=ValueError)
def _is_time(value):
    form = {5: "%H:%M", 8: "%H:%M:%S"}.get(len(value), "")
    return value.isascii() and value[6:] < "60" and datetime.strptime(value, form)  # noqa: DTZ007


def _pattern(_, pattern, value, __):
    if isinstance(value, str) and not re.search(pattern, value, re.ASCII):
        yield ValidationError("no match")


VALIDATOR = extend(Draft202012Validator, {"pattern": _pattern})


def _is_line(question):
    return question.get("maxLength", 4000) <= 200 or "format" in question or "pattern" in question


def _normal(question, value):
    """Return *value* in the question's normal form, ``None`` if it is no answer."""
    if is_nothing(value) or (value is False and "const" in question):
        return None
    kind = question["type"]
    if kind == "array" and isinstance(value, list) and all(each in question["items"]["enum"] for each in value):
        return sorted(set(value), key=question["items"]["enum"].index)
    if kind in {"integer", "number"} and type(value) in {int, float}:
        return int(value) if value == int(value) and abs(value) < 2**53 else float(value)
    if kind != "string" or "enum" in question or not isinstance(value, str):
        return value
    if question.get("format") == "email":
        return normalise_address(value)
    value = unicodedata.normalize("NFC", re.sub("\r\n?", "\n", value)).strip(SPACES + "\t\n\f\r")
    return re.sub(f"[{SPACES}]+", " ", value) if _is_line(question) else value


def _keeps_further_rules(schema, questions, answers):
    asked = dict(schema["properties"]) | (questions if is_asked_more(schema, answers) else {})
    for name, value in answers.items():
        question = asked.get(name, {"type": "nothing"})
        if question["type"] == "string" and "enum" not in question:
            forbidden = {"Cc", "Zl", "Zp", "Cs"}
            characters = value if _is_line(question) else value.replace("\n", "")
            if any(unicodedata.category(each) in forbidden or each in BIDI for each in characters) or len(value) > 4000:
                return False
        if question["type"] == "nothing" or (question["type"] == "integer" and abs(value) >= 2**53):
            return False
    return len(json.dumps(answers, separators=(",", ":"), ensure_ascii=False).encode()) <= 8192


BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _second_reading(schema, given):
    """Return the answers in normal form if they are right, else ``None``."""
    if given is None:
        given = {}
    if not isinstance(given, dict):
        return None
    more = schema.get("then", {}).get("properties", {})
    questions = schema["properties"] | more
    known = {name: _normal(questions[name], given[name]) for name in questions if name in given}
    others = {name: value for name, value in given.items() if name not in questions and not is_nothing(value)}
    answers = {name: value for name, value in known.items() if value is not None} | others
    is_right = VALIDATOR(schema, format_checker=FORMATS).is_valid(answers)
    return answers if is_right and _keeps_further_rules(schema, more, answers) else None


def _agrees_with_json_schema(schema, given_):
    expected = _second_reading(schema, given_)

    outcome = _outcome(schema, given_)

    event("right" if expected is not None else "wrong")
    assert ("value" in outcome) is (expected is not None), outcome
    assert json.dumps(outcome.get("value")) == json.dumps(expected)


class TestAnyAnswers:
    """Answers to any questions, beside JSON Schema's own verdict."""

    @given(st.data(), schemas())
    @settings(max_examples=100, deadline=None)
    def test_json_schema_agrees(self, data, schema):
        """What is accepted is an instance of the questions and keeps our further rules; what is refused doesn't."""
        _agrees_with_json_schema(schema, data.draw(anything_for(schema)))

    @pytest.mark.proof
    @given(st.data(), schemas())
    @settings(max_examples=4000, deadline=None)
    def test_json_schema_agrees_proof(self, data, schema):
        """What is accepted is an instance and keeps our further rules, what is refused doesn't, many times over."""
        _agrees_with_json_schema(schema, data.draw(anything_for(schema)))

    @given(st.data(), schemas())
    @settings(max_examples=100, deadline=None)
    def test_right_answers_stay_as_they_are(self, data, schema):
        """Answers in normal form are accepted unchanged, in whatever order they come."""
        answers = data.draw(answers_for(schema))
        shuffled = {name: answers[name] for name in data.draw(st.permutations(list(answers)))}

        outcome = _outcome(schema, shuffled)

        assert json.dumps(outcome) == json.dumps({"value": answers})

    @given(schemas())
    @settings(max_examples=100, deadline=None)
    def test_questions_can_be_set_up(self, schema):
        """The questions that these tests ask are ones that an organiser can ask."""
        assert problems_of(schema) == []


class TestQuestionnaire:
    """What else a questionnaire tells."""

    def test_columns_are_all_questions(self):
        """Every question has a column, in the form's order, with its title or else its name."""
        questionnaire = Questionnaire(
            {
                "properties": {"b": {"type": "string", "title": "Bee"}, "a": {"type": "boolean"}},
                "then": {"properties": {"c": {"type": "string"}}},
            }
        )

        assert questionnaire.columns == (Column("b", "Bee"), Column("a", "a"), Column("c", "c"))

    def test_a_summary_is_for_people(self):
        """Answers are told by titles, in the form's order, as they are kept."""
        questionnaire = Questionnaire(
            {
                "properties": {
                    "days": {"type": "array", "title": "Days", "items": {"type": "string", "enum": ["Mon", "Tue"]}},
                    "bus": {"type": "boolean"},
                    "car": {"type": "boolean"},
                    "age": {"type": "integer", "title": "Age"},
                    "note": {"type": "string"},
                }
            }
        )

        summary = questionnaire.summary({"age": 5, "car": False, "bus": True, "days": ["Mon", "Tue"]})

        assert summary == [("Days", ["Mon", "Tue"]), ("bus", True), ("car", False), ("Age", 5)]

    def test_a_summary_keeps_what_is_not_asked_any_more(self):
        """An answer stays to be seen if its question was taken away."""
        questionnaire = Questionnaire({"properties": {"note": {"type": "string"}}})

        assert questionnaire.summary({"old": 1.5, "note": "a"}) == [("note", "a"), ("old", 1.5)]

    def test_nothing_is_asked(self):
        """Questions without any take no answers."""
        questionnaire = Questionnaire({"type": "object"})

        assert (questionnaire.columns, questionnaire.answers_of({})) == ((), {})

    def test_what_is_no_number_at_all_is_refused(self):
        """Python's floats beyond JSON's numbers are no answers."""
        questions = {"properties": {"a": {"type": "number"}, "b": {"type": "integer"}}}
        infinite, none = float("inf"), float("nan")

        codes = [_outcome(questions, {"a": value, "b": value}) for value in (infinite, -infinite, none)]

        assert [[each["code"] for each in outcome["problems"]] for outcome in codes] == [
            ["number-too-large", "not-an-integer"],
            ["number-too-small", "not-an-integer"],
            ["number-too-large", "not-an-integer"],
        ]

    def test_an_event_has_a_questionnaire(self):
        """An event that asks something keeps one; another has none."""
        asking = make_event(questions={"properties": {"note": {"type": "string"}}})

        assert asking.questionnaire.columns == (Column("note", "note"),)
        assert asking.questionnaire is asking.questionnaire
        assert make_event().questionnaire is None

    def test_no_validator_is_imported(self):
        """Judging answers needs none of jsonschema, which would be most of a function's start."""
        code = """
import sys
from event_registration.testing.doubles import make_event
make_event(questions={"properties": {"a": {"type": "string"}}}).questionnaire.answers_of({"a": "b"})
sys.exit("jsonschema" in sys.modules)
"""

        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
