"""What mails are made of: our templates, a team's in the place of ours, and an event's in the place of both."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from event_registration.errors import InvalidTemplatesError, Problem
from event_registration.language_files import CODE
from event_registration.mail import MailKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["OURS", "PLACEHOLDERS", "Templates", "read_templates", "template_problems"]

OURS = Path(__file__).with_name("templates")
"""The folder of the templates that come with the package."""

PLACEHOLDERS = {
    "name": "the attendee's name",
    "event": "the event's name",
    "greeting": "the greeting, with the name",
    "heading": "the news in few words",
    "news": "the news in a sentence",
    "advice": "what to do now, if anything",
    "when": "from when to when the event is; nothing if nobody set it up, or it was called off",
    "venue": "where it is; nothing as above, or if it has no venue",
    "facts": "when and where it is, on lines or in paragraphs of their own",
    "answers": "what was asked and answered, with a heading; nothing without answers",
    "link": "the address where the registration can be looked at and cancelled; nothing where mails have none",
    "manage": "the same as a paragraph that says so",
    "reason": "why the reader gets this",
    "subject": "the subject",
    "kind": "the mail's kind",
    "lang": "the language's tag",
    "dir": "the language's direction, ltr or rtl",
    "start": "the side that lines begin at, left or right",
}
"""What stands for what in templates, ``$name`` or ``${name}``."""

_IN_SUBJECT = frozenset({"event", "subject"})
_ANY = "mail"
_PARTS = ("subject", "txt", "html")
_NAME = rf"(?:{_ANY}|{'|'.join(MailKind)})(?:\.{CODE})?\.(?:{'|'.join(_PARTS)})"
# Gmail shows no more than 102 KB of a mail, and what stands for the placeholders comes on top.
_MOST = 32 * 1024
_LONGEST_SUBJECT = 200
# Where a text that is escaped as text could still end what it stands in.
_MARKUP = r"(?is)<(?:style|script)\b.*?(?:</|\Z)|<[^>]*>?"
_IN_MARKUP = frozenset({"link", "lang", "dir", "start", "kind"})
_SUBJECT = Template("$subject")


class Templates:
    """
    The templates that there are.

    Args:
        own: A team's, by their files' names.

    Raises:
        InvalidTemplatesError: They can't be used; every fault is named.
    """

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self._own = own or {}
        if problems := template_problems(self._own):
            raise InvalidTemplatesError(problems)

    def of(self, kind: MailKind, language: str, part: str, special: Mapping[str, str] | None = None) -> Template:
        """
        Return the template of a mail's part.

        An event's comes before a team's, one of the kind before one for all, and among these one of the language
        before one for all.

        Args:
            kind: What the mail tells.
            language: The language's tag.
            part: ``subject``, ``txt`` or ``html``.
            special: The event's own, by their files' names.
        """
        names = (f"{stem}{tag}.{part}" for stem in (kind.value, _ANY) for tag in (f".{language}", ""))
        for layer, name in product(filter(None, (special, self._own)), names):
            # What a newer version has set for the event, and this one can't use, counts for nothing.
            if name in layer and (layer is self._own or not any(_faults(name, layer[name]))):
                return Template(layer[name])
        return _SUBJECT if part == "subject" else _ours(part)

    def problems_of_languages(self, codes: Collection[str]) -> list[Problem]:
        """Return which templates are of no language of *codes*, and so would never be used."""
        return [
            Problem(name, "unknown-language", f"is of no language that there is: {', '.join(codes)}.")
            for name in self._own
            if name.count(".") > 1 and name.split(".")[1] not in codes
        ]


def read_templates(folder: Path) -> dict[str, str]:
    """
    Return a folder's templates by their files' names; other files and folders in it are left alone.

    Raises:
        InvalidTemplatesError: There is no such folder, or a template can't be read or used; every fault is named.
    """
    if not folder.is_dir():
        raise InvalidTemplatesError([Problem(str(folder), "no-folder", "is no folder.")])
    files: dict[str, str] = {}
    problems = []
    for path in sorted(folder.iterdir()):
        if path.suffix.removeprefix(".") not in _PARTS:
            continue
        try:
            files[path.name] = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            problems.append(Problem(path.name, "invalid-template", f"can't be read as UTF-8: {error}."))
    problems += template_problems(files)
    if problems:
        raise InvalidTemplatesError(problems)
    return files


def template_problems(files: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with templates, by their files' names: names, placeholders, and that they are too long."""
    return [Problem(name, "invalid-template", fault) for name, text in files.items() for fault in _faults(name, text)]


def _faults(name: str, text: str) -> Iterator[str]:
    if not re.fullmatch(_NAME, name):
        kinds = ", ".join(MailKind)
        yield f"is no template's name, as mail.html or confirmed.de.txt: kind ({_ANY}, {kinds}), language, part."
        return
    if not text.strip():
        yield "is empty."
    if len(text.encode()) > _MOST:
        yield f"is over {_MOST // 1024} KiB."
    if name.endswith(".subject") and (len(text) > _LONGEST_SUBJECT or "\n" in text.strip()):
        yield f"is more than one line of {_LONGEST_SUBJECT} signs."
    template = Template(text)
    if not template.is_valid():
        yield "has a $ that begins no placeholder: write $$ for the sign itself."
        return
    known = _IN_SUBJECT if name.endswith(".subject") else PLACEHOLDERS.keys()
    yield from (
        f"has ${each}, which stands for nothing there; there are {', '.join(f'${one}' for one in sorted(known))}."
        for each in template.get_identifiers()
        if each not in known
    )
    if name.endswith(".html"):
        inside = Template("\n".join(re.findall(_MARKUP, text))).get_identifiers()
        yield from (
            f"has ${each} inside a tag, a style or a script, where it would be no text; only "
            f"{', '.join(f'${one}' for one in sorted(_IN_MARKUP))} can be there."
            for each in inside
            if each in known and each not in _IN_MARKUP
        )


@cache
def _ours(part: str) -> Template:
    return Template((OURS / f"{_ANY}.{part}").read_text(encoding="utf-8"))
