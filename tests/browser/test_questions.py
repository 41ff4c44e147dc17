"""An event's questions in a real browser: asked of everybody, kept while they are answered, and sent as answered."""

import json
import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.unmeasured

QUESTIONS = {
    "type": "object",
    "properties": {
        "company": {"type": "string", "title": "Company", "maxLength": 100},
        "goal": {
            "type": "string",
            "title": "What would you like to learn?",
            "description": "A sentence is enough.",
            "maxLength": 500,
        },
        "companion": {"type": "string", "format": "email", "title": "Your companion's address"},
        "site": {"type": "string", "format": "uri", "title": "Your project's page"},
        "arrival": {"type": "string", "format": "date", "title": "Day of arrival"},
        "hour": {"type": "string", "format": "time", "title": "Time of arrival"},
        "code": {"type": "string", "title": "Ticket code", "maxLength": 8, "pattern": "^[A-Z]{3}-[0-9]{4}$"},
        "years": {"type": "integer", "title": "Years with Python", "minimum": 0, "maximum": 60},
        "height": {"type": "number", "title": "Height in metres"},
        "diet": {"type": "string", "title": "What do you eat?", "enum": ["Everything", "Vegetarian", "Vegan"]},
        "shirt": {"type": "string", "title": "T-shirt", "enum": ["XS", "S", "M", "L", "XL", "XXL"]},
        "hotel": {"type": "boolean", "title": "Do you need a hotel room?"},
        "days": {
            "type": "array",
            "title": "Days",
            "items": {"type": "string", "enum": ["Friday", "Saturday", "Sunday"]},
            "maxItems": 2,
        },
        "agree": {"type": "boolean", "const": True, "title": "I agree to the code of conduct"},
    },
    "required": ["hotel", "agree"],
    "if": {"properties": {"hotel": {"const": True}}, "required": ["hotel"]},
    "then": {
        "properties": {
            "nights": {"type": "integer", "title": "Nights", "minimum": 1, "maximum": 7},
            "wish": {"type": "string", "title": "ملاحظات للفندق", "maxLength": 300},
        },
        "required": ["nights", "arrival"],
    },
}
SHORT = {"type": "object", "properties": {"diet": {"type": "string", "title": "Diet", "maxLength": 50}}}


def _open(page, events, event_id, questions=QUESTIONS, **fields):
    """Show the page of a new event, and return the bodies that it posts."""
    bodies = []
    page.on("request", lambda request: bodies.append(request.post_data_json) if request.method == "POST" else None)
    page.goto(events.create(event_id, questions=questions, **fields))
    expect(page.get_by_label("Your name")).to_be_visible()
    return bodies


def _fill(page, email="ada@example.org"):
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill(email)


def _answer_what_is_required(page):
    page.get_by_role("radiogroup", name="Do you need a hotel room?").get_by_label("No", exact=True).check()
    page.get_by_label("I agree to the code of conduct").check()


def _submit(page):
    page.get_by_role("button", name="Register", exact=True).click()


def _expect_success(page):
    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()


def test_asks_with_native_controls(page, events, event_id):
    """Every kind of question has the control that browsers and assistive technology know, with its name."""
    _open(page, events, event_id)

    expect(page.get_by_role("textbox", name="Company")).to_have_attribute("autocomplete", "organization")
    goal = page.get_by_role("textbox", name="What would you like to learn?")
    assert goal.evaluate("node => node.localName") == "textarea"
    expect(goal).to_have_accessible_description("A sentence is enough. At most 500 characters.")
    expect(page.get_by_role("textbox", name="Your companion's address")).to_have_attribute("inputmode", "email")
    expect(page.get_by_role("textbox", name="Your project's page")).to_have_attribute("inputmode", "url")
    expect(page.get_by_label("Day of arrival")).to_have_attribute("type", "date")
    expect(page.get_by_label("Time of arrival")).to_have_attribute("type", "time")
    expect(page.get_by_role("textbox", name="Years with Python")).to_have_attribute("inputmode", "numeric")
    radios = page.get_by_role("radiogroup", name="What do you eat?").get_by_role("radio")
    expect(radios).to_have_count(4)
    expect(page.get_by_role("combobox", name="T-shirt").get_by_role("option")).to_have_count(7)
    expect(page.get_by_role("group", name="Days").get_by_role("checkbox")).to_have_count(3)
    expect(page.get_by_role("checkbox", name="I agree to the code of conduct")).to_have_attribute(
        "aria-required", "true"
    )
    assert page.locator("[placeholder]").count() == 0


def test_marks_what_may_be_left_out(page, events, event_id):
    """Whatever isn't required says so in words, and nothing else does."""
    _open(page, events, event_id)

    names = page.locator("#questions :is(label, legend):has(> .optional)")
    texts = [re.sub(r"\s+", " ", text) for text in names.filter(visible=True).all_inner_texts()]
    required = ["Do you need a hotel room?", "I agree to the code of conduct"]
    assert [text for text in texts if not text.endswith("(optional)")] == required
    assert len(texts) == len(QUESTIONS["properties"])


def test_registers_with_answers(page, events, event_id):
    """What is answered is sent and stored in normal form and in the questions' order, nothing else."""
    bodies = _open(page, events, event_id)
    _fill(page)
    page.get_by_label("I agree to the code of conduct").check()
    page.get_by_label("Sunday").check()
    page.get_by_label("Friday").check()
    page.get_by_label("No", exact=True).check()
    page.get_by_label("T-shirt").select_option("M")
    page.get_by_label("Vegan").check()
    page.get_by_label("Height in metres").fill("1.65")
    page.get_by_label("Years with Python").fill(" 7 ")
    page.get_by_label("Ticket code").fill("ABC-1234")
    page.get_by_label("Time of arrival").fill("09:30")
    page.get_by_label("Day of arrival").fill("2098-05-31")
    page.get_by_label("Your project's page").fill("https://example.org/engine")
    page.get_by_label("Your companion's address").fill("charles@MÜNCHEN.example")
    page.get_by_label("What would you like to learn?").fill(" One.\nTwo. ")
    page.get_by_label("Company").fill(" Analytical   Engines ")

    _submit(page)

    _expect_success(page)
    answers = {
        "company": "Analytical Engines",
        "goal": "One.\nTwo.",
        "companion": "charles@xn--mnchen-3ya.example",
        "site": "https://example.org/engine",
        "arrival": "2098-05-31",
        "hour": "09:30",
        "code": "ABC-1234",
        "years": 7,
        "height": 1.65,
        "diet": "Vegan",
        "shirt": "M",
        "hotel": False,
        "days": ["Friday", "Sunday"],
        "agree": True,
    }
    assert [list(body["answers"].items()) for body in bodies] == [list(answers.items())]
    assert events.answers(event_id) == [answers]


def test_what_is_left_out_is_not_sent(page, events, event_id):
    """Optional questions may stay as they are."""
    bodies = _open(page, events, event_id)
    _fill(page)
    _answer_what_is_required(page)

    _submit(page)

    _expect_success(page)
    assert [body["answers"] for body in bodies] == [{"hotel": False, "agree": True}]


def test_an_answer_can_be_taken_back(page, events, event_id):
    """Radio buttons and lists have a line for no answer where none is needed, and none where one is."""
    bodies = _open(page, events, event_id)
    _fill(page)
    _answer_what_is_required(page)
    diet = page.get_by_role("radiogroup", name="What do you eat?")
    diet.get_by_label("Vegan").check()
    page.get_by_label("T-shirt").select_option("M")

    diet.get_by_label("No answer").check()
    page.get_by_label("T-shirt").select_option("No answer")
    _submit(page)

    _expect_success(page)
    assert [body["answers"] for body in bodies] == [{"hotel": False, "agree": True}]
    hotel = page.get_by_role("radiogroup", name="Do you need a hotel room?", include_hidden=True)
    expect(hotel.get_by_role("radio", include_hidden=True)).to_have_count(2)


def test_what_depends_on_an_answer_comes_and_goes(page, events, event_id):
    """Questions that an answer brings are there at once, said to who doesn't see them, and gone with the answer."""
    _open(page, events, event_id)
    nights = page.get_by_label("Nights")
    expect(nights).to_be_hidden()

    page.get_by_label("Yes", exact=True).check()

    expect(nights).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("2 questions added: Nights, ملاحظات للفندق")
    expect(page.get_by_label("Day of arrival")).to_have_attribute("aria-required", "true")
    expect(page.locator("label[for='answers.arrival'] .optional")).to_be_hidden()
    expect(page.get_by_label("Yes", exact=True)).to_be_focused()
    page.get_by_label("No", exact=True).check()
    expect(nights).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("2 questions removed.")
    expect(page.locator("label[for='answers.arrival'] .optional")).to_be_visible()


def test_what_is_hidden_is_neither_checked_nor_sent(page, events, event_id):
    """What was typed in a question that isn't asked any more is no obstacle; asked again, it is still there."""
    bodies = _open(page, events, event_id)
    _fill(page)
    page.get_by_label("I agree to the code of conduct").check()
    page.get_by_label("Yes", exact=True).check()
    page.get_by_label("Nights").fill("many")
    _submit(page)
    expect(page.get_by_role("alert").get_by_role("link", name="Nights: Enter a number.")).to_be_visible()

    page.get_by_label("No", exact=True).check()

    expect(page.get_by_role("alert").get_by_role("link", name="Nights: Enter a number.")).to_be_hidden()
    page.get_by_label("Yes", exact=True).check()
    expect(page.get_by_label("Nights")).to_have_value("many")
    page.get_by_label("No", exact=True).check()
    _submit(page)
    _expect_success(page)
    assert [body["answers"] for body in bodies] == [{"hotel": False, "agree": True}]


WRONG = {
    "companion": ("Your companion's address: Enter one address", "Your companion's address"),
    "site": ("Your project's page: Enter a link", "Your project's page"),
    "code": ("Ticket code: Write this in the form", "Ticket code"),
    "years": ("Years with Python: Enter a smaller number.", "Years with Python"),
    "height": ("Height in metres: Enter a number.", "Height in metres"),
    "hotel": ("Do you need a hotel room? This is required.", "Yes"),
    "days": ("Days: Choose fewer options.", "Friday"),
    "agree": ("I agree to the code of conduct: Tick this box", "I agree to the code of conduct"),
}


def _answer_wrongly(page):
    _fill(page)
    page.get_by_label("Your companion's address").fill("nobody")
    page.get_by_label("Your project's page").fill("javascript:alert(1)")
    page.get_by_label("Ticket code").fill("abc")
    page.get_by_label("Years with Python").fill("61")
    page.get_by_label("Height in metres").fill("1,65")
    for day in ("Friday", "Saturday", "Sunday"):
        page.get_by_label(day).check()
    _submit(page)
    expect(page.get_by_role("alert")).to_be_focused()


def test_refuses_before_sending(page, events, event_id):
    """Every wrong answer is listed in the form's order, leads to its control and is explained there."""
    bodies = _open(page, events, event_id)

    _answer_wrongly(page)

    links = page.get_by_role("alert").get_by_role("link")
    expect(links).to_have_text([re.compile(f"^{re.escape(text)}") for text, _ in WRONG.values()])
    for index, (name, (text, label)) in enumerate(WRONG.items()):
        links.nth(index).click()
        control = page.get_by_label(label)
        expect(control).to_be_focused()
        sentence = re.compile(re.escape(re.split(r"[:?] ", text)[1]))
        owner = (
            control if control.get_attribute("type") == "text" or name == "agree" else control.locator("xpath=../..")
        )
        expect(owner).to_have_accessible_description(sentence)
        invalid = control if name != "hotel" else owner
        expect(invalid).to_have_attribute("aria-invalid", "true")
    assert bodies == []


def test_a_date_that_is_typed_in_part_is_no_answer_left_out(page, events, event_id):
    """Half a date is refused, though the browser tells no value of it."""
    _open(page, events, event_id)
    _fill(page)
    _answer_what_is_required(page)
    page.get_by_label("Day of arrival").focus()
    page.keyboard.type("31")

    _submit(page)

    expect(page.get_by_role("alert").get_by_role("link")).to_have_text([re.compile("^Day of arrival: Enter a day")])


def test_shows_what_the_server_refuses(page, events, event_id):
    """An answer that only the server finds wrong is shown at its question."""
    problem = {"code": "invalid-registration", "title": "No", "detail": "See the errors.", "status": 422}
    errors = [{"field": "answers.diet", "code": "text-too-long", "message": "Shorten this: it is too long."}]
    page.route("**/registrations", lambda route: route.fulfill(status=422, json=problem | {"errors": errors}))
    _open(page, events, event_id, SHORT)
    _fill(page)

    _submit(page)

    page.get_by_role("link", name="Diet: Shorten this: it is too long.").click()
    expect(page.get_by_label("Diet")).to_be_focused()


def test_works_with_the_keyboard_alone(page, events, event_id):
    """Tab, letters, arrows, Space and Enter are enough to answer every kind of question."""
    bodies = _open(page, events, event_id)
    page.get_by_label("Your name").focus()

    def type_all(*texts):
        for text in texts:
            page.keyboard.type(text)
            page.keyboard.press("Tab")

    type_all("Ada Lovelace", "keys@example.org", "Engines", "Poetry", "charles@example.org", "https://example.org/")
    # Whether day or month comes first, and whether there is an a.m., is for the browser to say.
    page.keyboard.type("05052098")
    expect(page.get_by_label("Day of arrival")).to_have_value("2098-05-05")
    page.get_by_label("Time of arrival").focus()
    page.keyboard.type("0930a")
    page.get_by_label("Ticket code").focus()
    type_all("ABC-1234", "7", "1.65")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("M")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    type_all("2", "هادئة")
    page.keyboard.press("Enter")

    _expect_success(page)
    assert [body["answers"] for body in bodies] == [
        {
            "company": "Engines",
            "goal": "Poetry",
            "companion": "charles@example.org",
            "site": "https://example.org/",
            "arrival": "2098-05-05",
            "hour": "09:30",
            "code": "ABC-1234",
            "years": 7,
            "height": 1.65,
            "diet": "Vegetarian",
            "shirt": "M",
            "hotel": True,
            "days": ["Friday"],
            "agree": True,
            "nights": 2,
            "wish": "هادئة",
        }
    ]


def test_the_next_person_starts_anew(page, events, event_id):
    """Who registers after somebody else finds none of their answers."""
    bodies = _open(page, events, event_id, SHORT)
    _fill(page, "one@example.org")
    page.get_by_label("Diet").fill("Vegan")
    _submit(page)

    page.get_by_role("button", name="Register someone else").click()

    expect(page.get_by_label("Diet")).to_have_value("")
    _fill(page, "two@example.org")
    _submit(page)
    _expect_success(page)
    assert [body["answers"] for body in bodies] == [{"diet": "Vegan"}, {}]


def _type_a_draft(page):
    _fill(page)
    page.get_by_label("Yes", exact=True).check()
    page.get_by_label("Nights").fill("3")
    page.get_by_label("Saturday").check()
    page.get_by_label("What would you like to learn?").fill("One.\nTwo.")


def test_keeps_what_is_typed_over_a_reload(page, events, event_id):
    """Whoever reloads the page finds everything as it was, the questions that an answer has brought among it."""
    _open(page, events, event_id)
    _type_a_draft(page)

    page.reload()

    expect(page.get_by_label("Nights")).to_have_value("3")
    expect(page.get_by_label("Your name")).to_have_value("Ada Lovelace")
    expect(page.get_by_label("Yes", exact=True)).to_be_checked()
    expect(page.get_by_label("Saturday")).to_be_checked()
    expect(page.get_by_label("Friday")).not_to_be_checked()
    expect(page.get_by_label("What would you like to learn?")).to_have_value("One.\nTwo.")


def test_keeps_a_draft_in_its_tab_and_for_its_event(page, events, event_id):
    """Another event's page, and the same page in another tab, are empty."""
    _open(page, events, event_id)
    _type_a_draft(page)
    address = page.url

    with page.context.new_page() as other:
        other.goto(address)
        expect(other.get_by_label("Your name")).to_have_value("")
    page.goto(events.create(f"{event_id}-other", questions=QUESTIONS))
    expect(page.get_by_label("Your name")).to_have_value("")
    page.goto(address)

    expect(page.get_by_label("Nights")).to_have_value("3")
    assert page.evaluate("localStorage.length") == 0


def test_a_draft_is_gone_once_it_is_sent(page, events, event_id):
    """Nothing that was typed is left in the tab after a registration."""
    _open(page, events, event_id)
    _type_a_draft(page)
    page.get_by_label("Day of arrival").fill("2098-05-31")
    page.get_by_label("I agree to the code of conduct").check()

    _submit(page)

    _expect_success(page)
    assert page.evaluate("sessionStorage.length") == 0
    page.reload()
    expect(page.get_by_label("Your name")).to_have_value("")


def _look_away(page, *, away):
    page.evaluate("away => { globalThis.isAway = away; document.dispatchEvent(new Event('visibilitychange')); }", away)


@pytest.fixture
def watched(page):
    """Return a page whose reader can look away, with a clock of its own and a list of its looks at the card."""
    page.add_init_script(
        "Object.defineProperty(document, 'visibilityState', {get: () => globalThis.isAway ? 'hidden' : 'visible'})"
    )
    page.clock.install(time=datetime(2098, 5, 1, 7, tzinfo=UTC))
    page.looks = []
    page.on("response", lambda response: page.looks.append(response.url) if "/events/" in response.url else None)
    return page


def test_looks_again_when_the_reader_does(watched, events, event_id):
    """Who comes back to the page sees the event as it is, and what they have typed."""
    _open(watched, events, event_id, SHORT, capacity=1, waitlist=True)
    watched.get_by_label("Diet").fill("Vegan")
    _look_away(watched, away=True)
    events.register(event_id)

    _look_away(watched, away=False)

    expect(watched.locator(".state")).to_have_text("Waiting list")
    expect(watched.get_by_role("status")).to_have_text("DevConf 2098: Waiting list")
    expect(watched.get_by_label("Diet")).to_have_value("Vegan")
    expect(watched.get_by_label("Diet")).to_be_focused()


def test_looks_about_once_a_minute_while_somebody_does(watched, events, event_id):
    """A page in sight follows the event; one that is out of sight asks nobody."""
    _open(watched, events, event_id, SHORT, capacity=1, waitlist=True)
    watched.get_by_label("Diet").fill("Vegan")
    events.register(event_id)

    watched.clock.run_for(64_000)

    expect(watched.locator(".state")).to_have_text("Waiting list")
    expect(watched.get_by_label("Diet")).to_have_value("Vegan")
    seen = len(watched.looks)
    assert seen == 2
    _look_away(watched, away=True)
    watched.clock.run_for(600_000)
    assert len(watched.looks) == seen


def test_looks_when_registration_closes(watched, events, event_id):
    """The form is gone a moment after registration has closed."""
    closes_at = datetime(2098, 5, 1, 7, 0, 30, tzinfo=UTC)
    _open(watched, events, event_id, SHORT, closes_at=closes_at)
    _, _, card = events.server.request(f"/events/{event_id}")
    watched.route("**/events/*", lambda route: route.fulfill(json=json.loads(card) | {"state": "closed"}))

    watched.clock.run_for(34_000)

    expect(watched.get_by_role("heading", name="Registration has closed")).to_be_visible()
    expect(watched.get_by_label("Diet")).to_be_hidden()


def test_a_look_in_vain_changes_nothing(watched, events, event_id):
    """Who loses the connection keeps the form as it is, and the page looks again later."""
    _open(watched, events, event_id, SHORT)
    watched.get_by_label("Diet").fill("Vegan")
    watched.route("**/events/*", lambda route: route.abort())

    for _ in range(2):
        with watched.expect_event("requestfailed"):
            watched.clock.run_for(64_000)
        watched.wait_for_timeout(100)

    expect(watched.get_by_role("alert")).to_be_hidden()
    expect(watched.get_by_label("Diet")).to_have_value("Vegan")


def test_other_questions_keep_the_answers_of_those_that_stay(watched, events, event_id):
    """When the organiser changes the questions the form follows, and what stays keeps its answer."""
    _open(watched, events, event_id, SHORT)
    watched.get_by_label("Diet").fill("Vegan")
    _, _, text = events.server.request(f"/events/{event_id}")
    card = json.loads(text)
    card["questions"]["properties"] = {"room": {"type": "boolean", "title": "Room"}} | SHORT["properties"]
    watched.route("**/events/*", lambda route: route.fulfill(json=card))

    watched.clock.run_for(64_000)

    expect(watched.get_by_role("radiogroup", name="Room")).to_be_visible()
    expect(watched.get_by_label("Diet")).to_have_value("Vegan")
    expect(watched.get_by_label("Diet")).to_be_focused()


def test_nothing_comes_between_a_person_and_the_outcome(watched, events, event_id):
    """Once somebody has registered the page doesn't look at the event any more."""
    _open(watched, events, event_id, SHORT)
    _fill(watched)
    _submit(watched)
    _expect_success(watched)
    seen = len(watched.looks)

    watched.clock.run_for(300_000)
    _look_away(watched, away=False)

    expect(watched).to_have_title(re.compile("^Registration successful!"))
    assert len(watched.looks) == seen


def test_questions_keep_their_direction(page, events, event_id):
    """A title and an answer that are written from right to left are, and turn nothing else around."""
    _open(page, events, event_id)
    page.get_by_label("Yes", exact=True).check()

    wish = page.get_by_label("ملاحظات للفندق")
    wish.fill("غرفة هادئة")

    for node in (page.locator("label[for='answers.wish'] bdi"), wish):
        assert node.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert page.locator("label[for='answers.wish']").evaluate("node => getComputedStyle(node).direction") == "ltr"
    assert page.get_by_label("Company").evaluate("node => getComputedStyle(node).direction") == "ltr"


def test_prints_what_is_to_be_known(page, events, event_id):
    """On paper there is what became of the registration, when and where, and nothing to press."""
    _open(page, events, event_id, SHORT, venue="Festsaal")
    _fill(page)
    _submit(page)
    _expect_success(page)

    page.emulate_media(media="print")

    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    expect(page.get_by_text("Festsaal").last).to_be_visible()
    assert page.locator("button:visible").count() == 0


def _show_questions(page, events, event_id):
    _open(page, events, event_id)


def _show_all_questions(page, events, event_id):
    _open(page, events, event_id)
    page.get_by_label("Yes", exact=True).check()
    expect(page.get_by_label("Nights")).to_be_visible()


def _show_errors(page, events, event_id):
    _open(page, events, event_id)
    _answer_wrongly(page)


def _show_long_words(page, events, event_id):
    word = "Wort" * 30
    option = {"type": "string", "enum": [f"{word}{index}" for index in range(6)]}
    properties = {
        "line": {"type": "string", "maxLength": 100, "title": word, "description": word * 2},
        "few": {"type": "string", "enum": option["enum"][:3], "title": word},
        "many": {**option, "title": word},
        "several": {"type": "array", "items": option, "title": word},
        "agree": {"type": "boolean", "const": True, "title": word, "description": word},
    }
    _open(page, events, event_id, {"type": "object", "properties": properties, "required": list(properties)})
    _submit(page)
    expect(page.get_by_role("alert")).to_be_visible()


STATES = {
    "questions": _show_questions,
    "all-questions": _show_all_questions,
    "errors": _show_errors,
    "long-words": _show_long_words,
}


@pytest.mark.parametrize("show", STATES.values(), ids=STATES)
def test_everyone_can_use_it(page, events, event_id, obstacles, show):
    """Valid HTML, no violation found by axe-core in any colours, and nothing too wide for a phone or at 200 %."""
    show(page, events, event_id)

    assert obstacles(page) == []


def test_moves_nothing_for_who_wants_no_motion(page, events, event_id):
    """With reduced motion nothing is animated."""
    page.emulate_media(reduced_motion="reduce")

    _open(page, events, event_id, SHORT)

    submit = page.get_by_role("button", name="Register", exact=True)
    assert submit.evaluate("node => parseFloat(getComputedStyle(node).transitionDuration)") < 0.001
