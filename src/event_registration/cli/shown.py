"""What the organiser's commands print: records for programs, cards and tables for people."""

from __future__ import annotations

import json
from datetime import UTC
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click

from event_registration.answers import text_of
from event_registration.cli.documents import FIELDS
from event_registration.errors import UnknownEventError
from event_registration.model import Status
from event_registration.wire_events import document_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime, tzinfo

    from rich.console import Console, RenderableType

    from event_registration.listing import EventState, Listing
    from event_registration.mail import Mail
    from event_registration.model import Registration
    from event_registration.organiser import Counts, Organiser
    from event_registration.questions import Questionnaire

__all__ = [
    "clock",
    "console_for",
    "event_card",
    "event_record",
    "json_option",
    "print_array",
    "print_events",
    "print_lines",
    "print_object",
    "print_registrations",
    "registration_card",
    "zone_and_questions",
]

_COLOURS = {"open": "green", "confirmed": "green", "waitlist": "yellow", "waitlisted": "yellow", "cancelled": "red"}

_NEWS = "not everybody who is registered has been told of the last change yet"

json_option: Callable[[Callable[..., None]], Callable[..., None]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, and nothing else."
)
"""The switch from what people read to what programs read."""


def console_for(*, as_json: bool) -> Console:
    """Return where people are told how it goes on: nothing of it may get into JSON."""
    from rich.console import Console

    return Console(highlight=False, stderr=as_json)


def print_object(record: dict[str, Any]) -> None:
    """Print one JSON object."""
    click.echo(json.dumps(record, indent=2))


def print_array(records: Iterable[dict[str, Any]]) -> None:
    """Print one JSON array, an object a line, however many there are."""
    begun = (f"{',' if n else ''}\n{json.dumps(record)}" for n, record in enumerate(records))
    _echo(chain(["["], begun, ["\n]\n"]))


def _echo(pieces: Iterable[str]) -> None:
    """Print *pieces* one after the other, many at a time: each time is flushed."""
    rest = iter(pieces)
    while piece := "".join(islice(rest, 1000)):
        click.echo(piece, nl=False)


def event_record(listing: Listing, state: EventState, counts: Counts) -> dict[str, Any]:
    """Return what programs are told of an event: the document's fields, ``None`` if unset, and how it stands."""
    return {
        **dict.fromkeys(FIELDS),
        **document_of(listing.event),
        "state": state.value,
        "revision": listing.revision,
        "cancelled": listing.is_cancelled,
        "confirmed": counts.confirmed,
        "waitlisted": counts.waitlisted,
        "telling": listing.telling is not None,
    }


def zone_for(name: str) -> tzinfo:
    """Return the zone to tell times in; UTC if this machine's list doesn't have it (any more)."""
    from event_registration.zones import zone_of

    return zone_of(name) or UTC


def zone_and_questions(organiser: Organiser, event_id: str) -> tuple[tzinfo, Questionnaire]:
    """Return the zone to tell an event's times in and its questions: UTC and none where nobody set it up."""
    from event_registration.questions import Questionnaire

    try:
        event = organiser.event(event_id)[0].event
    except UnknownEventError:
        return UTC, Questionnaire({})
    return zone_for(event.time_zone), event.questionnaire or Questionnaire({})


def event_card(listing: Listing, state: EventState, counts: Counts) -> RenderableType:
    """Return all that there is to say of one event."""
    event = listing.event
    zone = zone_for(event.time_zone)
    limit = "without limit" if event.capacity is None else f"of {event.capacity:,}"
    return _card(
        event.event_name,
        {
            "event": event.event_id,
            "state": state.value,
            "coming": f"{counts.confirmed:,} {limit}",
            "waiting": f"{counts.waitlisted:,}" if event.waitlist or counts.waitlisted else "no waiting list",
            "starts": clock(event.starts_at, zone),
            "ends": clock(event.ends_at, zone),
            "opens": clock(event.opens_at, zone) or "at once",
            "closes": clock(event.closes_at, zone) or "when it starts",
            "time zone": str(zone),
            "venue": event.venue,
            "contact": event.contact,
            "questions": "; ".join(column.title for column in event.questionnaire.columns)
            if event.questionnaire
            else None,
            "news": _NEWS if listing.telling is not None else None,
        },
    )


def print_events(rows: Iterable[tuple[Listing, EventState, Counts]]) -> None:
    """Print a line an event."""
    headings = ("event", "name", "starts", "state", "coming", "waiting")
    lines = []
    for listing, state, counts in rows:
        event = listing.event
        of_all = "" if event.capacity is None else f" of {event.capacity:,}"
        lines.append(
            (
                event.event_id,
                event.event_name,
                clock(event.starts_at, zone_for(event.time_zone)),
                state.value,
                f"{counts.confirmed:,}{of_all}",
                f"{counts.waitlisted:,}",
            )
        )
    print_lines(headings, lines)


def registration_card(registration: Registration, zone: tzinfo, questions: Questionnaire) -> RenderableType:
    """Return all that there is to say of one registration."""
    return _card(
        registration.attendee_name,
        {
            "address": registration.attendee_email,
            "event": f"{registration.event_name} ({registration.event_id})",
            "status": registration.status.value,
            "registered": f"{clock(registration.registered_at, zone)} ({zone})",
            "seat": _number(registration.seat),
            "queue number": _queue_number(registration),
            "mail": _mail(registration.mail),
            "registration": registration.registration_id,
        },
        [(title, text_of(value)) for title, value in questions.summary(registration.answers)],
    )


def print_registrations(registrations: Iterable[Registration], zone: tzinfo) -> None:
    """Print a line a registration."""
    headings = ("name", "address", "status", "seat", "queue number", "registered", "mail")
    lines = (
        (
            each.attendee_name,
            each.attendee_email,
            each.status.value,
            _number(each.seat),
            _queue_number(each),
            clock(each.registered_at, zone),
            each.mail.state.value,
        )
        for each in registrations
    )
    print_lines(headings, lines)


def _mail(mail: Mail) -> str:
    """Tell what becomes of a mail."""
    why = f" ({mail.reason})" if mail.reason else ""
    return f"{mail.kind.value}: {mail.state.value}{why}, attempts: {mail.attempts}"


def clock(instant: datetime | None, zone: tzinfo) -> str:
    """Tell *instant* by the clocks of *zone*, which show some hours twice: its abbreviation says which."""
    if instant is None:
        return ""
    time = instant.astimezone(zone)
    return f"{time:%Y-%m-%d %H:%M:%S %Z}" if time.second else f"{time:%Y-%m-%d %H:%M %Z}"


def _queue_number(registration: Registration) -> str:
    """Return the number of who waits; who has been served keeps it, but that is for programs only."""
    return _number(registration.place) if registration.status is Status.WAITLISTED else ""


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _card(title: str, lines: Mapping[str, str | None], answers: Iterable[tuple[str, str]] = ()) -> RenderableType:
    """Return a card; its texts are printed as they are, whatever brackets they hold."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for label, text in lines.items():
        if text:
            grid.add_row(Text(label, style="dim"), Text(text, style=_colour(label, text) or "", overflow="fold"))
    for question, answer in answers:
        grid.add_row(Text(question, style="dim"), Text(answer, overflow="fold"))
    return Group(Text(title, style="bold"), grid)


def print_lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """
    Print *rows* in columns, a line each, however long it gets: lines that are folded can be neither searched nor cut.

    A table of rich's would fold them, and take a minute for 100,000.
    """
    from rich.cells import cell_len

    lines = [headings, *rows]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]

    def cell(number: int, text: str) -> str:
        colour = _colour(headings[number], text)
        space = " " * (widths[number] - cell_len(text))
        return f"{click.style(text, fg=colour) if colour else text}{space}"

    _echo("  ".join(cell(*each) for each in enumerate(line)).rstrip() + "\n" for line in lines)


def _colour(label: str, text: str) -> str | None:
    return _COLOURS.get(text) if label in {"state", "status"} else None
