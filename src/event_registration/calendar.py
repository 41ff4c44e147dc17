"""Writes the calendar entry that goes with a mail (RFC 5545), as an organiser's message about it (RFC 5546): pure."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from event_registration.attachment import Attachment
from event_registration.mail import MailKind
from event_registration.model import Status
from event_registration.rules import split_sender

if TYPE_CHECKING:
    from datetime import datetime

    from event_registration.event import Event
    from event_registration.model import Registration

__all__ = ["calendar_entry"]

_FILE = "event.ics"
_PUTS_IN = frozenset({MailKind.CONFIRMED, MailKind.PROMOTED, MailKind.MOVED})
_TAKES_OUT = frozenset({MailKind.CANCELLED, MailKind.CALLED_OFF})
# RFC 5545, 3.1: at most 75 octets in a line, with the space that it goes on with. None begins within a character.
_PIECE = re.compile(rb"^.{1,75}(?![\x80-\xbf])|.{1,74}(?![\x80-\xbf])", re.DOTALL)
# RFC 5545, 3.3.11
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
# RFC 6068, 2: what stands in an address as it is, of what an address may hold.
_PLAIN = "@!$'*+-._~"
_ALMOST_A_SECOND = timedelta(microseconds=999_999)


def calendar_entry(
    registration: Registration, event: Event, *, sender: str, now: datetime, description: str = ""
) -> Attachment | None:
    """
    Return what a mail changes in its reader's calendar, as a file; ``None`` if it changes nothing.

    Whoever has a seat has an entry, and whoever waits has none. All entries of one registration are the same one, of
    which programs keep the latest: it has their common identity, and a number that rises with every mail that is owed.
    A mail that is tried again has the same number, and a later instant at which it was written. Nothing of what a
    stranger may have typed is in it.

    Args:
        registration: Whose mail tells what its kind says.
        event: The event, as it is now.
        sender: Whom the mail comes from, bare or as ``Name <address>``; its domain makes the entry's identity unique in
            the world, and it stands for the organiser where the event has no contact.
        now: The present, aware.
        description: What the reader finds there besides the event's facts. People share their calendars, so it must
            hold no link of theirs.
    """
    method = _method(registration)
    if method is None:
        return None
    _, address = split_sender(sender)
    _, _, domain = address.rpartition("@")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//event-registration//event-registration//EN",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{registration.registration_id}@{domain}",
        f"DTSTAMP:{_instant(now)}",
        f"SEQUENCE:{registration.mail.number}",
        f"DTSTART:{_instant(event.starts_at)}",
        # RFC 5545, 3.8.2.2: later than the start, in whole seconds too. On local clocks the sum would forget which of
        # two equal hours it is.
        f"DTEND:{_instant(event.ends_at.astimezone(UTC) + _ALMOST_A_SECOND)}",
        _text("SUMMARY", event.event_name),
        *([_text("LOCATION", event.venue)] if event.venue else ()),
        *([_text("DESCRIPTION", description)] if description else ()),
        f"STATUS:{'CANCELLED' if method == 'CANCEL' else 'CONFIRMED'}",
        f"ORGANIZER:{_mailto(event.contact or address)}",
        # They have said that they come: nobody is to ask them.
        f"ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED;RSVP=FALSE:{_mailto(registration.attendee_email)}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return Attachment(
        name=_FILE,
        # RFC 6047, 2.4: the method here is that of the content.
        media_type=f"text/calendar; method={method}; charset=utf-8",
        content="".join(f"{_folded(line)}\r\n" for line in lines).encode(),
    )


def _method(registration: Registration) -> str | None:
    """Return what is asked of the reader's calendar program, if anything is."""
    if not _had_seat(registration):
        return None
    if registration.mail.kind in _PUTS_IN:
        return "REQUEST"
    return "CANCEL" if registration.mail.kind in _TAKES_OUT else None


def _had_seat(registration: Registration) -> bool:
    if registration.status is Status.CANCELLED:
        return registration.place is None  # whoever waited to the end keeps it
    return registration.status is Status.CONFIRMED


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(name: str, text: str) -> str:
    return f"{name}:{text.translate(_ESCAPES)}"


def _mailto(address: str) -> str:
    return f"mailto:{quote(address, safe=_PLAIN)}"


def _folded(line: str) -> str:
    return b"\r\n ".join(_PIECE.findall(line.encode())).decode()
