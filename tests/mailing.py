"""The way of mails about a repository's events, as compositions make it, and what arrives."""

from __future__ import annotations

from event_registration.attachment import Attachment
from event_registration.composing import Composer
from event_registration.local import SQLiteOutbox
from event_registration.relay import Relay


def relay_of(repository, notifier, *, links=None, **options):
    """Return a relay that sends what a SQLite repository's registrations owe, and reads each event anew."""
    compose = Composer(repository, links=links, cache_seconds=0.0)
    return Relay(SQLiteOutbox(repository), notifier, compose=compose, **options)


# What a mail has whatever its message says.
_ANY_MAILS = {"date", "from", "to", "subject", "message-id", "mime-version", "content-type", "reply-to"}


def headers_of(mail):
    """Return the headers of an `EmailMessage` that its message asked for."""
    return {name: str(text) for name, text in mail.items() if name.lower() not in _ANY_MAILS}


def attachments_of(mail):
    """Return the files that go with an `EmailMessage`."""
    return tuple(
        Attachment(
            name=each.get_filename(),
            media_type="; ".join(
                [each.get_content_type(), *(f"{name}={text}" for name, text in each["Content-Type"].params.items())]
            ),
            content=each.get_payload(decode=True),
        )
        for each in mail.iter_attachments()
    )
