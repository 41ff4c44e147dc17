"""A message as Internet mail (RFC 5322): one sender, one recipient, a text and the same as HTML, and files."""

from __future__ import annotations

import email.policy
import re
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, MIMEPart
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING

from event_registration.rules import split_sender

if TYPE_CHECKING:
    from datetime import datetime
    from email.policy import EmailPolicy, Policy

    from event_registration.attachment import Attachment
    from event_registration.message import Message

__all__ = ["READABLE", "SENDABLE", "address_of", "mail_of"]


class _Verbatim(UnstructuredHeader, BaseHeader):
    """
    A header of a message's own: ASCII as it is, folded between its words and nowhere else.

    The package would write a word that is longer than a line as an encoded one, which a ``List-Id`` must not hold.
    """

    def fold(self, *, policy: Policy) -> str:
        """Return the header's lines, none empty and none longer than *policy* says if the words allow it."""
        first, *words = re.findall(r"^\S+ \S+| +\S+", f"{self.name}: {self}")
        lines = [first]
        for word in words:
            if policy.max_line_length and len(lines[-1]) + len(word) > policy.max_line_length:
                lines.append(word)
            else:
                lines[-1] += word
        return "".join(f"{line}{policy.linesep}" for line in lines)


_HEADERS = HeaderRegistry(default_class=_Verbatim)

READABLE = email.policy.default.clone(max_line_length=None, header_factory=_HEADERS)
"""For files: no header is folded, so that an address stays on one line, and texts are UTF-8 as they are."""

SENDABLE = email.policy.SMTP.clone(cte_type="7bit", header_factory=_HEADERS)
"""For servers: ASCII in lines that every server takes, whatever the scripts, ended by CRLF and nothing else."""


def address_of(sender: str) -> Address:
    """Return *sender*, bare or as ``Name <address>``, in its parts."""
    name, address = split_sender(sender)
    return Address(display_name=name, addr_spec=address)


def mail_of(message: Message, sender: Address, at: datetime, *, policy: EmailPolicy[EmailMessage]) -> EmailMessage:
    """Return *message* as mail from *sender*, written at an aware instant, in the form of *policy*."""
    mail = EmailMessage(policy=policy)
    mail["Date"] = format_datetime(at)
    mail["From"] = sender
    mail["To"] = message.to
    mail["Subject"] = message.subject
    mail["Message-ID"] = make_msgid(domain=sender.domain)
    if message.reply_to:
        mail["Reply-To"] = message.reply_to
    for name, text in message.headers.items():
        mail[name] = text
    encoding = "8bit" if policy.cte_type == "8bit" else None
    mail.set_content(message.text, cte=encoding)
    mail.add_alternative(message.html, subtype="html", cte=encoding)
    if message.attachments:
        mail.make_mixed()
        for each in message.attachments:
            mail.attach(_part(each))  # type: ignore[arg-type]  # a part, unlike a message, names no MIME version
    return mail


def _part(attachment: Attachment) -> MIMEPart:
    # Encoded by the server's rule in files too: there is none for lines without a length.
    part = MIMEPart(policy=SENDABLE)
    essence, *parameters = attachment.media_type.split("; ")
    kind, _, subtype = essence.partition("/")
    part.set_content(
        attachment.content,
        maintype=kind,
        subtype=subtype,
        params=dict(parameter.split("=", 1) for parameter in parameters),
        disposition="attachment",
        filename=attachment.name,
    )
    return part
