"""The languages that mails are written in: a file each, ours and a team's."""

from __future__ import annotations

import json
import re
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from event_registration.errors import InvalidTemplatesError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    Texts = Mapping[str, Any]

__all__ = ["DEFAULT", "OURS", "Language", "Languages", "differences", "is_code", "merged", "read_language"]

DEFAULT = "en"
"""The language of who named none, or none that there is."""

OURS = Path(__file__).with_name("languages")
"""The folder of the languages that come with the package."""

_FOLDER = "languages"
# BCP 47: what a file may be called.
_CODE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_DIRECTIONS = ("ltr", "rtl")
_PLACEHOLDER = re.compile(r"\{\w*\}")
_ISOLATED = "\u2068{}\u2069".format


@frozen
class Language:
    """
    A language and its texts for mails.

    Args:
        code: Its BCP 47 tag.
        direction: ``ltr`` or ``rtl``.
        texts: The texts by their names, some of them by the kind of mail first; placeholders are ``{name}``.
    """

    code: str
    direction: str
    texts: Texts

    @cached_property
    def markup(self) -> Texts:
        """The texts with what HTML would take for markup escaped; their placeholders are as they were."""
        markup: Texts = _escaped(self.texts)
        return markup

    def answer(self, value: object) -> str:
        """Return an answer in normal form as people read it."""
        if isinstance(value, bool):
            return self._text("yes" if value else "no")
        return self._text("list").join(map(str, value)) if isinstance(value, list) else str(value)

    def span(self, start: datetime, end: datetime, zone: str) -> str:
        """Return from when to when, both on the clocks of *zone*, which is named."""
        last = self._time(end) if start.date() == end.date() else self._moment(end)
        return self._text("span").format(start=self._moment(start), end=last, zone=_ISOLATED(zone))

    def _moment(self, instant: datetime) -> str:
        weekday, month = self.texts["weekdays"][instant.weekday()], self.texts["months"][instant.month - 1]
        date = self._text("date").format(weekday=weekday, day=instant.day, month=month, year=instant.year)
        return self._text("moment").format(date=date, time=self._time(instant))

    def _time(self, instant: datetime) -> str:
        return f"{instant:%H:%M}"

    def _text(self, name: str) -> str:
        text: str = self.texts[name]
        return text


class Languages:
    """
    The languages there are.

    Args:
        folder: A team's folder, of which ``languages/*.json`` are its own: of a language that isn't among ours it has
            all texts, of one that is those that are to be different.

    Raises:
        InvalidTemplatesError: A file of the team's can't be used; every fault of all files is named.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._paths = {path.stem.lower(): path for path in OURS.glob("*.json")}
        self._known: dict[str, Language] = {}
        own = sorted((folder / _FOLDER).glob("*.json")) if folder else []
        if problems := [problem for path in own for problem in self._take(path)]:
            raise InvalidTemplatesError(problems)

    @property
    def codes(self) -> list[str]:
        """The languages' tags."""
        return sorted({path.stem for path in self._paths.values()} | {each.code for each in self._known.values()})

    def choose(self, locale: str | None) -> Language:
        """
        Return the language that fits *locale* best.

        By the lookup of RFC 4647, 3.4: what is in the end of a tag is left out until there is such a language.

        Args:
            locale: A BCP 47 tag; ``None`` if nobody knows.
        """
        wanted = (locale or DEFAULT).lower()
        while wanted:
            if wanted in self._known or wanted in self._paths:
                return self._language(wanted)
            wanted = wanted.rpartition("-")[0]
        return self._language(DEFAULT)

    def _language(self, code: str) -> Language:
        if code not in self._known:
            path = self._paths[code]
            self._known[code] = _language_of(path.stem, read_language(path))
        return self._known[code]

    def _take(self, path: Path) -> Iterator[Problem]:
        """Take a language of the team's, or return what is wrong with it."""
        name = f"{_FOLDER}/{path.name}"
        if not is_code(path.stem):
            yield Problem(name, "invalid-language", "must be called by a language's tag, as in pt-BR.json.")
            return
        try:
            given = read_language(path)
        except ValueError as error:
            yield Problem(name, "invalid-language", str(error))
            return
        code = path.stem.lower()
        ours = self._paths.get(code)
        document = merged(read_language(ours), given) if ours else given
        faults = list(differences(read_language(OURS / f"{DEFAULT}.json")["mail"], document.get("mail", {}), "mail"))
        if document.get("direction") not in _DIRECTIONS:
            faults.append('direction must be "ltr" or "rtl".')
        yield from (Problem(name, "invalid-language", fault) for fault in faults)
        if not faults:
            self._known[code] = _language_of(path.stem, document)


def is_code(text: str) -> bool:
    """Tell whether a language's file may be called *text*."""
    return bool(_CODE.fullmatch(text))


def read_language(path: Path) -> dict[str, Any]:
    """
    Return what a language's file says.

    Raises:
        ValueError: It is no JSON object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"can't be read as JSON in UTF-8: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("must be a JSON object.")  # noqa: TRY004 - of the file, whatever its JSON is
    return document


def merged(ours: Texts, given: Texts) -> dict[str, Any]:
    """Return *ours* with what *given* says in its place, text by text."""
    both = (name for name in given if isinstance(ours.get(name), dict) and isinstance(given[name], dict))
    return {**ours, **given} | {name: merged(ours[name], given[name]) for name in both}


def differences(pattern: Any, given: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    """
    Yield what keeps *given* from standing for *pattern*: texts that are missing, unknown, or of other placeholders.

    Args:
        pattern: English texts, by names, in lists, or one alone.
        given: Another language's.
        name: What they are called.
    """
    if isinstance(pattern, dict):
        texts = given if isinstance(given, dict) else {}
        for key, text in pattern.items():
            yield from differences(text, texts.get(key), f"{name}.{key}")
        yield from (f"{name}.{key} is no text that there is." for key in texts if key not in pattern)
    elif isinstance(pattern, list):
        if not isinstance(given, list) or len(given) != len(pattern) or not all(map(_is_text, given)):
            yield f"{name} must be a list of {len(pattern)} texts."
    elif not _is_text(given):
        yield f"{name} is missing."
    elif sorted(_PLACEHOLDER.findall(given)) != sorted(_PLACEHOLDER.findall(pattern)) or _is_broken(given):
        names = ", ".join(sorted(_PLACEHOLDER.findall(pattern))) or "no placeholder"
        yield f"{name} must have {names}, once each, and no other brace."


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_broken(text: str) -> bool:
    return bool(re.search(r"[{}]", _PLACEHOLDER.sub("", text)))


def _language_of(code: str, document: Texts) -> Language:
    return Language(code, document["direction"], document["mail"])


def _escaped(texts: Any) -> Any:  # noqa: ANN401 - texts, or lists or mappings of them
    if isinstance(texts, str):
        return escape(texts)
    if isinstance(texts, list):
        return list(map(_escaped, texts))
    return {name: _escaped(text) for name, text in texts.items()}
