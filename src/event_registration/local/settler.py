"""A thread that serves the waiting lists as long as a server runs."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from threading import Event, Thread
from typing import TYPE_CHECKING

from event_registration.errors import EventRegistrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from event_registration.managed import Settled

__all__ = ["Settler"]


class Settler:
    """
    Settles now and every few moments, from the beginning of a ``with`` block to its end.

    Nothing that fails ends it. When the block ends, the settling under way is waited for.

    Args:
        settle: Settles all events.
        log: Gets a line for what was done, and one for each trouble that wasn't there the time before, without
            personal data.
        seconds: How long it rests in between.
    """

    def __init__(self, settle: Callable[[], Settled], log: Callable[[str], None], *, seconds: float = 1.0) -> None:
        self._settle = settle
        self._log = log
        self._seconds = seconds
        self._troubles: frozenset[str] = frozenset()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="settler", daemon=True)

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """End, and wait for the end."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._settle_once()
            self._stopped.wait(self._seconds)

    def _settle_once(self) -> None:
        try:
            settled = self._settle()
        except Exception as error:  # noqa: BLE001 - whatever it was, the queues are served again
            self._tell(0, [error])
        else:
            self._tell(settled.promoted, settled.troubles)

    def _tell(self, promoted: int, troubles: Iterable[Exception]) -> None:
        lines = frozenset(map(_line, troubles))
        news = [f"promoted  {promoted}"] * bool(promoted) + sorted(lines - self._troubles)
        self._troubles = lines
        with suppress(Exception):  # whoever read the log may have gone
            for line in news:
                self._log(f"{datetime.now():%H:%M:%S}  settle  {line}")  # noqa: DTZ005 - a person's wall clock


def _line(trouble: Exception) -> str:
    """Return what may be told of *trouble*: of errors that aren't ours the kind only, since they may name people."""
    return f"{trouble.code}  {trouble}" if isinstance(trouble, EventRegistrationError) else type(trouble).__name__
