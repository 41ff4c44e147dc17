"""Mail through a mail server, by SMTP with TLS."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, cast

from event_registration.clock import utc_now
from event_registration.errors import (
    NotifierError,
    PermanentNotifierError,
    ThrottledNotifierError,
    TransientNotifierError,
)
from event_registration.local.mime import SENDABLE, address_of, mail_of
from event_registration.mailserver import Encryption, MailServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from socket import socket

    from event_registration.message import Message
    from event_registration.ports import Clock

__all__ = ["SMTPNotifier"]

_Reply = tuple[int, bytes]

# RFC 5321, 4.2.1
_DONE, _GO_ON, _REFUSED = range(200, 300), range(354, 355), range(500, 600)
# RFC 3463: a status of its own before a reply's text, whose second part tells whom it is about.
_STATUS = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?= |$)")
_ABOUT_MAILBOX = "4.2."
# RFC 5321, 4.2.2: too busy and out of room.
_THROTTLED = {421, 452}
# "Errors related to the sending quotas for your Amazon SES account"; other servers use 454 for what they can't do now.
_SES_THROTTLED = b"Throttling failure"
# RFC 4954, section 6: authentication required, mechanism too weak, wrong, or only with encryption.
_NOT_AUTHENTICATED = {530, 534, 535, 538}
_SECONDS_TO_PART = 1.0


class SMTPNotifier:
    """
    A `Notifier` that hands each message to a mail server, in a connection of its own.

    Args:
        url: The server, as `MailServer.from_url` reads it.
        sender: The address that mail comes from, bare or as ``Name <address>``.
        context: Decides which certificates are good; without one, the system's authorities do.
        timeout: How many seconds the server may take for each step.
        patience: The same for taking the message itself, which many look through before they answer; giving up then
            may send it twice.
        seconds: How many seconds it may take in all, since the claim on a mail ends (see `Relay`); the message is not
            begun if it might take longer.
        clock: Tells the ``Date``.
        monotonic: Tells seconds, as `time.monotonic` does.

    Raises:
        ValueError: The url is none.
    """

    def __init__(  # noqa: PLR0913 - all keyword-only but the two that are needed
        self,
        url: str,
        sender: str,
        *,
        context: ssl.SSLContext | None = None,
        timeout: float = 10,
        patience: float = 60,
        seconds: float = 85,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = MailServer.from_url(url)
        self._sender = address_of(sender)
        self._context = context or ssl.create_default_context()
        self._timeout = timeout
        self._patience = patience
        self._seconds = seconds
        self._clock = clock
        self._monotonic = monotonic

    def send(self, message: Message) -> None:
        """
        Hand *message* to the server for its one recipient.

        Raises:
            ThrottledNotifierError: The server is too busy, or the account's quota is used up.
            TransientNotifierError: The server refused for now, can't be reached, is too slow, has no good certificate,
                refused user, password or sender, which someone has to mend, or its answer got lost; in the last case
                the mail may have gone.
            PermanentNotifierError: The server refused the recipient or the message.
        """
        begin_by = self._monotonic() + self._seconds - self._patience
        octets = bytes(mail_of(message, self._sender, self._clock(), policy=SENDABLE))
        with _telling("The mail server can't be reached"):
            client = self._connect()
        with closing(client):
            with _telling("The mail server does not let us in"):
                self._enter(client)
            with _telling("The mail server's answer got lost", ambiguous=True):
                self._hand_over(client, message.to, octets, begin_by)
            # It has the message; how it takes leave changes nothing.
            with suppress(smtplib.SMTPException):
                client.quit()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        # Our name is the sender's domain: looking for this machine's own asks the network, and tells it to strangers.
        if server.encryption is Encryption.TLS:
            return smtplib.SMTP_SSL(
                server.host, server.port, self._sender.domain, timeout=self._timeout, context=self._context
            )
        return smtplib.SMTP(server.host, server.port, self._sender.domain, timeout=self._timeout)

    def _enter(self, client: smtplib.SMTP) -> None:
        """Encrypt and log in, as far as the server's address demands."""
        client.ehlo_or_helo_if_needed()
        if self._server.encryption is Encryption.STARTTLS:
            if not client.has_extn("starttls"):
                raise TransientNotifierError("The mail server offers no STARTTLS, and nothing was sent without it.")
            client.starttls(context=self._context)
            client.ehlo_or_helo_if_needed()
        if self._server.user is not None and self._server.password is not None:
            if not client.has_extn("auth"):
                raise TransientNotifierError("The mail server takes no user and password.")
            client.login(self._server.user, self._server.password)

    def _hand_over(self, client: smtplib.SMTP, recipient: str, octets: bytes, begin_by: float) -> None:
        _expect(client.mail(self._sender.addr_spec), "the sender")
        _expect(client.rcpt(recipient), "the recipient", refusal=PermanentNotifierError)
        _expect(client.docmd("DATA"), "the message", refusal=PermanentNotifierError, good=_GO_ON)
        if self._monotonic() > begin_by:
            raise TransientNotifierError("The mail server is too slow for now; it did not get the message.")
        connection = cast("socket", client.sock)
        connection.settimeout(self._patience)
        # RFC 5321, 4.5.2: a line of a dot ends the message, and a dot more says that one doesn't.
        give_up_at = begin_by + self._patience
        client.send(re.sub(rb"^\.", b"..", octets, flags=re.MULTILINE) + b".\r\n")
        connection.settimeout(min(self._patience, max(1.0, give_up_at - self._monotonic())))
        _expect(client.getreply(), "the message", refusal=PermanentNotifierError)
        connection.settimeout(_SECONDS_TO_PART)


def _expect(
    reply: _Reply, what: str, *, refusal: type[NotifierError] = TransientNotifierError, good: range = _DONE
) -> None:
    """Raise what *reply* means unless it is *good*; *refusal* if it refuses *what* for good."""
    code, text = reply
    if code in good:
        return
    if error := _trouble(code, text):
        raise error
    if code in _REFUSED:
        raise refusal(f"The mail server refused {what} ({_codes(code, text)}).")
    raise TransientNotifierError(f"The mail server refused {what} for now ({_codes(code, text)}).")


def _trouble(code: int, text: bytes) -> NotifierError | None:
    """Return the error of a reply that is about neither sender, recipient nor message."""
    codes = _codes(code, text)
    if code in _NOT_AUTHENTICATED:
        return TransientNotifierError(f"The mail server refused user or password; mend its address ({codes}).")
    if _SES_THROTTLED in text or (code in _THROTTLED and _ABOUT_MAILBOX not in codes):
        return ThrottledNotifierError(f"The mail server takes no more for now ({codes}).")
    return None


def _codes(code: int, text: bytes) -> str:
    """Return the numbers of a reply; its text may repeat an address."""
    status = _STATUS.match(text)
    return f"{code} {status[0].decode()}" if status else f"{code}"


def _octets(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode(errors="replace")


@contextmanager
def _telling(what: str, *, ambiguous: bool = False) -> Iterator[None]:
    """
    Tell of a step that failed for a reason other than the message, which may be taken all the same if *ambiguous*.

    Raises:
        TransientNotifierError: What passes, or what an operator can mend.
    """
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        raise TransientNotifierError(f"The mail server's certificate is not good ({reason}).") from error
    except smtplib.SMTPResponseException as error:
        text = _octets(error.smtp_error)
        trouble = _trouble(error.smtp_code, text)
        raise trouble or TransientNotifierError(f"{what} ({_codes(error.smtp_code, text)}).") from error
    except TransientNotifierError:
        raise
    except (smtplib.SMTPException, OSError) as error:
        raise TransientNotifierError(f"{what} ({type(error).__name__}).", ambiguous=ambiguous) from error
