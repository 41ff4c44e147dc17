"""Event registration that is right: one registration per person, no mail lost, on a laptop and on AWS."""

from importlib import import_module
from typing import TYPE_CHECKING

from event_registration.aws.handler import make_lambda_handler
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
)
from event_registration.event import Event, EventState, Listing
from event_registration.mail import Mail, MailState, Message
from event_registration.model import Registration, Status
from event_registration.ports import Clock, EventRepository, Notifier, RegistrationRepository
from event_registration.service import OnDuplicate, Outcome, Receipt, RegistrationService
from event_registration.settings import EventsMode, Settings

if TYPE_CHECKING:
    from event_registration.links import Keyring, Links
    from event_registration.managed import EventRegistrationService
    from event_registration.organiser import Organiser
    from event_registration.self_service import SelfService, View

__all__ = [
    "AlreadyRegisteredError",
    "Clock",
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
    "InvalidEventError",
    "InvalidLinkError",
    "InvalidRegistrationError",
    "Keyring",
    "Links",
    "Listing",
    "Mail",
    "MailState",
    "Message",
    "NotAdmittedError",
    "NotOpenYetError",
    "Notifier",
    "NotifierError",
    "OnDuplicate",
    "Organiser",
    "Outcome",
    "PermanentNotifierError",
    "Problem",
    "Receipt",
    "Registration",
    "RegistrationClosedError",
    "RegistrationRepository",
    "RegistrationService",
    "RepositoryError",
    "RepositoryUnavailableError",
    "SelfService",
    "Settings",
    "SettingsError",
    "Status",
    "TableLayoutError",
    "ThrottledNotifierError",
    "TransientNotifierError",
    "UnknownEventError",
    "UnknownRegistrationError",
    "View",
    "make_lambda_handler",
]

# Imported when they are asked for: a function that takes any event needs none.
_HOMES = {
    "EventRegistrationService": "managed",
    "Keyring": "links",
    "Links": "links",
    "Organiser": "organiser",
    "SelfService": "self_service",
    "View": "self_service",
}


def __getattr__(name: str) -> object:
    """Import a service of managed events when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
