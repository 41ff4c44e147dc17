"""The published schemas: valid, complete, and of one mind with the model."""

import json
import re
import shutil
import subprocess
import unicodedata
from importlib.resources import files

import cases
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from event_registration.errors import InvalidRegistrationError
from event_registration.rules import PROBLEM_MESSAGES, normalise_address
from event_registration.wire import registration_from_request

NAMES = (
    "card.v1.schema.json",
    "event.v1.schema.json",
    "problem.v1.schema.json",
    "questions.v1.schema.json",
    "registration.v1.schema.json",
    "view.v1.schema.json",
)
SCHEMAS = {
    name: json.loads((files("event_registration") / "schemas" / name).read_text(encoding="utf-8")) for name in NAMES
}
REGISTRATION = Draft202012Validator(
    SCHEMAS["registration.v1.schema.json"], format_checker=Draft202012Validator.FORMAT_CHECKER
)
PROBLEM = Draft202012Validator(SCHEMAS["problem.v1.schema.json"], format_checker=Draft202012Validator.FORMAT_CHECKER)

CASES = [case for path in sorted(cases.CASES.glob("registrations-*.json")) for case in cases.load(path.name)]
ADA = {
    "eventid": "spring-2026",
    "eventname": "Spring Meeting",
    "cname": "Ada Lovelace",
    "cemail": "ada@example.org",
}
PROBLEM_EXAMPLE = {
    "type": "about:blank",
    "title": "Unprocessable Content",
    "status": 422,
    "code": "invalid-registration",
    "detail": "Some fields need a correction.",
    "errors": [{"field": "cemail", "code": "invalid-address", "message": "Enter one address."}],
}


def _subschemas(schema):
    yield schema
    for keyword in ("properties", "$defs"):
        for subschema in schema.get(keyword, {}).values():
            yield from _subschemas(subschema)
    for subschema in schema.get("allOf", []):
        yield from _subschemas(subschema)
    if "items" in schema:
        yield from _subschemas(schema["items"])


def _patterns(value):
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        for part in value.values():
            yield from _patterns(part)
    if isinstance(value, list):
        for part in value:
            yield from _patterns(part)


PATTERNS = sorted({pattern for schema in SCHEMAS.values() for pattern in _patterns(schema)})


def _accepted(data):
    """Return the four fields in normal form if the model accepts them."""
    try:
        registration = registration_from_request(data)
    except InvalidRegistrationError:
        return None
    return {
        "eventid": registration.event_id,
        "eventname": registration.event_name,
        "cname": registration.attendee_name,
        "cemail": registration.attendee_email,
    }


SPACES = "\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"


def _normal_name(text):
    # A second reading of the rule, which the model's own is compared with.
    composed = unicodedata.normalize("NFC", text)
    return " ".join(word for word in re.split(f"[{SPACES}]", composed) if word)


def _text(*fragments, alphabet):
    """Mix runs of an alphabet with fragments that sit on a rule's edge."""
    return st.lists(st.text(alphabet, max_size=8) | st.sampled_from(fragments), max_size=6).map("".join)


def _normal_form(data):
    """Return *data* as the schema describes it; what is no text is left alone."""
    rules = {
        "eventid": lambda text: text.strip(SPACES + "\t\n\f\r"),
        "eventname": _normal_name,
        "cname": _normal_name,
        "cemail": normalise_address,
    }
    return {
        field: rules[field](value) if field in rules and isinstance(value, str) else value
        for field, value in data.items()
    }


INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180e\u180f\u200b\u200d\u200f\u2060\u2064\u206a\u2800"
INVISIBLE += "\u3164\ufe00\ufe0f\ufeff\uffa0\ufff9\ufffb\U000e0001\U000e007f\U000e0fff\u180a\u2065\ufffc\U000e1000"
FORBIDDEN = "\0\t\n\r\x1f\x20\x7e\x7f\x80\x85\x9f\xa0\u2027\u2028\u2029\u202a\u202e\u2065\u2066\u2069\ud800\udfff\ue000"
NORMAL_NAMES = (
    _text(
        "://", ":/", "www.", "WWW", "wWw.", ".", " ", "e\u0301", "a" * 50, "é" * 99, "𞤀" * 50, alphabet=st.characters()
    )
    | st.text(FORBIDDEN + "a", max_size=4)
    | st.text(INVISIBLE + " ", max_size=4)
    | st.text(st.characters(), min_size=97, max_size=103)
    | st.integers(98, 102).map(lambda length: "𠮷" * length)
).map(_normal_name)
NORMAL_IDS = (
    _text("a" * 126, "/", " ", "\n", "é", alphabet="aZ09._~-").map(lambda text: text.strip(SPACES + "\t\n\f\r"))
    | st.characters().map(lambda character: f"a{character}b")
    | st.integers(126, 130).map(lambda length: "~" * length)
)
LABELS = st.text("az09-", max_size=4) | st.sampled_from(["a" * 62, "a" * 63, "a" * 64, "xn--p1ai", "A", "_", "", "-a"])
LOCALS = _text("a" * 61, "..", "\x00", "@", "(", '"', "é", alphabet="aZ09.!#$%&'*+/=?^_`{|}~-")
NORMAL_ADDRESSES = (
    st.tuples(LOCALS, st.lists(LABELS, max_size=6).map(".".join)).map("@".join)
    | _text("@", ".", "a@b.c", "\n", " ", ",", "<", "ada@example.org", alphabet=st.characters())
    | st.characters().map(lambda character: f"a{character}@b.c")
    | st.characters().map(lambda character: f"a@b{character}.c")
    | st.sampled_from("\n\r\u2028\x85 \0").map(lambda character: f"a@b.c{character}")
    | st.integers(183, 192).map(lambda length: "a" * 64 + "@" + "b." * (length // 2) + "c" * (length % 2))
).map(normalise_address)
OTHER_TYPES = st.none() | st.booleans() | st.integers() | st.floats() | st.lists(st.text()) | st.just({"S": "a"})
NORMAL_DATA = st.fixed_dictionaries(
    {},
    optional={
        "eventid": st.just("a") | NORMAL_IDS | OTHER_TYPES,
        "eventname": st.just("A") | NORMAL_NAMES | OTHER_TYPES,
        "cname": st.just("A") | NORMAL_NAMES | OTHER_TYPES,
        "cemail": st.just("a@b.c") | NORMAL_ADDRESSES | OTHER_TYPES,
        "note": OTHER_TYPES,
    },
)


class TestSchemas:
    """What holds for every published schema."""

    @pytest.mark.parametrize("name", NAMES)
    def test_a_schema_is_valid(self, name):
        """Each schema is a JSON Schema of 2020-12, found under its own address."""
        schema = SCHEMAS[name]

        Draft202012Validator.check_schema(schema)

        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == f"https://event-registration.example/schemas/{name}"

    def test_no_schema_goes_untested(self):
        """Every published schema is tested here."""
        published = sorted(path.name for path in (files("event_registration") / "schemas").iterdir())

        assert [name for name in published if name.endswith(".json")] == sorted(NAMES)

    @pytest.mark.parametrize("name", NAMES)
    def test_every_part_is_explained(self, name):
        """Every property has a title and a description for people."""
        unexplained = [
            part
            for part in _subschemas(SCHEMAS[name])
            if set(part) != {"$ref"} and not {"title", "description"} <= set(part)
        ]

        assert not unexplained

    @pytest.mark.parametrize("name", NAMES)
    def test_every_example_is_an_instance(self, name):
        """No example breaks the schema that shows it."""
        schema = SCHEMAS[name]
        wrong = [
            shown
            for part in _subschemas(schema)
            for shown in part.get("examples", [])
            if not Draft202012Validator({**part, "$defs": schema["$defs"]}).is_valid(shown)
        ]

        assert not wrong

    @pytest.mark.parametrize("pattern", PATTERNS)
    def test_a_pattern_compiles_in_python(self, pattern):
        """Each pattern is a regular expression of Python's, without a warning."""
        assert re.compile(pattern)

    @pytest.mark.skipif(not shutil.which("node"), reason="needs node")
    def test_every_pattern_compiles_in_ecmascript(self):
        """Each pattern is a regular expression of ECMA-262 with the u flag, as JSON Schema recommends."""
        script = "for (const pattern of JSON.parse(process.argv[1])) new RegExp(pattern, 'u')"

        outcome = subprocess.run(
            ["node", "-e", script, json.dumps(PATTERNS)], check=False, capture_output=True, text=True
        )

        assert (outcome.returncode, outcome.stderr) == (0, "")

    @pytest.mark.skipif(not shutil.which("node"), reason="needs node")
    def test_both_languages_match_the_same(self):
        """Each pattern finds the same in Python and in ECMAScript, whatever the cases' fields hold."""
        texts = sorted({value for case in CASES for value in case["data"].values() if isinstance(value, str)})
        script = (
            "const [patterns, texts] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
            "console.log(JSON.stringify(patterns.map(p => texts.map(t => new RegExp(p, 'u').test(t)))))"
        )

        outcome = subprocess.run(
            ["node", "-e", script], input=json.dumps([PATTERNS, texts]), check=True, capture_output=True, text=True
        )

        assert json.loads(outcome.stdout) == [[bool(re.search(p, t)) for t in texts] for p in PATTERNS]


ONE_FIELD = st.one_of(
    *(st.tuples(st.just(field), NORMAL_NAMES) for field in ("eventname", "cname")),
    st.tuples(st.just("eventid"), NORMAL_IDS),
    st.tuples(st.just("cemail"), NORMAL_ADDRESSES),
)


def _agree_on_one_field(field, value):
    data = {**ADA, field: value}

    accepted = _accepted(data)

    assert (accepted is not None) is REGISTRATION.is_valid(data)
    assert accepted in (None, data)


class TestRegistrationSchema:
    """The request's schema beside the model."""

    @cases.each_case(CASES)
    def test_a_case_in_normal_form_is_judged_alike(self, case):
        """A valid case is an instance once it is in normal form, an invalid one is none."""
        normal = _normal_form(case["data"])

        assert REGISTRATION.is_valid(normal) is case["valid"]

    @cases.each_case(case for case in CASES if case["valid"])
    def test_an_accepted_case_is_kept_as_an_instance(self, case):
        """What the model makes of a valid case is an instance of the schema."""
        normal = _accepted(case["data"])

        assert REGISTRATION.is_valid(normal)

    @given(NORMAL_DATA)
    @example({**ADA, "cname": "Ada\n"})
    @example({**ADA, "cname": None})
    @settings(max_examples=400, deadline=None)
    def test_model_and_schema_agree_on_normal_forms(self, data):
        """For a body in normal form the model accepts if and only if the schema does."""
        accepted = _accepted(data)

        assert (accepted is not None) is REGISTRATION.is_valid(data)

    @given(ONE_FIELD)
    @settings(max_examples=400, deadline=None)
    def test_model_and_schema_agree_on_one_field(self, change):
        """In an otherwise good body, each single field is judged alike, and kept as it was if it is accepted."""
        _agree_on_one_field(*change)

    @pytest.mark.proof
    @given(ONE_FIELD)
    @settings(max_examples=10_000, deadline=None)
    def test_model_and_schema_agree_on_one_field_proof(self, change):
        """Many times over, each single field is judged alike, and kept as it was if it is accepted."""
        _agree_on_one_field(*change)

    @given(
        st.fixed_dictionaries(
            {field: _text(" ", "\u3000", "e\u0301", "\t", alphabet=st.characters()) for field in ("eventname", "cname")}
            | {
                "eventid": _text(" ", "\n", alphabet="aB0._~-"),
                "cemail": st.tuples(
                    st.text("aB +", max_size=3), _text("\u3002", "\uff0e", ".org", alphabet="aBüß例💩. ")
                )
                .map("@".join)
                .map(lambda address: f" {address}.Example\n"),
            }
        )
    )
    @settings(max_examples=400, deadline=None)
    def test_every_accepted_body_normalises_to_an_instance(self, data):
        """Whatever the model accepts is an instance once it is normalised."""
        accepted = [normal for field, value in data.items() if (normal := _accepted({**ADA, field: value})) is not None]

        assert all(REGISTRATION.is_valid(normal) for normal in accepted)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *(
                ("cname", name)
                for name in (" Ada", "Ada ", "Ada  Lovelace", "Ada\u00a0Lovelace", "Ada\u3000", "\u2003")
            ),
            *(("cemail", address) for address in (" ada@example.org", "ada@Example.org", "ada@b\u00fccher.example")),
            *(("eventid", event_id) for event_id in (" spring", "spring\n")),
        ],
        ids=ascii,
    )
    def test_only_the_normal_form_is_an_instance(self, field, value):
        """The schema describes what is stored: other spellings, which the model would normalise, are none."""
        assert not REGISTRATION.is_valid({**ADA, field: value})

    def test_unknown_properties_are_allowed(self):
        """A client may send more than the schema names."""
        assert REGISTRATION.is_valid({**ADA, "answers": {"diet": "none"}, "note": None})

    def test_nothing_is_asserted_by_format(self):
        """The patterns say all: no validator's own idea of a format can refuse more."""
        formats = [part for part in _subschemas(SCHEMAS["registration.v1.schema.json"]) if "format" in part]

        assert not formats


class TestProblemSchema:
    """The schema of every error answer."""

    @pytest.mark.parametrize("errors", [[], PROBLEM_EXAMPLE["errors"]], ids=["no field", "a field"])
    def test_a_problem_is_an_instance(self, errors):
        """A problem has its list of field errors, be it empty."""
        assert PROBLEM.is_valid({**PROBLEM_EXAMPLE, "errors": errors})

    @pytest.mark.parametrize("code", PROBLEM_MESSAGES)
    def test_every_code_and_message_fits(self, code):
        """What the model says of a field is what the schema allows."""
        error = {"field": "cname", "code": code, "message": PROBLEM_MESSAGES[code]}

        assert PROBLEM.is_valid({**PROBLEM_EXAMPLE, "errors": [error]})

    @pytest.mark.parametrize("member", PROBLEM_EXAMPLE)
    def test_no_member_may_be_missing(self, member):
        """A client can rely on every member."""
        problem = {name: value for name, value in PROBLEM_EXAMPLE.items() if name != member}

        assert not PROBLEM.is_valid(problem)

    @pytest.mark.parametrize("member", ["field", "code", "message"])
    def test_no_member_of_an_error_may_be_missing(self, member):
        """A client can rely on every member of an error."""
        error = {name: value for name, value in PROBLEM_EXAMPLE["errors"][0].items() if name != member}

        assert not PROBLEM.is_valid({**PROBLEM_EXAMPLE, "errors": [error]})

    @pytest.mark.parametrize(
        "change",
        [
            {"instance": "/registrations/1"},
            {"type": "https://example.org/problem"},
            {"title": ""},
            {"status": 200},
            {"status": "422"},
            {"status": 600},
            {"code": "Invalid_Registration"},
            {"code": "invalid-registration\n"},
            {"detail": None},
            {"errors": None},
            {"errors": [{**PROBLEM_EXAMPLE["errors"][0], "value": "Ada"}]},
            {"errors": [{**PROBLEM_EXAMPLE["errors"][0], "code": "x y"}]},
            {"errors": ["cname"]},
        ],
        ids=json.dumps,
    )
    def test_nothing_else_is_a_problem(self, change):
        """Other members, an echo of input among them, and other types are refused."""
        assert not PROBLEM.is_valid({**PROBLEM_EXAMPLE, **change})
