"""The SMTP notifier keeps the contract."""

from email import message_from_bytes, policy

import pytest
from mailing import attachments_of, headers_of
from mailsink import CREDENTIALS, NOT_LOOPBACK, authority, certificate, sinking

from event_registration.local import SMTPNotifier
from event_registration.message import Message
from event_registration.testing import NotifierContract


def _read(envelope):
    mail = message_from_bytes(envelope.content, policy=policy.default)
    # RFC 2045, 6.8: mail ends its lines with CRLF, encoded ones too.
    bodies = {kind: mail.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html")}
    (recipient,) = envelope.rcpt_tos
    assert mail["To"] == recipient
    return Message(
        to=recipient,
        subject=mail["Subject"],
        text=bodies["plain"],
        html=bodies["html"],
        attachments=attachments_of(mail),
        reply_to=mail["Reply-To"],
        headers=headers_of(mail),
    )


@pytest.fixture(scope="module", params=["tls", "starttls"])
def server(request):
    """Run a server; return it, its address, and what trusts it."""
    issuer, trust = authority()
    with sinking(login=True, **{request.param: certificate(issuer, NOT_LOOPBACK)}) as (sink, port):
        scheme = {"tls": "smtps", "starttls": "smtp"}[request.param]
        yield sink, f"{scheme}://{CREDENTIALS}@{NOT_LOOPBACK}:{port}", trust


class TestSMTPNotifier(NotifierContract):
    """Mail over an encrypted connection to a server that wants a password."""

    @pytest.fixture
    def notifier(self, server):
        """Return one that trusts the server."""
        _, url, trust = server
        return SMTPNotifier(url, "Événements <events@example.org>", context=trust)

    @pytest.fixture
    def delivered(self, server):
        """Read what arrived during a test."""
        sink, _, _ = server
        before = len(sink.envelopes)
        return lambda: [_read(envelope) for envelope in sink.envelopes[before:]]

    @pytest.fixture
    def broken_notifier(self, server):
        """Return one that trusts the system's authorities, and so not the server."""
        _, url, _ = server
        return SMTPNotifier(url, "events@example.org")
