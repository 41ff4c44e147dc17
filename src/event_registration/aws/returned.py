"""What SES says has become of a mail that came back."""

from __future__ import annotations

from attrs import frozen

from event_registration.mail import MailState

__all__ = ["Returned", "returned_of"]


@frozen
class Returned:
    """
    What SES says has become of a mail.

    Args:
        address: Its recipient.
        reference: What it was sent with.
        state: Whether it bounced or was complained about.
        is_final: Whether another mail would fare the same.
    """

    address: str
    reference: str
    state: MailState
    is_final: bool


def returned_of(payload: object) -> Returned | None:
    """
    Return what an event of SES's tells, ``None`` if it is none, or none about a mail that came back.

    "Contents of event data that Amazon SES publishes": *Permanent* bounces are not to be tried again, and a reader who
    says that a mail is no spam (*not-spam*) complains about nothing.
    """
    if not isinstance(payload, dict) or payload.get("source") != "aws.ses":
        return None
    try:
        detail = payload["detail"]
        (address,) = detail["mail"]["destination"]
        reference = detail["mail"]["tags"]["reference"][0]
        if detail["eventType"] == "Bounce":
            return Returned(address, reference, MailState.BOUNCED, detail["bounce"]["bounceType"] == "Permanent")
        if detail["eventType"] == "Complaint" and detail["complaint"].get("complaintFeedbackType") != "not-spam":
            return Returned(address, reference, MailState.COMPLAINED, is_final=True)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    return None
