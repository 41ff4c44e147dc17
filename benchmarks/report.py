"""Results as tables and plots in ``docs/performance.md``, between marks that nobody writes by hand."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

from benchmarks.environments import HERE, environment, find_python
from benchmarks.subjects import BASELINE, INSTALLED, OURS, PEERS, SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmarks.subjects import Subject

PAGE = HERE.parent / "docs" / "performance.md"
_ZIP_BUDGET = 1.25
_SHOWN = (*PEERS, *INSTALLED, *OURS)

Figures = dict[str, Any]


def write() -> None:
    """Write tables into the page, and draw the plots beside it."""
    results = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((HERE / "results").glob("*.json"))}
    page = PAGE.read_text("utf-8")
    for name, make in TABLES.items():
        start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"(?<={re.escape(start)}\n).*?(?={re.escape(end)})", re.DOTALL)
        if not pattern.search(page):
            raise SystemExit(f"{PAGE} has no place for {name}.")
        text = make(results)
        page = pattern.sub(lambda _, text=text: text + "\n", page)
    PAGE.write_text(page, encoding="utf-8")
    python = environment("plots", find_python("3.13"))
    titles = json.dumps({subject.name: subject.title for subject in _SHOWN})
    subprocess.run([python, HERE / "plots.py", HERE / "results", PAGE.with_name("performance"), titles], check=True)


def goals(results: Figures) -> str:
    """Return each goal with what was measured, of the package and of what pip installs."""
    rows = []
    for what, goal, measure in _goals(results):
        ours, installed = measure("zip"), measure("pip")
        rows.append(
            [
                what,
                f"≤ {goal:g}",
                *(_figure(ours, goal)),
                "—" if installed is None else f"{installed:.2f}",
                "—" if installed is None else _met(installed <= 1),
            ]
        )
    head = ["ratio", "goal", "package", "met", "pip", "≤ 1"]
    return _table(head, rows)


def _figure(ours: float, goal: float) -> tuple[str, str]:
    return f"{ours:.3f}" if goal < 0.1 else f"{ours:.2f}", _met(ours <= goal)


def _met(is_met: bool) -> str:  # noqa: FBT001 - what it says is the argument
    return "yes" if is_met else "**no**"


def _goals(results: Figures) -> Iterable[tuple[str, float, Callable[[str], float | None]]]:
    """Yield what is compared, the goal, and the ratio of a way of installing."""
    counts, shares, answers = results["instructions"], results["shares"], results["answers"]
    put_again = {
        transport: counts[transport]["calls-inline"]["warm"] - counts[transport]["calls-put-send"]["warm"]
        for transport in counts
    }

    def counted(
        transport: str, key: str, mode: str, peer: str = BASELINE, *, less: float = 0
    ) -> Callable[[str], float]:
        base = counts[transport][peer][key]
        return lambda way: (counts[transport][f"{way}-{mode}"][key] - less) / base

    def shared(memory: str, key: str) -> Callable[[str], float]:
        return lambda way: shares[memory][f"{way}-outbox"][key] / shares[memory][BASELINE][key]

    def own(way: str, mode: str, calls: str) -> float | None:
        if way == "pip":
            return None
        whole = counts["http"][f"zip-{mode}"]["warm"]
        return (whole - counts["http"][calls]["warm"]) / whole

    for transport, words in (("http", "HTTP"), ("tls", "TLS")):
        again = put_again[transport]
        yield f"cold start, inline, instructions, {words}", 0.72, counted(transport, "cold", "inline", less=again)
        yield f"cold start, outbox, instructions, {words}", 0.72, counted(transport, "cold", "outbox")
    yield (
        "warm, inline, instructions, without the mark",
        0.68,
        counted("http", "warm", "inline", less=put_again["http"]),
    )
    yield "warm, outbox, instructions", 0.35, counted("http", "warm", "outbox")
    yield "own code's share of warm instructions, inline", 0.02, lambda way: own(way, "inline", "calls-inline")
    yield "own code's share of warm instructions, outbox", 0.02, lambda way: own(way, "outbox", "calls-put")
    yield "sparse, inline, instructions, TLS", 0.17, counted("tls", "sparse", "inline", less=put_again["tls"])
    yield "sparse, outbox, instructions, TLS", 0.17, counted("tls", "sparse", "outbox")
    yield "first answer at 128 MB, TLS, outbox, time", 0.10, shared("128", "first")
    yield "sparse answer at 128 MB, TLS, outbox, time", 0.07, shared("128", "sparse")
    yield (
        "answer with services as slow as AWS's, outbox, time",
        0.10,
        lambda way: answers[f"{way}-outbox"]["median"] / answers[BASELINE]["median"],
    )
    for peer, words, goal in (("powertools", "Powertools'", 0.5), ("fastapi", "FastAPI + Mangum's", 0.36)):
        for transport in ("http", "tls"):
            yield (
                f"cold start, inline, of {words}, instructions, {transport.upper()}",
                goal,
                counted(transport, "cold", "inline", peer, less=put_again[transport]),
            )


def other_goals(results: Figures) -> str:
    """Return the goals that are no ratios."""
    size = results["calls"]["zip"] / 2**20
    calls = results["calls"]["modes"]["zip-managed"]["calls"]
    dynamodb = sum(calls[name] for name in calls if name not in {"SendEmail", "GetAccount"})
    growth = results["calls"]["growth"]
    is_flat = len({json.dumps(each, sort_keys=True) for each in growth.values()}) == 1
    people = [each["cpu"] for each in results["local"]["people"].values()]
    fastest = results["local"]["sqlite"]["unlimited, 1 writer"]
    rows = [
        ["the package", f"≤ {_ZIP_BUDGET} MiB", f"{size:.2f} MiB", _met(size <= _ZIP_BUDGET)],
        [
            "calls to DynamoDB for a registration of an unlimited event, outbox",
            "1",
            f"{dynamodb:g}",
            _met(dynamodb == 1),
        ],
        [
            "calls and capacity units of a registration where 10, 1,000 and 100,000 have registered",
            "the same",
            "the same" if is_flat else "others",
            _met(is_flat),
        ],
        [
            "the same in SQLite, CPU time, the most by the least",
            "flat",
            f"{max(people) / min(people):.2f}",
            _met(max(people) / min(people) < 1.5),
        ],
        ["durable registrations a second in SQLite, one writer", "≥ 4,000", f"{fastest:,.0f}", _met(fastest >= 4000)],
    ]
    return _table(["what", "goal", "measured", "met"], rows)


def machine(results: Figures) -> str:
    """Return what was measured on."""
    facts = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (
        f"Python {facts['python']}, {facts['openssl'].partition('  ')[0]}, SQLite {facts['sqlite']}; {versions}; "
        f"{facts['cores']} cores of {facts['processor']}; {facts['valgrind']}. "
        f"Shares of a processor are given by {facts['share']}.\n"
    )


def cold(results: Figures) -> str:
    """Return the cold starts' instructions by parts."""
    return "\n".join(
        f"{words}:\n\n"
        + _table(
            ["million instructions", "Python", "import", "clients", "first answer", "all", "ratio"],
            [
                [
                    subject.title,
                    *(f"{row[part] / 1e6:,.0f}" for part in ("start", "import", "clients", "first", "cold")),
                    _ratio(row["cold"], results["instructions"][transport][BASELINE]["cold"]),
                ]
                for subject, row in _rows(results["instructions"][transport])
            ],
        )
        for transport, words in (("tls", "By TLS"), ("http", "By HTTP"))
    )


def cold_times(results: Figures) -> str:
    """Return the cold starts' times by parts, and their memory."""
    figures = results["cold"]["tls"]
    base = figures[BASELINE]
    parts = ("start", "import", "clients", "first", "cold", "wall")
    rows = [
        [
            subject.title,
            *(f"{1000 * row[part]:,.0f}" for part in parts),
            f"{row['peak'] / 1024:.0f}",
            f"{row['modules']:,}",
            _ratio(row["cold"], base["cold"]),
            _ratio(row["peak"], base["peak"]),
        ]
        for subject, row in _rows(figures)
    ]
    head = ["ms of CPU time", "Python", "import", "clients", "first answer", "all", "wall time, ms", "peak, MiB"]
    return _table([*head, "modules", "CPU ratio", "memory ratio"], rows)


def warm(results: Figures) -> str:
    """Return the warm invocations."""
    counts, times = results["instructions"], results["warm"]
    rows = []
    for subject, row in _rows(counts["http"]):
        name = subject.name
        timed, secure = times["http"][name], counts["tls"][name]
        rows.append(
            [
                subject.title,
                f"{row['warm'] / 1e6:.2f}",
                _ratio(row["warm"], counts["http"][BASELINE]["warm"]),
                f"{secure['warm'] / 1e6:.2f}",
                f"{secure['sparse'] / 1e6:.1f}",
                _ratio(secure["sparse"], counts["tls"][BASELINE]["sparse"]),
                f"{1000 * times['tls'][name]['sparse']:.1f}",
                f"{1 / timed['warm']:,.0f}",
                _ratio(times["http"][BASELINE]["warm"], timed["warm"]),
            ]
        )
    head = ["million instructions", "kept alive, HTTP", "ratio", "kept alive, TLS", "sparse, TLS", "ratio"]
    return _table([*head, "sparse, TLS, CPU ms", "answers a second and core, HTTP", "ratio"], rows)


def parts(results: Figures) -> str:
    """Return what a warm invocation of ours consists of."""
    counts = results["instructions"]["http"]
    inline, outbox = counts["zip-inline"]["warm"], counts["zip-outbox"]["warm"]
    stub, two, one = (counts[name]["warm"] for name in ("calls-inline", "calls-put-send", "calls-put"))
    base = counts[BASELINE]["warm"]
    rows = [
        [words, f"{count / 1e6:.2f}", _ratio(count, base)]
        for words, count in (
            ("inline", inline),
            ("— put and send, by our clients", two),
            ("— the put that marks the mail as sent", stub - two),
            ("— our own code", inline - stub),
            ("outbox", outbox),
            ("— put, by our client", one),
            ("— our own code", outbox - one),
        )
    ]
    return _table(["warm, HTTP", "million instructions", "ratio"], rows)


def answers(results: Figures) -> str:
    """Return how long people wait."""
    base = results["answers"][BASELINE]["median"]
    rows = [
        [subject.title, f"{1000 * row['median']:.1f}", f"{1000 * row['p99']:.1f}", _ratio(row["median"], base)]
        for subject, row in _rows(results["answers"])
    ]
    return _table(["ms", "median", "p99", "ratio"], rows)


def shares(results: Figures) -> str:
    """Return how long people wait where the processor is shared."""
    figures = results["shares"]
    rows = [
        [
            subject.title,
            *(
                text
                for memory in ("128", "1769")
                for part in ("first", "sparse", "warm")
                for text in (
                    f"{1000 * figures[memory][subject.name][part]:,.1f}",
                    _ratio(figures[memory][subject.name][part], figures[memory][BASELINE][part]),
                )
            ),
        ]
        for subject, _ in _rows(figures["128"])
    ]
    head = [f"{part}, {memory} MB" for memory in ("128", "1,769") for part in ("first", "sparse", "kept alive")]
    return _table(["ms", *(text for each in head for text in (each, "ratio"))], rows)


def calls(results: Figures) -> str:
    """Return calls and capacity units."""
    rows = [
        [
            subject.title,
            ", ".join(f"{count:g} {name}" for name, count in row["calls"].items() if count),
            *(f"{row['units'].get(kind, 0):g}" for kind in ("table", "index", "read")),
        ]
        for subject, row in _rows(results["calls"]["modes"])
    ]
    return _table(["a registration", "calls", "write units", "of the index", "read units"], rows)


def local(results: Figures) -> str:
    """Return SQLite and the server."""
    figures = results["local"]
    by_hand = figures["sqlite"]["by hand"]
    rows = [
        [name, f"{figure:,.0f}", _ratio(figure, by_hand)]
        for name, figure in figures["sqlite"].items()
        if not name.endswith("seconds")
    ]
    server = figures["serve"]
    served = [
        [
            name,
            f"{row['per second']:,.0f}",
            _ratio(row["per second"], server["by hand"]["per second"]),
            f"{1000 * row['median']:.1f}",
            f"{1000 * row['p99']:.1f}",
            f"{1000 * row['cpu']:.2f}",
        ]
        for name, row in server.items()
    ]
    return (
        _table(["SQLite", "registrations a second", "ratio"], rows)
        + "\n"
        + _table(["server", "answers a second", "ratio", "median, ms", "p99, ms", "CPU ms an answer"], served)
    )


def growth(results: Figures) -> str:
    """Return what grows with numbers, and what doesn't."""
    figures = results["local"]
    dynamodb = [
        [
            f"{int(count):,} registrations, DynamoDB",
            ", ".join(f"{number:g} {name}" for name, number in row["calls"].items() if number),
            f"{row['units']['table'] + row['units']['index']:g} write units",
        ]
        for count, row in results["calls"]["growth"].items()
    ]
    sqlite = [
        [f"{int(count):,} {kind}, SQLite", f"{row['cpu']:.2f} ms of CPU", f"{row['median']:.2f} ms"]
        for kind, part in (("registrations", "people"), ("events", "events"))
        for count, row in figures[part].items()
    ]
    exported = [
        [
            f"{int(count):,}",
            f"{row['cpu']:.1f}",
            _per(row["cpu"], int(count)),
            f"{row['peak'] / 1024:.0f}",
            f"{row['bytes'] / 1e6:.1f}",
        ]
        for count, row in figures["export"].items()
    ]
    return (
        _table(["where there are", "a registration costs", "and"], dynamodb + sqlite)
        + "\n"
        + _table(["registrations exported", "CPU s", "µs each", "peak, MiB", "MB"], exported)
    )


def _per(seconds: float, count: int) -> str:
    return f"{1e6 * seconds / count:.0f}"


def _rows(figures: Figures) -> list[tuple[Subject, Figures]]:
    return [(SUBJECTS[subject.name], figures[subject.name]) for subject in _SHOWN if subject.name in figures]


def _ratio(figure: float, base: float) -> str:
    return f"{figure / base:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


TABLES = {
    each.__name__.replace("_", " "): each
    for each in (goals, other_goals, machine, cold, cold_times, warm, parts, answers, shares, calls, local, growth)
}
