"""Sending what botocore has made and signed, over connections that share what they believe."""

from __future__ import annotations

import io
import ssl
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from weakref import finalize

from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from urllib3.util import wait_for_read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse

    from botocore.awsrequest import AWSPreparedRequest

__all__ = ["HandshakeError", "RawBody", "Transport", "believing"]

_PORTS = {"http": 80, "https": 443}
_FIRST_FINAL_STATUS = 200


class HandshakeError(EndpointConnectionError):  # type: ignore[misc]  # botocore has no types
    """No secure connection came about, as with somebody whom no authority vouches for; nothing was sent."""

    fmt = 'Could not connect securely to the endpoint URL: "{endpoint_url}": {error}'


class RawBody(io.BytesIO):
    """What botocore reads an answer's body from."""

    def stream(self, **_: Any) -> Iterator[bytes]:  # noqa: ANN401 - urllib3's arguments
        """Yield the whole body."""
        yield self.read()


class Transport:
    """
    Answers botocore's ``before-send``, whose handlers may carry a request out in botocore's stead ("Botocore Events").

    urllib3, with which botocore sends, loads all certificates that it believes anew for every connection, which is most
    of what a connection costs. Threads may share a transport; each has the connection it uses to itself.

    Args:
        context: What connections by TLS believe, if there are any.
        connect_timeout: How many seconds a connection may take.
        read_timeout: How many seconds the service may be silent.
    """

    def __init__(self, context: ssl.SSLContext | None, connect_timeout: float, read_timeout: float) -> None:
        self._context = context
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._idle: dict[str, list[HTTPConnection]] = {}
        finalize(self, _close, self._idle)

    def send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """
        Return the service's answer.

        Raises:
            ConnectTimeoutError, EndpointConnectionError: The request was not sent.
            HTTPClientError: The answer got lost; a ReadTimeoutError or a ConnectionClosedError tells how.
        """
        address = urlsplit(request.url)
        idle = self._idle.setdefault(f"{address.scheme}://{address.netloc}", [])
        connection = _alive(idle) or self._connect(request.url)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        try:
            with suppress(BrokenPipeError):  # a service may refuse before it has heard all
                connection.request(request.method, target, request.body, request.headers)
            response, body = _answer_on(connection)
        except Exception as error:
            connection.close()
            raise _loss(error)(endpoint_url=request.url, error=error) from error
        if connection.sock:  # the service may have said that it closes the connection
            idle.append(connection)
        return AWSResponse(request.url, response.status, response.headers, RawBody(body))

    def _connect(self, url: str) -> HTTPConnection:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port or _PORTS[address.scheme]
        if address.scheme == "https":
            connection: HTTPConnection = HTTPSConnection(
                host, port, timeout=self._connect_timeout, context=self._context
            )
        else:
            connection = HTTPConnection(host, port, timeout=self._connect_timeout)
        try:
            connection.connect()
        except Exception as error:
            connection.close()
            raise _refusal(error)(endpoint_url=url, error=error) from error
        connection.sock.settimeout(self._read_timeout)
        return connection


@cache
def believing(certificates: str) -> ssl.SSLContext:
    """
    Return what makes connections to whom one of the authorities in a file vouches for, read at the first call.

    Raises:
        OSError: There is no such file, or there are no certificates in it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(certificates)
    return context


def _alive(idle: list[HTTPConnection]) -> HTTPConnection | None:
    """Take the connection that was used last, if it is there yet; what can be read on it by now is no answer to us."""
    with suppress(IndexError):
        while True:
            connection = idle.pop()
            is_decrypted = connection.sock.pending() if isinstance(connection.sock, ssl.SSLSocket) else 0
            if not is_decrypted and not wait_for_read(connection.sock, timeout=0):
                return connection
            connection.close()
    return None


def _answer_on(connection: HTTPConnection) -> tuple[HTTPResponse, bytes]:
    response = connection.getresponse()
    body = response.read()
    if response.status < _FIRST_FINAL_STATUS:
        raise HTTPException("another answer is to follow")
    return response, body


def _refusal(error: Exception) -> Any:  # noqa: ANN401 - botocore's
    if isinstance(error, TimeoutError):
        return ConnectTimeoutError
    return HandshakeError if isinstance(error, ssl.SSLError) else EndpointConnectionError


def _loss(error: Exception) -> Any:  # noqa: ANN401 - botocore's
    if isinstance(error, TimeoutError):
        return ReadTimeoutError
    return ConnectionClosedError if isinstance(error, HTTPException | OSError) else HTTPClientError


def _close(idle: dict[str, list[HTTPConnection]]) -> None:
    for connection in chain.from_iterable(idle.values()):
        connection.close()
