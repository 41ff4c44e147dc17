"""Event registration that is right: one registration per person, no mail lost, on a laptop and on AWS."""

from event_registration.aws.handler import make_lambda_handler
from event_registration.errors import (
    AlreadyRegisteredError,
    EventRegistrationError,
    InvalidRegistrationError,
    NotifierError,
    PermanentNotifierError,
    Problem,
    RepositoryError,
    RepositoryUnavailableError,
    SettingsError,
    TableLayoutError,
    TransientNotifierError,
    UnknownEventError,
)
from event_registration.model import Mail, MailState, Message, Registration, Status
from event_registration.ports import Clock, Notifier, RegistrationRepository
from event_registration.service import OnDuplicate, Outcome, Receipt, RegistrationService
from event_registration.settings import Settings

__all__ = [
    "AlreadyRegisteredError",
    "Clock",
    "EventRegistrationError",
    "InvalidRegistrationError",
    "Mail",
    "MailState",
    "Message",
    "Notifier",
    "NotifierError",
    "OnDuplicate",
    "Outcome",
    "PermanentNotifierError",
    "Problem",
    "Receipt",
    "Registration",
    "RegistrationRepository",
    "RegistrationService",
    "RepositoryError",
    "RepositoryUnavailableError",
    "Settings",
    "SettingsError",
    "Status",
    "TableLayoutError",
    "TransientNotifierError",
    "UnknownEventError",
    "make_lambda_handler",
]
