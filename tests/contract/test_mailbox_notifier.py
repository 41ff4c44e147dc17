"""The mailbox keeps the notifier's contract."""

from email import message_from_bytes, policy

import pytest
from mailing import attachments_of, headers_of

from event_registration.local import MailboxNotifier
from event_registration.message import Message
from event_registration.testing import NotifierContract


def _read(path):
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    bodies = {kind: mail.get_body((kind,)).get_content() for kind in ("plain", "html")}
    return Message(
        to=mail["To"],
        subject=mail["Subject"],
        text=bodies["plain"],
        html=bodies["html"],
        attachments=attachments_of(mail),
        reply_to=mail["Reply-To"],
        headers=headers_of(mail),
    )


class TestMailboxNotifier(NotifierContract):
    """Mail as files."""

    @pytest.fixture
    def notifier(self, tmp_path):
        """Return one that writes to a folder."""
        return MailboxNotifier(tmp_path, "Events <events@localhost.example>")

    @pytest.fixture
    def delivered(self, tmp_path):
        """Read the folder's files by name, which is by time."""
        return lambda: [_read(path) for path in sorted(tmp_path.glob("*.eml"))]

    @pytest.fixture
    def broken_notifier(self, tmp_path):
        """Return one whose folder has gone."""
        notifier = MailboxNotifier(tmp_path / "gone", "events@localhost.example")
        (tmp_path / "gone").rmdir()
        return notifier
