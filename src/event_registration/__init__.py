"""Event registration that is right: one registration per person, no mail lost, on a laptop and on AWS."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from event_registration.attachment import Attachment
    from event_registration.aws.handler import make_lambda_handler
    from event_registration.aws.stream import make_stream_handler
    from event_registration.composing import Composer
    from event_registration.confirmation import Renderer
    from event_registration.errors import (
        AlreadyRegisteredError,
        EventCancelledError,
        EventChangeError,
        EventExistsError,
        EventFullError,
        EventRegistrationError,
        InvalidEventError,
        InvalidLinkError,
        InvalidRegistrationError,
        InvalidTemplatesError,
        NotAdmittedError,
        NotifierError,
        NotOpenYetError,
        PermanentNotifierError,
        Problem,
        RegistrationClosedError,
        RepositoryError,
        RepositoryUnavailableError,
        SettingsError,
        TableLayoutError,
        ThrottledNotifierError,
        TransientNotifierError,
        UnknownEventError,
        UnknownRegistrationError,
        UnreadableRowError,
    )
    from event_registration.event import Event
    from event_registration.feedback import Feedback
    from event_registration.languages import Languages
    from event_registration.links import Keyring, Links
    from event_registration.listing import EventState, Listing
    from event_registration.mail import Mail, MailKind, MailState
    from event_registration.mails import Mails
    from event_registration.managed import EventRegistrationService
    from event_registration.message import Message
    from event_registration.model import Registration, Status
    from event_registration.organiser import Organiser
    from event_registration.outbox import Debtor, Outbox
    from event_registration.pacing import Pacer, Quota
    from event_registration.ports import Clock, EventRepository, Notifier, RegistrationRepository
    from event_registration.queues import Queues
    from event_registration.relay import Relay
    from event_registration.self_service import SelfService, View
    from event_registration.service import OnDuplicate, Outcome, Receipt, RegistrationService
    from event_registration.settings import Confirmation, EventsMode, Settings
    from event_registration.templates import Templates

__all__ = [
    "AlreadyRegisteredError",
    "Attachment",
    "Clock",
    "Composer",
    "Confirmation",
    "Debtor",
    "Event",
    "EventCancelledError",
    "EventChangeError",
    "EventExistsError",
    "EventFullError",
    "EventRegistrationError",
    "EventRegistrationService",
    "EventRepository",
    "EventState",
    "EventsMode",
    "Feedback",
    "InvalidEventError",
    "InvalidLinkError",
    "InvalidRegistrationError",
    "InvalidTemplatesError",
    "Keyring",
    "Languages",
    "Links",
    "Listing",
    "Mail",
    "MailKind",
    "MailState",
    "Mails",
    "Message",
    "NotAdmittedError",
    "NotOpenYetError",
    "Notifier",
    "NotifierError",
    "OnDuplicate",
    "Organiser",
    "Outbox",
    "Outcome",
    "Pacer",
    "PermanentNotifierError",
    "Problem",
    "Queues",
    "Quota",
    "Receipt",
    "Registration",
    "RegistrationClosedError",
    "RegistrationRepository",
    "RegistrationService",
    "Relay",
    "Renderer",
    "RepositoryError",
    "RepositoryUnavailableError",
    "SelfService",
    "Settings",
    "SettingsError",
    "Status",
    "TableLayoutError",
    "Templates",
    "ThrottledNotifierError",
    "TransientNotifierError",
    "UnknownEventError",
    "UnknownRegistrationError",
    "UnreadableRowError",
    "View",
    "make_lambda_handler",
    "make_stream_handler",
]

# Everything is imported when it is first asked for: each function, and whoever builds on parts, has few of them.
_HOMES = {
    "AlreadyRegisteredError": "errors",
    "Attachment": "attachment",
    "Clock": "ports",
    "Composer": "composing",
    "Confirmation": "settings",
    "Debtor": "outbox",
    "Event": "event",
    "EventCancelledError": "errors",
    "EventChangeError": "errors",
    "EventExistsError": "errors",
    "EventFullError": "errors",
    "EventRegistrationError": "errors",
    "EventRegistrationService": "managed",
    "EventRepository": "ports",
    "EventState": "listing",
    "EventsMode": "settings",
    "Feedback": "feedback",
    "InvalidEventError": "errors",
    "InvalidLinkError": "errors",
    "InvalidRegistrationError": "errors",
    "InvalidTemplatesError": "errors",
    "Keyring": "links",
    "Languages": "languages",
    "Links": "links",
    "Listing": "listing",
    "Mail": "mail",
    "MailKind": "mail",
    "MailState": "mail",
    "Mails": "mails",
    "Message": "message",
    "NotAdmittedError": "errors",
    "NotOpenYetError": "errors",
    "Notifier": "ports",
    "NotifierError": "errors",
    "OnDuplicate": "service",
    "Organiser": "organiser",
    "Outbox": "outbox",
    "Outcome": "service",
    "Pacer": "pacing",
    "PermanentNotifierError": "errors",
    "Problem": "errors",
    "Queues": "queues",
    "Quota": "pacing",
    "Receipt": "service",
    "Registration": "model",
    "RegistrationClosedError": "errors",
    "RegistrationRepository": "ports",
    "RegistrationService": "service",
    "Relay": "relay",
    "Renderer": "confirmation",
    "RepositoryError": "errors",
    "RepositoryUnavailableError": "errors",
    "SelfService": "self_service",
    "Settings": "settings",
    "SettingsError": "errors",
    "Status": "model",
    "TableLayoutError": "errors",
    "Templates": "templates",
    "ThrottledNotifierError": "errors",
    "TransientNotifierError": "errors",
    "UnknownEventError": "errors",
    "UnknownRegistrationError": "errors",
    "UnreadableRowError": "errors",
    "View": "self_service",
    "make_lambda_handler": "aws.handler",
    "make_stream_handler": "aws.stream",
}


def __getattr__(name: str) -> object:
    """Import what is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
