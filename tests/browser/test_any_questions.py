"""Whatever an organiser asks, the form can answer, and page and server judge whatever is answered alike."""

import json

import pytest
from browsing import watched_page
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect
from questionnaires import answers_for, anything_for, schemas

from event_registration.errors import InvalidRegistrationError
from event_registration.questions import Questionnaire

pytestmark = pytest.mark.unmeasured

CARD = {
    "eventid": "any",
    "eventname": "Any event",
    "state": "open",
    "starts_at": "2098-06-01T07:00:00Z",
    "ends_at": "2098-06-01T15:00:00Z",
    "time_zone": "Europe/Berlin",
    "venue": None,
    "opens_at": None,
    "closes_at": "2098-06-01T07:00:00Z",
}
REGISTERED = {"message": "Registration successful!", "status": "confirmed", "eventid": "any", "eventname": "Any event"}
VERDICT = """async (text) => {
  const { validateAnswers } = await import("/questions.mjs");
  const { value, problems } = validateAnswers(...JSON.parse(text));
  return JSON.stringify(problems.length > 0 ? problems : value);
}"""
# A failing example takes seconds, and isn't made smaller: it is shown as it was found.
_SETTINGS = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [phase for phase in Phase if phase not in {Phase.shrink, Phase.explain}],
}
EVERY_DAY = settings(max_examples=40, **_SETTINGS)
EVERY_DAY_BY_HAND = settings(max_examples=15, **_SETTINGS)
PROOF = settings(max_examples=500, **_SETTINGS)
QUESTIONS_AND_ANSWERS = schemas().flatmap(lambda schema: st.tuples(st.just(schema), answers_for(schema)))
QUESTIONS_AND_ANYTHING = schemas().flatmap(lambda schema: st.tuples(st.just(schema), anything_for(schema)))


class Stage:
    """
    The form, for events that ask whatever they are told to, and that keep what is posted to them.

    Args:
        page: A page.
        url: The site's address.
    """

    def __init__(self, page, url):
        self.page = page
        self.url = url
        self.schema = None
        self.bodies = []
        page.route("**/events/any", lambda route: route.fulfill(json=CARD | {"questions": self.schema}))
        page.route("**/registrations", self._take)

    def _take(self, route):
        self.bodies.append(route.request.post_data_json)
        route.fulfill(status=201, json=REGISTERED)

    def ask(self, schema):
        """Show the form of an event that asks *schema*, with name and address filled in."""
        self.schema = schema
        self.bodies.clear()
        # An example that failed has left its draft.
        self.page.evaluate("sessionStorage.clear()")
        self.page.goto(f"{self.url}/?event=any")
        self.page.get_by_label("Your name", exact=True).fill("Ada Lovelace")
        self.page.get_by_label("E-mail address", exact=True).fill("ada@example.org")

    def answer(self, name, value):
        """Answer one question as a person does, who sees its controls."""
        question = (self.schema["properties"] | self.schema.get("then", {}).get("properties", {}))[name]
        controls = self.page.locator(f'[name="answers.{name}"]')
        if isinstance(value, bool):
            controls.nth(0 if value else 1).check()
        elif isinstance(value, list):
            for option in value:
                controls.nth(question["items"]["enum"].index(option)).check()
        elif "enum" not in question:
            controls.fill(value if isinstance(value, str) else json.dumps(value))
        elif controls.first.evaluate("node => node.localName") == "select":
            controls.select_option(index=question["enum"].index(value) + 1)
        else:
            controls.nth(question["enum"].index(value)).check()

    def send(self):
        """Send the form, and return the answers that were posted."""
        self.page.locator("#submit").click()
        expect(self.page.locator("#success")).to_be_visible(timeout=30_000)
        (body,) = self.bodies
        return body["answers"]

    def verdict(self, schema, given):
        """Return what the page finds wrong with *given*; the answers in normal form if nothing is."""
        # In JavaScript every number is a double, and 1e17 + 8 is written with another last digit than the integer has.
        return json.loads(self.page.evaluate(VERDICT, json.dumps([schema, given])), parse_int=float)


@pytest.fixture(scope="module")
def stage(browser, events):
    """Return the form."""
    with watched_page(browser) as page:
        page.goto(events.server.url)
        yield Stage(page, events.server.url)


def _posts_what_is_answered(stage, schema, answers):
    stage.ask(schema)

    for name, value in answers.items():
        stage.answer(name, value)
    posted = stage.send()

    # As JSON, in which the order shows and yes is no number.
    assert json.dumps(Questionnaire(schema).answers_of(posted)) == json.dumps(answers)
    assert list(posted) == list(answers)


def _judges_as_the_server(stage, schema, given):
    verdict = stage.verdict(schema, given)

    try:
        expected = Questionnaire(schema).answers_of(given)
    except InvalidRegistrationError as error:
        expected = [{"field": each.field, "code": each.code} for each in error.problems]
    assert verdict == expected
    assert list(verdict) == list(expected)


@given(QUESTIONS_AND_ANSWERS)
@EVERY_DAY_BY_HAND
def test_every_right_answer_can_be_given(stage, case):
    """The form can enter whatever the questions accept, and posts exactly that."""
    _posts_what_is_answered(stage, *case)


@given(QUESTIONS_AND_ANYTHING)
@EVERY_DAY
def test_judges_as_the_server(stage, case):
    """Page and server find the same wrong with whatever is answered, and write it alike."""
    _judges_as_the_server(stage, *case)


@pytest.mark.proof
@pytest.mark.timeout(3600)
@given(QUESTIONS_AND_ANSWERS)
@PROOF
def test_every_right_answer_can_be_given_proof(stage, case):
    """The form can enter whatever the questions accept, and posts exactly that, many times over."""
    _posts_what_is_answered(stage, *case)


@pytest.mark.proof
@pytest.mark.timeout(3600)
@given(QUESTIONS_AND_ANYTHING)
@PROOF
def test_judges_as_the_server_proof(stage, case):
    """Page and server find the same wrong with whatever is answered, many times over."""
    _judges_as_the_server(stage, *case)
