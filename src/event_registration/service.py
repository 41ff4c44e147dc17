"""Registers an attendee: stores the registration once, has it confirmed once, and never loses the one to the other."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, field, frozen

from event_registration.confirmation import render
from event_registration.errors import (
    AlreadyRegisteredError,
    EventRegistrationError,
    NotifierError,
    PermanentNotifierError,
    RepositoryError,
    RepositoryUnavailableError,
    TransientNotifierError,
    UnknownEventError,
)
from event_registration.model import Mail, MailState, Status, new_registration_id
from event_registration.ports import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from event_registration.model import Registration
    from event_registration.ports import Clock, Notifier, RegistrationRepository

__all__ = ["OnDuplicate", "Outcome", "Receipt", "RegistrationService"]

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


class OnDuplicate(StrEnum):
    """How a second registration of the same person is answered."""

    ANSWER = "answer"
    REJECT = "reject"


class Outcome(StrEnum):
    """What registering came to. It is for logs: in an answer it would tell strangers who is registered."""

    REGISTERED = "registered"
    REPEATED = "repeated"
    DIFFERENT = "different-details"


@frozen
class Receipt:
    """
    What came of registering.

    Args:
        registration: What the person may be told: the stored registration; or, if the same address is registered
            with other details, the one that was asked for, which was not stored and has no ``registered_at``.
        trouble: Why the confirmation is late, if it is. The registration stands all the same.
        outcome: What registering came to.
    """

    registration: Registration
    trouble: EventRegistrationError | None = None
    outcome: Outcome = field(default=Outcome.REGISTERED, kw_only=True)


@frozen(kw_only=True)
class _Schedule:
    """By when each step of one call must be over or begun, in seconds of the monotonic clock."""

    store_by: float | None = None
    send_before: float = math.inf
    mark_before: float = math.inf

    @classmethod
    def until(cls, deadline: float | None, now: float) -> _Schedule:
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

    def mark_by(self, now: float) -> float | None:
        """Return when a mark that begins *now* must be over: it is not worth a person's waiting."""
        return None if self.store_by is None else now + _SECONDS_TO_MARK


_Confirmed: TypeAlias = "tuple[Registration, EventRegistrationError | None]"


class RegistrationService:
    """
    Takes registrations and has each confirmed by one mail, sent after the registration is stored.

    Args:
        repository: Where registrations are kept.
        notifier: What sends mail.
        event_ids: The only event ids that are taken; ``None`` takes any.
        on_duplicate: Whether a repeat is answered as if it were the first, or refused.
        clock: Tells the time that is stored.
        monotonic: The clock of deadlines, in seconds.
        new_id: Makes the id of each registration.
    """

    def __init__(  # noqa: PLR0913 - parts and policies, all keyword-only but the two that everyone gives
        self,
        repository: RegistrationRepository,
        notifier: Notifier,
        *,
        event_ids: Collection[str] | None = None,
        on_duplicate: OnDuplicate = OnDuplicate.ANSWER,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = new_registration_id,
    ) -> None:
        self._repository = repository
        self._notifier = notifier
        self._event_ids = None if event_ids is None else frozenset(event_ids)
        self._on_duplicate = on_duplicate
        self._clock = clock
        self._monotonic = monotonic
        self._new_id = new_id

    def register(self, registration: Registration, *, deadline: float | None = None) -> Receipt:
        """
        Store *registration* once and have it confirmed by mail.

        Repeating the call with the same details is harmless: it returns the stored registration, and sends the
        confirmation again only if that was lost, at most three attempts in all, ten minutes apart. A call with other
        details for a registered address changes nothing and looks like a first one, so that nobody learns who is
        registered.

        Args:
            registration: What the attendee sent, already valid.
            deadline: The instant of *monotonic* by which the caller must have answered.

        Returns:
            The receipt. A confirmation that could not be sent is told there and is no error.

        Raises:
            UnknownEventError: The event's id is not among those that are taken. Nothing was stored.
            AlreadyRegisteredError: The person is registered, and duplicates are to be rejected. Its cause is the
                trouble with a mail that was sent again, if there was any.
            RepositoryUnavailableError: Not now. Calling again with the same details is safe.
            RepositoryError: Someone has to mend the repository first.
        """
        if self._event_ids is not None and registration.event_id not in self._event_ids:
            raise UnknownEventError("There is no such event.")
        schedule = _Schedule.until(deadline, self._monotonic())
        now = self._clock()
        # An id of this very call: the same object may be registered twice, and only one of the calls is the first.
        asked = evolve(
            registration,
            registration_id=self._new_id(),
            status=Status.CONFIRMED,
            registered_at=now,
            mail=Mail(attempts=1, attempted_at=now),
        )

        stored = self._repository.add(asked, deadline=schedule.store_by)

        if stored.registration_id == asked.registration_id:
            return Receipt(*self._confirm(stored, schedule), outcome=Outcome.REGISTERED)
        same = stored.same_details(asked)
        current, trouble = self._confirm_again(stored, now, schedule) if same else (registration, None)
        if self._on_duplicate is OnDuplicate.REJECT:
            raise AlreadyRegisteredError("This address is registered for the event already.") from trouble
        return Receipt(current, trouble, outcome=Outcome.REPEATED if same else Outcome.DIFFERENT)

    def _confirm_again(self, stored: Registration, now: datetime, schedule: _Schedule) -> _Confirmed:
        mail = stored.mail
        if mail.state is MailState.SENT or mail.attempted_at is None:
            return stored, None
        age = now - mail.attempted_at
        if mail.attempts >= _MAX_ATTEMPTS or age < _RESEND_AFTER:
            late = TransientNotifierError("The confirmation of an earlier registration has not gone out.")
            return stored, late if age >= _LATE_AFTER else None
        claimed = evolve(stored, mail=Mail(attempts=mail.attempts + 1, attempted_at=now))
        try:
            # Claimed before it is sent: of two repeats at once only one sends.
            ours = self._repository.replace(stored, claimed, deadline=schedule.store_by)
        except RepositoryError as error:
            return stored, error
        return self._confirm(claimed, schedule) if ours else (stored, None)

    def _confirm(self, registration: Registration, schedule: _Schedule) -> _Confirmed:
        if self._monotonic() > schedule.send_before:
            return registration, TransientNotifierError("No time was left to send the mail.")
        trouble = self._send(registration)
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

    def _send(self, registration: Registration) -> NotifierError | None:
        try:
            self._notifier.send(render(registration))
        except NotifierError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a notifier of anyone's making must not undo a registration
            trouble = NotifierError(f"The notifier raised {type(error).__name__}.")
            trouble.__cause__ = error
            return trouble
        return None
