"""Threads that do a server's work on their own: one serves the waiting lists, another sends what mails are due."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from threading import Event, Thread
from typing import TYPE_CHECKING

from attrs import frozen

from event_registration.errors import EventRegistrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Done", "Worker"]


@frozen
class Done:
    """
    What came of working once.

    Args:
        counts: How much was done of what; what is 0 is not worth a line.
        troubles: What failed.
    """

    counts: Mapping[str, int]
    troubles: tuple[EventRegistrationError, ...] = ()


class Worker:
    """
    Works now and every few moments, from the beginning of a ``with`` block to its end.

    Nothing that fails ends it. When the block ends, the work under way is waited for.

    Args:
        name: What the log calls it.
        work: Does what there is to do; long work asks whether it is to end.
        log: Gets a line for what was done, and one for each trouble that wasn't there the time before, without
            personal data.
        seconds: How long it rests in between.
    """

    def __init__(
        self, name: str, work: Callable[[Callable[[], bool]], Done], log: Callable[[str], None], *, seconds: float = 1.0
    ) -> None:
        self._name = name
        self._work = work
        self._log = log
        self._seconds = seconds
        self._troubles: frozenset[str] = frozenset()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> None:
        """Begin."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """End, and wait for the end."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._work_once()
            self._stopped.wait(self._seconds)

    def _work_once(self) -> None:
        try:
            done = self._work(self._stopped.is_set)
        except Exception as error:  # noqa: BLE001 - whatever it was, there is a next time
            self._tell({}, [error])
        else:
            self._tell(done.counts, done.troubles)

    def _tell(self, counts: Mapping[str, int], troubles: Iterable[Exception]) -> None:
        lines = frozenset(map(_line, troubles))
        news = [f"{what}  {count}" for what, count in counts.items() if count] + sorted(lines - self._troubles)
        self._troubles = lines
        with suppress(Exception):  # whoever read the log may have gone
            for line in news:
                self._log(f"{datetime.now():%H:%M:%S}  {self._name}  {line}")  # noqa: DTZ005 - a person's wall clock


def _line(trouble: Exception) -> str:
    """Return what may be told of *trouble*: of errors that aren't ours the kind only, since they may name people."""
    return f"{trouble.code}  {trouble}" if isinstance(trouble, EventRegistrationError) else type(trouble).__name__
