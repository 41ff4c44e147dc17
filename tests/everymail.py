"""Every kind of mail in every language, as it is composed for an event that has all there is."""

from __future__ import annotations

from contextlib import closing
from functools import cache
from typing import TYPE_CHECKING

from attrs import evolve

from event_registration.composing import Composer
from event_registration.language_files import documents
from event_registration.links import Keyring, Links
from event_registration.local import SQLiteEventRepository
from event_registration.mail import MailKind
from event_registration.model import Status
from event_registration.testing import ManualClock, make_event, make_registration
from event_registration.testing.guests import NOW

if TYPE_CHECKING:
    from event_registration.event import Event
    from event_registration.message import Message
    from event_registration.model import Registration

LANGUAGES = tuple(documents())
MAILS = [(kind, language) for kind in MailKind for language in LANGUAGES]
WITH_ENTRY = frozenset({MailKind.CONFIRMED, MailKind.PROMOTED, MailKind.MOVED, MailKind.CANCELLED, MailKind.CALLED_OFF})
SENDER = "Événements, イベント <events@fete.example>"
CONTACT = "orga+fete@xn--mnchen-3ya.example"
PAGE = "https://fete.example/manage.html"
NAME = "Fête «夏祭り» & مهرجان, part 1"

_LINKS = Links(lambda _key_id=None: Keyring("k1", {"k1": "x" * 64}), PAGE)
_STATUSES = {MailKind.WAITLISTED: Status.WAITLISTED, MailKind.CANCELLED: Status.CANCELLED}
_QUESTIONS = {
    "type": "object",
    "properties": {
        "food": {"type": "string", "title": "What don't you eat?", "maxLength": 200},
        "remarks": {"type": "string", "title": "ملاحظات", "maxLength": 2000},
    },
}
_ANSWERS = {"food": "Fish <b>& eggs</b>; see www.example.org", "remarks": "Erste Zeile\nzweite Zeile, a@example.org"}
EVENT = make_event(
    event_id="Fete.2026_Berlin",
    event_name=NAME,
    venue="Kühlhaus, 1st floor, https://fete.example/map",
    contact=CONTACT,
    questions=_QUESTIONS,
)


def name_of(value: object) -> str:
    """Return how a test of a mail is called."""
    return getattr(value, "value", str(value))


@cache
def mail(kind: MailKind, language: str) -> Message:
    """Return a mail of *kind* to somebody who reads *language*, the same one at each call."""
    return mail_about(EVENT, kind, language, _ANSWERS)


def mail_about(event: Event, kind: MailKind, language: str, answers: dict[str, str]) -> Message:
    """Return a mail about *event*."""
    with closing(SQLiteEventRepository(":memory:")) as repository:
        repository.create_event(event)
        if kind is MailKind.CALLED_OFF:
            listing = repository.find_event(event.event_id)
            repository.change_event(listing, evolve(listing, is_cancelled=True, news=2, telling=""), NOW)
        compose = Composer(repository, links=_LINKS, sender=SENDER, clock=ManualClock(NOW))
        return compose(_registration(event, kind, language, answers))


def _registration(event: Event, kind: MailKind, language: str, answers: dict[str, str]) -> Registration:
    status = _STATUSES.get(kind, Status.CONFIRMED)
    registration = make_registration(
        event_id=event.event_id,
        registration_id="0123456789abcdef0123456789abcdef",
        attendee_name="أحمد O'Neill <b>&amp;</b>",
        attendee_email="o'neill+fete=2026@example.org",
        status=status,
        place=1 if status is Status.WAITLISTED else None,
        answers=answers,
        locale=language,
    )
    return evolve(registration, mail=registration.mail.owing(kind, NOW))
