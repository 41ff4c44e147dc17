"""``event-registration destroy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from event_registration.cli.options import complaining, on_stack
from event_registration.cli.progress import follow
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from event_registration.deployment.stack import Stack

__all__ = ["destroy"]


@click.command()
@on_stack
@click.option("--delete-table", is_flag=True, help="Delete the table of the registrations, too.")
@click.option("--confirm-table", metavar="NAME", help="The table's name, as the second word that --delete-table needs.")
@click.option("--yes", is_flag=True, help="Don't ask before the stack is deleted; a table's name is asked anyway.")
def destroy(  # noqa: PLR0913 - one argument an option
    *,
    stack: str,
    region: str | None,
    profile: str | None,
    delete_table: bool,
    confirm_table: str | None,
    yes: bool,
) -> None:
    """
    Delete a stack, and keep its table.

    The registrations stay, and a later deploy takes them over. --delete-table deletes them as well, once the table's
    name has been typed or given with --confirm-table.
    """
    with complaining():
        from rich.console import Console

        from event_registration.deployment import site, table
        from event_registration.deployment.account import Account, explained
        from event_registration.deployment.stack import Stack
        from event_registration.deployment.template import PARAMETERS

        console = Console(highlight=False, soft_wrap=True)
        account = Account(region=region, profile=profile)
        doomed = Stack(account, stack)
        if doomed.describe() is None:
            raise click.ClickException(f"There is no stack {stack!r} in {account.region} of account {account.id}.")
        doomed.check_template(PARAMETERS)
        doomed.check_deletion()
        resources = doomed.resources()
        name = doomed.parameters().get("TableName", "")
        has_table = name in resources.values()
        console.print(f"Stack [bold]{stack}[/] in account {account.id}, {account.region}: {len(resources)} resources")
        if delete_table:
            _confirm_table(name if has_table else None, confirm_table)
        if not yes:
            click.confirm("Delete the stack?", abort=True)
        bucket = resources.get("SiteBucket")
        if bucket:
            site.empty(account, bucket)
        try:
            with explained():
                follow(console, doomed.delete(), len(resources))
        except DeploymentError as error:
            raise click.ClickException(f"{error}\n{_aftermath(doomed, has_form=not bucket)}") from error
        if delete_table:
            with console.status(f"Deleting table {name}"):
                table.delete(account, name)
            console.print(f"Table {name} is deleted.")
        elif has_table:
            console.print(f"Table [bold]{name}[/] is kept with all registrations; a later deploy takes it over.")


def _confirm_table(name: str | None, typed: str | None) -> None:
    if name is None:
        raise click.ClickException(
            "This stack has no table any more. Nothing was deleted. One that a stack has left is deleted with: "
            "aws dynamodb update-table --no-deletion-protection-enabled --table-name NAME, then: "
            "aws dynamodb delete-table --table-name NAME"
        )
    typed = typed or click.prompt(f"All registrations will be lost. Type the table's name ({name})")
    if typed != name:
        raise click.ClickException(f"{typed!r} is not the table's name. Nothing was deleted.")


def _aftermath(doomed: Stack, *, has_form: bool) -> str:
    """Say what a failed deletion has left, and what can be done with it."""
    status = (doomed.describe() or {"StackStatus": ""})["StackStatus"]
    form = "" if has_form else "The form is gone from its bucket. "
    # A stack that was half deleted, or is being so, can't be deployed again.
    back = "" if status.startswith("DELETE") else ", or deploy to bring it back"
    return f"{form}Run destroy again to go on{back}."
