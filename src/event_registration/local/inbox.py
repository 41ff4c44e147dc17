"""The mailbox folder as web pages, for reading what `MailboxNotifier` wrote; harmful mail stays harmless."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from event_registration.attachment import is_file_name

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

__all__ = ["Inbox"]

_NAME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.\d{6}Z-[0-9a-f]+\.eml")
_MOST = 500

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
)
# A mail's HTML runs no script and loads nothing, even when it is opened by itself. A link of it that asks for a tab of
# its own opens there, when it is clicked.
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_MAIL_POLICY = f"sandbox {_SANDBOX}; default-src 'none'; style-src 'unsafe-inline'"
# A line of a mail's text that is an address and nothing else.
_LINK = re.compile(r"^(https?://[!-~]+)$", re.MULTILINE)

_PAGE = Markup("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/styles.css">
</head>
<body>
<header class="site-header"><p class="site-title"><a href="/">Event Registration</a></p></header>
<main class="mailbox">
{content}
</main>
</body>
</html>
""")
_LIST = Markup("""\
<h1>{count} in the mailbox</h1>
<p>Every mail that this server would have sent, the newest first. <a href="/">Back to the form</a></p>
<ol class="mailbox-list">
{rows}</ol>
""")
_ROW = Markup("""\
<li><a href="/mailbox/{name}"><span class="mailbox-subject" dir="auto">{subject}</span></a>
<span class="mailbox-to">To: {to}</span> <time>{date}</time></li>
""")
_MAIL = Markup("""\
<p><a href="/mailbox">All mails</a></p>
<h1 dir="auto">{subject}</h1>
<dl class="mailbox-headers"><dt>From</dt><dd>{sender}</dd><dt>To</dt><dd>{to}</dd>\
{answers}<dt>Date</dt><dd>{date}</dd></dl>
<h2>As HTML</h2>
<iframe class="mailbox-html" title="The mail as HTML" sandbox="{sandbox}" src="/mailbox/{name}/html">\
</iframe>
<h2>As text</h2>
<pre class="mailbox-text" tabindex="0" dir="auto">{text}</pre>
{files}<p><a href="/mailbox/{name}/raw" download="{name}">Download the .eml file</a></p>
""")
_ANSWERS = Markup("<dt>Reply-To</dt><dd>{address}</dd>")
_FILES = Markup("""\
<h2>Attached</h2>
<ul>
{rows}</ul>
""")
_FILE = Markup("""\
<li><a href="/mailbox/{name}/files/{number}" download="{file}">{file}</a> ({media_type})</li>
""")


_ANCHOR = Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>')


class Inbox:
    """
    Pages over a folder of ``.eml`` files.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def page(self, path: str) -> Response:
        """
        Return the page at *path* below ``/mailbox``: the list, a mail, its HTML, what is attached, or the file itself.

        Raises:
            NotFound: There is no such page, mail or attachment.
        """
        name, _, part = path.strip("/").partition("/")
        if not name:
            return self._list()
        octets = self._octets(name)
        match part.split("/"):
            case [""]:
                return _html(_mail_page(name, _parsed(octets)))
            case ["html"]:
                return _html(_body(_parsed(octets), "html"), policy=_MAIL_POLICY)
            case ["files", number]:
                return _file(_parsed(octets), number)
            case ["raw"]:
                return _response(octets, "message/rfc822", policy="sandbox")
            case _:
                raise NotFound

    def _list(self) -> Response:
        names = sorted((path.name for path in self._folder.glob("*.eml") if _NAME.fullmatch(path.name)), reverse=True)
        rows = Markup("").join(_row(name, _parsed(self._octets(name))) for name in names[:_MOST])
        count = f"{len(names)} {'mail' if len(names) == 1 else 'mails'}"
        if len(names) > _MOST:
            count = f"The last {_MOST} of {count}"
        return _html(_PAGE.format(title="Mailbox", content=_LIST.format(count=count, rows=rows)))

    def _octets(self, name: str) -> bytes:
        if not _NAME.fullmatch(name):
            raise NotFound
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            raise NotFound from None


def _parsed(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=policy.default)


def _row(name: str, mail: EmailMessage) -> Markup:
    date = _NAME.sub(r"\1-\2-\3 \4:\5", name)
    return _ROW.format(name=name, subject=_subject(mail), to=mail["To"] or "", date=f"{date} UTC")


def _mail_page(name: str, mail: EmailMessage) -> Markup:
    content = _MAIL.format(
        name=name,
        subject=_subject(mail),
        sender=mail["From"] or "",
        to=mail["To"] or "",
        answers=_ANSWERS.format(address=mail["Reply-To"]) if mail["Reply-To"] else "",
        date=mail["Date"] or "",
        sandbox=_SANDBOX,
        text=_linked(_body(mail, "plain")),
        files=_files(name, mail),
    )
    return _PAGE.format(title=_subject(mail), content=content)


def _files(name: str, mail: EmailMessage) -> Markup:
    rows = Markup("").join(
        _FILE.format(name=name, number=number, file=_file_name(each), media_type=each.get_content_type())
        for number, each in enumerate(mail.iter_attachments())
    )
    return _FILES.format(rows=rows) if rows else rows


def _file(mail: EmailMessage, number: str) -> Response:
    """Return an attachment as something that browsers keep, and neither show nor run, whatever it is."""
    attachment = {str(at): each for at, each in enumerate(mail.iter_attachments())}.get(number)
    content = attachment.get_payload(decode=True) if attachment else None
    if attachment is None or not isinstance(content, bytes):
        raise NotFound
    response = _response(content, "application/octet-stream", policy="sandbox")
    response.headers["Content-Disposition"] = f'attachment; filename="{_file_name(attachment)}"'
    return response


def _file_name(attachment: EmailMessage) -> str:
    name = attachment.get_filename("")
    return name if is_file_name(name) else "attachment"


def _linked(text: str) -> Markup:
    # The pattern's group stands at every other place.
    parts = _LINK.split(text)
    return Markup("").join(_ANCHOR.format(part) if number % 2 else part for number, part in enumerate(parts))


def _subject(mail: EmailMessage) -> str:
    return mail["Subject"] or "(no subject)"


def _body(mail: EmailMessage, subtype: str) -> str:
    body = mail.get_body((subtype,))
    return body.get_content() if body else ""


def _html(document: str, *, policy: str = _PAGE_POLICY) -> Response:
    return _response(document, "text/html; charset=utf-8", policy=policy)


def _response(body: str | bytes, content_type: str, *, policy: str) -> Response:
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Response(body, content_type=content_type, headers=headers)
