"""Has a registration's mail sent at most once per attempt, and the row remember it."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, frozen

from event_registration.errors import (
    EventRegistrationError,
    NotifierError,
    PermanentNotifierError,
    RepositoryError,
    RepositoryUnavailableError,
    TransientNotifierError,
)
from event_registration.model import Mail, MailState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from event_registration.model import Message, Registration
    from event_registration.ports import Notifier, RegistrationRepository

__all__ = ["Delivered", "Delivery", "Schedule"]

_MAX_ATTEMPTS = 3
_RESEND_AFTER = timedelta(minutes=10)
# A repeat this long after an attempt finds a mail that is late, not one that is being sent.
_LATE_AFTER = timedelta(minutes=1)
# What each step may take at worst: the adapters' time-outs, and for the mark a short retry.
_SECONDS_TO_SEND = 3.0
_SECONDS_TO_MARK = 2.5
_SECONDS_TO_ANSWER = 0.5
# Below this the shares shrink in proportion.
_ROOMY_SECONDS = 10.0

Delivered: TypeAlias = "tuple[Registration, EventRegistrationError | None]"
"""The registration as it is now, and why its mail is late, if it is."""


@frozen(kw_only=True)
class Schedule:
    """
    By when each step of one call must be over or begun, in seconds of the monotonic clock.

    Args:
        store_by: When storing must be over, if there is a deadline.
        send_before: When a mail must have been begun.
        mark_before: When a mark must have been begun.
    """

    store_by: float | None = None
    send_before: float = math.inf
    mark_before: float = math.inf

    @classmethod
    def until(cls, deadline: float | None, now: float) -> Schedule:
        """
        Divide the time from *now* to *deadline* from its end: the answer, the mark, the mail, and the rest to store.

        A mail that hangs or a mark that is throttled then ends before the caller does, and costs no answer.
        """
        if deadline is None:
            return cls()
        share = min(1.0, (deadline - now) / _ROOMY_SECONDS)
        mark_before = deadline - share * (_SECONDS_TO_ANSWER + _SECONDS_TO_MARK)
        return cls(
            store_by=mark_before - share * _SECONDS_TO_SEND,
            send_before=deadline - max(share * (_SECONDS_TO_ANSWER + _SECONDS_TO_SEND), _SECONDS_TO_ANSWER),
            mark_before=mark_before,
        )

    def is_over(self, now: float) -> bool:
        """Tell whether *now* is too late to begin what is stored and then mailed."""
        return self.store_by is not None and now > self.store_by

    def half(self, now: float) -> float | None:
        """Return the middle of what is left to store: the other half is for what comes of it."""
        return None if self.store_by is None else (now + self.store_by) / 2

    def mark_by(self, now: float) -> float | None:
        """Return when a mark that begins *now* must be over: it is not worth a person's waiting."""
        return None if self.store_by is None else now + _SECONDS_TO_MARK


class Delivery:
    """
    Sends what registrations owe, after they are stored.

    Args:
        repository: Where registrations are kept.
        notifier: What sends mail.
        render: Writes the mail that a registration owes, or raises a `RepositoryError`, which keeps it due.
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

    def send_again(self, stored: Registration, now: datetime, schedule: Schedule) -> Delivered:
        """
        Send the mail of *stored* if it has not gone out: at most three attempts in all, ten minutes apart.

        An attempt is claimed in the row before it is begun, so that of many at once only one sends. None is claimed
        that there is no time for.
        """
        mail = stored.mail
        if mail.state is MailState.SENT:
            return stored, None
        if schedule.is_over(self._monotonic()):
            return stored, TransientNotifierError("No time was left to send the mail.")
        if mail.attempted_at is not None:
            age = now - mail.attempted_at
            if mail.attempts >= _MAX_ATTEMPTS or age < _RESEND_AFTER:
                late = TransientNotifierError("The confirmation of an earlier registration has not gone out.")
                return stored, late if age >= _LATE_AFTER else None
        claimed = evolve(stored, mail=Mail(attempts=mail.attempts + 1, attempted_at=now))
        try:
            ours = self._repository.replace(stored, claimed, deadline=schedule.store_by)
        except RepositoryError as error:
            return stored, error
        return self.send(claimed, schedule) if ours else (stored, None)

    def give_up(self, stored: Registration, schedule: Schedule) -> EventRegistrationError | None:
        """Mark the mail of *stored* as failed if all its attempts are used up; return what to say of it."""
        if stored.mail.attempts < _MAX_ATTEMPTS:
            return None
        failed = evolve(stored, mail=evolve(stored.mail, state=MailState.FAILED))
        try:
            self._repository.replace(stored, failed, deadline=schedule.store_by)
        except RepositoryError as error:
            return error
        return PermanentNotifierError("A mail could not be sent in any of its attempts.")

    def send(self, registration: Registration, schedule: Schedule) -> Delivered:
        """Send the mail of *registration*, whose attempt its row counts already, and mark what came of it."""
        try:
            message = self._written(registration, schedule)
        except TransientNotifierError as late:
            return registration, late
        trouble = self._hand_over(message)
        if trouble and not isinstance(trouble, PermanentNotifierError):
            return registration, trouble
        if self._monotonic() > schedule.mark_before:
            return registration, trouble or RepositoryUnavailableError("No time was left to mark the mail as sent.")
        state = MailState.FAILED if trouble else MailState.SENT
        marked = evolve(registration, mail=evolve(registration.mail, state=state))
        try:
            ours = self._repository.replace(registration, marked, deadline=schedule.mark_by(self._monotonic()))
        except RepositoryError as error:
            return registration, error
        return marked if ours else registration, trouble

    def _written(self, registration: Registration, schedule: Schedule) -> Message:
        """Return the mail of *registration* while there is time to send it, or raise `TransientNotifierError`."""
        if self._monotonic() > schedule.send_before:
            raise TransientNotifierError("No time was left to send the mail.")
        try:
            message = self._render(registration)
        except RepositoryError as error:
            raise TransientNotifierError(f"The mail can't be written: {error}") from error
        if self._monotonic() > schedule.send_before:
            raise TransientNotifierError("Writing the mail left no time to send it.")
        return message

    def _hand_over(self, message: Message) -> NotifierError | None:
        try:
            self._notifier.send(message)
        except NotifierError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a notifier of anyone's making must not undo a registration
            trouble = NotifierError(f"The notifier raised {type(error).__name__}.")
            trouble.__cause__ = error
            return trouble
        return None
