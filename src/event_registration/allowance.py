"""How many mails one address gets in a day, over all events, and which gets none: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import frozen

from event_registration.mail import BUDGET

__all__ = ["Allowance"]

_FORGOTTEN_AFTER = timedelta(days=2)


@frozen(kw_only=True)
class Allowance:
    """
    What one address has got, and may get.

    Args:
        day: The day of UTC that the mails were counted on, as in 2026-05-01; empty if none ever were.
        debts: What tells these mails from others.
        blocked: Why it gets none any more, ``bounced`` or ``complained``.
    """

    day: str = ""
    debts: frozenset[str] = frozenset()
    blocked: str | None = None

    def refusal(self, debt: str, now: datetime, limit: int) -> str | None:
        """Return why *debt* may not be paid *now*: the block's reason, or ``budget``; ``None`` if it may."""
        if self.blocked:
            return self.blocked
        today = self._on(now)
        return BUDGET if debt not in today.debts and len(today.debts) >= limit else None

    def spent(self, debt: str, now: datetime) -> Allowance:
        """Return it with *debt* counted, once however often."""
        today = self._on(now)
        return Allowance(day=today.day, debts=today.debts | {debt}, blocked=self.blocked)

    @property
    def forgotten_at(self) -> datetime:
        """From when on nobody needs to know any more what was counted."""
        return datetime.fromisoformat(self.day).replace(tzinfo=UTC) + _FORGOTTEN_AFTER

    def _on(self, now: datetime) -> Allowance:
        """Return it as it is on the day of *now*; a clock that is behind another's stays on the later day."""
        day = f"{now.astimezone(UTC):%Y-%m-%d}"
        return self if day <= self.day else Allowance(day=day, blocked=self.blocked)
