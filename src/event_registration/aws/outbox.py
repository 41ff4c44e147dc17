"""The table as an outbox: what registrations owe by an index, and how many mails an address got."""

from __future__ import annotations

import heapq
import random
import time
from typing import TYPE_CHECKING, Any

from event_registration.allowance import Allowance
from event_registration.aws.items import REGISTRATION, change, delete
from event_registration.aws.rows import OUTBOX, SHARDS, mail_as_read, place_in_outbox
from event_registration.aws.table import ConditionFailedError, Table
from event_registration.mail import UNREADABLE, MailState
from event_registration.outbox import Debtor
from event_registration.rules import attendee_digest
from event_registration.wire import MAIL_COLUMNS, instant_text, registration_from_row, row_of_mail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from event_registration.aws.items import Row
    from event_registration.mail import Mail
    from event_registration.model import Registration
    from event_registration.rules import Identity

__all__ = ["DynamoDBOutbox"]

_ADDRESSES = "#mail"  # no valid event id, so that no event's partition is this one


class DynamoDBOutbox:
    """
    An `Outbox` in the table of the registrations, made like a `DynamoDBRepository`.

    It needs ``GetItem`` and ``UpdateItem`` on the table, and ``Query`` on its index ``outbox``, whose keys are two
    strings, ``outbox`` and ``mail_at``. `unblock` needs ``DeleteItem``.
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

    def due(self, now: datetime, *, deadline: float | None = None) -> Iterator[Debtor]:
        """Return whose mail may be claimed, by queries of the index's sixteen partitions; it lags by moments."""
        last = "mail_at", instant_text(now)
        shards = [self._table.query_index(OUTBOX, (OUTBOX, shard), last, deadline) for shard in SHARDS]
        for row in heapq.merge(*shards, key=lambda row: str(row["mail_at"])):
            yield Debtor(row["eventid"], row["sk"].removeprefix(REGISTRATION))

    def digest_of(self, attendee_email: str) -> str:
        """Return the key of the person behind an address in normal form."""
        return self._identity(attendee_email)

    def find_by_digest(self, event_id: str, digest: str, *, deadline: float | None = None) -> Registration | None:
        """Return the registration of the person whose key is *digest* by a consistent read, or ``None``."""
        row = self._table.get(event_id, REGISTRATION + digest, deadline)
        return registration_from_row(row) if row else None

    def mark(self, registration: Registration, mail: Mail, *, deadline: float | None = None) -> bool:
        """
        Put *mail* in the place of that of *registration* by an update of its attributes alone.

        A condition that fails after a lost answer may have met our own write: the item it returns then says so.
        """
        digest = self._identity(registration.attendee_email)
        values = row_of_mail(mail) | place_in_outbox(mail, digest)
        unset = {*MAIL_COLUMNS, OUTBOX} - set(values)
        condition, facts = mail_as_read(registration.mail)
        update = change(
            registration.event_id, REGISTRATION + digest, values, remove=unset, condition=condition, facts=facts
        )
        try:
            self._table.write(update, deadline)
        except ConditionFailedError as failed:
            found = {name: failed.found[0][name] for name in (*values, *unset) if name in failed.found[0]}
            return failed.after_lost_answer and found == values
        return True

    def discard(self, debtor: Debtor, *, deadline: float | None = None) -> None:
        """Let a row that is no registration owe no mail any more."""
        failed = {"mail": MailState.FAILED.value, "mail_reason": UNREADABLE}
        gone = change(
            debtor.event_id,
            REGISTRATION + debtor.digest,
            failed,
            remove=("mail_at", OUTBOX),
            condition="attribute_exists(eventid)",
        )
        try:
            self._table.write(gone, deadline)
        except ConditionFailedError:  # somebody has deleted it meanwhile
            return

    def spend(self, digest: str, debt: str, now: datetime, *, limit: int, deadline: float | None = None) -> str | None:
        """Count a mail in its recipient's item, which is changed only as it was read."""
        return self._table.repeatedly(lambda: self._spend(digest, debt, now, limit, deadline), deadline)

    def block(self, digest: str, state: MailState, *, deadline: float | None = None) -> None:
        """Block an address in its item, which then stays for good."""
        self._table.write(change(_ADDRESSES, digest, {"blocked": state.value}, remove=("expires_at",)), deadline)

    def unblock(self, digest: str, *, deadline: float | None = None) -> None:
        """Delete an address's item."""
        self._table.write(delete(_ADDRESSES, digest, ""), deadline)

    def _spend(self, digest: str, debt: str, now: datetime, limit: int, deadline: float | None) -> str | None:
        row = self._table.get(_ADDRESSES, digest, deadline) or {}
        earlier = Allowance(day=row.get("day", ""), debts=frozenset(row.get("debts", ())), blocked=row.get("blocked"))
        refused = earlier.refusal(debt, now, limit)
        later = earlier.spent(debt, now)
        if refused or later == earlier:
            return refused
        values: Row = {"day": later.day, "debts": later.debts, "expires_at": int(later.forgotten_at.timestamp())}
        condition = "attribute_not_exists(eventid)"
        facts: dict[str, str | int | bool] = {}
        if row:
            condition = "#day = :day AND size(debts) = :count AND attribute_not_exists(blocked)"
            facts = {"day": earlier.day, "count": len(earlier.debts)}
        self._table.write(change(_ADDRESSES, digest, values, condition=condition, facts=facts), deadline)
        return None
