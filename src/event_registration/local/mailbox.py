"""Mail as files: one ``.eml`` per message in a folder, complete or not there."""

from __future__ import annotations

import uuid
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from event_registration.clock import utc_now
from event_registration.errors import TransientNotifierError
from event_registration.local.mime import READABLE, address_of, mail_of
from event_registration.replacing import replacing

if TYPE_CHECKING:
    from event_registration.message import Message
    from event_registration.ports import Clock

__all__ = ["MailboxNotifier"]


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
        self._sender = address_of(sender)
        self._clock = clock

    def send(self, message: Message) -> None:
        """
        Write *message* to a file of its own.

        Raises:
            TransientNotifierError: The file could not be written, as on a full disk.
        """
        now = self._clock()
        mail = mail_of(message, self._sender, now, policy=READABLE)
        name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}"
        try:
            with replacing(self._folder / f"{name}.eml", mode=0o666) as file:
                file.write(bytes(mail))
        except OSError as error:
            raise TransientNotifierError(f"The mailbox can't be written ({type(error).__name__}).") from error
