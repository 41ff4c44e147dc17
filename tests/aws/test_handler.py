"""The Lambda handler: payloads of every source, answers, logs, and what it makes of the environment."""

import base64
import contextlib
import copy
import io
import json
import os
import socket
import subprocess
import sys
import time
from email.header import decode_header, make_header
from email.utils import parseaddr
from pathlib import Path

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from event_registration import SettingsError, make_lambda_handler
from event_registration.errors import (
    NotifierError,
    PermanentNotifierError,
    RepositoryUnavailableError,
    TableLayoutError,
    TransientNotifierError,
)
from event_registration.local import SQLiteRepository
from event_registration.rules import attendee_digest
from event_registration.settings import Settings
from event_registration.testing import RecordingNotifier, make_registration

FOLDER = Path(__file__).parent.parent / "payloads"
PAYLOADS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
SCHEDULE = PAYLOADS.pop("schedule")
BROWSER_SOURCES = [name for name in PAYLOADS if name != "rest-api-console-test"]  # it has no headers at all
MULTI_VALUE = "alb-multi-value"

SUCCESS = (
    '{"message":"Registration successful!","status":"confirmed","eventid":"devconf-2026","eventname":"DevConf 2026"}'
)
COMMON_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Origin",
}
JSON_HEADERS = {"Content-Type": "application/json", **COMMON_HEADERS}
PROBLEM_HEADERS = {"Content-Type": "application/problem+json", **COMMON_HEADERS}
ORIGIN = "https://events.example.org"


class NotingRepository(SQLiteRepository):
    """SQLite in memory that notes the deadlines it is given, and raises what it is told to."""

    def __init__(self, fault=None):
        super().__init__(":memory:")
        self.fault = fault
        self.deadlines = []

    def add(self, registration, *, deadline=None):
        """Note the deadline, then add or raise."""
        self.deadlines.append(deadline)
        if self.fault:
            raise self.fault
        return super().add(registration, deadline=deadline)

    def replace(self, old, new, *, deadline=None):
        """Note the deadline, then replace."""
        self.deadlines.append(deadline)
        return super().replace(old, new, deadline=deadline)


class Context:
    """What Lambda hands over besides the payload, as far as the handler reads it."""

    def __init__(self, remaining=10_000):
        self.aws_request_id = "0f1e2d3c-0000-4000-8000-000000000001"
        self.function_name = "register"
        self._remaining = remaining

    def get_remaining_time_in_millis(self):
        """Return the milliseconds that are left."""
        return self._remaining


@pytest.fixture
def repository():
    """Return an empty repository that notes its deadlines."""
    repository = NotingRepository()
    yield repository
    repository.close()


@pytest.fixture
def notifier():
    """Return a notifier that works and keeps what it sends."""
    return RecordingNotifier()


@pytest.fixture
def handler(repository, notifier):
    """Return a handler in parts that lets pages of `ORIGIN` post."""
    return make_lambda_handler(
        repository=repository, notifier=notifier, settings=Settings(allowed_origins=frozenset({ORIGIN}))
    )


def _payload(name, **changes):
    return copy.deepcopy(PAYLOADS[name]) | changes


def _with_method(payload, method):
    """Return *payload* as that source sends another method."""
    if "http" in payload["requestContext"]:
        payload["requestContext"]["http"]["method"] = method
    else:
        payload["httpMethod"] = method
    return payload


def _with_header(payload, name, value):
    """Return *payload* as that source sends one header more."""
    if payload.get("headers"):
        payload["headers"][name] = value
    if payload.get("multiValueHeaders"):
        payload["multiValueHeaders"][name] = [value]
    return payload


def _with_header_names(payload, spelling):
    """Return *payload* with all its headers' names in another *spelling*."""
    for headers in ("headers", "multiValueHeaders"):
        if payload.get(headers):
            payload[headers] = {spelling(name): value for name, value in payload[headers].items()}
    return payload


def _with_path(payload, path):
    """Return *payload* as that source sends another path."""
    payload["rawPath" if payload.get("version") == "2.0" else "path"] = path
    return payload


def _with_body(payload, body):
    payload.update(body=body, isBase64Encoded=False)
    return payload


def _code(answer):
    return json.loads(answer["body"])["code"]


def _log_line(capsys):
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


@pytest.mark.parametrize("name", BROWSER_SOURCES)
def test_registers(handler, repository, notifier, name):
    """A payload of every source registers: one row, one mail, and exactly this answer."""
    answer = handler(_payload(name), Context())

    expected = {"statusCode": 201, "headers": JSON_HEADERS, "body": SUCCESS, "isBase64Encoded": False}
    if name == MULTI_VALUE:
        expected["multiValueHeaders"] = {name: [value] for name, value in JSON_HEADERS.items()}
    assert answer == expected
    assert [each.attendee_name for each in repository.list("devconf-2026")] == ["Ada Lovelace"]
    assert [each.to for each in notifier.messages] == ["ada@example.org"]


def test_console_test_without_headers(handler):
    """The console's test button sends null for the headers: the content type is asked for."""
    answer = handler(_payload("rest-api-console-test"), Context())

    assert (answer["statusCode"], _code(answer)) == (415, "unsupported-media-type")
    assert answer["headers"] == PROBLEM_HEADERS
    assert "multiValueHeaders" not in answer


def test_console_test_with_headers(handler):
    """The console's test button registers once the content type is typed in."""
    headers = {"Content-Type": "application/json"}
    payload = _payload(
        "rest-api-console-test", headers=headers, multiValueHeaders={"Content-Type": ["application/json"]}
    )

    answer = handler(payload, Context())

    assert (answer["statusCode"], answer["body"]) == (201, SUCCESS)


@pytest.mark.parametrize("spelling", [str.upper, str.lower, str.title, str.swapcase])
@pytest.mark.parametrize("name", BROWSER_SOURCES)
def test_header_names_in_any_case(handler, name, spelling):
    """Headers are found however their names are spelt."""
    payload = _with_header(_with_header_names(_payload(name), spelling), spelling("Origin"), ORIGIN)

    answer = handler(payload, Context())

    assert answer["statusCode"] == 201
    assert answer["headers"]["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("name", BROWSER_SOURCES)
def test_base64(handler, repository, name):
    """A body in base64 is decoded, whatever the source."""
    body = json.dumps(
        {"eventid": "devconf-2026", "eventname": "DevConf 2026", "cname": "Zoë", "cemail": "zoe@example.org"},
        ensure_ascii=False,
    )
    payload = _payload(name, body=base64.b64encode(body.encode()).decode(), isBase64Encoded=True)

    answer = handler(payload, Context())

    assert (answer["statusCode"], answer["body"]) == (201, SUCCESS)
    assert [each.attendee_name for each in repository.list("devconf-2026")] == ["Zoë"]


def test_broken_base64(handler):
    """A body marked as base64 that is none is refused."""
    answer = handler(_payload("function-url", body="{}"), Context())

    assert (answer["statusCode"], _code(answer)) == (400, "not-base64")


@pytest.mark.parametrize("mark", [None, "true", 1], ids=repr)
def test_base64_is_marked_with_true(handler, mark):
    """Only `true` marks base64, as the sources send it."""
    answer = handler(_payload("alb", isBase64Encoded=mark), Context())

    assert answer["statusCode"] == 201


@pytest.mark.parametrize("path", ["/registrations", "/prod/registrations", "/a/b-c/registrations", "/registrations/"])
@pytest.mark.parametrize("name", BROWSER_SOURCES)
def test_stage_and_base_path(handler, name, path):
    """What comes before the route, a stage or a base path, is passed over."""
    answer = handler(_with_path(_payload(name), path), Context())

    assert answer["statusCode"] == 201


@pytest.mark.parametrize("body", [None, "", " \n"], ids=repr)
@pytest.mark.parametrize("name", BROWSER_SOURCES)
def test_no_body(handler, name, body):
    """A missing, null or blank body is said to be empty."""
    answer = handler(_with_body(_payload(name), body), Context())

    assert (answer["statusCode"], _code(answer)) == (400, "empty-body")


def test_body_left_out(handler):
    """A payload without the member `body` has an empty one."""
    payload = _payload("http-api")
    del payload["body"]

    answer = handler(payload, Context())

    assert (answer["statusCode"], _code(answer)) == (400, "empty-body")


@pytest.mark.parametrize("name", BROWSER_SOURCES)
def test_preflight(handler, repository, name):
    """An OPTIONS of an allowed origin is answered by the handler itself, from every source."""
    payload = _with_header(_with_method(_with_body(_payload(name), None), "OPTIONS"), "origin", ORIGIN)

    answer = handler(payload, Context())

    expected = {
        **COMMON_HEADERS,
        "Access-Control-Allow-Origin": ORIGIN,
        "Access-Control-Expose-Headers": "Retry-After",
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "Content-Type",
        "Access-Control-Max-Age": "600",
    }
    assert (answer["statusCode"], answer["headers"], answer["body"]) == (204, expected, "")
    assert ("multiValueHeaders" in answer) == (name == MULTI_VALUE)
    assert repository.deadlines == []


def test_method_in_lower_case(handler):
    """A method is known however it is spelt."""
    answer = handler(_with_method(_payload("alb"), "post"), Context())

    assert answer["statusCode"] == 201


def test_last_of_several_values(handler):
    """Of a header that came twice the last value counts, as in API Gateway's own `headers`."""
    payload = _payload(MULTI_VALUE)
    payload["multiValueHeaders"]["content-type"] = ["text/plain", "application/json"]

    answer = handler(payload, Context())

    assert answer["statusCode"] == 201


@pytest.mark.parametrize("many", [{}, None, {"content-type": []}, {"x-empty": None}], ids=repr)
def test_single_values_where_there_are_no_others(handler, many):
    """Multi-value headers that hold no value leave it to the single ones."""
    answer = handler(_payload("alb", multiValueHeaders=many), Context())

    assert answer["statusCode"] == 201
    assert "multiValueHeaders" not in answer


@pytest.mark.parametrize("values", [[], None, [None], [5]], ids=repr)
def test_header_without_text(handler, values):
    """A header without a text value is as if it had not come."""
    payload = _payload(MULTI_VALUE)
    payload["multiValueHeaders"]["content-type"] = values

    answer = handler(payload, Context())

    assert (answer["statusCode"], _code(answer)) == (415, "unsupported-media-type")


SQS_BATCH = {
    "Records": [
        {
            "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": PAYLOADS["alb"]["body"],
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:registrations",
            "awsRegion": "eu-west-1",
        }
    ]
}
S3_EVENT = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "example-bucket"}, "object": {"key": "registrations.json", "size": 91}},
        }
    ]
}
WEBSOCKET = {
    "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "IAR0AdEOIAMCJ2g="},
    "isBase64Encoded": False,
}


def _without(name, *path):
    payload = _payload(name)
    parent = payload
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    return payload


UNKNOWN = {
    "None": None,
    "a list": [],
    "a list of payloads": [PAYLOADS["alb"]],
    "text": "x",
    "text that is JSON": json.dumps(PAYLOADS["alb"]),
    "a number": 5,
    "true": True,
    "an empty object": {},
    "an SQS batch": SQS_BATCH,
    "an S3 event": S3_EVENT,
    "a schedule": SCHEDULE,
    "a WebSocket": WEBSOCKET,
    "v1: requestContext missing": _without("rest-api", "requestContext"),
    "v1: requestContext null": _payload("rest-api", requestContext=None),
    "v1: requestContext a list": _payload("rest-api", requestContext=[]),
    "v1: requestContext text": _payload("rest-api", requestContext="x"),
    "v1: httpMethod missing": _without("rest-api", "httpMethod"),
    "v1: httpMethod null": _payload("rest-api", httpMethod=None),
    "v1: httpMethod a list": _payload("rest-api", httpMethod=["POST"]),
    "v1: path missing": _without("rest-api", "path"),
    "v1: path null": _payload("rest-api", path=None),
    "v1: multiValueHeaders a list": _payload("rest-api", headers=None, multiValueHeaders=["x"]),
    "v1: a header's values an object": _payload("rest-api", headers=None, multiValueHeaders={"x": {"y": "z"}}),
    "v1: a header's values a number": _payload("rest-api", headers=None, multiValueHeaders={"x": 5}),
    "v2: requestContext null": _payload("http-api", requestContext=None),
    "v2: requestContext.http missing": _without("http-api", "requestContext", "http"),
    "v2: requestContext.http null": _payload("http-api", requestContext={"http": None}),
    "v2: method missing": _without("http-api", "requestContext", "http", "method"),
    "v2: method a number": _payload("http-api", requestContext={"http": {"method": 5}}),
    "v2: rawPath missing": _without("http-api", "rawPath"),
    "v2: rawPath a number": _payload("http-api", rawPath=5),
    "v2 under the version of v1": _payload("http-api", version="1.0"),
    "v2: version missing": _without("http-api", "version"),
    "body an object": _payload("alb", body={"eventid": "devconf-2026"}),
    "body a list": _payload("alb", body=["x"]),
    "body a number": _payload("alb", body=5),
    "body true": _payload("alb", body=True),
    "headers a list": _payload("alb", headers=["content-type"]),
    "headers text": _payload("alb", headers="content-type"),
    "headers a number": _payload("alb", headers=5),
    "headers with a number as name": _payload("alb", headers={5: "x"}),
}


@pytest.mark.parametrize("payload", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown_payload(handler, repository, notifier, capsys, payload):
    """What is no HTTP request is answered and logged as such, never raised, and does nothing."""
    answer = handler(payload, Context())

    assert (answer["statusCode"], _code(answer)) == (400, "unknown-payload")
    assert answer["headers"] == PROBLEM_HEADERS
    assert answer["isBase64Encoded"] is False
    assert (repository.deadlines, notifier.attempts) == ([], 0)
    assert _log_line(capsys)["code"] == "unknown-payload"


@pytest.fixture(scope="module")
def fuzzed_handler():
    """Return one handler for all of a fuzz."""
    repository = SQLiteRepository(":memory:")
    yield make_lambda_handler(
        repository=repository,
        notifier=RecordingNotifier(),
        settings=Settings(allowed_origins=frozenset({ORIGIN})),
    )
    repository.close()


# With lone surrogates: json.loads makes them of escapes, so a payload can hold them.
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("\ud800\udfff\x00")), max_size=20)
KEYS = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            "version",
            "requestContext",
            "http",
            "method",
            "httpMethod",
            "path",
            "rawPath",
            "headers",
            "multiValueHeaders",
            "body",
            "isBase64Encoded",
            "content-type",
            "origin",
            "host",
        ]
    ),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXTS,
    st.sampled_from(["2.0", "1.0", "POST", "OPTIONS", "/registrations", "application/json", ORIGIN, "{}", "W10="]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=6)),
    max_leaves=12,
)


def _places(value, path=()):
    """Yield the path of everything inside *value*."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*path, key)
        yield from _places(inner, (*path, key))


@st.composite
def _mutated_payloads(draw):
    """Draw a real payload in which up to three members are replaced or missing."""
    payload = copy.deepcopy(PAYLOADS[draw(st.sampled_from(sorted(PAYLOADS)))])
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(payload))
        if not places:
            break
        *parents, last = draw(st.sampled_from(places))
        parent = payload
        for step in parents:
            parent = parent[step]
        if draw(st.booleans()):
            parent[last] = draw(VALUES)
        else:
            del parent[last]
    return payload


@st.composite
def _payloads_with_any_body(draw):
    """Draw a real payload whose body is JSON of any shape, or no JSON."""
    name = draw(st.sampled_from(BROWSER_SOURCES))
    body = draw(st.one_of(TEXTS, VALUES.map(json.dumps), st.dictionaries(KEYS, LEAVES, max_size=5).map(json.dumps)))
    return _payload(name, body=body, isBase64Encoded=draw(st.booleans()))


@given(payload=st.one_of(VALUES, _mutated_payloads(), _payloads_with_any_body()))
@settings(max_examples=400, deadline=None)
def test_answers_whatever_comes(fuzzed_handler, payload):
    """No payload makes the handler raise or fail: a JSON answer that is no 5xx, and one line of log."""
    output = io.StringIO()

    with contextlib.redirect_stdout(output):
        answer = fuzzed_handler(payload, Context())

    assert isinstance(answer["statusCode"], int)
    assert 200 <= answer["statusCode"] < 500
    assert answer["body"] == "" or isinstance(json.loads(answer["body"]), dict)
    assert all(isinstance(value, str) for value in answer["headers"].values())
    (line,) = output.getvalue().splitlines()
    assert json.loads(line)["status"] == answer["statusCode"]
    json.dumps(answer)


def test_logs_a_registration(handler, capsys):
    """A registration is one line of JSON: request, event, outcome, time, and nothing else."""
    handler(_payload("http-api"), Context())

    line = _log_line(capsys)
    assert line.pop("milliseconds") >= 0
    assert line == {
        "level": "INFO",
        "request_id": "0f1e2d3c-0000-4000-8000-000000000001",
        "status": 201,
        "event_id": "devconf-2026",
        "outcome": "registered",
    }


def test_logs_a_refusal(handler, capsys):
    """A refusal's line has its code."""
    handler(_payload("http-api", body="{"), Context())

    line = _log_line(capsys)
    del line["milliseconds"]
    assert line == {
        "level": "INFO",
        "request_id": "0f1e2d3c-0000-4000-8000-000000000001",
        "status": 400,
        "code": "not-json",
    }


def test_logs_without_a_context(handler, capsys):
    """A context that knows no request id, as in a local call, leaves it null."""
    handler(_payload("http-api"), None)

    assert _log_line(capsys)["request_id"] is None


def test_milliseconds_are_measured(notifier, capsys):
    """The time in the log is what the call took."""

    class SlowRepository(NotingRepository):
        def add(self, registration, *, deadline=None):
            time.sleep(0.05)
            return super().add(registration, deadline=deadline)

    repository = SlowRepository()
    handler = make_lambda_handler(repository=repository, notifier=notifier, settings=Settings())

    handler(_payload("http-api"), Context())

    assert 50 <= _log_line(capsys)["milliseconds"] < 5000
    repository.close()


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (TransientNotifierError("SES refused for now (TooManyRequestsException)."), "mail-delayed"),
        (PermanentNotifierError("SES refused the message (MessageRejected)."), "mail-rejected"),
        (NotifierError("SES can't be called (NoCredentialsError)."), "mail-failed"),
        (RuntimeError("no mail for ada@example.org"), "mail-failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_counts_late_mails(repository, capsys, fault, code):
    """A mail that did not go out is a line in CloudWatch's metric format, and an ordinary answer."""
    handler = make_lambda_handler(repository=repository, notifier=RecordingNotifier([fault]), settings=Settings())
    before = int(time.time() * 1000)

    answer = handler(_payload("http-api"), Context())

    line = _log_line(capsys)
    assert (answer["statusCode"], answer["body"]) == (201, SUCCESS)
    assert (line["level"], line["trouble"], line["MailTrouble"]) == ("WARN", code, 1)
    assert line["FunctionName"] == "register"
    assert before <= line["_aws"]["Timestamp"] <= int(time.time() * 1000)
    assert line["_aws"]["CloudWatchMetrics"] == [
        {"Namespace": "EventRegistration", "Dimensions": [["FunctionName"]], "Metrics": [{"Name": "MailTrouble"}]}
    ]


def test_counts_late_mails_of_no_function(repository, capsys):
    """Called without a context, the metric has no dimension."""
    fault = TransientNotifierError("SES refused for now (TooManyRequestsException).")
    handler = make_lambda_handler(repository=repository, notifier=RecordingNotifier([fault]), settings=Settings())

    handler(_payload("http-api"), None)

    line = _log_line(capsys)
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
    assert "FunctionName" not in line


FAILURES = {
    "unavailable": (RepositoryUnavailableError("Failed (X)."), (503, "repository-unavailable"), "Failed (X)."),
    "layout": (TableLayoutError("Not keyed."), (500, "table-layout"), "Not keyed."),
    "unexpected": (RuntimeError("ada@example.org"), (500, "internal-error"), "RuntimeError at test_handler.py:"),
}


@pytest.mark.parametrize(("fault", "expected", "cause"), FAILURES.values(), ids=FAILURES.keys())
def test_logs_failures_as_errors(notifier, capsys, fault, expected, cause):
    """A failure of ours is logged at level ERROR, with its cause."""
    repository = NotingRepository(fault)
    handler = make_lambda_handler(repository=repository, notifier=notifier, settings=Settings())

    answer = handler(_payload("http-api"), Context())

    line = _log_line(capsys)
    assert (line["status"], line["code"]) == expected
    assert answer["statusCode"] == line["status"]
    assert line["level"] == "ERROR"
    assert line["cause"].startswith(cause)
    repository.close()


def _body(**changes):
    return json.dumps(json.loads(PAYLOADS["alb"]["body"]) | changes)


PRIVATE = {
    "a registration": {},
    "an invalid name": {"body": _body(cname="Ada Lovelace www.example.org")},
    "an invalid address": {"body": _body(cemail="ada@example.org@")},
    "an unknown event": {"body": _body(eventid="other")},
    "broken JSON": {"body": PAYLOADS["alb"]["body"][:-1]},
    "a duplicate key": {"body": '{"cemail":"ada@example.org","cemail":"Ada Lovelace"}'},
    "too long": {"body": _body(x="ada@example.org " * 2000)},
    "a strange path": {"path": "/ada@example.org/Lovelace"},
    "a strange method": {"httpMethod": "ADA@EXAMPLE.ORG"},
    "a strange origin": {"headers": {"origin": "https://ada.example.org", "content-type": "application/json"}},
    "a strange content type": {"headers": {"content-type": "ada@example.org; x=Lovelace"}},
    "a body that is no text": {"body": {"cemail": "ada@example.org"}},
}


@pytest.mark.parametrize("changes", PRIVATE.values(), ids=PRIVATE.keys())
@pytest.mark.parametrize(
    "fault", [None, RuntimeError("ada@example.org, Ada Lovelace")], ids=["works", "raises the address"]
)
@pytest.mark.parametrize("part", ["repository", "notifier"])
def test_logs_no_person(capsys, part, fault, changes):
    """No line holds a name, an address or its digest, not even that of an exception with them in its text."""
    repository = NotingRepository(fault if part == "repository" else None)
    notifier = RecordingNotifier([fault] * 3 if part == "notifier" else ())
    handler = make_lambda_handler(
        repository=repository, notifier=notifier, settings=Settings(event_ids=frozenset({"devconf-2026"}))
    )

    for repeat in (changes, changes, {"body": _body(cname="Eve Lovelace")}):
        handler(_payload("alb", **repeat), Context())

    captured = capsys.readouterr()
    digest = attendee_digest("ada@example.org")
    assert len(captured.out.splitlines()) == 3
    for personal in ("ada@", "ada.", "lovelace", "example.org", digest, digest[:16]):
        assert personal not in captured.out.lower()
    assert captured.err == ""
    repository.close()


def test_deadline_reaches_the_repository(handler, repository):
    """The repository gets the invocation's time less what mail, mark and answer may need; the mark a short time."""
    earliest = time.monotonic()

    handler(_payload("alb"), Context(remaining=10_000))

    latest = time.monotonic()
    add, replace = repository.deadlines
    assert earliest + 4 - 1e-6 <= add <= latest + 4 + 1e-6
    assert earliest + 2.5 <= replace <= latest + 2.5


@pytest.mark.parametrize("context", [None, object(), {}], ids=["None", "an object", "a dict"])
def test_no_deadline(handler, repository, context):
    """A context that tells no time gives no deadline."""
    answer = handler(_payload("alb"), context)

    assert answer["statusCode"] == 201
    assert repository.deadlines == [None, None]


def test_no_time_left(handler, repository, notifier, capsys):
    """With no time left the row is stored, the mail is left for a repeat, and the answer is the ordinary one."""
    answer = handler(_payload("alb"), Context(remaining=100))

    assert (answer["statusCode"], answer["body"]) == (201, SUCCESS)
    assert len(list(repository.list("devconf-2026"))) == 1
    assert notifier.attempts == 0
    assert _log_line(capsys)["trouble"] == "mail-delayed"


@pytest.fixture
def environment(monkeypatch):
    """Return what sets our variables, after removing those of whoever runs the tests."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("SENDER", "TABLE", "ALLOWED_ORIGINS", "EVENTS", "EVENT_IDS", "ON_DUPLICATE", "CONFIGURATION_SET"):
        monkeypatch.delenv(f"EVENT_REGISTRATION_{name}", raising=False)
    return lambda **variables: [monkeypatch.setenv(f"EVENT_REGISTRATION_{k}", v) for k, v in variables.items()]


def test_everything_of_the_environment(environment, make_table, capsys):
    """With nothing given the row goes to the named table and the mail through SES, from the named sender."""
    with mock_aws():
        dynamodb, ses = boto3.client("dynamodb"), boto3.client("sesv2")
        table = make_table(dynamodb)
        ses.create_email_identity(EmailIdentity="events@example.org")
        environment(TABLE=table, SENDER="Events <events@example.org>", EVENT_IDS="devconf-2026")
        handler = make_lambda_handler()

        answers = [handler(_payload("http-api"), Context()) for _ in range(2)]

        rows = dynamodb.scan(TableName=table)["Items"]
        (mail,) = get_backend("ses")[DEFAULT_ACCOUNT_ID]["eu-west-1"].sent_messages
        dynamodb.close()
        ses.close()
    assert [(answer["statusCode"], answer["body"]) for answer in answers] == [(201, SUCCESS)] * 2
    assert [(row["eventid"], row["sk"], row["cemail"], row["mail"]) for row in rows] == [
        (
            {"S": "devconf-2026"},
            {"S": f"REGISTRATION#{attendee_digest('ada@example.org')}"},
            {"S": "ada@example.org"},
            {"S": "sent"},
        )
    ]
    assert (mail.source, mail.destinations) == ("Events <events@example.org>", {"ToAddresses": ["ada@example.org"]})
    outcomes = [json.loads(line)["outcome"] for line in capsys.readouterr().out.splitlines()]
    assert outcomes == ["registered", "repeated"]


@pytest.fixture(params=["silent", "unreachable"])
def dead_service(request):
    """Return the URL of a service that takes connections and never answers, or doesn't even take them."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    waiting = []
    if request.param == "silent":
        listener.listen()
    else:
        # A full queue of connections nobody accepts: the next one is left without an answer.
        listener.listen(0)
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].settimeout(0)
            waiting[-1].connect_ex(listener.getsockname())
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    for each in (*waiting, listener):
        each.close()


def test_gives_up_a_dead_table(environment, dead_service, monkeypatch):
    """A table that never answers is given up after a second, and the answer is 503."""
    environment(SENDER="events@example.org")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dead_service)
    handler = make_lambda_handler(notifier=RecordingNotifier())
    started = time.monotonic()

    answer = handler(_payload("alb"), Context(remaining=4000))

    assert answer["statusCode"] == 503
    assert 0.9 < time.monotonic() - started < 2


def test_gives_up_a_dead_mail_service(environment, dead_service, monkeypatch, repository):
    """SES that never answers is given up within three seconds, and the answer is the ordinary one."""
    environment(SENDER="events@example.org")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", dead_service)
    handler = make_lambda_handler(repository=repository)
    started = time.monotonic()

    answer = handler(_payload("alb"), Context(remaining=10_000))

    assert (answer["statusCode"], answer["body"]) == (201, SUCCESS)
    assert 0.9 < time.monotonic() - started < 3


def test_table_of_the_environment_by_default(environment):
    """Without a name the table is the brief's `eventmanagement`."""
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        dynamodb.create_table(
            TableName="eventmanagement",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("eventid", "sk")],
            KeySchema=[{"AttributeName": "eventid", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        environment()
        handler = make_lambda_handler(notifier=RecordingNotifier())

        answer = handler(_payload("http-api"), Context())

        rows = dynamodb.scan(TableName="eventmanagement")["Count"]
        dynamodb.close()
    assert (answer["statusCode"], rows) == (201, 1)


def test_settings_of_the_environment(environment, repository, notifier):
    """Given parts leave the rest to the environment: events, origins, and what becomes of a repeat."""
    environment(EVENT_IDS="devconf-2026", ALLOWED_ORIGINS=ORIGIN, ON_DUPLICATE="reject")
    handler = make_lambda_handler(repository=repository, notifier=notifier)
    browser = _with_header(_payload("http-api"), "origin", ORIGIN)

    first = handler(browser, Context())
    second = handler(browser, Context())
    unknown = handler(_payload("http-api", body=_body(eventid="other")), Context())

    assert first["headers"]["Access-Control-Allow-Origin"] == ORIGIN
    assert (second["statusCode"], _code(second)) == (409, "already-registered")
    assert (unknown["statusCode"], _code(unknown)) == (404, "unknown-event")


def test_given_settings_are_used(environment, repository, notifier):
    """Given settings replace those of the environment, which isn't read."""
    environment(EVENT_IDS="other", NONSENSE="1")
    handler = make_lambda_handler(repository=repository, notifier=notifier, settings=Settings())

    answer = handler(_payload("http-api"), Context())

    assert answer["statusCode"] == 201


def test_sender_is_missing(environment):
    """Without a notifier the environment must name the sender; the error names the variable."""
    environment(TABLE="eventmanagement")

    with pytest.raises(SettingsError) as caught:
        make_lambda_handler()

    assert [(each.field, each.code) for each in caught.value.problems] == [("EVENT_REGISTRATION_SENDER", "required")]


def test_mails_through_ses_only(environment):
    """A mail server that a function would never use is told as out of place."""
    environment(SENDER="events@example.org", SMTP_URL="smtps://mail.example.org")

    with pytest.raises(SettingsError, match="mail through SES") as caught:
        make_lambda_handler()

    assert [each.field for each in caught.value.problems] == ["EVENT_REGISTRATION_SMTP_URL"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("events@example.org", ""),
        ("The Events Team <events@example.org>", "The Events Team"),
        ("Événements <events@example.org>", "Événements"),
        ("Events (2026) <events@example.org>", "Events (2026)"),
        ("Events, Inc. <events@example.org>", "Events, Inc."),
        ('"Events, Inc." <events@example.org>', "Events, Inc."),
        ("Événements, 2026 <events@example.org>", "Événements, 2026"),
        ("Team: Events <events@example.org>", "Team: Events"),
        ("Events @ Example <events@example.org>", "Events @ Example"),
    ],
)
def test_sender_of_the_environment(environment, repository, text, name):
    """A sender that the settings take is what the mail comes from, whatever signs its name holds."""
    with mock_aws():
        ses = boto3.client("sesv2")
        ses.create_email_identity(EmailIdentity="events@example.org")
        ses.close()
        environment(SENDER=text)
        handler = make_lambda_handler(repository=repository)

        handler(_payload("http-api"), Context())

        (mail,) = get_backend("ses")[DEFAULT_ACCOUNT_ID]["eu-west-1"].sent_messages
    encoded, address = parseaddr(mail.source)
    assert (str(make_header(decode_header(encoded))), address) == (name, "events@example.org")


def test_given_parts_may_be_empty(environment):
    """A given part is used even if it counts as false, as one with a length of 0 does."""

    class EmptyRepository(NotingRepository):
        def __len__(self):
            return 0

    class EmptyNotifier(RecordingNotifier):
        def __len__(self):
            return len(self.messages)

    environment()
    repository, notifier = EmptyRepository(), EmptyNotifier()
    try:
        handler = make_lambda_handler(repository=repository, notifier=notifier)

        handler(_payload("http-api"), Context())
    finally:
        stored = list(repository.list("devconf-2026"))
        repository.close()

    assert (len(stored), len(notifier.messages)) == (1, 1)


@pytest.fixture
def sent_to_ses():
    """Return the bodies of the calls that clients of boto3's default session make to SES."""
    bodies = []
    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION._session.get_component("event_emitter")
    events.register("before-send.sesv2", lambda request, **_: bodies.append(json.loads(request.body)))
    yield bodies
    boto3.DEFAULT_SESSION = None


def test_given_settings_lack_the_sender(repository):
    """Given settings without a sender are refused at once if mail is to go through SES."""
    with pytest.raises(SettingsError) as caught:
        make_lambda_handler(repository=repository, settings=Settings())

    assert [(each.field, each.code) for each in caught.value.problems] == [("EVENT_REGISTRATION_SENDER", "required")]


def test_configuration_set(environment, repository, request):
    """The configuration set of the settings is named in the call to SES."""
    with mock_aws():
        bodies = request.getfixturevalue("sent_to_ses")
        environment(SENDER="events@example.org", CONFIGURATION_SET="events")
        handler = make_lambda_handler(repository=repository)

        handler(_payload("http-api"), Context())

    assert [body["ConfigurationSetName"] for body in bodies] == ["events"]


def test_registration_is_the_models(handler, repository):
    """What is stored is what a Python user would have made of the same details."""
    handler(_payload("alb"), Context())

    (stored,) = repository.list("devconf-2026")
    assert stored.same_details(make_registration())


@pytest.mark.parametrize(
    "statement", ["import event_registration", "from event_registration import make_lambda_handler"]
)
def test_import_is_light(statement):
    """Importing us loads no boto3, no jsonschema, no sqlite3 and no server: a cold start pays for what it uses."""
    heavy = {"boto3", "botocore", "jsonschema", "sqlite3", "waitress", "werkzeug", "click", "idna"}
    program = f"import sys\n{statement}\nprint(*sorted(name.partition('.')[0] for name in sys.modules))"

    # Measuring coverage would load sqlite3 in the new process.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ
    ).stdout

    assert "event_registration" in output.split()
    assert heavy.isdisjoint(output.split())
