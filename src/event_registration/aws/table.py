"""One DynamoDB table's calls: plain rows in and out, errors in this package's words, patience with what passes."""

from __future__ import annotations

import random
import time
import uuid
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from event_registration.aws.failures import code_of, reaching, refusal
from event_registration.aws.items import decode, encode
from event_registration.aws.patience import Patience
from event_registration.errors import RepositoryUnavailableError, TableLayoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from event_registration.aws.items import Action

__all__ = ["ChangedError", "ConditionFailedError", "Table"]

_Result = TypeVar("_Result")

# "TransactionCanceledException" in the API reference: the reasons that a transaction, unchanged, may outlive.
_PASSING_REASONS = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_PAGE = 100  # of an index: who reads it seldom comes to its end
_CONDITION_FAILED = "ConditionalCheckFailed"
# What a ValidationException says where a table has other keys than ours.
_WRONG_KEYS = ("Missing the key", "does not match the schema")

_LAYOUT = (
    "Table {table!r} is not keyed by eventid (partition key) and sk (sort key), so that a second attendee of an event "
    "would overwrite the first. Create a new table with both keys, as deploy/cloudformation.yaml does or with: "
    "aws dynamodb create-table --table-name NEW_NAME --billing-mode PAY_PER_REQUEST --attribute-definitions "
    "AttributeName=eventid,AttributeType=S AttributeName=sk,AttributeType=S --key-schema "
    "AttributeName=eventid,KeyType=HASH AttributeName=sk,KeyType=RANGE - and name it in EVENT_REGISTRATION_TABLE. "
    "The old table stays untouched."
)


class ChangedError(Exception):
    """What was read is not as it was any more."""


class ConditionFailedError(ChangedError):
    """
    A condition did not hold, and nothing was written.

    Args:
        found: What each condition that failed has met, by its number among a transaction's actions (0 of a single
            write): the row, empty if there is none or the engine does not return it.
        after_lost_answer: Whether an earlier try of the same call may have been carried out.
    """

    def __init__(self, found: Mapping[int, dict[str, Any]], *, after_lost_answer: bool) -> None:
        self.found = found
        self.after_lost_answer = after_lost_answer
        super().__init__()


class Table:
    """
    A table with the string keys ``eventid`` and ``sk``.

    Throttling, conflicts, server errors and lost answers are tried again with full jitter, as long as a further try
    is over before the deadline. botocore never repeats a conflict, and knows no deadline.

    Args:
        client: A boto3 client of ``dynamodb``.
        name: The table's name.
        call_seconds: How long one call can take at worst: the client's time-outs together.
        patience: How many seconds to try for at most, whatever the deadline.
        monotonic: The clock of deadlines, in seconds.
        sleep: Waits for so many seconds.
        jitter: Returns a number from 0 to 1, evenly spread.
    """

    def __init__(  # noqa: PLR0913 - clock, pause and chance are parts, passed in
        self,
        client: Any,  # noqa: ANN401 - boto3 makes its clients' classes at run time
        name: str,
        *,
        call_seconds: float = 2.0,
        patience: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.client = client
        self.name = name
        self.jitter = jitter
        self._call_seconds = call_seconds
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep

    def write(self, action: Action, deadline: float | None = None) -> None:
        """
        Carry out one `put`, `change` or `delete`.

        Raises:
            ConditionFailedError: Its condition did not hold.
            RepositoryUnavailableError: Not now.
            RepositoryError: Someone has to mend the table first.
        """
        ((kind, arguments),) = action.items()
        call = getattr(self.client, f"{kind.lower()}_item")
        self._patiently(lambda: call(TableName=self.name, **arguments), deadline)

    def transact(self, actions: Sequence[Action], deadline: float | None = None) -> None:
        """
        Carry out all of *actions* or none.

        Every try carries the same token, so that one that follows a lost answer is told of the success
        ("TransactWriteItems", ClientRequestToken).

        Raises:
            ConditionFailedError: At least one condition did not hold.
            RepositoryUnavailableError: Not now.
            RepositoryError: Someone has to mend the table first.
        """
        token = uuid.uuid4().hex
        items = [{kind: {"TableName": self.name, **arguments} for kind, arguments in each.items()} for each in actions]
        self._patiently(
            lambda: self.client.transact_write_items(TransactItems=items, ClientRequestToken=token), deadline
        )

    def get(self, event_id: str, sort_key: str, deadline: float | None = None) -> dict[str, Any] | None:
        """Return the row of a key by a consistent read, or ``None``."""
        key = encode({"eventid": event_id, "sk": sort_key})
        answer = self._patiently(
            lambda: self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True), deadline
        )
        return decode(answer["Item"]) if "Item" in answer else None

    def query(
        self, event_id: str, first: str, last: str, *, limit: int | None = None, deadline: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """
        Return the rows of an event in the order of their sort keys, by consistent queries.

        Args:
            event_id: The partition.
            first: The least sort key to return.
            last: The greatest.
            limit: How many rows at most.
            deadline: By when each call must be over.
        """
        query: dict[str, Any] = {
            "TableName": self.name,
            "ConsistentRead": True,
            "KeyConditionExpression": "eventid = :event AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": encode({":event": event_id, ":first": first, ":last": last}),
        }
        if limit is not None:
            query["Limit"] = limit
        while True:
            answer = self._patiently(lambda: self.client.query(**query), deadline)
            yield from map(decode, answer["Items"])
            if "LastEvaluatedKey" not in answer or limit is not None:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def query_index(
        self, index: str, partition: tuple[str, str], last: tuple[str, str], deadline: float | None = None
    ) -> Iterator[dict[str, Any]]:
        """
        Return what an index has of one of its partitions, in order, a page at a time; it lags behind by moments.

        Args:
            index: Its name.
            partition: The name of its partition key, and which partition.
            last: The name of its sort key, and the greatest to return.
            deadline: By when each call must be over.
        """
        query: dict[str, Any] = {
            "TableName": self.name,
            "IndexName": index,
            "KeyConditionExpression": f"{partition[0]} = :partition AND {last[0]} <= :last",
            "ExpressionAttributeValues": encode({":partition": partition[1], ":last": last[1]}),
            "Limit": _PAGE,
        }
        while True:
            answer = self._patiently(lambda: self.client.query(**query), deadline)
            yield from map(decode, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def repeatedly(self, attempt: Callable[[], _Result], deadline: float | None = None) -> _Result:
        """
        Return what *attempt* returns, made again with a pause as long as others change what it has read.

        Raises:
            RepositoryUnavailableError: There is no time for another attempt.
        """
        patience = self._patience_until(deadline)
        while True:
            try:
                return attempt()
            except ChangedError as error:
                if not patience.pause():
                    raise RepositoryUnavailableError("Others change the same event all the time.") from error

    def increment(self, event_id: str, sort_key: str, attribute: str, deadline: float | None = None) -> int:
        """Add one to a number, 0 if it isn't there, and return it; a try whose answer got lost leaves a gap."""
        answer = self._patiently(
            lambda: self.client.update_item(
                TableName=self.name,
                Key=encode({"eventid": event_id, "sk": sort_key}),
                UpdateExpression=f"ADD {attribute} :one",
                ExpressionAttributeValues=encode({":one": 1}),
                ReturnValues="UPDATED_NEW",
            ),
            deadline,
        )
        return int(answer["Attributes"][attribute]["N"])

    def layout_error(self) -> TableLayoutError:
        """Return what to say of a table with other keys."""
        return TableLayoutError(_LAYOUT.format(table=self.name))

    def _patiently(self, call: Callable[[], Any], deadline: float | None) -> Any:  # noqa: ANN401 - botocore's answer
        """Make *call*, again and again while it fails for a passing reason and another try is over by *deadline*."""
        patience = self._patience_until(deadline)
        lost_answer = False
        while True:
            try:
                return self._translated(call, lost_answer=lost_answer)
            except RepositoryUnavailableError as error:
                if not patience.pause():
                    raise
                lost_answer = lost_answer or error.ambiguous

    def check_time(self, deadline: float | None) -> None:
        """
        Let pass who may begin another call, though it may last a little beyond *deadline*.

        Raises:
            RepositoryUnavailableError: It is over.
        """
        if deadline is not None and self._monotonic() > deadline:
            raise RepositoryUnavailableError("There is no time to do all that is to be done.")

    def _patience_until(self, deadline: float | None) -> Patience:
        patient_until = self._monotonic() + self._patience
        end = patient_until if deadline is None else min(patient_until, deadline)
        return Patience(end - self._call_seconds, self._monotonic, self._sleep, self.jitter)

    def _translated(self, call: Callable[[], Any], *, lost_answer: bool) -> Any:  # noqa: ANN401 - botocore's answer
        with reaching("DynamoDB"):
            try:
                return call()
            except ClientError as error:
                raise self._translation(error, lost_answer=lost_answer) from error

    def _translation(self, error: ClientError, *, lost_answer: bool) -> Exception:
        answer: Mapping[str, Any] = error.response
        code = code_of(error)
        reasons = answer.get("CancellationReasons", [])
        if code == "ConditionalCheckFailedException":
            reasons = [{"Code": "ConditionalCheckFailed", "Item": answer.get("Item", {})}]
        if found := {n: decode(r.get("Item", {})) for n, r in enumerate(reasons) if r["Code"] == _CONDITION_FAILED}:
            return ConditionFailedError(found, after_lost_answer=lost_answer)
        if any(text in answer.get("Error", {}).get("Message", "") for text in _WRONG_KEYS):
            return self.layout_error()
        kinds = frozenset(reason["Code"] for reason in reasons)
        return refusal(
            error,
            "DynamoDB",
            f"a call on table {self.name!r}",
            reasons=kinds - {"None"},
            passes=code == "TransactionCanceledException" and kinds <= _PASSING_REASONS,
        )
