"""Starts `event-registration serve` as a process of its own, as its users do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS_TO_MAIL = 5  # what `serve` promises
ADA = {"eventid": "devconf-2026", "eventname": "DevConf 2026", "cname": "Ada Lovelace", "cemail": "ada@example.org"}


def unmeasured() -> dict[str, str]:
    """Return an environment without coverage's own variables, for a process that can't write down what it measured."""
    return {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}


class Server:
    """A running server."""

    def __init__(self, process: subprocess.Popen[str], announced: list[str], data: Path) -> None:
        self.process = process
        self.announced = "".join(announced)
        self.url = re.search(r"http://\S+?(?=/\s)", self.announced)[0]
        self.data = data

    def request(self, path="/registrations", body=None, method=None, headers=None):
        """Return status, headers and text of one request; *body* is sent as JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            self.url + path, data, {"Content-Type": "application/json", **(headers or {})}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own server
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def mails(self, count=1, to=""):
        """Return the files of all mails or those *to* an address, the oldest first, once a thread has sent so many."""
        deadline = time.monotonic() + _SECONDS_TO_MAIL
        while len(found := self._mails(to)) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    def _mails(self, to):
        mails = sorted((self.data / "mailbox").glob("*.eml"))
        return [mail for mail in mails if not to or f"\nTo: {to}\n" in mail.read_text()]


@contextmanager
def serving(data: Path, *arguments: str, measured: bool = True, **environ: str) -> Iterator[Server]:
    """Run a server on *data* until the block ends; a kill would garble what is *measured*."""
    inherited = dict(os.environ) if measured else unmeasured()
    process = subprocess.Popen(
        [sys.executable, "-m", "event_registration", "serve", "--port", "0", "--data", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=inherited | {"PYTHONUNBUFFERED": "1"} | environ,
    )
    try:
        announced = [process.stdout.readline() for _ in range(7 if "--demo" in arguments else 5)]
        if process.poll() is not None or "Form" not in announced[1]:
            raise RuntimeError(f"the server did not start: {process.communicate()[1]}")
        yield Server(process, announced, data)
    finally:
        process.terminate()
        process.communicate(timeout=20)
