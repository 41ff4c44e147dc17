"""Events in the table: one item each in its own partition, and a copy in the catalogue's, which lists them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from event_registration.aws.items import LAST, Action, change, put
from event_registration.aws.ledger import EVENT
from event_registration.aws.table import ConditionFailedError
from event_registration.wire_events import listing_from_row, row_of_listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from event_registration.aws.table import Table
    from event_registration.listing import Listing

__all__ = ["EventTable"]

_CATALOGUE = "#events"  # no valid event id, so that no event's partition is this one


class EventTable:
    """
    The events of a table.

    Args:
        table: The table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, event_id: str, deadline: float | None = None) -> Listing | None:
        """Return an event by a consistent read, or ``None``."""
        row = self._table.get(event_id, EVENT, deadline)
        return listing_from_row(row) if row else None

    def list(self) -> Iterator[Listing]:
        """Return all events, ordered by their ids."""
        for row in self._table.query(_CATALOGUE, "-", LAST):
            yield listing_from_row(row | {"eventid": row["sk"]})

    def create(self, listing: Listing) -> None:
        """
        Store a new event.

        Raises:
            ConditionFailedError: There is one of this id.
        """
        self._table.transact(_put_both(listing, "attribute_not_exists(eventid)"))

    def replace(self, old: Listing, new: Listing, deadline: float | None = None) -> Listing:
        """
        Store *new* with the revision after that of *old*, and return it; if it brings news, they have that revision.

        Raises:
            ConditionFailedError: The stored event is not *old* any more.
        """
        revision = old.revision + 1
        stored = evolve(new, revision=revision, news=revision if new.news > old.news else new.news)
        self._table.transact(_put_both(stored, "revision = :revision", revision=old.revision), deadline)
        return stored

    def note(self, listing: Listing, telling: str | None, deadline: float | None = None) -> bool:
        """Keep how far the news of *listing* has been told; ``False`` says that the event was changed since."""
        event_id = listing.event.event_id
        values, removed = ({}, ("telling",)) if telling is None else ({"telling": telling}, ())
        condition = "revision = :revision"
        changes = [
            change(event_id, EVENT, values, remove=removed, condition=condition, facts={"revision": listing.revision})
        ]
        if telling is None:  # the copy says no more than whether anybody is left to tell
            is_there = "attribute_exists(eventid)"
            changes.append(change(_CATALOGUE, event_id, values, remove=removed, condition=is_there))
        try:
            self._table.transact(changes, deadline)
        except ConditionFailedError:
            return False
        return True


def _put_both(listing: Listing, condition: str, **values: int) -> list[Action]:
    row = row_of_listing(listing)
    return [
        put(row | {"sk": EVENT}, condition, **values),
        put(row | {"eventid": _CATALOGUE, "sk": listing.event.event_id}, ""),
    ]
