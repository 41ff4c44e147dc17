"""DynamoDB's rule for transactions that meet, which no local engine has: one of them is refused."""

from __future__ import annotations

import json
import time
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any

from event_registration.testing.faults import STRUCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Conflicts"]

_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}


class Conflicts:
    """
    Refuses a write that meets another one on the same item, if at least one of the two is a transaction.

    ("Amazon DynamoDB Transactions: How it works", Transaction conflict handling.) Calls that `Faults` strikes it
    doesn't see, whichever of the two was made first.

    Args:
        client: A boto3 client of ``dynamodb``; of all its callers' writes those that overlap are looked at.
        seconds: How much longer each write is to take, which makes meeting likelier.
        send: Sends a request and returns its answer; connections of its own if ``None``.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3's run-time class
        *,
        seconds: float = 0.0,
        send: Callable[[Any], Any] | None = None,
    ) -> None:
        from botocore.httpsession import URLLib3Session

        self.refused = 0
        self._seconds = seconds
        self._session = URLLib3Session(max_pool_connections=128)
        self._send = send or self._session.send
        self._lock = Lock()
        self._written: Counter[tuple[str, ...]] = Counter()
        self._in_transactions: Counter[tuple[str, ...]] = Counter()
        client.meta.events.register_last("before-send", self._before_send)

    def close(self) -> None:
        """Close the connections that were opened."""
        self._session.close()

    def _before_send(self, request: Any, **_: Any) -> Any:  # noqa: ANN401 - botocore's event
        operation = request.headers["X-Amz-Target"]
        operation = (operation.decode() if isinstance(operation, bytes) else operation).rpartition(".")[2]
        if STRUCK in request.headers or operation not in _WRITES | {"TransactWriteItems"}:
            return None
        keys = list(_keys(operation, json.loads(request.body)))
        in_flight = [self._written] + [self._in_transactions] * (operation == "TransactWriteItems")
        with self._lock:
            met = [self._in_transactions[key] + (len(in_flight) - 1) * self._written[key] > 0 for key in keys]
            if any(met):
                self.refused += 1
                return _refusal(operation, met, request.url)
            for counter in in_flight:
                counter.update(keys)
        try:
            answer = self._send(request)
            time.sleep(self._seconds)
        finally:
            with self._lock:
                for counter in in_flight:
                    counter.subtract(keys)
        return answer


def _keys(operation: str, body: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    actions = [body] if operation in _WRITES else [next(iter(item.values())) for item in body["TransactItems"]]
    for action in actions:
        key = action.get("Key") or action["Item"]
        yield action["TableName"], key["eventid"]["S"], key["sk"]["S"]


def _refusal(operation: str, met: list[bool], url: str) -> Any:  # noqa: ANN401 - botocore's
    from botocore.awsrequest import AWSResponse

    from event_registration.aws.transport import RawBody

    document: dict[str, Any] = {"__type": "TransactionConflictException", "message": "injected"}
    if operation not in _WRITES:
        reasons = [{"Code": "TransactionConflict" if each else "None"} for each in met]
        document = {"__type": "TransactionCanceledException", "message": "injected", "CancellationReasons": reasons}
    return AWSResponse(url, 400, {"Content-Type": "application/x-amz-json-1.0"}, RawBody(json.dumps(document).encode()))
