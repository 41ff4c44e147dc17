"""What the service needs from outside, as protocols that adapters fill and teams may replace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from event_registration.model import Message, Registration

__all__ = ["Clock", "Notifier", "RegistrationRepository", "utc_now"]


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return now, aware."""


def utc_now() -> datetime:
    """Return the present instant in UTC: the `Clock` that is used where no other is given."""
    return datetime.now(UTC)


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
        Put *new* in the place of *old*, the same person's, if its revision and mail attempts are still those of *old*.

        Returns:
            Whether *new* is stored now; ``False`` says that another change came first.

        Raises:
            RepositoryUnavailableError: Not now. It may have been stored.
            RepositoryError: Someone has to mend the repository first.
        """

    def find(self, event_id: str, attendee_email: str) -> Registration | None:
        """
        Return the registration of the person behind *attendee_email* (in normal form) as last stored, if there is one.

        Raises:
            RepositoryError: The repository failed.
        """

    def list(self, event_id: str) -> Iterator[Registration]:
        """
        Return all registrations of an event, in no promised order.

        Raises:
            RepositoryError: The repository failed.
        """
