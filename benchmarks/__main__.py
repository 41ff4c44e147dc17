"""``python -m benchmarks``: measures, writes ``results/``, and puts tables and plots into ``docs/performance.md``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import lambdas, quota, serving
from benchmarks.cloud import running_cloud
from benchmarks.environments import CACHE, HERE, environment, find_python, package
from benchmarks.functions import Bench, valgrind
from benchmarks.subjects import BASELINE, STUBS, SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


RESULTS = HERE / "results"
_QUICK = (BASELINE, "zip-inline", "zip-outbox")

Figures = dict[str, Any]


def main() -> None:
    """Measure what is asked for."""
    options = _options()
    if options.report:
        _report()
        return
    python = options.python or find_python("3.13")
    if len(options.wheel) != 1:
        raise SystemExit("There must be one wheel in .venv/dist: run `make bench`.")
    CACHE.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started is ended
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(TemporaryDirectory(dir=CACHE))) for _ in range(2)]
        clouds = [stack.enter_context(running_cloud(folder)) for folder in folders]
        library = environment("library", python, wheel=options.wheel[0])
        version = _said(library, "import sys; print('{}.{}'.format(*sys.version_info))")
        zipped = options.zip or package(library, version, folders[0])
        environ = dict(each.split("=", 1) for each in options.environ)
        benches = [
            Bench(cloud, folder, python, zipped, options.wheel[0], options.ours_python, environ)
            for cloud, folder in zip(clouds, folders, strict=True)
        ]
        measured = {part: measure for part, measure in PARTS.items() if not options.only or part in options.only}
        for part, measure in measured.items():
            started = time.monotonic()
            figures = measure(benches, options)
            _write(options.results / f"{part}.json", figures)
            _say(f"{part}: {time.monotonic() - started:.0f} s")
    if options.results == RESULTS:
        _report()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three minutes: fewer subjects and rounds")
    parser.add_argument("--rounds", type=int, help="how often to take each time; their median counts")
    parser.add_argument("--only", action="append", choices=PARTS, help="these parts, not all")
    parser.add_argument("--subject", action="append", choices=SUBJECTS, help="these subjects, not all")
    parser.add_argument("--python", type=Path, help="the interpreter to measure with  [default: a Python 3.13]")
    parser.add_argument("--zip", type=Path, help="the library's package  [default: as `package` builds it now]")
    parser.add_argument("--ours-python", type=Path, help="an interpreter, with boto3, for the package alone")
    parser.add_argument("--environ", action="append", default=[], help="NAME=VALUE, for the library alone")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of what is measured")
    parser.add_argument("--report", action="store_true", help="measure nothing, write tables and plots anew")
    options = parser.parse_args()
    options.wheel = sorted((HERE.parent / ".venv" / "dist").glob("*.whl"))
    if options.quick and options.results == RESULTS:
        options.results = CACHE / "quick"
    return options


def _subjects(options: argparse.Namespace, *, stubs: bool = False) -> list[str]:
    names = options.subject or (_QUICK if options.quick else SUBJECTS)
    return [name for name in names if stubs or options.subject or SUBJECTS[name] not in STUBS]


def _rounds(options: argparse.Namespace, quick: int, full: int) -> int:
    return options.rounds or (quick if options.quick else full)


def count_instructions(benches: list[Bench], options: argparse.Namespace) -> Figures:
    """Count instructions, as many at once as there are benches: what else the machine does changes no count."""
    free: queue.Queue[Bench] = queue.Queue()
    for bench in benches:
        free.put(bench)

    def count(name: str, transport: str) -> Figures:
        bench = free.get()
        try:
            return lambdas.count(bench, SUBJECTS[name], transport)
        finally:
            free.put(bench)
            _say(f"  {name}, {transport}")

    names = _subjects(options, stubs=True)
    with ThreadPoolExecutor(len(benches)) as pool:
        jobs = {
            transport: {name: pool.submit(count, name, transport) for name in names} for transport in lambdas.TRANSPORTS
        }
    return {transport: {name: job.result() for name, job in each.items()} for transport, each in jobs.items()}


def time_cold_starts(benches: list[Bench], options: argparse.Namespace) -> Figures:
    """Time cold starts."""

    def measure(transport: str) -> Figures:
        return _medians(
            _subjects(options),
            _rounds(options, 3, 11),
            lambda name: lambdas.time_cold(benches[0], SUBJECTS[name], transport),
        )

    return {transport: measure(transport) for transport in lambdas.TRANSPORTS}


def time_warm_calls(benches: list[Bench], options: argparse.Namespace) -> Figures:
    """Time warm invocations."""

    def measure(transport: str) -> Figures:
        return _medians(
            _subjects(options),
            _rounds(options, 1, 7),
            lambda name: lambdas.time_warm(benches[0], SUBJECTS[name], transport),
        )

    return {transport: measure(transport) for transport in lambdas.TRANSPORTS}


def time_answers(benches: list[Bench], options: argparse.Namespace) -> Figures:
    """Time what people wait for, with services as slow as AWS's."""
    people = 30 if options.quick else 200
    return _medians(
        _subjects(options),
        _rounds(options, 1, 3),
        lambda name: lambdas.time_answers(benches[0], SUBJECTS[name], people),
    )


def time_shares(benches: list[Bench], options: argparse.Namespace) -> Figures:
    """Time what people wait for, with the processor's share of a function's memory."""

    def measure(memory: int) -> Figures:
        return _medians(
            _subjects(options),
            _rounds(options, 1, 5),
            lambda name: lambdas.time_throttled(benches[0], SUBJECTS[name], memory, 3),
        )

    return {str(memory): measure(memory) for memory in lambdas.MEMORIES}


def count_calls(benches: list[Bench], options: argparse.Namespace) -> Figures:
    """Count the calls and capacity units of a registration, where nobody has registered and where many have."""
    growth = (
        {}
        if options.quick
        else {
            str(copies): lambdas.count_calls(benches[0], SUBJECTS["zip-managed"], copies=copies)
            for copies in (10, 1_000, 100_000)
        }
    )
    return {
        "modes": {name: lambdas.count_calls(benches[0], SUBJECTS[name]) for name in _subjects(options)},
        "growth": growth,
        "zip": benches[0].zipped.stat().st_size,
    }


def measure_local(benches: list[Bench], options: argparse.Namespace) -> Figures:
    """Measure SQLite, ``serve`` and what grows."""
    bench = benches[0]
    python = environment("library", bench.python, wheel=bench.wheel)

    def run(part: str, **settings: object) -> Figures:
        settings["folder"] = str(bench.folder)
        command = [python, HERE / "local.py", part, json.dumps(settings)]
        figures: Figures = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return figures

    rows = (10_000,) if options.quick else (10_000, 100_000, 1_000_000)
    rounds, count = _rounds(options, 1, 3), 800 if options.quick else 8000
    return {
        "sqlite": _medians(["sqlite"], rounds, lambda part: run(part, count=count))["sqlite"],
        "serve": serving.measure(python, bench.folder, count),
        "people": _medians(("10", "1000", "100000"), rounds, lambda number: run("people", count=int(number))),
        "events": _medians(("1", "100", "10000"), rounds, lambda number: run("events", count=int(number))),
        "export": {str(number): run("export", count=number) for number in rows},
    }


def describe(benches: list[Bench], _options: argparse.Namespace) -> Figures:
    """Say what was measured on, as far as it matters to the figures."""
    python = benches[0].python
    models = re.findall(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    pins = {
        name: dict(re.findall(r"^([\w.-]+)==(\S+)", (HERE / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("boto3", "powertools", "fastapi", "chalice")
    }
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "python": _said(python, "import platform; print(platform.python_version())"),
        "openssl": _said(python, "import ssl; print(ssl.OPENSSL_VERSION)"),
        "sqlite": _said(python, "import sqlite3; print(sqlite3.sqlite_version)"),
        "valgrind": subprocess.run(
            [valgrind(), "--version"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "share": quota.kind(),
        "versions": {
            "boto3": pins["boto3"]["boto3"],
            "aws-lambda-powertools": pins["powertools"]["aws-lambda-powertools"],
            "fastapi": pins["fastapi"]["fastapi"],
            "mangum": pins["fastapi"]["mangum"],
            "chalice": pins["chalice"]["chalice"],
        },
    }


def _medians(names: Iterable[str], rounds: int, measure: Callable[[str], Figures]) -> dict[str, Figures]:
    """Measure all in turn, several times, so that a slow minute strikes all, and return the median of each figure."""
    taken: dict[str, list[Figures]] = {}
    for number in range(rounds):
        for name in names:
            taken.setdefault(name, []).append(measure(name))
            _say(f"  {name}, {number + 1} of {rounds}")
    return {
        name: {part: median(each[part] for each in figures) for part in figures[0]} for name, figures in taken.items()
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command's progress


def _said(python: Path, program: str) -> str:
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def _write(path: Path, figures: Figures) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_rounded(figures), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _rounded(figures: Any) -> Any:
    """Return the figures with no more digits than mean something."""
    if isinstance(figures, dict):
        return {name: _rounded(each) for name, each in figures.items()}
    return float(f"{figures:.5g}") if isinstance(figures, float) else figures


def _report() -> None:
    from benchmarks import report

    report.write()


PARTS = {
    "machine": describe,
    "instructions": count_instructions,
    "cold": time_cold_starts,
    "warm": time_warm_calls,
    "answers": time_answers,
    "shares": time_shares,
    "calls": count_calls,
    "local": measure_local,
}

if __name__ == "__main__":
    main()
