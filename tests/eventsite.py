"""A managed server for tests in a browser, and the organiser of its events."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from attrs import evolve
from serving import serving

from event_registration.event import Event
from event_registration.local import SQLiteEventRepository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STARTS = datetime(2098, 6, 1, 7, tzinfo=UTC)


class Events:
    """
    A managed server and its organiser.

    Args:
        server: The server.
        repository: Its database.
    """

    def __init__(self, server, repository):
        self.server = server
        self.repository = repository

    def create(self, event_id, **fields):
        """Set up an event of a day in Berlin and return the address of its page."""
        times = {"starts_at": STARTS, "ends_at": STARTS + timedelta(hours=8), "time_zone": "Europe/Berlin"}
        self.repository.create_event(Event(**{"event_id": event_id, "event_name": "DevConf 2098"} | times | fields))
        return f"{self.server.url}/?event={event_id}"

    def register(self, event_id, name="earlier"):
        """Register somebody, past the page."""
        body = {"eventid": event_id, "cname": name, "cemail": f"{name}@example.org"}
        status, _, _ = self.server.request(body=body)
        assert status == 201

    def organise(self, *words):
        """Run one of the organiser's commands."""
        command = [sys.executable, "-m", "event_registration", *words, "--data", str(self.server.data)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def call_off(self, event_id):
        """Cancel an event."""
        listing = self.repository.find_event(event_id)
        self.repository.change_event(listing, evolve(listing, is_cancelled=True), datetime.now(UTC))

    def rows(self, event_id):
        """Return who is registered: name, address and status."""
        connection = sqlite3.connect(self.server.data / "registrations.db")
        query = "SELECT cname, cemail, status FROM registration WHERE eventid = ?"
        rows = connection.execute(query, [event_id]).fetchall()
        connection.close()
        return rows

    def mails(self, address, count=1):
        """Return the mails to an address, once there are so many."""
        return self.server.mails(count, to=address)

    def answers(self, event_id):
        """Return what those who are registered have answered."""
        connection = sqlite3.connect(self.server.data / "registrations.db")
        query = "SELECT answers FROM registration WHERE eventid = ? ORDER BY registered_at"
        rows = connection.execute(query, [event_id]).fetchall()
        connection.close()
        return [json.loads(answers or "{}") for (answers,) in rows]

    def link(self, address, count=1):
        """Return the manage link of the newest mail to an address, once there are as many as *count*."""
        mails = self.mails(address, count)
        assert len(mails) >= count
        message = message_from_bytes(mails[-1].read_bytes(), policy=policy.default)
        text = message.get_body(("plain",)).get_content()
        return re.search(rf"{self.server.url}/manage\.html(?:\?lang=[\w-]+)?#\S+", text)[0]


@contextmanager
def managing(data: Path) -> Iterator[Events]:
    """Run a managed server on *data* until the block ends."""
    with serving(data, measured=False, EVENT_REGISTRATION_EVENTS="managed") as server:
        repository = SQLiteEventRepository(data / "registrations.db")
        yield Events(server, repository)
        repository.close()
