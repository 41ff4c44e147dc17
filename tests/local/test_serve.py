"""The whole system in one process, seen from outside."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from email import message_from_bytes, policy
from types import SimpleNamespace

import pytest
from serving import ADA, serving

from event_registration.language_files import OURS
from event_registration.local.server import _port


@pytest.fixture
def server(tmp_path):
    """Return a running server with an empty data folder."""
    with serving(tmp_path / "data") as server:
        yield server


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Return a running server for tests that don't mind what others have posted to it."""
    with serving(tmp_path_factory.mktemp("shared")) as server:
        yield server


def _rows(server):
    connection = sqlite3.connect(server.data / "registrations.db")
    rows = connection.execute("SELECT eventid, eventname, cname, cemail FROM registration").fetchall()
    connection.close()
    return rows


def test_a_team_s_folder_has_its_say(tmp_path):
    """Templates and a language of the team's own are in mails and on the site, as soon as the server is up."""
    folder = tmp_path / "mails"
    (folder / "languages").mkdir(parents=True)
    french = json.loads((OURS / "en.json").read_text("utf-8")) | {"name": "Français"}
    french["mail"]["greeting"] = "Bonjour {name},"
    (folder / "languages" / "fr.json").write_text(json.dumps(french), encoding="utf-8")
    (folder / "mail.txt").write_text("$greeting C'est $event.")

    with serving(tmp_path / "data", "--templates", str(folder)) as server:
        assert server.request(body=ADA | {"locale": "fr-CA"})[0] == 201
        (mail,) = server.mails()
        language = server.request("/languages/fr.mjs")

    written = message_from_bytes(mail.read_bytes(), policy=policy.default).get_body(["plain"]).get_content()
    assert written == "Bonjour \u2068Ada Lovelace\u2069, C'est DevConf 2026.\n"
    assert language[0] == 200
    assert "Français" in language[2]


def test_a_template_that_can_not_be_used_is_told(tmp_path):
    """The server doesn't start with what would cost a mail later, and says what to mend."""
    (tmp_path / "mail.txt").write_text("$nme")

    with pytest.raises(RuntimeError, match=r"Error: mail\.txt: has \$nme, which stands for nothing there"):
        serving(tmp_path / "data", "--templates", str(tmp_path)).__enter__()


def test_registers_stores_and_mails(server):
    """One post leaves one row with the brief's names and one mail, readable before the answer."""
    status, headers, body = server.request(body=ADA)

    assert (status, json.loads(body)["message"]) == (201, "Registration successful!")
    assert headers["Cache-Control"] == "no-store"
    assert _rows(server) == [("devconf-2026", "DevConf 2026", "Ada Lovelace", "ada@example.org")]
    (mail,) = server.mails()
    parsed = message_from_bytes(mail.read_bytes(), policy=policy.default)
    assert parsed["From"] == "events@localhost.example"


def test_writes_the_recipient_on_one_line(server):
    """The longest address stands on one unfolded line of the file."""
    address = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.org"

    server.request(body=ADA | {"cemail": address})

    assert f"\nTo: {address}\n" in server.mails()[0].read_text()


def test_keeps_everything_over_a_kill(tmp_path):
    """After a kill -9 and a restart the same person is still registered once, with one mail."""
    with serving(tmp_path, measured=False) as server:
        server.request(body=ADA)
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(timeout=10)

    with serving(tmp_path) as server:
        status, _, _ = server.request(body=ADA)

        assert status == 201
        assert len(_rows(server)) == len(server.mails()) == 1


def test_uses_its_port_again(tmp_path):
    """A server that is killed and started again takes the same port at once."""
    with serving(tmp_path) as server:
        server.request(body=ADA)
        port = server.url.rpartition(":")[2]

    with serving(tmp_path, "--port", port) as server:
        assert server.url.endswith(port)


def test_ends_cleanly_when_told(tmp_path):
    """SIGTERM ends the process with status 0."""
    with serving(tmp_path) as server:
        server.process.terminate()

        assert server.process.wait(timeout=10) == 0


def test_refuses_a_folder_that_is_served(server):
    """A second server on the same folder says so and ends, and the first goes on."""
    second = subprocess.run(
        [sys.executable, "-m", "event_registration", "serve", "--port", "0", "--data", str(server.data)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert second.returncode == 1
    assert "Another process serves" in second.stderr
    assert "--data" in second.stderr
    assert server.request(body=ADA)[0] == 201


def test_refuses_a_port_that_is_taken(shared, tmp_path):
    """A port in use is told in a sentence that says what to do."""
    port = shared.url.rpartition(":")[2]
    second = subprocess.run(
        [sys.executable, "-m", "event_registration", "serve", "--port", port, "--data", str(tmp_path / "other")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert second.returncode == 1
    assert "Address already in use. Choose another port with --port." in second.stderr


def test_refuses_a_folder_that_can_not_be(tmp_path):
    """A data folder that is a file is told in a sentence."""
    (tmp_path / "file").touch()
    result = subprocess.run(
        [sys.executable, "-m", "event_registration", "serve", "--port", "0", "--data", str(tmp_path / "file" / "x")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "file" in result.stderr


def test_keeps_people_to_its_owner(server):
    """Nobody else on the machine can read the folder, the database or the mails."""
    server.request(body=ADA)

    files = [server.data, *server.data.rglob("*")]
    assert len(files) > 4
    assert [file for file in files if file.stat().st_mode & 0o077] == []


def test_holds_to_the_environment(tmp_path):
    """The settings of the environment hold: sender, event ids, duplicates."""
    with serving(
        tmp_path,
        EVENT_REGISTRATION_SENDER="Fête <fete@example.org>",
        EVENT_REGISTRATION_EVENT_IDS="devconf-2026",
        EVENT_REGISTRATION_ON_DUPLICATE="reject",
    ) as server:
        first, _, _ = server.request(body=ADA)
        second, _, _ = server.request(body=ADA)
        unknown, _, _ = server.request(body=ADA | {"eventid": "other"})

        assert (first, second, unknown) == (201, 409, 404)
        mail = message_from_bytes(server.mails()[0].read_bytes(), policy=policy.default)
        assert mail["From"] == "Fête <fete@example.org>"


def test_names_every_wrong_setting(tmp_path):
    """Wrong settings are all told at once, and nothing is made."""
    environ = os.environ | {"EVENT_REGISTRATION_SENDER": "nobody", "EVENT_REGISTRATION_ALLOWED_ORIGINS": "*"}
    result = subprocess.run(
        [sys.executable, "-m", "event_registration", "serve", "--port", "0", "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=environ,
    )

    assert result.returncode == 1
    assert "EVENT_REGISTRATION_SENDER" in result.stderr
    assert "EVENT_REGISTRATION_ALLOWED_ORIGINS" in result.stderr
    assert not (tmp_path / "data").exists()


def test_serves_the_site(shared):
    """The form and its parts are served with their types and under a strict policy."""
    for path, media_type in [("/", "text/html"), ("/main.mjs", "javascript"), ("/styles.css", "text/css")]:
        status, headers, body = shared.request(path)

        assert status == 200
        assert media_type in headers["Content-Type"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert body


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/%2e%2e/pyproject.toml", "/.lock", "/nothing", "/" + "x" * 5000]
)
def test_serves_nothing_else(shared, path):
    """What is not of the site is not there, however it is spelt."""
    status, headers, body = shared.request(path)

    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(body)["code"] == "not-found"


def test_answers_a_preflight(tmp_path):
    """A page of an allowed origin may ask and post; another may not."""
    origin = {"Origin": "https://events.example.org"}
    with serving(tmp_path, EVENT_REGISTRATION_ALLOWED_ORIGINS="https://events.example.org") as server:
        status, headers, _ = server.request(method="OPTIONS", headers=origin)
        foreign, _, _ = server.request(body=ADA, headers={"Origin": "https://evil.example"})

        assert (status, headers["Access-Control-Allow-Origin"]) == (204, "https://events.example.org")
        assert foreign == 403


def test_takes_posts_of_its_own_page(shared):
    """A browser on our own page sends our own origin and is served."""
    status, _, _ = shared.request(body=ADA, headers={"Origin": shared.url})

    assert status == 201


def test_refuses_a_huge_body(server):
    """A body over the limit is refused as a problem, and nothing is stored."""
    status, _, body = server.request(body=ADA | {"cname": "x" * 20_000})

    assert (status, json.loads(body)["code"]) == (413, "body-too-large")
    assert not _rows(server)


def test_shows_the_mailbox(server):
    """The mailbox lists each mail with its whole address and shows it, its HTML in a sandbox."""
    server.request(body=ADA | {"cname": "<script>alert(1)</script>", "eventname": "Fête & <b>"})
    server.mails()

    status, headers, page = server.request("/mailbox")
    (name,) = re.findall(r'href="/mailbox/([^"]+)"', page)
    _, _, mail = server.request(f"/mailbox/{name}")
    _, html_headers, html = server.request(f"/mailbox/{name}/html")
    _, raw_headers, raw = server.request(f"/mailbox/{name}/raw")

    assert (status, headers["Cache-Control"]) == (200, "no-store")
    assert "1 mail in the mailbox" in page
    assert "ada@example.org" in page
    assert "Fête &amp; &lt;b&gt;" in page
    assert "<iframe" in mail
    assert ' sandbox="allow-popups allow-popups-to-escape-sandbox" ' in mail
    assert "<script>" not in page + mail + html
    assert html_headers["Content-Security-Policy"].startswith("sandbox allow-popups ")
    assert "script" not in html_headers["Content-Security-Policy"]
    assert raw_headers["Content-Type"] == "message/rfc822"
    assert raw_headers["Cache-Control"] == "no-store"
    assert raw == server.mails()[0].read_text()


@pytest.mark.parametrize(
    "path", ["/mailbox/nothing", "/mailbox/..%2f.lock", "/mailbox/20260101T000000.000000Z-00000000.eml"]
)
def test_shows_no_other_file(shared, path):
    """The mailbox shows mails only."""
    status, _, _ = shared.request(path)

    assert status == 404


def test_shows_no_other_part(server):
    """A mail has no parts but its HTML and its file."""
    server.request(body=ADA)

    status, _, _ = server.request(f"/mailbox/{server.mails()[0].name}/other")

    assert status == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", "[::1", "[x]", ""]
)
def test_hides_the_mailbox_from_rebound_names(shared, host):
    """A name that was rebound to this address gets nothing of the mailbox."""
    shared.request(body=ADA)

    status, _, body = shared.request("/mailbox", headers={"Host": host})

    assert status == 403
    assert "ada" not in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:9", "127.0.0.2", "[::1]", "[::1]:8000"])
def test_shows_the_mailbox_under_its_own_names(shared, host):
    """Every name of this machine's own shows it."""
    status, _, _ = shared.request("/mailbox", headers={"Host": host})

    assert status == 200


def test_has_no_mailbox_page_for_strangers(tmp_path):
    """On an address that others can reach there is no mailbox, and the announcement says where the mails are."""
    with serving(tmp_path, "--host", "0.0.0.0") as server:
        server.url = server.url.replace("0.0.0.0", "127.0.0.1")
        server.request(body=ADA)

        status, _, _ = server.request("/mailbox")

        assert status == 404
        assert str(tmp_path / "mailbox") in server.announced
        assert len(server.mails()) == 1


@pytest.mark.parametrize("listeners", [{"effective_port": 9}, {"effective_listen": [("::1", 9), ("127.0.0.1", 10)]}])
def test_knows_the_port_of_one_socket_and_of_many(listeners):
    """A name with several addresses has several sockets; the first one's port is announced."""
    assert _port(SimpleNamespace(**listeners)) == 9


def test_writes_nothing_to_the_mailbox(shared):
    """The mailbox is for reading."""
    status, _, _ = shared.request("/mailbox", body={})

    assert status == 404


def test_logs_no_person(tmp_path):
    """The log has a line per post, with event and outcome, and nobody's name or address."""
    with serving(tmp_path) as server:
        server.request(body=ADA)
        server.request(body=ADA | {"cemail": "ada"})
        server.process.terminate()
        _, log = server.process.communicate(timeout=20)

    assert "201  devconf-2026  registered" in log
    assert "422  invalid-registration" in log
    assert "ada" not in log.lower()


def test_serves_the_languages(shared):
    """What the pages say in a language is beside them, as a module, not sent twice, and in their configuration."""
    _, _, config = shared.request("/config.mjs")
    status, headers, text = shared.request("/languages/ar.mjs")
    again, _, _ = shared.request("/languages/ar.mjs", headers={"If-None-Match": headers["ETag"]})
    unknown, _, _ = shared.request("/languages/..%2fwire.py")

    assert '"ar": "\\u0627' in config
    assert (status, headers["Content-Type"], again, unknown) == (200, "text/javascript; charset=utf-8", 304, 404)
    assert "Content-Security-Policy" in headers
    assert '"direction":"rtl"' in text
