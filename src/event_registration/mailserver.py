"""A mail server as one address names it: where it is, how the way to it is kept secret, and who asks."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

__all__ = ["Encryption", "MailServer", "is_loopback"]

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
# RFC 8314: submission with TLS from the start, which is preferred, and with STARTTLS.
_PORTS = {"smtps": 465, "smtp": 587}
_EXPECTED = (
    "must be a mail server's address, as in smtps://user:password@mail.example.org or smtp://mail.example.org:587; "
    "in user and password the signs @ : / ? # % are written as %40 %3A %2F %3F %23 %25."
)


class Encryption(StrEnum):
    """How nobody on the way reads along."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@frozen(kw_only=True)
class MailServer:
    """
    A server that takes mail for others.

    Args:
        host: Its name or address.
        port: Its port.
        encryption: TLS from the start, TLS after STARTTLS, or none.
        user: Who asks; ``None`` if it takes mail of anyone who can reach it.
        password: What proves that.
    """

    host: str
    port: int
    encryption: Encryption
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> MailServer:
        """
        Read ``smtps://user:password@host:port`` or ``smtp://…``; all but the host may be left out.

        With ``smtps`` TLS begins at once (port 465). With ``smtp`` (port 587) it begins with STARTTLS, without which
        nothing is sent, unless the host is a loopback, where there is nobody to hide from.

        Raises:
            ValueError: It is none; the sentence repeats nothing of it.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:  # its message holds parts of the password
            raise ValueError(_EXPECTED) from None
        user, password = (None if text is None else unquote(text) for text in (parts.username, parts.password))
        if (
            parts.scheme not in _PORTS
            or not _HOST.fullmatch(host)
            or port == 0
            or parts.path not in {"", "/"}
            or any(sign in url for sign in "?#")
            or not _are_credentials(user, password)
        ):
            raise ValueError(_EXPECTED)
        if parts.scheme == "smtps":
            encryption = Encryption.TLS
        else:
            encryption = Encryption.NONE if is_loopback(host) else Encryption.STARTTLS
        return cls(host=host, port=port or _PORTS[parts.scheme], encryption=encryption, user=user, password=password)


def _are_credentials(user: str | None, password: str | None) -> bool:
    """Tell whether both are there, in signs that can be sent, or neither."""
    if user is None or password is None:
        return user is password
    return all(text and text.isascii() and text.isprintable() for text in (user, password))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches *host*; a name that could be anything is none."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
