"""The SMTP notifier: what it sends to whom, over which ways only, and what it makes of every failure."""

import re
import socket
import time
import traceback
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mailsink import CREDENTIALS, NOT_LOOPBACK, PASSWORD, Script, authority, certificate, sinking

from event_registration.confirmation import render
from event_registration.errors import (
    NotifierError,
    PermanentNotifierError,
    ThrottledNotifierError,
    TransientNotifierError,
)
from event_registration.local import SMTPNotifier
from event_registration.message import Message
from event_registration.testing import ManualClock, make_registration

SENDER = "Événements <events@fete.example>"
MESSAGE = Message(
    to="ada@example.org",
    subject="Fête 🎉",
    text="Hello.\n",
    html="<p>Hello.</p>\n",
    reply_to="orga@example.org",
    headers={"Auto-Submitted": "auto-generated", "List-Id": '"fete" <fete.fete.example>'},
)

GOLDEN = """\
Date: Sun, 01 Mar 2026 14:00:00 +0200
From: =?utf-8?q?=C3=89v=C3=A9nements?= <events@fete.example>
To: ada@example.org
Subject: =?utf-8?b?RsOqdGUg8J+OiQ==?=
Message-ID: <UNIQUE@fete.example>
Reply-To: orga@example.org
Auto-Submitted: auto-generated
List-Id: "fete" <fete.fete.example>
MIME-Version: 1.0
Content-Type: multipart/alternative;
 boundary="BOUNDARY"

--BOUNDARY
Content-Type: text/plain; charset="utf-8"
Content-Transfer-Encoding: 7bit

Hello.

--BOUNDARY
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: 7bit
MIME-Version: 1.0

<p>Hello.</p>

--BOUNDARY--
"""
HEADERS = ["Date", "From", "To", "Subject", "Message-ID", "Reply-To", "X-Any", "MIME-Version", "Content-Type"]


@pytest.fixture(scope="module")
def sink():
    """Run a sink without TLS or password; return it and its address."""
    with sinking() as (sink, port):
        yield sink, f"smtp://127.0.0.1:{port}"


def _send(script, message=MESSAGE, **options):
    """Send *message* to a scripted server on a loopback, logging in."""
    notifier = SMTPNotifier(f"smtp://{CREDENTIALS}@127.0.0.1:{script.port}", SENDER, timeout=5, **options)
    notifier.send(message)


def test_what_arrives(sink):
    """The mail is, octet for octet, the expected one."""
    server, url = sink
    clock = ManualClock(datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2))))

    SMTPNotifier(url, SENDER, clock=clock).send(MESSAGE)

    content = server.envelopes[-1].content.decode("ascii").replace("\r\n", "\n")
    boundary = re.search('boundary="(.+)"', content)[1]
    content = re.sub("(?<=Message-ID: <)[0-9.]+(?=@)", "UNIQUE", content.replace(boundary, "BOUNDARY"))
    assert content == GOLDEN


def test_the_envelope(sink):
    """The server gets the sender's bare address, exactly one recipient, and no name of this machine."""
    server, url = sink

    SMTPNotifier(url, SENDER).send(MESSAGE)

    envelope = server.envelopes[-1]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("events@fete.example", ["ada@example.org"])
    assert server.greeted_by[-1] == "fete.example"


def test_every_mail_has_an_id_of_its_own(sink):
    """Two mails are two to every mail program, though they say the same."""
    server, url = sink

    for _ in range(2):
        SMTPNotifier(url, SENDER).send(MESSAGE)

    ids = [message_from_bytes(each.content)["Message-ID"] for each in server.envelopes[-2:]]
    assert ids[0] != ids[1]


lines = st.lists(
    st.sampled_from([".", "..", "\r", "\n", "\r\n", "\r\n.\r\n", "\n.\n", "\r.\r", "QUIT\r\n", "Bcc: eve@example.org"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    max_size=12,
).map("".join)


addresses = st.just("orga@example.org") | st.emails() | lines
headers = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1).map(str.strip) | lines


@given(subject=st.text(max_size=120), text=lines, html=lines, reply_to=addresses, header=headers)
@settings(deadline=None)
def test_nothing_is_injected(sink, subject, text, html, reply_to, header):
    """
    Whatever a mail says, there is one mail to one recipient with the same headers, and it ends where it should.

    Its octets are ASCII in lines that every server takes, without a lone CR or LF, which servers disagree about.
    """
    server, url = sink
    try:
        message = Message(
            to="ada@example.org", subject=subject, text=text, html=html, reply_to=reply_to, headers={"X-Any": header}
        )
    except ValueError:
        return
    before = len(server.envelopes)

    SMTPNotifier(url, SENDER).send(message)

    (envelope,) = server.envelopes[before:]
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert envelope.rcpt_tos == ["ada@example.org"]
    assert mail.keys() == HEADERS
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert envelope.content.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", envelope.content)
    # RFC 5322, 2.1.1, allows 998; an address, which can't be folded, takes up to 254.
    assert max(len(line) for line in envelope.content.split(b"\r\n") if reply_to.encode() not in line) <= 100
    assert max(map(len, envelope.content.split(b"\r\n"))) <= 998
    assert mail["Subject"].split() == subject.split()
    assert (mail["Reply-To"], mail["X-Any"]) == (reply_to, header)
    assert _lines(mail.get_body(("plain",)).get_content()) == _lines(text)
    assert _lines(mail.get_body(("html",)).get_content()) == _lines(html)


def _lines(text):
    """Return the lines of *text* as mail has them: CR, LF and both end one, and the last one is ended."""
    return re.sub("\r\n?", "\n", text).removesuffix("\n").split("\n")


def test_a_confirmation_arrives(sink):
    """What the service renders arrives with all its lines."""
    server, url = sink
    message = render(make_registration(event_name="夏祭り", attendee_name="山田 太郎"))

    SMTPNotifier(url, SENDER).send(message)

    mail = message_from_bytes(server.envelopes[-1].content, policy=policy.default)
    assert mail["Subject"] == message.subject
    assert mail.get_body(("html",)).get_content().splitlines() == message.html.splitlines()


REPLIES = [
    # RFC 5321, 4.2.2 and 4.3.2: for now
    ("connect", b"421 too many", ThrottledNotifierError, "421"),
    ("EHLO", b"421 4.3.2 shutting down", ThrottledNotifierError, "421 4.3.2"),
    ("MAIL", b"421 4.7.0 slow down", ThrottledNotifierError, "421 4.7.0"),
    ("MAIL", b"452 4.3.1 no room", ThrottledNotifierError, "452 4.3.1"),
    ("RCPT", b"452 4.5.3 too many", ThrottledNotifierError, "452 4.5.3"),
    ("RCPT", b"452 too many", ThrottledNotifierError, "452"),
    ("DATA", b"421 4.3.2 shutting down", ThrottledNotifierError, "421 4.3.2"),
    (".", b"452 4.3.1 no room", ThrottledNotifierError, "452 4.3.1"),
    # "Errors related to the sending quotas for your Amazon SES account"
    (".", b"454 Throttling failure: Maximum sending rate exceeded.", ThrottledNotifierError, "454"),
    ("MAIL", b"454 Throttling failure: Daily message quota exceeded.", ThrottledNotifierError, "454"),
    # This recipient's own trouble
    ("RCPT", b"450 4.2.0 ada@example.org greylisted", TransientNotifierError, "450 4.2.0"),
    ("RCPT", b"451 try again", TransientNotifierError, "451"),
    ("RCPT", b"452 4.2.2 ada@example.org is full", TransientNotifierError, "452 4.2.2"),
    (".", b"451 4.3.0 busy", TransientNotifierError, "451 4.3.0"),
    ("RCPT", b"550 5.1.1 no ada@example.org here", PermanentNotifierError, "550 5.1.1"),
    ("RCPT", b"553 what is ada@example.org", PermanentNotifierError, "553"),
    ("DATA", b"554 5.5.1 no valid recipients", PermanentNotifierError, "554 5.5.1"),
    (".", b"554 5.6.0 rejected: ada@example.org", PermanentNotifierError, "554 5.6.0"),
    (".", b"552 5.3.4 too big", PermanentNotifierError, "552 5.3.4"),
    # An operator's to mend, which a mail must survive: RFC 4954, 4 and 6, and the sender, the same in all mails
    ("connect", b"554 no service", TransientNotifierError, "554"),
    ("EHLO", b"550 who are you", TransientNotifierError, "550"),
    ("AUTH", b"535 5.7.8 wrong", TransientNotifierError, "535 5.7.8"),
    ("AUTH", b"534 5.7.9 too weak", TransientNotifierError, "534 5.7.9"),
    ("AUTH", b"454 4.7.0 later", TransientNotifierError, "454 4.7.0"),
    ("MAIL", b"530 5.7.0 log in first", TransientNotifierError, "530 5.7.0"),
    ("RCPT", b"530 5.7.0 log in first", TransientNotifierError, "530 5.7.0"),
    ("MAIL", b"553 5.7.1 not your address", TransientNotifierError, "553 5.7.1"),
    # What is no answer
    ("MAIL", b"hello", TransientNotifierError, "-1"),
    ("RCPT", b"250" + b"x" * 10_000, TransientNotifierError, "500"),
    (".", b"199 what", TransientNotifierError, "199"),
]


@pytest.mark.parametrize(("step", "reply", "kind", "told"), REPLIES, ids=[f"{s} {r[:12]!r}" for s, r, *_ in REPLIES])
def test_refusal(step, reply, kind, told):
    """Each reply at each step is what it means for the mail, told by its numbers and without its text."""
    with (
        Script({"HELO": b"502 no", step: reply} | ({"HELO": reply} if step == "EHLO" else {})) as script,
        pytest.raises(NotifierError) as caught,
    ):
        _send(script)

    assert type(caught.value) is kind
    assert f"({told})" in str(caught.value)
    assert "ada" not in str(caught.value)


STEPS = ["connect", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."]


@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_hangs_up(step):
    """Wherever the connection ends, a later attempt may succeed: after the message, it may have gone."""
    with Script({step: None}) as script, pytest.raises(TransientNotifierError) as caught:
        _send(script)

    assert type(caught.value) is TransientNotifierError
    assert "SMTPServerDisconnected" in str(caught.value)


@pytest.mark.parametrize("step", STEPS)
def test_a_server_that_says_nothing(step):
    """A server that stops answering is given up in time."""
    with Script({step: b""}) as script:
        notifier = SMTPNotifier(f"smtp://{CREDENTIALS}@127.0.0.1:{script.port}", SENDER, timeout=0.2, patience=0.3)
        started = time.monotonic()
        with pytest.raises(TransientNotifierError):
            notifier.send(MESSAGE)

        assert time.monotonic() - started < 3


def test_a_server_that_looks_at_the_message():
    """Taking the message may last longer than any other step: whoever gave up would send it twice."""
    with Script({}, delays={".": 0.6}) as script:
        SMTPNotifier(f"smtp://127.0.0.1:{script.port}", SENDER, timeout=0.2, patience=5).send(MESSAGE)

        assert len(script.messages) == 1


def test_a_server_that_is_slow_at_everything():
    """What can't be over in time is not begun: the mail's claim might end, and somebody else send it too."""
    with Script({}, delays={"RCPT": 0.3}) as script:
        notifier = SMTPNotifier(f"smtp://127.0.0.1:{script.port}", SENDER, timeout=5, patience=1, seconds=1.2)
        with pytest.raises(TransientNotifierError, match="too slow"):
            notifier.send(MESSAGE)

    assert not any(script.messages)


@pytest.mark.parametrize("reply", [None, b"", b"500 never"], ids=["hangs up", "says nothing", "refuses"])
def test_a_server_that_takes_no_leave(reply):
    """Once the message is taken it is handed over, however the conversation ends, and soon."""
    with Script({"QUIT": reply}) as script:
        started = time.monotonic()
        SMTPNotifier(f"smtp://127.0.0.1:{script.port}", SENDER, timeout=0.2).send(MESSAGE)

        assert len(script.messages) == 1
        assert time.monotonic() - started < 3


def test_nobody_there():
    """A server that is down is a matter of time."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        notifier = SMTPNotifier(f"smtp://127.0.0.1:{nobody.getsockname()[1]}", SENDER)

        with pytest.raises(TransientNotifierError, match=r"can't be reached \(ConnectionRefusedError\)"):
            notifier.send(MESSAGE)


def test_no_such_name():
    """So is a name that can't be looked up."""
    with pytest.raises(TransientNotifierError, match=r"can't be reached \(gaierror\)"):
        SMTPNotifier("smtps://mail.invalid", SENDER).send(MESSAGE)


def test_no_encryption_on_offer():
    """Without STARTTLS nothing is sent to another machine, neither password nor mail."""
    with Script({}) as script, pytest.raises(TransientNotifierError, match="offers no STARTTLS"):
        SMTPNotifier(f"smtp://{CREDENTIALS}@{NOT_LOOPBACK}:{script.port}", SENDER).send(MESSAGE)

    assert script.commands == ["ehlo fete.example"]


def test_no_encryption_after_all():
    """A server that refuses the STARTTLS that it offered gets nothing either."""
    replies = {
        "EHLO": b"250-mail.example.org\r\n250-STARTTLS\r\n250 AUTH PLAIN",
        "STAR": b"454 4.7.0 TLS not available",
    }
    with Script(replies) as script, pytest.raises(TransientNotifierError, match=r"does not let us in \(454 4.7.0\)"):
        SMTPNotifier(f"smtp://{CREDENTIALS}@{NOT_LOOPBACK}:{script.port}", SENDER).send(MESSAGE)

    assert script.commands == ["ehlo fete.example", "STARTTLS"]


@pytest.mark.parametrize("way", ["tls", "starttls"])
@pytest.mark.parametrize("fault", ["another name", "another authority", "no authority of the system's"])
def test_another_server(way, fault):
    """A server that can't prove its name, to who trusts one authority or the system's, gets nothing at all."""
    issuer, trust = authority()
    context = certificate(issuer, "mail.example.org" if fault == "another name" else NOT_LOOPBACK)
    if fault == "another authority":
        _, trust = authority()
    elif fault == "no authority of the system's":
        trust = None
    scheme = {"tls": "smtps", "starttls": "smtp"}[way]

    with sinking(login=True, **{way: context}) as (sink, port):
        notifier = SMTPNotifier(f"{scheme}://{CREDENTIALS}@{NOT_LOOPBACK}:{port}", SENDER, context=trust)
        with pytest.raises(TransientNotifierError, match="certificate is not good"):
            notifier.send(MESSAGE)

    assert (sink.logins, sink.envelopes) == ([], [])


def test_no_tls_where_it_should_begin():
    """A server that speaks no TLS on a port that should gets nothing."""
    with Script({}) as script, pytest.raises(TransientNotifierError, match="can't be reached"):
        SMTPNotifier(f"smtps://{CREDENTIALS}@127.0.0.1:{script.port}", SENDER, timeout=2).send(MESSAGE)

    assert not any("AUTH" in command for command in script.commands)


def test_a_wrong_password():
    """A wrong password says what to mend and fails no mail for good."""
    with sinking(login=True) as (server, port):
        notifier = SMTPNotifier(f"smtp://ada:xyzzy@127.0.0.1:{port}", SENDER)
        with pytest.raises(TransientNotifierError, match="refused user or password; mend its address") as caught:
            notifier.send(MESSAGE)

    assert type(caught.value) is TransientNotifierError
    assert server.envelopes == []
    assert set(server.logins) == {False}


def test_a_missing_password():
    """So does a server that wants one and is told none."""
    with sinking(login=True) as (server, port):
        with pytest.raises(TransientNotifierError, match="refused user or password; mend its address"):
            SMTPNotifier(f"smtp://127.0.0.1:{port}", SENDER).send(MESSAGE)

        assert server.envelopes == []


def test_a_password_nobody_wants():
    """A server that takes no password is not the one that was meant: it gets no mail."""
    with Script({"EHLO": b"250 mail.example.org"}) as script:
        with pytest.raises(TransientNotifierError, match="takes no user and password"):
            _send(script)

        assert script.commands == ["ehlo fete.example"]


def test_a_way_to_log_in_that_we_do_not_know():
    """So is one that wants to know who we are in other ways only."""
    with (
        Script({"EHLO": b"250-mail.example.org\r\n250 AUTH XOAUTH2"}) as script,
        pytest.raises(TransientNotifierError, match=r"does not let us in \(SMTPException\)"),
    ):
        _send(script)


@pytest.mark.parametrize("step", STEPS)
def test_tells_no_secret(step):
    """Neither the notifier nor any error with all its causes tells the password or the recipient."""
    with Script({step: b"550 no"}) as script:
        notifier = SMTPNotifier(f"smtp://{CREDENTIALS}@127.0.0.1:{script.port}", SENDER, timeout=5)
        with pytest.raises(NotifierError) as caught:
            notifier.send(MESSAGE)

    told = "".join(traceback.format_exception(caught.value)) + repr(notifier) + repr(vars(notifier))
    assert not any(secret in told for secret in (PASSWORD, CREDENTIALS, MESSAGE.to))


def test_one_attempt():
    """A message that was refused for now is not tried again: that is the service's to decide."""
    with Script({"RCPT": b"451 4.3.0 later"}) as script:
        with pytest.raises(TransientNotifierError):
            _send(script)

        assert [command[:4].upper() for command in script.commands] == ["EHLO", "AUTH", "MAIL", "RCPT"]


def test_a_wrong_address():
    """A notifier of an address that leads nowhere can't be made."""
    with pytest.raises(ValueError, match="must be a mail server's address"):
        SMTPNotifier("https://mail.example.org", SENDER)
