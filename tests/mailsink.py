"""Mail servers for tests: one that keeps what it is given, and one that answers as it is told."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

USER, PASSWORD = "events@example.org", "p:a/s?s w@rd%"
# The same, as an address has them.
CREDENTIALS = "events%40example.org:p%3Aa%2Fs%3Fs%20w%40rd%25"
# Every address of this machine; to our rules it is no loopback, and yet it leads to one.
NOT_LOOPBACK = "0.0.0.0"


class Sink:
    """A handler of aiosmtpd's that keeps the envelopes, and counts who logged in."""

    def __init__(self, *, login: bool) -> None:
        self._login = login
        self.envelopes = []
        self.greeted_by = []
        self.logins = []

    async def handle_MAIL(self, _server, session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        """Take mail of who has logged in."""
        if self._login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 2.1.0 Fine"

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - aiosmtpd's name
        """Keep what arrived."""
        self.envelopes.append(envelope)
        self.greeted_by.append(session.host_name)
        return "250 2.0.0 Kept"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        """Let in who knows the password."""
        known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(known)
        return AuthResult(success=known, handled=False)


def authority():
    """Return an authority of our own, and what trusts it and nobody else."""
    issuer = trustme.CA()
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    issuer.configure_trust(trust)
    return issuer, trust


def certificate(issuer, *names):
    """Return what a server needs to be *names* to those who trust *issuer*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(*names).configure_cert(context)
    return context


@contextmanager
def sinking(*, tls=None, starttls=None, login=False, port=0) -> Iterator[tuple[Sink, int]]:
    """Run a sink on a port of 127.0.0.1 until the block ends; give it and its port."""
    sink = Sink(login=login)
    # It does not count TLS from the start as TLS.
    options = {"authenticator": sink.authenticate, "auth_require_tls": False} if login else {}
    if starttls:
        options |= {"tls_context": starttls, "require_starttls": True}
    port = port or _free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port, ssl_context=tls, **options)
    controller.start()
    try:
        yield sink, port
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Script(AbstractContextManager):
    """
    A server, until the block ends, that answers each command as it is told, and keeps them all.

    Args:
        replies: What it answers to a verb, to ``connect`` and to the ``.`` that ends a message; ``None`` hangs up,
            and nothing is said for an empty one.
        delays: How many seconds it takes to.
    """

    def __init__(self, replies: Mapping[str, bytes | None], delays: Mapping[str, float] | None = None) -> None:
        self._delays = delays or {}
        self._replies = {
            "connect": b"220 ready",
            "EHLO": b"250-mail.example.org\r\n250 AUTH PLAIN",
            "AUTH": b"235 2.7.0 welcome",
            "MAIL": b"250 2.1.0 fine",
            "RCPT": b"250 2.1.5 fine",
            "DATA": b"354 go on",
            ".": b"250 2.0.0 taken",
            "QUIT": b"221 2.0.0 bye",
        } | dict(replies)
        self.commands = []
        self.messages = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __exit__(self, *_error) -> None:
        """End it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines, suppress(OSError):
                self._talk(connection, lines)

    def _talk(self, connection, lines) -> None:
        if not self._answer(connection, "connect"):
            return
        while line := lines.readline():
            verb = line[:4].decode("latin-1").strip().upper()
            self.commands.append(line.decode("latin-1").strip())
            if not self._answer(connection, verb):
                return
            if verb == "DATA" and self._replies["DATA"].startswith(b"354"):
                message = b""
                while not message.endswith(b"\r\n.\r\n"):
                    line = lines.readline()
                    if not line:
                        return
                    message += line
                self.messages.append(message)
                if not self._answer(connection, "."):
                    return
            if verb == "QUIT" and self._replies["QUIT"]:
                return

    def _answer(self, connection, verb) -> bool:
        """Send the reply; tell whether to go on."""
        time.sleep(self._delays.get(verb, 0))
        reply = self._replies.get(verb, b"502 5.5.2 unknown")
        if reply is None:
            return False
        try:
            connection.sendall(reply + b"\r\n" if reply else b"")
        except OSError:
            return False
        return True
