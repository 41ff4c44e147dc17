"""What SES tells EventBridge of mails that came back ("Examples of event data that Amazon SES publishes")."""

from __future__ import annotations


def bounce(address, reference, kind="Permanent"):
    """Return the event of a mail that bounced."""
    told = {
        "bounceType": kind,
        "bounceSubType": "General",
        "bouncedRecipients": [{"emailAddress": address, "action": "failed", "status": "5.1.1"}],
        "timestamp": "2026-03-01T12:00:02.012Z",
        "feedbackId": "0100017b0000000a-000000",
    }
    return _event("Email Bounced", "Bounce", {"bounce": told}, address, reference)


def complaint(address, reference, kind="abuse"):
    """Return the event of a mail that somebody complained about."""
    told = {
        "complainedRecipients": [{"emailAddress": address}],
        "timestamp": "2026-03-01T12:00:02.012Z",
        "feedbackId": "0100017b0000000b-000000",
        "complaintFeedbackType": kind,
    }
    return _event("Email Complaint Received", "Complaint", {"complaint": told}, address, reference)


def _event(name, kind, told, address, reference):
    mail = {
        "timestamp": "2026-03-01T12:00:00.000Z",
        "source": "events@example.org",
        "messageId": "0100017b00000000-000000",
        "destination": [address],
        "tags": {"ses:configuration-set": ["events"], "reference": [reference]},
    }
    return {
        "version": "0",
        "id": "12a18625-3cbf-fa2c-0ee1-6f0a1ff6a0a1",
        "detail-type": name,
        "source": "aws.ses",
        "account": "123456789012",
        "time": "2026-03-01T12:00:03Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:ses:eu-west-1:123456789012:configuration-set/events"],
        "detail": {"eventType": kind, "mail": mail, **told},
    }
