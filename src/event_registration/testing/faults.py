"""Makes a boto3 client's calls fail on purpose, below everything that could try again."""

from __future__ import annotations

import io
import json
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Faults"]


class Faults:
    """
    Makes the next calls of a boto3 client fail, one queued fault each; calls succeed when none is queued.

    Args:
        client: Any boto3 client; the faults are in its way to the network and what retries above it sees them.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3's run-time class
        self._queue: deque[Callable[[Any], Any]] = deque()
        self.calls = 0
        client.meta.events.register("before-send", self._before_send)

    def error(self, code: str, status: int) -> None:
        """Let the next call be answered with the service's error *code* and this HTTP status."""
        self._queue.append(lambda request: _error_response(request.url, code, status))

    def lose_request(self) -> None:
        """Let the next call never reach the service."""
        self._queue.append(_lose_request)

    def lose_answer(self) -> None:
        """Let the next call happen, and its answer never come back."""
        self._queue.append(_lose_answer)

    def _before_send(self, request: Any, **_: Any) -> Any:  # noqa: ANN401 - botocore's event
        self.calls += 1
        return self._queue.popleft()(request) if self._queue else None


class _Raw(io.BytesIO):
    """What botocore reads a body from."""

    def stream(self, **_: Any) -> Iterator[bytes]:  # noqa: ANN401 - urllib3's arguments
        yield self.read()


def _error_response(url: str, code: str, status: int) -> Any:  # noqa: ANN401 - botocore's
    from botocore.awsrequest import AWSResponse

    body = json.dumps({"__type": code, "message": "injected"}).encode()
    headers = {"x-amzn-ErrorType": code, "Content-Type": "application/json"}
    return AWSResponse(url, status, headers, _Raw(body))


def _lose_request(request: Any) -> None:  # noqa: ANN401 - botocore's
    from botocore.exceptions import ConnectTimeoutError

    raise ConnectTimeoutError(endpoint_url=request.url)


def _lose_answer(request: Any) -> None:  # noqa: ANN401 - botocore's
    from botocore.exceptions import ReadTimeoutError
    from botocore.httpsession import URLLib3Session

    session = URLLib3Session()
    session.send(request)
    session.close()
    raise ReadTimeoutError(endpoint_url=request.url)
