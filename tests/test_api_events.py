"""The HTTP contract where a catalogue has the events: cards, closed doors, and answers that tell nobody who comes."""

import json
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest
from attrs import evolve
from jsonschema import Draft202012Validator
from mailing import relay_of

from event_registration.api import Api, Request
from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.local import SQLiteEventRepository
from event_registration.mail import Mail
from event_registration.managed import EventRegistrationService
from event_registration.service import OnDuplicate
from event_registration.testing import ManualClock, RecordingNotifier, make_event
from event_registration.testing.guests import NOW, cancel, current

SCHEMA = json.loads((resources.files("event_registration") / "schemas" / "problem.v1.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

ID = "devconf-2026"
ORIGIN = "https://events.example.org"
DETAILS = {"eventid": ID, "cname": "Ada Lovelace", "cemail": "ada@example.org"}
SUCCESS = (
    '{"message":"Registration successful!","status":"confirmed","eventid":"devconf-2026","eventname":"DevConf 2026"}'
)
WAITING = (
    '{"message":"You are on the waiting list.","status":"waitlisted",'
    '"eventid":"devconf-2026","eventname":"DevConf 2026"}'
)
CARD = (
    '{"eventid":"devconf-2026","eventname":"DevConf 2026","state":"open","starts_at":"2026-06-01T09:00:00Z",'
    '"ends_at":"2026-06-01T17:00:00Z","time_zone":"Europe/Berlin","venue":null,"opens_at":null,'
    '"closes_at":"2026-06-01T09:00:00Z","questions":null}'
)
COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Origin",
}
JSON_HEADERS = {**COMMON_HEADERS, "Content-Type": "application/json"}
PROBLEM_HEADERS = {**COMMON_HEADERS, "Content-Type": "application/problem+json"}
CORS_HEADERS = {"Access-Control-Allow-Origin": ORIGIN, "Access-Control-Expose-Headers": "Retry-After"}


class Store(SQLiteEventRepository):
    """SQLite in memory that counts how often an event is looked for, and fails if it is told to."""

    def __init__(self):
        super().__init__(":memory:")
        self.looks = 0
        self.fault = None

    def find_event(self, event_id, *, deadline=None):
        """Count, then find or raise."""
        self.looks += 1
        if self.fault:
            raise self.fault
        return super().find_event(event_id, deadline=deadline)


class System:
    """An `Api` of managed events and the parts behind it."""

    def __init__(self, repository, **policies):
        self.repository = repository
        self.notifier = RecordingNotifier()
        self.clock = ManualClock()
        relay = relay_of(repository, self.notifier, clock=self.clock)
        service = EventRegistrationService(repository, relay, clock=self.clock, cache_seconds=0.0, **policies)
        self.api = Api(service, allowed_origins=[ORIGIN], managed=service)

    def call(self, method, path, **headers):
        """Make a request without a body."""
        return self.api.handle(Request(method=method, path=path, headers=headers))

    def post(self, name="Ada Lovelace", email="ada@example.org", **more):
        """Register somebody."""
        body = json.dumps(DETAILS | {"cname": name, "cemail": email} | more)
        headers = {"content-type": "application/json"}
        return self.api.handle(Request(method="POST", path="/registrations", headers=headers, body=body))

    def change(self, *, is_cancelled=False, **changes):
        """Change the event as its organiser would."""
        old = current(self.repository)
        new = evolve(old, event=evolve(old.event, **changes), is_cancelled=is_cancelled)
        self.repository.change_event(old, new, self.clock())
        self.repository.settle(ID, self.clock())


@pytest.fixture
def make_system(request):
    """Return a function that makes a system with one event, whose database is closed at the end."""

    def make(*, policies=None, **event):
        repository = Store()
        request.addfinalizer(repository.close)
        repository.create_event(make_event(**event))
        return System(repository, **(policies or {}))

    return make


@pytest.fixture
def system(make_system):
    """Return a system with an event without limit."""
    return make_system()


def _problem(response):
    assert response.headers["Content-Type"] == "application/problem+json"
    document = json.loads(response.body)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    assert (document["status"], document["code"]) == (response.status, response.facts["code"])
    return document


def _visible(response):
    return response.status, dict(response.headers), response.body


# Cards


def test_card(system):
    """GET answers all that everybody may know, and the log learns which event was shown."""
    response = system.call("GET", f"/events/{ID}")

    assert _visible(response) == (200, JSON_HEADERS, CARD)
    assert response.facts == {"event_id": ID, "outcome": "shown"}


def test_card_without_a_body(system):
    """HEAD answers the same without the body."""
    response = system.call("HEAD", f"/events/{ID}")

    assert _visible(response) == (200, JSON_HEADERS, "")


def test_card_keeps_what_is_the_organisers(make_system):
    """A card tells neither the capacity nor who organises; questions and hours it tells."""
    system = make_system(
        capacity=77,
        contact="orga@example.org",
        venue="Hall 1",
        questions={"type": "object"},
        opens_at=datetime(2026, 2, 1, tzinfo=UTC),
    )

    body = system.call("GET", f"/events/{ID}").body

    assert "77" not in body
    assert "orga" not in body
    assert json.loads(CARD).keys() == json.loads(body).keys()
    assert json.loads(body)["questions"] == {"type": "object"}


@pytest.mark.parametrize("path", [f"/events/{ID}", f"/events/{ID}/", f"/prod/events/{ID}", f"/v1/a/events/{ID}/"])
def test_card_s_route(system, path):
    """A card is at `/events/{id}`, whatever stage or base path comes before."""
    assert _visible(system.call("GET", path)) == (200, JSON_HEADERS, CARD)


@pytest.mark.parametrize("event_id", ["A.b_c~d-9", "registrations", "events", "...", "x" * 128], ids=lambda i: i[:16])
def test_card_of_any_id(system, event_id):
    """Every id that an event can have is found at its address."""
    system.repository.create_event(make_event(event_id=event_id))

    response = system.call("GET", f"/events/{event_id}")

    assert (response.status, json.loads(response.body)["eventid"]) == (200, event_id)


@pytest.mark.parametrize(
    ("event_id", "looks"),
    [("other", 1), ("DEVCONF-2026", 1), ("a b", 0), ("é", 0), ("x" * 129, 0), ("#events", 0), (f"{ID}\n", 0)],
    ids=lambda value: repr(value)[:16],
)
def test_card_of_an_unknown_event(system, event_id, looks):
    """An event that isn't set up has no card; what can be no event's id is not even looked for."""
    response = system.call("GET", f"/events/{event_id}")

    assert (response.status, _problem(response)["code"]) == (404, "unknown-event")
    assert response.headers == PROBLEM_HEADERS
    assert system.repository.looks == looks


def test_card_of_an_unlisted_event(make_system):
    """An event that is set up and not among the operator's ids has none either."""
    system = make_system(policies={"event_ids": {"other"}})

    response = system.call("GET", f"/events/{ID}")

    assert (response.status, _problem(response)["code"]) == (404, "unknown-event")


@pytest.mark.parametrize(
    "path",
    ["/events", "/events/", f"//events/{ID}", f"/events//{ID}", f"/events/{ID}//", f"/events/{ID}/x", f"/event/{ID}"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_card_elsewhere(system, method, path):
    """There is no list of events, and nothing behind a card."""
    response = system.call(method, path)

    assert (response.status, _problem(response)["code"]) == (404, "not-found")
    assert system.repository.looks == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "", "get"], ids=repr)
def test_cards_are_only_read(system, method):
    """Events are read with GET or HEAD; any other method is refused with those, and does nothing."""
    response = system.call(method, f"/events/{ID}", origin=ORIGIN)

    assert (response.status, _problem(response)["code"]) == (405, "method-not-allowed")
    assert response.headers == {**PROBLEM_HEADERS, **CORS_HEADERS, "Allow": "GET, HEAD, OPTIONS"}
    assert system.repository.looks == 0


def test_registrations_are_only_posted(system):
    """What is allowed at the registrations' address is as without a catalogue."""
    response = system.call("GET", "/registrations")

    assert (response.status, response.headers["Allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize("path", [f"/events/{ID}", "/registrations", "/nowhere"])
def test_preflight(system, path):
    """OPTIONS anywhere lets an allowed origin read cards and post."""
    response = system.call("OPTIONS", path, origin=ORIGIN)

    assert (response.status, response.body) == (204, "")
    assert response.headers == {
        **COMMON_HEADERS,
        **CORS_HEADERS,
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "600",
    }
    assert system.repository.looks == 0


@pytest.mark.parametrize(
    ("origin", "cors"), [(ORIGIN, CORS_HEADERS), ("https://evil.example", {}), (None, {})], ids=str
)
def test_who_may_read_a_card(system, origin, cors):
    """A card is public; only pages of an allowed origin may read it in a browser."""
    headers = {"origin": origin} if origin else {}

    response = system.call("GET", f"/events/{ID}", **headers)

    assert _visible(response) == (200, {**JSON_HEADERS, **cors}, CARD)


@pytest.mark.parametrize(
    ("fault", "status", "more"),
    [
        (RepositoryUnavailableError("secret-text"), 503, {"Retry-After": "5"}),
        (RepositoryError("secret-text"), 500, {}),
        (ZeroDivisionError("secret-text"), 500, {}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_card_that_can_not_be_read(system, fault, status, more):
    """A card that can't be read is a problem without its cause; the page of an allowed origin may read it."""
    system.repository.fault = fault

    response = system.call("GET", f"/events/{ID}", origin=ORIGIN)

    assert (response.status, response.headers) == (status, {**PROBLEM_HEADERS, **CORS_HEADERS, **more})
    assert "secret-text" not in repr(_visible(response))


# Registering


@pytest.mark.parametrize(
    "name",
    [{}, {"eventname": None}, {"eventname": ""}, {"eventname": 5}, {"eventname": "www.evil.example " * 50}],
    ids=["none", "null", "empty", "a number", "long, with a link"],
)
def test_event_name_is_the_catalogues(system, name):
    """The event's name need not be sent, and whatever is sent is ignored."""
    response = system.post(**name)

    assert _visible(response) == (201, JSON_HEADERS, SUCCESS)
    assert [each.event_name for each in system.repository.list(ID)] == ["DevConf 2026"]
    assert [message.subject for message in system.notifier.messages] == ["Registration confirmed: DevConf 2026"]


def test_names_every_wrong_field_but_the_event_s_name(system):
    """One refusal names all that is wrong with what is needed."""
    response = system.post(eventid="a b", eventname="", cname=5, cemail="ada@")

    assert response.status == 422
    assert [each["field"] for each in _problem(response)["errors"]] == ["eventid", "cname", "cemail"]


def test_unknown_event(system):
    """Nobody is registered for an event that isn't set up, and the log learns which it was."""
    response = system.post(eventid="other")

    assert (response.status, _problem(response)["code"]) == (404, "unknown-event")
    assert response.facts["event_id"] == "other"
    assert system.notifier.attempts == 0


def test_waiting_list(make_system):
    """Who finds no seat is told, with 201, to be on the waiting list."""
    system = make_system(capacity=1, waitlist=True)
    system.post()

    response = system.post("Bob", "bob@example.org")

    assert _visible(response) == (201, JSON_HEADERS, WAITING)
    assert response.facts == {"event_id": ID, "outcome": "registered"}


def _not_open(system):
    system.change(opens_at=NOW + timedelta(days=1))


def _closed(system):
    system.change(closes_at=NOW)


def _called_off(system):
    system.change(is_cancelled=True)


def _sold_out(system):
    system.post("Zoe", "zoe@example.org")
    system.post("Yan", "yan@example.org")


SHUT = {
    "not open yet": (_not_open, "not-open-yet", "Registration for this event has not opened yet."),
    "closed": (_closed, "registration-closed", "Registration for this event has closed."),
    "called off": (_called_off, "event-cancelled", "This event has been cancelled."),
    "full": (_sold_out, "event-full", "All seats of this event are taken."),
}


@pytest.mark.parametrize("name", SHUT)
def test_closed_door(make_system, name):
    """Who comes too early, too late or in vain is told which, as a conflict; nothing is stored or mailed."""
    shut, code, sentence = SHUT[name]
    system = make_system(capacity=2)
    shut(system)
    mails, people = system.notifier.attempts, len(list(system.repository.list(ID)))

    response = system.post()

    assert _problem(response) == {
        "type": "about:blank",
        "title": "Registration isn't possible",
        "status": 409,
        "code": code,
        "detail": sentence,
        "errors": [],
    }
    assert response.headers == PROBLEM_HEADERS
    assert response.facts == {"event_id": ID, "code": code}
    assert (system.notifier.attempts, len(list(system.repository.list(ID)))) == (mails, people)


@pytest.mark.parametrize("name", [name for name in SHUT if name != "called off"])
def test_repeat_behind_a_closed_door(make_system, name):
    """The same details again are answered byte for byte as the first time, though the event takes nobody now."""
    system = make_system(capacity=2)
    first = system.post()
    SHUT[name][0](system)

    repeat = system.post()

    assert _visible(first) == (201, JSON_HEADERS, SUCCESS)
    assert _visible(repeat) == _visible(first)
    assert (first.facts["outcome"], repeat.facts["outcome"]) == ("registered", "repeated")
    assert [message.to for message in system.notifier.messages].count("ada@example.org") == 1


def test_repeat_at_what_was_called_off(make_system):
    """Nobody is told to be registered for an event that won't take place: a repeat gets what a newcomer gets."""
    system = make_system()
    system.post()
    _called_off(system)

    repeat, newcomer = system.post(), system.post("Bob", "bob@example.org")

    assert _problem(repeat)["code"] == "event-cancelled"
    assert _visible(repeat) == _visible(newcomer)


def test_repeat_after_a_promotion(make_system):
    """Who waited and got a seat learns it by asking again with the same details."""
    system = make_system(capacity=1, waitlist=True)
    system.post("Bob", "bob@example.org")
    first = system.post()
    cancel(system.repository, "bob")
    system.repository.settle(ID, NOW)

    repeat = system.post()

    assert (first.body, repeat.body) == (WAITING, SUCCESS)


def test_repeat_rejected(make_system):
    """With `reject` a repeat is a conflict of its own, behind a closed door too."""
    system = make_system(policies={"on_duplicate": OnDuplicate.REJECT})
    system.post()
    open_, closed = system.post(), (_closed(system), system.post())[1]

    assert [(each.status, _problem(each)["code"]) for each in (open_, closed)] == [(409, "already-registered")] * 2


# What nobody learns


def _freed(system):
    system.post("Zoe", "zoe@example.org")
    cancel(system.repository, "zoe")


def _lowered(system):
    _sold_out(system)
    system.change(capacity=1)


def _raised(system):
    _sold_out(system)
    system.change(capacity=5)


def _left_by_one(system):
    _sold_out(system)
    cancel(system.repository, "zoe")
    system.repository.settle(ID, NOW)


STATES = {
    "open": lambda _: None,
    "the last seat": lambda system: system.post("Zoe", "zoe@example.org"),
    "a seat was given back": _freed,
    "a seat was given back when all were sold": _left_by_one,
    "lowered": _lowered,
    "raised": _raised,
} | {name: shut for name, (shut, _, _) in SHUT.items()}
EVENTS = {
    "no limit": {},
    "three seats": {"capacity": 3},
    "three seats and a list": {"capacity": 3, "waitlist": True},
}


# An event without limit has no capacity to change.
CASES = [
    (event, state) for event in EVENTS for state in STATES if event != "no limit" or state not in {"lowered", "raised"}
]


def _signed_up(repository):
    """Return who is registered as what, whatever mails are owed: the owner of an address is told of the attempt."""
    rows = (evolve(each, mail=Mail()) for each in repository.list(ID))
    return sorted(rows, key=lambda each: each.attendee_email)


@pytest.mark.parametrize(("event", "state"), CASES)
@pytest.mark.parametrize("was_first", [True, False], ids=["has a seat", "came late"])
def test_no_oracle(make_system, event, state, was_first):
    """Other details for a registered address are answered as for a stranger, byte for byte, in every state."""
    known, unknown = (make_system(**EVENTS[event]) for _ in range(2))
    for system, email in ((known, "ada@example.org"), (unknown, "someone@example.org")):
        if was_first:
            system.post("Ada", email)
        STATES[state](system)
        if not was_first:
            system.post("Ada", email)
    before = _signed_up(known.repository)
    mails = known.notifier.attempts

    told = known.post("Mallory", "ada@example.org")

    stranger = unknown.post("Mallory", "ada@example.org")
    assert _visible(told) == _visible(stranger)
    assert _signed_up(known.repository) == before
    assert known.notifier.attempts == mails


def test_no_oracle_has_all_answers(make_system):
    """The control: those states lead to a seat, to the waiting list, and to each closed door."""
    answers = set()
    for event, state in CASES:
        system = make_system(**EVENTS[event])
        system.post()
        STATES[state](system)
        document = json.loads(system.post("Bob", "bob@example.org").body)
        answers.add(document.get("code") or document["status"])

    assert answers == {"confirmed", "waitlisted"} | {code for _, code, _ in SHUT.values()}


def test_who_left_is_a_newcomer(make_system):
    """Other details for an address that has left are a registration like any other."""
    system = make_system(capacity=1)
    system.post("Ada")
    cancel(system.repository, "ada")

    response = system.post("Countess Ada")

    assert _visible(response) == (201, JSON_HEADERS, SUCCESS)
    assert [each.attendee_name for each in system.repository.list(ID)] == ["Countess Ada"]
