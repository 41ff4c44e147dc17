"""
DynamoDB and SES as far as registrations need them: fast, in a process of its own, over HTTP and over TLS.

It is no emulator: whether there is an item of a key yet is looked at, no other condition is. It counts calls and
capacity units, answers late on demand, and drops connections when it is told to, as AWS does with those that nobody
used for a while. Whoever measures commands it by ``POST /control``.
"""

from __future__ import annotations

import asyncio
import json
import math
import ssl
import sys
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

_END = b"\r\n\r\n"
_SES_1 = (
    '<SendEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendEmailResult><MessageId>0102018f-fake'
    "</MessageId></SendEmailResult><ResponseMetadata><RequestId>0a1b2c3d</RequestId></ResponseMetadata>"
    "</SendEmailResponse>"
)
_ACCOUNT = {"SendQuota": {"Max24HourSend": 1e9, "MaxSendRate": 1e6, "SentLast24Hours": 0.0}}
_KIB = 1024

Row = dict[str, Any]
Answer = tuple[int, str, bytes]


class RefusedError(Exception):
    """A condition did not hold."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.answer = answer


class Services:
    """The two services' state."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.seconds: Counter[str] = Counter()
        self.reset()

    def reset(self) -> None:
        """Forget all rows, mails and counts."""
        self.rows: dict[tuple[str, str], Row] = {}
        self.sort_keys: defaultdict[str, list[str]] = defaultdict(list)
        self.mails: list[str] = []
        self.calls: Counter[str] = Counter()
        self.refused = 0
        self.units: Counter[str] = Counter()

    def control(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what whoever measures wants, and tell what was done since the last reset."""
        told = {
            "rows": sorted(row["cemail"]["S"] for row in self.rows.values() if "cemail" in row),
            "mails": sorted(self.mails),
            "calls": self.calls,
            "refused": self.refused,
            "units": self.units,
            "connections": len(self.connections),
        }
        if "seconds" in command:
            self.seconds = Counter(command["seconds"])
        if command.get("drop"):
            for connection in list(self.connections):
                connection.close()
        if command.get("reset"):
            self.reset()
        for row in command.get("put", ()):
            self._store(row, factor=0)
            for number in range(command.get("copies", 0)):
                self._store(row | {"sk": {"S": f"REGISTRATION#{number:064x}"}}, factor=0)
        return told

    def dynamodb(self, operation: str, call: dict[str, Any]) -> Answer:
        """Answer a call of DynamoDB."""
        self.calls[operation] += 1
        try:
            status, answer = 200, getattr(self, f"_{operation}")(call)
        except RefusedError as error:
            self.refused += 1
            status, answer = 400, error.answer
        return status, "application/x-amz-json-1.0", json.dumps(answer).encode()

    def ses(self, path: str, body: bytes) -> Answer:
        """Answer a call of SES, of its second API or its first."""
        if path == "/v2/email/account":
            self.calls["GetAccount"] += 1
            return 200, "application/json", json.dumps(_ACCOUNT).encode()
        self.calls["SendEmail"] += 1
        if path.startswith("/v2/"):
            self.mails += json.loads(body)["Destination"]["ToAddresses"]
            return 200, "application/json", b'{"MessageId":"0102018f-fake"}'
        self.mails += parse_qs(body.decode())["Destination.ToAddresses.member.1"]
        return 200, "text/xml", _SES_1.encode()

    def _PutItem(self, call: dict[str, Any]) -> Row:  # noqa: N802 - as DynamoDB names it
        self._check(call, call["Item"], "ConditionalCheckFailedException")
        self._store(call["Item"])
        return {}

    def _TransactWriteItems(self, call: dict[str, Any]) -> Row:  # noqa: N802
        puts = [action["Put"] for action in call["TransactItems"]]
        for put in puts:
            self._check(put, put["Item"], "TransactionCanceledException")
        for put in puts:
            self._store(put["Item"], factor=2)
        return {}

    def _UpdateItem(self, call: dict[str, Any]) -> Row:  # noqa: N802
        row = self.rows.get(_key(call["Key"]), call["Key"])
        self._store(row)
        return {}

    def _GetItem(self, call: dict[str, Any]) -> Row:  # noqa: N802
        row = self.rows.get(_key(call["Key"]))
        self._read([row] if row else [], call)
        return {"Item": row} if row else {}

    def _Query(self, call: dict[str, Any]) -> Row:  # noqa: N802
        values = call["ExpressionAttributeValues"]
        event_id = values[":event"]["S"]
        keys = self.sort_keys[event_id]
        found = keys[bisect_left(keys, values[":first"]["S"]) : bisect_right(keys, values[":last"]["S"])]
        rows = [self.rows[event_id, key] for key in found[: call.get("Limit")]]
        self._read(rows, call)
        return {"Items": rows, "Count": len(rows)}

    def _check(self, call: dict[str, Any], row: Row, error: str) -> None:
        old = self.rows.get(_key(row))
        if old is None or call.get("ConditionExpression") != "attribute_not_exists(eventid)":
            return
        refusal: dict[str, Any] = {"__type": f"com.amazonaws.dynamodb.v20120810#{error}", "message": "refused"}
        if error.startswith("Transaction"):
            refusal["CancellationReasons"] = [{"Code": "ConditionalCheckFailed", "Item": old}]
        elif call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
            refusal["Item"] = old
        raise RefusedError(refusal)

    def _store(self, row: Row, factor: int = 1) -> None:
        """Keep a row; a transaction writes it twice, to prepare and to commit it."""
        key = _key(row)
        if key not in self.rows:
            insort(self.sort_keys[key[0]], key[1])
        old = self.rows.get(key, {})
        self.rows[key] = row
        self.units["table"] += factor * max(1, math.ceil(_size(row) / _KIB))
        entries = {(each["outbox"]["S"], each["mail_at"]["S"]) for each in (old, row) if "outbox" in each}
        in_index = ("outbox" in old) + ("outbox" in row)
        self.units["index"] += in_index if len(entries) != 1 or in_index == 1 else 0

    def _read(self, rows: list[Row], call: dict[str, Any]) -> None:
        units = max(1, math.ceil(sum(map(_size, rows)) / (4 * _KIB)))
        self.units["read"] += units if call.get("ConsistentRead") else units / 2


def _key(row: Row) -> tuple[str, str]:
    return row["eventid"]["S"], row.get("sk", row.get("cemail"))["S"]


def _size(row: Row) -> int:
    """Return a row's bytes ("DynamoDB item sizes and formats"): names and values, a number two digits a byte."""
    size = 0
    for name, ((kind, value),) in ((name, attribute.items()) for name, attribute in row.items()):
        size += len(name.encode())
        size += math.ceil(len(value) / 2) + 1 if kind == "N" else len(value.encode()) if kind == "S" else 1
    return size


class Connection(asyncio.Protocol):
    """A connection, which stays open until the client has enough of it or it is dropped."""

    transport: asyncio.Transport

    def __init__(self, services: Services) -> None:
        self._services = services
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport
        self._services.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """End."""
        self._services.connections.discard(self)

    def close(self) -> None:
        """Drop the connection."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Answer a request when all of it is there."""
        self._received += data
        head, end, body = self._received.partition(_END)
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if len(body) < int(headers.get("content-length", 0)):
            return
        self._received = b""
        path = first.split(" ")[1]
        if path == "/control":
            self._services.connections.discard(self)
            told = json.dumps(self._services.control(json.loads(body))).encode()
            self._send((200, "application/json", told))
            return
        target = headers.get("x-amz-target")
        if target:
            operation = target.rpartition(".")[2]
            self._send_late("dynamodb", self._services.dynamodb(operation, json.loads(body)))
        else:
            self._send_late("ses", self._services.ses(path, body))

    def _send_late(self, service: str, answer: Answer) -> None:
        seconds = self._services.seconds[service]
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        status, kind, body = answer
        self.transport.write(
            f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
            f"x-amzn-RequestId: 0A1B2C3D4E5F\r\nx-amz-crc32: {crc32(body)}\r\n"
            f"Connection: keep-alive\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT{_END.decode()}".encode()
            + body
        )


async def main(certificate: str) -> None:
    """Serve on two free ports, which the first line of output tells: HTTP's and TLS's."""
    services = Services()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Connection(services), "127.0.0.1", 0, ssl=security)
        for security in (None, context)
    ]
    sys.stdout.write(" ".join(str(server.sockets[0].getsockname()[1]) for server in servers) + "\n")
    sys.stdout.flush()
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
