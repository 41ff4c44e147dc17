"""Has a registration's mail sent by whoever stores it, at most once per attempt, and the row remember it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from event_registration.errors import (
    EventRegistrationError,
    NotifierError,
    PermanentNotifierError,
    RepositoryError,
    RepositoryUnavailableError,
    TransientNotifierError,
)
from event_registration.mail import MailState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from event_registration.mail import Mail
    from event_registration.message import Message
    from event_registration.model import Registration
    from event_registration.ports import Notifier, RegistrationRepository
    from event_registration.schedule import Schedule

__all__ = ["Delivered", "Delivery", "hand_over", "unwritable"]

# How long whoever stores a registration has its mail alone; after that a repeat may try it again.
_LEASE = timedelta(minutes=10)
_MAX_ATTEMPTS = 3
# A repeat this long after an attempt finds a mail that is late, not one that is being sent.
_LATE_AFTER = timedelta(minutes=1)

Delivered: TypeAlias = "tuple[Registration, EventRegistrationError | None]"
"""The registration as it is now, and why its mail is late, if it is."""


def hand_over(notifier: Notifier, message: Message) -> NotifierError | None:
    """Give *message* to *notifier* once, and return what it raised as an error of the port."""
    try:
        notifier.send(message)
    except NotifierError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a notifier of anyone's making must not undo a registration
        trouble = NotifierError(f"The notifier raised {type(error).__name__}.")
        trouble.__cause__ = error
        return trouble
    return None


def unwritable(error: Exception) -> PermanentNotifierError:
    """Return *error*, by which a mail could not be written, as the port's: it never can be."""
    trouble = PermanentNotifierError(f"The mail can't be written ({type(error).__name__}).")
    trouble.__cause__ = error
    return trouble


class Delivery:
    """
    Sends the mails of registrations in the call that stores them, as a caller can who may only put rows.

    Args:
        repository: Where registrations are kept.
        notifier: What sends mail.
        render: Writes the mail that a registration owes.
        monotonic: The clock of deadlines, in seconds.
    """

    def __init__(
        self,
        repository: RegistrationRepository,
        notifier: Notifier,
        *,
        render: Callable[[Registration], Message],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._repository = repository
        self._notifier = notifier
        self._render = render
        self._monotonic = monotonic

    def claimed(self, mail: Mail, now: datetime) -> Mail:
        """Return *mail* as the caller has claimed it, who stores it before it is sent."""
        return mail.claimed(now, _LEASE)

    def send_again(self, stored: Registration, now: datetime, schedule: Schedule) -> Delivered:
        """
        Send the mail of *stored* if it has not gone out: at most three attempts in all, ten minutes apart.

        An attempt is claimed in the row before it is begun, so that of many at once only one sends. None is claimed
        that there is no time for.
        """
        mail = stored.mail
        if not (mail.is_pending or mail.state is MailState.FAILED):
            return stored, None
        if schedule.is_over(self._monotonic()):
            return stored, TransientNotifierError("No time was left to send the mail.")
        if mail.attempted_at is not None:
            age = now - mail.attempted_at
            if mail.attempts >= _MAX_ATTEMPTS or age < _LEASE:
                late = TransientNotifierError("The confirmation of an earlier registration has not gone out.")
                return stored, late if age >= _LATE_AFTER else None
        claimed = stored.changed(mail=self.claimed(mail, now))
        try:
            ours = self._repository.replace(stored, claimed, deadline=schedule.store_by)
        except RepositoryError as error:
            return stored, error
        return self.send(claimed, schedule) if ours else (stored, None)

    def send(self, registration: Registration, schedule: Schedule) -> Delivered:
        """Send the mail of *registration*, which is claimed already, and mark what came of it."""
        if self._monotonic() > schedule.send_before:
            return registration, TransientNotifierError("No time was left to send the mail.")
        try:
            message = self._render(registration)
        except Exception as error:  # noqa: BLE001 - a mail problem must not undo a registration
            trouble: NotifierError | None = unwritable(error)
        else:
            trouble = hand_over(self._notifier, message)
        if trouble and not isinstance(trouble, PermanentNotifierError):
            return registration, trouble
        if self._monotonic() > schedule.mark_before:
            return registration, trouble or RepositoryUnavailableError("No time was left to mark the mail as sent.")
        return self._mark(registration, trouble, schedule)

    def _mark(self, registration: Registration, refused: NotifierError | None, schedule: Schedule) -> Delivered:
        mail: Mail = registration.mail.failed(str(refused)) if refused else registration.mail.sent()
        marked = registration.changed(mail=mail)
        try:
            ours = self._repository.replace(registration, marked, deadline=schedule.mark_by(self._monotonic()))
        except RepositoryError as error:
            return registration, error
        return marked if ours else registration, refused
