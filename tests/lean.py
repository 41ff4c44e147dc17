"""DynamoDB's operations as a boto3 client has them, without what botocore and HTTP libraries do around each."""

from __future__ import annotations

import json
import socket
import threading
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.hooks import HierarchicalEmitter, first_non_none_response

from event_registration.aws.transport import RawBody

_VERSION = "DynamoDB_20120810"
# The engine wants a signature, and doesn't look at it.
_SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=test/20260301/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
)
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260301T120000Z",
    "Authorization": _SIGNATURE,
}
_OPERATIONS = {
    "put_item": "PutItem",
    "get_item": "GetItem",
    "query": "Query",
    "update_item": "UpdateItem",
    "delete_item": "DeleteItem",
    "transact_write_items": "TransactWriteItems",
}
_SECONDS = 30
_MOST = 1 << 20


class LeanClient:
    """
    A client of the engine for proofs of millions of calls, each of which costs botocore ten times the processor time.

    It emits ``before-send`` as botocore does, so that `Faults` and `Conflicts` fit, and raises its errors. That the
    repositories work with botocore itself is for the contract suites to show.

    Args:
        url: The engine's address.
    """

    def __init__(self, url: str) -> None:
        self.meta = SimpleNamespace(events=HierarchicalEmitter())
        self._url = url
        self._connections: list[socket.socket] = []
        self._own = threading.local()
        for method, operation in _OPERATIONS.items():
            setattr(self, method, lambda operation=operation, **arguments: self._call(operation, arguments))

    def close(self) -> None:
        """Close the connections that were opened."""
        for connection in self._connections:
            connection.close()

    def send(self, request: Any) -> AWSResponse:
        """Send *request* by this thread's connection, and return the answer."""
        head = "\r\n".join([f"POST / HTTP/1.1\r\nHost: {self._address}", *map(": ".join, request.headers.items())])
        connection = self._connection()
        try:
            connection.sendall(f"{head}\r\n\r\n".encode() + request.body)
            answer = connection.recv(_MOST)
            while b"\r\n\r\n" not in answer:
                answer += _more(connection)
            head, _, body = answer.partition(b"\r\n\r\n")
            status, *lines = head.decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            while len(body) < int(headers["content-length"]):
                body += _more(connection)
        except OSError as error:
            raise ReadTimeoutError(endpoint_url=self._url) from error
        return AWSResponse(self._url, int(status.split()[1]), headers, RawBody(body))

    @property
    def _address(self) -> str:
        return urlsplit(self._url).netloc

    def _connection(self) -> socket.socket:
        if not hasattr(self._own, "connection"):
            host, _, port = self._address.rpartition(":")
            try:
                self._own.connection = socket.create_connection((host, int(port)), timeout=_SECONDS)
            except OSError as error:
                raise ConnectTimeoutError(endpoint_url=self._url) from error
            self._connections.append(self._own.connection)
        return self._own.connection

    def _call(self, operation: str, arguments: dict[str, Any]) -> Any:
        body = json.dumps(arguments).encode()
        headers = _HEADERS | {"X-Amz-Target": f"{_VERSION}.{operation}", "Content-Length": str(len(body))}
        request = AWSPreparedRequest("POST", self._url, headers, body, stream_output=False)
        responses = self.meta.events.emit(f"before-send.dynamodb.{operation}", request=request)
        answer = first_non_none_response(responses) or self.send(request)
        document = json.loads(answer.content)
        if answer.status_code == 200:
            return document
        code = document.get("__type", "").rpartition("#")[2]
        message = document.get("message", document.get("Message", ""))
        facts = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": answer.status_code},
        }
        raise ClientError(document | facts, operation)


def _more(connection: socket.socket) -> bytes:
    """Return what comes next; an end is no answer."""
    data = connection.recv(_MOST)
    if not data:
        raise ConnectionResetError
    return data
