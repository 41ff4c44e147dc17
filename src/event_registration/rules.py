"""What an event id, a name, an address and other text may be: normal forms and checks, as pure functions of text."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable

__all__ = [
    "PROBLEM_MESSAGES",
    "Identity",
    "attendee_digest",
    "check_address",
    "check_event_id",
    "check_line",
    "check_name",
    "check_sender",
    "check_text",
    "is_blank",
    "is_header",
    "is_locale",
    "is_plain_line",
    "normalise_address",
    "normalise_event_id",
    "normalise_line",
    "normalise_name",
    "normalise_text",
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
# Patterns of rare signs are texts here: each takes 1 to 5 million instructions to compile, and `re` keeps it when it is
# first needed, which most texts never do.
_RUN_OF_SPACES = f"[{_SPACES}]+"
_SURROUNDING_SPACE = f"\t\n\f\r{_SPACES}"

_EVENT_ID = re.compile(r"[A-Za-z0-9._~-]+")
# C0, DEL, C1; line and paragraph separators; bidi embeddings, overrides and isolates, which would reorder the text
# around the name; lone surrogates, which are no characters.
_FORBIDDEN = "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
# A name must hold at least one character that leaves ink; joiners, fillers, marks of direction and tags don't.
_INVISIBLE = (
    "\u0020\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_VISIBLE = f"[^{_INVISIBLE}]"
_INK = f"[^{_INVISIBLE}{_SURROUNDING_SPACE}]"
# The HTML standard's grammar of a valid e-mail address, with at least one dot in the domain, and no dot first, last
# or doubled in the local part, which SMTP (RFC 5321, dot-string) does not carry.
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")
_SENDER = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")

# RFC 5646, 2.1, without what only registries have; 35 characters are enough for all that people use (RFC 5646, 4.4.1).
_LOCALE = r"(?=.{2,35}\Z)[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*"

_MAX_EVENT_ID = 128
_MAX_NAME = 100
_MAX_LOCAL_PART = 64
_MAX_ADDRESS = 254
# "MessageHeader" in the SES API v2 reference of 2025, which allows a little more by now; with a colon and a space they
# make a line of 998 signs (RFC 5322, 2.1.1).
_MAX_HEADER_NAME = 126
_MAX_HEADER = 870
# "Amazon SES header fields": what SES writes itself and refuses beside that. In any other mail it would be there twice.
_NOTIFIERS_HEADERS = frozenset(
    {"bcc", "cc", "date", "from", "message-id", "mime-version", "reply-to", "return-path", "sender", "subject", "to"}
)

Identity = Callable[[str], str]
"""Tells people apart: maps an address in normal form to an opaque key, the same for all spellings of one person."""


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


def normalise_name(value: str) -> str:
    """Write *value* in NFC, with single spaces between its words and none around them."""
    if not isinstance(value, str):
        return value
    if value.isascii() and "  " not in value:
        return value.strip(" ")
    return re.sub(_RUN_OF_SPACES, " ", unicodedata.normalize("NFC", value)).strip(" ")


def normalise_line(value: str) -> str:
    """Write *value* like a name, and trim line breaks and tabs around it, too."""
    return normalise_name(value).strip(_SURROUNDING_SPACE)


def normalise_text(value: str) -> str:
    """Write *value*, which may have several lines, in NFC, with LF as its line ends, and trim it."""
    return unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n").strip(_SURROUNDING_SPACE)


def is_blank(value: str) -> bool:
    """Tell whether *value* leaves no ink: white space and invisible characters, or nothing."""
    return not (_has_ascii_ink(value) or re.search(_INK, value))


def _has_ascii_ink(value: str) -> bool:
    """Tell whether *value* has an ASCII sign that is no white space, as all but few texts have."""
    return bool(value.encode("ascii", "ignore").strip())


def normalise_event_id(value: str) -> str:
    """Trim *value*."""
    return value.strip(_SURROUNDING_SPACE) if isinstance(value, str) else value


def check_event_id(value: str) -> str | None:
    """Return the code of the rule that *value*, a normalised event id, breaks; ``None`` if it breaks none."""
    if len(value) > _MAX_EVENT_ID:
        return "event-id-too-long"
    return None if _EVENT_ID.fullmatch(value) else "invalid-event-id"


def check_line(value: str) -> str | None:
    """Return the code of the rule that *value*, a line of normalised text, breaks; ``None`` if it breaks none."""
    if _is_forbidden(value):
        return "forbidden-character"
    return None if _has_ascii_ink(value) or re.search(_VISIBLE, value) else "required"


def _is_forbidden(value: str) -> bool:
    """Tell whether *value* has a forbidden sign, each of which is one of those that Python doesn't call printable."""
    return not value.isprintable() and bool(re.search(_FORBIDDEN, value))


def check_text(value: str) -> str | None:
    """Return the code of the rule that *value*, normalised text of lines, breaks; ``None`` if it breaks none."""
    return check_line(value.replace("\n", " "))


def check_name(value: str) -> str | None:
    """Return the code of the rule that *value*, a normalised name, breaks; ``None`` if it breaks none."""
    if fault := check_line(value):
        return fault
    if len(value) > _MAX_NAME:
        return "name-too-long"
    return "contains-link" if "://" in value or "www." in value.lower() else None


def check_address(value: str) -> str | None:
    """Return the code of the rule that *value*, a normalised address, breaks; ``None`` if it can be mailed to."""
    local, _, _ = value.rpartition("@")
    if len(value) > _MAX_ADDRESS or len(local) > _MAX_LOCAL_PART:
        return "address-too-long"
    if not local.isascii():
        return "unsupported-address"
    if _has_encoded_word(local):
        return "invalid-address"
    return None if _ADDRESS.fullmatch(value) else "invalid-address"


def _has_encoded_word(line: str) -> bool:
    """
    Tell whether *line* has what looks like an encoded word (RFC 2047, section 2).

    No address holds one (section 5), but mail libraries decode it, into another address or header.
    """
    return "?=" in line.partition("=?")[2]


def is_locale(value: object) -> bool:
    """Tell whether *value* is written as a language's tag (BCP 47), as in ``de`` or ``pt-BR``."""
    return isinstance(value, str) and bool(re.fullmatch(_LOCALE, value))


def split_sender(sender: str) -> tuple[str, str]:
    """Return the display name, perhaps empty, and the address of *sender*: ``Name <address>`` or the bare address."""
    match = _SENDER.fullmatch(sender)
    return (match["name"].strip(' "'), match["address"]) if match else ("", sender)


def check_sender(sender: str) -> bool:
    """Tell whether *sender* is an address that mail can come from, with or without a display name."""
    name, address = split_sender(sender)
    return not (_is_forbidden(name) or check_address(address))


def is_plain_line(text: str) -> bool:
    """Tell whether *text* can be a mail's subject: no control character, nothing that mail programs decode."""
    return not (_is_forbidden(text) or _has_encoded_word(text))


def is_header(name: str, text: str) -> bool:
    """
    Tell whether a mail's head can hold *text* under *name* (RFC 5322, 2.2), beside what every mail has there anyway.

    *text* is 1 to 870 printable ASCII signs without space around them and without anything that mail programs decode.
    """
    is_name = _is_ascii_line(name, _MAX_HEADER_NAME) and not {" ", ":"} & set(name)
    is_free = name.lower() not in _NOTIFIERS_HEADERS and not name.lower().startswith("content-")
    is_text = _is_ascii_line(text, _MAX_HEADER) and text == text.strip() and is_plain_line(text)
    return is_name and is_free and is_text


def _is_ascii_line(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isascii() and text.isprintable()


def attendee_digest(attendee_email: str) -> str:
    """
    Return the key of the person behind an address in normal form: the SHA-256 of its lower-case spelling, in hex.

    Dots and ``+tags`` count, because only the address's own provider knows whether they matter. A digest of an
    address is personal data all the same.
    """
    return hashlib.sha256(attendee_email.lower().encode()).hexdigest()
