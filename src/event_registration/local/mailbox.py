"""Mail as files: one ``.eml`` per message in a folder, complete or not there."""

from __future__ import annotations

import email.policy
import uuid
from datetime import UTC
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING

from event_registration.errors import TransientNotifierError
from event_registration.ports import utc_now
from event_registration.replacing import replacing
from event_registration.rules import split_sender

if TYPE_CHECKING:
    from event_registration.mail import Message
    from event_registration.ports import Clock

__all__ = ["MailboxNotifier"]

# No header is folded: an address stays on one line, for whoever reads or greps the files.
_POLICY = email.policy.default.clone(max_line_length=None)


class MailboxNotifier:
    """
    A `Notifier` that writes messages to a folder, where any mail program opens them.

    Args:
        folder: Where the files go, named by time; made if it isn't there.
        sender: What the ``From`` line says, bare or as ``Name <address>``.
        clock: Tells the ``Date``.
    """

    def __init__(self, folder: str | Path, sender: str, *, clock: Clock = utc_now) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        name, address = split_sender(sender)
        self._sender = Address(display_name=name, addr_spec=address)
        self._clock = clock

    def send(self, message: Message) -> None:
        """
        Write *message* to a file of its own.

        Raises:
            TransientNotifierError: The file could not be written, as on a full disk.
        """
        now = self._clock()
        mail = EmailMessage(policy=_POLICY)
        mail["Date"] = format_datetime(now)
        mail["From"] = self._sender
        mail["To"] = message.to
        mail["Subject"] = message.subject
        mail["Message-ID"] = make_msgid(domain=self._sender.domain)
        mail.set_content(message.text, cte="8bit")
        mail.add_alternative(message.html, subtype="html", cte="8bit")
        name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}"
        try:
            with replacing(self._folder / f"{name}.eml", mode=0o666) as file:
                file.write(bytes(mail))
        except OSError as error:
            raise TransientNotifierError(f"The mailbox can't be written ({type(error).__name__}).") from error
