"""What the service needs from outside, as protocols that adapters fill and teams may replace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from event_registration.event import Event
    from event_registration.listing import Listing
    from event_registration.message import Message
    from event_registration.model import Registration, Status

__all__ = ["Clock", "EventRepository", "Notifier", "RegistrationRepository"]


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return now, aware."""


class Notifier(Protocol):
    """
    Hands one message over for delivery.

    It is called once per attempt and does not repeat by itself: a second try is the service's decision, because only
    the service remembers the first. What its errors say is logged: no address, no name.
    """

    def send(self, message: Message) -> None:
        """
        Hand *message* over, or raise and, as far as it can know, have handed over nothing.

        Raises:
            TransientNotifierError: Not now; a later attempt may succeed.
            PermanentNotifierError: Refused; the same message would be refused again.
        """


class RegistrationRepository(Protocol):
    """
    Keeps one registration per person and event.

    A *deadline* is an instant of `time.monotonic`, in seconds; within it an adapter may try again what failed for a
    passing reason. Without one the adapter uses its own patience. What its errors say is logged: no address, no name.
    """

    def add(self, registration: Registration, *, deadline: float | None = None) -> Registration:
        """
        Store *registration* unless its person is registered for its event already, which is left as it is.

        Returns:
            What the repository now holds of this person and event: *registration* itself, told by its
            ``registration_id``, or the earlier one.

        Raises:
            RepositoryUnavailableError: Not now. It may have been stored; adding it again is harmless.
            TableLayoutError: The table can't keep people apart. Nothing was overwritten.
            RepositoryError: Someone has to mend the repository first.
        """

    def replace(self, old: Registration, new: Registration, *, deadline: float | None = None) -> bool:
        """
        Put *new* in the place of *old*, the same person's, if it is still as *old* says.

        What is looked at is its revision, and of its mail the number, the state and the attempts.

        Returns:
            Whether *new* is stored now; ``False`` says that another change came first.

        Raises:
            RepositoryUnavailableError: Not now. It may have been stored.
            RepositoryError: Someone has to mend the repository first.
        """

    def find(self, event_id: str, attendee_email: str, *, deadline: float | None = None) -> Registration | None:
        """
        Return the registration of the person behind *attendee_email* (in normal form) as last stored, if there is one.

        Raises:
            RepositoryError: The repository failed.
        """

    def list(self, event_id: str) -> Iterator[Registration]:
        """
        Return all registrations of an event, in no promised order.

        Raises:
            UnreadableRowError: A row is no registration. Whoever goes on gets the others.
            RepositoryError: The repository failed.
        """


class EventRepository(RegistrationRepository, Protocol):
    """
    Keeps events too, and for each that is limited who holds a seat and who waits for one.

    Never are more people confirmed than an event has seats, and nobody who comes later gets a seat before one who
    waits. Every call may be killed at any moment, and the next `settle` completes what it left.
    """

    def create_event(self, event: Event) -> None:
        """
        Store a new event.

        Raises:
            EventExistsError: There is one of this id.
            EventChangeError: It is limited, and people have registered under its id already.
            RepositoryError: The repository failed. It may have been stored; creating it again then says that it exists.
        """

    def find_event(self, event_id: str, *, deadline: float | None = None) -> Listing | None:
        """
        Return the event as last stored, if there is one.

        Raises:
            RepositoryError: The repository failed.
        """

    def list_events(self) -> Iterator[Listing]:
        """
        Return all events, in no promised order.

        Raises:
            RepositoryError: The repository failed.
        """

    def change_event(self, old: Listing, new: Listing, now: datetime) -> Listing:
        """
        Store *new* in the place of *old* with a higher revision, and bring the seats to its capacity.

        A capacity that rises gives seats to who waits, at the next `settle`. One that falls takes nobody's seat;
        nobody is admitted until the number fits.

        Args:
            old: The event as it was read.
            new: The same event as it is to be; its revision is not looked at.
            now: The present, which tells whether registration has opened.

        Returns:
            What is stored now.

        Raises:
            EventChangeError: It was changed in between. Or it was to become limited or unlimited, and people have
                registered already, or may be registering just now.
            RepositoryError: The repository failed. The change may be half done: who waits is served and nobody too
                many admitted all the same, and the next `settle` or change completes it.
        """

    def admit(self, registration: Registration, listing: Listing, *, deadline: float | None = None) -> Registration:
        """
        Store *registration* with a seat or a place in the waiting list, unless its person is registered already.

        Whoever cancelled is no longer registered, and comes back at the end of the queue. What is open when is not
        looked at, nor is the queue served: see `settle`.

        Args:
            registration: Who asks; what it says of status, seat and place is not looked at.
            listing: The event; it may be seconds old, and so may its capacity.
            deadline: The instant of `time.monotonic` by which it must be over.

        Returns:
            What the repository now holds of this person and event: *registration*, told by its ``registration_id``,
            confirmed or waiting, or the earlier one.

        Raises:
            EventFullError: There is no seat, and no waiting list. Nothing was stored.
            RepositoryUnavailableError: Not now. It may have been stored; asking again is harmless.
            RepositoryError: Someone has to mend the repository first.
        """

    def prospect(self, listing: Listing, *, deadline: float | None = None) -> Status | None:
        """
        Return what a newcomer would come to be: confirmed, waiting, or ``None`` if there is no room.

        Raises:
            RepositoryError: The repository failed.
        """

    def cancel(self, registration: Registration, now: datetime, *, deadline: float | None = None) -> bool:
        """
        Cancel *registration*, and free its seat or place for the next `settle`; a mail about it is owed from *now* on.

        Returns:
            Whether it is cancelled now; ``False`` says that it was not as read any more.

        Raises:
            RepositoryUnavailableError: Not now. It may have been cancelled; asking again is harmless.
            RepositoryError: Someone has to mend the repository first.
        """

    def settle(self, event_id: str, now: datetime, *, deadline: float | None = None) -> int:
        """
        Give free seats to who waits, in their order, and complete what a killed call has left.

        Args:
            event_id: An event; nothing happens if there is none.
            now: The present, which tells whether people are still promoted.
            deadline: The instant of `time.monotonic` by which it must be over. What there is no time for is left.

        Returns:
            How many people were promoted. Each owes its attendee a mail again, whose sending has not begun.

        Raises:
            RepositoryUnavailableError: Not now. What was done stays; settling again does the rest.
            RepositoryError: Someone has to mend the repository first.
        """

    def digest_of(self, attendee_email: str) -> str:
        """Return the opaque key of the person behind an address in normal form, which links name."""

    def find_by_digest(self, event_id: str, digest: str, *, deadline: float | None = None) -> Registration | None:
        """
        Return the registration of the person whose key is *digest* as last stored, if there is one.

        Raises:
            RepositoryError: The repository failed.
        """

    def position(self, registration: Registration, *, deadline: float | None = None) -> int:
        """
        Return the number of *registration*, which waits, among all who wait for its event: 1 is next.

        Raises:
            RepositoryError: The repository failed.
        """

    def tell(self, event_id: str, now: datetime, *, deadline: float | None = None) -> int:
        """
        Let the registrations of an event owe its news, if there are any and the event was not changed for a minute.

        A registration that is cancelled, or whose mails tell of that change anyway, owes nothing. Each owes it once,
        however often this is killed and called again.

        Returns:
            How many owe it by this call. What there was no time for is left to the next one.

        Raises:
            RepositoryError: The repository failed. Calling again does the rest.
        """
