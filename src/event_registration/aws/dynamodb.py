"""Registrations in one DynamoDB table, each its own duplicate check: one person and event, one key."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    SSLError,
)

from event_registration.errors import RepositoryError, RepositoryUnavailableError, TableLayoutError
from event_registration.rules import attendee_digest
from event_registration.wire import registration_from_row, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from event_registration.model import Registration
    from event_registration.rules import Identity

__all__ = ["DynamoDBRepository"]

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 2.0

_SORT_KEY = "sk"
_REGISTRATION = "REGISTRATION#"

# "Error handling with DynamoDB" and "Common Errors" in the API reference: what passes by itself.
_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "Throttling",
        "TransactionConflictException",
        "LimitExceededException",
    },
)
_SERVER_ERROR = 500
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
        self._client = client
        self._table = table
        self._identity = identity
        self._call_seconds = call_seconds
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep
        self._jitter = jitter
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
        item = self._item(registration)
        if self._layout_is_wrong:
            raise self._layout_error()
        try:
            self._put(item, "attribute_not_exists(eventid)", {}, deadline)
        except _ConditionFailedError as failed:
            return self._earlier(registration, item, failed.item)
        return registration

    def replace(self, old: Registration, new: Registration, *, deadline: float | None = None) -> bool:
        """
        Put *new* in the place of *old* if revision and mail attempts are as read.

        A condition that fails after a lost answer may have met our own write: the item it returns then equals ours.
        """
        item = self._item(new)
        values = {":revision": {"N": str(old.revision)}, ":attempts": {"N": str(old.mail.attempts)}}
        try:
            self._put(item, "revision = :revision AND attempts = :attempts", values, deadline)
        except _ConditionFailedError as failed:
            return failed.after_lost_answer and failed.item == item
        return True

    def find(self, event_id: str, attendee_email: str) -> Registration | None:
        """Return the person's registration by a consistent read, or ``None``."""
        key = {"eventid": {"S": event_id}, _SORT_KEY: {"S": self._sort_key(attendee_email)}}
        answer = self._patiently(
            lambda: self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True), None
        )
        return _registration(answer["Item"]) if "Item" in answer else None

    def list(self, event_id: str) -> Iterator[Registration]:
        """Return all registrations of an event by consistent queries, ordered by digest."""
        query: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "eventid = :event AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": {":event": {"S": event_id}, ":prefix": {"S": _REGISTRATION}},
        }
        while True:
            answer = self._patiently(lambda: self._client.query(**query), None)
            yield from map(_registration, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _item(self, registration: Registration) -> dict[str, dict[str, str]]:
        row = row_of(registration) | {_SORT_KEY: self._sort_key(registration.attendee_email)}
        return {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in row.items()}

    def _sort_key(self, attendee_email: str) -> str:
        return _REGISTRATION + self._identity(attendee_email)

    def _put(
        self, item: dict[str, dict[str, str]], condition: str, values: dict[str, dict[str, str]], deadline: float | None
    ) -> None:
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if values:
            arguments["ExpressionAttributeValues"] = values
        self._patiently(lambda: self._client.put_item(**arguments), deadline)

    def _earlier(
        self, registration: Registration, item: Mapping[str, dict[str, str]], old: dict[str, dict[str, str]]
    ) -> Registration:
        if not old:  # an engine that does not return it
            found = self.find(registration.event_id, registration.attendee_email)
            if found is None:
                raise RepositoryUnavailableError("The earlier row is gone again.")
            return found
        if old.get(_SORT_KEY) != item[_SORT_KEY]:
            self._layout_is_wrong = True
            raise self._layout_error()
        return _registration(old)

    def _layout_error(self) -> TableLayoutError:
        return TableLayoutError(_LAYOUT.format(table=self._table))

    def _patiently(self, call: Callable[[], Any], deadline: float | None) -> Any:  # noqa: ANN401 - botocore's answer
        """Make *call*, again and again while it fails for a passing reason and another try is over by *deadline*."""
        give_up_at = self._monotonic() + self._patience
        if deadline is not None:
            give_up_at = min(give_up_at, deadline)
        longest_pause = _FIRST_PAUSE_SECONDS
        lost_answer = False
        while True:
            try:
                return self._translated(call, lost_answer=lost_answer)
            except RepositoryUnavailableError as error:
                # Full jitter: every caller waits a random part of a doubling pause, so that they don't come back as
                # one ("Exponential Backoff And Jitter", AWS Architecture Blog).
                pause = self._jitter() * longest_pause
                if self._monotonic() + pause + self._call_seconds > give_up_at:
                    raise
                lost_answer = lost_answer or error.ambiguous
                self._sleep(pause)
                longest_pause = min(2 * longest_pause, _LONGEST_PAUSE_SECONDS)

    def _translated(self, call: Callable[[], Any], *, lost_answer: bool) -> Any:  # noqa: ANN401 - botocore's answer
        try:
            return call()
        except ClientError as error:
            raise self._translation(error, lost_answer=lost_answer) from error
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise RepositoryUnavailableError(f"DynamoDB can't be reached ({type(error).__name__}).") from error
        except (HTTPClientError, SSLError) as error:
            message = f"DynamoDB's answer got lost ({type(error).__name__})."
            raise RepositoryUnavailableError(message, ambiguous=True) from error
        except BotoCoreError as error:
            raise RepositoryError(f"DynamoDB can't be called ({type(error).__name__}).") from error

    def _translation(self, error: ClientError, *, lost_answer: bool) -> Exception:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "ConditionalCheckFailedException":
            return _ConditionFailedError(error.response.get("Item", {}), after_lost_answer=lost_answer)
        if code in _THROTTLED:
            return RepositoryUnavailableError(f"DynamoDB refused for now ({code}).")
        if status >= _SERVER_ERROR:
            return RepositoryUnavailableError(f"DynamoDB failed ({code}).", ambiguous=True)
        if any(text in error.response.get("Error", {}).get("Message", "") for text in _WRONG_KEYS):
            return self._layout_error()
        return RepositoryError(f"DynamoDB refused a call on table {self._table!r} ({code}).")


class _ConditionFailedError(Exception):
    """A condition did not hold; *item* is what it met."""

    def __init__(self, item: dict[str, dict[str, str]], *, after_lost_answer: bool) -> None:
        self.item = item
        self.after_lost_answer = after_lost_answer
        super().__init__()


def _registration(item: Mapping[str, Mapping[str, str]]) -> Registration:
    return registration_from_row({name: _plain(value) for name, value in item.items()})


def _plain(value: Mapping[str, str]) -> object:
    ((kind, content),) = value.items()
    # A fraction can't be ours; the wire module decides whether it matters.
    return int(content) if kind == "N" and content.lstrip("-").isdecimal() else content
