"""Renders the mail that tells an attendee where the registration stands, in the reader's language."""

from __future__ import annotations

from functools import partial
from html import escape
from itertools import product
from typing import TYPE_CHECKING, Any

from event_registration.errors import InvalidTemplatesError, Problem
from event_registration.headers import headers_of
from event_registration.languages import Languages
from event_registration.mail import Mail, MailKind
from event_registration.message import Message
from event_registration.model import Registration
from event_registration.templates import Templates, read_templates, template_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from event_registration.event import Event
    from event_registration.languages import Language

__all__ = ["Renderer", "render"]

# Mail programs turn "example.org", "a@b" and "tel:" into links. Whoever fills in the form chooses these texts and the
# address, so a live link in them would make the form a tool for phishing. Other forms of the signs count: browsers read
# them as dots.
_LINKED = ".@:\u2024\u3002\ufe52\uff0e\uff61\ufe6b\uff20\ufe55\uff1a"
_TEXT = str.maketrans({sign: f"{sign}\u2060" for sign in _LINKED})
# A name that looks like an encoded word (RFC 2047) would be decoded, into whatever it hides.
_SUBJECT = _TEXT | str.maketrans({"=": "=\u2060"})
_ENDS = tuple(".?!:\u2026\u061f\u3002\uff01\uff1a\uff1f")
_HTML = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
    | {sign: f"<span></span>{sign}<span></span>" for sign in _LINKED},
)


class Renderer:
    """
    Writes mails in the languages and with the templates that there are.

    Args:
        languages: The languages; ours if they are left out.
        templates: The templates; ours if they are left out.
    """

    def __init__(self, languages: Languages | None = None, templates: Templates | None = None) -> None:
        self._languages = languages or Languages()
        self._templates = templates or Templates()

    @classmethod
    def of_folder(cls, folder: Path | None) -> Renderer:
        """
        Return what writes mails with what a team has in *folder*: templates, and languages in ``languages/``.

        Raises:
            InvalidTemplatesError: Something in it can't be used, or there is no such folder; every fault is named.
        """
        if folder is None:
            return render
        renderer = cls(Languages(folder), Templates(read_templates(folder)))
        if problems := renderer.problems():
            raise InvalidTemplatesError(problems)
        return renderer

    def problems(self, templates: Mapping[str, str] | None = None) -> list[Problem]:
        """
        Return what keeps a mail of any kind in any language from being written: nothing must, once there are people.

        Args:
            templates: An event's own, by their files' names.
        """
        faults = template_problems(templates or {}) or self._templates.problems_of_languages(self._languages.codes)
        if faults:
            return faults
        sample = Registration(
            event_id="sample", event_name="Sample", attendee_name="Sample", attendee_email="sample@sample.invalid"
        )
        for code, kind in product(self._languages.codes, MailKind):
            try:
                self(sample.changed(locale=code, mail=Mail(kind=kind)), templates=templates)
            except ValueError as error:
                what = f"makes no mail of kind {kind} in language {code}: {error}."
                return [Problem("mail", "invalid-template", what)]
        return []

    def __call__(  # noqa: PLR0913 - all keyword-only but whose mail it is
        self,
        registration: Registration,
        *,
        event: Event | None = None,
        link: str | None = None,
        answers: Sequence[tuple[str, Any]] = (),
        templates: Mapping[str, str] | None = None,
        sender: str | None = None,
    ) -> Message:
        """
        Return the mail that *registration* owes.

        What came from the form is shown as text only: escaped in HTML, and broken after ``.``, ``@`` and ``:`` (by
        empty elements in HTML, by U+2060 WORD JOINER in text), so that no mail program makes a link of it; in the
        subject after ``=`` too, so that nothing is decoded. Our subject holds the event's name and never the
        attendee's.

        Args:
            registration: Whose mail says where it stands, or its event's news, by the mail's kind.
            event: The event, if its organiser has set it up: the mail says when and where it is.
            link: The address where it can be looked at and cancelled: our own, and the only link in the mail.
            answers: What was asked and answered.
            templates: The event's own, by their files' names.
            sender: Whom it comes from, bare or as ``Name <address>``; without it there is no ``List-Id``.
        """
        kind = registration.mail.kind
        language = self.language_of(registration)
        facts = [] if event is None or kind is MailKind.CALLED_OFF else _facts(event, language)
        template = partial(self._templates.of, kind, language.code, special=templates)
        subject = " ".join(template("subject").substitute(_in_subject(registration, language)).split())
        text = _in_text(registration, language, facts, link, answers) | {"subject": subject}
        html = _in_html(registration, language, facts, link, answers) | {"subject": escape(subject)}
        return Message(
            to=registration.attendee_email,
            subject=subject,
            text=template("txt").substitute(text),
            html=template("html").substitute(html),
            reply_to=event.contact if event else None,
            headers=headers_of(registration, sender),
        )

    def language_of(self, registration: Registration) -> Language:
        """Return the language of *registration*'s mails."""
        return self._languages.choose(registration.locale)


render = Renderer()
"""Writes mails in our languages, with our templates."""


def _in_subject(registration: Registration, language: Language) -> dict[str, str]:
    event = registration.event_name.translate(_SUBJECT)
    return {"event": event, "subject": language.texts[registration.mail.kind]["subject"].format(event=event)}


def _in_text(
    registration: Registration,
    language: Language,
    facts: Sequence[str],
    link: str | None,
    answers: Sequence[tuple[str, Any]],
) -> dict[str, str]:
    """Return what placeholders stand for in plain text."""
    texts = language.texts
    name = f"\u2068{registration.attendee_name.translate(_TEXT)}\u2069"
    values = _common(registration, language, texts, name, facts, _TEXT)
    lines = (f"{_asked(title)} {language.answer(value)}".translate(_TEXT) for title, value in answers)
    answered = "".join("    " + line.replace("\n", "\n        ") + "\n" for line in lines)
    return values | {
        "facts": "".join(f"    {fact}\n" for fact in (values["when"], values["venue"]) if fact),
        "answers": f"{texts['answers']}\n\n{answered}\n" if answers else "",
        "link": link or "",
        "manage": f"{texts['manage']}\n{link}\n\n{texts['keep_link']}\n\n" if link else "",
    }


def _in_html(
    registration: Registration,
    language: Language,
    facts: Sequence[str],
    link: str | None,
    answers: Sequence[tuple[str, Any]],
) -> dict[str, str]:
    """Return what placeholders stand for in HTML."""
    texts = language.markup
    name = f"<bdi>{registration.attendee_name.translate(_HTML)}</bdi>"
    values = _common(registration, language, texts, name, facts, _HTML)
    answered = "".join(
        f"<dt><bdi>{title.translate(_HTML)}</bdi></dt>\n<dd><bdi>{language.answer(value).translate(_HTML)}</bdi></dd>\n"
        for title, value in answers
    )
    return values | {
        "facts": "".join(f"<p><bdi>{fact}</bdi></p>\n" for fact in (values["when"], values["venue"]) if fact),
        "answers": f"<p>{texts['answers']}</p>\n<dl>\n{answered}</dl>\n" if answers else "",
        "link": escape(link or ""),
        "manage": _manage(texts, link) if link else "",
    }


def _common(  # noqa: PLR0913, PLR0917 - a form's own: its texts, its name, its signs
    registration: Registration,
    language: Language,
    texts: Mapping[str, Any],
    name: str,
    facts: Sequence[str],
    signs: Mapping[int, str],
) -> dict[str, str]:
    """Return what placeholders stand for alike in both forms, each of which escapes by its own *signs*."""
    when, venue = (fact.translate(signs) for fact in (*facts, "", "")[:2])
    kind = registration.mail.kind
    return {
        "lang": language.code,
        "dir": language.direction,
        "start": "right" if language.direction == "rtl" else "left",
        "kind": kind.value,
        "greeting": texts["greeting"].format(name=name),
        "name": name,
        **{part: texts[kind][part] for part in ("heading", "news", "advice")},
        "event": registration.event_name.translate(signs),
        "when": when,
        "venue": venue,
        "reason": texts["reason"],
    }


def _manage(texts: Mapping[str, str], link: str) -> str:
    anchor = f'<a href="{escape(link)}" target="_blank" rel="noopener noreferrer">{texts["manage_link"]}</a>'
    return f"<p>{texts['manage']} {anchor}. {texts['keep_link']}</p>\n"


def _facts(event: Event, language: Language) -> list[str]:
    """Return when and where *event* is, by the clocks of the place."""
    from zoneinfo import ZoneInfo  # which reads how Python was built; mails of open events name no times

    zone = ZoneInfo(event.time_zone)
    when = language.span(event.starts_at.astimezone(zone), event.ends_at.astimezone(zone), event.time_zone)
    return [when, event.venue] if event.venue else [when]


def _asked(title: str) -> str:
    """Return *title* with a colon, unless it ends a sentence itself."""
    return title if title.endswith(_ENDS) else f"{title}:"
