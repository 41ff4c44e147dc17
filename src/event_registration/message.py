"""One mail to one person: what pays a registration's debt, as notifiers get it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import field, frozen

from event_registration.rules import check_address, is_header, is_plain_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from event_registration.attachment import Attachment

__all__ = ["Message"]

# "MessageTag" in the SES API v2 reference: what a tag's value may be.
_REFERENCE = r"[A-Za-z0-9_-]{1,256}"
# "MessageHeaderList" in the SES API v2 reference.
_MOST_HEADERS = 15


@frozen(kw_only=True)
class Message:
    """
    One mail to one person, as a notifier gets it.

    Args:
        to: The only recipient's address: ASCII, the domain in A-labels.
        subject: One line without control characters.
        text: The body for programs that show plain text.
        html: The same body as a complete HTML document.
        reference: What comes back with a bounce and says whose mail it was: ASCII letters, digits, ``_`` and ``-``.
        attachments: The files that go with it.
        reply_to: The address that answers go to, in the same form as *to*; ``None`` is the sender's.
        headers: What else its head says: names to values, all ASCII. What a mail has anyway, notifiers write.
    """

    to: str
    subject: str
    text: str
    html: str
    reference: str = ""
    attachments: tuple[Attachment, ...] = ()
    reply_to: str | None = None
    headers: Mapping[str, str] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """
        Refuse what would become another header or another recipient, whichever library writes the message.

        Raises:
            ValueError: The recipient or *reply_to* is no address in normal form, the subject holds a control character
                or what mail programs decode as an encoded word, the reference another sign, or a header what
                `is_header` refuses; or there are more than 15 headers, or two of a name.
        """
        if check_address(self.to):
            raise ValueError("the recipient is no address")
        if not is_plain_line(self.subject):
            raise ValueError("the subject is no plain line of text")
        if self.reference and not re.fullmatch(_REFERENCE, self.reference):
            raise ValueError("the reference holds other signs than letters, digits, _ and -")
        if self.reply_to is not None and check_address(self.reply_to):
            raise ValueError("answers go to what is no address")
        if not all(is_header(name, text) for name, text in self.headers.items()):
            raise ValueError("a header is none, or one that notifiers write")
        if len({name.lower() for name in self.headers}) < len(self.headers) or len(self.headers) > _MOST_HEADERS:
            raise ValueError("two headers have one name, or there are too many")
