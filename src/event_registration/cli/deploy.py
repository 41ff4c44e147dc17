"""``event-registration deploy``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from event_registration.cli.options import complaining, on_stack, templates_option
from event_registration.cli.progress import follow
from event_registration.cli.publishing import event_in, publish
from event_registration.cli.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from event_registration.deployment.deploy import Deployment

__all__ = ["deploy"]

_COLOURS = {"Add": "green", "Import": "cyan", "Modify": "yellow", "Remove": "red"}
_REPLACED = {"True": "made anew", "Conditional": "perhaps made anew", "False": ""}
_OURS = {"CodeBucket", "CodeKey"}


def _pairs(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE.")
        if pair.partition("=")[0] in _OURS:
            raise click.BadParameter(f"{pair!r}: the package is built and named by this command.")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def _switch(value: bool | None) -> str | None:  # noqa: FBT001 - click's
    return None if value is None else str(value).lower()


@click.command()
@on_stack
@click.option("--sender", help="Address that mail comes from: events@example.org or 'Events <events@example.org>'.")
@click.option("--sender-identity", metavar="DOMAIN", help="Verify and use the sender's domain, not its address.")
@click.option("--ses-sandbox/--no-ses-sandbox", default=None, help="Whether SES is in its sandbox.  [default: asked]")
@click.option(
    "--events",
    type=click.Choice(["managed", "open"]),
    help="Take events that are set up, or any that is named.  [default: managed]",
)
@click.option(
    "--event",
    "event_file",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="JSON or YAML file of a first event to set up.",
)
@click.option("--table", metavar="NAME", help="Table of events and registrations.  [default: eventmanagement]")
@click.option(
    "--confirmation",
    type=click.Choice(["outbox", "inline"]),
    help="Mail by a function of its own, until it is sent, or by who registers.  [default: outbox]",
)
@click.option("--event-ids", metavar="ID,ID", help="The only event ids to take.  [default: any]")
@click.option("--on-duplicate", type=click.Choice(["answer", "reject"]), help="What a repeat gets.  [default: answer]")
@click.option(
    "--site-hosting",
    type=click.Choice(["CloudFront", "S3Website"]),
    help="How the form is served; S3Website has no HTTPS.  [default: CloudFront]",
)
@click.option("--allowed-origin", metavar="URL", help="The one site that may register people.  [default: the form's]")
@click.option("--alarm-topic", metavar="ARN", help="SNS topic that alarms are sent to.")
@click.option("--arch", type=click.Choice(["arm64", "x86_64"]), help="The function's processor.  [default: arm64]")
@click.option("--python", metavar="X.Y", help="The function's Python.  [default: 3.13]")
@click.option("--memory", type=click.IntRange(128, 10240), metavar="MB", help="The function's memory.  [default: 512]")
@click.option(
    "--parameter",
    "others",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="Any other parameter of the template; may be repeated.",
)
@click.option("--bucket", metavar="NAME", help="Where the function's package is uploaded to.  [default: made for it]")
@templates_option
@click.option("--no-templates", is_flag=True, help="Mail with our templates and languages from now on.")
@click.option("--yes", is_flag=True, help="Don't ask before changing anything.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
def deploy(  # noqa: PLR0913 - one argument an option
    *,
    stack: str,
    region: str | None,
    profile: str | None,
    sender: str | None,
    sender_identity: str | None,
    ses_sandbox: bool | None,
    events: str | None,
    event_file: str | None,
    table: str | None,
    confirmation: str | None,
    event_ids: str | None,
    on_duplicate: str | None,
    site_hosting: str | None,
    allowed_origin: str | None,
    alarm_topic: str | None,
    arch: str | None,
    python: str | None,
    memory: int | None,
    others: Mapping[str, str],
    bucket: str | None,
    templates: Path | None,
    no_templates: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """
    Deploy everything to AWS: form, API, function, table, mail.

    Builds the function's package, shows what would change, asks, changes the stack, uploads the form and sets up the
    first event, if one is given. Repeat it to update; what isn't named keeps its value. A table that is left from an
    earlier stack is taken over with all that is in it.
    """
    with complaining(), TemporaryDirectory() as folder:
        from rich.console import Console

        from event_registration.deployment.account import Account
        from event_registration.deployment.deploy import parameters_of, prepare
        from event_registration.deployment.stack import Stack

        console = Console(highlight=False, soft_wrap=True)
        options = {
            "SenderIdentity": sender_identity,
            "SesSandbox": _switch(ses_sandbox),
            "Events": events,
            "TableName": table,
            "Confirmation": confirmation,
            "EventIds": event_ids,
            "OnDuplicate": on_duplicate,
            "SiteHosting": site_hosting,
            "AllowedOrigin": allowed_origin,
            "AlarmTopicArn": alarm_topic,
            "Architecture": arch,
            "Runtime": python and f"python{python}",
            "MemoryMegabytes": str(memory) if memory else None,
        }
        by_sender = {"SenderAddress", "SenderName"} if sender is not None else set()
        if twice := [name for name in others if name in by_sender or options.get(name) is not None]:
            raise click.UsageError(f"{', '.join(twice)}: given as an option and as --parameter.")
        wishes = parameters_of(sender, options | dict(others))
        store = Store(stack=stack, region=region, profile=profile)
        event = event_in(event_file, store) if event_file else None
        account = Account(region=region, profile=profile)
        console.print(f"Stack [bold]{stack}[/] in account {account.id}, {account.region}")
        with console.status("Building the function's package and asking what would change"):
            deployment = prepare(
                account,
                Stack(account, stack),
                wishes,
                folder=Path(folder),
                bucket=bucket,
                templates=None if no_templates else templates,
                drops_templates=no_templates,
            )
        try:
            if event:
                _check_catalogue(deployment)
            _show(console, deployment)
            if dry_run:
                deployment.discard()
                console.print("Dry run: nothing was changed.")
                return
            if deployment.change_set:
                if not yes:
                    click.confirm("Carry this out?", abort=True)
                with console.status("Uploading the package") as status:
                    deployment.get_ready(announce=status.update)
        except BaseException:
            deployment.abandon()
            raise
        if deployment.change_set:
            follow(console, deployment.change_set.execute(), len(deployment.change_set.changes))
        publish(console, deployment, store, event, templates=None if no_templates else templates)


def _check_catalogue(deployment: Deployment) -> None:
    if not deployment.is_managed:
        raise click.UsageError("--event: this stack takes any event that is named. Say --events managed as well.")


def _show(console: Console, deployment: Deployment) -> None:
    from rich.table import Table

    console.print(f"Package: {deployment.package.size / 1024:,.0f} KiB, to be stored in s3://{deployment.bucket}")
    if not deployment.package.precompiled:
        console.print(
            "  It holds no compiled code, since its Python isn't installed here: first answers will be slower."
        )
    for name, value in sorted(deployment.parameters.items()):
        console.print(f"  {name} = {value or '(empty)'}", markup=False)
    if deployment.change_set is None:
        console.print("The stack is as it should be.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("change", "resource", "type", ""):
        table.add_column(heading, overflow="fold")
    for change in deployment.change_set.changes:
        table.add_row(
            f"[{_COLOURS.get(change.action, 'white')}]{change.action}[/]",
            change.resource,
            change.kind,
            "kept" if change.kept else _REPLACED[change.replaced],
        )
    console.print(table)
    if deployment.adopted:
        name, items = deployment.adopted["TableName"], deployment.adopted.get("ItemCount", 0)
        console.print(
            f"Table {name} is there already (about {items:,} items): it is taken over with all that is in it."
        )
