"""Waiting before another try, longer each time and never in step with others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Patience"]

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0


class Patience:
    """
    Pauses between tries, until there is no time for another one.

    Args:
        last_start: When the last try may begin, on the clock *monotonic*.
        monotonic: The clock, in seconds.
        sleep: Waits for so many seconds.
        jitter: Returns a number from 0 to 1, evenly spread.
    """

    def __init__(
        self,
        last_start: float,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
    ) -> None:
        self._last_start = last_start
        self._monotonic = monotonic
        self._sleep = sleep
        self._jitter = jitter
        self._longest = _FIRST_PAUSE_SECONDS

    def pause(self) -> bool:
        """Wait, or tell that another try would end too late."""
        # Full jitter: every caller waits a random part of a doubling pause, so that they don't come back as one
        # ("Exponential Backoff And Jitter", AWS Architecture Blog).
        pause = self._jitter() * self._longest
        if self._monotonic() + pause > self._last_start:
            return False
        self._sleep(pause)
        self._longest = min(2 * self._longest, _LONGEST_PAUSE_SECONDS)
        return True
