"""Both pages in every language: what people see and do, what is said, and changing it without losing anything."""

import json
import re
from datetime import UTC, datetime

import pytest
from browsing import violations, watched_page
from eventsite import STARTS
from playwright.sync_api import expect

from event_registration.language_files import OURS

pytestmark = pytest.mark.unmeasured

LANGUAGES = {path.stem: json.loads(path.read_text("utf-8")) for path in OURS.glob("*.json")}
OTHERS = sorted(LANGUAGES.keys() - {"en"})
QUESTIONS = {
    "type": "object",
    "properties": {
        "hotel": {"type": "boolean", "title": "Hôtel ?"},
        "size": {"type": "string", "title": "T-shirt", "enum": ["XS", "S", "M", "L", "XL", "XXL"]},
        "share": {"type": "number", "title": "Part", "minimum": 0.5, "maximum": 10},
        "days": {
            "type": "array",
            "title": "Jours",
            "items": {"enum": ["Lu", "Ma", "Me"], "type": "string"},
            "maxItems": 2,
        },
        "wish": {"type": "string", "title": "Envie", "maxLength": 500},
        "accord": {"type": "boolean", "const": True, "title": "D'accord"},
    },
    "required": ["hotel", "accord"],
}
# Of every element that can be seen, and of every text in it: neither is anybody's name nor any other text of theirs.
_SAID = """() => {
  const walker = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
  const texts = [document.title, document.querySelector("meta[name=description]").content];
  while (walker.nextNode()) {
    const { parentElement, data } = walker.currentNode;
    if (data.trim() && !parentElement.closest("[hidden], script, noscript")) texts.push(data.trim());
  }
  return texts;
}"""


def _texts(topic):
    if isinstance(topic, str):
        yield topic
        return
    for each in topic.values():
        yield from _texts(each)


def _untranslated(code):
    """Return a pattern of what English says and *code* says otherwise."""
    ours = set(_texts(LANGUAGES[code]["site"]))
    english = [re.split(r"\{[a-z]+\}", text) for text in _texts(LANGUAGES["en"]["site"]) if text not in ours]
    # Whole, with anything in its placeholders; or its parts, where those are elements of their own. Signs are no words.
    wholes = {".+".join(map(re.escape, parts)) for parts in english}
    pieces = {re.escape(part.strip()) for parts in english for part in parts if len(part.strip()) > 2}
    return re.compile("|".join(wholes | pieces))


class Reader:
    """
    Somebody who reads a language, looking at the pages.

    Args:
        page: A page of their browser.
        code: The language.
        axe: The source of axe-core.
    """

    def __init__(self, page, code, axe):
        self.page = page
        self.code = code
        self.axe = axe
        self.english = None if code == "en" else _untranslated(code)

    def text(self, key, **values):
        """Return what the language says for a key."""
        text = LANGUAGES[self.code]["site"]
        for name in key.split("."):
            text = text[name]
        return text.format(**values)

    def heading(self, key):
        """Return the heading that says a text."""
        return self.page.get_by_role("heading", name=self.text(key), exact=True)

    def press(self, key):
        """Press the button that says a text."""
        self.page.get_by_role("button", name=self.text(key), exact=True).click()

    def looks(self):
        """Look at the page as it is: it is in the language, can be used by anybody, and fits a phone."""
        root = self.page.locator("html")
        expect(root).to_have_attribute("lang", self.code)
        expect(root).to_have_attribute("dir", LANGUAGES[self.code]["direction"])
        said = self.page.evaluate(_SAID)
        assert [text for text in said if self.english and self.english.fullmatch(text)] == []
        assert violations(self.page, self.axe) == []
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.fixture
def reader(request, browser, axe):
    """Return a reader of a language, with a phone, in New York."""
    phone = {"viewport": {"width": 320, "height": 800}, "timezone_id": "America/New_York", "bypass_csp": True}
    with watched_page(browser, locale=request.param, **phone) as page:
        yield Reader(page, request.param, axe)


@pytest.mark.parametrize("reader", sorted(LANGUAGES), indirect=True)
def test_a_reader_registers_and_cancels(reader, events, event_id):
    """In each language: refused by page and server, registered in it, looked at and cancelled by the link."""
    page, email = reader.page, f"{event_id[-30:].strip('-')}@example.org"
    address = events.create(event_id, questions=QUESTIONS, closes_at=STARTS.replace(day=1, hour=1), venue="Festsaal")
    bodies = []
    page.on("request", lambda request: bodies.append(request.post_data_json) if request.method == "POST" else None)

    page.goto(events.server.url)
    page.get_by_label(reader.text("form.eventid")).fill("no id")
    reader.press("form.continue")
    expect(page.get_by_role("alert")).to_contain_text(reader.text("problems.fields.invalid-event-id"))
    reader.looks()

    page.goto(address)
    reader.press("form.register")
    expect(page.get_by_role("alert")).to_contain_text(reader.text("problems.answers.must-be-ticked"))
    reader.looks()

    page.get_by_label(reader.text("form.cname")).fill("Ada Lovelace")
    page.get_by_label(reader.text("form.cemail")).fill(email)
    page.get_by_label(reader.text("questions.yes"), exact=True).check()
    page.get_by_label("D'accord").check()
    share = page.evaluate("locale => (1.5).toLocaleString(locale)", reader.code)
    page.get_by_label("Part").fill(share)
    refusal = {"status": 409, "code": "event-full", "title": "No", "detail": "In English.", "errors": []}
    page.route("**/registrations", lambda route: route.fulfill(status=409, json=refusal), times=1)
    reader.press("form.register")
    expect(page.get_by_role("alert")).to_have_text(re.compile(re.escape(reader.text("problems.refusals.event-full"))))
    reader.looks()

    reader.press("form.register")
    expect(reader.heading("success.confirmed.heading")).to_be_visible()
    expect(page.locator("#success-text")).to_have_text(reader.text("success.confirmed.text", address=email))
    reader.looks()
    assert [body["locale"] for body in bodies] == [reader.code] * 2
    assert events.answers(event_id) == [{"hotel": True, "share": 1.5, "accord": True}]

    link = events.link(email)
    assert f"/manage.html?lang={reader.code}#" in link
    page.goto(link)
    expect(reader.heading("manage.confirmed.heading")).to_be_visible()
    expect(page.locator("#details")).to_contain_text(reader.text("questions.yes"))
    reader.looks()
    reader.press("manage.confirmed.cancel")
    expect(page.get_by_role("dialog", name=reader.text("manage.confirmed.question"))).to_be_visible()
    reader.looks()
    reader.press("manage.confirmed.yes")
    expect(reader.heading("manage.cancelled.heading")).to_be_focused()
    reader.looks()
    expect(page.get_by_role("link", name=reader.text("manage.again.open.link"))).to_be_visible()


@pytest.mark.parametrize("reader", OTHERS, indirect=True)
def test_a_reader_sees_every_state(reader, events, event_id):
    """In each other language: what one meets at a closed door, on the waiting list, and where there is nothing."""
    page, past = reader.page, datetime(2020, 1, 1, tzinfo=UTC)
    doors = {
        "full": {"capacity": 1},
        "waitlist": {"capacity": 1, "waitlist": True},
        "not-open-yet": {"opens_at": datetime(2098, 5, 1, 8, tzinfo=UTC)},
        "closed": {"closes_at": past},
        "cancelled": {},
    }

    for state, fields in doors.items():
        name = f"{event_id}-{state}"
        address = events.create(name, **fields)
        if "capacity" in fields:
            events.register(name)
        if state == "cancelled":
            events.call_off(name)
        page.goto(address)
        expect(reader.heading(f"states.{state}.heading")).to_be_visible()
        expect(page.get_by_role("status")).to_have_text(
            reader.text("announcement", event="DevConf 2098", state=reader.text(f"states.{state}.badge"))
        )
        reader.looks()

    name, email = f"{event_id}-waitlist", f"{event_id[-30:].strip('-')}@example.org"
    page.goto(f"{events.server.url}/?event={name}")
    page.get_by_label(reader.text("form.cname")).fill("Ada Lovelace")
    page.get_by_label(reader.text("form.cemail")).fill(email)
    reader.press("states.waitlist.button")
    expect(reader.heading("success.waitlisted.heading")).to_be_visible()
    reader.looks()
    page.goto(events.link(email))
    expect(reader.heading("manage.waitlisted.next")).to_be_visible()
    reader.press("manage.waitlisted.cancel")
    reader.looks()
    page.goto(f"{events.server.url}/manage.html")
    expect(reader.heading("manage.no-link.heading")).to_be_visible()
    reader.looks()
    page.route("**/registrations/view", lambda route: route.abort())
    page.goto(f"{events.server.url}/manage.html#any")
    expect(page.get_by_role("alert")).to_contain_text(reader.text("problems.offline"))
    reader.looks()


@pytest.mark.parametrize(
    ("locale", "search", "expected"),
    [("de-AT", "", "de"), ("fr-CA", "", "en"), ("en-GB", "?lang=ar", "ar"), ("ar-EG", "?lang=tlh", "ar")],
)
def test_speaks_to_whoever_comes(browser, events, locale, search, expected):
    """A page is in the language of its address, or of the browser; where there is neither, in English."""
    with watched_page(browser, locale=locale) as page:
        page.goto(f"{events.server.url}/{search}")

        expect(page.locator("html")).to_have_attribute("lang", expected)
        expect(page.locator("#language")).to_have_value(expected)
        expect(page.locator("#submit")).to_have_text(LANGUAGES[expected]["site"]["form"]["continue"])


def test_dates_are_the_readers_own(browser, events, event_id):
    """Dates are in the page's language, and of its readers' own kind: January is Jänner in Austria."""
    address = events.create(
        event_id, starts_at=datetime(2098, 1, 1, 8, tzinfo=UTC), ends_at=datetime(2098, 1, 1, 9, tzinfo=UTC)
    )
    with watched_page(browser, locale="de-AT", timezone_id="Europe/Vienna") as page:
        page.goto(address)

        expect(page.locator("dd").first).to_have_text("Mittwoch, 1. Jänner 2098")


def _choose(page, code):
    page.locator("#language").select_option(code)
    expect(page.locator("html")).to_have_attribute("lang", code)


def test_another_language_takes_nothing_away(page, events, event_id):
    """All that is typed, chosen and said is there in the other language, and the choice is remembered."""
    page.goto(events.create(event_id, questions=QUESTIONS))
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill("ada(at)example.org")
    page.get_by_label("T-shirt").select_option("XL")
    page.get_by_label("Envie").fill("هادئة\nمن فضلكم")
    page.get_by_label("Ma", exact=True).check()
    page.get_by_role("radiogroup", name="Hôtel").get_by_label("No", exact=True).check()
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_role("alert").get_by_role("link")).to_have_count(2)
    choice = page.get_by_label("Language")
    choice.focus()

    _choose(page, "ar")
    _choose(page, "de")

    expect(choice.or_(page.get_by_label("Sprache"))).to_be_focused()
    expect(page).to_have_title("Fehler: DevConf 2098 – Anmeldung")
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("link").first).to_have_text(
        "E-Mail-Adresse: Geben Sie eine Adresse in der Form name@example.org ein."
    )
    expect(page.get_by_label("D'accord")).to_have_accessible_description(
        "Fehler: Setzen Sie hier ein Häkchen, um fortzufahren."
    )
    assert page.locator("#cname").input_value() == "Ada Lovelace"
    assert page.get_by_label("Envie").input_value() == "هادئة\nمن فضلكم"
    assert page.get_by_label("T-shirt").input_value() == "XL"
    assert page.get_by_label("Ma", exact=True).is_checked()
    assert page.get_by_label("Nein", exact=True).is_checked()
    page.get_by_label("E-Mail-Adresse").fill("kept@example.org")
    page.reload()
    expect(page.get_by_label("E-Mail-Adresse")).to_have_value("kept@example.org")
    expect(page.locator("#submit")).to_have_text("Anmelden")


def test_another_language_keeps_what_became_of_it(page, events, event_id):
    """Whoever has registered is told in the other language too, and the next person is asked in it."""
    page.goto(f"{events.create(event_id)}&lang=en")
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill("told@example.org")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()

    _choose(page, "es")

    expect(page.get_by_role("heading", name="¡Inscripción realizada!")).to_be_visible()
    expect(page).to_have_title("¡Inscripción realizada! – Inscripciones")
    expect(page.locator("#success-text")).to_have_text("Le enviaremos la confirmación a told@example.org.")
    expect(page.locator("dd:visible").first).to_have_text("domingo, 1 de junio de 2098")
    expect(page).to_have_url(re.compile("lang=es"))
    page.get_by_role("button", name="Inscribir a otra persona").click()
    expect(page.get_by_label("Su nombre")).to_be_focused()


def test_another_language_keeps_the_registration(page, events, event_id):
    """A link's page changes its language without its link, and the way back goes on in the address's language."""
    events.create(event_id, questions=QUESTIONS)
    body = {
        "eventid": event_id,
        "cname": "Ada",
        "cemail": "kept-link@example.org",
        "answers": {"hotel": True, "accord": True},
    }
    assert events.server.request(body=body)[0] == 201
    page.goto(events.link("kept-link@example.org").replace(".html", ".html?lang=de"))
    expect(page.get_by_role("heading", name="Sie sind angemeldet")).to_be_visible()
    expect(page).to_have_url(f"{events.server.url}/manage.html?lang=de")

    _choose(page, "ar")

    expect(page.get_by_role("heading", name="تم تسجيلك")).to_be_visible()
    expect(page).to_have_title("DevConf 2098 – تسجيل الفعاليات")
    page.get_by_role("button", name="إلغاء تسجيلي").click()
    page.get_by_role("button", name="نعم، ألغِه").click()
    expect(page.get_by_role("heading", name="أُلغي تسجيلك")).to_be_visible()
    page.get_by_role("link", name="التسجيل من جديد").click()
    expect(page).to_have_url(f"{events.server.url}/index.html?event={event_id}&lang=ar")


def test_what_is_under_way_is_told_in_the_other_language(page, events):
    """A page that waits, or has failed, says so in whichever language is chosen, and tries again."""
    page.route("**/registrations/view", lambda _: None, times=1)
    page.goto(f"{events.server.url}/manage.html#any")
    expect(page.get_by_role("status")).to_have_text("Loading your registration…")
    _choose(page, "de")
    expect(page.get_by_role("status")).to_have_text("Ihre Anmeldung wird geladen …")
    expect(page).to_have_title("Ihre Anmeldung – Anmeldung")

    page.route("**/events/*", lambda route: route.abort())
    page.goto(f"{events.server.url}/?event=any")
    expect(page.get_by_role("alert")).to_contain_text("Der Anmeldedienst ist nicht erreichbar.")
    _choose(page, "es")
    expect(page.get_by_role("alert")).to_contain_text("No se puede conectar")
    page.unroute("**/events/*")
    page.get_by_role("button", name="Intentar de nuevo").click()
    expect(page.get_by_role("alert")).to_contain_text("No hay ningún evento con este código.")


def test_a_language_that_cant_be_had_gives_way(page, events):
    """English is said in place of a language that doesn't come; one that is chosen and doesn't come changes nothing."""
    page.route("**/languages/de.mjs", lambda route: route.abort())
    page.goto(f"{events.server.url}/?lang=de")
    expect(page.get_by_label("Event id")).to_be_visible()
    choice = page.get_by_label("Language")
    expect(choice).to_have_value("en")

    choice.select_option("de")

    expect(choice).to_have_value("en")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_the_last_choice_counts(page, events):
    """Whoever passes a language on the way to theirs isn't spoken to in it, however late it comes."""
    held = []
    page.route("**/languages/de.mjs", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.goto(events.server.url)
    page.locator("#language").select_option("de")
    _choose(page, "es")

    with page.expect_response("**/languages/de.mjs") as response:
        held[0].continue_()
    response.value.finished()
    page.evaluate("import('./languages/de.mjs')")  # it has been read

    expect(page.get_by_role("button", name="Continuar")).to_be_visible()
    expect(page).to_have_title("Inscribirse en un evento – Inscripciones")
    expect(page.locator("html")).to_have_attribute("lang", "es")


def test_without_any_language_the_page_says_to_reload(page, events):
    """Where no texts come, the page stays as it was delivered."""
    page.route("**/languages/*", lambda route: route.abort())

    page.goto(events.server.url)

    expect(page.get_by_text("If nothing happens, please reload the page.")).to_be_visible()


def test_the_choice_can_be_made_by_keyboard_and_ear(page, events):
    """The languages are a labelled control of the browser's own, each by its own name and marked as such."""
    page.goto(events.server.url)
    choice = page.get_by_role("combobox", name="Language")
    options = [(each.get_attribute("lang"), each.inner_text()) for each in choice.get_by_role("option").all()]
    assert options == [("en", "English"), ("ar", "العربية"), ("de", "Deutsch"), ("es", "Español")]
    choice.focus()

    page.keyboard.type("De")

    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("combobox", name="Sprache")).to_be_focused()
