"""The Lambda handler: what it is made of, what it does with a payload, and the one line that it logs."""

from __future__ import annotations

import json
import os
import sys
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from event_registration.api import Api
from event_registration.aws.payloads import answer_to, deadline_of, is_schedule, request_of
from event_registration.errors import NotifierError, Problem, SettingsError
from event_registration.model import Status
from event_registration.responses import HEADERS, Response, problem, refusal
from event_registration.service import RegistrationService
from event_registration.settings import PREFIX, EventsMode, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from event_registration.links import Links
    from event_registration.managed import EventRegistrationService
    from event_registration.ports import EventRepository, Notifier, RegistrationRepository
    from event_registration.self_service import SelfService

__all__ = ["make_lambda_handler"]

_NAMESPACE = "EventRegistration"
_MAIL_TROUBLE = "MailTrouble"
_QUEUE_TROUBLE = "QueueTrouble"


def make_lambda_handler(
    *,
    repository: RegistrationRepository | None = None,
    notifier: Notifier | None = None,
    settings: Settings | None = None,
) -> Callable[[object, object], dict[str, Any]]:
    """
    Make a Lambda handler for REST API, HTTP API, function URL and load balancer triggers.

    Call it once, at import: the clients it makes are kept over invocations. Each part that is left out is made of
    the environment: a `DynamoDBRepository` on ``EVENT_REGISTRATION_TABLE``, or a `DynamoDBEventRepository` if
    ``EVENT_REGISTRATION_EVENTS`` is ``managed``; an `SESNotifier` that sends from ``EVENT_REGISTRATION_SENDER``;
    `Settings.from_environ`.

    With managed events a scheduled rule of EventBridge's may call it too: it then gives free seats to who waits. Mails
    have a link for looking at a registration and cancelling it if ``EVENT_REGISTRATION_LINK_KEYS`` and
    ``EVENT_REGISTRATION_MANAGE_URL`` are set.

    The handler writes one JSON line per call to standard output: request id, event id, outcome, code, milliseconds,
    and a CloudWatch metric if a mail is late or waiting lists can't be served; no personal data.

    Args:
        repository: Where registrations are kept; with managed events an `EventRepository`, which keeps events too.
        notifier: What sends mail.
        settings: What the operator decides.

    Returns:
        ``handler(payload, context)``. It never raises, whatever a client sent and whatever failed.

    Raises:
        SettingsError: The environment is wrong or lacks the sender; every problem is named.
        TypeError: Events are managed, and *repository* keeps none.
    """
    if settings is None:
        settings = Settings.from_environ(os.environ, required=("sender",) if notifier is None else ())
    if repository is None:
        repository = _dynamodb_repository(settings)
    if notifier is None:
        notifier = _ses_notifier(settings)
    managed = self_service = None
    if settings.events is EventsMode.MANAGED:
        managed, self_service = _managed_services(repository, notifier, settings)
    service = managed or RegistrationService(
        repository, notifier, event_ids=settings.event_ids, on_duplicate=settings.on_duplicate
    )
    api = Api(service, allowed_origins=settings.allowed_origins, managed=managed, self_service=self_service)

    def handler(payload: object, context: object) -> dict[str, Any]:
        started = time.monotonic()
        deadline = deadline_of(context, started)
        if managed and is_schedule(payload):
            return _settle(managed, context, started, deadline)
        try:
            request = request_of(payload, deadline)
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
        _log_response(response, context, started)
        return answer_to(payload, response)

    return handler


def _managed_services(
    repository: RegistrationRepository, notifier: Notifier, settings: Settings
) -> tuple[EventRegistrationService, SelfService | None]:
    from event_registration.managed import EventRegistrationService
    from event_registration.self_service import SelfService

    if not hasattr(repository, "admit"):
        raise TypeError("With managed events the repository must be an EventRepository.")
    events = cast("EventRepository", repository)
    links = _links(settings.link_keys, settings.manage_url) if settings.link_keys and settings.manage_url else None
    service = EventRegistrationService(
        events, notifier, event_ids=settings.event_ids, on_duplicate=settings.on_duplicate, links=links
    )
    return service, SelfService(service, events, links) if links else None


def _links(secret: str, page: str) -> Links:
    from event_registration.aws.keys import SecretKeys
    from event_registration.links import Links

    return Links(SecretKeys(_client("secretsmanager", connect_timeout=1, read_timeout=1), secret), page)


def _settle(
    service: EventRegistrationService, context: object, started: float, deadline: float | None
) -> dict[str, Any]:
    """Serve all queues. What fails is logged and left to the next call: raising would have Lambda call again itself."""
    try:
        settled = service.settle_all(deadline=deadline)
    except Exception as error:  # noqa: BLE001 - the last line: a stack trace may hold what a person typed
        _log("ERROR", context, started, refusal(error).facts, metrics=[_QUEUE_TROUBLE])
        return {}
    counts = {"events": settled.events, "promoted": settled.promoted}
    if settled.troubles:
        first = settled.troubles[0]
        metrics = {_MAIL_TROUBLE if isinstance(each, NotifierError) else _QUEUE_TROUBLE for each in settled.troubles}
        _log("WARN", context, started, counts | {"trouble": first.code, "cause": str(first)}, metrics=sorted(metrics))
    else:
        _log("INFO", context, started, counts)
    return counts


def _log_response(response: Response, context: object, started: float) -> None:
    facts = {"status": response.status, **response.facts}
    if "trouble" in facts:
        # A cancellation serves the queue; what fails there is no mail's trouble, unless it says so.
        is_queue = facts.get("outcome") == Status.CANCELLED and not str(facts["trouble"]).startswith("mail-")
        _log("WARN", context, started, facts, metrics=[_QUEUE_TROUBLE if is_queue else _MAIL_TROUBLE])
    else:
        is_ours = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        _log("ERROR" if is_ours else "INFO", context, started, facts)


def _log(
    level: str, context: object, started: float, facts: Mapping[str, object], *, metrics: Collection[str] = ()
) -> None:
    line: dict[str, Any] = {
        "level": level,
        "request_id": getattr(context, "aws_request_id", None),
        **facts,
        "milliseconds": round((time.monotonic() - started) * 1000, 1),
    }
    if metrics:
        # CloudWatch's embedded metric format: the line itself is the metric. Its dimension tells stacks apart.
        name = getattr(context, "function_name", None)
        dimensions = {"FunctionName": name} if name else {}
        directive = {
            "Namespace": _NAMESPACE,
            "Dimensions": [[*dimensions]],
            "Metrics": [{"Name": metric} for metric in metrics],
        }
        line |= dimensions | dict.fromkeys(metrics, 1)
        line["_aws"] = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def _dynamodb_repository(settings: Settings) -> RegistrationRepository:
    # Short time-outs, so that there is time to try again before the deadline: DynamoDB answers in milliseconds.
    client, call_seconds = _client("dynamodb", connect_timeout=1, read_timeout=1), 2
    if settings.events is EventsMode.MANAGED:
        from event_registration.aws.events import DynamoDBEventRepository

        return DynamoDBEventRepository(client, settings.table, call_seconds=call_seconds)
    from event_registration.aws.dynamodb import DynamoDBRepository

    return DynamoDBRepository(client, settings.table, call_seconds=call_seconds)


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
