"""The Lambda handler: what it is made of, and what it does with a payload."""

from __future__ import annotations

import os
import time
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from event_registration.api import Api
from event_registration.aws import wiring
from event_registration.aws.clients import Clients
from event_registration.aws.logs import MAIL_TROUBLE, QUEUE_TROUBLE, log, work
from event_registration.aws.payloads import answer_to, deadline_of, is_schedule, request_of
from event_registration.responses import HEADERS, Response, problem
from event_registration.service import RegistrationService
from event_registration.settings import PREFIX, Confirmation, EventsMode, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from event_registration.aws.logs import Job
    from event_registration.aws.sending import Sending
    from event_registration.aws.ses import SESQuota
    from event_registration.errors import EventRegistrationError
    from event_registration.links import Links
    from event_registration.outbox import Outbox
    from event_registration.ports import EventRepository, Notifier, RegistrationRepository
    from event_registration.queues import Queues
    from event_registration.relay import Relay

__all__ = ["make_lambda_handler"]


def make_lambda_handler(
    *,
    repository: RegistrationRepository | None = None,
    outbox: Outbox | None = None,
    notifier: Notifier | None = None,
    settings: Settings | None = None,
) -> Callable[[object, object], dict[str, Any]]:
    """
    Make a Lambda handler for REST API, HTTP API, function URL and load balancer triggers.

    Call it once, at import: the clients it makes are kept over invocations. Each part that is left out is made of
    the environment: a `DynamoDBRepository` on ``EVENT_REGISTRATION_TABLE``, or a `DynamoDBEventRepository` if
    ``EVENT_REGISTRATION_EVENTS`` is ``managed``; an `SESNotifier` that sends from ``EVENT_REGISTRATION_SENDER``;
    `Settings.from_environ`.

    If ``EVENT_REGISTRATION_CONFIRMATION`` is ``outbox``, it sends no mail and needs no sender: what is due is sent by
    the handler that `make_stream_handler` makes.

    With managed events a scheduled rule of EventBridge's may call it too: it then gives free seats to who waits, and
    inline also sends what is due. Mails have a link for looking at a registration and cancelling it if
    ``EVENT_REGISTRATION_LINK_KEYS`` and ``EVENT_REGISTRATION_MANAGE_URL`` are set.

    The handler writes one JSON line per call to standard output: request id, event id, outcome, code, milliseconds,
    and a CloudWatch metric if a mail is late or waiting lists can't be served; no personal data.

    Args:
        repository: Where registrations are kept; with managed events an `EventRepository`, which keeps events too.
        outbox: What mails are due, of the same registrations; it is used with managed events that are mailed inline.
        notifier: What sends mail.
        settings: What the operator decides.

    Returns:
        ``handler(payload, context)``. Of requests it never raises, whatever a client sent and whatever failed.

    Raises:
        SettingsError: The environment is wrong or lacks the sender, and every problem is named; or it names
            certificates that can't be read.
        InvalidTemplatesError: A template or a language of ``EVENT_REGISTRATION_TEMPLATES`` can't be used.
        TypeError: Events are managed, and *repository* keeps none, or comes without an *outbox*.
    """
    if settings is None:
        required = ("sender",) if notifier is None and _is_inline() else ()
        settings = Settings.from_environ(os.environ, required=required, refused=wiring.REFUSED)
    clients = Clients()
    client = clients.dynamodb() if repository is None else None
    if repository is None:
        repository = wiring.repository_of(settings, client)
    quota = None
    if settings.confirmation is Confirmation.OUTBOX:
        notifier = None
    elif notifier is None:
        notifier, quota = wiring.ses_mailer(settings, clients)
    if settings.events is EventsMode.MANAGED:
        if outbox is None and client:
            outbox = wiring.outbox_of(settings, client)
        return _managed_handler(repository, outbox, notifier, settings, quota, wiring.links_of(settings, clients))
    service = RegistrationService(
        repository,
        notifier,
        event_ids=settings.event_ids,
        on_duplicate=settings.on_duplicate,
        render=partial(wiring.renderer_of(settings), sender=settings.sender) if notifier else None,
    )
    api = Api(service, allowed_origins=settings.allowed_origins)
    return lambda payload, context: _answered(api, payload, context)


def _is_inline() -> bool:
    """Tell whether a sender is needed, before the environment is read as a whole: all that is wrong is told at once."""
    return os.environ.get(f"{PREFIX}CONFIRMATION", "").strip() != Confirmation.OUTBOX


def _managed_handler(  # noqa: PLR0913, PLR0917 - all that it is made of
    repository: RegistrationRepository,
    outbox: Outbox | None,
    notifier: Notifier | None,
    settings: Settings,
    quota: SESQuota | None,
    links: Links | None,
) -> Callable[[object, object], dict[str, Any]]:
    from event_registration.managed import EventRegistrationService
    from event_registration.queues import Queues
    from event_registration.self_service import SelfService

    if not hasattr(repository, "admit"):
        raise TypeError("With managed events the repository must be an EventRepository.")
    events = cast("EventRepository", repository)
    relay, sending = (None, None) if notifier is None else _inline(events, outbox, notifier, settings, links, quota)
    service = EventRegistrationService(events, relay, event_ids=settings.event_ids, on_duplicate=settings.on_duplicate)
    queues = Queues(events)
    api = Api(
        service,
        allowed_origins=settings.allowed_origins,
        managed=service,
        self_service=SelfService(service, events, links) if links else None,
    )

    def handler(payload: object, context: object) -> dict[str, Any]:
        started = time.monotonic()
        if is_schedule(payload):
            return _work(queues, sending, context, started)
        if sending and (taken := sending.take_back(payload, context, started)):
            return taken
        return _answered(api, payload, context, has_queues=True)

    return handler


def _inline(  # noqa: PLR0913, PLR0917 - all that mail is made of
    events: EventRepository,
    outbox: Outbox | None,
    notifier: Notifier,
    settings: Settings,
    links: Links | None,
    quota: SESQuota | None,
) -> tuple[Relay, Sending]:
    """Return what sends the mail of who registers, and what the schedule sends all else with: only that can wait."""
    from event_registration.aws.sending import Sending
    from event_registration.feedback import Feedback
    from event_registration.pacing import Pacer
    from event_registration.relay import Relay
    from event_registration.wire import prepare_reading

    if outbox is None:
        raise TypeError("With managed events a repository needs an outbox beside it, unless CONFIRMATION is outbox.")
    prepare_reading()
    compose = wiring.composer_of(events, settings, links)
    pacer = Pacer(quota) if quota else None
    at_once = Relay(outbox, notifier, compose=compose, mails_per_day=settings.mails_per_day)
    paced = Relay(outbox, notifier, compose=compose, mails_per_day=settings.mails_per_day, pacer=pacer)
    return at_once, Sending(paced, Feedback(outbox))


def _work(queues: Queues, sending: Sending | None, context: object, started: float) -> dict[str, Any]:
    """Do what the schedule asks for: serve the waiting lists, and inline send what is due."""
    deadline = deadline_of(context, started)

    def settle() -> tuple[dict[str, int], Sequence[EventRegistrationError]]:
        settled = queues.settle_all(deadline=deadline)
        return {"events": settled.events, "promoted": settled.promoted, "told": settled.told}, settled.troubles

    jobs: dict[str, Job] = {QUEUE_TROUBLE: settle}
    if sending:
        jobs[MAIL_TROUBLE] = lambda: sending.sweep(deadline)
    return work(context, started, jobs)


def _answered(api: Api, payload: object, context: object, *, has_queues: bool = False) -> dict[str, Any]:
    started = time.monotonic()
    try:
        request = request_of(payload, deadline_of(context, started))
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
    _log_response(response, context, started, has_queues=has_queues)
    return answer_to(payload, response)


def _log_response(response: Response, context: object, started: float, *, has_queues: bool) -> None:
    facts = {"status": response.status, **response.facts}
    if "trouble" in facts:
        is_queue = has_queues and not str(facts["trouble"]).startswith("mail-")
        log("WARN", context, started, facts, metrics=[QUEUE_TROUBLE if is_queue else MAIL_TROUBLE])
    else:
        is_ours = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        log("ERROR" if is_ours else "INFO", context, started, facts)
