"""The parts that functions on AWS are made of, each made of the settings: clients, repository, notifier, relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from event_registration.errors import Problem, SettingsError
from event_registration.settings import PREFIX, EventsMode

if TYPE_CHECKING:
    from event_registration.composing import Composer
    from event_registration.confirmation import Renderer
    from event_registration.links import Links
    from event_registration.outbox import Outbox
    from event_registration.pacing import Pacer
    from event_registration.ports import EventRepository, Notifier, RegistrationRepository
    from event_registration.settings import Settings

__all__ = [
    "REFUSED",
    "composer_of",
    "dynamodb",
    "links_of",
    "outbox_of",
    "renderer_of",
    "repository_of",
    "ses",
    "ses_mailer",
]

REFUSED = {"smtp_url": "is for event-registration serve: functions mail through SES."}
"""The settings that no function has a use for."""

_CALL_SECONDS = 2  # what a call of `dynamodb`'s client can take at worst


def _make_client(service: str, *, connect_timeout: int, read_timeout: int) -> Any:  # noqa: ANN401 - boto3's
    """Return a client that tries each call once: trying again is done where the deadline is known."""
    import boto3
    from botocore.config import Config

    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
    )
    return boto3.client(service, config=config)


def dynamodb() -> Any:  # noqa: ANN401 - boto3's
    """Return a client of DynamoDB, which answers in milliseconds: time-outs are short, to have time to try again."""
    return _make_client("dynamodb", connect_timeout=1, read_timeout=1)


def ses(seconds_to_send: int = 3) -> Any:  # noqa: ANN401 - boto3's
    """Return a client of SES whose calls take so long at worst; its answers that come later are lost."""
    return _make_client("sesv2", connect_timeout=1, read_timeout=seconds_to_send - 1)


def outbox_of(settings: Settings, client: Any) -> Outbox:  # noqa: ANN401 - boto3's
    """Return what is due in the table."""
    from event_registration.aws.outbox import DynamoDBOutbox

    return DynamoDBOutbox(client, settings.table, call_seconds=_CALL_SECONDS)


def repository_of(settings: Settings, client: Any) -> RegistrationRepository:  # noqa: ANN401 - boto3's
    """Return where registrations are kept, and events if they are managed."""
    if settings.events is EventsMode.MANAGED:
        from event_registration.aws.events import DynamoDBEventRepository

        return DynamoDBEventRepository(client, settings.table, call_seconds=_CALL_SECONDS)
    from event_registration.aws.dynamodb import DynamoDBRepository

    return DynamoDBRepository(client, settings.table, call_seconds=_CALL_SECONDS)


def links_of(settings: Settings) -> Links | None:
    """Return what signs the links in mails and reads them, if they have any."""
    if settings.link_keys is None or settings.manage_url is None:
        return None
    from event_registration.aws.keys import SecretKeys
    from event_registration.links import Links

    keys = SecretKeys(_make_client("secretsmanager", connect_timeout=1, read_timeout=1), settings.link_keys)
    return Links(keys, settings.manage_url)


def ses_mailer(settings: Settings, *, seconds_to_send: int = 3) -> tuple[Notifier, Pacer]:
    """
    Return what sends mail through SES, and what lets mails begin no faster than SES takes them of this account.

    Raises:
        SettingsError: There is no sender.
    """
    from event_registration.aws.ses import SESNotifier, SESQuota
    from event_registration.pacing import Pacer

    if settings.sender is None:
        raise SettingsError([Problem(f"{PREFIX}SENDER", "required", "is missing.")])
    client = ses(seconds_to_send)
    notifier = SESNotifier(client, settings.sender, configuration_set=settings.configuration_set)
    return notifier, Pacer(SESQuota(client))


def renderer_of(settings: Settings) -> Renderer:
    """Return what writes mails in the languages and with the templates that there are."""
    from event_registration.confirmation import Renderer

    return Renderer.of_folder(settings.templates)


def composer_of(repository: RegistrationRepository, settings: Settings, links: Links | None) -> Composer:
    """Return what writes mails, about the events of *repository* if they are managed."""
    from event_registration.composing import Composer

    events = cast("EventRepository", repository) if settings.events is EventsMode.MANAGED else None
    return Composer(events, links=links, renderer=renderer_of(settings), sender=settings.sender)
