"""The registration: a frozen value that is normalised and checked wherever it is made."""

from __future__ import annotations

import os
from collections.abc import Mapping  # noqa: TC003 - cattrs reads the types of fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from event_registration.errors import InvalidRegistrationError, Problem
from event_registration.mail import Mail, MailKind, MailState
from event_registration.rules import (
    PROBLEM_MESSAGES,
    check_address,
    check_event_id,
    check_name,
    is_locale,
    normalise_address,
    normalise_event_id,
    normalise_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypedDict, Unpack

    class Changes(TypedDict, total=False):
        """Fields of a registration, with the values they are to have."""

        event_id: str
        event_name: str
        attendee_name: str
        attendee_email: str
        status: Status
        registration_id: str
        registered_at: datetime | None
        seat: int | None
        place: int | None
        answers: Mapping[str, Any]
        locale: str | None
        link_generation: int
        revision: int
        told_of: int
        mail: Mail


__all__ = ["Registration", "Status", "new_registration_id"]


class Status(StrEnum):
    """Where a registration stands."""

    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    CANCELLED = "cancelled"


_DUE_AT_ONCE = Mail()
_INVALID = "invalid-value"


def _check_instant(value: object) -> str | None:
    return None if value is None or (isinstance(value, datetime) and value.tzinfo is not None) else _INVALID


def _check_count(value: object) -> str | None:
    return None if isinstance(value, int) and value >= 0 else _INVALID


def _check_count_or_none(value: object) -> str | None:
    return None if value is None else _check_count(value)


def _check_mail(value: object) -> str | None:
    if not (isinstance(value, Mail) and isinstance(value.state, MailState) and isinstance(value.kind, MailKind)):
        return _INVALID
    return (
        _check_count(value.number)
        or _check_count(value.attempts)
        or _check_instant(value.attempted_at)
        or _check_instant(value.due_at)
        or _check_instant(value.repeated_at)
    )


def _text(check: Callable[[str], str | None]) -> Callable[[object], str | None]:
    """Return the check of a text: *check*, and that there is one."""

    def check_text(value: object) -> str | None:
        if value is None or value == "":
            return "required"
        return check(value) if isinstance(value, str) else "not-a-string"

    return check_text


_NORMAL_FORMS: dict[str, Callable[[str], str]] = {
    "event_id": normalise_event_id,
    "event_name": normalise_name,
    "attendee_name": normalise_name,
    "attendee_email": normalise_address,
}
_CHECKS: dict[str, Callable[[object], str | None]] = {
    # What an attendee sends.
    "event_id": _text(check_event_id),
    "event_name": _text(check_name),
    "attendee_name": _text(check_name),
    "attendee_email": _text(check_address),
    # What our own code and stored rows give.
    "status": lambda value: None if isinstance(value, Status) else _INVALID,
    "registration_id": lambda value: None if isinstance(value, str) and value else _INVALID,
    "registered_at": _check_instant,
    "seat": _check_count_or_none,
    "place": _check_count_or_none,
    "answers": lambda value: None if isinstance(value, dict) else _INVALID,
    "locale": lambda value: None if value is None or is_locale(value) else _INVALID,
    "link_generation": _check_count,
    "revision": _check_count,
    "told_of": _check_count,
    "mail": _check_mail,
}
"""What tells the code of the rule that a field's value breaks, or ``None``."""


def new_registration_id() -> str:
    """Return an id that nobody had before and nobody can guess: 32 hex digits."""
    return os.urandom(16).hex()


@frozen(kw_only=True, slots=False)  # `changed` copies it as a dictionary
class Registration:
    """
    One person's sign-up for one event.

    Text is normalised before it is checked: names to NFC with single spaces, surrounding space trimmed, the
    address's domain to lower-case A-labels.

    Args:
        event_id: 1 to 128 of ``A-Z a-z 0-9 . _ ~ -``.
        event_name: 1 to 100 characters of any script; no control characters, no link.
        attendee_name: The same.
        attendee_email: One address by the HTML standard's grammar, ASCII before the ``@``, at most 254 octets.
        status: Confirmed, waiting or cancelled.
        registration_id: This sign-up's own identity; a person who comes back gets a new one.
        registered_at: When it was stored, aware; ``None`` as long as it is not.
        seat: The number of the place it holds, of a limited event.
        place: Its number in the waiting list, if it ever waited; the lowest is served first. Once it is cancelled:
            if it waited until then.
        answers: What was answered to the event's questions, by their names. The service brings them into normal form
            and checks them, since only the event knows its questions.
        locale: The language that its mails are to be in, a BCP 47 tag; ``None`` if nobody knows.
        link_generation: What links in mails must name to be its own; it rises when the registration is cancelled.
        revision: Rises with every change of the sign-up itself.
        told_of: The revision of its event that its mails tell of: a later change is still to be told.
        mail: The mail it owes.

    Raises:
        InvalidRegistrationError: With a problem for every field that breaks its rule.
    """

    event_id: str = field(converter=normalise_event_id)
    event_name: str = field(converter=normalise_name)
    attendee_name: str = field(converter=normalise_name)
    attendee_email: str = field(converter=normalise_address)
    status: Status = Status.CONFIRMED
    registration_id: str = field(factory=new_registration_id)
    registered_at: datetime | None = None
    seat: int | None = None
    place: int | None = None
    answers: Mapping[str, Any] = field(factory=dict, hash=False)
    locale: str | None = None
    link_generation: int = 1
    revision: int = 1
    told_of: int = 0
    mail: Mail = _DUE_AT_ONCE

    def __attrs_post_init__(self) -> None:
        """Apply every rule, so that one refusal names all that is wrong."""
        self._check(_CHECKS)

    def changed(self, **changes: Unpack[Changes]) -> Registration:
        """
        Return a copy with *changes*.

        They alone are normalised and checked. `attrs.evolve` takes the whole copy for new: twice the work, and a person
        who registers is copied one to five times.

        Raises:
            InvalidRegistrationError: With a problem for every change that breaks its field's rule.
        """
        if type(self) is not Registration:  # whoever made a class of it may have more fields
            return evolve(self, **changes)
        given: dict[str, Any] = {**changes}
        for name in _NORMAL_FORMS.keys() & given.keys():
            given[name] = _NORMAL_FORMS[name](given[name])
        copied = object.__new__(Registration)
        vars(copied).update(vars(self), **given)
        copied._check(given)
        return copied

    def _check(self, names: Iterable[str]) -> None:
        problems = [
            Problem(name, code, PROBLEM_MESSAGES.get(code, "This value can't be stored."))
            for name in names
            if (code := _CHECKS[name](getattr(self, name)))
        ]
        if problems:
            raise InvalidRegistrationError(problems)

    def same_details(self, other: Registration) -> bool:
        """Tell whether *other* says the same of the same person, compared in normal form."""
        return self._details() == other._details()

    def admitted(self, status: Status, *, seat: int | None = None, place: int | None = None) -> Registration:
        """Return the registration as it is let in, with a mail that says so."""
        return self.changed(status=status, seat=seat, place=place, mail=evolve(self.mail, kind=MailKind(status.value)))

    def promoted(self, seat: int | None, now: datetime) -> Registration:
        """Return the registration as it gets a seat from the waiting list; a mail is owed."""
        return self.changed(
            status=Status.CONFIRMED,
            seat=seat,
            revision=self.revision + 1,
            mail=self.mail.owing(MailKind.PROMOTED, now),
        )

    def cancelled(self, now: datetime) -> Registration:
        """
        Return the registration that its attendee or an organiser has cancelled; a mail is owed.

        No link of its earlier mails is live any more.
        """
        return self.changed(
            status=Status.CANCELLED,
            seat=None,
            place=self.place if self.status is Status.WAITLISTED else None,
            link_generation=self.link_generation + 1,
            revision=self.revision + 1,
            mail=self.mail.owing(MailKind.CANCELLED, now),
        )

    def told(self, kind: MailKind, event_revision: int, now: datetime) -> Registration:
        """
        Return the registration as it owes the news of its event.

        A mail that waits to be sent says where the event is when it is: it stays what it is, and tells both.
        """
        kind = self.mail.kind if kind is MailKind.MOVED and self.mail.tells_all else kind
        return self.changed(told_of=event_revision, mail=self.mail.owing(kind, now))

    def after(self, earlier: Registration) -> Registration:
        """Return the registration as that of a person who comes back: it takes the place of *earlier*, cancelled."""
        return self.changed(
            link_generation=earlier.link_generation,
            revision=earlier.revision + 1,
            mail=self.mail.following(earlier.mail),
        )

    def _details(self) -> tuple[object, ...]:
        return self.event_id, self.event_name, self.attendee_name, self.attendee_email.lower(), self.answers
