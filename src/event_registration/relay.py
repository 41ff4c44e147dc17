"""Sends what registrations owe: claims each debt for a while, sends once, and marks what came of it."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from attrs import frozen

from event_registration.clock import utc_now
from event_registration.delivery import hand_over, unwritable
from event_registration.errors import (
    EventRegistrationError,
    NotifierError,
    OutdatedMailError,
    PermanentNotifierError,
    RepositoryError,
    RepositoryUnavailableError,
    ThrottledNotifierError,
    TransientNotifierError,
    UnreadableRowError,
)
from event_registration.mail import MAILS_PER_DAY, Mail, MailState
from event_registration.retries import is_given_up, tried_again
from event_registration.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from event_registration.message import Message
    from event_registration.model import Registration
    from event_registration.outbox import Debtor, Outbox
    from event_registration.pacing import Pacer
    from event_registration.ports import Clock, Notifier

__all__ = ["Relay", "Swept"]

# Longer than any notifier takes from a claim's beginning to its mark, so that no claim is taken over alive.
_LEASE = timedelta(minutes=3)
# A mail is begun only so long after its claim.
_SECONDS_TO_BEGIN = 30.0
# Whoever has sent a mail tries hard to say so: an unmarked one is sent again.
_TRIES_TO_MARK = 3
# While a registration keeps changing, its mail is left to the next sweep after so many debts.
_MAX_DEBTS = 5
# So many failures in a row are the service's, and the rest need not learn of it one by one.
_MOST_FAILURES = 3


@frozen
class Swept:
    """
    What came of sending what was due.

    Args:
        sent: How many mails were sent.
        troubles: Why others were not. They are due again later, or failed for good and say why.
    """

    sent: int = 0
    troubles: tuple[EventRegistrationError, ...] = ()

    def __add__(self, other: Swept) -> Swept:
        """Return what came of both."""
        return Swept(self.sent + other.sent, self.troubles + other.troubles)


class Relay:
    """
    Pays the debts of an outbox, by as many callers at once as there are.

    Of all who would send one mail only who has claimed it does. A caller that dies leaves its claim, which ends by
    itself. There are two ways to a second mail: whoever sent the first died before marking it, or could not; or the
    notifier's answer got lost.

    Args:
        outbox: What is owed.
        notifier: What sends mail.
        compose: Writes the mail that a registration owes, by an instant of *monotonic* if there is one. What it raises
            of ours is tried again later, anything else is the mail's own fault.
        pacer: Lets mails begin no faster than the service takes them; without one each begins at once.
        seconds_to_send: What the notifier takes at worst.
        mails_per_day: How many mails one address gets in a day at most, over all events.
        clock: Tells the time that is stored.
        monotonic: The clock of deadlines, in seconds.
        chance: Returns a number from 0 to 1, evenly spread, which keeps those who try again apart.
    """

    def __init__(  # noqa: PLR0913 - parts and policies, all keyword-only but the two that everyone gives
        self,
        outbox: Outbox,
        notifier: Notifier,
        *,
        compose: Callable[[Registration, float | None], Message],
        pacer: Pacer | None = None,
        seconds_to_send: float = 3.0,
        mails_per_day: int = MAILS_PER_DAY,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._notifier = notifier
        self._compose = compose
        self._pacer = pacer
        self._seconds_to_send = seconds_to_send
        self._mails_per_day = mails_per_day
        self._clock = clock
        self._monotonic = monotonic
        self._chance = chance

    def deliver(self, debtor: Debtor, *, deadline: float | None = None) -> Swept:
        """
        Send the mail that *debtor* owes, if there is one that may be sent now.

        Args:
            debtor: Whose mail.
            deadline: The instant of *monotonic* by which it must be over. What there is no time for stays due.

        Raises:
            RepositoryError: What is owed can't be read or claimed. Nothing was sent.
        """
        schedule = self._schedule(deadline)
        held_until: datetime | None = None
        total = Swept()
        for _ in range(_MAX_DEBTS):
            try:
                owing = self._outbox.find_by_digest(debtor.event_id, debtor.digest, deadline=schedule.store_by)
            except UnreadableRowError as error:
                self._outbox.discard(debtor, deadline=schedule.store_by)
                return total + Swept(0, (error,))
            if owing is None or not _is_ours_to_send(owing.mail, self._clock(), held_until):
                return total
            try:
                self._wait(schedule)
            except TransientNotifierError as late:
                return total + Swept(0, (late,))
            now = self._clock()
            claimed = owing.mail.claimed(now, _LEASE)
            if self._outbox.mark(owing, claimed, deadline=schedule.store_by):
                held_until = claimed.due_at
                mail, trouble = self._paid(debtor, owing.changed(mail=claimed), schedule)
                total += Swept(int(mail.state is MailState.SENT), (trouble,) if trouble else ())
                marked = self._marked(owing.changed(mail=claimed), mail, schedule)
                if not isinstance(marked, bool):
                    return total + Swept(0, (marked,))
                if marked:
                    return total
            # A newer debt has come: whoever holds the claim goes on with it.
        return total

    def sweep(self, *, deadline: float | None = None, is_stopped: Callable[[], bool] = lambda: False) -> Swept:
        """
        Send all that is due, as far as there is time; what fails for one keeps no other waiting.

        When one mail after the other fails, or no more may be sent for now, the rest is left to the next sweep.

        Args:
            deadline: The instant of *monotonic* by which it must be over.
            is_stopped: Is asked before each mail; once it says so, the rest is left to the next sweep.

        Raises:
            RepositoryError: What is due can't be listed.
        """
        total = Swept()
        failures = 0
        schedule = self._schedule(deadline)
        for debtor in self._outbox.due(self._clock(), deadline=schedule.store_by):
            if is_stopped() or schedule.is_over(self._monotonic()):
                break
            try:
                swept = self.deliver(debtor, deadline=deadline)
            except RepositoryError as error:
                swept = Swept(0, (error,))
            total += swept
            failures = failures + 1 if any(map(_is_passing, swept.troubles)) else 0
            if failures >= _MOST_FAILURES or any(isinstance(each, ThrottledNotifierError) for each in swept.troubles):
                break
        return total

    def _schedule(self, deadline: float | None) -> Schedule:
        return Schedule.until(deadline, self._monotonic(), seconds_to_send=self._seconds_to_send)

    def _wait(self, schedule: Schedule) -> None:
        """Wait for the turn to send, before anything is claimed, or raise `TransientNotifierError`."""
        if schedule.is_over(self._monotonic()):
            raise TransientNotifierError("No time was left to send the mail.")
        if self._pacer:
            self._pacer.wait(schedule.store_by)

    def _paid(
        self, debtor: Debtor, registration: Registration, schedule: Schedule
    ) -> tuple[Mail, EventRegistrationError | None]:
        """Send the claimed mail of *registration*; return it as it is now, and what is wrong if it isn't sent."""
        mail = registration.mail
        begin_by = min(self._monotonic() + _SECONDS_TO_BEGIN, schedule.send_before)
        if is_given_up(mail):
            given_up = PermanentNotifierError("The mail could not be sent in any of its attempts.")
            return mail.failed(mail.reason or str(given_up)), given_up
        try:
            message = self._written(registration, schedule)
            if refused := self._refusal(debtor, mail, schedule):
                return mail.failed(refused), None
            if self._monotonic() > begin_by:
                raise TransientNotifierError("No time was left to send the mail.")
            if trouble := hand_over(self._notifier, message):
                raise trouble
        except PermanentNotifierError as error:
            return mail.failed(str(error)), error
        except (NotifierError, RepositoryError) as error:
            if self._pacer and isinstance(error, ThrottledNotifierError):
                self._pacer.slow_down()
            return tried_again(mail, error, self._clock(), self._chance()), error
        return mail.sent(), None

    def _refusal(self, debtor: Debtor, mail: Mail, schedule: Schedule) -> str | None:
        """Return why the recipient gets no mail, after counting it if there is no reason."""
        debt = f"{debtor.event_id}#{mail.number}"
        limit, now = self._mails_per_day, self._clock()
        return self._outbox.spend(debtor.digest, debt, now, limit=limit, deadline=schedule.send_by)

    def _written(self, registration: Registration, schedule: Schedule) -> Message:
        """Return the mail of *registration*; unless an error of ours says so, what can't be written never can."""
        try:
            return self._compose(registration, schedule.send_by)
        except EventRegistrationError:
            raise
        except Exception as error:
            raise unwritable(error) from error

    def _marked(self, claimed: Registration, mail: Mail, schedule: Schedule) -> bool | RepositoryError:
        """Mark what came of a mail; ``False`` says that a newer debt is there."""
        tries = _TRIES_TO_MARK if mail.state is MailState.SENT else 1
        while True:
            tries -= 1
            try:
                return self._outbox.mark(claimed, mail, deadline=schedule.answer_by)
            except RepositoryUnavailableError as error:
                if tries == 0 or self._is_late(schedule):
                    return error
            except RepositoryError as error:
                return error

    def _is_late(self, schedule: Schedule) -> bool:
        return schedule.answer_by is not None and self._monotonic() >= schedule.answer_by


def _is_ours_to_send(mail: Mail, now: datetime, held_until: datetime | None) -> bool:
    # A debt that came while we held the claim of the one before waits for the end of just that claim.
    is_left_to_us = held_until is not None and mail.is_pending and mail.due_at == held_until
    return mail.is_claimable(now) or is_left_to_us


def _is_passing(trouble: EventRegistrationError) -> bool:
    """Tell whether *trouble* is a service's, and would be the next mail's too."""
    if isinstance(trouble, NotifierError):
        return not isinstance(trouble, OutdatedMailError | PermanentNotifierError)
    return isinstance(trouble, RepositoryUnavailableError)
