"""Registers an attendee: stores the registration once, has it confirmed once, and never loses the one to the other."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import field, frozen

from event_registration.clock import utc_now
from event_registration.errors import (
    AlreadyRegisteredError,
    EventRegistrationError,
    RepositoryError,
    RepositoryUnavailableError,
    UnknownEventError,
)
from event_registration.mail import Mail, MailKind
from event_registration.model import Status, new_registration_id
from event_registration.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from event_registration.delivery import Delivered, Delivery
    from event_registration.message import Message
    from event_registration.model import Registration
    from event_registration.ports import Clock, Notifier, RegistrationRepository

__all__ = ["OnDuplicate", "Outcome", "Receipt", "RegistrationService"]


_TRIES = 3


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


class RegistrationService:
    """
    Takes registrations and has each confirmed by one mail, sent after the registration is stored.

    Args:
        repository: Where registrations are kept.
        notifier: What sends mail; ``None`` leaves it due, for a `Relay` to send.
        event_ids: The only event ids that are taken; ``None`` takes any.
        on_duplicate: Whether a repeat is answered as if it were the first, or refused.
        clock: Tells the time that is stored.
        monotonic: The clock of deadlines, in seconds.
        render: Writes the mails that *notifier* sends, in place of `confirmation.render`.
        new_id: Makes the id of each registration.
    """

    def __init__(  # noqa: PLR0913 - parts and policies, all keyword-only but the two that everyone gives
        self,
        repository: RegistrationRepository,
        notifier: Notifier | None,
        *,
        event_ids: Collection[str] | None = None,
        on_duplicate: OnDuplicate = OnDuplicate.ANSWER,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        render: Callable[[Registration], Message] | None = None,
        new_id: Callable[[], str] = new_registration_id,
    ) -> None:
        self._repository = repository
        self._delivery = None if notifier is None else _delivery(repository, notifier, render, monotonic)
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
            UnknownEventError: There is no such event, or its id is not among those that are taken. Nothing was stored.
            NotAdmittedError: The event takes no registrations now. Nothing was stored.
            AlreadyRegisteredError: The person is registered, and duplicates are to be rejected. Its cause is the
                trouble with a mail that was sent again, if there was any.
            RepositoryUnavailableError: Not now. Calling again with the same details is safe.
            RepositoryError: Someone has to mend the repository first.
        """
        schedule = Schedule.until(deadline, self._monotonic())
        registration = self._named(registration, schedule.store_by)
        now = self._clock()
        # An id of this very call: the same object may be registered twice, and only one of the calls is the first.
        asked = registration.changed(
            registration_id=self._new_id(),
            status=Status.CONFIRMED,
            registered_at=now,
            mail=self._debt(now),
        )

        stored, delay = self._store(asked, now, schedule.store_by)

        is_first = stored.registration_id == asked.registration_id
        if is_first or stored.same_details(asked):
            current, trouble = self._mailed(stored, now, schedule, is_first=is_first)
            if is_first:
                return Receipt(current, trouble or delay)
            self._reject(trouble or delay)
            return Receipt(current, trouble or delay, outcome=Outcome.REPEATED)
        self._reject(delay)
        current = self._as_newcomer(registration, schedule.store_by)
        return Receipt(current, self._told(stored, now, schedule) or delay, outcome=Outcome.DIFFERENT)

    def _reject(self, trouble: EventRegistrationError | None) -> None:
        """Refuse a repeat, if it is to be."""
        if self._on_duplicate is OnDuplicate.REJECT:
            raise AlreadyRegisteredError("This address is registered for the event already.") from trouble

    def _named(self, registration: Registration, _store_by: float | None) -> Registration:
        """Return *registration* with its event's name, or raise `UnknownEventError`."""
        self._check_event_id(registration.event_id)
        return registration

    def _store(self, asked: Registration, _now: datetime, store_by: float | None) -> Delivered:
        """Return what is stored of the person now, *asked* or an earlier registration, and what went wrong after it."""
        for _ in range(_TRIES):
            stored = self._repository.add(asked, deadline=store_by)
            if stored.status is not Status.CANCELLED:
                return stored, None
            back = asked.after(stored)
            if self._repository.replace(stored, back, deadline=store_by):
                return back, None
        raise RepositoryUnavailableError("The registration changes all the time.")

    def _debt(self, now: datetime) -> Mail:
        """Return the mail that a new registration owes: claimed already, if it is sent by this very call."""
        mail = Mail(due_at=now)
        return self._delivery.claimed(mail, now) if self._delivery else mail

    def _mailed(self, stored: Registration, now: datetime, schedule: Schedule, *, is_first: bool) -> Delivered:
        """Send the mail that *stored* owes, if it is sent here and has not gone out."""
        if self._delivery is None:
            return stored, None
        return self._delivery.send(stored, schedule) if is_first else self._delivery.send_again(stored, now, schedule)

    def _told(self, stored: Registration, now: datetime, schedule: Schedule) -> EventRegistrationError | None:
        """Let *stored* owe the news that somebody tried to register its address again, with other details."""
        if self._delivery or not stored.mail.owes_repeat(now):
            return None
        repeated = stored.changed(mail=stored.mail.owing(MailKind.REPEATED, now))
        try:
            self._repository.replace(stored, repeated, deadline=schedule.store_by)
        except RepositoryError as error:
            return error
        return None

    def _as_newcomer(self, asked: Registration, _store_by: float | None) -> Registration:
        """Return what a stranger with the details of *asked* would be told now."""
        return asked

    def _check_event_id(self, event_id: str) -> None:
        if self._event_ids is not None and event_id not in self._event_ids:
            raise UnknownEventError("There is no such event.")


def _delivery(
    repository: RegistrationRepository,
    notifier: Notifier,
    render: Callable[[Registration], Message] | None,
    monotonic: Callable[[], float],
) -> Delivery:
    # Who only leaves mails due is not to import what writes them.
    from event_registration import confirmation
    from event_registration.delivery import Delivery

    return Delivery(repository, notifier, render=render or confirmation.render, monotonic=monotonic)
