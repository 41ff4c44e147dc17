"""Takes back what mail providers say of mails that were sent: that they bounced, or that their reader complained."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from event_registration.rules import normalise_address

if TYPE_CHECKING:
    from event_registration.mail import MailState
    from event_registration.outbox import Outbox

__all__ = ["Feedback", "reference_of"]

_TRIES = 5


def reference_of(event_id: str, number: int) -> str:
    """Return what tells a mail from others with the same recipient, in the signs that a `Message` takes for it."""
    name = base64.urlsafe_b64encode(event_id.encode("ascii")).decode("ascii").rstrip("=")
    return f"{number}-{name}"  # digits hold no hyphen, and a name may


def _read(reference: str) -> tuple[str, int] | None:
    number, _, name = reference.partition("-")
    try:
        event_id = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode("ascii")
        return event_id, int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


class Feedback:
    """
    Remembers what came back.

    Args:
        outbox: Whose mails they were.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def take(self, address: str, reference: str, state: MailState, *, is_final: bool) -> bool:
        """
        Mark the mail that *reference* names as bounced or complained about, and send its recipient nothing any more.

        Args:
            address: The recipient, as the provider names it.
            reference: What the mail was sent with.
            state: What has become of it.
            is_final: Whether another mail would fare the same. A full mailbox is no reason to give up an address.

        Returns:
            Whether a registration says so now; ``False`` if the mail is none of ours, or a newer one has followed it.

        Raises:
            RepositoryError: The repository failed. Taking it again is harmless.
        """
        digest = self._outbox.digest_of(normalise_address(address))
        if is_final:
            self._outbox.block(digest, state)
        found = _read(reference)
        if found is None:
            return False
        event_id, number = found
        for _ in range(_TRIES):
            registration = self._outbox.find_by_digest(event_id, digest)
            if registration is None or registration.mail.number != number:
                return False
            returned = registration.mail.returned(state, is_final=is_final)
            if registration.mail == returned or self._outbox.mark(registration, returned):
                return True
        return False
