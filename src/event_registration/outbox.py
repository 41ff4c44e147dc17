"""What registrations owe by mail, as whoever sends it sees it: a port that adapters fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from event_registration.mail import Mail, MailState
    from event_registration.model import Registration

__all__ = ["Debtor", "Outbox"]


@frozen
class Debtor:
    """
    Whose registration owes a mail.

    Args:
        event_id: The event.
        digest: The person's key.
    """

    event_id: str
    digest: str


class Outbox(Protocol):
    """
    What registrations owe by mail, seen by whoever sends it: each registration's row says it itself.

    Besides, it counts how many mails an address gets in a day, over all events, and remembers who wants none.
    """

    def due(self, now: datetime, *, deadline: float | None = None) -> Iterator[Debtor]:
        """
        Return whose mail may be claimed *now*, roughly the longest due first.

        It may lag behind what was stored a moment ago: whoever claims looks at the registration again.

        Raises:
            RepositoryError: The repository failed.
        """

    def digest_of(self, attendee_email: str) -> str:
        """Return the opaque key of the person behind an address in normal form."""

    def find_by_digest(self, event_id: str, digest: str, *, deadline: float | None = None) -> Registration | None:
        """
        Return the registration of the person whose key is *digest* as last stored, if there is one.

        Raises:
            RepositoryUnavailableError: Not now.
            UnreadableRowError: Its row is no registration.
            RepositoryError: Someone has to mend the repository first.
        """

    def mark(self, registration: Registration, mail: Mail, *, deadline: float | None = None) -> bool:
        """
        Put *mail* in the place of that of *registration*, if its number, state and attempts are still as read.

        Nothing else of the registration is looked at or written.

        Returns:
            Whether *mail* is stored now; ``False`` says that another claim or a newer debt came first.

        Raises:
            RepositoryUnavailableError: Not now. It may have been stored.
            RepositoryError: Someone has to mend the repository first.
        """

    def discard(self, debtor: Debtor, *, deadline: float | None = None) -> None:
        """
        Let a row that is no registration owe no mail any more: it failed, and says why.

        Raises:
            RepositoryError: The repository failed.
        """

    def spend(self, digest: str, debt: str, now: datetime, *, limit: int, deadline: float | None = None) -> str | None:
        """
        Count a mail into its recipient's day, unless that got *limit* others already or the address is blocked.

        Args:
            digest: The recipient's key.
            debt: What tells this mail from others: it is counted once, however often it is tried.
            now: The present; days are those of UTC.
            limit: How many mails the address may get in a day.
            deadline: The instant of `time.monotonic` by which it must be over.

        Returns:
            ``None`` if it may be sent; otherwise why not: ``budget``, ``bounced`` or ``complained``.

        Raises:
            RepositoryError: The repository failed. It may have been counted; counting it again is harmless.
        """

    def block(self, digest: str, state: MailState, *, deadline: float | None = None) -> None:
        """
        Send nothing to an address any more, because a mail to it has bounced for good or was complained about.

        Raises:
            RepositoryError: The repository failed. Blocking again is harmless.
        """

    def unblock(self, digest: str, *, deadline: float | None = None) -> None:
        """
        Let an address get mails again, as many that day as if it had got none.

        Raises:
            RepositoryError: The repository failed. Unblocking again is harmless.
        """
