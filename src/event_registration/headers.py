"""What the head of a mail says of the event and the registration that it is about."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from event_registration.rules import check_address, is_header, normalise_address, split_sender

if TYPE_CHECKING:
    from event_registration.model import Registration

__all__ = ["headers_of"]

# A label of a name in DNS that means the same whatever its case (RFC 2919 compares so), and no `event--`.
_LABEL = re.compile(r"(?=.{1,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_LIST_ID = 255
_REGISTRATION_ID = "X-Registration-Id"


def headers_of(registration: Registration, sender: str | None = None) -> dict[str, str]:
    """
    Return the headers of every mail about *registration*, the same in each of them.

    - ``Auto-Submitted`` (RFC 3834): a program wrote it, so that no program answers it.
    - ``X-Registration-Id``: finds a person's mails in a support mailbox, and their entry in a calendar.
    - ``List-Id`` (RFC 2919): sorts the mails of one event. It is made of the event's id alone, since neither its name
      nor its organiser may change what programs sort by, and free text has no place where an identity stands.

    Args:
        registration: Whose mail it is.
        sender: Whom it comes from, bare or as ``Name <address>``; its domain makes the event's id unique in the world.
            Without one there is no ``List-Id``.
    """
    headers = {"Auto-Submitted": "auto-generated"}
    if is_header(_REGISTRATION_ID, registration.registration_id):  # a team may make ids of any text
        headers[_REGISTRATION_ID] = registration.registration_id
    _, address = split_sender(sender or "")
    address = normalise_address(address)
    list_id = f"{_label_of(registration.event_id)}.{address.rpartition('@')[2]}"
    if check_address(address) is None and len(list_id) <= _MAX_LIST_ID:
        # Dots stand in phrases within quotes only, for which some programs that write mails encode the whole header.
        words = registration.event_id.replace(".", " ").split()
        headers["List-Id"] = " ".join([*words, f"<{list_id}>"])
    return headers


def _label_of(event_id: str) -> str:
    """Return *event_id* if it can be a label, else one of its own that no event id is, whose case doesn't matter."""
    return event_id if _LABEL.fullmatch(event_id) else f"event--{hashlib.sha256(event_id.encode()).hexdigest()[:32]}"
