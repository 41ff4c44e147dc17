"""Runs an operation in a process of its own, and kills or stops that at one of its calls, whatever it would do then."""

from __future__ import annotations

import json
import os
import signal
import traceback
import warnings
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_Answer = TypeVar("_Answer")


class Fate(StrEnum):
    """What becomes of a process at one of its calls."""

    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    STOPPED = "stopped before"


KILLS = (Fate.KILLED_BEFORE, Fate.KILLED_AFTER)


@frozen
class Strike:
    """
    What happens to a process, and when.

    Args:
        call: The number of the call, beginning with 1.
        fate: What happens there; after a call is after it was carried out, and before anything is made of the answer.
    """

    call: int
    fate: Fate

    def __str__(self) -> str:
        """Say so."""
        return f"{self.fate.value} call {self.call}"


class Journal:
    """
    What processes have done, line by line in one file, of which no kill cuts a line.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)

    def note(self, **facts: Any) -> None:
        """Write *facts* at once."""
        os.write(self._file, f"{json.dumps(facts)}\n".encode())

    def read(self) -> list[dict[str, Any]]:
        """Return all that was noted, in its order."""
        return [json.loads(line) for line in os.pread(self._file, os.fstat(self._file).st_size, 0).splitlines()]


class Calls:
    """
    The calls that a process makes to services: each is carried out, then noted, unless the process ends at it.

    Args:
        journal: Where they are noted.
        strike: What happens at one of them.
    """

    def __init__(self, journal: Journal, strike: Strike | None = None) -> None:
        self._journal = journal
        self._strike = strike
        self._count = 0

    def make(self, name: str, carry_out: Callable[[], _Answer], **facts: Any) -> _Answer:
        """Carry out the call *name*, and note it with *facts*."""
        self._count += 1
        fate = self._strike.fate if self._strike and self._strike.call == self._count else None
        if fate is Fate.KILLED_BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        if fate is Fate.STOPPED:
            os.kill(os.getpid(), signal.SIGSTOP)
        answer = carry_out()
        self._journal.note(call=name, **facts)
        if fate is Fate.KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def in_child(work: Callable[[], None], fate: Fate | None, meanwhile: Callable[[], None]) -> None:
    """
    Do *work* in a forked process, and see it meet its *fate*.

    Args:
        work: What to do; it must open its own connections.
        fate: What is to happen to the process; ``None`` is nothing.
        meanwhile: What is done in this process while the other is stopped, before it goes on.
    """
    with warnings.catch_warnings():
        # Python 3.12 warns if there are other threads, as a test runner has: the child needs no lock of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _work_and_exit(work)
    status = os.waitpid(child, os.WUNTRACED)[1]
    if os.WIFSTOPPED(status):
        try:
            meanwhile()
        finally:
            os.kill(child, signal.SIGCONT)
        fate = None
        status = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    assert code == (-signal.SIGKILL if fate else 0), f"a process ended with {code}, and was to be {fate or 'let alone'}"


def _work_and_exit(work: Callable[[], None]) -> None:
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as the test
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)
