"""``event-registration destroy``."""

from __future__ import annotations

import click

from event_registration.cli.options import complaining, on_stack
from event_registration.cli.progress import follow
from event_registration.errors import DeploymentError

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
        name = doomed.parameters().get("TableName")
        console.print(f"Stack [bold]{stack}[/] in account {account.id}, {account.region}: {len(resources)} resources")
        if delete_table:
            if name not in doomed.resources(released=True).values():
                raise click.ClickException("This stack has no table to delete. Nothing was deleted.")
            typed = confirm_table or click.prompt(f"All registrations will be lost. Type the table's name ({name})")
            if typed != name:
                raise click.ClickException(f"{typed!r} is not the table's name. Nothing was deleted.")
        if not yes:
            click.confirm("Delete the stack?", abort=True)
        if bucket := resources.get("SiteBucket"):
            site.empty(account, bucket)
        try:
            with explained():
                follow(console, doomed.delete(), len(resources))
        except DeploymentError as error:
            raise click.ClickException(
                f"{error}\nThe form is gone from its bucket. Run destroy again to go on, or deploy to bring it back."
            ) from error
        if delete_table:
            with console.status(f"Deleting table {name}"):
                table.delete(account, str(name))
            console.print(f"Table {name} is deleted.")
        elif name and table.find(account, name):
            console.print(f"Table [bold]{name}[/] is kept with all registrations; a later deploy takes it over.")
