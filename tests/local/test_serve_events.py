"""A server with events that were set up, seen from outside."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from functools import partial

import pytest
from serving import ADA, serving

from event_registration.local import SQLiteEventRepository
from event_registration.model import Status
from event_registration.testing import at_once, make_event

BOB = ADA | {"cname": "Bob", "cemail": "bob@example.org"}
_START = datetime.now(UTC) + timedelta(days=30)


def _repository(data):
    data.mkdir(exist_ok=True)
    return SQLiteEventRepository(data / "registrations.db")


def _set_up(data, **changes):
    repository = _repository(data)
    repository.create_event(make_event(**{"starts_at": _START, "ends_at": _START + timedelta(hours=8)} | changes))
    repository.close()


def _post(server, person):
    status, _, body = server.request(body=person)
    return status, json.loads(body).get("status")


def _state(server, event_id="devconf-2026"):
    _, _, card = server.request(f"/events/{event_id}")
    return json.loads(card)["state"]


def _config(server):
    status, headers, text = server.request("/config.mjs")
    assert status == 200
    lines = text.splitlines()
    assert 'export const apiUrl = "";' in lines
    assert "application/json" not in headers["Content-Type"]
    return [line for line in lines if line.startswith("export const managed")]


def test_serves_the_events_of_its_folder(tmp_path):
    """Events that were set up in the folder hold without a setting: their cards, their names, their seats."""
    _set_up(tmp_path, capacity=1)

    with serving(tmp_path) as server:
        before = _state(server)
        unnamed = {name: text for name, text in ADA.items() if name != "eventname"}
        confirmed = server.request(body=unnamed)
        after = _state(server)
        full, _, _ = server.request(body=BOB)
        unknown, _, _ = server.request(body=ADA | {"eventid": "other"})

        assert (before, after) == ("open", "full")
        assert (confirmed[0], json.loads(confirmed[2])["eventname"]) == (201, "DevConf 2026")
        assert (full, unknown) == (409, 404)
        assert server.request("/events/other")[0] == 404
        assert "Events   managed" in server.announced
        assert _config(server) == ["export const managed = true;"]


def test_takes_any_event_where_none_is_set_up(tmp_path):
    """Without a setting and without events it takes whatever event is named, and has no cards."""
    with serving(tmp_path) as server:
        status, _ = _post(server, ADA)

        assert status == 201
        assert server.request("/events/devconf-2026")[0] == 404
        assert "Events   open: any that a registration names, until one is set up\n" in server.announced
        assert _config(server) == ["export const managed = false;"]


def test_serves_the_first_event_at_once(tmp_path):
    """An event that is set up while a server runs holds from the next request on: nobody gets past its seats."""
    with serving(tmp_path) as server:
        before, _ = _post(server, ADA | {"eventid": "other"})
        _set_up(tmp_path, capacity=1)

        assert _post(server, ADA) == (201, "confirmed")
        assert _post(server, BOB)[0] == 409
        assert (before, _post(server, ADA | {"eventid": "other"})[0]) == (201, 404)
        assert _config(server) == ["export const managed = true;"]


def test_takes_no_unknown_event_if_told_so(tmp_path):
    """The setting holds before the first event is there, and the event that is set up meanwhile is served at once."""
    with serving(tmp_path, EVENT_REGISTRATION_EVENTS="managed") as server:
        unknown, _ = _post(server, ADA)
        _set_up(tmp_path)
        known, _ = _post(server, ADA)

        assert (unknown, known) == (404, 201)
        assert _config(server) == ["export const managed = true;"]


def test_takes_any_event_if_told_so(tmp_path):
    """The setting holds against the events of the folder, too."""
    _set_up(tmp_path)

    with serving(tmp_path, EVENT_REGISTRATION_EVENTS="open") as server:
        status, _ = _post(server, ADA | {"eventid": "other"})

        assert status == 201
        assert "Events   open: any that a registration names\n" in server.announced
        assert _config(server) == ["export const managed = false;"]


def test_says_that_a_limited_event_needs_more(tmp_path):
    """Where any event is taken an event with a limit is not, which the start says, and what to set."""
    _set_up(tmp_path, capacity=1)

    with serving(tmp_path, EVENT_REGISTRATION_EVENTS="open") as server:
        status, _ = _post(server, ADA)

        assert status == 503
        assert (
            "Events   open: any that a registration names, but none for those with a limit; "
            "they need EVENT_REGISTRATION_EVENTS=managed\n"
        ) in server.announced


@pytest.fixture(scope="module")
def managed(tmp_path_factory):
    """Return a running server with an event, for tests that only look at it."""
    folder = tmp_path_factory.mktemp("managed")
    _set_up(folder)
    with serving(folder) as server:
        yield server


@pytest.mark.parametrize("path", ["/events/devconf-2026", "/events/other", "/main.mjs", "/config.mjs"])
def test_tells_the_length_of_what_it_does_not_send(managed, path):
    """A HEAD is answered like a GET, its length too, but for the content."""
    status, headers, _ = managed.request(path)
    empty_status, same, nothing = managed.request(path, method="HEAD")

    assert (empty_status, same["Content-Length"], same["Content-Type"]) == (
        status,
        headers["Content-Length"],
        headers["Content-Type"],
    )
    assert int(same["Content-Length"]) > 0
    assert nothing == ""


def test_tells_the_page_its_mode_as_any_file(tmp_path):
    """The page's configuration is served like the files beside it, and not sent twice."""
    with serving(tmp_path) as server:
        _, headers, text = server.request("/config.mjs")
        _, others, _ = server.request("/main.mjs")
        _, _, nothing = server.request("/config.mjs", method="HEAD")
        again, _, _ = server.request("/config.mjs", headers={"If-None-Match": headers["ETag"]})

        same = ("Content-Type", "Cache-Control", "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")
        assert [headers[name] for name in same] == [others[name] for name in same]
        assert (text != "", nothing, again) == (True, "", 304)


def test_serves_the_waiting_list_by_itself(tmp_path):
    """Who waits gets the seat of who cancels, and a mail, without anybody's asking; the log names nobody."""
    _set_up(tmp_path, capacity=1, waitlist=True)

    with serving(tmp_path) as server:
        answers = [_post(server, ADA), _post(server, BOB)]
        repository = _repository(tmp_path)
        server.mails(2)
        repository.cancel(repository.find("devconf-2026", "ada@example.org"), datetime.now(UTC))
        mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in server.mails(4)]
        bob = repository.find("devconf-2026", "bob@example.org")
        repository.close()
        server.process.terminate()
        _, log = server.process.communicate(timeout=20)

    assert answers == [(201, "confirmed"), (201, "waitlisted")]
    assert bob.status is Status.CONFIRMED
    assert sorted(mail["To"] for mail in mails) == ["ada@example.org"] * 2 + ["bob@example.org"] * 2
    assert {mail["Subject"].partition(":")[0] for mail in mails[2:]} == {"Registration cancelled", "You have a seat"}
    assert server.process.returncode == 0
    assert "settle  promoted  1\n" in log
    assert "bob" not in log.lower()


def test_says_nothing_of_requests_that_wait(tmp_path):
    """Many requests at once are answered one after the other; the log has a line for each, and the mails'."""
    people = [ADA | {"cemail": f"guest{number}@example.org"} for number in range(40)]

    with serving(tmp_path) as server:
        answers = at_once(*(partial(_post, server, person) for person in people))
        server.process.terminate()
        _, log = server.process.communicate(timeout=20)

    assert [status for status, _ in answers] == [201] * 40
    others = [line for line in log.splitlines() if "  POST  201  " not in line]
    assert len(log.splitlines()) - len(others) == 40
    assert [line for line in others if "  mail  sent  " not in line] == []


def test_starts_with_a_demo(tmp_path):
    """The demo has two events, one of them nearly full, tells where their forms are, and has sent nobody a mail."""
    with serving(tmp_path, "--demo", EVENT_REGISTRATION_EVENTS="open") as server:
        states = [_state(server, event_id) for event_id in ("demo-meetup", "demo-workshop")]
        workshop = {"eventid": "demo-workshop", "answers": {"experience": "Never", "lunch": "Vegan"}}
        mails = server.mails(0)
        answers = [_post(server, ADA | workshop | {"cemail": f"guest{number}@example.org"})[1] for number in range(3)]

        assert states == ["open", "open"]
        assert mails == []
        assert answers == ["confirmed", "confirmed", "waitlisted"]
        assert _state(server, "demo-workshop") == "waitlist"
        assert f"{server.url}/?event=demo-meetup\n" in server.announced
        assert f"{server.url}/?event=demo-workshop\n" in server.announced

    with serving(tmp_path, "--demo") as server:
        assert _state(server, "demo-workshop") == "waitlist"
        assert len(server.mails(3)) == 3


@pytest.mark.parametrize(
    ("arguments", "folder"), [(["--demo"], "event-registration-demo"), ([], "event-registration-data")]
)
def test_keeps_the_demo_apart(tmp_path, arguments, folder):
    """The demo has a folder of its own, unless another is given."""
    process = subprocess.Popen(
        [sys.executable, "-m", "event_registration", "serve", "--port", "0", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    announced = b"".join(process.stdout.readline() for _ in range(5))
    process.terminate()
    process.communicate(timeout=20)

    assert f"Data     {tmp_path / folder}\n".encode() in announced
    assert [path.name for path in tmp_path.iterdir()] == [folder]
