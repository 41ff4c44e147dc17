"""Mail at the pace that its service allows: so many a second, so many a day, and fewer for a while if it throttles."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from attrs import frozen

from event_registration.errors import NotifierError, ThrottledNotifierError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pacer", "Quota"]

# After a throttle the pace doubles in this many seconds until it is the quota's again.
_RECOVERY = 10.0
_LEAST = 1 / 64


@frozen
class Quota:
    """
    What a mail service takes of one account.

    Args:
        per_second: Mails a second.
        per_day: Mails in 24 hours; -1 if there is no limit.
        sent: Mails in the last 24 hours, as of the reading.
    """

    per_second: float
    per_day: float
    sent: float


class Pacer:
    """
    Gives out the instants at which mails may be sent, evenly, so that no second has more of them than the quota.

    It may be used by many threads. It knows only its own process: where several send from one account, the service may
    throttle all the same, which `slow_down` takes to heart.

    Args:
        quota: Reads the quota.
        seconds: How long a reading is good for. In between the mails sent since count, and if another reading fails,
            the last one stays.
        monotonic: Tells seconds, as `time.monotonic` does.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        quota: Callable[[], Quota],
        *,
        seconds: float = 60,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._read = quota
        self._seconds = seconds
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = Lock()
        self._quota: Quota | None = None
        self._stale_at = 0.0
        self._sent = 0  # since the reading, what waits for its slot included
        self._waiting = 0
        self._next = 0.0
        self._share = 1.0  # of the quota's rate, as of _shared_at
        self._shared_at = 0.0

    def wait(self, deadline: float | None = None) -> None:
        """
        Wait until one more mail may be sent.

        Args:
            deadline: The instant of *monotonic* by which it must be; nothing is waited, and nothing used up, if it
                can't.

        Raises:
            ThrottledNotifierError: The day's quota is used up, or the next slot is after the deadline.
            TransientNotifierError: The quota could not be read, and never was.
        """
        with self._lock:
            now = self._monotonic()
            slot = self._reserve(self._current(now), now, deadline)
            self._waiting += 1
        try:
            if slot > now:
                self._sleep(slot - now)
        finally:
            with self._lock:
                self._waiting -= 1

    def slow_down(self) -> None:
        """Halve the pace: the service has throttled. Within seconds it recovers to the quota's, if that is all."""
        with self._lock:
            now = self._monotonic()
            self._share = max(_LEAST, self._share_at(now) / 2)
            self._shared_at = now
            if self._quota and self._quota.per_second > 0:
                self._next = max(self._next, now + self._interval(self._quota, now))

    def _current(self, now: float) -> Quota:
        """Return the quota, read anew if it is time to."""
        if self._quota is None or now >= self._stale_at:
            try:
                self._quota = self._read()
            except NotifierError:
                if self._quota is None:
                    raise
            else:
                self._sent = self._waiting
            self._stale_at = now + self._seconds
        return self._quota

    def _reserve(self, quota: Quota, now: float, deadline: float | None) -> float:
        """Return the next slot, which is nobody else's from now on."""
        if quota.per_day >= 0 and quota.sent + self._sent + 1 > quota.per_day:
            raise ThrottledNotifierError("The day's quota of mails is used up.")
        if quota.per_second <= 0:
            raise ThrottledNotifierError("The account may send no mail.")
        slot = max(now, self._next)
        if deadline is not None and slot > deadline:
            raise ThrottledNotifierError("The pace that the mail service allows leaves no time for this mail.")
        self._next = slot + self._interval(quota, slot)
        self._sent += 1
        return slot

    def _interval(self, quota: Quota, at: float) -> float:
        return 1 / (quota.per_second * self._share_at(at))

    def _share_at(self, at: float) -> float:
        return min(1.0, self._share * 2 ** min((at - self._shared_at) / _RECOVERY, 10.0))
