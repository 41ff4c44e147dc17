"""What Lambda is called with: the requests of every HTTP trigger, with answers as each wants them, and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from event_registration.api import Request
from event_registration.mail import MailState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from event_registration.responses import Response

__all__ = ["Returned", "answer_to", "deadline_of", "is_schedule", "request_of", "returned_of"]


def request_of(payload: Any, deadline: float | None) -> Request:  # noqa: ANN401 - anything may call a Lambda
    """Read a payload; what isn't one of the four kinds raises whatever its absence of structure raises."""
    request_context = payload["requestContext"]
    headers = _single_values(payload)
    if payload.get("version") == "2.0":
        method = request_context["http"]["method"]
        path = payload["rawPath"]
    else:
        method, path = payload["httpMethod"], payload["path"]
    body = payload.get("body") or ""
    if not (isinstance(request_context, dict) and all(isinstance(text, str) for text in (method, path, body))):
        raise TypeError("no HTTP request")
    return Request(
        method=method.upper(),
        path=path,
        headers=headers,
        body=body,
        is_base64=payload.get("isBase64Encoded") is True,
        deadline=deadline,
    )


def _single_values(payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers under lower-case names; of several values the last, as API Gateway's ``headers`` has them."""
    many = payload.get("multiValueHeaders") or {}
    single = payload.get("headers") or {name: values[-1] for name, values in many.items() if values}
    return {name.lower(): value for name, value in single.items() if isinstance(value, str)}


def answer_to(payload: object, response: Response) -> dict[str, Any]:
    """Return *response* as whoever sent *payload* reads it."""
    answer: dict[str, Any] = {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": response.body,
        "isBase64Encoded": False,
    }
    if isinstance(payload, dict) and payload.get("multiValueHeaders") and not payload.get("headers"):
        # A load balancer whose target group has multi-value headers on reads these only ("Lambda functions as
        # targets for Application Load Balancers", multi-value headers).
        answer["multiValueHeaders"] = {name: [value] for name, value in response.headers.items()}
    return answer


def is_schedule(payload: object) -> bool:
    """Tell whether a rule of EventBridge's called, at the time it is set to."""
    return (
        isinstance(payload, dict)
        and payload.get("source") == "aws.events"
        and payload.get("detail-type") == "Scheduled Event"
    )


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


def deadline_of(context: object, now: float) -> float | None:
    """Return the instant of `time.monotonic` by which the invocation must be over, if *context* tells it."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return now + remaining() / 1000 if remaining else None
