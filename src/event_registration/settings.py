"""Settings as a pure function of an environment, with all that is wrong reported at once."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import field, frozen

from event_registration.errors import Problem, SettingsError
from event_registration.mail import MAILS_PER_DAY
from event_registration.rules import check_sender, normalise_address, split_sender
from event_registration.service import OnDuplicate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

__all__ = ["PREFIX", "Confirmation", "EventsMode", "Settings"]

PREFIX = "EVENT_REGISTRATION_"
"""What the name of every variable begins with."""

# Browsers leave out the scheme's own port, so that one that names it would never match.
_ORIGIN = r"(?!https:.*:443$|http:.*:80$)https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?"
_EVENT_ID = r"[A-Za-z0-9._~-]{1,128}"
_TABLE = r"[A-Za-z0-9_.-]{3,255}"
_CONFIGURATION_SET = r"[A-Za-z0-9_-]{1,64}"
# "CreateSecret", Name, alone or at the end of the secret's ARN.
_SECRET = r"(?:arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}"  # noqa: S105 - no secret, but what one is called
# RFC 3986, 3.3, without query and fragment: the link's token is the fragment.
_PAGE = (
    r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2}){0,500}"
)
_MOST_MAILS = 1000
# A link needs a key to be signed with and a page to lead to.
_TOGETHER = ("link_keys", "manage_url")


class Confirmation(StrEnum):
    """Who sends the mail that a registration owes."""

    INLINE = "inline"
    OUTBOX = "outbox"


class EventsMode(StrEnum):
    """Who says what events there are."""

    OPEN = "open"
    MANAGED = "managed"


@frozen(kw_only=True)
class Settings:
    """
    What an operator decides.

    Args:
        sender: The address that mail comes from, bare or as ``Name <address>``; ``None`` if nothing is sent.
        table: The DynamoDB table's name.
        allowed_origins: The web origins, exact, whose pages may post here besides our own.
        events: ``open`` takes any event that is named, ``managed`` those that the organiser has set up.
        event_ids: The only event ids that are taken; ``None`` takes any.
        on_duplicate: ``answer`` a repeat as if it were the first, or ``reject`` it with 409.
        confirmation: ``inline`` sends the mail in the call that registers; ``outbox`` leaves it due, to be sent by the
            function that `make_stream_handler` makes, or by ``serve``'s own thread.
        mails_per_day: How many mails one address gets in a day at most, over all events; not of those that are sent
            inline for events that nobody has set up, since nothing is counted there.
        configuration_set: The SES configuration set that mail is sent with.
        link_keys: The secret in Secrets Manager, by name or ARN, with the keys that the links in mails are signed with;
            with managed events, and not without *manage_url*.
        manage_url: The address of the page that those links lead to; not without *link_keys*.
        smtp_url: The mail server through which ``serve`` mails, as `MailServer.from_url` reads it; ``None`` if mails
            go to its mailbox.
        templates: The folder of the team's own templates of mails, and of its languages; ``None`` if there are only
            ours.
    """

    sender: str | None = None
    table: str = "eventmanagement"
    allowed_origins: frozenset[str] = frozenset()
    events: EventsMode = EventsMode.OPEN
    event_ids: frozenset[str] | None = None
    on_duplicate: OnDuplicate = OnDuplicate.ANSWER
    confirmation: Confirmation = Confirmation.INLINE
    mails_per_day: int = MAILS_PER_DAY
    configuration_set: str | None = None
    link_keys: str | None = None
    manage_url: str | None = None
    smtp_url: str | None = field(default=None, repr=False)
    templates: Path | None = None

    @classmethod
    def from_environ(
        cls,
        environ: Mapping[str, str],
        *,
        required: Collection[str] = (),
        refused: Mapping[str, str] | None = None,
    ) -> Settings:
        """
        Read the variables ``EVENT_REGISTRATION_<FIELD>`` of *environ*; lists are separated by commas or spaces.

        A variable that is empty counts as missing. One of our prefix that is not known is an error, so that a
        mistyped name or a setting of a newer version can't be ignored in silence. So is one of two that go together.

        Args:
            environ: Variables by name, as in `os.environ`.
            required: The fields that must be set.
            refused: The fields that must not, each with why.

        Raises:
            SettingsError: With a problem for every variable that is wrong, missing, unknown or out of place.
        """
        given = {name: text.strip() for name, text in environ.items() if name.startswith(PREFIX) and text.strip()}
        problems = [
            Problem(_variable(name), "required", "is missing.") for name in required if _variable(name) not in given
        ]
        problems += [
            Problem(_variable(name), "required", f"is missing: {_variable(other)} is of no use without it.")
            for name, other in (_TOGETHER, _TOGETHER[::-1])
            if _variable(other) in given and _variable(name) not in given
        ]
        problems += [
            Problem(_variable(name), "out-of-place", why)
            for name, why in (refused or {}).items()
            if _variable(name) in given
        ]
        values: dict[str, object] = {}
        for variable, text in given.items():
            name = variable.removeprefix(PREFIX).lower()
            parse = _PARSERS.get(name)
            if parse is None or _variable(name) != variable:
                known = ", ".join(_variable(field) for field in sorted(_PARSERS))
                problems.append(Problem(variable, "unknown-setting", f"is not a setting; there are {known}."))
                continue
            try:
                values[name] = parse(text)
            except ValueError as error:
                problems.append(Problem(variable, "invalid-setting", str(error)))
        if problems:
            raise SettingsError(problems)
        return cls(**values)  # type: ignore[arg-type]  # each parser returns its own field's type


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _sender(text: str) -> str:
    name, address = split_sender(text)
    sender = f"{name} <{normalise_address(address)}>" if name else normalise_address(address)
    if not check_sender(sender):
        raise ValueError("must be an address, as in events@example.org or Events <events@example.org>.")
    return sender


def _matching(pattern: str, expected: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {expected}.")
        return text

    return parse


def _set_of(parse: Callable[[str], str]) -> Callable[[str], frozenset[str]]:
    def parse_all(text: str) -> frozenset[str]:
        parts = text.replace(",", " ").split()
        if not parts:
            raise ValueError("must name at least one.")
        return frozenset(map(parse, parts))

    return parse_all


def _smtp_url(text: str) -> str:
    from event_registration.mailserver import MailServer  # no function needs it

    MailServer.from_url(text)
    return text


def _folder(text: str) -> Path:
    from pathlib import Path  # no function that only registers needs it

    return Path(text)


def _mails_per_day(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:5]) <= _MOST_MAILS):
        raise ValueError(f"must be a whole number from 1 to {_MOST_MAILS}.")
    return int(text)


def _one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(text: str) -> StrEnum:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"must be {' or '.join(kind)}.") from None

    return parse


_PARSERS: dict[str, Callable[[str], object]] = {
    "sender": _sender,
    "table": _matching(_TABLE, "a table's name: 3 to 255 letters, digits, or the signs . _ -"),
    "allowed_origins": _set_of(
        _matching(_ORIGIN, "exact origins as browsers send them, as in https://events.example.org (no * and no path)"),
    ),
    "events": _one_of(EventsMode),
    "event_ids": _set_of(_matching(_EVENT_ID, "event ids: letters, digits, or the signs . _ ~ -")),
    "on_duplicate": _one_of(OnDuplicate),
    "confirmation": _one_of(Confirmation),
    "mails_per_day": _mails_per_day,
    "configuration_set": _matching(_CONFIGURATION_SET, "a configuration set's name: letters, digits, - or _"),
    "link_keys": _matching(_SECRET, "the name or the ARN of a secret in Secrets Manager"),
    "manage_url": _matching(_PAGE, "a page's address without ? and #, as in https://events.example.org/manage.html"),
    "smtp_url": _smtp_url,
    "templates": _folder,
}
