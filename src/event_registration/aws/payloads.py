"""What Lambda is called with: the requests of every HTTP trigger, with answers as each wants them, and a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from event_registration.api import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from event_registration.responses import Response

__all__ = ["answer_to", "deadline_of", "is_schedule", "request_of"]


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


def deadline_of(context: object, now: float) -> float | None:
    """Return the instant of `time.monotonic` by which the invocation must be over, if *context* tells it."""
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return now + remaining() / 1000 if remaining else None
