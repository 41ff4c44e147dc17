"""Looking at a registration and cancelling it by its link, over HTTP."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from mailing import relay_of
from test_schemas import SCHEMAS

from event_registration.api import Api, Request
from event_registration.errors import RepositoryUnavailableError
from event_registration.links import Keyring, Links
from event_registration.local import SQLiteEventRepository
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.self_service import SelfService
from event_registration.testing import ManualClock, RecordingNotifier, make_event
from event_registration.testing.guests import found, names

ID = "devconf-2026"
PAGE = "https://events.example.org/manage.html"
ORIGIN = "https://events.example.org"
VIEW = Draft202012Validator(SCHEMAS["view.v1.schema.json"])
PROBLEM = Draft202012Validator(SCHEMAS["problem.v1.schema.json"])
PATHS = ["/registrations/view", "/registrations/cancel", "/prod/registrations/view", "/prod/registrations/cancel/"]
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Origin",
}
INVALID = (
    '{"type":"about:blank","title":"This link doesn\'t work","status":404,"code":"invalid-link",'
    '"detail":"It is not complete, has ended, or its registration was cancelled and made anew since. Try the link in '
    "the newest mail about the registration; if that doesn't work either, ask whoever organises the event."
    '","errors":[]}'
)


class _System:
    """An API with links, and an event of one seat: ada has it, bob waits."""

    def __init__(self, store, faults=(), questions=None, **answered):
        self.store = store
        self.notifier = RecordingNotifier(faults)
        clock = ManualClock()
        links = Links(lambda _=None: Keyring("k1", {"k1": "k" * 40}), PAGE)
        store.create_event(make_event(capacity=1, waitlist=True, questions=questions))
        relay = relay_of(store, self.notifier, links=links, clock=clock)
        service = EventRegistrationService(store, relay, clock=clock)
        self.api = Api(
            service,
            allowed_origins=[ORIGIN],
            managed=service,
            self_service=SelfService(service, store, links, clock=clock),
        )
        for name in ("ada", "bob"):
            self.post("/registrations", {"eventid": ID, "cname": name, "cemail": f"{name}@example.org", **answered})

    def call(self, method, path, body="", **headers):
        """Make a request."""
        headers = {"content-type": "application/json"} | headers
        return self.api.handle(Request(method=method, path=path, headers=headers, body=body))

    def post(self, path, document, **headers):
        """Post JSON."""
        return self.call("POST", path, json.dumps(document), **headers)

    def token(self, name):
        """Return the token of the last mail to this person."""
        text = [each.text for each in self.notifier.messages if each.to == f"{name}@example.org"][-1]
        return re.search(r"#(\S+)", text)[1]


@pytest.fixture
def make_system(request):
    """Return a function that makes a system whose mails fail as told."""

    def make(faults=(), **asked):
        store = SQLiteEventRepository(":memory:")
        request.addfinalizer(store.close)
        return _System(store, faults, **asked)

    return make


@pytest.fixture
def system(make_system):
    """Return a system whose mails go out."""
    return make_system()


def test_shows_who_waits(system):
    """A link shows the registration, with its event's card and its number in line; the log learns no name."""
    response = system.post("/registrations/view", {"token": system.token("bob")})

    document = json.loads(response.body)
    assert (response.status, response.headers) == (200, HEADERS)
    assert [each.message for each in VIEW.iter_errors(document)] == []
    card = json.loads(system.call("GET", f"/events/{ID}").body)
    assert document == {
        "status": "waitlisted",
        "eventid": ID,
        "eventname": "DevConf 2026",
        "cname": "bob",
        "registered_at": "2026-03-01T12:00:00.000000Z",
        "position": 1,
        "answers": [],
        "card": card,
    }
    assert response.facts == {"event_id": ID, "outcome": "waitlisted"}


def test_shows_what_was_answered(make_system):
    """Answers are told in words, and as they were given, for pages in other languages."""
    questions = {
        "type": "object",
        "properties": {
            "hotel": {"type": "boolean", "title": "A room?"},
            "days": {"type": "array", "items": {"type": "string", "enum": ["Mon", "Tue"]}},
            "age": {"type": "integer"},
        },
    }
    system = make_system(questions=questions, answers={"hotel": True, "days": ["Mon", "Tue"], "age": 5})

    document = json.loads(system.post("/registrations/view", {"token": system.token("ada")}).body)

    assert [each.message for each in VIEW.iter_errors(document)] == []
    assert document["answers"] == [
        {"title": "A room?", "text": "Yes", "value": True},
        {"title": "days", "text": "Mon, Tue", "value": ["Mon", "Tue"]},
        {"title": "age", "text": "5", "value": 5},
    ]


def test_shows_who_comes(system):
    """Who has a seat has no number in line."""
    document = json.loads(system.post("/registrations/view", {"token": system.token("ada")}).body)

    assert (document["status"], document["position"]) == ("confirmed", None)
    assert [each.message for each in VIEW.iter_errors(document)] == []


def test_cancels_twice(system):
    """Both times the answer is that it is cancelled; the seat went to who waits, who is told."""
    token = system.token("ada")

    responses = [system.post("/registrations/cancel", {"token": token}) for _ in range(2)]

    assert [(each.status, json.loads(each.body)["status"]) for each in responses] == [(200, "cancelled")] * 2
    assert responses[0].body == responses[1].body
    assert [each.message for each in VIEW.iter_errors(json.loads(responses[0].body))] == []
    assert names(system.store, Status.CONFIRMED) == ["bob"]
    assert system.notifier.messages[-1].to == "bob@example.org"


def test_says_nothing_of_token_id_or_address(system):
    """No answer repeats the token, and none holds an id or an address."""
    token = system.token("ada")
    ada = found(system.store, "ada")
    secrets = [token, ada.registration_id, "@example.org", system.store.digest_of(ada.attendee_email)]

    for path in PATHS:
        response = system.post(path, {"token": token})
        assert [each for each in secrets if each in response.body + repr(response.facts)] == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_nothing_but_post_acts(system, method, path):
    """Scanners that follow links change nothing, whatever they send along."""
    response = system.call(method, path, json.dumps({"token": system.token("ada")}))

    assert (response.status, response.headers["Allow"]) == (405, "OPTIONS, POST")
    assert found(system.store, "ada").status is Status.CONFIRMED


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "document", [{}, {"token": None}, {"token": 5}, {"token": ["x"]}, {"token": ""}, {"token": "v1.k1.x.y"}], ids=repr
)
def test_tells_of_no_other_link(system, path, document):
    """Whatever is no live link is answered alike, to the octet."""
    response = system.post(path, document)

    assert (response.status, response.body) == (404, INVALID)
    assert [each.message for each in PROBLEM.iter_errors(json.loads(response.body))] == []


@pytest.mark.parametrize("path", PATHS)
def test_keeps_other_pages_out(system, path):
    """A page of an origin that isn't allowed can't act with a link, and one that is can read the answer."""
    token = {"token": system.token("ada")}

    stranger = system.post(path, token, origin="https://evil.example")
    friend = system.post(path, token, origin=ORIGIN)

    assert (stranger.status, json.loads(stranger.body)["code"]) == (403, "origin-not-allowed")
    assert (friend.status, friend.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)


@pytest.mark.parametrize("path", PATHS)
def test_wants_json(system, path):
    """A form of another site can't post here: it can't say that it sends JSON."""
    response = system.post(path, {"token": system.token("ada")}, **{"content-type": "text/plain"})

    assert response.status == 415


@pytest.mark.parametrize("path", PATHS)
def test_is_not_there_without_links(system, path):
    """Where mails have no links the addresses aren't there."""
    service = EventRegistrationService(system.store, None)
    system.api = Api(service, managed=service)

    response = system.post(path, {"token": system.token("ada")})

    assert (response.status, json.loads(response.body)["code"]) == (404, "not-found")


def test_tells_the_log_what_failed_besides(make_system):
    """A queue that could not be served is in the log line of the cancellation, not in the answer."""
    system = make_system()
    token = system.token("ada")

    def away(*_, **__):
        raise RepositoryUnavailableError("later")

    system.store.settle = away

    response = system.post("/registrations/cancel", {"token": token})

    assert (response.status, response.facts["trouble"]) == (200, "repository-unavailable")
    assert "later" not in response.body


def test_says_when_it_can_not(system):
    """A repository that is away is a 503 that may be tried again."""

    def away(*_, **__):
        raise RepositoryUnavailableError("secret-text")

    token = system.token("ada")
    system.store.find_by_digest = away

    response = system.post("/registrations/cancel", {"token": token})

    assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert "secret-text" not in response.body
