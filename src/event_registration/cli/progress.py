"""Long work shown as it goes: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeVar

    from rich.console import Console

    from event_registration.deployment.events import Happening

    _Each = TypeVar("_Each")

__all__ = ["bar", "follow", "watched"]

_STEP = 1000


def follow(console: Console, happenings: Iterator[Happening], total: int) -> None:
    """Show a change as it happens: a bar on a terminal, a line an event elsewhere."""
    with bar(console, total) as (progress, task):
        try:
            for each in happenings:
                if not console.is_terminal:
                    console.print(f"{each.status}  {each.resource}  {each.reason}".rstrip(), markup=False)
                is_done = each.status.endswith("_COMPLETE") and each.kind != "AWS::CloudFormation::Stack"
                progress.update(task, description=f"{each.status} {each.resource}", advance=int(is_done))
        except KeyboardInterrupt:
            console.print("AWS goes on without this command. Its console shows how it ends.")
            raise
        progress.update(task, completed=total, description="Done")


@contextmanager
def bar(console: Console, total: int | None) -> Iterator[tuple[Any, Any]]:
    """Show a bar of *total* steps, if they are known, on a terminal while the block runs; yields it and its task."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress, progress.add_task("Starting", total=total)


def watched(each_of: Iterable[_Each], console: Console, description: str, total: int | None = None) -> Iterator[_Each]:
    """Pass on *each_of* so many, and show meanwhile how many that were."""
    with bar(console, total) as (progress, task):
        progress.update(task, description=description)
        count = 0
        for count, each in enumerate(each_of, 1):
            yield each
            if count % _STEP == 0:
                progress.update(task, completed=count)
        progress.update(task, completed=count)
