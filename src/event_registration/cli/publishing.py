"""What follows a changed stack: its form is uploaded, its first event set up, and what is left to do is told."""

from __future__ import annotations

import shlex
from contextlib import closing
from typing import TYPE_CHECKING

from event_registration.cli.progress import bar
from event_registration.errors import EventExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from event_registration.cli.store import Store
    from event_registration.deployment.deploy import Deployment
    from event_registration.event import Event

__all__ = ["event_in", "publish"]


def event_in(file: str, store: Store) -> Event:
    """
    Return the event that *file* describes, once it could be set up in memory: then it can be where it counts.

    Raises:
        click.ClickException: It can't be; what is wrong is told as *store* tells it.
    """
    from event_registration.cli.documents import event_of
    from event_registration.cli.files import read_object
    from event_registration.local.events import SQLiteEventRepository
    from event_registration.organiser import Organiser

    with store.explaining(), closing(SQLiteEventRepository(":memory:")) as nowhere:
        event = event_of(read_object(file))
        Organiser(nowhere).create(event)
        return event


def publish(
    console: Console, deployment: Deployment, store: Store, event: Event | None, *, templates: Path | None = None
) -> None:
    """
    Upload the site, set up *event*, and say where everything is and what is left to do.

    Args:
        console: What it is said on.
        deployment: What was carried out.
        store: Where the stack's events are.
        event: An event to set up; one that is there already is left as it is.
        templates: The folder of the team's own templates and languages.
    """
    from event_registration.assets import site_files
    from event_registration.deployment import site

    outputs, is_managed = deployment.stack.outputs(), deployment.is_managed
    files = site_files(outputs["ApiUrl"], managed=is_managed, folder=templates)
    with bar(console, len(files)) as (progress, task):
        for file in site.upload(deployment.account, outputs["SiteBucket"], files):
            progress.update(task, description=file.key, advance=1)
    where = shlex.join(["--stack", deployment.stack.name, *deployment.account.options])
    form = f"{outputs['SiteUrl']}/?event={event.event_id if event else 'EVENT'}" if is_managed else outputs["SiteUrl"]
    console.print("\n[bold green]Ready.[/] The form:  ", end="")
    for line in (
        form,
        f"       The API:   {outputs['ApiUrl']}/registrations",
        *_hints(deployment, outputs),
        f"Look whether all is well: event-registration doctor {where}",
    ):
        console.print(line, markup=False)
    if is_managed:
        console.print(_set_up(store, event, where), markup=False)


def _set_up(store: Store, event: Event | None, where: str) -> str:
    """Set up *event*, and return what came of it; if there is none, how to set one up."""
    if event is None:
        return f"Set up EVENT, an event of yours: event-registration events create event.json {where}"
    with store.organiser() as organiser:
        try:
            organiser.create(event)
        except EventExistsError:
            return (
                f"Event {event.event_id} was there already and is as it was. "
                f"Look at it: event-registration events show {event.event_id} {where}"
            )
    return f"Event {event.event_id} is set up."


def _hints(deployment: Deployment, outputs: Mapping[str, str]) -> Iterator[str]:
    from event_registration.deployment.diagnosis import found

    if deployment.parameters.get("Confirmation") == "inline":
        yield "Mails are sent by who registers. A function of its own loses none: deploy --confirmation outbox"
    identity = outputs["SenderIdentity"]
    state = found(deployment.account.client("sesv2").get_email_identity, EmailIdentity=identity)
    if state is None:
        yield f"No mail goes out: SES doesn't know {identity}."
    elif not state.get("VerifiedForSendingStatus"):
        yield (
            f"No mail goes out yet: AWS has sent a mail to {identity}; open the link in it."
            if "@" in identity
            else f"No mail goes out yet: publish the DNS records that doctor shows for {identity}."
        )
