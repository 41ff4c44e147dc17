"""`serve` with a mail server: real mail, links that lead here from elsewhere, nothing lost while the server is down."""

import os
import socket
import subprocess
import sys
import time
from email import message_from_bytes, policy

import pytest
from icalendar import Calendar
from mailing import attachments_of
from mailsink import CREDENTIALS, PASSWORD, sinking
from serving import ADA, serving

PAGE = "https://events.example.org/manage.html"


def _environ(port, **more):
    """Return what an operator sets to mail through a server that wants a password."""
    return {
        "EVENT_REGISTRATION_SMTP_URL": f"smtp://{CREDENTIALS}@127.0.0.1:{port}",
        "EVENT_REGISTRATION_SENDER": "Fête <fete@example.org>",
        "EVENT_REGISTRATION_MANAGE_URL": PAGE,
        **more,
    }


def _arrived(sink, count, *, seconds):
    """Wait until *count* mails are there, and a moment for more; return the recipients."""
    end = time.monotonic() + seconds
    while len(sink.envelopes) < count and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    return [recipient for envelope in sink.envelopes for recipient in envelope.rcpt_tos]


def test_mails_for_real(tmp_path):
    """A registration's mail is at the mail server within five seconds, and not in the folder nor on a page."""
    with sinking(login=True) as (sink, port), serving(tmp_path, **_environ(port)) as server:
        status, _, _ = server.request(body=ADA)
        recipients = _arrived(sink, 1, seconds=5)
        shown, _, _ = server.request("/mailbox")

        mail = message_from_bytes(sink.envelopes[0].content, policy=policy.default)
        assert (status, recipients, shown) == (201, ["ada@example.org"], 404)
        assert mail["From"] == "Fête <fete@example.org>"
        assert f"Mail     smtp 127.0.0.1:{port}\n" in server.announced
        assert not (tmp_path / "mailbox").exists()


def test_mails_links_that_lead_here(tmp_path):
    """The link in a mail about an event that is set up leads to the page that the operator has named."""
    with sinking(login=True) as (sink, port), serving(tmp_path, "--demo", **_environ(port)) as server:
        server.request(body={"eventid": "demo-meetup", "cname": "Ada", "cemail": "ada@example.org"})
        _arrived(sink, 1, seconds=5)

        mail = message_from_bytes(sink.envelopes[-1].content, policy=policy.default)
        assert f"{PAGE}#" in mail.get_body(("plain",)).get_content()


def test_mails_calendar_entries(tmp_path):
    """A mail about a seat has the event for the calendar with it, as the mail server got it."""
    with sinking(login=True) as (sink, port), serving(tmp_path, "--demo", **_environ(port)) as server:
        server.request(body={"eventid": "demo-meetup", "cname": "Ada", "cemail": "ada@example.org"})
        _arrived(sink, 1, seconds=5)

        mail = message_from_bytes(sink.envelopes[-1].content, policy=policy.default)
        (entry,) = attachments_of(mail)
        (event,) = Calendar.from_ical(entry.content).walk("VEVENT")
        assert mail.get_content_type() == "multipart/mixed"
        assert entry.media_type == "text/calendar; method=REQUEST; charset=utf-8"
        assert event["UID"].endswith("@example.org")
        assert event["ORGANIZER"] == "mailto:organiser@example.org"
        assert event["ATTENDEE"] == "mailto:ada@example.org"


def test_behind_a_proxy(tmp_path):
    """A page under the name that a proxy passes on may post."""
    with sinking(login=True) as (_, port), serving(tmp_path, **_environ(port)) as server:
        names = {"Host": "events.example.org", "Origin": "https://events.example.org"}
        status, _, _ = server.request(body=ADA, headers=names)

        assert status == 201


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"EVENT_REGISTRATION_SENDER": ""}, "EVENT_REGISTRATION_SENDER: is missing"),
        ({"EVENT_REGISTRATION_MANAGE_URL": ""}, "EVENT_REGISTRATION_MANAGE_URL: is missing"),
        (
            {"EVENT_REGISTRATION_SMTP_URL": f"smtps://ada:{PASSWORD}@mail.example.org"},
            "must be a mail server's address",
        ),
    ],
    ids=["sender", "page", "mail server"],
)
def test_starts_only_with_what_mail_needs(tmp_path, changes, told):
    """Without a sender or a page that links lead to no real mail is sent; the password is not told."""
    result = subprocess.run(
        [sys.executable, "-m", "event_registration", "serve", "--port", "0", "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=os.environ | _environ(25) | changes,
    )

    assert result.returncode == 1
    assert told in result.stderr
    assert PASSWORD not in result.stderr
    assert not (tmp_path / "data").exists()


def _free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.proof
def test_loses_nothing_while_the_mail_server_is_down(tmp_path):
    """
    While the mail server is down people are registered all the same, also over a restart.

    When it is back, each gets one mail, within a minute and some seconds, and the log has told of the trouble, but not
    of the password or the people.
    """
    port = _free_port()
    people = [f"ada{number}@example.org" for number in range(5)]

    with serving(tmp_path, **_environ(port)) as server:
        first = [server.request(body=ADA | {"cemail": address})[0] for address in people[:3]]
        time.sleep(3)
        server.process.terminate()
        _, log = server.process.communicate(timeout=20)
    with serving(tmp_path, **_environ(port)) as server:
        rest = [server.request(body=ADA | {"cemail": address})[0] for address in people[3:]]
        time.sleep(3)
        with sinking(login=True, port=port) as (sink, _):
            recipients = _arrived(sink, len(people), seconds=90)

    assert (first, rest) == ([201] * 3, [201] * 2)
    assert sorted(recipients) == people
    assert "mail  mail-delayed  The mail server can't be reached (ConnectionRefusedError)." in log
    assert not any(secret in log for secret in (PASSWORD, CREDENTIALS, "ada"))
