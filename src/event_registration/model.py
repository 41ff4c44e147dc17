"""The registration: a frozen value that is normalised and checked wherever it is made."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from event_registration.errors import InvalidRegistrationError, Problem

__all__ = [
    "PROBLEM_MESSAGES",
    "Identity",
    "Mail",
    "MailState",
    "Message",
    "Registration",
    "Status",
    "attendee_digest",
    "check_address",
    "check_sender",
    "new_registration_id",
    "normalise_address",
    "split_sender",
]

PROBLEM_MESSAGES = {
    "required": "This is required.",
    "not-a-string": "This must be text.",
    "event-id-too-long": "An event id has at most 128 characters.",
    "invalid-event-id": "An event id may hold only the letters A to Z, digits, and the signs . _ ~ -",
    "name-too-long": "A name has at most 100 characters.",
    "forbidden-character": "Remove line breaks and invisible control characters.",
    "contains-link": "Remove the link: a name can't hold :// or www.",
    "address-too-long": "An address has at most 254 characters, and at most 64 before the @.",
    "unsupported-address": "Before the @, mail can be sent only to plain letters without accents, digits and signs.",
    "invalid-address": "Enter one address in the form name@example.org.",
}
"""Every code a field can be refused with, and the sentence for it."""

# White space that people type or paste without seeing it. Spelled out, because Python and JavaScript disagree on \s.
_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_RUN_OF_SPACES = re.compile(f"[{_SPACES}]+")
_SURROUNDING_SPACE = f"\t\n\f\r{_SPACES}"

_EVENT_ID = re.compile(r"[A-Za-z0-9._~-]+")
# C0, DEL, C1; line and paragraph separators; bidi embeddings, overrides and isolates, which would reorder the text
# around the name; lone surrogates, which are no characters.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# A name must hold at least one character that leaves ink; joiners, fillers, marks of direction and tags don't.
_INVISIBLE = (
    "\u0020\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(f"[^{_INVISIBLE}]")
_LINK = re.compile(r"://|www\.", re.IGNORECASE | re.ASCII)
# The HTML standard's grammar of a valid e-mail address, with at least one dot in the domain, and no dot first, last
# or doubled in the local part, which SMTP (RFC 5321, dot-string) does not carry.
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")
# RFC 2047, section 5: no address holds an encoded word, but mail libraries decode it, into another address or header.
_ENCODED_WORD = re.compile(r"=\?.*\?=")
_SENDER = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")

_MAX_EVENT_ID = 128
_MAX_NAME = 100
_MAX_LOCAL_PART = 64
_MAX_ADDRESS = 254

Identity = Callable[[str], str]
"""Tells people apart: maps an address in normal form to an opaque key, the same for all spellings of one person."""


class Status(StrEnum):
    """Where a registration stands."""

    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    CANCELLED = "cancelled"


class MailState(StrEnum):
    """Whether the mail a registration owes has gone out."""

    DUE = "due"
    SENT = "sent"
    FAILED = "failed"


@frozen(kw_only=True)
class Mail:
    """
    The mail that a registration owes its attendee.

    Args:
        state: Due, sent, or failed for good.
        attempts: How often sending was begun.
        attempted_at: When sending was begun last, aware.
    """

    state: MailState = MailState.DUE
    attempts: int = 0
    attempted_at: datetime | None = None


@frozen(kw_only=True)
class Message:
    """
    One mail to one person, as a notifier gets it.

    Args:
        to: The only recipient's address: ASCII, the domain in A-labels.
        subject: One line without control characters.
        text: The body for programs that show plain text.
        html: The same body as a complete HTML document.
    """

    to: str
    subject: str
    text: str
    html: str

    def __attrs_post_init__(self) -> None:
        """
        Refuse what would become another header or another recipient, whichever library writes the message.

        Raises:
            ValueError: The recipient is no address in normal form, or the subject holds a control character or what
                mail programs decode as an encoded word.
        """
        if check_address(self.to):
            raise ValueError("the recipient is no address")
        if _FORBIDDEN.search(self.subject) or _ENCODED_WORD.search(self.subject):
            raise ValueError("the subject is no plain line of text")


def normalise_address(value: str) -> str:
    """
    Trim *value* and write its domain in lower-case A-labels (UTS #46, as browsers do).

    What is no address is only trimmed: `check_address` explains it.
    """
    if not isinstance(value, str):
        return value
    address = value.strip(_SURROUNDING_SPACE)
    local, at, domain = address.rpartition("@")
    if not at:
        return address
    if not domain.isascii() and len(domain) <= _MAX_ADDRESS:  # Punycode takes quadratic time
        domain = _to_a_labels(domain)
    return f"{local}@{domain.lower()}"


def _to_a_labels(domain: str) -> str:
    import idna

    try:
        labels = idna.uts46_remap(domain, std3_rules=True).split(".")
    except (idna.IDNAError, UnicodeError):
        return domain
    # Mapping alone, without the registries' IDNA 2008 rules: those refuse emoji domains that exist and get mail.
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def _normalise_name(value: str) -> str:
    if not isinstance(value, str):
        return value
    return _RUN_OF_SPACES.sub(" ", value if value.isascii() else unicodedata.normalize("NFC", value)).strip(" ")


def _normalise_event_id(value: str) -> str:
    return value.strip(_SURROUNDING_SPACE) if isinstance(value, str) else value


def _check_event_id(value: str) -> str | None:
    if len(value) > _MAX_EVENT_ID:
        return "event-id-too-long"
    return None if _EVENT_ID.fullmatch(value) else "invalid-event-id"


def _check_name(value: str) -> str | None:
    if _FORBIDDEN.search(value):
        return "forbidden-character"
    if not _VISIBLE.search(value):
        return "required"
    if len(value) > _MAX_NAME:
        return "name-too-long"
    return "contains-link" if _LINK.search(value) else None


def check_address(value: str) -> str | None:
    """Return the code of the rule that *value*, a normalised address, breaks; ``None`` if it can be mailed to."""
    local, _, _ = value.rpartition("@")
    if len(value) > _MAX_ADDRESS or len(local) > _MAX_LOCAL_PART:
        return "address-too-long"
    if not local.isascii():
        return "unsupported-address"
    if _ENCODED_WORD.search(local):
        return "invalid-address"
    return None if _ADDRESS.fullmatch(value) else "invalid-address"


def split_sender(sender: str) -> tuple[str, str]:
    """Return the display name, perhaps empty, and the address of *sender*: ``Name <address>`` or the bare address."""
    match = _SENDER.fullmatch(sender)
    return (match["name"].strip(' "'), match["address"]) if match else ("", sender)


def check_sender(sender: str) -> bool:
    """Tell whether *sender* is an address that mail can come from, with or without a display name."""
    name, address = split_sender(sender)
    return not (_FORBIDDEN.search(name) or check_address(address))


_RULES: dict[str, Callable[[str], str | None]] = {
    "event_id": _check_event_id,
    "event_name": _check_name,
    "attendee_name": _check_name,
    "attendee_email": check_address,
}


def _is_instant(value: object) -> bool:
    return value is None or (isinstance(value, datetime) and value.tzinfo is not None)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0


# What no attendee sends: our own code and stored rows.
_INNER_RULES: dict[str, Callable[[object], bool]] = {
    "status": lambda value: isinstance(value, Status),
    "registration_id": lambda value: isinstance(value, str) and value != "",
    "registered_at": _is_instant,
    "revision": _is_count,
    "mail": lambda value: (
        isinstance(value, Mail)
        and isinstance(value.state, MailState)
        and _is_count(value.attempts)
        and _is_instant(value.attempted_at)
    ),
}


def _check(value: object, rule: Callable[[str], str | None]) -> str | None:
    if value is None or value == "":
        return "required"
    return rule(value) if isinstance(value, str) else "not-a-string"


def attendee_digest(attendee_email: str) -> str:
    """
    Return the key of the person behind an address in normal form: the SHA-256 of its lower-case spelling, in hex.

    Dots and ``+tags`` count, because only the address's own provider knows whether they matter. A digest of an
    address is personal data all the same.
    """
    return hashlib.sha256(attendee_email.lower().encode()).hexdigest()


def new_registration_id() -> str:
    """Return an id that nobody had before and nobody can guess: 32 hex digits."""
    return uuid.uuid4().hex


@frozen(kw_only=True)
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
        revision: Rises with every change of the sign-up itself.
        mail: The mail it owes.

    Raises:
        InvalidRegistrationError: With a problem for every field that breaks its rule.
    """

    event_id: str = field(converter=_normalise_event_id)
    event_name: str = field(converter=_normalise_name)
    attendee_name: str = field(converter=_normalise_name)
    attendee_email: str = field(converter=normalise_address)
    status: Status = Status.CONFIRMED
    registration_id: str = field(factory=new_registration_id)
    registered_at: datetime | None = None
    revision: int = 1
    mail: Mail = field(factory=Mail)

    def __attrs_post_init__(self) -> None:
        """Apply every rule, so that one refusal names all that is wrong."""
        faults = {name: _check(getattr(self, name), rule) for name, rule in _RULES.items()}
        problems = [Problem(name, code, PROBLEM_MESSAGES[code]) for name, code in faults.items() if code]
        problems += [
            Problem(name, "invalid-value", "This value can't be stored.")
            for name, is_valid in _INNER_RULES.items()
            if not is_valid(getattr(self, name))
        ]
        if problems:
            raise InvalidRegistrationError(problems)

    def same_details(self, other: Registration) -> bool:
        """Tell whether *other* says the same of the same person, compared in normal form."""
        return (self.event_id, self.event_name, self.attendee_name, self.attendee_email.lower()) == (
            other.event_id,
            other.event_name,
            other.attendee_name,
            other.attendee_email.lower(),
        )
