"""
Everything that can go wrong, as one tree.

::

    EventRegistrationError                            code
    ├── ProblemsError              (ValueError)       invalid
    │   ├── InvalidRegistrationError                  invalid-registration
    │   ├── InvalidEventError                         invalid-event
    │   ├── InvalidTemplatesError                     invalid-templates
    │   └── SettingsError                             invalid-settings
    ├── MalformedBodyError         (ValueError)       not-json, duplicate-key, too-deep, …
    ├── BodyTooLargeError          (ValueError)       body-too-large
    ├── UnknownEventError          (LookupError)      unknown-event
    ├── UnknownRegistrationError   (LookupError)      unknown-registration
    ├── InvalidLinkError           (ValueError)       invalid-link
    ├── AlreadyRegisteredError     (ValueError)       already-registered
    ├── NotAdmittedError           (RuntimeError)     not-admitted
    │   ├── NotOpenYetError                           not-open-yet
    │   ├── RegistrationClosedError                   registration-closed
    │   ├── EventFullError                            event-full
    │   └── EventCancelledError                       event-cancelled
    ├── EventExistsError           (ValueError)       event-exists
    ├── EventChangeError           (RuntimeError)     event-not-changed
    ├── DataFolderInUseError       (RuntimeError)     data-folder-in-use
    ├── DeploymentError            (RuntimeError)     deployment-failed
    ├── RepositoryError            (RuntimeError)     repository-failed
    │   ├── RepositoryUnavailableError (ConnectionError)   repository-unavailable
    │   ├── TableLayoutError                          table-layout
    │   └── UnreadableRowError                        unreadable-row
    └── NotifierError              (RuntimeError)     mail-failed
        ├── TransientNotifierError (ConnectionError)  mail-delayed
        │   ├── OutdatedMailError                     mail-outdated
        │   └── ThrottledNotifierError                mail-throttled
        └── PermanentNotifierError                    mail-rejected

Each error is also the builtin that a caller would expect, carries a stable ``code``, and its message holds no
personal data. What an error means in HTTP is decided in ``api.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AlreadyRegisteredError",
    "BodyTooLargeError",
    "DataFolderInUseError",
    "DeploymentError",
    "EventCancelledError",
    "EventChangeError",
    "EventExistsError",
    "EventFullError",
    "EventRegistrationError",
    "InvalidEventError",
    "InvalidLinkError",
    "InvalidRegistrationError",
    "InvalidTemplatesError",
    "MalformedBodyError",
    "NotAdmittedError",
    "NotOpenYetError",
    "NotifierError",
    "OutdatedMailError",
    "PermanentNotifierError",
    "Problem",
    "ProblemsError",
    "RegistrationClosedError",
    "RepositoryError",
    "RepositoryUnavailableError",
    "SettingsError",
    "TableLayoutError",
    "ThrottledNotifierError",
    "TransientNotifierError",
    "UnknownEventError",
    "UnknownRegistrationError",
    "UnreadableRowError",
]


@frozen
class Problem:
    """
    What is wrong with one field.

    Args:
        field: The field's name: Python's in Python, the wire's in an answer.
        code: Stable kebab-case name of the rule that was broken.
        message: One English sentence for a person, which never repeats the value.
    """

    field: str
    code: str
    message: str


class EventRegistrationError(Exception):
    """The base of every error this package raises on purpose."""

    code: ClassVar[str] = "event-registration"


class ProblemsError(EventRegistrationError, ValueError):
    """
    Fields break their rules.

    Args:
        problems: One per wrong field, in the order of the fields.
    """

    code = "invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in self.problems))


class InvalidRegistrationError(ProblemsError):
    """Fields break the rules of a registration."""

    code = "invalid-registration"


class InvalidEventError(ProblemsError):
    """Fields break the rules of an event."""

    code = "invalid-event"


class InvalidTemplatesError(ProblemsError):
    """A mail's template or a language's file can't be used; each problem's ``field`` is a file's name."""

    code = "invalid-templates"


class MalformedBodyError(EventRegistrationError, ValueError):
    """
    The body is no JSON object that two programs would read alike.

    Args:
        reason: What exactly, as a stable kebab-case name; it is the answer's code.
        message: The same in one English sentence.
    """

    code = "malformed-body"

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class BodyTooLargeError(EventRegistrationError, ValueError):
    """The body is longer than a registration can be."""

    code = "body-too-large"


class UnknownEventError(EventRegistrationError, LookupError):
    """No event of this id takes registrations here."""

    code = "unknown-event"


class UnknownRegistrationError(EventRegistrationError, LookupError):
    """Nobody of this address is registered for the event."""

    code = "unknown-registration"


class InvalidLinkError(EventRegistrationError, ValueError):
    """The link was not signed by us for this, has expired, or belongs to a registration that was cancelled since."""

    code = "invalid-link"


class AlreadyRegisteredError(EventRegistrationError, ValueError):
    """The address is registered for this event, and the service was told to say so."""

    code = "already-registered"


class NotAdmittedError(EventRegistrationError, RuntimeError):
    """The event takes no registration now. Nothing was stored."""

    code = "not-admitted"


class NotOpenYetError(NotAdmittedError):
    """Registration for the event has not begun."""

    code = "not-open-yet"


class RegistrationClosedError(NotAdmittedError):
    """Registration for the event is over."""

    code = "registration-closed"


class EventFullError(NotAdmittedError):
    """No seat is left, and there is no waiting list."""

    code = "event-full"


class EventCancelledError(NotAdmittedError):
    """The event will not take place."""

    code = "event-cancelled"


class EventExistsError(EventRegistrationError, ValueError):
    """There is an event of this id already; it was left as it is."""

    code = "event-exists"


class EventChangeError(EventRegistrationError, RuntimeError):
    """The event can't be changed so, or not now; it was left as it is."""

    code = "event-not-changed"


class SettingsError(ProblemsError):
    """The environment's settings can't be used; each problem's ``field`` is a variable's name."""

    code = "invalid-settings"


class DataFolderInUseError(EventRegistrationError, RuntimeError):
    """Another process serves this data folder."""

    code = "data-folder-in-use"


class DeploymentError(EventRegistrationError, RuntimeError):
    """A package can't be built or a stack not be changed; the message says what to do."""

    code = "deployment-failed"


class RepositoryError(EventRegistrationError, RuntimeError):
    """The repository refused or failed; trying again won't help until someone mends it."""

    code = "repository-failed"


class RepositoryUnavailableError(RepositoryError, ConnectionError):
    """
    The repository can't answer now; the same call may succeed later.

    Args:
        message: What failed.
        ambiguous: Whether the write may have happened all the same, as after a lost answer.
    """

    code = "repository-unavailable"

    def __init__(self, message: str, *, ambiguous: bool = False) -> None:
        self.ambiguous = ambiguous
        super().__init__(message)


class TableLayoutError(RepositoryError):
    """The table is keyed in a way that would let one attendee overwrite another."""

    code = "table-layout"


class UnreadableRowError(RepositoryError):
    """A stored row is not what it should be: something else wrote it."""

    code = "unreadable-row"


class NotifierError(EventRegistrationError, RuntimeError):
    """A message could not be handed over, for a reason the notifier doesn't know."""

    code = "mail-failed"


class TransientNotifierError(NotifierError, ConnectionError):
    """
    The message could not be handed over now; later it may.

    Args:
        message: What failed.
        ambiguous: Whether it may have been handed over all the same, as after a lost answer.
    """

    code = "mail-delayed"

    def __init__(self, message: str, *, ambiguous: bool = False) -> None:
        self.ambiguous = ambiguous
        super().__init__(message)


class OutdatedMailError(TransientNotifierError):
    """The message is not true any more, and another one will take its place."""

    code = "mail-outdated"


class ThrottledNotifierError(TransientNotifierError):
    """The service takes no more messages for now: its rate or its quota is used up."""

    code = "mail-throttled"


class PermanentNotifierError(NotifierError):
    """The message was refused for good."""

    code = "mail-rejected"
