"""Divides the time of one call, so that each step ends before the next and all before the caller's."""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["Schedule"]

# What each step may take at worst: the adapters' time-outs, and for the mark a short retry.
_SECONDS_TO_SEND = 3.0
_SECONDS_TO_MARK = 2.5
_SECONDS_TO_ANSWER = 0.5
# Below this the shares shrink in proportion.
_ROOMY_SECONDS = 10.0


class Schedule(NamedTuple):  # a class of attrs' would cost a cold start three million instructions more
    """
    By when each step of one call must be over or begun, in seconds of the monotonic clock.

    Args:
        store_by: When storing must be over, if there is a deadline.
        send_before: When a mail must have been begun.
        mark_before: When a mark must have been begun.
        answer_by: When all must be over but the answer, if there is a deadline.
        deadline: When the caller must have answered, if there is a deadline.
    """

    store_by: float | None = None
    send_before: float = math.inf
    mark_before: float = math.inf
    answer_by: float | None = None
    deadline: float | None = None

    @classmethod
    def until(cls, deadline: float | None, now: float, *, seconds_to_send: float = _SECONDS_TO_SEND) -> Schedule:
        """
        Divide the time from *now* to *deadline* from its end: the answer, the mark, the mail, and the rest to store.

        A mail that hangs or a mark that is throttled then ends before the caller does, and costs no answer.
        """
        if deadline is None:
            return cls()
        share = min(1.0, (deadline - now) / (_ROOMY_SECONDS - _SECONDS_TO_SEND + seconds_to_send))
        mark_before = deadline - share * (_SECONDS_TO_ANSWER + _SECONDS_TO_MARK)
        return cls(
            store_by=mark_before - share * seconds_to_send,
            send_before=deadline - max(share * (_SECONDS_TO_ANSWER + seconds_to_send), _SECONDS_TO_ANSWER),
            mark_before=mark_before,
            answer_by=deadline - share * _SECONDS_TO_ANSWER,
            deadline=deadline,
        )

    @property
    def send_by(self) -> float | None:
        """When what comes before a mail must be over, if there is a deadline."""
        return None if self.store_by is None else self.send_before

    def is_over(self, now: float) -> bool:
        """Tell whether *now* is too late to begin what is stored and then mailed."""
        return self.store_by is not None and now > self.store_by

    def half(self, now: float) -> float | None:
        """Return the middle of what is left to store: the other half is for what comes of it."""
        return None if self.store_by is None else (now + self.store_by) / 2

    def mark_by(self, now: float) -> float | None:
        """Return when a mark that begins *now* must be over: it is not worth a person's waiting."""
        return None if self.store_by is None else now + _SECONDS_TO_MARK
