"""The organiser's events as the door sees them: read once in a few seconds."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from event_registration.errors import UnknownEventError

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.listing import Listing
    from event_registration.ports import EventRepository

__all__ = ["Catalogue"]

_MOST = 1000


class Catalogue:
    """
    Events by id, each as it was at most *seconds* ago.

    Which seats are taken is never kept here. An id that is unknown is asked for each time, so that a new event is
    there at once.

    Args:
        repository: Where events are kept.
        seconds: How long an event that was read is good for.
        monotonic: Tells the time, in seconds.
    """

    def __init__(
        self, repository: EventRepository, *, seconds: float = 5.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._repository = repository
        self._seconds = seconds
        self._monotonic = monotonic
        self._known: OrderedDict[str, tuple[float, Listing]] = OrderedDict()
        self._lock = Lock()

    def find(self, event_id: str, *, at_least: int = 0, deadline: float | None = None) -> Listing:
        """
        Return an event.

        Args:
            event_id: Its id.
            at_least: The revision that is known to be there: an older one is read anew.
            deadline: The instant of `time.monotonic` by which it must be over.

        Raises:
            UnknownEventError: There is none of this id.
            RepositoryError: The repository failed.
        """
        now = self._monotonic()
        with self._lock:
            read_at, listing = self._known.get(event_id, (0.0, None))
        if listing is not None and listing.revision >= at_least and now - read_at < self._seconds:
            return listing
        listing = self._repository.find_event(event_id, deadline=deadline)
        if listing is None:
            raise UnknownEventError("There is no such event.")
        return self.remember(listing, now)

    def remember(self, listing: Listing, read_at: float) -> Listing:
        """
        Keep *listing*, which was read at the instant *read_at*.

        Returns:
            The same, as the object that was kept before if nothing has changed: what was made of that, such as an
            event's questionnaire, is made once a revision.
        """
        event_id = listing.event.event_id
        with self._lock:
            _, known = self._known.get(event_id, (0.0, listing))
            kept = known if known == listing else listing
            self._known[event_id] = read_at, kept
            self._known.move_to_end(event_id)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return kept

    def last(self, event_id: str) -> Listing | None:
        """Return the event as it was read last, however long ago, if it is remembered."""
        with self._lock:
            return self._known.get(event_id, (0.0, None))[1]
