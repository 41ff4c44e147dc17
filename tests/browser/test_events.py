"""An event's page in a real browser against a real, managed server: its card, its door, and what becomes of people."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from eventsite import STARTS
from icalendar import Calendar
from playwright.sync_api import expect

pytestmark = pytest.mark.unmeasured

PAST = datetime(2020, 1, 1, tzinfo=UTC)


def _fill(page, name="Ada Lovelace", email="ada@example.org"):
    page.get_by_label("Your name").fill(name)
    page.get_by_label("E-mail address").fill(email)


def _heading(page, name):
    return page.get_by_role("heading", name=name, exact=True)


def _button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def _lines(page):
    return [re.sub(r"\s+", " ", line) for line in page.locator("dd:visible").all_inner_texts()]


def test_shows_the_card(page, events, event_id):
    """The page of an open event says what, when on both clocks and where, and asks for name and address alone."""
    page.goto(events.create(event_id, venue="Festsaal, Am Flutgraben 2"))

    expect(_heading(page, "DevConf 2098")).to_be_visible()
    expect(page).to_have_title("DevConf 2098 – Event Registration")
    expect(page.get_by_role("status")).to_have_text("DevConf 2098: Registration open")
    assert _lines(page) == [
        "Sunday, 1 June 2098",
        "09:00–17:00, Berlin time",
        "Your time: 03:00–11:00 (New York)",
        "Festsaal, Am Flutgraben 2",
    ]
    assert page.locator("time:visible").nth(1).get_attribute("datetime") == "2098-06-01T07:00:00Z"
    assert [field.get_attribute("name") for field in page.locator("input:visible").all()] == ["cname", "cemail"]


def test_registers_with_a_seat(page, events, event_id):
    """Who gets a seat is told when and where, stored as confirmed and mailed."""
    page.goto(events.create(event_id, capacity=1, venue="Festsaal"))
    _fill(page, email="seat@example.org")

    _button(page, "Register").click()

    expect(_heading(page, "Registration successful!")).to_be_visible()
    expect(page.locator(".tick")).to_be_visible()
    assert _lines(page)[:2] == ["Sunday, 1 June 2098", "09:00–17:00, Berlin time"]
    assert events.rows(event_id) == [("Ada Lovelace", "seat@example.org", "confirmed")]
    assert len(events.mails("seat@example.org")) == 1


def test_offers_the_event_for_the_calendar(page, events, event_id):
    """Who gets a seat can keep the event as a file for calendar programs, with the event's facts and nobody's name."""
    page.goto(events.create(event_id, venue="Festsaal, Saal 2"))
    _fill(page, email="calendar@example.org")
    _button(page, "Register").click()

    with page.expect_download() as download:
        page.get_by_role("link", name="Add to your calendar").click()

    content = download.value.path().read_bytes()
    assert download.value.suggested_filename == "event.ics"
    calendar = Calendar.from_ical(content)
    (event,) = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event["UID"]) == ("PUBLISH", f"{event_id}@127.0.0.1")
    assert (event["SUMMARY"], event["LOCATION"]) == ("DevConf 2098", "Festsaal, Saal 2")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (STARTS, STARTS + timedelta(hours=8))
    assert not re.search(rb"Ada|example|http", content)


def test_joins_the_waiting_list(page, events, event_id):
    """Where all seats are taken the page says so before and after, and nothing looks like a seat."""
    address = events.create(event_id, capacity=1, waitlist=True)
    events.register(event_id)
    page.goto(address)
    expect(_heading(page, "All seats are taken")).to_be_visible()
    _fill(page, email="waits@example.org")

    _button(page, "Join the waiting list").click()

    expect(_heading(page, "You are on the waiting list.")).to_be_visible()
    expect(page.get_by_text("We write to waits@example.org when a seat becomes free.")).to_be_visible()
    expect(page.locator(".tick")).to_be_hidden()
    expect(page.locator(".clock")).to_be_visible()
    expect(page.get_by_role("link", name="Add to your calendar")).to_be_hidden()
    assert ("Ada Lovelace", "waits@example.org", "waitlisted") in events.rows(event_id)


def test_sees_the_promotion(page, events, event_id):
    """Once the organiser cancels for who has the seat, who waits gets it: the page says so and the mailbox does."""
    address = events.create(event_id, capacity=1, waitlist=True)
    events.register(event_id, "leaves")
    page.goto(address)
    _fill(page, email="promoted@example.org")
    _button(page, "Join the waiting list").click()
    expect(_heading(page, "You are on the waiting list.")).to_be_visible()
    # A mail that hasn't been sent yet would give way to the next one.
    assert len(events.mails("promoted@example.org")) == 1

    events.organise("registrations", "cancel", event_id, "leaves@example.org", "--yes")

    page.goto(address)
    _fill(page, email="promoted@example.org")
    page.locator("#submit").click()
    expect(_heading(page, "Registration successful!")).to_be_visible()
    assert len(events.mails("promoted@example.org", 2)) == 2
    page.goto(f"{events.server.url}/mailbox")
    expect(page.get_by_role("listitem").filter(has_text="promoted@example.org")).to_have_count(2)
    assert ("Ada Lovelace", "promoted@example.org", "confirmed") in events.rows(event_id)


def _full(events, event_id):
    address = events.create(event_id, capacity=1)
    events.register(event_id)
    return address


def _not_open_yet(events, event_id):
    return events.create(event_id, opens_at=datetime(2098, 5, 1, 8, tzinfo=UTC))


def _closed(events, event_id):
    return events.create(event_id, closes_at=PAST)


def _cancelled(events, event_id):
    address = events.create(event_id)
    events.call_off(event_id)
    return address


SHUT = {
    "full": (_full, "Fully booked", "There is no waiting list."),
    "not-open-yet": (_not_open_yet, "Not open yet", "It opens on Thursday, 1 May 2098 at 10:00, Berlin time."),
    "closed": (_closed, "Registration closed", "It closed on Wednesday, 1 January 2020 at 01:00, Berlin time."),
    "cancelled": (_cancelled, "Cancelled", "It won't take place"),
}


@pytest.mark.parametrize("shut", SHUT.values(), ids=SHUT)
def test_says_why_nobody_can_register(page, events, event_id, shut):
    """An event that takes nobody now says so, to who sees it and to who doesn't, and has no form."""
    make, badge, sentence = shut

    page.goto(make(events, event_id))

    expect(page.get_by_role("status")).to_have_text(f"DevConf 2098: {badge}")
    expect(page.locator(".state")).to_have_text(badge)
    expect(page.locator(".notice")).to_contain_text(sentence)
    assert page.locator("input:visible").count() == 0


def test_opens_before_the_readers_eyes(page, events, event_id):
    """Who waits at the door sees the form when registration opens."""
    page.clock.install(time=datetime(2098, 5, 1, 7, tzinfo=UTC))
    page.goto(_not_open_yet(events, event_id))
    expect(_heading(page, "Registration isn't open yet")).to_be_visible()
    _button(page, "Check again").click()
    expect(page.get_by_text("Nothing has changed yet.")).to_be_visible()
    _, _, card = events.server.request(f"/events/{event_id}")
    page.route("**/events/*", lambda route: route.fulfill(json=json.loads(card) | {"state": "open"}))

    page.clock.fast_forward("01:00:05")

    expect(page.get_by_label("Your name")).to_be_visible()
    expect(_heading(page, "DevConf 2098")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("DevConf 2098: Registration open")


def test_an_unknown_event_leads_to_a_known_one(page, events, event_id):
    """A wrong id is said clearly and can be corrected."""
    events.create(event_id)
    page.goto(f"{events.server.url}/?event=mistyped")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("There is no event with this id.")
    expect(page).to_have_title(re.compile("^Error: "))
    field = page.get_by_label("Event id")
    expect(field).to_have_value("mistyped")

    field.fill(event_id)
    _button(page, "Continue").click()

    expect(_heading(page, "DevConf 2098")).to_be_visible()
    expect(page).to_have_url(f"{events.server.url}/?event={event_id}")


def test_works_with_the_keyboard_alone(page, events, event_id):
    """From the bare address to a registration: Tab, Enter and the event's id are enough."""
    events.create(event_id)
    page.goto(events.server.url)
    expect(_heading(page, "Register for an event")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Language")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("no id")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Event id")).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(event_id)
    page.keyboard.press("Enter")
    expect(_heading(page, "DevConf 2098")).to_be_visible()

    page.keyboard.press("Tab")
    for text in ("Ada Lovelace", "keys@example.org"):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")

    expect(_heading(page, "Registration successful!")).to_be_visible()
    assert [status for _, _, status in events.rows(event_id)] == ["confirmed"]


def test_follows_when_the_last_seat_goes(page, events, event_id):
    """Who is a moment late is told so by the server's sentence, and the page shows the event as it is now."""
    page.goto(events.create(event_id, capacity=1))
    expect(_button(page, "Register")).to_be_visible()
    events.register(event_id)
    _fill(page, email="late@example.org")

    _button(page, "Register").click()

    expect(page.locator(".state")).to_have_text("Fully booked")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("All seats of this event are taken.")
    expect(page.get_by_label("Your name")).to_be_hidden()
    assert len(events.rows(event_id)) == 1


def test_the_next_person_sees_the_event_as_it_is(page, events, event_id):
    """After the last seat went the next person is offered the waiting list, with the same event."""
    page.goto(events.create(event_id, capacity=1, waitlist=True))
    _fill(page, email="one@example.org")
    _button(page, "Register").click()

    _button(page, "Register someone else").click()

    expect(page.get_by_label("Your name")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("DevConf 2098: Waiting list")
    _fill(page, "Grace Hopper", "two@example.org")
    _button(page, "Join the waiting list").click()
    expect(_heading(page, "You are on the waiting list.")).to_be_visible()
    assert sorted(status for _, _, status in events.rows(event_id)) == ["confirmed", "waitlisted"]


def test_the_next_person_is_told_that_nothing_is_left(page, events, event_id):
    """Without a waiting list the form goes, and the focus with it to the event's name."""
    page.goto(events.create(event_id, capacity=1))
    _fill(page, email="last@example.org")
    _button(page, "Register").click()

    _button(page, "Register someone else").click()

    expect(_heading(page, "All seats are taken")).to_be_visible()
    expect(_heading(page, "DevConf 2098")).to_be_focused()


def test_an_answer_that_comes_late_says_nothing(page, events, event_id):
    """A card that was asked for before the next registration doesn't come between the person and its outcome."""
    page.goto(events.create(event_id))
    _fill(page, email="early@example.org")
    _button(page, "Register").click()
    held = []

    def hold(route):
        held.append(route)

    page.route("**/events/*", hold)
    _button(page, "Register someone else").click()
    _fill(page, "Grace Hopper", "later@example.org")
    _button(page, "Register").click()
    expect(_heading(page, "Registration successful!")).to_be_visible()

    with page.expect_response("**/events/*") as response:
        held[0].continue_()
    response.value.finished()

    expect(page).to_have_title(re.compile("^Registration successful!"))


UNREACHABLE = {
    "offline": (lambda route: route.abort(), "can't be reached"),
    "busy": (lambda route: route.fulfill(status=503, headers={"Retry-After": "5"}, json={}), "Please wait 5 seconds"),
}


@pytest.mark.parametrize("trouble", UNREACHABLE.values(), ids=UNREACHABLE)
def test_tries_again_to_load_the_card(page, events, event_id, trouble):
    """A card that can't be loaded is said so; once it can be, trying again shows it and takes the reader there."""
    answer, sentence = trouble
    page.route("**/events/*", answer)
    page.goto(events.create(event_id))
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text(sentence)
    page.unroute("**/events/*")

    _button(page, "Try again").click()

    expect(_heading(page, "DevConf 2098")).to_be_focused()
    expect(summary).to_be_hidden()
    expect(page).to_have_title("DevConf 2098 – Event Registration")


def test_does_not_wait_for_ever_for_the_card(page, events, event_id):
    """A server that never answers is given up."""
    page.clock.install()
    page.route("**/events/*", lambda _: None)
    page.goto(events.create(event_id))
    expect(page.get_by_role("status")).to_contain_text("Loading the event")

    page.clock.fast_forward(60_000)

    expect(page.get_by_role("alert")).to_contain_text("took too long")
    expect(_button(page, "Try again")).to_be_visible()


def test_a_service_without_a_catalogue_has_the_plain_form(page, events):
    """A page that was told of a catalogue which isn't there asks for everything, with the event filled in."""
    problem = {"code": "not-found", "status": 404, "title": "Not found", "detail": "", "errors": []}
    page.route("**/events/*", lambda route: route.fulfill(status=404, json=problem))

    page.goto(f"{events.server.url}/?event=anything")

    expect(page.get_by_label("Event id")).to_have_value("anything")
    expect(page.get_by_label("Event name")).to_be_visible()
    expect(page.get_by_label("Your name")).to_be_visible()


def test_an_address_as_venue_is_a_link(page, events, event_id):
    """Where an event is online, its page opens in a tab of its own that knows nothing of this one."""
    address = "https://meet.example.org/devconf"

    page.goto(events.create(event_id, venue=address))

    link = page.get_by_role("link", name=address)
    expect(link).to_have_attribute("href", address)
    expect(link).to_have_attribute("rel", re.compile("noopener"))


def test_names_keep_their_direction(page, events, event_id):
    """A name and a venue that are written from right to left are, and turn nothing else around."""
    page.goto(events.create(event_id, event_name="مؤتمر المطورين (2098)", venue="קפה נוח, תל אביב"))

    name = page.locator("h1:visible bdi")
    expect(name).to_have_text("مؤتمر المطورين (2098)")
    for each in (name, page.locator("dd bdi")):
        assert each.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert page.locator("dd").first.evaluate("node => getComputedStyle(node).direction") == "ltr"


def _show_choice(page, events, _):
    page.goto(events.server.url)
    expect(page.get_by_label("Event id")).to_be_visible()


def _show_unknown(page, events, _):
    page.goto(f"{events.server.url}/?event=mistyped")
    expect(page.get_by_role("alert")).to_be_visible()


def _show_unreachable(page, events, event_id):
    page.route("**/events/*", lambda route: route.abort())
    page.goto(events.create(event_id))
    expect(page.get_by_role("alert")).to_be_visible()


def _show_open(page, events, event_id):
    page.goto(events.create(event_id, event_name="W" * 100, venue="https://example.org/" + "w" * 180))
    expect(_button(page, "Register")).to_be_visible()


def _show_waitlist(page, events, event_id):
    week = {"ends_at": STARTS + timedelta(days=7), "closes_at": STARTS - timedelta(hours=33)}
    zone = "America/Argentina/ComodRivadavia"
    address = events.create(event_id, capacity=1, waitlist=True, venue="Wort" * 50, time_zone=zone, **week)
    events.register(event_id)
    page.goto(address)
    expect(_button(page, "Join the waiting list")).to_be_visible()


def _show_late(page, events, event_id):
    page.goto(events.create(event_id, capacity=1))
    expect(_button(page, "Register")).to_be_visible()
    events.register(event_id)
    _fill(page)
    _button(page, "Register").click()
    expect(page.locator(".state")).to_have_text("Fully booked")


def _show_confirmed(page, events, event_id):
    page.goto(events.create(event_id, venue="Wort" * 50))
    _fill(page, "W" * 100, f"{'w' * 64}@{'w' * 63}.example")
    _button(page, "Register").click()
    expect(_heading(page, "Registration successful!")).to_be_visible()


def _show_waitlisted(page, events, event_id):
    address = events.create(event_id, event_name="W" * 100, capacity=1, waitlist=True)
    events.register(event_id)
    page.goto(address)
    _fill(page, "W" * 100, f"{'w' * 64}@{'w' * 63}.example")
    _button(page, "Join the waiting list").click()
    expect(_heading(page, "You are on the waiting list.")).to_be_visible()


def _show_mail(page, events, event_id):
    page.goto(events.create(event_id))
    events.register(event_id, name="attached")
    (mail,) = events.mails("attached@example.org")
    page.goto(f"{events.server.url}/mailbox/{mail.name}")
    expect(page.get_by_role("link", name="event.ics")).to_be_visible()


def _showing(make):
    def show(page, events, event_id):
        page.goto(make(events, event_id))
        expect(page.locator(".notice")).to_be_visible()

    return show


STATES = {
    "choice": _show_choice,
    "unknown": _show_unknown,
    "unreachable": _show_unreachable,
    "open": _show_open,
    "waitlist": _show_waitlist,
    **{name: _showing(make) for name, (make, *_) in SHUT.items()},
    "late": _show_late,
    "confirmed": _show_confirmed,
    "waitlisted": _show_waitlisted,
    "mail": _show_mail,
}


@pytest.mark.parametrize("show", STATES.values(), ids=STATES)
def test_everyone_can_use_it(page, events, event_id, obstacles, show):
    """Valid HTML, no violation found by axe-core in any colours, and nothing too wide for a phone or at 200 %."""
    show(page, events, event_id)

    assert obstacles(page) == []
