"""Measures what a call costs, undisturbed by what the test process does besides."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def cpu_seconds(call: Callable[[], object]) -> float:
    """Return the least CPU time of three calls, in seconds, without the collector's, which grows with all tests."""
    costs = []
    gc.disable()
    try:
        for _ in range(3):
            started = time.process_time()
            call()
            costs.append(time.process_time() - started)
    finally:
        gc.enable()
    return min(costs)
