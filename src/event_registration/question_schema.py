"""What is wrong with an event's questions, and where: the published schema, and the rules that it has no words for."""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any

from event_registration.answers import kind_of
from event_registration.errors import Problem
from event_registration.patterns import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jsonschema import Draft202012Validator, ValidationError

__all__ = ["problems_of"]

_MAX_QUESTIONS = 40
_RANGES = (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"))

# By the keywords of questions.v1.schema.json.
_FAULTS = {
    "type": ("wrong-type", "This must be {}."),
    "enum": ("not-allowed", "This must be one of {}."),
    "const": ("not-allowed", "This must be {}."),
    "minLength": ("too-short", "Write {} character or more."),
    "maxLength": ("too-long", "Shorten this to {} characters."),
    "minItems": ("too-few", "Name {} or more."),
    "maxItems": ("too-many", "Name {} or fewer."),
    "minProperties": ("too-few", "Name {} or more."),
    "maxProperties": ("too-many", "Name {} or fewer."),
    "minimum": ("too-small", "This must be {} or more."),
    "maximum": ("too-large", "This must be {} or less."),
    "uniqueItems": ("repeated", "Name each of these once."),
}
_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}

# By their spelling in small letters; the empty one is near to nothing.
_KEYWORDS = {
    word.casefold(): word
    for word in (
        "",
        *("type", "title", "description", "properties", "required", "if", "then", "enum", "const", "format", "pattern"),
        *("minLength", "maxLength", "minimum", "maximum", "items", "uniqueItems", "minItems", "maxItems", "contains"),
    )
}

_Fault = tuple[tuple[str | int, ...], str, str]  # its place, a code, a sentence


def problems_of(questions: Mapping[str, Any]) -> list[Problem]:
    """
    Return what is wrong with an event's questions.

    Args:
        questions: What JSON can tell.

    Returns:
        Problems whose field is ``questions`` and the place in them as a JSON pointer (RFC 6901), as in
        ``questions/properties/diet/pattern``.
    """
    schema = json.loads(json.dumps(questions))  # keys that are no text become text, tuples lists
    found = [fault for error in _published().iter_errors(schema) for fault in _told(error)] or _further(schema)
    faults = sorted(dict.fromkeys(found), key=lambda fault: _order(schema, fault[0]))
    return [Problem(_pointer(place), code, sentence) for place, code, sentence in faults]


@cache
def _published() -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # only here: it takes 120 ms of CPU

    text = (files("event_registration") / "schemas" / "questions.v1.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def _order(value: Any, place: tuple[str | int, ...]) -> list[float]:  # noqa: ANN401 - any JSON
    """Return what sorts places as they are written; what is missing comes last."""
    order: list[float] = []
    for step in place:
        if isinstance(value, dict) and step not in value:
            return [*order, inf]
        order.append(list(value).index(step) if isinstance(value, dict) else int(step))
        value = value[step]
    return order


def _pointer(place: tuple[str | int, ...]) -> str:
    return "/".join(("questions", *(str(step).replace("~", "~0").replace("/", "~1") for step in place)))


def _told(error: ValidationError) -> Iterator[_Fault]:
    """Tell in our words what jsonschema found."""
    place, keyword, value = tuple(error.absolute_path), str(error.validator), error.validator_value
    if keyword == "additionalProperties":
        known = ", ".join(error.schema["properties"])
        for name in error.instance:
            if name not in error.schema["properties"]:
                near = _KEYWORDS[min(get_close_matches(name.casefold(), _KEYWORDS, 1), default="")]
                hint = f"Did you mean {near}? Else remove this" if near not in {"", name} else "Remove this"
                yield (*place, name), "unknown-keyword", f"{hint}: there can only be {known}."
    elif keyword in {"required", "dependentRequired"}:
        needed = value if keyword == "required" else chain(*(value[name] for name in value if name in error.instance))
        for name in needed:
            if name not in error.instance:
                yield (*place, name), "missing-keyword", "Add this."
    elif "propertyNames" in error.schema_path:
        yield (*place, error.instance), "invalid-name", f"Choose another name: {error.schema['description']}"
    elif keyword in _FAULTS:
        code, sentence = _FAULTS[keyword]
        yield place, code, sentence.format(_in_words(keyword, value))
    else:
        yield place, "forbidden-character", f"Change this: {error.schema['description']}"


def _in_words(keyword: str, value: Any) -> str:  # noqa: ANN401 - a keyword's value
    if keyword == "type":
        return ", ".join(_TYPES[each] for each in ([value] if isinstance(value, str) else value))
    return ", ".join(value) if keyword == "enum" else json.dumps(value)


def _further(schema: Mapping[str, Any]) -> Iterator[_Fault]:
    """Tell what is wrong with questions that are as the published schema says."""
    first, then = schema["properties"], schema.get("then", {})
    more = then.get("properties", {})
    for name in more:
        if name in first:
            yield ("then", "properties", name), "repeated-name", "Choose another name: there is a question of this one."
    if len(first) + len(more) > _MAX_QUESTIONS:
        yield ("then", "properties"), "too-many", f"Ask {_MAX_QUESTIONS} questions or fewer, all together."
    for place, questions in ((("properties",), first), (("then", "properties"), more)):
        for name, question in questions.items():
            for keyword, code, sentence in _of_question(question):
                yield (*place, name, keyword), code, sentence
    yield from _unknown(("required",), schema.get("required", ()), first)
    yield from _unknown(("then", "required"), then.get("required", ()), first | more)
    if "if" in schema:
        yield from _of_condition(schema["if"], first)


def _of_question(question: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for least, most in _RANGES:
        if least in question and most in question and question[least] > question[most]:
            yield least, "empty-range", f"This must not be more than {most}."
    if question.get("minItems", 0) > len(question.get("items", {}).get("enum", ())):
        yield "minItems", "empty-range", "This must not be more than there are options."
    if "pattern" in question and (fault := fault_of(question["pattern"], int(question["maxLength"]))):
        yield "pattern", *fault


def _unknown(place: tuple[str, ...], names: Iterable[str], known: Mapping[str, Any]) -> Iterator[_Fault]:
    for index, name in enumerate(names):
        if name not in known:
            yield (*place, index), "unknown-question", "There is no question of this name here."


def _of_condition(condition: Mapping[str, Any], questions: Mapping[str, Any]) -> Iterator[_Fault]:
    if set(condition["required"]) != set(condition["properties"]):
        yield ("if", "required"), "incomplete-condition", "Name the questions that the condition is about."
    for name, answer in condition["properties"].items():
        place = ("if", "properties", name)
        question = questions.get(name)
        if question is None:
            yield place, "unknown-question", "Name a question that is always asked: there is none of this name."
        elif ("contains" in answer) is not (question["type"] == "array"):
            yield place, "wrong-condition", "Lists need contains, other questions const or enum."
        elif question["type"] == "string" and "enum" not in question:
            yield (
                place,
                "wrong-condition",
                "Choose another question: a condition is on options, numbers, or yes and no.",
            )
        else:
            for steps, constant in _constants(answer):
                if not _can_be_answered(question, constant):
                    yield (*place, *steps), "impossible-answer", "Write what can be answered to the question."


def _constants(answer: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], object]]:
    if "contains" in answer:
        yield ("contains", "const"), [answer["contains"]["const"]]
    elif "const" in answer:
        yield ("const",), answer["const"]
    else:
        yield from ((("enum", index), constant) for index, constant in enumerate(answer["enum"]))


def _can_be_answered(question: Mapping[str, Any], constant: object) -> bool:
    kind = kind_of({name: value for name, value in question.items() if name != "minItems"})
    return kind.check(kind.normalise(constant)) is None and constant == question.get("const", constant)
