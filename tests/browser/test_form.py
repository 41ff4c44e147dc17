"""The form in a real browser against a real server: what a person sees, and what is stored and mailed."""

import re
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browsing import violations
from playwright.sync_api import expect
from serving import serving

from event_registration.assets import site_files

pytestmark = pytest.mark.unmeasured


def _rows(server, event_id):
    connection = sqlite3.connect(server.data / "registrations.db")
    query = "SELECT cname, cemail, eventname FROM registration WHERE eventid = ?"
    rows = connection.execute(query, [event_id]).fetchall()
    connection.close()
    return rows


def _fill(page, event_id, name="Ada Lovelace", email="ada@example.org"):
    page.get_by_label("Your name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Event id").fill(event_id)
    page.get_by_label("Event name").fill("DevConf 2026")


def _submit(page):
    page.get_by_role("button", name="Register", exact=True).click()


def test_registers(page, server, event_id):
    """A person with a name in another script fills in the form, is told, stored once and mailed once."""
    page.goto(server.url)
    _fill(page, event_id, "نیلوفر علی‌زاده", " Nilufar@MÜNCHEN.example ")

    _submit(page)

    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    assert _rows(server, event_id) == [("نیلوفر علی‌زاده", "Nilufar@xn--mnchen-3ya.example", "DevConf 2026")]
    assert len(server.mails(to="Nilufar@xn--mnchen-3ya.example")) == 1


def test_finds_the_mail_in_the_mailbox(page, server, event_id):
    """The mail is in the mailbox and shows the person's name, inside a frame that runs nothing."""
    page.goto(server.url)
    _fill(page, event_id, "山田 太郎", "taro@example.org")
    _submit(page)
    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()

    assert len(server.mails(to="taro@example.org")) == 1
    page.goto(f"{server.url}/mailbox")
    page.get_by_role("listitem").filter(has_text="taro@example.org").get_by_role("link").click()

    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("山田 太郎")).to_be_visible()
    expect(frame.get_by_role("heading", name="You are registered")).to_be_visible()


def test_refuses_before_sending(page, server, event_id):
    """What is wrong is listed at the top, focused and linked to its fields, and nothing is sent."""
    requests = []
    page.on("request", lambda request: requests.append(request.url) if request.method == "POST" else None)
    page.goto(server.url)
    _fill(page, event_id, name="", email="ada@localhost")

    _submit(page)

    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(page).to_have_title(re.compile("^Error: "))
    expect(summary.get_by_role("link")).to_have_count(2)
    summary.get_by_role("link").nth(1).click()
    email = page.get_by_label("E-mail address")
    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(email).to_have_accessible_description(re.compile(r"name@example\.org"))
    assert requests == []
    assert _rows(server, event_id) == []


def test_corrects_and_registers(page, server, event_id):
    """After a refusal the typed data is still there; corrected, it is registered."""
    page.goto(server.url)
    _fill(page, event_id, email="ada(at)example.org")
    _submit(page)
    expect(page.get_by_role("alert")).to_be_visible()

    page.get_by_label("E-mail address").fill("correct@example.org")
    _submit(page)

    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    assert [row[0] for row in _rows(server, event_id)] == ["Ada Lovelace"]


def test_shows_what_the_server_refuses(page, tmp_path):
    """A refusal that only the server knows is shown with its sentence."""
    with serving(tmp_path, measured=False, EVENT_REGISTRATION_EVENT_IDS="other") as server:
        page.goto(server.url)
        _fill(page, "devconf-2026")

        _submit(page)

        expect(page.get_by_role("alert")).to_contain_text("There is no event with this id.")
        assert _rows(server, "devconf-2026") == []


def test_a_double_click_registers_once(page, server, event_id):
    """A double click sends one request and leaves one row and one mail."""
    requests = []
    page.on("request", lambda request: requests.append(request.url) if request.method == "POST" else None)
    page.goto(server.url)
    _fill(page, event_id, email="double@example.org")

    page.get_by_role("button", name="Register", exact=True).dblclick()

    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    assert len(requests) == len(_rows(server, event_id)) == len(server.mails(to="double@example.org")) == 1


def test_a_second_visit_registers_once(page, server, event_id):
    """Whoever registers again with the same details sees the same, and one row and one mail are left."""
    for _ in range(2):
        page.goto(server.url)
        _fill(page, event_id, email="twice@example.org")
        _submit(page)
        expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()

    assert len(_rows(server, event_id)) == len(server.mails(to="twice@example.org")) == 1


def test_survives_a_server_that_is_down(page, tmp_path):
    """When the server is down the page says so and keeps what was typed; trying again registers once."""
    with serving(tmp_path, measured=False) as server:
        page.goto(server.url)
        port = server.url.rpartition(":")[2]
    _fill(page, "devconf-2026")
    _submit(page)
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("register you twice")
    expect(page.get_by_label("Your name")).to_have_value("Ada Lovelace")

    with serving(tmp_path, "--port", port, measured=False) as server:
        page.get_by_role("button", name="Try again").click()

        expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
        assert len(_rows(server, "devconf-2026")) == len(server.mails()) == 1


class _Silent(BaseHTTPRequestHandler):
    """Serves the site and never answers a post."""

    def do_GET(self):
        """Send a file of the site."""
        key = self.path.partition("?")[0].lstrip("/") or "index.html"
        (file,) = [file for file in site_files("", managed=False) if file.key == key]
        self.send_response(200)
        self.send_header("Content-Type", file.content_type)
        self.end_headers()
        self.wfile.write(file.body)

    def do_POST(self):
        """Hang until the test is over."""
        self.server.over.wait(60)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def silent_url():
    """Return the URL of a server that takes posts and never answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Silent)
    server.over = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_does_not_wait_for_ever(page, silent_url):
    """A server that never answers is given up, with a sentence that says trying again is safe."""
    page.clock.install()
    page.goto(silent_url)
    _fill(page, "devconf-2026")
    _submit(page)
    expect(page.get_by_role("status")).to_contain_text("Sending")

    page.clock.fast_forward(60_000)

    expect(page.get_by_role("alert")).to_contain_text("register you twice")


def test_prefills_the_event(page, server, event_id):
    """A link with the event's id and name leaves name and address to fill in, and registers."""
    page.goto(f"{server.url}/?eventid={event_id}&eventname=F%C3%AAte%20du%20lac")
    expect(page.get_by_role("heading", name="Fête du lac")).to_be_visible()
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill("prefilled@example.org")

    _submit(page)

    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    assert _rows(server, event_id) == [("Ada Lovelace", "prefilled@example.org", "Fête du lac")]


def test_asks_for_no_card_where_any_event_is_taken(page, server, event_id):
    """Without a catalogue a link that names an event fills in its id, and nobody asks the server about it."""
    urls = []
    page.on("request", lambda request: urls.append(request.url))

    page.goto(f"{server.url}/?event={event_id}")

    expect(page.get_by_label("Event id")).to_have_value(event_id)
    expect(page.get_by_label("Event name")).to_be_visible()
    assert [url for url in urls if "/events/" in url] == []


def test_registers_the_next_person(page, server, event_id):
    """After a success the next person registers for the same event without typing it again."""
    page.goto(server.url)
    _fill(page, event_id, email="one@example.org")
    _submit(page)
    page.get_by_role("button", name="Register someone else").click()
    page.get_by_label("Your name").fill("Grace Hopper")
    page.get_by_label("E-mail address").fill("two@example.org")

    _submit(page)

    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    assert sorted(row[1] for row in _rows(server, event_id)) == ["one@example.org", "two@example.org"]


def test_works_with_the_keyboard_alone(page, server, event_id):
    """Tab and Enter are enough to register."""
    page.goto(server.url)
    page.get_by_label("Your name").focus()
    for text in ("Ada Lovelace", "keys@example.org", event_id, "DevConf 2026"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")

    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    assert len(_rows(server, event_id)) == 1


def _show_form(page, server):
    page.goto(server.url)


def _show_prefilled(page, server):
    page.goto(f"{server.url}/?eventid=devconf-2026&eventname={'Wort' * 25}")


def _show_errors(page, server):
    page.goto(server.url)
    _fill(page, "dev conf", "www.evil.example", "a" * 300)
    _submit(page)
    expect(page.get_by_role("alert")).to_be_visible()


def _show_unavailable(page, server):
    page.route("**/registrations", lambda route: route.abort())
    page.goto(server.url)
    _fill(page, "devconf-2026")
    _submit(page)
    expect(page.get_by_role("alert")).to_be_visible()


def _show_success(page, server):
    page.goto(server.url)
    _fill(page, "devconf-2026", "W" * 100, f"{'w' * 64}@{'w' * 63}.example")
    _submit(page)
    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()


def _show_mailbox(page, server):
    _show_success(page, server)
    assert server.mails() != []
    page.goto(f"{server.url}/mailbox")


def _show_mail(page, server):
    _show_mailbox(page, server)
    page.get_by_role("listitem").last.get_by_role("link").click()
    expect(page.frame_locator("iframe").get_by_role("heading")).to_be_visible()


STATES = {
    "form": _show_form,
    "prefilled": _show_prefilled,
    "errors": _show_errors,
    "unavailable": _show_unavailable,
    "success": _show_success,
    "mailbox": _show_mailbox,
    "mail": _show_mail,
}


@pytest.mark.parametrize("show", STATES.values(), ids=STATES)
def test_everyone_can_use_it(page, server, obstacles, show):
    """Valid HTML, no violation found by axe-core in any colours, and nothing too wide for a phone or at 200 %."""
    show(page, server)

    assert obstacles(page) == []


def test_axe_finds_a_violation(page, axe):
    """The control: a page without language, title or labels is found out."""
    page.set_content("<input>")

    assert "label" in [rule for rule, _ in violations(page, axe)]
