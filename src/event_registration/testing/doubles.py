"""Stand-ins for the parts around the service, and what tests need to use them."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any, TypeVar

from event_registration.event import Event
from event_registration.model import Registration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from event_registration.message import Message

__all__ = ["ManualClock", "RecordingNotifier", "at_once", "make_event", "make_registration"]

_Result = TypeVar("_Result")


def make_registration(**changes: Any) -> Registration:  # noqa: ANN401 - the fields differ in type
    """Return a valid registration, Ada's for DevConf, with *changes* to its fields."""
    fields: dict[str, Any] = {
        "event_id": "devconf-2026",
        "event_name": "DevConf 2026",
        "attendee_name": "Ada Lovelace",
        "attendee_email": "ada@example.org",
    }
    return Registration(**(fields | changes))


def make_event(**changes: Any) -> Event:  # noqa: ANN401 - the fields differ in type
    """Return a valid event, DevConf, open until it starts and without limit, with *changes* to its fields."""
    fields: dict[str, Any] = {
        "event_id": "devconf-2026",
        "event_name": "DevConf 2026",
        "starts_at": datetime(2026, 6, 1, 9, 0, tzinfo=UTC),
        "ends_at": datetime(2026, 6, 1, 17, 0, tzinfo=UTC),
        "time_zone": "Europe/Berlin",
    }
    return Event(**(fields | changes))


def at_once(*calls: Callable[[], _Result]) -> list[_Result]:
    """Make all *calls* in threads that start together; return their results in order, or raise what one raised."""
    barrier = Barrier(len(calls))

    def wait_and(call: Callable[[], _Result]) -> _Result:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(wait_and, call) for call in calls]]


class ManualClock:
    """
    A `Clock` that stands still until it is moved.

    Args:
        now: Where it starts, aware.
    """

    def __init__(self, now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the instant it stands at."""
        return self.now

    def advance(self, **by: float) -> None:
        """Move it on; *by* is what `timedelta` takes."""
        self.now += timedelta(**by)


class RecordingNotifier:
    """
    A `Notifier` that keeps messages in ``messages``.

    Args:
        faults: What the first calls raise, one each; ``None`` lets a call succeed. Later calls succeed.
    """

    def __init__(self, faults: Iterable[Exception | None] = ()) -> None:
        self.messages: list[Message] = []
        self.attempts = 0
        self._faults = deque(faults)

    def send(self, message: Message) -> None:
        """Keep *message*, or raise the next fault and keep nothing."""
        self.attempts += 1
        fault = self._faults.popleft() if self._faults else None
        if fault:
            raise fault
        self.messages.append(message)
