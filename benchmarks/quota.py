"""A share of a processor, as Lambda gives it by a function's memory: a control group's quota, or stops and starts."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = 1769
"""MB of memory with which a function has one processor ("Configure Lambda function memory")."""

_PERIOD = 20_000
"""Microseconds in which the share is given once. AWS says nothing of it."""

_GROUPS = Path("/sys/fs/cgroup")
_NAME = "event-registration-benchmark"


def kind() -> str:
    """Say by what means processes are held to their share here."""
    return {"v2": "cgroup v2, cpu.max", "v1": "cgroup v1, cpu.cfs_quota_us", "": "SIGSTOP and SIGCONT"}[_version()]


@contextmanager
def share(pid: int, memory: int) -> Iterator[None]:
    """
    Hold a process to the share of a function with so many MB of memory, until the block ends.

    Args:
        pid: The process.
        memory: MB.
    """
    part = memory / WHOLE
    version = _version()
    if not version:
        with _stopping(pid, part):
            yield
        return
    parent = _GROUPS if version == "v2" else _GROUPS / "cpu"
    group = parent / _NAME
    group.mkdir(exist_ok=True)
    try:
        if version == "v2":
            (group / "cpu.max").write_text(f"{_PERIOD * part:.0f} {_PERIOD}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(f"{_PERIOD * part:.0f}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for each in (group / "cgroup.procs").read_text().split():
            (parent / "cgroup.procs").write_text(each)
        group.rmdir()


def _version() -> str:
    controllers = _GROUPS / "cgroup.subtree_control"
    if controllers.exists():
        return "v2" if os.access(_GROUPS, os.W_OK) and "cpu" in controllers.read_text().split() else ""
    first = _GROUPS / "cpu"
    return "v1" if (first / "cpu.cfs_quota_us").exists() and os.access(first / "cgroup.procs", os.W_OK) else ""


@contextmanager
def _stopping(pid: int, part: float) -> Iterator[None]:
    ended = threading.Event()

    def alternate() -> None:
        while part < 1 and not ended.wait(part * _PERIOD / 1e6):
            os.kill(pid, signal.SIGSTOP)
            ended.wait((1 - part) * _PERIOD / 1e6)
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=alternate)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
