"""The reception takes registrations in the mode that holds."""

import json

from event_registration.api import Request
from event_registration.links import Links
from event_registration.local import SQLiteEventRepository, SQLiteOutbox
from event_registration.local.keys import KeyFile
from event_registration.local.reception import Reception
from event_registration.settings import EventsMode, Settings
from event_registration.testing import RecordingNotifier

ADA = {"eventid": "devconf-2026", "eventname": "DevConf 2026", "cname": "Ada Lovelace", "cemail": "ada@example.org"}


def test_lets_nobody_in_unseen(tmp_path):
    """As long as it can't be seen whether there are events, nobody is registered without a look at their seats."""
    repository = SQLiteEventRepository(tmp_path / "registrations.db", patience=0.05)
    links = Links(KeyFile(tmp_path / "keys.json"), "http://127.0.0.1:8000/manage.html")
    outbox = SQLiteOutbox(repository)
    reception = Reception(Settings(), repository, outbox, RecordingNotifier(), links=links, is_told=False)
    request = Request(
        method="POST", path="/registrations", headers={"content-type": "application/json"}, body=json.dumps(ADA)
    )
    repository.database._lock.acquire()

    during = reception.mode, reception.handle(request).status
    repository.database._lock.release()
    after = reception.mode, reception.handle(request).status

    repository.close()
    assert during == (EventsMode.MANAGED, 503)
    assert after == (EventsMode.OPEN, 201)
