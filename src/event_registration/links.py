"""
Signed links that tell who may look at a registration and cancel it, and nobody else can make.

A token is ``v1.<key id>.<payload>.<mac>``. The payload is JSON in base64url; the mac is HMAC-SHA256 (RFC 2104) over all
that stands before it, in base64url without padding (RFC 4648, section 5). It is compared as it is written, octet by
octet in constant time, so that of each token there is one spelling. A token says nothing that must be kept secret but
itself: whoever has it may cancel.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from attrs import astuple, frozen

from event_registration.errors import InvalidLinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from event_registration.event import Event

__all__ = ["Keyring", "Keys", "Link", "Links", "end_of_links"]

_LASTS = timedelta(days=30)

_CURRENT = "current"
_KEY_ID = re.compile(r"(?!current$)[A-Za-z0-9]{1,16}")
# At least as many bits as the hash has, whichever printable signs the key is made of ("HMAC", RFC 2104, section 3).
_KEY = re.compile(r"[!-~]{32,128}")
_MOST_KEYS = 2
_TOKEN = re.compile(r"(v1\.([A-Za-z0-9]{1,16})\.([A-Za-z0-9_-]{1,4096}))\.([A-Za-z0-9_-]{43})", re.ASCII)
_MANAGE = "manage"


def end_of_links(event: Event) -> datetime:
    """Return until when the links in mails about an event are good."""
    return event.ends_at + _LASTS


@frozen(repr=False)
class Keyring:
    """
    The keys that links are signed and verified with, at most two: the one that signs, and the one before it.

    Args:
        current: The id of the key that signs, 1 to 16 letters and digits.
        keys: Each live key by its id: 32 to 128 printable ASCII characters without spaces, chosen at random.

    Raises:
        ValueError: These can't be keys. The message holds none.
    """

    current: str
    keys: Mapping[str, str]

    def __attrs_post_init__(self) -> None:
        """Refuse what can't be keys."""
        if self.current not in self.keys or len(self.keys) > _MOST_KEYS:
            raise ValueError("There must be a current key, and at most one besides.")
        for key_id, key in self.keys.items():
            if not (_KEY_ID.fullmatch(key_id) and isinstance(key, str) and _KEY.fullmatch(key)):
                raise ValueError("A key has an id of letters and digits, and 32 to 128 printable ASCII characters.")

    @classmethod
    def from_text(cls, text: str) -> Keyring:
        """
        Read ``{"current": "k2", "k2": "...", "k1": "..."}``.

        Raises:
            ValueError: It is none. The message holds no key.
        """
        try:
            keys = json.loads(text)
        except ValueError:
            keys = None
        if not (isinstance(keys, dict) and isinstance(keys.get(_CURRENT), str)):
            raise ValueError(  # noqa: TRY004 - whatever it is, its text is wrong
                "The keys must be a JSON object whose member current names one of the others."
            ) from None
        return cls(keys.pop(_CURRENT), keys)

    def to_text(self) -> str:
        """Return what `from_text` reads."""
        return json.dumps({_CURRENT: self.current, **self.keys})

    def rotated(self, key_id: str, key: str) -> Keyring:
        """Return the ring whose current key is the new *key*; of the others the one that was current stays."""
        return Keyring(key_id, {key_id: key, self.current: self.keys[self.current]})


class Keys(Protocol):
    """Tells the keys."""

    def __call__(self, key_id: str | None = None) -> Keyring:
        """
        Return the keys.

        Args:
            key_id: A key that a link names, and that is perhaps newer than what is remembered.

        Raises:
            RepositoryUnavailableError: Not now.
            RepositoryError: Someone has to mend the keys first.
        """


@frozen
class Link:
    """
    What a link says.

    Args:
        event_id: The event.
        digest: The person's key in the repository.
        generation: The registration's ``link_generation`` when the link was made.
        expires_at: Until when it is good, in whole seconds since 1970.
        purpose: What it is good for.
    """

    event_id: str
    digest: str
    generation: int
    expires_at: int
    purpose: str = _MANAGE


class Links:
    """
    Signs links and reads them back.

    Args:
        keys: Tells the keys.
        page: The address of the page that a link leads to.
    """

    def __init__(self, keys: Keys, page: str) -> None:
        self._keys = keys
        self._page = page

    def address_of(self, link: Link, *, language: str | None = None) -> str:
        """
        Return *link* as an address; the token is in its fragment, which browsers send to no server.

        Args:
            link: Whose registration it is about, and until when.
            language: The tag of the language that the page is to be in; ``None`` leaves that to the browser.

        Raises:
            RepositoryError: The keys can't be read.
        """
        query = f"?lang={language}" if language else ""
        return f"{self._page}{query}#{self.sign(link)}"

    def sign(self, link: Link) -> str:
        """
        Return the token of *link*.

        Raises:
            RepositoryError: The keys can't be read.
        """
        ring = self._keys()
        payload = json.dumps(astuple(link), separators=(",", ":")).encode()
        signed = f"v1.{ring.current}.{_base64(payload)}"
        return f"{signed}.{_mac(ring.keys[ring.current], signed)}"

    def read(
        self,
        token: object,
        now: datetime,
        *,
        purpose: str = _MANAGE,
        good_until: Callable[[Link], datetime] | None = None,
    ) -> Link:
        """
        Return what *token* says, if it was signed with a live key, for this purpose, and has not expired.

        Args:
            token: What the link's fragment holds, whatever it is.
            now: The present.
            purpose: What the link must be good for.
            good_until: Tells until when a link is good at least, where that may have become later than it says itself.
                It is asked only about links that we have signed.

        Raises:
            InvalidLinkError: It is not so. Whatever the reason, the error is the same.
            RepositoryError: The keys can't be read.
        """
        parts = _TOKEN.fullmatch(token) if isinstance(token, str) else None
        if parts is None:
            raise _invalid()
        signed, key_id, payload, mac = parts.groups()
        key = self._keys(key_id).keys.get(key_id)
        if key is None or not hmac.compare_digest(_mac(key, signed).encode(), mac.encode()):
            raise _invalid()
        # What comes from here on is our own writing.
        link = Link(*json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
        is_over = link.expires_at <= now.timestamp()
        if link.purpose != purpose or (is_over and not (good_until and good_until(link) > now)):
            raise _invalid()
        return link


def _invalid() -> InvalidLinkError:
    return InvalidLinkError("This link is not valid, or not any more.")


def _mac(key: str, signed: str) -> str:
    return _base64(hmac.digest(key.encode(), signed.encode(), hashlib.sha256))


def _base64(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode()
