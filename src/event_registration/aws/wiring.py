"""The parts that functions on AWS are made of, each made of the settings: clients, repository, notifier, relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from event_registration.errors import Problem, SettingsError
from event_registration.settings import PREFIX, EventsMode

if TYPE_CHECKING:
    from event_registration.aws.clients import Clients
    from event_registration.aws.ses import SESQuota
    from event_registration.composing import Composer
    from event_registration.confirmation import Renderer
    from event_registration.links import Links
    from event_registration.outbox import Outbox
    from event_registration.ports import EventRepository, Notifier, RegistrationRepository
    from event_registration.settings import Settings

__all__ = [
    "REFUSED",
    "composer_of",
    "links_of",
    "outbox_of",
    "renderer_of",
    "repository_of",
    "ses_mailer",
]

REFUSED = {"smtp_url": "is for event-registration serve: functions mail through SES."}
"""The settings that no function has a use for."""

_CALL_SECONDS = 2  # what a call of `Clients.dynamodb` can take at worst


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


def links_of(settings: Settings, clients: Clients) -> Links | None:
    """Return what signs the links in mails and reads them, if they have any."""
    if settings.link_keys is None or settings.manage_url is None:
        return None
    from event_registration.aws.keys import SecretKeys
    from event_registration.links import Links

    keys = SecretKeys(clients.secrets(), settings.link_keys)
    return Links(keys, settings.manage_url)


def ses_mailer(settings: Settings, clients: Clients, *, seconds_to_send: int = 3) -> tuple[Notifier, SESQuota]:
    """
    Return what sends mail through SES, and what tells how much SES takes of this account.

    Raises:
        SettingsError: There is no sender.
    """
    from event_registration.aws.ses import SESNotifier, SESQuota

    if settings.sender is None:
        raise SettingsError([Problem(f"{PREFIX}SENDER", "required", "is missing.")])
    client = clients.ses(seconds_to_send)
    notifier = SESNotifier(client, settings.sender, configuration_set=settings.configuration_set)
    return notifier, SESQuota(client)


def renderer_of(settings: Settings) -> Renderer:
    """Return what writes mails in the languages and with the templates that there are."""
    from event_registration.confirmation import Renderer

    return Renderer.of_folder(settings.templates)


def composer_of(repository: RegistrationRepository, settings: Settings, links: Links | None) -> Composer:
    """Return what writes mails, about the events of *repository* if they are managed."""
    from event_registration.composing import Composer

    events = cast("EventRepository", repository) if settings.events is EventsMode.MANAGED else None
    return Composer(events, links=links, renderer=renderer_of(settings), sender=settings.sender)
