"""The Lambda handler: payloads of every HTTP trigger to our API and back."""

from __future__ import annotations

import json
import os
import sys
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from event_registration.api import Api, Request
from event_registration.errors import Problem, SettingsError
from event_registration.responses import HEADERS, Response, problem
from event_registration.service import RegistrationService
from event_registration.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from event_registration.ports import Notifier, RegistrationRepository

__all__ = ["make_lambda_handler"]

_NAMESPACE = "EventRegistration"


def make_lambda_handler(
    *,
    repository: RegistrationRepository | None = None,
    notifier: Notifier | None = None,
    settings: Settings | None = None,
) -> Callable[[object, object], dict[str, Any]]:
    """
    Make a Lambda handler for REST API, HTTP API, function URL and load balancer triggers.

    Call it once, at import: the clients it makes are kept over invocations. Each part that is left out is made of
    the environment: a `DynamoDBRepository` on ``EVENT_REGISTRATION_TABLE``, an `SESNotifier` that sends from
    ``EVENT_REGISTRATION_SENDER``, `Settings.from_environ`.

    The handler writes one JSON line per request to standard output: request id, event id, outcome, code,
    milliseconds, and a CloudWatch metric if a mail is late; no personal data.

    Args:
        repository: Where registrations are kept.
        notifier: What sends mail.
        settings: What the operator decides.

    Returns:
        ``handler(payload, context)``. It never raises for what a client sent.

    Raises:
        SettingsError: The environment is wrong or lacks the sender; every problem is named.
    """
    if settings is None:
        settings = Settings.from_environ(os.environ, required=("sender",) if notifier is None else ())
    service = RegistrationService(
        _dynamodb_repository(settings) if repository is None else repository,
        _ses_notifier(settings) if notifier is None else notifier,
        event_ids=settings.event_ids,
        on_duplicate=settings.on_duplicate,
    )
    api = Api(service, allowed_origins=settings.allowed_origins)

    def handler(payload: object, context: object) -> dict[str, Any]:
        started = time.monotonic()
        try:
            request = _request(payload, context, started)
        except (AttributeError, KeyError, TypeError, ValueError):
            response = problem(
                HTTPStatus.BAD_REQUEST,
                "unknown-payload",
                "Unknown payload",
                "This function answers API Gateway, function URL and load balancer requests.",
                headers=HEADERS,
            )
        else:
            response = api.handle(request)
        _log(response, context, time.monotonic() - started)
        return _answer(response, payload)

    return handler


def _request(payload: Any, context: object, now: float) -> Request:  # noqa: ANN401 - anything may call a Lambda
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
        deadline=_deadline(context, now),
    )


def _single_values(payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers under lower-case names; of several values the last, as API Gateway's own ``headers`` has."""
    many = payload.get("multiValueHeaders") or {}
    single = {name: values[-1] for name, values in many.items() if values} or payload.get("headers") or {}
    return {name.lower(): value for name, value in single.items() if isinstance(value, str)}


def _deadline(context: object, now: float) -> float | None:
    remaining = getattr(context, "get_remaining_time_in_millis", None)
    return now + remaining() / 1000 if remaining else None


def _answer(response: Response, payload: object) -> dict[str, Any]:
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


def _log(response: Response, context: object, seconds: float) -> None:
    line: dict[str, Any] = {
        "level": "ERROR" if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR else "INFO",
        "request_id": getattr(context, "aws_request_id", None),
        "status": response.status,
        **response.facts,
        "milliseconds": round(seconds * 1000, 1),
    }
    if "trouble" in response.facts:
        # CloudWatch's embedded metric format: the line itself is the metric. Its dimension tells stacks apart.
        name = getattr(context, "function_name", None)
        dimensions = {"FunctionName": name} if name else {}
        line |= dimensions | {
            "level": "WARN",
            "MailTrouble": 1,
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [
                    {"Namespace": _NAMESPACE, "Dimensions": [[*dimensions]], "Metrics": [{"Name": "MailTrouble"}]},
                ],
            },
        }
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def _dynamodb_repository(settings: Settings) -> RegistrationRepository:
    from event_registration.aws.dynamodb import DynamoDBRepository

    # Short time-outs, so that there is time to try again before the deadline: DynamoDB answers in milliseconds.
    return DynamoDBRepository(_client("dynamodb", connect_timeout=1, read_timeout=1), settings.table, call_seconds=2)


def _ses_notifier(settings: Settings) -> Notifier:
    from event_registration.aws.ses import SESNotifier

    if settings.sender is None:
        raise SettingsError([Problem(f"{PREFIX}SENDER", "required", "is missing.")])
    client = _client("sesv2", connect_timeout=1, read_timeout=2)
    return SESNotifier(client, settings.sender, configuration_set=settings.configuration_set)


def _client(service: str, *, connect_timeout: int, read_timeout: int) -> Any:  # noqa: ANN401 - boto3's
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )
    return boto3.client(service, config=config)
