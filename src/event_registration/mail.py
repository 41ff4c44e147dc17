"""What a registration owes its attendee by mail: a debt, and the states it goes through."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import evolve, frozen

__all__ = [
    "BUDGET",
    "MAILS_PER_DAY",
    "PENDING",
    "TEMPORARY",
    "UNREADABLE",
    "Mail",
    "MailKind",
    "MailState",
]

BUDGET = "budget"
"""Why a mail failed whose recipient got as many that day as one address may."""

MAILS_PER_DAY = 5
"""How many mails one address gets in a day at most, over all events, if nothing else is said."""

TEMPORARY = "temporary"
"""Why a mail bounced whose recipient may get the next one, as after a full mailbox."""

UNREADABLE = "unreadable"
"""Why a mail failed whose row is no registration."""

_REPEATED_EVERY = timedelta(days=1)


class MailState(StrEnum):
    """Whether the mail a registration owes has gone out."""

    DUE = "due"
    CLAIMED = "claimed"
    RETRY = "retry"
    SENT = "sent"
    FAILED = "failed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


PENDING = frozenset({MailState.DUE, MailState.CLAIMED, MailState.RETRY})
"""The states of a mail that is still to go out."""


class MailKind(StrEnum):
    """What a mail tells."""

    CONFIRMED = "confirmed"
    WAITLISTED = "waitlisted"
    PROMOTED = "promoted"
    CANCELLED = "cancelled"
    REPEATED = "repeated"
    MOVED = "moved"
    CALLED_OFF = "called-off"


_STANDINGS = frozenset({MailKind.CONFIRMED, MailKind.WAITLISTED, MailKind.PROMOTED})


@frozen(kw_only=True, slots=False)  # without slots a frozen class is made in three fifths of the time
class Mail:
    """
    The mail that a registration owes its attendee: at most one at a time, which a newer one takes the place of.

    One rule tells who may send it: as long as it is pending, whoever claims it from *due_at* on. A claim puts that
    instant off until its lease is over, and so does a failure until the next try.

    Args:
        state: Due, claimed by who is sending it, waiting for another try, sent, failed for good, or come back.
        kind: What it tells.
        number: Its own number among the registration's debts.
        attempts: How often sending was begun.
        attempted_at: When sending was begun last, aware.
        due_at: From when on it may be claimed, aware; ``None`` is at once. Nothing if it isn't pending.
        reason: Why it failed or waits, in words without personal data.
        repeated_at: When the attendee was last owed a mail about somebody's attempt to register again, aware.
    """

    state: MailState = MailState.DUE
    kind: MailKind = MailKind.CONFIRMED
    number: int = 1
    attempts: int = 0
    attempted_at: datetime | None = None
    due_at: datetime | None = None
    reason: str | None = None
    repeated_at: datetime | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it is still to go out."""
        return self.state in PENDING

    @property
    def tells_all(self) -> bool:
        """Whether it has yet to be begun, and will tell where the registration stands as well as its event."""
        return self.state in {MailState.DUE, MailState.RETRY} and self.kind in _STANDINGS

    def is_claimable(self, now: datetime) -> bool:
        """Tell whether somebody may begin to send it *now*."""
        return self.is_pending and (self.due_at is None or self.due_at <= now)

    def owing(self, kind: MailKind, now: datetime) -> Mail:
        """
        Return the debt that takes the place of this one.

        If this one is being sent, the new one waits until that claim is over: its claimer goes on with it at once, and
        no two mails to one person are under way together.
        """
        is_repeat = kind is MailKind.REPEATED
        return Mail(kind=kind, due_at=now, repeated_at=now if is_repeat else None).following(self)

    def following(self, earlier: Mail) -> Mail:
        """Return this debt as the one that takes the place of *earlier*."""
        due_at = self.due_at
        if earlier.due_at and earlier.state in {MailState.DUE, MailState.CLAIMED}:
            due_at = max(due_at or earlier.due_at, earlier.due_at)
        repeated_at = self.repeated_at or earlier.repeated_at
        return evolve(self, number=earlier.number + 1, due_at=due_at, repeated_at=repeated_at)

    def owes_repeat(self, now: datetime) -> bool:
        """Tell whether an attempt to register again is told *now*: in the place of no mail that is owed, once a day."""
        return self.state is MailState.SENT and (self.repeated_at is None or now - self.repeated_at >= _REPEATED_EVERY)

    def claimed(self, now: datetime, lease: timedelta) -> Mail:
        """Return it as whoever sends it until *lease* is over has claimed it."""
        return evolve(
            self,
            state=MailState.CLAIMED,
            attempts=self.attempts + 1,
            attempted_at=now,
            due_at=now + lease,
        )

    def sent(self) -> Mail:
        """Return it as it is once the notifier has taken it."""
        return evolve(self, state=MailState.SENT, due_at=None, reason=None)

    def retried(self, at: datetime, reason: str) -> Mail:
        """Return it as it waits for another try *at* an instant."""
        return evolve(self, state=MailState.RETRY, due_at=at, reason=reason)

    def failed(self, reason: str) -> Mail:
        """Return it as it is when no try will be made any more."""
        return evolve(self, state=MailState.FAILED, due_at=None, reason=reason)

    def returned(self, state: MailState, *, is_final: bool) -> Mail:
        """Return it as it is once its recipient's provider has sent it back or the recipient has complained."""
        return evolve(self, state=state, due_at=None, reason=None if is_final else TEMPORARY)
