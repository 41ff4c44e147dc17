"""The HTTP contract: routes, bodies, problems, CORS, and answers that tell nobody who is registered."""

import inspect
import itertools
import json
import re
from functools import partial
from importlib import resources

import pytest
from cases import body_of, described, each_case, load
from jsonschema import Draft202012Validator
from timing import cpu_seconds

from event_registration import errors
from event_registration.api import Api, Request
from event_registration.local import SQLiteEventRepository, SQLiteRepository
from event_registration.mail import Mail, MailState
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.responses import Response
from event_registration.rules import PROBLEM_MESSAGES
from event_registration.service import OnDuplicate, RegistrationService
from event_registration.testing import ManualClock, RecordingNotifier, make_event, make_registration

REFUSED = load("bodies.json")
ACCEPTED = load("bodies-accepted.json")
SCHEMA = json.loads((resources.files("event_registration") / "schemas" / "problem.v1.schema.json").read_text("utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

ORIGIN = "https://events.example.org"
DETAILS = {
    "eventid": "devconf-2026",
    "eventname": "DevConf 2026",
    "cname": "Ada Lovelace",
    "cemail": "ada@example.org",
}
SUCCESS = (
    '{"message":"Registration successful!","status":"confirmed","eventid":"devconf-2026","eventname":"DevConf 2026"}'
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

# Every sentence that a refused body is answered with; only positions vary, so nothing of the input can be in it.
SENTENCES = {
    "empty-body": "The body is empty; send a JSON object.",
    "too-deep": "The JSON is nested more than 16 levels deep.",
    "not-json": r"The body is not JSON: (line \d+, column \d+|it holds NaN or Infinity)\.",
    "not-an-object": "The JSON is not an object.",
    "body-too-large": "The body is over 16384 octets.",
    "not-base64": "The body is marked as base64 and is not.",
    "not-utf-8": "The body is not UTF-8.",
    "lone-surrogate": "The JSON holds half of a surrogate pair.",
    "duplicate-key": "The JSON names a key twice.",
    "number-out-of-range": "A number has over 19 digits or is too large.",
    "unsupported-media-type": "Send Content-Type: application/json, in UTF-8.",
    "invalid-registration": "See errors for each field.",
}


class CountingRepository(SQLiteRepository):
    """SQLite in memory that counts what is asked of it, and raises what it is told to."""

    def __init__(self, *, add=None, replace=None):
        super().__init__(":memory:")
        self.adds = 0
        self._add_fault = add
        self._replace_fault = replace

    def add(self, registration, *, deadline=None):
        """Count, then add or raise."""
        self.adds += 1
        if self._add_fault:
            raise self._add_fault
        return super().add(registration, deadline=deadline)

    def replace(self, old, new, *, deadline=None):
        """Replace or raise."""
        if self._replace_fault:
            raise self._replace_fault
        return super().replace(old, new, deadline=deadline)


class System:
    """An `Api` and the parts behind it."""

    def __init__(self, repository, notifier, *, origins=(ORIGIN,), **policies):
        self.repository = repository
        self.notifier = notifier
        self.clock = ManualClock()
        service = RegistrationService(repository, notifier, clock=self.clock, **policies)
        self.api = Api(service, allowed_origins=origins)

    def post(self, details=None, **headers):
        """Register with *details* changed, from a program."""
        body = json.dumps(DETAILS | (details or {}))
        return self.api.handle(_request(body=body, **headers))


@pytest.fixture
def make_system(request):
    """Return a function that makes a system, whose database is closed at the end."""

    def make(*, add=None, replace=None, mails=(), **options):
        repository = CountingRepository(add=add, replace=replace)
        request.addfinalizer(repository.close)
        return System(repository, RecordingNotifier(mails), **options)

    return make


@pytest.fixture
def system(make_system):
    """Return a system that lets pages of `ORIGIN` post."""
    return make_system()


def _request(method="POST", path="/registrations", body=None, **headers):
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        method=method,
        path=path,
        headers={name: value for name, value in named.items() if value is not None},
        body=json.dumps(DETAILS) if body is None else body,
    )


def _problem(response):
    """Return the problem document of *response*, after checking all that every problem has in common."""
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.body.isascii()
    document = json.loads(response.body)
    assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    assert document["status"] == response.status
    assert response.facts["code"] == document["code"]
    return document


def _visible(response):
    return response.status, dict(response.headers), response.body


def _case_request(case):
    content_type = case.get("content_type", "application/json")
    return Request(
        method="POST",
        path="/registrations",
        headers={} if content_type is None else {"content-type": content_type},
        body=body_of(case),
        is_base64=case.get("is_base64", False),
    )


@each_case(REFUSED)
def test_refuses_body(system, case):
    """A body that must be refused is, with its code and a fixed sentence; nothing is stored, mailed or echoed."""
    response = system.api.handle(_case_request(case))

    document = _problem(response)
    assert (response.status, document["code"]) == (case["status"], case["code"])
    assert response.headers == PROBLEM_HEADERS
    assert re.fullmatch(SENTENCES[document["code"]], document["detail"])
    assert all(each["message"] == PROBLEM_MESSAGES[each["code"]] for each in document["errors"])
    assert {each["field"] for each in document["errors"]} <= set(DETAILS)
    assert (system.repository.adds, system.notifier.attempts) == (0, 0)


@pytest.mark.parametrize("case", described(ACCEPTED))
def test_accepts_body(system, case):
    """A body that must be accepted is stored and confirmed once, in normal form."""
    normal = case["normal"]

    response = system.api.handle(_case_request(case))

    assert response.status == case["status"]
    assert json.loads(response.body) == {
        "message": "Registration successful!",
        "status": "confirmed",
        "eventid": normal["eventid"],
        "eventname": normal["eventname"],
    }
    (stored,) = system.repository.list(normal["eventid"])
    assert (stored.event_name, stored.attendee_name, stored.attendee_email) == (
        normal["eventname"],
        normal["cname"],
        normal["cemail"],
    )
    assert [message.to for message in system.notifier.messages] == [normal["cemail"]]


def test_hostile_bodies_cost_little(system):
    """No body, however it is built, takes a noticeable time to refuse: the work grows with its length only."""
    costs = {}
    for case in REFUSED:
        request = _case_request(case)
        costs[case["description"]] = cpu_seconds(partial(system.api.handle, request))

    # Most take far less than 5 ms; work that grows with the square of the length takes over 500.
    assert {description: cost for description, cost in costs.items() if cost > 0.2} == {}


def test_body_may_be_octets(system):
    """A server may hand the body over as it came from the network."""
    response = system.api.handle(_request(body=json.dumps(DETAILS | {"cname": "Zoë"}, ensure_ascii=False).encode()))

    assert (response.status, response.body) == (201, SUCCESS)


def test_names_every_wrong_field(system):
    """One refusal names all that is wrong, in the order of the fields and under the wire's names."""
    response = system.post({"eventid": "a b", "eventname": "", "cname": 5, "cemail": "ada@"})

    assert _problem(response) == {
        "type": "about:blank",
        "title": "Some details are not right",
        "status": 422,
        "code": "invalid-registration",
        "detail": "See errors for each field.",
        "errors": [
            {"field": "eventid", "code": "invalid-event-id", "message": PROBLEM_MESSAGES["invalid-event-id"]},
            {"field": "eventname", "code": "required", "message": PROBLEM_MESSAGES["required"]},
            {"field": "cname", "code": "not-a-string", "message": PROBLEM_MESSAGES["not-a-string"]},
            {"field": "cemail", "code": "invalid-address", "message": PROBLEM_MESSAGES["invalid-address"]},
        ],
    }


CANARY = "canary-7f3a"
ECHOES = {
    "event id": _request(body=json.dumps(DETAILS | {"eventid": f"{CANARY}/"})),
    "event name": _request(body=json.dumps(DETAILS | {"eventname": f"{CANARY} www."})),
    "name": _request(body=json.dumps(DETAILS | {"cname": f"{CANARY} ://"})),
    "address": _request(body=json.dumps(DETAILS | {"cemail": f"{CANARY}@"})),
    "key": _request(body=json.dumps({CANARY: 1})),
    "key twice": _request(body=f'{{"{CANARY}":1,"{CANARY}":2}}'),
    "broken JSON": _request(body=f'{{"cname": {CANARY}'),
    "number": _request(body=f'{{"x": {"1" * 20}}}', host=CANARY),
    "path": _request(path=f"/{CANARY}"),
    "method": _request(method=CANARY),
    "content type": _request(content_type=CANARY),
    "origin": _request(origin=f"https://{CANARY}.example"),
}


@pytest.mark.parametrize("request_", ECHOES.values(), ids=ECHOES.keys())
def test_echoes_nothing(system, request_):
    """No refusal repeats what was sent, in the body, the headers or what may be logged."""
    response = system.api.handle(request_)

    _problem(response)
    assert response.status >= 400
    assert CANARY not in repr(_visible(response)) + repr(response.facts)


@pytest.mark.parametrize(
    "path",
    ["/registrations", "/registrations/", "/prod/registrations", "/v1/signup/registrations", "/$default/registrations"],
)
def test_route(system, path):
    """Registrations are taken at `/registrations`, whatever stage or base path comes before."""
    response = system.api.handle(_request(path=path))

    assert (response.status, response.headers, response.body) == (201, JSON_HEADERS, SUCCESS)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "HEAD"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "registrations",
        "v1/registrations",
        "//registrations",
        "/registrations//",
        "/registrations/1",
        "/registration",
        "/Registrations",
        "/xregistrations",
        "/registrations\n",
        "/registrations?x=1",
        "/registrations/view",
        "/events/devconf-2026",
        "/" * 5000,
        "/a" * 5000,
    ],
    ids=lambda path: repr(path[:24]),
)
def test_not_found(system, path, method):
    """Anything else is not found, whatever the method, and does nothing."""
    response = system.api.handle(_request(method=method, path=path))

    assert response.status == 404
    assert response.facts == {"code": "not-found"}
    assert system.repository.adds == 0
    if method != "HEAD":
        assert _problem(response)["code"] == "not-found"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY", "", "post"], ids=repr)
def test_method_not_allowed(system, method):
    """Registrations are made with POST only; the answer says what is allowed, and a GET changes nothing."""
    response = system.api.handle(_request(method=method))

    assert (response.status, _problem(response)["code"]) == (405, "method-not-allowed")
    assert response.headers == {**PROBLEM_HEADERS, "Allow": "OPTIONS, POST"}
    assert (system.repository.adds, system.notifier.attempts) == (0, 0)


@pytest.mark.parametrize("path", ["/registrations", "/nowhere"])
def test_head_has_no_body(system, path):
    """A HEAD is answered with the headers of the GET and no body."""
    got = system.api.handle(_request(method="GET", path=path))

    response = system.api.handle(_request(method="HEAD", path=path))

    assert _visible(response) == (got.status, dict(got.headers), "")


# Each way to fail, with the options that lead there and the request: a page of another origin must be able to read it.
FAILURES = {
    "not-found": (404, {}, {"path": "/nowhere"}),
    "method-not-allowed": (405, {}, {"method": "PUT"}),
    "unsupported-media-type": (415, {}, {"content_type": "text/plain"}),
    "not-json": (400, {}, {"body": "{"}),
    "body-too-large": (413, {}, {"body": " " * 16385}),
    "invalid-registration": (422, {}, {"body": "{}"}),
    "unknown-event": (404, {"event_ids": {"other"}}, {}),
    "repository-unavailable": (503, {"add": errors.RepositoryUnavailableError("x")}, {}),
    "repository-failed": (500, {"add": errors.RepositoryError("x")}, {}),
    "table-layout": (500, {"add": errors.TableLayoutError("x")}, {}),
    "internal-error": (500, {"add": ZeroDivisionError("x")}, {}),
}


@pytest.mark.parametrize("origin", [ORIGIN, None], ids=["allowed origin", "no origin"])
@pytest.mark.parametrize("code", FAILURES)
def test_failure_can_be_read_by_the_page(make_system, code, origin):
    """Every error names an allowed origin back, so that the page can show it; without an origin it names none."""
    status, options, request = FAILURES[code]
    system = make_system(**options)

    response = system.api.handle(_request(**request, origin=origin))

    assert (response.status, _problem(response)["code"]) == (status, code)
    cors = {name: value for name, value in response.headers.items() if name.startswith("Access-Control-")}
    assert cors == (CORS_HEADERS if origin else {})
    assert COMMON_HEADERS.items() <= response.headers.items()


def test_success_can_be_read_by_the_page(system):
    """A registration from an allowed origin is answered with that origin."""
    response = system.post(origin=ORIGIN)

    assert response.headers == {**JSON_HEADERS, **CORS_HEADERS}


def test_programs_need_no_origin(make_system):
    """A caller without an origin is no browser and may post; it is told of no origin."""
    system = make_system(origins=())

    response = system.post()

    assert (response.status, response.headers) == (201, JSON_HEADERS)


FOREIGN = {
    "another site": {"origin": "https://evil.example"},
    "a subdomain": {"origin": "https://x.events.example.org"},
    "a longer name": {"origin": "https://events.example.org.evil.example"},
    "another scheme": {"origin": "http://events.example.org"},
    "another port": {"origin": "https://events.example.org:8443"},
    "a trailing slash": {"origin": "https://events.example.org/"},
    "in capitals": {"origin": "https://EVENTS.example.org"},
    "two at once": {"origin": f"{ORIGIN}, https://evil.example"},
    "null, as sandboxed frames and files send": {"origin": "null"},
    "null, and the host is named so": {"origin": "null", "host": "null"},
    "empty": {"origin": ""},
    "empty, and the host too": {"origin": "", "host": ""},
    "only a scheme, and no host": {"origin": "https://", "host": ""},
    "a star": {"origin": "*"},
    "our name with another port": {"origin": "https://api.example.org:444", "host": "api.example.org"},
    "our name inside another": {"origin": "https://api.example.org.evil.example", "host": "api.example.org"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
def test_foreign_origin(system, headers):
    """A page of an origin that isn't allowed is refused before anything is stored, and may not read why."""
    response = system.post(**headers)

    assert (response.status, _problem(response)["code"]) == (403, "origin-not-allowed")
    assert response.headers == PROBLEM_HEADERS
    assert (system.repository.adds, system.notifier.attempts) == (0, 0)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://api.example.org", "api.example.org"),
        ("http://api.example.org", "api.example.org"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("https://api.example.org", "API.Example.org"),
    ],
)
def test_own_origin(make_system, origin, host):
    """A page that the same host served may post without any setting; it needs no CORS header."""
    system = make_system(origins=())

    response = system.post(origin=origin, host=host)

    assert (response.status, response.headers) == (201, JSON_HEADERS)


@pytest.mark.parametrize("path", ["/registrations", "/prod/registrations", "/nowhere", "/"])
def test_preflight(system, path):
    """OPTIONS anywhere lets an allowed origin post JSON for ten minutes; it has no body and does nothing."""
    response = system.api.handle(_request(method="OPTIONS", path=path, origin=ORIGIN, body=""))

    assert (response.status, response.body) == (204, "")
    assert response.headers == {
        **COMMON_HEADERS,
        **CORS_HEADERS,
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "600",
    }
    assert system.repository.adds == 0


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
def test_preflight_of_others(system, origin):
    """OPTIONS of any other origin is answered without a permission."""
    response = system.api.handle(_request(method="OPTIONS", origin=origin, body=""))

    assert (response.status, response.headers, response.body) == (204, COMMON_HEADERS, "")


MAPPING = {
    errors.InvalidRegistrationError: (422, "invalid-registration"),
    errors.MalformedBodyError: (400, "some-reason"),
    errors.BodyTooLargeError: (413, "body-too-large"),
    errors.UnknownEventError: (404, "unknown-event"),
    errors.InvalidLinkError: (404, "invalid-link"),
    errors.AlreadyRegisteredError: (409, "already-registered"),
    errors.NotAdmittedError: (409, "not-admitted"),
    errors.NotOpenYetError: (409, "not-open-yet"),
    errors.RegistrationClosedError: (409, "registration-closed"),
    errors.EventFullError: (409, "event-full"),
    errors.EventCancelledError: (409, "event-cancelled"),
    errors.RepositoryError: (500, "repository-failed"),
    errors.RepositoryUnavailableError: (503, "repository-unavailable"),
    errors.TableLayoutError: (500, "table-layout"),
    errors.UnreadableRowError: (500, "unreadable-row"),
}
# Raised before there is a request, or kept by the service as the receipt's trouble. Were one to come here all the
# same, it would be a defect of ours like any unexpected exception.
NEVER_IN_HTTP = {
    errors.EventRegistrationError,
    errors.ProblemsError,
    errors.InvalidEventError,
    errors.EventExistsError,
    errors.EventChangeError,
    errors.UnknownRegistrationError,
    errors.SettingsError,
    errors.InvalidTemplatesError,
    errors.DataFolderInUseError,
    errors.DeploymentError,
    errors.NotifierError,
    errors.TransientNotifierError,
    errors.ThrottledNotifierError,
    errors.OutdatedMailError,
    errors.PermanentNotifierError,
}
ARGUMENTS = {
    errors.InvalidRegistrationError: ([errors.Problem("cname", "required", "This is required.")],),
    **dict.fromkeys(
        (errors.ProblemsError, errors.InvalidEventError, errors.SettingsError, errors.InvalidTemplatesError),
        ([errors.Problem("X", "required", "secret-text")],),
    ),
    errors.MalformedBodyError: ("some-reason", "Some sentence."),
}


def _error(kind):
    return kind(*ARGUMENTS.get(kind, ("secret-text",)))


def test_every_error_has_a_place():
    """Each class of the error tree is answered on purpose, or is known never to reach HTTP."""
    tree = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, Exception) and kind.__module__ == errors.__name__
    }

    assert tree == MAPPING.keys() | NEVER_IN_HTTP
    assert {kind.__name__ for kind in tree} | {"Problem"} == set(errors.__all__)


@pytest.mark.parametrize("kind", MAPPING, ids=lambda kind: kind.__name__)
def test_error_in_http(make_system, kind):
    """Each error has its status, and its own code."""
    system = make_system(add=_error(kind))

    response = system.post()

    document = _problem(response)
    assert (response.status, document["code"]) == MAPPING[kind]
    assert document["errors"] == (
        [{"field": "cname", "code": "required", "message": "This is required."}]
        if kind is errors.InvalidRegistrationError
        else []
    )
    assert response.facts["event_id"] == "devconf-2026"


@pytest.mark.parametrize("kind", [errors.RepositoryError, errors.RepositoryUnavailableError, errors.TableLayoutError])
def test_failure_is_for_the_log(make_system, kind):
    """Why we failed is told to the log, not to the client."""
    system = make_system(add=_error(kind))

    response = system.post()

    assert "secret-text" not in repr(_visible(response))
    assert response.facts["cause"] == "secret-text"


@pytest.mark.parametrize("kind", sorted(NEVER_IN_HTTP, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_error_that_is_never_in_http(make_system, kind):
    """An error that has no business in HTTP is answered as a defect, without its text or code."""
    system = make_system(add=_error(kind))

    response = system.post()

    assert (response.status, _problem(response)["code"]) == (500, "internal-error")
    assert "secret-text" not in repr(_visible(response)) + repr(response.facts)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("ada@example.org"), KeyError("ada@example.org"), RecursionError("ada@example.org"), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_unexpected_error(make_system, error):
    """A defect is answered without its text; the log learns its type and place."""
    system = make_system(add=error)

    response = system.post()

    assert _problem(response) == {
        "type": "about:blank",
        "title": "Something went wrong",
        "status": 500,
        "code": "internal-error",
        "detail": "This is our fault, not yours. Trying again is safe: nobody is registered twice.",
        "errors": [],
    }
    assert re.fullmatch(rf"{type(error).__name__} at test_api\.py:\d+", response.facts["cause"])
    assert "ada" not in repr(response)


def test_unavailable_says_when(make_system):
    """A 503 says when to come back, and that coming back is safe."""
    system = make_system(add=errors.RepositoryUnavailableError("x"))

    response = system.post()

    assert response.headers == {**PROBLEM_HEADERS, "Retry-After": "5"}
    assert "safe" in _problem(response)["detail"]


def test_retry_after_503(make_system):
    """A retry after a 503 whose row was stored all the same is answered as the first time would have been."""
    system = make_system()
    system.repository.add(make_registration(mail=Mail(attempts=1, attempted_at=system.clock())))

    response = system.post()

    assert (response.status, response.body) == (201, SUCCESS)
    assert len(list(system.repository.list("devconf-2026"))) == 1


SAME_DETAILS = {
    "the same octets": {},
    "address in capitals": {"cemail": "ADA@EXAMPLE.ORG"},
    "address with spaces": {"cemail": " Ada@Example.org\t"},
    "name with spaces": {"cname": " Ada  Lovelace\u00a0"},
    "event name with spaces": {"eventname": "DevConf \u3000 2026 "},
    "event id with spaces": {"eventid": " devconf-2026\n"},
    "with a field more": {"x": [1, None]},
}


@pytest.mark.parametrize("changes", SAME_DETAILS.values(), ids=SAME_DETAILS.keys())
def test_repeat(system, changes):
    """The same details again, however spelt, are answered byte for byte as the first time: one row, one mail."""
    first = system.post()

    repeat = system.post(changes)

    assert _visible(first) == (201, JSON_HEADERS, SUCCESS)
    assert _visible(repeat) == _visible(first)
    assert (first.facts["outcome"], repeat.facts["outcome"]) == ("registered", "repeated")
    assert len(list(system.repository.list("devconf-2026"))) == 1
    assert len(system.notifier.messages) == 1


def test_repeat_learns_the_stored_outcome(system):
    """The same details again are answered with where the registration stands now."""
    system.repository.add(make_registration(status=Status.WAITLISTED))

    response = system.post()

    assert response.body == (
        '{"message":"You are on the waiting list.","status":"waitlisted",'
        '"eventid":"devconf-2026","eventname":"DevConf 2026"}'
    )


OTHER_DETAILS = {
    "another name": {"cname": "Eve"},
    "another event name": {"eventname": "Gartenfest 🌷"},
    "both": {"cname": "Eve", "eventname": "DevConf"},
    "another name, address in capitals": {"cname": "Eve", "cemail": "ADA@example.ORG"},
}


@pytest.mark.parametrize("changes", OTHER_DETAILS.values(), ids=OTHER_DETAILS.keys())
@pytest.mark.parametrize("state", [MailState.CLAIMED, MailState.SENT, MailState.FAILED])
def test_other_details(make_system, changes, state):
    """Other details for a registered address get a newcomer's answer, byte for byte, and change and mail nothing."""
    system, empty = make_system(), make_system()
    registered = make_registration(mail=Mail(state=state, attempts=1, attempted_at=system.clock()))
    system.repository.add(registered)
    system.clock.advance(days=1)

    known = system.post(changes, origin=ORIGIN)

    newcomer = empty.post(changes, origin=ORIGIN)
    assert _visible(known) == _visible(newcomer)
    assert known.status == 201
    assert known.facts["outcome"] == "different-details"
    assert list(system.repository.list("devconf-2026")) == [registered]
    assert system.notifier.attempts == 0


def test_success_is_ascii(system):
    """An answer is the same octets in every charset: what isn't ASCII is escaped, in normal form."""
    response = system.post({"eventname": "Fe\u0302te  🎉"})

    assert response.body == (
        '{"message":"Registration successful!","status":"confirmed",'
        r'"eventid":"devconf-2026","eventname":"F\u00eate \ud83c\udf89"}'
    )


@pytest.mark.parametrize("changes", [{}, {"cname": "Eve"}], ids=["same details", "other details"])
def test_rejects_duplicates_if_told_to(make_system, changes):
    """With `reject` the first is answered as ever, and every later one with 409; one row, one mail."""
    system = make_system(on_duplicate=OnDuplicate.REJECT)
    first = system.post()

    second = system.post(changes)

    assert _visible(first) == (201, JSON_HEADERS, SUCCESS)
    assert (second.status, _problem(second)["code"]) == (409, "already-registered")
    assert second.headers == PROBLEM_HEADERS
    assert len(list(system.repository.list("devconf-2026"))) == 1
    assert len(system.notifier.messages) == 1


def test_listed_event(make_system):
    """With a list of events those are taken."""
    system = make_system(event_ids={"devconf-2026", "other"})

    response = system.post()

    assert (response.status, response.body) == (201, SUCCESS)


@pytest.mark.parametrize("event_id", ["devconf-2025", "DEVCONF-2026", "devconf-2026."])
def test_unlisted_event(make_system, event_id):
    """With a list of events any other is unknown; nothing is stored."""
    system = make_system(event_ids={"devconf-2026"})

    response = system.post({"eventid": event_id})

    assert (response.status, _problem(response)["code"]) == (404, "unknown-event")
    assert (system.repository.adds, system.notifier.attempts) == (0, 0)


MAIL_FAULTS = {
    "delayed": (errors.TransientNotifierError("x"), "mail-delayed", MailState.CLAIMED),
    "rejected": (errors.PermanentNotifierError("x"), "mail-rejected", MailState.FAILED),
    "failed": (errors.NotifierError("x"), "mail-failed", MailState.CLAIMED),
    "a defect": (ZeroDivisionError("ada@example.org"), "mail-failed", MailState.CLAIMED),
}


@pytest.mark.parametrize(("fault", "code", "state"), MAIL_FAULTS.values(), ids=MAIL_FAULTS.keys())
def test_mail_trouble_is_no_failure(make_system, fault, code, state):
    """Whatever becomes of the mail, the answer is the ordinary one; the trouble is told to the log."""
    system, untroubled = make_system(mails=[fault]), make_system()

    response = system.post(origin=ORIGIN)

    assert _visible(response) == _visible(untroubled.post(origin=ORIGIN))
    assert response.facts["trouble"] == code
    assert "ada" not in repr(response)
    (stored,) = system.repository.list("devconf-2026")
    assert stored.mail.state is state


@pytest.mark.parametrize(
    "fault",
    [errors.RepositoryUnavailableError("x"), errors.RepositoryError("x")],
    ids=lambda error: type(error).__name__,
)
def test_unmarked_mail_is_no_failure(make_system, fault):
    """A mail that went out and could not be marked leaves the answer the ordinary one."""
    system = make_system(replace=fault)

    response = system.post()

    assert _visible(response) == (201, JSON_HEADERS, SUCCESS)
    assert response.facts["trouble"] == fault.code
    assert len(system.notifier.messages) == 1


def test_lost_mail_is_sent_again(make_system):
    """After a lost mail the same person's repeat, ten minutes later, sends it, and the answer stays the same."""
    system = make_system(mails=[errors.TransientNotifierError("x")])
    first = system.post()
    system.clock.advance(minutes=10)

    repeat = system.post()

    assert _visible(repeat) == _visible(first)
    assert "trouble" not in repeat.facts
    assert len(system.notifier.messages) == 1


ORDERS = list(itertools.permutations(["POST", "OPTIONS", "GET"]))


@pytest.mark.parametrize("methods", ORDERS, ids=["-".join(order) for order in ORDERS])
def test_answers_share_nothing(system, methods):
    """An answer is the same whatever was answered before it: no header is left over."""
    answers = {method: system.api.handle(_request(method=method, origin=ORIGIN)) for method in methods}

    shared = COMMON_HEADERS.keys() | CORS_HEADERS.keys()
    assert {method: answer.headers.keys() - shared for method, answer in answers.items()} == {
        "POST": {"Content-Type"},
        "OPTIONS": {"Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"},
        "GET": {"Content-Type", "Allow"},
    }


def test_a_response_needs_no_body():
    """Headers and a status make a response."""
    response = Response(status=204, headers={})

    assert (response.body, dict(response.facts)) == ("", {})


@pytest.mark.parametrize(("method", "status"), [("POST", 201), ("GET", 404), ("PUT", 405)])
def test_a_base_path_may_be_called_events(method, status):
    """Behind a stage named events people register all the same; only what is read there is an event."""
    repository = SQLiteEventRepository(":memory:")
    repository.create_event(make_event())
    service = EventRegistrationService(repository, None, clock=ManualClock())
    api = Api(service, managed=service)

    response = api.handle(_request(method=method, path="/events/registrations"))

    assert response.status == status
    repository.close()
