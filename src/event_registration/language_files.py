"""Files of languages: ours, and a team's beside or over them, each whole before anything is said in it."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from event_registration.errors import InvalidTemplatesError, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["CODE", "DEFAULT", "OURS", "differences", "documents", "is_code", "read_language"]

DEFAULT = "en"
"""The language of who named none, or none that there is; all others have its texts."""

OURS = Path(__file__).with_name("languages")
"""The folder of the languages that come with the package."""

CODE = r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
"""BCP 47 in short: a language, perhaps with its script and a region. Browsers fail at what isn't well formed."""

_FOLDER = "languages"
_PARTS = ("mail", "site")
_DIRECTIONS = ("ltr", "rtl")
_PLACEHOLDER = r"\{\w+\}"
_COUNT = "{count}"
# Unicode's CLDR, "Plural rules".
_PLURALS = frozenset({"zero", "one", "two", "few", "many", "other"})


def is_code(text: str) -> bool:
    """Tell whether a language's file may be called *text*: a tag, as in ``fr`` or ``pt-BR``."""
    return bool(re.fullmatch(CODE, text))


def read_language(path: Path) -> dict[str, Any]:
    """
    Return what a language's file says.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        document = json.loads(path.read_bytes().removeprefix(BOM_UTF8).decode(), object_pairs_hook=_unique)
    except (OSError, ValueError) as error:
        raise ValueError(f"is no JSON in UTF-8: {error}.") from error
    if not isinstance(document, dict):
        raise ValueError("is no object of names and values.")  # noqa: TRY004 - of the file, whatever its JSON is
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (doubled, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{doubled} is there twice")
    return found


def documents(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """
    Return what all languages say, by their tags, English first.

    Args:
        folder: A team's folder, of which ``languages/*.json`` are its own: of a language that isn't among ours it has
            all texts, of one that is those that are to be different.

    Raises:
        InvalidTemplatesError: A file of the team's can't be used; every fault of all files is named.
    """
    found = {path.stem: read_language(path) for path in sorted(OURS.glob("*.json"), key=_english_first)}
    problems: list[Problem] = []
    for path in sorted((folder / _FOLDER).glob("*.json")) if folder else ():
        document, faults = _taken(path, found)
        problems += [Problem(f"{_FOLDER}/{path.name}", "invalid-language", fault) for fault in faults]
        found[path.stem] = document
    if problems:
        raise InvalidTemplatesError(problems)
    return found


def _english_first(path: Path) -> tuple[bool, str]:
    return path.stem != DEFAULT, path.stem


def _taken(path: Path, known: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what the language of a team's file says, and what is wrong with it."""
    if not is_code(path.stem):
        return {}, ["must be called by a language's tag, as in fr.json or pt-BR.json."]
    if path.stem not in known and (ours := [code for code in known if code.lower() == path.stem.lower()]):
        return {}, [f"must be called {ours[0]}.json: small letters and capitals count."]
    try:
        document = _merged(known.get(path.stem, {}), read_language(path))
    except ValueError as error:
        return {}, [str(error)]
    others = {each.get("name") for code, each in known.items() if code != path.stem}
    return document, list(_faults(document, known[DEFAULT], others))


def _faults(document: Mapping[str, Any], english: Mapping[str, Any], others: Collection[object]) -> Iterator[str]:
    if not _is_text(document.get("name")) or document["name"] in others:
        yield "name must be the language's own name, and no other's."
    if document.get("direction") not in _DIRECTIONS:
        yield "direction must be ltr or rtl."
    for part in _PARTS:
        if part in english:  # a function has no texts of pages
            yield from differences(english[part], document.get(part, {}), part)
    known = ("name", "direction", *_PARTS)
    yield from (f"{name} is nothing that there is: {', '.join(known)} are." for name in document if name not in known)


def _merged(ours: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return *ours* with what *given* says in its place, text by text."""
    both = [
        name
        for name, value in given.items()
        if isinstance(ours.get(name), dict) and isinstance(value, dict) and not _is_plural(value)
    ]
    return {**ours, **given} | {name: _merged(ours[name], given[name]) for name in both}


def differences(pattern: Any, given: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """
    Yield what keeps *given* from standing for *pattern*: texts that are missing, unknown, or of other placeholders.

    Args:
        pattern: English texts, by names, in lists, in the forms of a count, or one alone.
        given: Another language's.
        name: What they are called.
    """
    if isinstance(pattern, list):
        if not isinstance(given, list) or len(given) != len(pattern) or not all(map(_is_text, given)):
            yield f"{name} must be a list of {len(pattern)} texts."
    elif not isinstance(pattern, dict) or _is_plural(pattern):
        yield from _differences_of_text(pattern, given, name)
    elif not isinstance(given, dict):
        yield f"{name} must be texts by their names."
    else:
        for key, text in pattern.items():
            yield from differences(text, given.get(key, {} if _is_topic(text) else None), f"{name}.{key}")
        yield from (f"{name}.{key} is no text that there is." for key in given if key not in pattern)


def _differences_of_text(pattern: Any, given: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if given is None:
        yield f"{name} is missing."
    elif isinstance(pattern, str):
        if not _is_like(pattern, given):
            yield f"{name} must be a text with {_named(_placeholders(pattern))}, and no other brace."
    elif not isinstance(given, dict) or not _is_plural(given):
        yield f"{name} must have its forms by the names of CLDR's plural rules, other among them."
    elif not all(_is_like(pattern["other"], form, besides={_COUNT}) for form in given.values()):
        yield f"{name} must have {_named(_placeholders(pattern['other']))} in its forms, and no other brace."


def _is_like(pattern: str, text: Any, besides: frozenset[str] | set[str] = frozenset()) -> bool:  # noqa: ANN401 - JSON
    """Tell whether *text* has the placeholders of *pattern*; those *besides* may be said in words."""
    if not _is_text(text):
        return False
    is_whole = not re.search(r"[{}]", re.sub(_PLACEHOLDER, "", text))
    return is_whole and _placeholders(pattern) | besides == _placeholders(text) | besides


def _placeholders(text: str) -> set[str]:
    return set(re.findall(_PLACEHOLDER, text))


def _named(placeholders: set[str]) -> str:
    return ", ".join(sorted(placeholders)) or "no placeholder"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_topic(value: object) -> bool:
    return isinstance(value, dict) and not _is_plural(value)


def _is_plural(value: Mapping[str, Any]) -> bool:
    return "other" in value and value.keys() <= _PLURALS
