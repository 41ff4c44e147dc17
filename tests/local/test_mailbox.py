"""Mail files are complete or not there, and listed newest first."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve
from serving import unmeasured
from werkzeug.exceptions import NotFound

from event_registration.attachment import Attachment
from event_registration.local import MailboxNotifier
from event_registration.local.inbox import Inbox
from event_registration.message import Message
from event_registration.testing import ManualClock

MESSAGE = Message(to="ada@example.org", subject="s", text="t\n", html="<p>h</p>\n")


def test_names_files_by_time(tmp_path):
    """A later mail's file sorts after an earlier one's."""
    clock = ManualClock(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    notifier = MailboxNotifier(tmp_path, "events@localhost.example", clock=clock)

    notifier.send(MESSAGE)
    clock.advance(seconds=1)
    notifier.send(MESSAGE)

    assert [path.name[:16] for path in sorted(tmp_path.iterdir())] == ["20260301T120000.", "20260301T120001."]


# In a process of its own: the limit holds for whatever a process writes, and our own log may be a file.
_SEND_ON_A_FULL_DISK = """
import resource, sys
from event_registration.errors import TransientNotifierError
from event_registration.local import MailboxNotifier
from event_registration.message import Message
notifier = MailboxNotifier(sys.argv[1], "events@localhost.example")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    notifier.send(Message(to="ada@example.org", subject="s", text="t", html="h"))
except TransientNotifierError as error:
    print(error)
"""


def test_leaves_no_half_message(tmp_path):
    """When the disk is full, neither a message nor a part of one is left, and the error says so."""
    command = [sys.executable, "-c", _SEND_ON_A_FULL_DISK, tmp_path]

    result = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured())

    assert "can't be written" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_names_files_in_utc(tmp_path):
    """Files are named in UTC, whatever zone the clock has."""
    clock = ManualClock(datetime(2026, 3, 1, 12, 0, tzinfo=timezone(timedelta(hours=5))))

    MailboxNotifier(tmp_path, "events@localhost.example", clock=clock).send(MESSAGE)

    assert [path.name[:16] for path in tmp_path.iterdir()] == ["20260301T070000."]


def test_lists_what_it_can_not_read(tmp_path):
    """An empty file among the mails is listed as such and breaks nothing."""
    name = "20260301T120000.000000Z-00000000.eml"
    (tmp_path / name).touch()

    page = Inbox(tmp_path).page("").get_data(as_text=True)
    mail = Inbox(tmp_path).page(f"/{name}").get_data(as_text=True)

    assert "(no subject)" in page
    assert "2026-03-01 12:00 UTC" in page
    assert "(no subject)" in mail


def test_lists_the_last_of_many(tmp_path):
    """A mailbox of more mails than a page holds says so and lists the newest."""
    notifier = MailboxNotifier(tmp_path, "events@localhost.example")
    notifier.send(MESSAGE)
    (first,) = tmp_path.glob("*.eml")
    for number in range(500):
        (tmp_path / f"20200101T000000.{number:06}Z-00000000.eml").write_bytes(first.read_bytes())

    page = Inbox(tmp_path).page("").get_data(as_text=True)

    assert "The last 500 of 501 mails" in page
    assert page.index(first.name) < page.index("20200101T000000.000499Z")
    assert "20200101T000000.000000Z" not in page


def test_shows_a_mail_without_html(tmp_path):
    """A mail of another program's making, without an HTML part, is shown with an empty one."""
    name = "20200101T000000.000000Z-00000000.eml"
    (tmp_path / name).write_text("Date: Sun, 01 Mar 2026 12:00:00 +0000\nTo: a@example.org\nSubject: s\n\nhello\n")

    page = Inbox(tmp_path).page(f"/{name}").get_data(as_text=True)
    html = Inbox(tmp_path).page(f"/{name}/html").get_data(as_text=True)

    assert "hello" in page
    assert html == ""


FILE = Attachment(name="event.ics", media_type="text/calendar; charset=utf-8", content="BEGIN:é\r\n".encode())
FOREIGN = """\
To: a@example.org
Subject: s
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain

hello
--b
Content-Type: text/html
Content-Disposition: attachment; filename="..\\\\<img src=x>.html"

<script>alert(1)</script>
--b
Content-Type: message/rfc822
Content-Disposition: attachment

Subject: inner

--b--
"""


def _foreign(folder):
    name = "20200101T000000.000000Z-00000000.eml"
    (folder / name).write_text(FOREIGN)
    return name


def test_offers_what_is_attached(tmp_path):
    """A mail's page links to its files, which are downloads with their own names and octets."""
    MailboxNotifier(tmp_path, "events@localhost.example").send(evolve(MESSAGE, attachments=(FILE,)))
    (path,) = tmp_path.iterdir()

    page = Inbox(tmp_path).page(f"/{path.name}").get_data(as_text=True)
    file = Inbox(tmp_path).page(f"/{path.name}/files/0")

    assert f'<a href="/mailbox/{path.name}/files/0" download="event.ics">event.ics</a> (text/calendar)' in page
    assert file.headers["Content-Disposition"] == 'attachment; filename="event.ics"'
    assert file.get_data() == FILE.content


@pytest.mark.parametrize("reply_to", ["o<img/src=x>rga@example.org", "orga@example.org", None])
def test_says_where_answers_go(tmp_path, reply_to):
    """A mail's page names the address that answers go to, if it isn't the sender's."""
    name = "20200101T000000.000000Z-00000000.eml"
    line = f"Reply-To: {reply_to}\n" if reply_to else ""
    (tmp_path / name).write_text(f"To: a@example.org\n{line}Subject: s\n\nhello\n")

    page = Inbox(tmp_path).page(f"/{name}").get_data(as_text=True)

    assert ("Reply-To" in page) is (reply_to is not None)
    assert (f"<dd>{reply_to}</dd>" in page) is (reply_to == "orga@example.org")
    assert "<img" not in page


def test_a_mail_without_files_offers_none(tmp_path):
    """Where nothing is attached nothing is said of it."""
    MailboxNotifier(tmp_path, "events@localhost.example").send(MESSAGE)
    (path,) = tmp_path.iterdir()

    assert "Attached" not in Inbox(tmp_path).page(f"/{path.name}").get_data(as_text=True)


def test_no_file_is_shown_or_run(tmp_path):
    """Whatever another program has attached is kept under a harmless name, and opened by nobody."""
    name = _foreign(tmp_path)

    page = Inbox(tmp_path).page(f"/{name}").get_data(as_text=True)
    file = Inbox(tmp_path).page(f"/{name}/files/0")

    assert "<img" not in page
    assert 'download="attachment">attachment</a> (text/html)' in page
    assert file.headers["Content-Disposition"] == 'attachment; filename="attachment"'
    assert file.headers["Content-Type"] == "application/octet-stream"
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.headers["Content-Security-Policy"] == "sandbox"


@pytest.mark.parametrize("number", ["1", "2", "-1", "00", "x", ""])
def test_other_files_are_not_there(tmp_path, number):
    """What isn't attached, or is a mail itself, can't be downloaded."""
    name = _foreign(tmp_path)

    with pytest.raises(NotFound):
        Inbox(tmp_path).page(f"/{name}/files/{number}")
