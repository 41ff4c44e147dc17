"""
The seat ledger: every item of a limited event, and every transaction that moves a person between them.

A seat is a key that can be created only once, so that it can't be sold twice. Once it is there it changes hands, and
each hand-over is one transaction:

==========  =====================================================  ====================================
a seat is   its item says                                          beside it there is
==========  =====================================================  ====================================
unsold      nothing: there is none
held        ``state=held``, ``held_by`` a digest                   ``OVER#k`` if ``over`` is set, too
free        ``state=free``                                         ``FREE#k``
retired     ``state=retired``
==========  =====================================================  ====================================

``over`` marks a held seat above the capacity. ``WAITLIST#n`` is a place in the queue. Whatever gives a free seat away
checks that the event has the revision that was read before: every change of a capacity raises it first, and only such
a change brings ``OVER#`` about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

from event_registration.aws.items import check, delete, put
from event_registration.aws.rows import mail_as_read, registration_row
from event_registration.model import Status

if TYPE_CHECKING:
    from datetime import datetime

    from event_registration.aws.items import Action, Row
    from event_registration.listing import Listing
    from event_registration.model import Registration

__all__ = [
    "EVENT",
    "FREE",
    "OVER",
    "PLACES",
    "SEAT",
    "WAITLIST",
    "Admitted",
    "Entrant",
    "as_read",
    "cancel",
    "enter",
    "join",
    "keep_over",
    "keep_within",
    "move",
    "number_of",
    "promote",
    "put_back",
    "retire",
    "save",
    "seat_key",
    "sell",
    "take",
]

EVENT = "EVENT"
SEAT = "SEAT#"
FREE = "FREE#"
OVER = "OVER#"
PLACES = "WAITLIST"
WAITLIST = "WAITLIST#"

_IS_NEW = "attribute_not_exists(eventid)"
_IS_THERE = "attribute_exists(eventid)"
_IS_FREE = "#state = :free"
_IS_HELD = "#state = :held AND held_by = :digest AND attribute_not_exists(#over)"
_IS_OVER = "#state = :held AND held_by = :digest AND #over = :over"


@frozen(kw_only=True)
class Entrant:
    """
    Who asks to be admitted.

    Args:
        new: The registration to store, but for its status, seat and place.
        digest: The person's key.
        old: The person's registration as it was read: cancelled, or none.
    """

    new: Registration
    digest: str
    old: Registration | None


Admitted: TypeAlias = "tuple[Registration, list[Action]]"
"""An entrant's registration with its status, seat or place, and the writes that admit it."""


def number_of(row: Row) -> int:
    """Return the number at the end of a row's sort key."""
    return int(str(row["sk"]).rpartition("#")[2])


def seat_key(seat: int) -> str:
    """Return the sort key of a seat."""
    return f"{SEAT}{seat:06}"


def save(new: Registration, digest: str, old: Registration | None) -> Action:
    """Put *new* in the place of *old*, unchanged since it was read, or of nothing."""
    row = registration_row(new, digest)
    if old is None:
        return put(row, _IS_NEW)
    condition, facts = mail_as_read(old.mail)
    condition = f"registrationid = :id AND revision = :revision AND {condition}"
    return put(row, condition, id=old.registration_id, revision=old.revision, **facts)


def enter(entrant: Entrant) -> Admitted:
    """Confirm a newcomer of an unlimited event."""
    new = entrant.new.admitted(Status.CONFIRMED)
    return new, [save(new, entrant.digest, entrant.old)]


def as_read(listing: Listing) -> Action:
    """Let a transaction fail unless the event has the revision that was read."""
    return check(listing.event.event_id, EVENT, "revision = :revision", revision=listing.revision)


def sell(entrant: Entrant, seat: int) -> Admitted:
    """Confirm a newcomer in a seat that nobody ever had."""
    new = entrant.new.admitted(Status.CONFIRMED, seat=seat)
    return new, [save(new, entrant.digest, entrant.old), _hold(new.event_id, seat, entrant.digest, _IS_NEW)]


def join(entrant: Entrant, place: int) -> Admitted:
    """Put a newcomer at the end of the queue."""
    new = entrant.new.admitted(Status.WAITLISTED, place=place)
    return new, [save(new, entrant.digest, entrant.old), put(_queue_row(new, entrant.digest), _IS_NEW)]


def take(entrant: Entrant, seat: int) -> Admitted:
    """Confirm a newcomer in a free seat that nobody waits for."""
    new = entrant.new.admitted(Status.CONFIRMED, seat=seat)
    return new, [save(new, entrant.digest, entrant.old), *_take_free(new.event_id, seat, entrant.digest)]


def promote(waiting: Registration, digest: str, seat: int, now: datetime) -> list[Action]:
    """Give a free seat to who waits; a mail is owed."""
    new = waiting.promoted(seat, now)
    return [
        save(new, digest, waiting),
        *_take_free(new.event_id, seat, digest),
        delete(new.event_id, _queue_key(waiting), _IS_THERE),
    ]


def move(holder: Registration, digest: str, seat: int, *, is_unsold: bool) -> list[Action]:
    """Move who holds a seat above the capacity into one within it, and retire the old one."""
    event_id, old_seat = holder.event_id, holder.seat or 0
    return [
        save(holder.changed(seat=seat, revision=holder.revision + 1), digest, holder),
        *([_hold(event_id, seat, digest, _IS_NEW)] if is_unsold else _take_free(event_id, seat, digest)),
        put(_seat(event_id, old_seat, "retired"), _IS_OVER, held="held", digest=digest, over=True),
        delete(event_id, f"{OVER}{old_seat:06}", _IS_THERE),
    ]


def cancel(old: Registration, digest: str, now: datetime, *, is_over: bool) -> list[Action]:
    """Cancel a registration and let go of its seat or place; a mail is owed."""
    event_id = old.event_id
    actions = [save(old.cancelled(now), digest, old)]
    if old.status is Status.WAITLISTED:
        actions.append(delete(event_id, _queue_key(old), _IS_THERE))
    elif old.seat is not None and is_over:
        actions += [
            put(_seat(event_id, old.seat, "retired"), _IS_OVER, held="held", digest=digest, over=True),
            delete(event_id, f"{OVER}{old.seat:06}", _IS_THERE),
        ]
    elif old.seat is not None:
        actions += _give_free(event_id, old.seat, _IS_HELD, held="held", digest=digest)
    return actions


def retire(event_id: str, seat: int, *, is_unsold: bool) -> list[Action]:
    """Take an unsold or a free seat out of use."""
    if is_unsold:
        return [put(_seat(event_id, seat, "retired"), _IS_NEW)]
    return [
        put(_seat(event_id, seat, "retired"), _IS_FREE, free="free"),
        delete(event_id, f"{FREE}{seat:06}", _IS_THERE),
    ]


def put_back(event_id: str, seat: int, *, is_unsold: bool) -> list[Action]:
    """Make an unsold or a retired seat free."""
    if is_unsold:
        return _give_free(event_id, seat, _IS_NEW)
    return _give_free(event_id, seat, "#state = :retired", retired="retired")


def keep_over(event_id: str, seat: int, digest: str) -> list[Action]:
    """Mark a held seat as above the capacity."""
    return [
        put(_seat(event_id, seat, "held", held_by=digest, over=True), _IS_HELD, held="held", digest=digest),
        put({"eventid": event_id, "sk": f"{OVER}{seat:06}", "held_by": digest}, _IS_NEW),
    ]


def keep_within(event_id: str, seat: int, digest: str) -> list[Action]:
    """Let a seat that was above the capacity be one like any other."""
    return [
        put(_seat(event_id, seat, "held", held_by=digest), _IS_OVER, held="held", digest=digest, over=True),
        delete(event_id, f"{OVER}{seat:06}", _IS_THERE),
    ]


def _take_free(event_id: str, seat: int, digest: str) -> list[Action]:
    return [
        _hold(event_id, seat, digest, _IS_FREE, free="free"),
        delete(event_id, f"{FREE}{seat:06}", _IS_THERE),
    ]


def _give_free(event_id: str, seat: int, condition: str, **values: str) -> list[Action]:
    return [
        put(_seat(event_id, seat, "free"), condition, **values),
        put({"eventid": event_id, "sk": f"{FREE}{seat:06}"}, _IS_NEW),
    ]


def _hold(event_id: str, seat: int, digest: str, condition: str, **values: str) -> Action:
    return put(_seat(event_id, seat, "held", held_by=digest), condition, **values)


def _seat(event_id: str, seat: int, state: str, **facts: str | bool) -> Row:
    return {"eventid": event_id, "sk": seat_key(seat), "state": state, **facts}


def _queue_key(registration: Registration) -> str:
    return f"{WAITLIST}{registration.place:012}"


def _queue_row(registration: Registration, digest: str) -> Row:
    return {
        "eventid": registration.event_id,
        "sk": _queue_key(registration),
        "held_by": digest,
        "registrationid": registration.registration_id,
    }
