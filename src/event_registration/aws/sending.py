"""What a function does on its own: sends what the stream or the schedule says is due, and takes back what bounced."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from event_registration.aws.items import REGISTRATION
from event_registration.aws.logs import MAIL_TROUBLE, log, work
from event_registration.aws.payloads import deadline_of, is_schedule
from event_registration.aws.returned import returned_of
from event_registration.errors import RepositoryError
from event_registration.outbox import Debtor
from event_registration.relay import Swept
from event_registration.responses import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from event_registration.errors import EventRegistrationError
    from event_registration.feedback import Feedback
    from event_registration.relay import Relay

__all__ = ["Sending"]

_STREAM = "aws:dynamodb"


class Sending:
    """
    Sends and takes back, a log line a call.

    Args:
        relay: Sends.
        feedback: Takes back.
        monotonic: The relay's clock of deadlines, in seconds.
    """

    def __init__(self, relay: Relay, feedback: Feedback, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._relay = relay
        self._feedback = feedback
        self._monotonic = monotonic

    def take(self, payload: object, context: object) -> dict[str, Any]:
        """
        Do what *payload* asks for: the records of a stream, the schedule's call, or an event of SES's.

        Raises:
            RepositoryError: What SES told can't be kept. EventBridge calls again.
            ValueError: The payload is none of these.
        """
        started = time.monotonic()
        deadline = deadline_of(context, self._monotonic())
        if is_schedule(payload):
            return work(context, started, {MAIL_TROUBLE: lambda: self.sweep(deadline)})
        if taken := self.take_back(payload, context, started):
            return taken
        if isinstance(payload, dict) and isinstance(payload.get("Records"), list):
            return self._deliver(payload["Records"], context, started, deadline)
        if isinstance(payload, dict) and payload.get("source") == "aws.ses":
            log("INFO", context, started, {"returned": 0})  # of a kind that says nothing about an address
            return {}
        raise ValueError("This function takes a table's stream, a schedule, and events of SES's.")

    def sweep(self, deadline: float | None) -> tuple[dict[str, int], Sequence[EventRegistrationError]]:
        """Send all that is due; return how many were sent, and why others were not."""
        swept = self._relay.sweep(deadline=deadline)
        return {"sent": swept.sent}, swept.troubles

    def take_back(self, payload: object, context: object, started: float) -> dict[str, Any]:
        """
        Keep what SES tells of a mail that came back, and return what is logged of it; nothing if *payload* tells none.

        Raises:
            RepositoryError: It can't be kept. EventBridge calls again.
        """
        returned = returned_of(payload)
        if returned is None:
            return {}
        try:
            is_kept = self._feedback.take(
                returned.address, returned.reference, returned.state, is_final=returned.is_final
            )
        except RepositoryError as error:
            log("ERROR", context, started, refusal(error).facts, metrics=[MAIL_TROUBLE])
            raise
        counts = {"returned": int(is_kept), "outcome": returned.state.value}
        log("WARN", context, started, counts)
        return counts

    def _deliver(
        self, records: list[Any], context: object, started: float, deadline: float | None
    ) -> dict[str, list[dict[str, str]]]:
        """
        Send what the rows of *records* owe now, whatever they owed when they were written.

        A record fails if the table does, or by a fault of ours: Lambda brings it again, and the sweep would find it
        too. All the rest is in the row itself, and so is what there was no time for.
        """
        total = Swept()
        failed: list[dict[str, str]] = []
        faults: list[Exception] = []
        for record in records:
            debtor = _debtor_of(record)
            if debtor is None:
                continue
            try:
                total += self._relay.deliver(debtor, deadline=deadline)
            except Exception as error:  # noqa: BLE001 - the others go on
                faults.append(error)
                failed.append({"itemIdentifier": str(record["dynamodb"].get("SequenceNumber", ""))})

        def told() -> tuple[dict[str, int], Sequence[EventRegistrationError]]:
            if faults:
                raise faults[0]
            return {"records": len(records), "sent": total.sent}, total.troubles

        work(context, started, {MAIL_TROUBLE: told})
        return {"batchItemFailures": failed}


def _debtor_of(record: Mapping[str, Any]) -> Debtor | None:
    """Return whose row a record is about, ``None`` if it is no registration's."""
    try:
        keys = record["dynamodb"]["Keys"]
        event_id, sort_key = keys["eventid"]["S"], keys["sk"]["S"]
        is_ours = record["eventSource"] == _STREAM and sort_key.startswith(REGISTRATION)
    except (AttributeError, KeyError, TypeError):
        return None
    return Debtor(event_id, sort_key.removeprefix(REGISTRATION)) if is_ours else None
