"""A manage link in a real browser: how a registration stands, and how it is cancelled without asking anyone."""

import json
import re
import urllib.parse
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.unmeasured

QUESTIONS = {
    "type": "object",
    "properties": {
        "diet": {"type": "string", "title": "What do you eat?", "enum": ["Everything", "Vegan"]},
        "note": {"type": "string", "title": "ملاحظات", "maxLength": 500},
    },
}
ANSWERS = {"diet": "Vegan", "note": "غرفة هادئة\nشكرا"}


@pytest.fixture
def page(page):
    """Return the page, with a list of what it posts to."""
    page.posts = []
    page.on("request", lambda request: page.posts.append(request.url) if request.method == "POST" else None)
    return page


@pytest.fixture
def email(event_id):
    """Return an address of the test's own."""
    return _address(event_id)


def _address(event_id):
    return f"{event_id[-40:].strip('-')}@example.org"


def _registered(events, event_id, email, **fields):
    """Register somebody with answers for a new event, and return the link that they were mailed."""
    events.create(event_id, questions=QUESTIONS, **fields)
    return _register(events, event_id, email)


def _register(events, event_id, email, count=1):
    body = {"eventid": event_id, "cname": "نیلوفر علی‌زاده", "cemail": email, "answers": ANSWERS}
    status, _, _ = events.server.request(body=body)
    assert status == 201
    return events.link(email, count)


def _waiting(events, event_id, email, ahead=0):
    events.create(event_id, questions=QUESTIONS, capacity=1, waitlist=True)
    for number in range(ahead + 1):
        events.register(event_id, f"earlier-{number}")
    return _register(events, event_id, email)


def _status(events, event_id, email):
    (status,) = [status for _, address, status in events.rows(event_id) if address == email]
    return status


def _heading(page, name):
    return page.get_by_role("heading", name=name, exact=True)


def _button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def _paths(page):
    return [url.rpartition("/")[2] for url in page.posts]


def test_shows_the_registration(page, events, event_id, email):
    """The link that was mailed shows who is registered for what, when, where, and with which answers."""
    page.goto(_registered(events, event_id, email, venue="Festsaal"))

    expect(_heading(page, "You are registered")).to_be_visible()
    expect(_heading(page, "DevConf 2098")).to_be_visible()
    expect(page.locator(".state")).to_have_text("Confirmed")
    expect(page).to_have_title("DevConf 2098 – Event Registration")
    expect(page.get_by_role("status")).to_have_text("DevConf 2098: Confirmed. You are registered.")
    lines = [re.sub(r"\s+", " ", line) for line in page.locator("dd:visible").all_inner_texts()]
    assert lines[:6] == [
        "Sunday, 1 June 2098",
        "09:00–17:00, Berlin time",
        "Your time: 03:00–11:00 (New York)",
        "Festsaal",
        "نیلوفر علی‌زاده",
        "Vegan",
    ]
    expect(page.locator("dd").filter(has_text="غرفة")).to_have_text(ANSWERS["note"])
    assert _paths(page) == ["view"]


def test_takes_the_token_out_of_the_address(page, events, event_id, email):
    """Neither the address bar nor the history nor what the tab stores has the token, and no request's address has."""
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    link = _registered(events, event_id, email)
    token = urllib.parse.urlsplit(link).fragment

    page.goto(link)

    expect(_heading(page, "You are registered")).to_be_visible()
    expect(page).to_have_url(f"{events.server.url}/manage.html")
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, history.state, document.cookie])")
    assert json.loads(kept) == [{}, {}, None, ""]
    assert page.evaluate("history.length") <= 2
    assert [url for url in urls if token in url.partition("#")[0]] == []


def test_a_get_changes_nothing(events, event_id, email):
    """Whatever follows a link without running the page leaves the registration as it is."""
    link = _registered(events, event_id, email)

    answers = [events.server.request(f"/{path}")[0] for path in ("manage.html", "registrations/cancel")]

    assert link.startswith(f"{events.server.url}/manage.html#")
    assert answers == [200, 405]
    assert _status(events, event_id, email) == "confirmed"


def test_cancels_after_a_second_question(page, events, event_id, email):
    """The button asks once more; then the registration is cancelled, which the page says, with the way back."""
    page.goto(_registered(events, event_id, email))
    _button(page, "Cancel my registration").click()
    dialog = page.get_by_role("dialog", name="Cancel your registration?")
    expect(dialog).to_have_accessible_description(re.compile("Your seat can then go to somebody else"))
    expect(_button(page, "No, keep it")).to_be_focused()
    assert _paths(page) == ["view"]

    _button(page, "Yes, cancel it").click()

    expect(_heading(page, "Your registration is cancelled")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("DevConf 2098: Cancelled. Your registration is cancelled.")
    expect(_button(page, "Cancel my registration")).to_be_hidden()
    assert _paths(page) == ["view", "cancel"]
    assert _status(events, event_id, email) == "cancelled"
    page.get_by_role("link", name="Register again").click()
    expect(page).to_have_url(f"{events.server.url}/index.html?event={event_id}")
    expect(page.get_by_label("Your name")).to_be_visible()


def _press_no(page):
    _button(page, "No, keep it").click()


def _press_escape(page):
    page.keyboard.press("Escape")


@pytest.mark.parametrize("refrain", [_press_no, _press_escape], ids=["button", "escape"])
def test_who_thinks_again_keeps_it(page, events, event_id, email, refrain):
    """Saying no changes nothing, and leads back to where one was."""
    page.goto(_registered(events, event_id, email))
    _button(page, "Cancel my registration").click()

    refrain(page)

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(_button(page, "Cancel my registration")).to_be_focused()
    assert _paths(page) == ["view"]
    assert _status(events, event_id, email) == "confirmed"


def test_works_with_the_keyboard_alone(page, events, event_id, email):
    """Tab and Enter are enough, and the question that is asked once more can't be left by Tab."""
    page.goto(_registered(events, event_id, email))
    expect(_heading(page, "You are registered")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Language")).to_be_focused()
    page.keyboard.press("Tab")
    expect(_button(page, "Cancel my registration")).to_be_focused()

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(_button(page, "Yes, cancel it")).to_be_focused()
    page.keyboard.press("Enter")

    expect(_heading(page, "Your registration is cancelled")).to_be_focused()
    assert _status(events, event_id, email) == "cancelled"


@pytest.mark.parametrize("place", [(0, "You are next"), (2, "Number 3 in line")], ids=["next", "third"])
def test_tells_the_place_in_line(page, events, event_id, email, place):
    """Who waits is told how many are ahead."""
    ahead, words = place

    page.goto(_waiting(events, event_id, email, ahead))

    expect(_heading(page, words)).to_be_visible()
    expect(page.locator(".state")).to_have_text("Waiting list")


def test_leaves_the_waiting_list(page, events, event_id, email):
    """Who waits can stop waiting, and is told what that costs."""
    page.goto(_waiting(events, event_id, email))
    _button(page, "Leave the waiting list").click()
    dialog = page.get_by_role("dialog", name="Leave the waiting list?")
    expect(dialog).to_have_accessible_description(re.compile("start at the end"))

    _button(page, "Yes, leave it").click()

    expect(_heading(page, "Your registration is cancelled")).to_be_visible()
    page.get_by_role("link", name="Join the waiting list").click()
    expect(_heading(page, "All seats are taken")).to_be_visible()


def test_sees_the_seat_that_came_free(page, events, event_id, email):
    """Who looks at the page again after somebody ahead has cancelled has the seat."""
    page.goto(_waiting(events, event_id, email))
    expect(_heading(page, "You are next")).to_be_visible()
    events.organise("registrations", "cancel", event_id, "earlier-0@example.org", "--yes")
    expect.set_options(timeout=10_000)

    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(_heading(page, "You are registered")).to_be_visible()
    expect(_button(page, "Cancel my registration")).to_be_visible()


def test_a_seat_goes_to_who_waits(page, events, event_id, email):
    """Who finds all seats taken waits; somebody cancels by a mail's link; who waits is mailed and has the seat."""
    form = events.create(event_id, questions=QUESTIONS, capacity=1, waitlist=True)
    first = _register(events, event_id, f"first-{email}")
    page.goto(form)
    expect(_heading(page, "All seats are taken")).to_be_visible()
    page.get_by_label("Your name").fill("Grace Hopper")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Vegan").check()
    _button(page, "Join the waiting list").click()
    expect(_heading(page, "You are on the waiting list.")).to_be_visible()
    assert _status(events, event_id, email) == "waitlisted"
    # A mail that hasn't been sent yet would give way to the next one.
    assert len(events.mails(email)) == 1

    page.goto(first)
    _button(page, "Cancel my registration").click()
    _button(page, "Yes, cancel it").click()
    expect(_heading(page, "Your registration is cancelled")).to_be_visible()

    assert _status(events, event_id, email) == "confirmed"
    page.goto(events.link(email, count=2))
    expect(_heading(page, "You are registered")).to_be_visible()
    assert "Subject: You have a seat: DevConf 2098" in events.mails(email)[-1].read_text()


def test_an_old_link_tells_that_it_is_cancelled(page, events, event_id, email):
    """Whoever opens the link again after having cancelled sees that, and nothing to press."""
    link = _registered(events, event_id, email)
    token = urllib.parse.urlsplit(link).fragment
    assert events.server.request("/registrations/cancel", {"token": token})[0] == 200

    page.goto(link)

    expect(_heading(page, "Your registration is cancelled")).to_be_visible()
    assert page.locator("button:visible").count() == 0


def test_a_link_is_dead_once_its_person_has_come_back(page, events, event_id, email):
    """After a cancellation and a new registration the old mail's link works no more, and the new one's does."""
    old = _registered(events, event_id, email)
    assert events.server.request("/registrations/cancel", {"token": urllib.parse.urlsplit(old).fragment})[0] == 200
    new = _register(events, event_id, email, 2)

    page.goto(old)

    expect(_heading(page, "This link doesn't work")).to_be_visible()
    page.goto(new)
    expect(_heading(page, "You are registered")).to_be_visible()


def test_another_link_in_the_same_tab_is_followed(page, events, event_id, email):
    """A link that is opened over another one shows its own registration."""
    page.goto(_registered(events, event_id, email))
    expect(_heading(page, "DevConf 2098")).to_be_visible()

    page.goto(_registered(events, f"{event_id}-2", f"2{email}", event_name="PyDay"))

    expect(_heading(page, "PyDay")).to_be_visible()
    expect(page).to_have_url(f"{events.server.url}/manage.html")


def test_without_a_link_says_where_it_is(page, events):
    """The bare address asks nobody anything and tells where the link is."""
    page.goto(f"{events.server.url}/manage.html")

    expect(_heading(page, "Open the link in your mail")).to_be_visible()
    assert page.posts == []


def test_a_reload_says_how_to_come_back(page, events, event_id, email):
    """The token is kept nowhere, so that a reload leads to the mail."""
    page.goto(_registered(events, event_id, email))
    expect(_heading(page, "You are registered")).to_be_visible()

    page.reload()

    expect(_heading(page, "Open the link in your mail")).to_be_visible()
    expect(page.get_by_text("the link isn't kept on this device")).to_be_visible()


def test_a_wrong_link_says_so(page, events, event_id, email):
    """A link that was cut off is told apart from a service that can't be reached."""
    page.goto(_registered(events, event_id, email)[:-3])

    expect(_heading(page, "This link doesn't work")).to_be_visible()
    assert page.locator("button:visible").count() == 0


def test_a_service_without_links_says_the_same(page, server):
    """Where no event is set up there is no such link."""
    page.goto(f"{server.url}/manage.html#v1.k1.e30.{'a' * 43}")

    expect(_heading(page, "This link doesn't work")).to_be_visible()


UNREACHABLE = {
    "offline": (lambda route: route.abort(), "can't be reached"),
    "busy": (lambda route: route.fulfill(status=503, headers={"Retry-After": "5"}, json={}), "Please wait 5 seconds"),
}


@pytest.mark.parametrize("trouble", UNREACHABLE.values(), ids=UNREACHABLE)
def test_tries_again_to_show_it(page, events, event_id, email, trouble):
    """A service that can't be reached is said so; once it can, trying again shows the registration."""
    answer, sentence = trouble
    page.route("**/registrations/view", answer)
    page.goto(_registered(events, event_id, email))
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text(sentence)
    expect(page).to_have_title(re.compile("^Error: "))
    page.unroute("**/registrations/view")

    _button(page, "Try again").click()

    expect(_heading(page, "You are registered")).to_be_visible()
    expect(summary).to_be_hidden()


@pytest.mark.parametrize("trouble", UNREACHABLE.values(), ids=UNREACHABLE)
def test_tries_again_to_cancel(page, events, event_id, email, trouble):
    """A cancellation whose answer doesn't come may be tried again, which the page says."""
    answer, sentence = trouble
    page.route("**/registrations/cancel", answer)
    page.goto(_registered(events, event_id, email))
    _button(page, "Cancel my registration").click()
    _button(page, "Yes, cancel it").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text(sentence)
    expect(summary).to_contain_text("Trying again does no harm.")
    page.unroute("**/registrations/cancel")

    _button(page, "Try again").click()

    expect(_heading(page, "Your registration is cancelled")).to_be_focused()
    assert _status(events, event_id, email) == "cancelled"


def test_a_double_click_cancels_once(page, events, event_id, email):
    """However often one presses, one request goes out."""
    page.goto(_registered(events, event_id, email))
    _button(page, "Cancel my registration").dblclick()

    _button(page, "Yes, cancel it").dblclick()

    expect(_heading(page, "Your registration is cancelled")).to_be_visible()
    assert _paths(page) == ["view", "cancel"]


def test_does_not_wait_for_ever(page, events, event_id, email):
    """A server that never answers is given up."""
    page.clock.install()
    page.route("**/registrations/view", lambda _: None)
    page.goto(_registered(events, event_id, email))
    expect(page.get_by_role("status")).to_contain_text("Loading your registration")

    page.clock.fast_forward(60_000)

    expect(page.get_by_role("alert")).to_contain_text("took too long")


def test_an_event_that_was_called_off_says_so(page, events, event_id, email):
    """There is nothing to cancel any more, and nothing to do."""
    link = _registered(events, event_id, email)
    events.call_off(event_id)
    page.goto(link)
    page.clock.install()

    # The service knows an event that has just been changed as it was, for some seconds.
    for _ in range(20):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(500)
        if page.get_by_text("This event has been cancelled.").is_visible():
            break

    expect(page.get_by_text("This event has been cancelled.")).to_be_visible()
    expect(_button(page, "Cancel my registration")).to_be_hidden()


def test_an_event_that_is_over_says_so(page, events, event_id, email):
    """After the event there is nothing to cancel."""
    page.clock.install(time=datetime(2098, 6, 2, tzinfo=UTC))

    page.goto(_registered(events, event_id, email))

    expect(page.get_by_text("This event is over.")).to_be_visible()
    assert page.locator("button:visible").count() == 0


def test_texts_keep_their_direction(page, events, event_id, email):
    """What is written from right to left is, and turns nothing else around."""
    page.goto(_registered(events, event_id, email, event_name="مؤتمر المطورين (2098)"))

    for text in ("مؤتمر المطورين (2098)", "نیلوفر علی‌زاده", "ملاحظات", "غرفة هادئة"):
        node = page.locator("bdi:visible").filter(has_text=text)
        assert node.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert page.locator("dd").first.evaluate("node => getComputedStyle(node).direction") == "ltr"


def test_prints_what_is_to_be_known(page, events, event_id, email):
    """On paper there is the whole registration, and nothing to press."""
    page.goto(_registered(events, event_id, email, venue="Festsaal"))
    expect(_heading(page, "You are registered")).to_be_visible()

    page.emulate_media(media="print")

    for text in ("Festsaal", "نیلوفر علی‌زاده", "Vegan"):
        expect(page.get_by_text(text)).to_be_visible()
    assert page.locator("button:visible").count() == 0


def _show_confirmed(page, events, event_id):
    page.goto(
        _registered(
            events, event_id, _address(event_id), event_name="W" * 100, venue="https://example.org/" + "w" * 180
        )
    )
    expect(_heading(page, "You are registered")).to_be_visible()


def _show_question(page, events, event_id):
    _show_confirmed(page, events, event_id)
    _button(page, "Cancel my registration").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def _show_waitlisted(page, events, event_id):
    page.goto(_waiting(events, event_id, _address(event_id)))
    expect(_heading(page, "You are next")).to_be_visible()


def _show_cancelled(page, events, event_id):
    page.goto(_registered(events, event_id, _address(event_id)))
    _button(page, "Cancel my registration").click()
    _button(page, "Yes, cancel it").click()
    expect(_heading(page, "Your registration is cancelled")).to_be_visible()


def _show_no_link(page, events, _):
    page.goto(f"{events.server.url}/manage.html")
    expect(_heading(page, "Open the link in your mail")).to_be_visible()


def _show_invalid(page, events, _):
    page.goto(f"{events.server.url}/manage.html#wrong")
    expect(_heading(page, "This link doesn't work")).to_be_visible()


def _show_unavailable(page, events, _):
    page.route("**/registrations/view", lambda route: route.abort())
    page.goto(f"{events.server.url}/manage.html#any")
    expect(page.get_by_role("alert")).to_be_visible()


def _show_loading(page, events, _):
    page.route("**/registrations/view", lambda _: None)
    page.goto(f"{events.server.url}/manage.html#any")
    expect(page.get_by_role("status")).to_contain_text("Loading your registration")


STATES = {
    "confirmed": _show_confirmed,
    "question": _show_question,
    "waitlisted": _show_waitlisted,
    "cancelled": _show_cancelled,
    "no-link": _show_no_link,
    "invalid": _show_invalid,
    "unavailable": _show_unavailable,
    "loading": _show_loading,
}


@pytest.mark.parametrize("show", STATES.values(), ids=STATES)
def test_everyone_can_use_it(page, events, event_id, obstacles, show):
    """Valid HTML, no violation found by axe-core in any colours, and nothing too wide for a phone or at 200 %."""
    show(page, events, event_id)

    assert obstacles(page) == []
