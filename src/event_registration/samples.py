"""A registration of nobody, and links that lead nowhere: what a mail is shown with before anybody gets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from event_registration.links import Keyring, Links
from event_registration.mail import Mail, MailKind
from event_registration.model import Registration, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SAMPLE_LINKS", "SAMPLE_SENDER", "sample_registration"]

# RFC 2606: no such host will ever be.
_PAGE = "https://sample.invalid/manage.html"
_ADDRESS = "sample.person@sample.invalid"
_KEYRING = Keyring("sample", {"sample": "no-link-that-works-is-signed-with-this-key"})
_STATUSES = {MailKind.WAITLISTED: Status.WAITLISTED, MailKind.CANCELLED: Status.CANCELLED}
_TEXTS = {"email": _ADDRESS, "uri": "https://sample.invalid/", "date": "2030-05-01", "time": "09:30"}

SAMPLE_SENDER = "Sample Sender <sample.sender@sample.invalid>"
"""Whom mails are shown to come from."""

SAMPLE_LINKS = Links(lambda _key_id=None: _KEYRING, _PAGE)
"""What signs links that are as long as real ones."""


def sample_registration(
    event_id: str, event_name: str, kind: MailKind, *, questions: Mapping[str, Any] | None = None
) -> Registration:
    """
    Return the registration of somebody who owes a mail of *kind*.

    Args:
        event_id: The event.
        event_name: Its name.
        kind: What the mail tells.
        questions: The event's questions, each of which gets an answer, whether the condition of some is met or not.
    """
    schema = questions or {}
    asked = schema.get("properties", {}) | schema.get("then", {}).get("properties", {})
    return Registration(
        event_id=event_id,
        event_name=event_name,
        attendee_name="Sample Person",
        attendee_email=_ADDRESS,
        status=_STATUSES.get(kind, Status.CONFIRMED),
        answers={name: _answer(question) for name, question in asked.items()},
        mail=Mail(kind=kind),
    )


def _answer(question: Mapping[str, Any]) -> object:
    """Return what somebody could answer, but for patterns, which only their author can follow."""
    kind = question.get("type")
    if kind == "array":
        return question["items"]["enum"][:2]
    if kind == "boolean":
        return True
    if kind in {"integer", "number"}:
        return question.get("minimum", 1)
    if "enum" in question:
        return question["enum"][0]
    return _TEXTS.get(question.get("format", ""), "Sample answer")
