"""What is wrong with an event's questions, and where."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from questionnaires import QUESTIONS, schemas

from event_registration.question_schema import problems_of
from event_registration.questions import Questionnaire

TEXT = {"type": "string"}
PAGE = (Path(__file__).parent.parent / "docs" / "organising.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("\n## Questions\n")[2].partition("\n## ")[0]
YES = {"properties": {"bus": {"const": True}}, "required": ["bus"]}
NOTE = {"properties": {"note": TEXT}}


def _form(properties, **more):
    return {"type": "object", "properties": properties, **more}


def _asking(question):
    return _form({"q": question})


def _list(**more):
    return _asking({"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, **more})


def _if(condition, **more):
    """Return a condition on one of several questions."""
    questions = {
        "note": TEXT,
        "bus": {"type": "boolean"},
        "terms": {"type": "boolean", "const": True},
        "size": {"type": "string", "enum": ["S", "M"]},
        "age": {"type": "integer", "minimum": 18},
        "days": {"type": "array", "items": {"type": "string", "enum": ["Mon", "Tue"]}, "minItems": 2},
    }
    return _form(questions, **{"if": condition, "then": {"properties": {"more": TEXT}}, **more})


def _on(name, condition):
    return _if({"properties": {name: condition}, "required": [name]})


def _found(questions):
    return [(problem.field, problem.code) for problem in problems_of(questions)]


WRONG = [
    # the whole
    ({}, ["questions/type missing-keyword", "questions/properties missing-keyword"]),
    ({"type": "array", "properties": {"q": TEXT}}, ["questions/type not-allowed"]),
    (_form({}), ["questions/properties too-few"]),
    (_form([]), ["questions/properties wrong-type"]),
    (_form({"q": TEXT}, additionalProperties=False), ["questions/additionalProperties unknown-keyword"]),
    (_form({"q": TEXT}, **{"$ref": "https://example.org"}), ["questions/$ref unknown-keyword"]),
    (_form({"q": TEXT}, **{"a/b~c": 1}), ["questions/a~1b~0c unknown-keyword"]),
    (_form({"q": TEXT}, **{"$schema": "http://json-schema.org/draft-07/schema#"}), ["questions/$schema not-allowed"]),
    (_form({"q": TEXT}, title=""), ["questions/title too-short", "questions/title forbidden-character"]),
    (_form({"q": TEXT}, required="q"), ["questions/required wrong-type"]),
    (_form({"q": TEXT}, required=["q", "q"]), ["questions/required repeated"]),
    (_form({"q": TEXT}, required=["q", "r"]), ["questions/required/1 unknown-question"]),
    (_form({f"q{n}": TEXT for n in range(41)}), ["questions/properties too-many"]),
    (
        _form({f"q{n}": TEXT for n in range(39)} | {"bus": {"type": "boolean"}}, **{"if": YES, "then": NOTE}),
        ["questions/then/properties too-many"],
    ),
    # names
    *(
        (_form({name: TEXT}), [f"questions/properties/{name} invalid-name"])
        for name in ("", "1a", "_a", "a b", "é", "a.b")
    ),
    (_form({"__proto__": TEXT}), ["questions/properties/__proto__ invalid-name"]),
    (_form({"a" * 65: TEXT}), [f"questions/properties/{'a' * 65} invalid-name"]),
    (_form({"a\n": TEXT}), ["questions/properties/a\n invalid-name"]),
    (_form({5: TEXT}), ["questions/properties/5 invalid-name"]),
    # questions
    (_asking("string"), ["questions/properties/q wrong-type"]),
    (_asking({}), ["questions/properties/q/type missing-keyword"]),
    (_asking({"type": "object"}), ["questions/properties/q/type not-allowed"]),
    (_asking({"type": ["string", "null"]}), ["questions/properties/q/type not-allowed"]),
    (_asking(TEXT | {"default": "a"}), ["questions/properties/q/default unknown-keyword"]),
    (_asking(TEXT | {"minimum": 1}), ["questions/properties/q/minimum unknown-keyword"]),
    (_asking(TEXT | {"title": "a" * 201}), ["questions/properties/q/title too-long"]),
    (_asking(TEXT | {"title": " \u200b"}), ["questions/properties/q/title forbidden-character"]),
    (_asking(TEXT | {"title": "a\nb"}), ["questions/properties/q/title forbidden-character"]),
    (_asking(TEXT | {"description": "a" * 1001}), ["questions/properties/q/description too-long"]),
    (_asking(TEXT | {"description": "a\u202eb"}), ["questions/properties/q/description forbidden-character"]),
    (_asking(TEXT | {"description": "\ud800"}), ["questions/properties/q/description forbidden-character"]),
    # texts
    (_asking(TEXT | {"maxLength": 4001}), ["questions/properties/q/maxLength too-large"]),
    (_asking(TEXT | {"minLength": -1}), ["questions/properties/q/minLength too-small"]),
    (_asking(TEXT | {"minLength": True}), ["questions/properties/q/minLength wrong-type"]),
    (_asking(TEXT | {"minLength": 6, "maxLength": 5}), ["questions/properties/q/minLength empty-range"]),
    (_asking(TEXT | {"format": "hostname"}), ["questions/properties/q/format not-allowed"]),
    (_asking(TEXT | {"pattern": "^a$"}), ["questions/properties/q/maxLength missing-keyword"]),
    (_asking(TEXT | {"pattern": "^a$", "maxLength": 1001}), ["questions/properties/q/maxLength too-large"]),
    (_asking(TEXT | {"pattern": "^a", "maxLength": 5}), ["questions/properties/q/pattern invalid-pattern"]),
    (_asking(TEXT | {"pattern": "^a{6}$", "maxLength": 5}), ["questions/properties/q/pattern unmatchable-pattern"]),
    (_asking(TEXT | {"pattern": "^(a|a)*$", "maxLength": 50}), ["questions/properties/q/pattern slow-pattern"]),
    (_asking(TEXT | {"pattern": "^\ud800$", "maxLength": 5}), ["questions/properties/q/pattern forbidden-character"]),
    (_asking(TEXT | {"pattern": f"^{'a' * 249}$", "maxLength": 999}), ["questions/properties/q/pattern too-long"]),
    # choices
    (_asking(TEXT | {"enum": []}), ["questions/properties/q/enum too-few"]),
    (_asking(TEXT | {"enum": [f"{n}" for n in range(101)]}), ["questions/properties/q/enum too-many"]),
    (_asking(TEXT | {"enum": ["a", "a"]}), ["questions/properties/q/enum repeated"]),
    (_asking(TEXT | {"enum": ["a", 1, None]}), [f"questions/properties/q/enum/{n} wrong-type" for n in (1, 2)]),
    *(
        (_asking(TEXT | {"enum": [option]}), ["questions/properties/q/enum/0 forbidden-character"])
        for option in (" a", "a ", "a  b", "a\u00a0b", "a\tb", "\u2060")
    ),
    (_asking(TEXT | {"enum": ["a" * 201]}), ["questions/properties/q/enum/0 too-long"]),
    (_asking(TEXT | {"enum": ["a"], "maxLength": 5}), ["questions/properties/q/maxLength unknown-keyword"]),
    # numbers
    (_asking({"type": "integer", "minimum": 1.5}), ["questions/properties/q/minimum wrong-type"]),
    (_asking({"type": "integer", "maximum": 2**53}), ["questions/properties/q/maximum too-large"]),
    (_asking({"type": "integer", "minimum": -(2**53)}), ["questions/properties/q/minimum too-small"]),
    (_asking({"type": "number", "maximum": 10**400}), ["questions/properties/q/maximum too-large"]),
    (_asking({"type": "number", "minimum": "1"}), ["questions/properties/q/minimum wrong-type"]),
    (_asking({"type": "number", "minimum": -1, "maximum": -1.5}), ["questions/properties/q/minimum empty-range"]),
    (_asking({"type": "number", "exclusiveMinimum": 1}), ["questions/properties/q/exclusiveMinimum unknown-keyword"]),
    # yes or no
    (_asking({"type": "boolean", "const": False}), ["questions/properties/q/const not-allowed"]),
    (_asking({"type": "boolean", "const": 1}), ["questions/properties/q/const not-allowed"]),
    # lists
    (_asking({"type": "array"}), ["questions/properties/q/items missing-keyword"]),
    (_asking({"type": "array", "items": TEXT}), ["questions/properties/q/items/enum missing-keyword"]),
    (_asking({"type": "array", "items": {"enum": ["a"]}}), ["questions/properties/q/items/type missing-keyword"]),
    (_list(uniqueItems=False), ["questions/properties/q/uniqueItems not-allowed"]),
    (_list(minItems=2, maxItems=1), ["questions/properties/q/minItems empty-range"]),
    (_list(minItems=3), ["questions/properties/q/minItems empty-range"]),
    # conditions
    (_form({"q": TEXT}, then=NOTE), ["questions/if missing-keyword"]),
    (_form({"q": TEXT}, **{"if": YES}), ["questions/then missing-keyword"]),
    (
        _form({"q": TEXT}, **{"if": {}, "then": {}}),
        [*(f"questions/if/{n} missing-keyword" for n in ("properties", "required")), "questions/then too-few"],
    ),
    (
        _form({"q": TEXT}, **{"if": {"properties": {}, "required": []}, "then": NOTE}),
        ["questions/if/properties too-few"],
    ),
    (_if(YES, then={"else": {}}), ["questions/then/else unknown-keyword"]),
    (_if(YES, then={"properties": {"note": TEXT}}), ["questions/then/properties/note repeated-name"]),
    (_if(YES, then={"required": ["more"]}), ["questions/then/required/0 unknown-question"]),
    (_if(YES, required=["more"]), ["questions/required/0 unknown-question"]),
    (_if(YES | {"required": []}), ["questions/if/required incomplete-condition"]),
    (_if(YES | {"required": ["bus", "age"]}), ["questions/if/required incomplete-condition"]),
    (_on("more", {"const": "a"}), ["questions/if/properties/more unknown-question"]),
    (_on("bus", {}), ["questions/if/properties/bus too-few"]),
    (_on("bus", {"const": True, "enum": [True]}), ["questions/if/properties/bus too-many"]),
    (_on("bus", {"const": None}), ["questions/if/properties/bus/const wrong-type"]),
    (_on("bus", {"enum": []}), ["questions/if/properties/bus/enum too-few"]),
    (_on("bus", {"not": {"const": True}}), ["questions/if/properties/bus/not unknown-keyword"]),
    (_on("note", {"const": "a"}), ["questions/if/properties/note wrong-condition"]),
    (_on("size", {"contains": {"const": "S"}}), ["questions/if/properties/size wrong-condition"]),
    (_on("days", {"const": "Mon"}), ["questions/if/properties/days wrong-condition"]),
    (_on("days", {"contains": {"const": "Sun"}}), ["questions/if/properties/days/contains/const impossible-answer"]),
    (_on("size", {"const": "L"}), ["questions/if/properties/size/const impossible-answer"]),
    (
        _on("size", {"enum": ["S", "L", 1]}),
        [f"questions/if/properties/size/enum/{n} impossible-answer" for n in (1, 2)],
    ),
    (_on("age", {"const": 17}), ["questions/if/properties/age/const impossible-answer"]),
    (_on("age", {"const": True}), ["questions/if/properties/age/const impossible-answer"]),
    (_on("bus", {"const": 1}), ["questions/if/properties/bus/const impossible-answer"]),
    (_on("terms", {"const": False}), ["questions/if/properties/terms/const impossible-answer"]),
]
EDGES = [
    _form({"q": TEXT}, title="A", description="", **{"$schema": "https://json-schema.org/draft/2020-12/schema"}),
    _form({f"q{n}": TEXT for n in range(40)}, required=[]),
    _form({"a" * 64: TEXT, "constructor": TEXT}),
    _asking(TEXT | {"title": "a" * 200, "description": "a\n" * 500}),
    _asking(TEXT | {"minLength": 4000, "maxLength": 4000}),
    _asking(TEXT | {"minLength": 0, "maxLength": 5.0, "pattern": "^a*$"}),
    _asking(TEXT | {"pattern": f"^{'a' * 248}$", "maxLength": 1000}),
    _asking(TEXT | {"format": "date", "pattern": "^2.*$", "maxLength": 10}),
    _asking(TEXT | {"enum": ["𠮷" * 200, "e\u0301"]}),
    _asking({"type": "integer", "minimum": 1 - 2**53, "maximum": 2**53 - 1}),
    _asking({"type": "integer", "maximum": -5}),
    _asking({"type": "number", "minimum": -1.7976931348623157e308, "maximum": 10**17}),
    _list(uniqueItems=True, minItems=2, maxItems=2),
    _if(YES),
    _if(YES, then={"required": ["note"]}),
    _if(YES, then={"properties": {"more": TEXT}, "required": ["note", "more"]}),
    _on("bus", {"enum": [True, False]}),
    _on("terms", {"const": True}),
    _on("size", {"enum": ["S", "M"]}),
    _on("age", {"const": 18.0}),
    _on("days", {"contains": {"const": "Mon"}}),
]


class TestProblems:
    """What an organiser is told of wrong questions."""

    @pytest.mark.parametrize(
        ("questions", "expected"), WRONG, ids=[" ".join(ascii(each) for each in expected)[:90] for _, expected in WRONG]
    )
    def test_what_is_wrong_is_found_at_its_place(self, questions, expected):
        """Each rule is told by its code, at the place that breaks it, and nothing else is."""
        assert [" ".join(each) for each in _found(questions)] == expected

    @pytest.mark.parametrize("questions", EDGES)
    def test_what_is_just_right_is_accepted(self, questions):
        """What a rule just allows is right."""
        assert _found(questions) == []

    def test_everything_is_told_at_once(self):
        """One look names all that is wrong with the structure."""
        questions = _form({"a": {"type": "text"}, "b": TEXT | {"maxlength": 5}}, required=5)

        assert _found(questions) == [
            ("questions/properties/a/type", "not-allowed"),
            ("questions/properties/b/maxlength", "unknown-keyword"),
            ("questions/required", "wrong-type"),
        ]

    @pytest.mark.parametrize(
        ("questions", "sentence"),
        [
            (_asking({"type": "text"}), "This must be one of string, integer, number, boolean, array."),
            (_on("bus", {"const": None}), "This must be text, a number, true or false."),
            (_asking({"type": "boolean", "const": 1}), "This must be true."),
            (_asking(TEXT | {"maxLength": 5000}), "This must be 4000 or less."),
            (
                _asking({"type": "boolean", "enum": [True]}),
                "Remove this: there can only be type, title, description, const.",
            ),
            (
                _form({"size": {"type": "string", "Enum": ["S", "M"]}}),
                "Did you mean enum? Else remove this: there can only be "  # noqa: ISC004 - one sentence
                "type, title, description, minLength, maxLength, format, pattern.",
            ),
            (
                _form({"1": TEXT}),
                "Choose another name: 1 to 64 letters A to Z, digits and the signs _ and -, a letter first.",
            ),
        ],
    )
    def test_a_sentence_says_what_to_do(self, questions, sentence):
        """A person learns what may stand there."""
        assert [problem.message for problem in problems_of(questions)] == [sentence]

    def test_every_code_is_documented(self):
        """The organisers' page says of every code what to do, and there is no other."""
        codes = {each.split()[-1] for _, expected in WRONG for each in expected}

        assert (
            set(re.findall(r"`([a-z-]+)`", SECTION.rpartition("| code | what to do |")[2]))
            - {"if", "properties", "required"}
            == codes
        )

    def test_every_example_of_the_page_is_right(self):
        """The page's questions can be asked."""
        blocks = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)]

        assert len(blocks) >= 2
        assert [_found(block) for block in blocks] == [[]] * len(blocks)


class TestAnyQuestions:
    """Questions of all sorts."""

    @given(st.data(), schemas())
    @settings(max_examples=200, deadline=None)
    def test_what_is_right_can_be_asked(self, data, schema):
        """Whatever is changed in right questions, either something is wrong with them, or they are valid and asked."""
        damaged = data.draw(_damaged(schema))

        if not problems_of(damaged):
            Draft202012Validator.check_schema(damaged)
            Questionnaire(damaged).columns  # noqa: B018 - reads all questions


SCRAPS = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=3) | st.lists(st.text(max_size=2), max_size=2)
)


@st.composite
def _damaged(draw, value):
    """Return *value* with something in it replaced, renamed, added or left out."""
    if not draw(st.integers(0, 4)) or not isinstance(value, dict | list) or not value:
        return draw(SCRAPS | QUESTIONS)
    copy = dict(value) if isinstance(value, dict) else list(value)
    key = draw(st.sampled_from(list(copy) if isinstance(copy, dict) else range(len(copy))))
    match draw(st.sampled_from(["change", "change", "change", "leave out", "add"])):
        case "change":
            copy[key] = draw(_damaged(copy[key]))
        case "leave out":
            del copy[key]
        case "add" if isinstance(copy, dict):
            copy[draw(st.sampled_from(["q", "enum", "const", "maxLength", "minItems", "required", "not"]))] = draw(
                SCRAPS
            )
    return copy
