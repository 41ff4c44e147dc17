"""Questions and answers to try: hypothesis strategies for whatever asks and whatever takes answers."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from event_registration.rules import normalise_line, normalise_text

_Said = dict[str, Any]

# Characters of one and of two UTF-16 units, read from either side, and with a meaning in HTML; none that would compose.
_LETTERS = "aZ5é家😀שى&<'\""
_NAMES = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_-]{0,12}\Z") | st.sampled_from(
    ["constructor", "toString", "valueOf", "hasOwnProperty", "then", "required", "a" * 64]
)
_LINES = st.text(f"{_LETTERS} ", min_size=1, max_size=12).map(normalise_line).filter(bool)
_OPTIONS = st.lists(_LINES, min_size=1, max_size=8, unique=True)
_PATTERNS = (
    ("^[A-Z]{2}-\\d{2,4}$", 7),
    ("^\\d+(?:[./]\\d+)*$", 20),
    ("^\\w+( \\w+)?$", 30),
    ("^(?:yes|no|[^aeiou ]{1,3})$", 3),
    ("^\\.{2,}$", 200),
)
_MAX_INTEGER = 2**53 - 1
_MAX_ANSWERS = 8192
_WHOLE = st.integers(-3, 3) | st.integers(-_MAX_INTEGER, _MAX_INTEGER)
_DOUBLES = st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False)
_YES = True


def _maybe(**said: st.SearchStrategy[Any]) -> st.SearchStrategy[_Said]:
    return st.fixed_dictionaries({}, optional=said)


def _limits(least: str, most: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[_Said]:
    """Return what may be said of a least and a most."""
    pairs = st.tuples(values, values).map(sorted)
    return pairs.flatmap(lambda pair: _maybe(**{least: st.just(pair[0]), most: st.just(pair[1])}))


def _question(*parts: st.SearchStrategy[_Said], **said: Any) -> st.SearchStrategy[_Said]:
    about = _maybe(title=_LINES, description=st.text(f"{_LETTERS}\n ", max_size=20))
    return st.tuples(*parts, about).map(lambda each: said | {name: part[name] for part in each for name in part})


def _list_of(options: list[str]) -> st.SearchStrategy[_Said]:
    limits = _limits("minItems", "maxItems", st.integers(1, len(options)))
    items = {"type": "string", "enum": options}
    return _question(limits, _maybe(uniqueItems=st.just(_YES)), type="array", items=items)


QUESTIONS = st.one_of(
    _question(_limits("minLength", "maxLength", st.integers(1, 12) | st.integers(198, 202)), type="string"),
    _question(st.sampled_from(("email", "uri", "date", "time")).map(lambda name: {"format": name}), type="string"),
    _question(st.sampled_from(_PATTERNS).map(lambda pair: {"pattern": pair[0], "maxLength": pair[1]}), type="string"),
    _question(_OPTIONS.map(lambda options: {"enum": options}), type="string"),
    _question(_limits("minimum", "maximum", _WHOLE), type="integer"),
    _question(_limits("minimum", "maximum", _DOUBLES), type="number"),
    _question(type="boolean"),
    _question(type="boolean", const=True),
    _OPTIONS.flatmap(_list_of),
)
"""One question of any kind."""


def answer_to(question: _Said) -> st.SearchStrategy[Any]:
    """Return right answers to *question*, in normal form."""
    if question["type"] == "array":
        options = question["items"]["enum"]
        sizes = {"min_size": question.get("minItems", 1), "max_size": question.get("maxItems", len(options))}
        chosen = st.lists(st.sampled_from(options), unique=True, **sizes)
        return chosen.map(lambda some: [each for each in options if each in some])
    if question["type"] == "boolean":
        return st.just(_YES) if "const" in question else st.booleans()
    if question["type"] == "integer":
        return st.integers(question.get("minimum", -_MAX_INTEGER), question.get("maximum", _MAX_INTEGER))
    if question["type"] == "number":
        limits = {"min_value": question.get("minimum"), "max_value": question.get("maximum")}
        return st.floats(allow_nan=False, allow_infinity=False, **limits).map(_plain)
    return st.sampled_from(question["enum"]) if "enum" in question else _text_for(question)


def _plain(number: float) -> float:
    return int(number) if number.is_integer() and abs(number) <= _MAX_INTEGER else number


def _text_for(question: _Said) -> st.SearchStrategy[str]:
    if "pattern" in question:
        matching = st.from_regex(
            question["pattern"], fullmatch=True, alphabet=st.characters(min_codepoint=32, max_codepoint=126)
        )
        return matching.filter(lambda text: len(text) <= question["maxLength"] and normalise_line(text) == text != "")
    if "format" in question:
        return _FORMATS[question["format"]]
    least, most = question.get("minLength", 1), question.get("maxLength", 300)
    is_line = question.get("maxLength", 4000) <= 200
    letters, normalise = (_LETTERS + " ", normalise_line) if is_line else (_LETTERS + " \n", normalise_text)
    written = st.text(letters, min_size=least, max_size=min(most, least + 12)).map(normalise)
    return written.map(lambda text: text + "a" * max(0, least - len(text))).filter(bool)


_LABELS = st.from_regex(r"\A[a-z][a-z0-9]{0,9}\Z")
_HOSTS = st.lists(_LABELS, min_size=2, max_size=3).map(".".join)
_FORMATS = {
    "email": st.tuples(st.from_regex(r"\A[A-Za-z0-9]{1,9}([.+][a-z]{1,5})?\Z"), _HOSTS).map("@".join),
    "uri": st.tuples(st.sampled_from(("http://", "https://")), _HOSTS, st.sampled_from(("", "/", "/a?b=ü#c"))).map(
        "".join
    ),
    "date": st.dates().map(lambda day: day.isoformat()),
    "time": st.times().map(lambda time: f"{time:%H:%M}") | st.times().map(lambda time: f"{time:%H:%M:%S}"),
}


@st.composite
def schemas(draw: st.DrawFn) -> _Said:
    """Return an event's questions, of all kinds, with conditions and without."""
    names = draw(st.lists(_NAMES, min_size=1, max_size=8, unique=True))
    first = {name: draw(QUESTIONS) for name in names[: draw(st.integers(1, len(names)))]}
    schema: _Said = {"type": "object", "properties": first}
    if required := draw(st.lists(st.sampled_from(sorted(first)), unique=True)):
        schema["required"] = required
    asked = [name for name in first if _can_be_asked_for(first[name])]
    if asked and draw(st.booleans()):
        conditions = draw(st.lists(st.sampled_from(asked), min_size=1, max_size=2, unique=True))
        schema["if"] = {"properties": {each: draw(_condition_on(first[each])) for each in conditions}}
        schema["if"]["required"] = conditions
        schema["then"] = draw(_consequences(list(first), names[len(first) :]))
    return schema


def _can_be_asked_for(question: _Said) -> bool:
    return question["type"] != "string" or "enum" in question


def _condition_on(question: _Said) -> st.SearchStrategy[_Said]:
    if question["type"] == "array":
        return st.sampled_from(question["items"]["enum"]).map(lambda option: {"contains": {"const": option}})
    answers = answer_to(question)
    several = st.lists(answers, min_size=1, max_size=3, unique=True).map(lambda some: {"enum": some})
    return answers.map(lambda answer: {"const": answer}) | several


@st.composite
def _consequences(draw: st.DrawFn, first: list[str], more: list[str]) -> _Said:
    then: _Said = {"properties": {name: draw(QUESTIONS) for name in more}} if more else {}
    required = draw(st.lists(st.sampled_from(first + more), unique=True, min_size=0 if more else 1))
    return then | ({"required": required} if required else {})


def is_asked_more(schema: _Said, answers: _Said) -> bool:
    """Tell whether the questions of ``then`` are asked, by JSON Schema's own reading of ``if``."""
    return "if" in schema and Draft202012Validator(schema["if"]).is_valid(answers)


@st.composite
def answers_for(draw: st.DrawFn, schema: _Said) -> _Said:
    """Return right answers to *schema*, in normal form and in the form's order."""
    first, then = schema["properties"], schema.get("then", {})
    required = set(schema.get("required", ()))
    answers = {name: draw(answer_to(first[name])) for name in first if name in required or draw(st.booleans())}
    if is_asked_more(schema, answers):
        required = set(then.get("required", ()))
        missing = {name: draw(answer_to(first[name])) for name in first if name in required and name not in answers}
        answers = {name: (answers | missing)[name] for name in first if name in answers or name in missing}
        more = then.get("properties", {})
        answers |= {name: draw(answer_to(more[name])) for name in more if name in required or draw(st.booleans())}
    if len(json.dumps(answers, ensure_ascii=False).encode()) > _MAX_ANSWERS:
        return draw(st.nothing())
    return answers


_TEXTS = st.text(st.characters(), max_size=6) | st.text(f"{_LETTERS} \n\r\t\u0301\u00a0\u200b\u202e", max_size=14)
_ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    _WHOLE,
    _DOUBLES,
    st.sampled_from([2**53, -(2**53), 1e300, -0.0]),
    _TEXTS,
    st.lists(_TEXTS | st.none() | st.integers(), max_size=3),
    st.dictionaries(_NAMES, _TEXTS, max_size=2),
)


def _nearly(question: _Said) -> st.SearchStrategy[Any]:
    """Return answers to *question* that are right, not in normal form, a little wrong, or anything at all."""
    right = answer_to(question)
    if question["type"] == "string":
        around = st.sampled_from(["", " ", "\r\n", "\t", "a", "\u0301", "\u0000", "é" * 200])
        return right | st.tuples(around, right, around).map("".join) | _TEXTS
    if question["type"] == "array":
        return right | st.lists(st.sampled_from([*question["items"]["enum"], "nope", ""]), max_size=9)
    if question["type"] in {"integer", "number"}:
        return right | right.map(float) | st.tuples(right, st.sampled_from([-1, 1, 0.5])).map(sum)
    return right | st.booleans()


@st.composite
def anything_for(draw: st.DrawFn, schema: _Said) -> Any:
    """Return what somebody may send as answers to *schema*: right and wrong, or no answers at all."""
    questions = schema["properties"] | schema.get("then", {}).get("properties", {})
    given = {name: draw(_nearly(each) | _ANYTHING) for name, each in questions.items() if draw(st.integers(0, 5))}
    others = draw(st.dictionaries(_NAMES, _ANYTHING, max_size=1)) if not draw(st.integers(0, 9)) else {}
    return draw(st.just(others | given) | _ANYTHING) if not draw(st.integers(0, 9)) else others | given
