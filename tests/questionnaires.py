"""Questions and answers to try: hypothesis strategies, for whatever takes them."""

from __future__ import annotations

import json
import string
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from event_registration.rules import normalise_line, normalise_text

# Of one and two UTF-16 units, read from either side, one that composes, and the names that every JavaScript object has.
_LETTERS = 'aZ5é家😀שى&<"'
_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,12}", fullmatch=True) | st.sampled_from(
    ["constructor", "toString", "valueOf", "hasOwnProperty", "a" * 64, "then", "if", "required"]
)
_LINES = st.text(f"{_LETTERS} ", min_size=1, max_size=12).map(normalise_line).filter(bool)
_PATTERNS = (
    ("^[A-Z]{2}-\\d{2,4}$", 7),
    ("^\\d+(?:[./]\\d+)*$", 20),
    ("^\\w+( \\w+)?$", 30),
    ("^(?:yes|no|[^aeiou]{1,3})$", 3),
    ("^.{2,}$", 10),
)
_MAX_ANSWERS = 8192


def _maybe(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


def _limits(least: str, most: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return what may be said of the least and the most."""
    pairs = st.tuples(values, values).map(sorted)
    return pairs.flatmap(lambda pair: _maybe(**{least: st.just(pair[0]), most: st.just(pair[1])}))


def _joined(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    said = _maybe(title=_LINES, description=st.text(_LETTERS + "\n ", max_size=20))
    return st.tuples(*parts, said).map(lambda each: {name: value for part in each for name, value in part.items()})


_OPTIONS = st.lists(_LINES, min_size=1, max_size=8, unique=True)
_DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
_WHOLE = st.integers(-(2**53) + 1, 2**53 - 1) | st.integers(-3, 3)


def _choices(options: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    items = {"type": "array", "items": {"type": "string", "enum": options}}
    return _joined(
        st.just(items), _limits("minItems", "maxItems", st.integers(0, len(options))), _maybe(uniqueItems=st.just(True))
    )


_QUESTIONS = st.one_of(
    _joined(st.just({"type": "string"}), _limits("minLength", "maxLength", st.integers(0, 12) | st.just(300))),
    _joined(
        st.just({"type": "string"}),
        st.sampled_from(["email", "uri", "date", "time"]).map(lambda name: {"format": name}),
    ),
    _joined(st.sampled_from(_PATTERNS).map(lambda pair: {"type": "string", "pattern": pair[0], "maxLength": pair[1]})),
    _joined(_OPTIONS.map(lambda options: {"type": "string", "enum": options})),
    _joined(st.just({"type": "integer"}), _limits("minimum", "maximum", _WHOLE)),
    _joined(st.just({"type": "number"}), _limits("minimum", "maximum", _DOUBLES | st.integers(-3, 3))),
    _joined(st.just({"type": "boolean"}), _maybe(const=st.just(True))),
    _OPTIONS.flatmap(_choices),
)
