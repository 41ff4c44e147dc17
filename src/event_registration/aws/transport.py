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
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import wait_for_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.awsrequest import AWSPreparedRequest

__all__ = ["RawBody", "Transport", "believing"]


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
            ConnectTimeoutError, EndpointConnectionError, SSLError: The request was not sent.
            ReadTimeoutError, ConnectionClosedError: The answer got lost.
        """
        address = urlsplit(request.url)
        idle = self._idle.setdefault(f"{address.scheme}://{address.netloc}", [])
        connection = _alive(idle) or self._connect(request.url)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        try:
            connection.request(request.method, target, request.body, request.headers)
            response = connection.getresponse()
            body = response.read()
        except (HTTPException, OSError) as error:
            connection.close()
            lost = ReadTimeoutError if isinstance(error, TimeoutError) else ConnectionClosedError
            raise lost(endpoint_url=request.url, error=error) from error
        if connection.sock:  # the service may have said that it closes the connection
            idle.append(connection)
        return AWSResponse(request.url, response.status, response.headers, RawBody(body))

    def _connect(self, url: str) -> HTTPConnection:
        address = urlsplit(url)
        host, port, timeout = address.hostname or "", address.port, self._connect_timeout
        if address.scheme == "https":
            connection: HTTPConnection = HTTPSConnection(host, port, timeout=timeout, context=self._context)
        else:
            connection = HTTPConnection(host, port, timeout=timeout)
        try:
            connection.connect()
        except OSError as error:
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
    try:
        context.load_verify_locations(certificates)
    except OSError as error:
        error.add_note(f"The certificates to believe are those of {certificates}.")
        raise
    return context


def _alive(idle: list[HTTPConnection]) -> HTTPConnection | None:
    """Take the connection that was used last, if it is there yet; what can be read on it by now is its end."""
    with suppress(IndexError):
        while True:
            connection = idle.pop()
            if not wait_for_read(connection.sock, timeout=0):
                return connection
            connection.close()
    return None


def _refusal(error: OSError) -> Any:  # noqa: ANN401 - botocore's
    if isinstance(error, TimeoutError):
        return ConnectTimeoutError
    return SSLError if isinstance(error, ssl.SSLError) else EndpointConnectionError


def _close(idle: dict[str, list[HTTPConnection]]) -> None:
    for connection in chain.from_iterable(idle.values()):
        connection.close()
