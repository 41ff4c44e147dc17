"""What a function costs: cold and warm, in instructions, processor time and the time that people wait."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from benchmarks.cloud import LATENCIES
from benchmarks.functions import counting, running
from benchmarks.quota import share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.functions import Bench
    from benchmarks.subjects import Subject

Figures = dict[str, Any]

MEMORIES = (128, 1769)
TRANSPORTS = {"http": False, "tls": True}
_WARMING = 10
_COUNTED = 20
_SILENCES = 1
_TIMED = 5


def count(
    bench: Bench, subject: Subject, transport: str, *, people: int = _COUNTED, silences: int = _SILENCES
) -> Figures:
    """
    Return the instructions of a cold start by its parts, of a warm invocation and of one after a silence.

    Args:
        bench: What it is measured with.
        subject: The function.
        transport: ``http`` or ``tls``.
        people: Over how many warm invocations to take the mean.
        silences: Of how many silences to take the median.
    """
    with counting(bench, subject, secure=TRANSPORTS[transport]) as (function, parts):
        function.invoke()
        function.invoke(_WARMING)
        function.invoke(people)
        for _ in range(silences):
            function.invoke_after_silence()
    start, imports, clients, *work = parts
    first, _, warm, *silent = work[1::2][: 3 + silences]
    return {
        "start": start,
        "import": imports,
        "clients": clients,
        "first": first,
        "cold": start + imports + clients + first,
        "warm": warm / people,
        "sparse": median(silent),
    }


def time_cold(bench: Bench, subject: Subject, transport: str) -> Figures:
    """Return the processor time of one cold start by its parts, its wall time, and the most memory."""
    with running(bench, subject, secure=TRANSPORTS[transport]) as function:
        told = function.invoke()
    loaded = function.loaded
    instants = [loaded["started"], loaded["session"], loaded["loaded"], told["ended"]]
    cpu = [instant[1] for instant in instants]
    return {
        "start": cpu[0],
        "import": cpu[1] - cpu[0],
        "clients": cpu[2] - cpu[1],
        "first": cpu[3] - cpu[2],
        "cold": cpu[3],
        "wall": told["ended"][0] - function.born,
        "peak": told["peak"],
        "modules": loaded["modules"],
    }


def time_warm(bench: Bench, subject: Subject, transport: str) -> Figures:
    """Return the processor time and wall time of an invocation, kept-alive and after a silence."""
    with running(bench, subject, secure=TRANSPORTS[transport]) as function:
        function.invoke(_WARMING)
        kept = [_each(function.invoke(_COUNTED), _COUNTED) for _ in range(_TIMED)]
        silent = [_each(function.invoke_after_silence(), 1) for _ in range(_TIMED)]
    return {
        "warm": median(cpu for cpu, _ in kept),
        "warm_wall": median(wall for _, wall in kept),
        "sparse": median(cpu for cpu, _ in silent),
        "sparse_wall": median(wall for _, wall in silent),
    }


def time_answers(bench: Bench, subject: Subject, people: int) -> Figures:
    """Return how long people wait for their answer where the services take as long as AWS's."""
    with _like_aws(bench), running(bench, subject, secure=True) as function:
        function.invoke(5)
        told = function.invoke(people)
    instants = [told["began"][0], *told["instants"]]
    waits = [later - earlier for earlier, later in pairwise(instants)]
    return {"median": median(waits), "p99": quantiles(waits, n=100)[98]}


def time_throttled(bench: Bench, subject: Subject, memory: int, rounds: int) -> Figures:
    """
    Return how long answers take by TLS with the processor's share of a function's memory, the services being instant.

    Loading goes at full speed, as on Lambda, whose functions have a whole processor while they initialise.
    """
    with running(bench, subject, secure=True) as function, share(function.process.pid, memory):
        first = _each(function.invoke(), 1)[1]
        silent = [_each(function.invoke_after_silence(), 1)[1] for _ in range(rounds)]
        kept = [_each(function.invoke(10), 10)[1] for _ in range(rounds)]
    return {"first": first, "sparse": median(silent), "warm": median(kept)}


@contextmanager
def _like_aws(bench: Bench) -> Iterator[None]:
    """Let the services take as long as AWS's until the block ends."""
    bench.cloud.control(seconds=LATENCIES)
    try:
        yield
    finally:
        bench.cloud.control(seconds={})


def _each(told: Figures, count: int) -> tuple[float, float]:
    """Return the processor time and the wall time of an invocation."""
    (wall_began, cpu_began), (wall_ended, cpu_ended) = told["began"], told["ended"]
    return (cpu_ended - cpu_began) / count, (wall_ended - wall_began) / count


def count_calls(bench: Bench, subject: Subject, *, people: int = 20, copies: int = 0) -> Figures:
    """
    Return the calls and the capacity units of a registration, once the function is warm.

    Args:
        bench: What it is measured with.
        subject: The function.
        people: How many register.
        copies: How many others have registered for the event before.
    """
    with running(bench, subject, secure=False, copies=copies) as function:
        function.invoke()
        before = bench.cloud.control()
        function.invoke(people)
        after = bench.cloud.control()
    return {
        kind: {name: round((after[kind][name] - before[kind].get(name, 0)) / people, 3) for name in after[kind]}
        for kind in ("calls", "units")
    }
