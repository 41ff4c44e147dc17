"""Checks the books of an event in the table: what its registrations say against what its ledger says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from event_registration.aws.items import LAST
from event_registration.aws.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

_Row = dict[str, Any]

_NEWS = {"repeated", "moved", "called-off"}
_PENDING = {"due", "claimed", "retry"}


@frozen
class Books:
    """All rows of one event, by kind and by the rest of their sort keys."""

    event: _Row | None
    copy: _Row | None
    places: int
    people: dict[str, _Row]
    seats: dict[int, _Row]
    free: set[int]
    over: dict[int, _Row]
    waiting: dict[int, _Row]
    keys: list[str] = field(repr=False)

    @property
    def capacity(self) -> int | None:
        """What the event says now."""
        return self.event and self.event.get("capacity")

    def standing(self, status: str) -> dict[str, _Row]:
        """Return the people of one status, by digest."""
        return {digest: row for digest, row in self.people.items() if row["status"] == status}


def read(client: Any, name: str, event_id: str = "devconf-2026") -> Books:
    """Read the books of an event with a client that works."""
    table = Table(client, name)
    rows = {row["sk"]: row for row in table.query(event_id, "A", LAST)}

    def of(kind: str) -> dict[str, _Row]:
        return {key.removeprefix(kind): row for key, row in rows.items() if key.startswith(kind)}

    def numbered(kind: str) -> dict[int, _Row]:
        return {int(number): row for number, row in of(kind).items()}

    return Books(
        event=rows.get("EVENT"),
        copy=table.get("#events", event_id),
        places=rows.get("WAITLIST", {"places": 0})["places"],
        people=of("REGISTRATION#"),
        seats=numbered("SEAT#"),
        free=set(numbered("FREE#")),
        over=numbered("OVER#"),
        waiting=numbered("WAITLIST#"),
        keys=[*rows, event_id],
    )


def mistakes(books: Books, *, settled: bool) -> list[str]:
    """
    Return what is wrong in *books*; each sentence says how.

    Args:
        books: What was read.
        settled: Whether nothing may be left to do. Otherwise it is only what must hold at every moment.
    """
    found = [*_of_the_event(books), *_of_seats(books), *_of_the_queue(books), *_of_mails(books)]
    return [*found, *_left_to_do(books)] if settled else found


def _of_the_event(books: Books) -> Iterator[str]:
    # The copy says whether anybody is left to tell, and not how far the telling has come.
    event, copy = (
        row and {name: name == "telling" or value for name, value in row.items() if name not in {"eventid", "sk"}}
        for row in (books.event, books.copy)
    )
    if event != copy:
        yield "the catalogue has another event"
    if any("@" in key for key in books.keys):
        yield "an address is in a key"


def _of_seats(books: Books) -> Iterator[str]:
    held = {number: seat for number, seat in books.seats.items() if seat["state"] == "held"}
    sitting = {row["seat"]: digest for digest, row in books.standing("confirmed").items() if "seat" in row}
    if {number: seat["held_by"] for number, seat in held.items()} != sitting:
        yield "seats are held by others than sit on them"
    if books.capacity is not None and len(sitting) != len(books.standing("confirmed")):
        yield "somebody is confirmed without a seat, or two have one"
    if any("seat" in row for row in (*books.standing("waitlisted").values(), *books.standing("cancelled").values())):
        yield "somebody has a seat who isn't confirmed"
    if books.free != {number for number, seat in books.seats.items() if seat["state"] == "free"}:
        yield "FREE# is not what is free"
    if {number: row["held_by"] for number, row in books.over.items()} != {
        number: seat["held_by"] for number, seat in held.items() if seat.get("over")
    }:
        yield "OVER# is not what is over"


def _of_the_queue(books: Books) -> Iterator[str]:
    in_queue = {number: (row["held_by"], row["registrationid"]) for number, row in books.waiting.items()}
    if in_queue != {
        row["place"]: (digest, row["registrationid"]) for digest, row in books.standing("waitlisted").items()
    }:
        yield "WAITLIST# is not who waits"
    if max(in_queue, default=0) > books.places:
        yield "a place will be given twice"


def _of_mails(books: Books) -> Iterator[str]:
    for row in books.people.values():
        was_promoted = row["status"] == "confirmed" and "place" in row
        if row["mail_kind"] not in {"promoted" if was_promoted else row["status"], *_NEWS}:
            yield "somebody is told something else than is so"
        is_pending = row["mail"] in _PENDING
        if ("outbox" in row) != (is_pending and "mail_at" in row) or ("mail_at" in row and not is_pending):
            yield "the outbox is not what is owed"


def _left_to_do(books: Books) -> Iterator[str]:
    if books.event is None or books.capacity is None:
        return
    within = set(range(1, books.capacity + 1))
    held = {number for number, seat in books.seats.items() if seat["state"] == "held"}
    if "resizing_to" in books.event:
        yield "a change of the capacity is not completed"
    if books.free and books.waiting:
        yield "somebody waits while a seat is free"
    if books.waiting and len(held) < books.capacity:
        yield "somebody waits while there are fewer people than seats"
    if books.free - within:
        yield "a seat above the capacity is free"
    if {number for number, seat in books.seats.items() if seat["state"] == "retired"} & within:
        yield "a seat within the capacity is out of use"
    if books.over.keys() != held - within:
        yield "OVER# is not who sits above the capacity"
    if books.over and within - held:
        yield "somebody sits above the capacity while there is a seat within"
