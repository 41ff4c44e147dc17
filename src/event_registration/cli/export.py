"""``event-registration registrations export``: everybody in one file, for a spreadsheet or a program."""

from __future__ import annotations

import errno
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from event_registration.cli.completion import event_argument
from event_registration.cli.progress import bar
from event_registration.cli.shown import zone_and_questions
from event_registration.cli.store import on_store
from event_registration.errors import EventRegistrationError
from event_registration.export import CSVLines, JSONLines
from event_registration.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from rich.progress import Progress, TaskID

    from event_registration.cli.store import Store
    from event_registration.export import Lines
    from event_registration.model import Registration

__all__ = ["export"]

_STANDARD_OUTPUT = Path("-")
_FORMATS = {"": "csv", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_STEP = 1000


@click.command()
@event_argument
@on_store
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "jsonl"]),
    help="For spreadsheets or for programs.  [default: what the file's name ends in, else csv]",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to; a file of this name is replaced, - is standard output.  [default: a new EVENT.csv or .jsonl here]",
)
def export(*, store: Store, event_id: str, kind: str | None, output: Path | None) -> None:
    """
    Write all registrations of an event with their answers to a file, in the order they came.

    CSV opens in any spreadsheet program: a row a person, a column a question. JSON Lines has an object a line, as in
    registrations list --json. The file can be read by you alone. It is there when it is complete, and until then, or
    if anything fails, the one before stays.
    """
    kind = kind or _kind(output)
    if output is None:
        output = Path(f"{event_id}.{kind}")
        if output.exists():
            raise click.ClickException(f"{output} is there: replace it with --output {output}, or name another file.")
    with store.organiser() as organiser:
        people = organiser.stream_registrations(event_id)
        zone, questions = zone_and_questions(organiser, event_id)
        lines: Lines = CSVLines(zone, questions.columns) if kind == "csv" else JSONLines()
        with _ending_in_order(), _opened(output) as file:
            count = _write(file, people, lines)
    if output != _STANDARD_OUTPUT:
        click.echo(f"{output} has {count:,} registration{'' if count == 1 else 's'}.")


def _kind(output: Path | None) -> str:
    suffix = output.suffix.lower() if output else ""
    if suffix not in _FORMATS:
        raise click.UsageError(f"Say what {output} is to be: --format csv or --format jsonl.")
    return _FORMATS[suffix]


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let a kill (``SIGTERM``), as of a nightly job that takes too long, leave no part of a file behind."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _opened(output: Path) -> Iterator[BinaryIO]:
    """Open where the file goes; it gets its name when the block ends well."""
    try:
        if output == _STANDARD_OUTPUT:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif output.exists() and not output.is_file():  # a pipe or a device takes what comes
            with output.open("wb") as file:
                yield file
        else:
            with replacing(output) as file:
                yield file
    except EventRegistrationError:  # some of which are OSErrors, too
        raise
    except OSError as error:
        if error.errno == errno.EPIPE:  # whoever read it, as head does, has enough; click ends the command
            raise
        raise click.ClickException(f"{output}: {error.strerror}. Name another file with --output.") from error


def _write(file: BinaryIO, people: Iterable[Registration], lines: Lines) -> int:
    """Write *lines* about all *people* to *file*, and return how many they are."""
    from rich.console import Console

    from event_registration.arrivals import lines_in_order

    console = Console(stderr=True, force_terminal=False if file.isatty() else None)  # no bar among the lines
    count = 0
    with bar(console, None) as (progress, task):
        file.write(lines.head.encode())
        for count, line in enumerate(lines_in_order(_read(people, progress, task), lines.line), 1):
            file.write(line.encode())
            if count % _STEP == 0:
                progress.update(task, completed=count)
        progress.update(task, completed=count)
    return count


def _read(people: Iterable[Registration], progress: Progress, task: TaskID) -> Iterator[Registration]:
    """Show how many of *people* have been read; then it is known how many are to be written."""
    progress.update(task, description="Reading")
    count = 0
    for count, person in enumerate(people, 1):
        yield person
        if count % _STEP == 0:
            progress.update(task, completed=count)
    progress.update(task, description="Writing", total=count, completed=0)
