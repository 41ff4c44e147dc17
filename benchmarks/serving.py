"""A server under load: as many people at once as it has threads, each sending one registration after the other."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.environments import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CLIENTS = 8
_BODY = {"eventid": "devconf-2026", "eventname": "DevConf 2026", "cname": "Ada Lovelace"}

_HEAD = "POST /registrations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "


def measure(python: Path, folder: Path, people: int) -> dict[str, Any]:
    """Return answers a second and how long they take: of the library's server, and of a tutorial's."""
    figures = {}
    with TemporaryDirectory(dir=folder) as data:
        ours = [python, "-m", "event_registration", "serve", "--data", data, "--port"]
        with _running(ours) as (process, port):
            figures["serve"] = _load(process, port, people)
    with TemporaryDirectory(dir=folder) as data:
        by_hand = [python, HERE / "peers" / "wsgi_sqlite" / "app.py", Path(data, "registrations.db")]
        with _running(by_hand) as (process, port):
            figures["by hand"] = _load(process, port, people)
    return figures


@contextmanager
def _running(command: Sequence[str | Path]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, str(port)], **quiet) as process:
        try:
            _wait(port)
            yield process, port
        finally:
            process.terminate()


def _wait(port: int) -> None:
    give_up_at = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(0.05)
        else:
            return


def _load(process: subprocess.Popen[bytes], port: int, people: int) -> dict[str, float]:
    waits: list[float] = []
    failures: list[bytes] = []
    _client(port, 0, 20, [], failures)
    threads = [
        threading.Thread(target=_client, args=(port, 1 + client, people // _CLIENTS, waits, failures))
        for client in range(_CLIENTS)
    ]
    cpu, started = _cpu(process.pid), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failures or len(waits) != people // _CLIENTS * _CLIENTS:
        raise SystemExit(f"The server answered {failures[:1]}")
    return {
        "per second": len(waits) / seconds,
        "cpu": (_cpu(process.pid) - cpu) / len(waits),
        "median": median(waits),
        "p99": quantiles(waits, n=100)[98],
    }


def _cpu(pid: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _client(port: int, client: int, count: int, waits: list[float], failures: list[bytes]) -> None:
    """Register so many people over one connection; a client that does more would be what is measured."""
    requests = []
    for number in range(count):
        body = json.dumps(_BODY | {"cemail": f"ada{number}-of-{client}@example.org"}).encode()
        requests.append(f"{_HEAD}{len(body)}\r\n\r\n".encode() + body)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            started = time.perf_counter()
            connection.sendall(request)
            answer = connection.recv(65536)
            while not answer.endswith(b"}"):
                answer += connection.recv(65536)
            waits.append(time.perf_counter() - started)
            if not answer.startswith(b"HTTP/1.1 201 "):
                failures.append(answer)
