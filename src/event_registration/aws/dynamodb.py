"""Registrations in one DynamoDB table, each its own duplicate check: one person and event, one key."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from event_registration.aws.items import LAST, REGISTRATION, put
from event_registration.aws.rows import mail_as_read, registration_row
from event_registration.aws.table import ConditionFailedError, Table
from event_registration.errors import RepositoryUnavailableError
from event_registration.rules import attendee_digest
from event_registration.wire import registration_from_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from event_registration.model import Registration
    from event_registration.rules import Identity

__all__ = ["DynamoDBRepository"]


class DynamoDBRepository:
    """
    A `RegistrationRepository` in a table with partition key ``eventid`` and sort key ``sk``, both strings.

    Throttling, conflicts, server errors and lost answers are tried again with full jitter, as long as a further try
    is over before the deadline.
    Adding needs ``dynamodb:PutItem`` and nothing else; `find` needs ``GetItem``, `list` ``Query``.

    Args:
        client: A boto3 client of ``dynamodb``. Give it ``retries={"total_max_attempts": 1}`` and short time-outs:
            trying again is done here, where the deadline is known.
        table: The table's name.
        identity: Maps an address in normal form to the person's key.
        call_seconds: How long one call can take at worst: the client's time-outs together.
        patience: How many seconds to try for at most, whatever the deadline.
        monotonic: The clock of deadlines, in seconds.
        sleep: Waits for so many seconds.
        jitter: Returns a number from 0 to 1, evenly spread.
    """

    def __init__(  # noqa: PLR0913 - clock, pause and chance are parts, passed in
        self,
        client: Any,  # noqa: ANN401 - boto3 makes its clients' classes at run time
        table: str = "eventmanagement",
        *,
        identity: Identity = attendee_digest,
        call_seconds: float = 2.0,
        patience: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._table = Table(
            client,
            table,
            call_seconds=call_seconds,
            patience=patience,
            monotonic=monotonic,
            sleep=sleep,
            jitter=jitter,
        )
        self._identity = identity
        self._layout_is_wrong = False

    def add(self, registration: Registration, *, deadline: float | None = None) -> Registration:
        """
        Store *registration* unless its person is registered for its event already.

        The condition is on ``eventid``, which every item has. On a table keyed by ``eventid`` and ``sk`` it asks for
        this very person; on an old table keyed by ``eventid`` alone it meets any attendee of the event, refuses to
        overwrite, and the item it returns tells the layout.

        =========================  ==========================  ================================
        the key holds              the condition               the answer
        =========================  ==========================  ================================
        nothing                    holds                       *registration*, stored now
        our ``registrationid``     fails                       *registration*: an answer got lost
        the person's earlier row   fails                       the earlier row
        a row with another ``sk``  fails                       `TableLayoutError`
        =========================  ==========================  ================================
        """
        row = self._row(registration)
        if self._layout_is_wrong:
            raise self._table.layout_error()
        try:
            self._table.write(put(row, "attribute_not_exists(eventid)"), deadline)
        except ConditionFailedError as failed:
            return self._earlier(registration, str(row["sk"]), failed.found[0], deadline)
        return registration

    def replace(self, old: Registration, new: Registration, *, deadline: float | None = None) -> bool:
        """
        Put *new* in the place of *old* if revision and mail are as read.

        A condition that fails after a lost answer may have met our own write: the item it returns then equals ours.
        """
        row = self._row(new)
        condition, facts = mail_as_read(old.mail)
        change = put(row, f"revision = :revision AND {condition}", revision=old.revision, **facts)
        try:
            self._table.write(change, deadline)
        except ConditionFailedError as failed:
            return failed.after_lost_answer and failed.found[0] == row
        return True

    def find(self, event_id: str, attendee_email: str, *, deadline: float | None = None) -> Registration | None:
        """Return the person's registration by a consistent read, or ``None``."""
        row = self._table.get(event_id, self._sort_key(attendee_email), deadline)
        return registration_from_row(row) if row else None

    def list(self, event_id: str) -> Iterator[Registration]:
        """Return all registrations of an event by consistent queries, ordered by digest."""
        return map(registration_from_row, self._table.query(event_id, REGISTRATION, REGISTRATION + LAST))

    def _row(self, registration: Registration) -> dict[str, str | int]:
        return registration_row(registration, self._identity(registration.attendee_email))

    def _sort_key(self, attendee_email: str) -> str:
        return REGISTRATION + self._identity(attendee_email)

    def _earlier(
        self, registration: Registration, sort_key: str, old: Mapping[str, object], deadline: float | None
    ) -> Registration:
        """Return the registration that a condition has met: *old*, as the engine returned it."""
        if not old:  # an engine that does not return it
            found = self.find(registration.event_id, registration.attendee_email, deadline=deadline)
            if found is None:
                raise RepositoryUnavailableError("The earlier row is gone again.")
            return found
        if old.get("sk") != sort_key:
            self._layout_is_wrong = True
            raise self._table.layout_error()
        return registration_from_row(old)
