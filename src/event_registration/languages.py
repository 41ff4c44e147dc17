"""The languages that mails are written in."""

from __future__ import annotations

from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

from event_registration.language_files import DEFAULT, OURS, documents, read_language

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    Texts = Mapping[str, Any]

__all__ = ["Language", "Languages"]

_ISOLATED = "\u2068{}\u2069".format


class Language:
    """
    A language and its texts for mails.

    Args:
        code: Its BCP 47 tag.
        direction: ``ltr`` or ``rtl``.
        texts: The texts by their names, some of them by the kind of mail first; placeholders are ``{name}``.
    """

    def __init__(self, code: str, direction: str, texts: Texts) -> None:
        self.code = code
        self.direction = direction
        self.texts = texts

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
        folder: A team's folder, whose languages are taken as `language_files.documents` takes them.

    Raises:
        InvalidTemplatesError: A file of the team's can't be used; every fault of all files is named.
    """

    def __init__(self, folder: Path | None = None) -> None:
        # Ours need no look at all of them: each is read when somebody gets a mail in it.
        self._paths = {path.stem.lower(): path for path in OURS.iterdir()}
        whole = documents(folder) if folder else {}
        self._known = {code.lower(): _language_of(code, document) for code, document in whole.items()}

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


def _language_of(code: str, document: Texts) -> Language:
    return Language(code, document["direction"], document["mail"])


def _escaped(texts: Any) -> Any:  # noqa: ANN401 - texts, or lists or mappings of them
    if isinstance(texts, str):
        return escape(texts)
    if isinstance(texts, list):
        return list(map(_escaped, texts))
    return {name: _escaped(text) for name, text in texts.items()}
