"""Makes a boto3 client's calls fail on purpose, below everything that could try again."""

from __future__ import annotations

import json
from collections import deque
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["STRUCK", "Faults", "KilledError"]

STRUCK = "X-Struck-By-Fault"
"""The header of a request that a fault has answered: botocore calls every handler, those after the answer too."""


class KilledError(BaseException):
    """Ends a call as a killed process would: no handler of errors gets to see it."""


class Faults:
    """
    Makes the next calls of a boto3 client fail, one queued fault each; calls succeed when none is queued.

    Args:
        client: Any boto3 client; the faults are in its way to the network and what retries above it sees them.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3's run-time class
        self._queue: deque[Callable[[Any], Any]] = deque()
        self._share, self._chance = 0.0, Random()  # noqa: S311 - no secret
        self._killed_share = 0.0
        self._mix: Sequence[float] = ()
        self.calls = 0
        client.meta.events.register_first("before-send", self._before_send)

    def error(self, code: str, status: int, *, carried_out: bool = False) -> None:
        """Let the next call be answered with the service's error *code* and this HTTP status, *carried_out* or not."""
        self._queue.append(partial(_answer_error, code, status, carried_out=carried_out))

    def lose_request(self) -> None:
        """Let the next call never reach the service."""
        self._queue.append(_lose_request)

    def lose_answer(self) -> None:
        """Let the next call happen, and its answer never come back."""
        self._queue.append(_lose_answer)

    def spare(self, calls: int) -> None:
        """Let the next *calls* go through."""
        self._queue.extend([lambda _request: None] * calls)

    def forget(self) -> None:
        """Let all that was queued and did not happen be."""
        self._queue.clear()

    def meanwhile(self, action: Callable[[], object]) -> None:
        """Let *action* happen when the next call is about to be sent; the call then goes through."""

        def happen(_request: object) -> None:
            action()

        self._queue.append(happen)

    def kill(self, *, carried_out: bool) -> None:
        """Let the caller be killed at the next call, before it is sent or after it was *carried_out*."""
        self._queue.append(partial(_kill, carried_out=carried_out))

    def at_random(
        self, share: float, chance: Random, *, killed: float = 0.0, mix: Sequence[float] = (1, 1, 1, 1)
    ) -> None:
        """
        Let from now on that *share* of all calls be throttled, fail, or lose their request or their answer.

        Args:
            share: From 0 to 1.
            chance: What decides.
            killed: The share of calls at which the caller is killed besides, half of them before, half after.
            mix: How frequent these four are, compared with each other.
        """
        self._share, self._chance, self._killed_share, self._mix = share, chance, killed, mix

    def _before_send(self, request: Any, **_: Any) -> Any:  # noqa: ANN401 - botocore's event
        answer = self._struck(request)
        if answer is not None:
            request.headers[STRUCK] = "yes"
        return answer

    def _struck(self, request: Any) -> Any:  # noqa: ANN401 - botocore's
        self.calls += 1
        if self._queue:
            return self._queue.popleft()(request)
        if self._chance.random() < self._killed_share:
            return _kill(request, carried_out=self._chance.random() < 0.5)  # noqa: PLR2004 - a coin
        if self._chance.random() >= self._share:
            return None
        (fault,) = self._chance.choices(_FAULTS, self._mix)
        return fault(request)


def _answer_error(code: str, status: int, request: Any, *, carried_out: bool = False) -> Any:  # noqa: ANN401 - botocore's
    from botocore.awsrequest import AWSResponse

    from event_registration.aws.transport import RawBody

    if carried_out:
        _carry_out(request)

    body = json.dumps({"__type": code, "message": "injected"}).encode()
    headers = {"x-amzn-ErrorType": code, "Content-Type": "application/json"}
    return AWSResponse(request.url, status, headers, RawBody(body))


def _lose_request(request: Any) -> None:  # noqa: ANN401 - botocore's
    from botocore.exceptions import ConnectTimeoutError

    raise ConnectTimeoutError(endpoint_url=request.url)


def _lose_answer(request: Any) -> None:  # noqa: ANN401 - botocore's
    from botocore.exceptions import ReadTimeoutError

    _carry_out(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def _kill(request: Any, *, carried_out: bool) -> None:  # noqa: ANN401 - botocore's
    if carried_out:
        _carry_out(request)
    raise KilledError


def _carry_out(request: Any) -> None:  # noqa: ANN401 - botocore's
    from botocore.httpsession import URLLib3Session

    session = URLLib3Session()
    session.send(request)
    session.close()


_FAULTS: tuple[Callable[[Any], Any], ...] = (
    partial(_answer_error, "ThrottlingException", 400),
    partial(_answer_error, "InternalServerError", 500),
    _lose_request,
    _lose_answer,
)
