"""Renders the mail that tells an attendee where the registration stands."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from attrs import frozen

from event_registration.mail import MailKind, Message

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from event_registration.event import Event
    from event_registration.model import Registration

__all__ = ["render"]

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


@frozen(kw_only=True)
class _Wording:
    """What is said of where a registration stands."""

    subject: str
    heading: str
    news: str
    advice: str


_WORDINGS = {
    MailKind.CONFIRMED: _Wording(
        subject="Registration confirmed",
        heading="You are registered",
        news="your place at this event is confirmed:",
        advice="You don\u2019t need to do anything else. See you there!",
    ),
    MailKind.WAITLISTED: _Wording(
        subject="On the waiting list",
        heading="You are on the waiting list",
        news="all seats of this event are taken, and you have a place on its waiting list:",
        advice="As soon as a seat becomes free and it is your turn, it is yours and we write to you. "
        "You don\u2019t need to do anything else.",
    ),
    MailKind.PROMOTED: _Wording(
        subject="You have a seat",
        heading="A seat became free, and it is yours",
        news="you were on the waiting list, and now you have a seat at this event:",
        advice="You don\u2019t need to do anything else. If you can\u2019t come, please cancel, so that the next "
        "person gets the seat.",
    ),
    MailKind.CANCELLED: _Wording(
        subject="Registration cancelled",
        heading="Your registration is cancelled",
        news="your registration for this event is cancelled:",
        advice="If you change your mind, register again: as long as registration is open you are welcome.",
    ),
    MailKind.REPEATED: _Wording(
        subject="Somebody tried to register again",
        heading="You are registered already",
        news="somebody, perhaps you, filled in the form for this event with your address and other details:",
        advice="Nothing has changed: your registration stands as it was. To change its details, cancel it and "
        "register again.",
    ),
    MailKind.MOVED: _Wording(
        subject="Changed",
        heading="The event has changed",
        news="this event takes place at another time or place than you were told before. From now on it is:",
        advice="Your registration stands. If you can\u2019t come any more, please cancel, so that somebody else can.",
    ),
    MailKind.CALLED_OFF: _Wording(
        subject="Called off",
        heading="The event is called off",
        news="this event does not take place:",
        advice="We are sorry. You don\u2019t need to do anything.",
    ),
}

_TEXT_BODY = """\
Hello \u2068{name}\u2069,

{news}

    {event}
{facts}
{answers}{advice}

{manage}You get this message because someone, most likely you, entered this address
in a registration form. If it wasn't you, you can ignore it.
"""

_HTML_BODY = """\
<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{subject}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; padding: 24px 16px; background: #edf2f0; color: #14211f; \
font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }}
main {{ max-width: 34rem; margin: 0 auto; padding: 28px; background: #ffffff; border-radius: 14px; \
overflow-wrap: anywhere; }}
h1 {{ margin: 0 0 16px; font-size: 22px; line-height: 1.3; }}
a {{ color: #0b6158; }}
dl {{ margin: 20px 0; }}
dt {{ margin-top: 8px; color: #4c5e5a; font-size: 14px; }}
dd {{ margin: 0; white-space: pre-line; }}
.event {{ margin: 20px 0; padding: 14px 18px; border-left: 4px solid #0b6158; background: #e0efeb; \
font-size: 18px; font-weight: 600; }}
small {{ display: block; margin-top: 24px; color: #4c5e5a; font-size: 13px; }}
@media (prefers-color-scheme: dark) {{
body {{ background: #101817; color: #e9f1ef; }}
main {{ background: #192422; }}
.event {{ background: #1e322f; border-color: #79d6c6; }}
a {{ color: #79d6c6; }}
dt, small {{ color: #a9bab6; }}
}}
</style>
</head>
<body>
<main>
<h1>{heading}</h1>
<p>Hello <bdi>{name}</bdi>,</p>
<p>{news}</p>
<p class="event" dir="auto">{event}</p>
{facts}{answers}<p>{advice}</p>
{manage}<small>You get this message because someone, most likely you, entered this address in a registration form. \
If it wasn\u2019t you, you can ignore it.</small>
</main>
</body>
</html>
"""


_MANAGE = "See where your registration stands, or cancel it so that somebody else can come:"
_MANAGE_TEXT = f"{_MANAGE}\n{{link}}\n\nWhoever has this link can do that too: pass it on to nobody.\n\n"
_MANAGE_HTML = f"""\
<p>{_MANAGE} <a href="{{link}}" target="_blank" rel="noopener noreferrer">manage your registration</a>. \
Whoever has this link can do that too: pass it on to nobody.</p>
"""


def render(
    registration: Registration,
    *,
    event: Event | None = None,
    link: str | None = None,
    answers: Sequence[tuple[str, str]] = (),
) -> Message:
    """
    Return the mail that *registration* owes.

    What came from the form is shown as text only: escaped in HTML, and broken after ``.``, ``@`` and ``:`` (by empty
    elements in HTML, by U+2060 WORD JOINER in text), so that no mail program makes a link of it; in the subject after
    ``=`` too, so that nothing is decoded. The subject holds the event's name and never the attendee's.

    Args:
        registration: Whose mail says where it stands, or its event's news, by the mail's kind.
        event: The event, if its organiser has set it up: the mail says when and where it is.
        link: The address where it can be looked at and cancelled: our own, and the only link in the mail.
        answers: What was asked and answered, as people read it.
    """
    wording = _WORDINGS[registration.mail.kind]
    is_over = registration.mail.kind is MailKind.CALLED_OFF
    facts = [] if event is None or is_over else _facts(event)
    return Message(
        to=registration.attendee_email,
        subject=f"{wording.subject}: {registration.event_name.translate(_SUBJECT)}",
        text=_TEXT_BODY.format(
            name=registration.attendee_name.translate(_TEXT),
            event=registration.event_name.translate(_TEXT),
            news=wording.news,
            advice=wording.advice.replace("\u2019", "'"),
            facts="".join(f"    {fact.translate(_TEXT)}\n" for fact in facts),
            answers=_answers_text(answers),
            manage=_MANAGE_TEXT.format(link=link) if link else "",
        ),
        html=_HTML_BODY.format(
            name=registration.attendee_name.translate(_HTML),
            event=registration.event_name.translate(_HTML),
            subject=wording.subject,
            heading=wording.heading,
            news=wording.news,
            advice=wording.advice,
            facts="".join(f'<p dir="auto">{fact.translate(_HTML)}</p>\n' for fact in facts),
            answers=_answers_html(answers),
            manage=_MANAGE_HTML.format(link=link) if link else "",
        ),
    )


def _facts(event: Event) -> list[str]:
    """Return when and where *event* is, by the clocks of the place."""
    zone = ZoneInfo(event.time_zone)
    start, end = (instant.astimezone(zone) for instant in (event.starts_at, event.ends_at))
    last = f"{end:%H:%M}" if start.date() == end.date() else _moment(end)
    when = f"{_moment(start)} to {last} ({event.time_zone})"
    return [when, event.venue] if event.venue else [when]


def _moment(instant: datetime) -> str:
    return f"{instant:%A}, {instant.day} {instant:%B %Y}, {instant:%H:%M}"


def _answers_text(answers: Sequence[tuple[str, str]]) -> str:
    if not answers:
        return ""
    lines = (f"{_asked(title)} {text}".translate(_TEXT).replace("\n", "\n        ") for title, text in answers)
    return "Your answers:\n\n" + "".join(f"    {line}\n" for line in lines) + "\n"


def _asked(title: str) -> str:
    """Return *title* with a colon, unless it ends a sentence itself."""
    return title if title.endswith(_ENDS) else f"{title}:"


def _answers_html(answers: Sequence[tuple[str, str]]) -> str:
    if not answers:
        return ""
    pairs = (
        f'<dt dir="auto">{title.translate(_HTML)}</dt>\n<dd dir="auto">{text.translate(_HTML)}</dd>\n'
        for title, text in answers
    )
    return f"<p>Your answers:</p>\n<dl>\n{''.join(pairs)}</dl>\n"
