"""``event-registration events``: what an organiser does with events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from event_registration.cli.completion import event_argument
from event_registration.cli.documents import describing, event_of
from event_registration.cli.shown import (
    console_for,
    event_card,
    event_record,
    json_option,
    print_array,
    print_events,
    print_object,
)
from event_registration.cli.store import on_store
from event_registration.wire_events import document_of

if TYPE_CHECKING:
    from event_registration.cli.store import Store
    from event_registration.event import Event
    from event_registration.listing import EventState, Listing
    from event_registration.organiser import Counts, Organiser

__all__ = ["events"]

_NEWS = (
    "Everybody who is registered is told by mail from a minute after the last change on, by the server or the function."
)


@click.group()
def events() -> None:
    """Set up events, change them, look at them, call them off."""


@events.command()
@on_store
@click.option("--id", "eventid", metavar="ID", help="The event's id, which stands in addresses and never changes.")
@describing
@json_option
def create(*, store: Store, document: dict[str, Any], as_json: bool) -> None:
    """
    Set up an event, from FILE (JSON or YAML, - for standard input), from options, or both.

    An option replaces what FILE says. A time without its offset is local in the event's time zone. Required are id,
    name, starts-at, ends-at and time-zone.
    """
    with store.explaining():
        event = event_of(document)
    with store.organiser(create=True) as organiser:
        listing = organiser.create(event)
        _show(organiser, listing, as_json=as_json)
    _say(f"It is set up. Its form has ?event={event.event_id} in the address.", as_json=as_json)


@events.command()
@event_argument
@on_store
@describing
@click.option("--no-mail", is_flag=True, help="Tell nobody, whatever changes.")
@json_option
def update(*, store: Store, event_id: str, document: dict[str, Any], no_mail: bool, as_json: bool) -> None:
    """
    Change what is given, in FILE or in options, and nothing else.

    The word none empties an option, as in --capacity none, and null a field of FILE. Another time, time zone or venue
    is news: everybody who is registered is told by mail, from a minute after the last change on.
    """
    if not document:
        raise click.UsageError("Say what changes: with a FILE or with options.")
    with store.organiser() as organiser:
        old, _ = organiser.event(event_id)
        event = event_of(document_of(old.event) | document)
        if event.event_id != event_id:
            raise click.ClickException(f"An event keeps its id: this is about {event.event_id}, not {event_id}.")
        with console_for(as_json=as_json).status("Changing the event and its seats"):
            listing = organiser.update(event_id, _differences(old.event, event), tells=not no_mail)
        _show(organiser, listing, as_json=as_json)
    outlook = "It stays called off." if listing.is_cancelled else "A running form takes the change within seconds."
    _say(f"It is changed. {outlook} {_news(old, listing, no_mail=no_mail)}".rstrip(), as_json=as_json)


@events.command()
@event_argument
@on_store
@json_option
def show(*, store: Store, event_id: str, as_json: bool) -> None:
    """Show an event, and how many people come."""
    with store.organiser() as organiser:
        _show(organiser, organiser.event(event_id)[0], as_json=as_json)


@events.command("list")
@on_store
@json_option
def list_(*, store: Store, as_json: bool) -> None:
    """List all events, the earliest first."""
    console = console_for(as_json=as_json)
    with store.organiser() as organiser:
        with console.status("Reading the events and who is registered"):
            found = [_standing(organiser, each) for each in organiser.events()]
        if as_json:
            print_array(event_record(*each) for each in found)
        elif found:
            print_events(found)
        else:
            click.echo("There are no events.")


@events.command()
@event_argument
@on_store
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def cancel(*, store: Store, event_id: str, yes: bool, as_json: bool) -> None:
    """
    Call an event off, for good: nobody can register any more.

    The registrations stay. Everybody who is registered is told by mail, from a minute later on.
    """
    with store.organiser() as organiser:
        old, _ = organiser.event(event_id)
        if not (yes or old.is_cancelled):
            click.confirm(f"Call {old.event.event_name} ({event_id}) off, for good?", abort=True, err=True)
        listing = organiser.cancel(event_id)
        _show(organiser, listing, as_json=as_json)
    news = f" {_NEWS}" if listing.telling is not None else ""
    _say(f"It is called off. Registration stops within five seconds.{news}", as_json=as_json)


def _news(old: Listing, new: Listing, *, no_mail: bool) -> str:
    """Say who is told that *old* was changed into *new*."""
    if new.news != old.news:
        return _NEWS
    if new.telling is not None:
        return "The mail about an earlier change is still to come."
    return "Nobody is told by mail." if no_mail else ""


def _differences(old: Event, new: Event) -> dict[str, Any]:
    from attrs import fields

    names = [field.name for field in fields(type(new))]
    return {name: getattr(new, name) for name in names if getattr(new, name) != getattr(old, name)}


def _standing(organiser: Organiser, listing: Listing) -> tuple[Listing, EventState, Counts]:
    return listing, organiser.state(listing), organiser.counts(listing.event.event_id)


def _show(organiser: Organiser, listing: Listing, *, as_json: bool) -> None:
    console = console_for(as_json=as_json)
    with console.status("Counting the registrations"):
        standing = _standing(organiser, listing)
    if as_json:
        print_object(event_record(*standing))
    else:
        console.print(event_card(*standing))


def _say(line: str, *, as_json: bool) -> None:
    if not as_json:
        click.echo(f"\n{line}")
