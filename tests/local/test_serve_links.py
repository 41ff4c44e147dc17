"""A server whose mails have links, seen from outside: what follows them by itself changes nothing."""

import json
import re
import stat
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from serving import ADA, serving

from event_registration.local import SQLiteEventRepository
from event_registration.testing import make_event

BOB = ADA | {"cname": "Bob", "cemail": "bob@example.org"}
_START = datetime.now(UTC) + timedelta(days=30)


@pytest.fixture
def full(tmp_path):
    """Return the folder of an event with one seat."""
    repository = SQLiteEventRepository(tmp_path / "registrations.db")
    repository.create_event(
        make_event(capacity=1, waitlist=True, starts_at=_START, ends_at=_START + timedelta(hours=8))
    )
    repository.close()
    return tmp_path


def _links(server, mails=1):
    """Return every address in any part of any mail, the oldest first, once there are so many *mails*."""
    parts = (
        part.get_content()
        for file in server.mails(mails)
        for part in message_from_bytes(file.read_bytes(), policy=policy.default).walk()
        if part.get_content_maintype() == "text"
    )
    return [link for text in parts for link in re.findall(r"https?://[^\s\"<>]+", text)]


def _token(link):
    return {"token": link.partition("#")[2]}


def _rows(data):
    repository = SQLiteEventRepository(data / "registrations.db")
    rows = {each.attendee_name: each.status.value for each in repository.list("devconf-2026")}
    repository.close()
    return rows


def test_scanners_change_nothing(full):
    """Every link of every mail leads to the page, and fetching each twice, by GET and HEAD, changes nothing."""
    with serving(full) as server:
        for person in (ADA, BOB):
            server.request(body=person)
        links = _links(server, 2)
        before, mails = _rows(full), len(server.mails())

        answers = [
            server.request(link.removeprefix(server.url), method=method)[0]
            for link in links
            for method in ("GET", "HEAD") * 2
        ]
        answers += [
            server.request(f"/registrations/{action}", method=method)[0]
            for action in ("view", "cancel")
            for method in ("GET", "HEAD")
        ]

        assert len(links) == 4  # the text and the HTML of two mails
        assert all(link.startswith(f"{server.url}/manage.html#v1.k1.") for link in links)
        assert answers == [200] * 16 + [405] * 4
        assert _rows(full) == before == {"Ada Lovelace": "confirmed", "Bob": "waitlisted"}
        assert len(server.mails()) == mails


def test_a_link_cancels_and_the_next_person_is_told(full):
    """Who follows the link in the mail sees the registration and cancels it; who waited gets a mail with a link."""
    with serving(full) as server:
        server.request(body=ADA)
        ada = _token(_links(server)[0])
        server.request(body=BOB)

        shown = json.loads(server.request("/registrations/view", body=ada)[2])
        cancelled = json.loads(server.request("/registrations/cancel", body=ada)[2])

        assert (shown["status"], shown["cname"], cancelled["status"]) == ("confirmed", "Ada Lovelace", "cancelled")
        assert _rows(full) == {"Ada Lovelace": "cancelled", "Bob": "confirmed"}
        bob = json.loads(server.request("/registrations/view", body=_token(_links(server, 4)[-1]))[2])
        assert (bob["status"], bob["cname"]) == ("confirmed", "Bob")


def test_links_outlive_the_server(full):
    """The keys are in a file that only its owner may read, made at the first start; a new server reads old links."""
    with serving(full) as server:
        keys = full / "link-keys.json"
        assert stat.S_IMODE(keys.stat().st_mode) == 0o600
        made = keys.read_text()
        server.request(body=ADA)
        (link, _) = _links(server)

    with serving(full) as server:
        assert json.loads(server.request("/registrations/view", body=_token(link))[2])["cname"] == "Ada Lovelace"
        assert keys.read_text() == made


def test_says_that_its_keys_are_damaged(full):
    """A server whose keys can't be read doesn't start, and says so without a word of them."""
    (full / "link-keys.json").write_text('{"current": "k1", "k1": "too-short"}')

    with pytest.raises(RuntimeError, match="keys of manage links is damaged") as caught, serving(full):
        pass

    assert "too-short" not in str(caught.value)


def test_the_page_s_address_may_be_told(full):
    """Behind a proxy the links have the address that people use."""
    with serving(full, EVENT_REGISTRATION_MANAGE_URL="https://events.example.org/manage.html") as server:
        server.request(body=ADA)

        assert all(link.startswith("https://events.example.org/manage.html#v1.") for link in _links(server))


def test_the_mailbox_opens_the_link(full):
    """The mailbox shows the link of a mail's text as one that can be followed, in a tab of its own."""
    with serving(full) as server:
        server.request(body=ADA)
        (link, _) = _links(server)

        page = server.request(f"/mailbox/{server.mails()[0].name}")[2]

        assert f'<a href="{link}" target="_blank" rel="noopener noreferrer">{link}</a>' in page
