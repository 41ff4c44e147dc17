"""Renders the mail that tells an attendee where the registration stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from event_registration.model import Message

if TYPE_CHECKING:
    from event_registration.model import Registration

__all__ = ["render"]

# Mail programs turn "example.org", "a@b" and "tel:" into links. Whoever fills in the form chooses these texts and the
# address, so a live link in them would make the form a tool for phishing. Other forms of the signs count: browsers read
# them as dots.
_LINKED = ".@:\u2024\u3002\ufe52\uff0e\uff61\ufe6b\uff20\ufe55\uff1a"
_TEXT = str.maketrans({sign: f"{sign}\u2060" for sign in _LINKED})
# A name that looks like an encoded word (RFC 2047) would be decoded, into whatever it hides.
_SUBJECT = _TEXT | str.maketrans({"=": "=\u2060"})
_HTML = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
    | {sign: f"<span></span>{sign}<span></span>" for sign in _LINKED},
)

_TEXT_BODY = """\
Hello \u2068{name}\u2069,

you are registered for this event:

    {event}

You don't need to do anything else. See you there!

You get this message because someone, most likely you, entered this address
in a registration form. If it wasn't you, you can ignore it.
"""

_HTML_BODY = """\
<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Registration confirmed</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; padding: 24px 16px; background: #edf2f0; color: #14211f; \
font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }}
main {{ max-width: 34rem; margin: 0 auto; padding: 28px; background: #ffffff; border-radius: 14px; \
overflow-wrap: anywhere; }}
h1 {{ margin: 0 0 16px; font-size: 22px; line-height: 1.3; }}
.event {{ margin: 20px 0; padding: 14px 18px; border-left: 4px solid #0b6158; background: #e0efeb; \
font-size: 18px; font-weight: 600; }}
small {{ display: block; margin-top: 24px; color: #4c5e5a; font-size: 13px; }}
@media (prefers-color-scheme: dark) {{
body {{ background: #101817; color: #e9f1ef; }}
main {{ background: #192422; }}
.event {{ background: #1e322f; border-color: #79d6c6; }}
small {{ color: #a9bab6; }}
}}
</style>
</head>
<body>
<main>
<h1>You are registered</h1>
<p>Hello <bdi>{name}</bdi>,</p>
<p>your place at this event is confirmed:</p>
<p class="event" dir="auto">{event}</p>
<p>You don\u2019t need to do anything else. See you there!</p>
<small>You get this message because someone, most likely you, entered this address in a registration form. If it \
wasn\u2019t you, you can ignore it.</small>
</main>
</body>
</html>
"""


def render(registration: Registration) -> Message:
    """
    Return the confirmation of *registration*.

    What came from the form is shown as text only: escaped in HTML, and broken after ``.``, ``@`` and ``:`` (by empty
    elements in HTML, by U+2060 WORD JOINER in text), so that no mail program makes a link of it; in the subject after
    ``=`` too, so that nothing is decoded. The subject holds the event's name and never the attendee's.
    """
    return Message(
        to=registration.attendee_email,
        subject=f"Registration confirmed: {registration.event_name.translate(_SUBJECT)}",
        text=_TEXT_BODY.format(
            name=registration.attendee_name.translate(_TEXT),
            event=registration.event_name.translate(_TEXT),
        ),
        html=_HTML_BODY.format(
            name=registration.attendee_name.translate(_HTML),
            event=registration.event_name.translate(_HTML),
        ),
    )
