"""``event-registration completion``, and what the shell is offered for an event."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from event_registration.cli.store import Store
from event_registration.rules import PROBLEM_MESSAGES, check_event_id, normalise_event_id

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["completion", "event_argument"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """
    Print the script with which a shell completes commands, options and event ids.

    For bash put `source <(event-registration completion bash)` into ~/.bashrc, for zsh the same with zsh into ~/.zshrc;
    for fish write the output to ~/.config/fish/completions/event-registration.fish.
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    kind = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}[shell]
    name = "event-registration"
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"  # what click's own `main` looks for
    click.echo(kind(context.find_root().command, {}, name, variable).source())


def _event_ids(context: click.Context, _argument: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the events of the folder that stands before; AWS is not asked while somebody types."""
    from click.shell_completion import CompletionItem

    data = context.params.get("data")
    if data is None:
        return []
    # The shell has replaced nothing yet of what is typed; RuntimeError: there is no such home.
    with suppress(click.ClickException, RuntimeError), Store(data=data.expanduser()).organiser() as organiser:
        return [
            CompletionItem(each.event.event_id, help=each.event.event_name)
            for each in organiser.events()
            if each.event.event_id.startswith(incomplete)
        ]
    return []


def _checked(_context: click.Context, _argument: click.Parameter, event_id: str) -> str:
    event_id = normalise_event_id(event_id)
    if code := check_event_id(event_id):
        raise click.BadParameter(PROBLEM_MESSAGES[code])
    return event_id


event_argument = click.argument("event_id", metavar="EVENT", callback=_checked, shell_complete=_event_ids)
"""The argument that names an event."""
