"""``event-registration registrations``: who comes, who waits, and who doesn't come after all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from event_registration.cli.completion import event_argument
from event_registration.cli.options import checked_address
from event_registration.cli.shown import (
    console_for,
    json_option,
    print_array,
    print_object,
    print_registrations,
    registration_card,
    zone_and_questions,
)
from event_registration.cli.store import on_store
from event_registration.export import registration_record
from event_registration.model import Status

if TYPE_CHECKING:
    from event_registration.cli.store import Store

__all__ = ["registrations"]


_address = click.argument("address", callback=checked_address)


@click.group()
def registrations() -> None:
    """See who is registered for an event, and cancel for somebody."""


@registrations.command("list")
@event_argument
@on_store
@json_option
def list_(*, store: Store, event_id: str, as_json: bool) -> None:
    """List all registrations of an event in the order they came, those that wait and the cancelled ones too."""
    console = console_for(as_json=as_json)
    with store.organiser() as organiser:
        with console.status("Reading the registrations"):
            found = organiser.registrations(event_id)
        if as_json:
            print_array(map(registration_record, found))
            return
        people, (zone, _) = list(found), zone_and_questions(organiser, event_id)
        if people:
            print_registrations(people, zone)
        counts = Counter(each.status for each in people)
        click.echo(f"{', '.join(f'{counts[status]:,} {status.value}' for status in Status)} (times of {zone})")


@registrations.command()
@event_argument
@_address
@on_store
@json_option
def show(*, store: Store, event_id: str, address: str, as_json: bool) -> None:
    """Show the registration of one person, whose mail ADDRESS it is."""
    with store.organiser() as organiser:
        found = organiser.registration(event_id, address)
        if as_json:
            print_object(registration_record(found))
        else:
            console_for(as_json=False).print(registration_card(found, *zone_and_questions(organiser, event_id)))


@registrations.command()
@event_argument
@_address
@on_store
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def cancel(*, store: Store, event_id: str, address: str, yes: bool, as_json: bool) -> None:
    """
    Cancel the registration of one person, whose mail ADDRESS it is, and give the seat to who waits.

    Both are told by mail, which the server or the function sends.
    """
    with store.organiser() as organiser:
        found = organiser.registration(event_id, address)
        person = f"{found.attendee_name} ({found.attendee_email})"
        was_cancelled = found.status is Status.CANCELLED
        if not (yes or was_cancelled):
            click.confirm(f"Cancel the registration of {person} for {found.event_name}?", abort=True, err=True)
        with console_for(as_json=as_json).status("Cancelling, and serving the queue"):
            cancellation = organiser.cancel_registration(event_id, address)
    if as_json:
        print_object(registration_record(cancellation.registration) | {"promoted": cancellation.promoted})
        return
    click.echo(f"{person} {'was' if was_cancelled else 'is'} cancelled{' already' if was_cancelled else ''}.")
    if was_cancelled and not cancellation.promoted:
        return
    people = "1 person" if cancellation.promoted == 1 else f"{cancellation.promoted:,} people"
    click.echo(f"{people} got a seat from the waiting list. The mails about it come from the server or the function.")
