"""The Lambda handler where events are managed: their cards, registrations by the catalogue, and the schedule."""

import copy
import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from attrs import evolve
from moto import mock_aws
from returned import bounce
from serving import unmeasured

from event_registration import make_lambda_handler
from event_registration.aws import DynamoDBEventRepository
from event_registration.errors import RepositoryError, RepositoryUnavailableError, TransientNotifierError
from event_registration.event import Event
from event_registration.feedback import reference_of
from event_registration.local import SQLiteEventRepository, SQLiteOutbox, SQLiteRepository
from event_registration.mail import MailState
from event_registration.model import Status
from event_registration.service import OnDuplicate
from event_registration.settings import Confirmation, EventsMode, Settings
from event_registration.testing import RecordingNotifier

FOLDER = Path(__file__).parent.parent / "payloads"
POST, SCHEDULE = (json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in ("rest-api", "schedule"))
ORIGIN = "https://events.example.org"
SETTINGS = Settings(events=EventsMode.MANAGED, allowed_origins=frozenset({ORIGIN}))
REQUEST_ID = "0f1e2d3c-0000-4000-8000-000000000001"
LATE = TransientNotifierError("SES refused for now (TooManyRequestsException).")
THROTTLED = RepositoryUnavailableError("DynamoDB refused for now (ThrottlingException).")
# Ada is told, Eve is told that she waits, and then of Ada's cancellation and Eve's promotion.
ON_PROMOTION = pytest.mark.parametrize("notifier", [[None, None, LATE, LATE]], indirect=True, ids=["late"])
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTEXT = SimpleNamespace(
    aws_request_id=REQUEST_ID, function_name="register", get_remaining_time_in_millis=lambda: 10_000
)


class Troubled(SQLiteEventRepository):
    """SQLite in memory that raises what it is told to, and notes the deadlines of settling."""

    def __init__(self):
        super().__init__(":memory:")
        self.listing_fault = None
        self.settling_faults = {}
        self.deadlines = []

    def list_events(self):
        """List, or raise."""
        if self.listing_fault:
            raise self.listing_fault
        return super().list_events()

    def settle(self, event_id, now, *, deadline=None):
        """Settle, or raise this event's fault."""
        self.deadlines.append(deadline)
        if event_id in self.settling_faults:
            raise self.settling_faults[event_id]
        return super().settle(event_id, now, deadline=deadline)


def _event(event_id="devconf-2026", **changes):
    return Event(
        event_id=event_id,
        event_name="DevConf 2026",
        starts_at=datetime(2999, 5, 1, 9, tzinfo=UTC),
        ends_at=datetime(2999, 5, 1, 17, tzinfo=UTC),
        time_zone="Europe/Berlin",
        **changes,
    )


@pytest.fixture
def repository():
    """Return a repository with one event of one seat and a waiting list."""
    repository = Troubled()
    repository.create_event(_event(capacity=1, waitlist=True))
    yield repository
    repository.close()


@pytest.fixture
def notifier(request):
    """Return a notifier that keeps what it sends, or raises what it is told to."""
    return RecordingNotifier(getattr(request, "param", ()))


@pytest.fixture
def outbox(repository):
    """Return what mails the repository's registrations owe."""
    return SQLiteOutbox(repository)


@pytest.fixture
def handler(repository, outbox, notifier):
    """Return a handler of managed events that lets pages of `ORIGIN` post."""
    return make_lambda_handler(repository=repository, outbox=outbox, notifier=notifier, settings=SETTINGS)


def _post(name, event_id="devconf-2026", **more):
    body = {"eventid": event_id, "cname": name, "cemail": f"{name.lower()}@example.org"} | more
    return POST | {"body": json.dumps(body)}


def _get(event_id):
    return copy.deepcopy(POST) | {"httpMethod": "GET", "path": f"/events/{event_id}", "body": None}


def _answered(answer):
    return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def left(handler, repository, notifier, capsys):
    """Have Ada leave her seat while Eve waits, with nobody to hand it on; return who is to be told what since then."""
    handler(_post("Ada"), CONTEXT)
    handler(_post("Eve"), CONTEXT)
    repository.cancel(repository.find("devconf-2026", "ada@example.org"), NOW)
    repository.deadlines.clear()
    notifier.messages.clear()
    capsys.readouterr()
    return notifier


def _line(capsys):
    """Return the one line that was logged, without the time it took."""
    (text,) = capsys.readouterr().out.splitlines()
    line = json.loads(text)
    assert line.pop("milliseconds") >= 0
    return line


# Requests


def test_shows_a_card(handler):
    """GET at an event's address answers its card."""
    status, card = _answered(handler(_get("devconf-2026"), CONTEXT))

    assert (status, card["eventid"], card["state"]) == (200, "devconf-2026", "open")


def test_has_no_card_of_an_unknown_event(handler):
    """An event that nobody has set up has no card."""
    status, problem = _answered(handler(_get("other"), CONTEXT))

    assert (status, problem["code"]) == (404, "unknown-event")


@pytest.mark.parametrize("name", [{}, {"eventname": "My own"}, {"eventname": 5}], ids=["no name", "another", "none"])
def test_registers_by_the_catalogue(handler, repository, name):
    """A registration takes a seat and the catalogue's name, whatever name is sent."""
    status, answer = _answered(handler(_post("Ada", **name), CONTEXT))

    assert (status, answer["status"], answer["eventname"]) == (201, "confirmed", "DevConf 2026")
    assert repository.find("devconf-2026", "ada@example.org").status is Status.CONFIRMED


def test_keeps_to_the_capacity(handler):
    """Who comes when all seats are taken waits."""
    answers = [_answered(handler(_post(name), CONTEXT)) for name in ("Ada", "Eve")]

    assert [(status, answer["status"]) for status, answer in answers] == [(201, "confirmed"), (201, "waitlisted")]


def test_refuses_an_unknown_event(handler):
    """Nobody is registered for an event that nobody has set up."""
    status, problem = _answered(handler(_post("Ada", event_id="other"), CONTEXT))

    assert (status, problem["code"]) == (404, "unknown-event")


def test_takes_listed_events_alone(repository, outbox, notifier):
    """The operator's list of ids holds for managed events too."""
    settings = Settings(events=EventsMode.MANAGED, event_ids=frozenset({"other"}))
    handler = make_lambda_handler(repository=repository, outbox=outbox, notifier=notifier, settings=settings)

    status, problem = _answered(handler(_post("Ada"), CONTEXT))

    assert (status, problem["code"]) == (404, "unknown-event")


def test_rejects_repeats_if_told_to(repository, outbox, notifier):
    """What becomes of a repeat is the operator's choice for managed events too."""
    settings = Settings(events=EventsMode.MANAGED, on_duplicate=OnDuplicate.REJECT)
    handler = make_lambda_handler(repository=repository, outbox=outbox, notifier=notifier, settings=settings)

    answers = [_answered(handler(_post("Ada"), CONTEXT)) for _ in range(2)]

    assert [status for status, _ in answers] == [201, 409]


# The schedule


def test_promotes_by_schedule(handler, left, repository, capsys):
    """The schedule gives a free seat to who waits, tells them, and logs how many."""
    answer = handler(SCHEDULE, CONTEXT)

    assert repository.find("devconf-2026", "eve@example.org").status is Status.CONFIRMED
    assert sorted(message.to for message in left.messages) == ["ada@example.org", "eve@example.org"]
    assert answer == {"events": 1, "promoted": 1, "told": 0, "sent": 2}
    assert _line(capsys) == {"level": "INFO", "request_id": REQUEST_ID} | answer


def test_promotes_nobody_twice(handler, left, capsys):
    """The next minute finds nothing to do."""
    handler(SCHEDULE, CONTEXT)
    left.messages.clear()
    capsys.readouterr()

    answer = handler(SCHEDULE, CONTEXT)

    assert answer == {"events": 1, "promoted": 0, "told": 0, "sent": 0}
    assert left.messages == []


def test_schedule_without_a_context(handler, capsys):
    """A call that brings no context, as a local one, is served too."""
    answer = handler(SCHEDULE, None)

    assert answer == {"events": 1, "promoted": 0, "told": 0, "sent": 0}
    assert _line(capsys)["request_id"] is None


def test_schedule_ends_in_time(handler, repository):
    """The queues are served within the invocation's time, less what a mail and its mark may need."""
    earliest = time.monotonic()

    handler(SCHEDULE, CONTEXT)

    latest = time.monotonic()
    (deadline,) = repository.deadlines
    assert earliest < deadline < latest + 10


def test_leaves_what_there_is_no_time_for(handler, repository, capsys):
    """An invocation that has no time left leaves the queues to the next one, and says so."""
    answer = handler(SCHEDULE, SimpleNamespace(get_remaining_time_in_millis=lambda: -1))

    line = _line(capsys)
    assert answer == {"events": 0, "promoted": 0, "told": 0, "sent": 0}
    assert repository.deadlines == []
    assert (line["level"], line["trouble"], line["QueueTrouble"]) == ("WARN", "repository-unavailable", 1)
    assert line["cause"] == "There was no time for 1 events."


def _metrics(line):
    """Return the metrics of a line that CloudWatch reads, each of which the line has a value of."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("EventRegistration", [["FunctionName"]])
    assert line["FunctionName"] == "register"
    return {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


@ON_PROMOTION
def test_counts_a_promotions_late_mail(handler, left, repository, capsys):
    """A promotion stands though its mail is late; the trouble is logged, and counted as one with a mail."""
    answer = handler(SCHEDULE, CONTEXT)

    line = _line(capsys)
    assert answer == {"events": 1, "promoted": 1, "told": 0, "sent": 0}
    assert repository.find("devconf-2026", "eve@example.org").status is Status.CONFIRMED
    assert (line["level"], line["trouble"], line["cause"]) == ("WARN", "mail-delayed", str(LATE))
    assert _metrics(line) == {"MailTrouble": 1}
    assert left.messages == []


def test_counts_a_queue_that_fails(handler, repository, capsys):
    """A queue that can't be served keeps no other waiting; it is logged and counted, and no trouble with a mail."""
    repository.create_event(_event("other", capacity=1))
    repository.settling_faults["devconf-2026"] = THROTTLED

    answer = handler(SCHEDULE, CONTEXT)

    line = _line(capsys)
    assert answer == {"events": 2, "promoted": 0, "told": 0, "sent": 0}
    assert (line["level"], line["trouble"], line["cause"]) == ("WARN", "repository-unavailable", str(THROTTLED))
    assert _metrics(line) == {"QueueTrouble": 1}


@ON_PROMOTION
def test_counts_both(handler, left, repository, capsys):
    """One minute can have both kinds of trouble: both are counted, and one is told."""
    repository.create_event(_event("other", capacity=1))
    repository.settling_faults["other"] = THROTTLED

    handler(SCHEDULE, CONTEXT)

    line = _line(capsys)
    assert _metrics(line) == {"MailTrouble": 1, "QueueTrouble": 1}
    assert line["cause"] in {str(LATE), str(THROTTLED)}
    assert left.messages == []


@pytest.fixture
def linked(repository, outbox, notifier, monkeypatch):
    """Return a handler whose mails have links, with their keys in Secrets Manager."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "t",
        "AWS_SECRET_ACCESS_KEY": "t",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        keys = boto3.client("secretsmanager")
        keys.create_secret(Name="keys", SecretString=json.dumps({"current": "k1", "k1": "k" * 40}))
        settings = evolve(SETTINGS, link_keys="keys", manage_url=f"{ORIGIN}/manage.html")
        yield make_lambda_handler(repository=repository, outbox=outbox, notifier=notifier, settings=settings)
        keys.close()


def _cancel(notifier, name):
    texts = [each.text for each in notifier.messages if each.to == f"{name.lower()}@example.org"]
    token = re.search(rf"{ORIGIN}/manage\.html#(\S+)", texts[0])[1]
    return POST | {"path": "/registrations/cancel", "body": json.dumps({"token": token})}


def test_cancels_by_a_mails_link(linked, repository, notifier, capsys):
    """The link in Ada's mail cancels, and Eve gets the seat; the schedule tells both, and the log names nobody."""
    for name in ("Ada", "Eve"):
        linked(_post(name), CONTEXT)
    capsys.readouterr()

    status, body = _answered(linked(_cancel(notifier, "Ada"), CONTEXT))

    assert (status, body["status"]) == (200, "cancelled")
    assert repository.find("devconf-2026", "eve@example.org").status is Status.CONFIRMED
    line = _line(capsys)
    assert (line["level"], line["outcome"], line["event_id"]) == ("INFO", "cancelled", "devconf-2026")
    linked(SCHEDULE, CONTEXT)
    assert sorted(message.to for message in notifier.messages[2:]) == ["ada@example.org", "eve@example.org"]


def test_counts_the_queue_that_a_cancellation_could_not_serve(linked, repository, notifier, capsys):
    """A cancellation stands though the queue can't be served after it, which is no trouble with a mail."""
    linked(_post("Ada"), CONTEXT)
    repository.settling_faults["devconf-2026"] = THROTTLED
    capsys.readouterr()

    assert linked(_cancel(notifier, "Ada"), CONTEXT)["statusCode"] == 200

    line = _line(capsys)
    assert (line["level"], line["trouble"]) == ("WARN", "repository-unavailable")
    assert _metrics(line) == {"QueueTrouble": 1}


UNUSABLE = {
    "unavailable": (
        RepositoryUnavailableError("DynamoDB can't be reached (EndpointConnectionError)."),
        "repository-unavailable",
        "DynamoDB can't be reached (EndpointConnectionError).",
    ),
    "refused": (
        RepositoryError("DynamoDB refused a call (AccessDeniedException)."),
        "repository-failed",
        "DynamoDB refused a call (AccessDeniedException).",
    ),
    "unexpected": (RuntimeError("ada@example.org"), "internal-error", "RuntimeError at test_managed_handler.py:"),
}


@pytest.mark.parametrize("unusable", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_events_that_can_not_be_listed(handler, repository, capsys, unusable):
    """If the events can't be listed that is an error in the log, without a person in it, and nothing is raised."""
    repository.listing_fault, code, cause = unusable

    answer = handler(SCHEDULE, CONTEXT)

    line = _line(capsys)
    assert answer == {"sent": 0}
    assert (line["level"], line["request_id"], line["code"]) == ("ERROR", REQUEST_ID, code)
    assert line["cause"].startswith(cause)
    assert "@" not in line["cause"]
    assert _metrics(line) == {"QueueTrouble": 1}


NO_SCHEDULES = {
    "another service's event": SCHEDULE | {"source": "aws.ec2"},
    "another kind of event": SCHEDULE | {"detail-type": "EC2 Instance State-change Notification"},
    "a list": [SCHEDULE],
    "text": json.dumps(SCHEDULE),
}


@pytest.mark.parametrize("payload", NO_SCHEDULES.values(), ids=NO_SCHEDULES.keys())
def test_what_is_no_schedule(handler, repository, payload):
    """Only the schedule's own call has the queues served; others are told that they aren't understood."""
    status, problem = _answered(handler(payload, CONTEXT))

    assert (status, problem["code"]) == (400, "unknown-payload")
    assert repository.deadlines == []


def test_a_request_can_not_play_the_schedule(handler, repository):
    """Whatever a client writes into its request, it doesn't run the schedule."""
    payload = POST | {"body": json.dumps(SCHEDULE), "queryStringParameters": {"source": "aws.events"}}

    status, _ = _answered(handler(payload, CONTEXT))

    assert status == 422
    assert repository.deadlines == []


# What it is made of


def test_needs_a_repository_of_events(notifier):
    """A repository that keeps no events is refused at once, not at the first request."""
    repository = SQLiteRepository(":memory:")

    with pytest.raises(TypeError, match="EventRepository"):
        make_lambda_handler(repository=repository, notifier=notifier, settings=SETTINGS)

    repository.close()


def test_needs_an_outbox_beside_a_repository(repository, notifier):
    """Mailed inline, a repository of one's own is of no use without its outbox; left to another function it is."""
    with pytest.raises(TypeError, match="outbox"):
        make_lambda_handler(repository=repository, notifier=notifier, settings=SETTINGS)

    assert make_lambda_handler(repository=repository, settings=evolve(SETTINGS, confirmation=Confirmation.OUTBOX))


def test_leaves_mails_to_the_other_function(repository, notifier, capsys):
    """In outbox mode nothing is sent: the rows say what is due, and the schedule serves the queues alone."""
    settings = evolve(SETTINGS, confirmation=Confirmation.OUTBOX)
    handler = make_lambda_handler(repository=repository, notifier=notifier, settings=settings)

    for name in ("Ada", "Eve"):
        assert handler(_post(name), CONTEXT)["statusCode"] == 201
    answer = handler(SCHEDULE, CONTEXT)

    assert answer == {"events": 1, "promoted": 0, "told": 0}
    assert {each.mail.state for each in repository.list("devconf-2026")} == {MailState.DUE}
    assert notifier.attempts == 0
    assert "sent" not in capsys.readouterr().out


def test_hears_what_bounced(handler, repository, capsys):
    """Inline, the one function hears of SES what bounced, and sends that address nothing more."""
    handler(_post("Ada"), CONTEXT)
    capsys.readouterr()

    answer = handler(bounce("ada@example.org", reference_of("devconf-2026", 1)), CONTEXT)

    assert answer == {"returned": 1, "outcome": "bounced"}
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.BOUNCED
    assert "ada" not in capsys.readouterr().out


def test_everything_of_the_environment(monkeypatch, engine_url, engine_client, table):
    """With no repository given, events and registrations are in the named table."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_DYNAMODB": engine_url,
        "EVENT_REGISTRATION_EVENTS": "managed",
        "EVENT_REGISTRATION_TABLE": table,
    }.items():
        monkeypatch.setenv(name, value)
    repository = DynamoDBEventRepository(engine_client, table)
    repository.create_event(_event(capacity=1, waitlist=True))
    handler = make_lambda_handler(notifier=RecordingNotifier())

    answers = [_answered(handler(_post(name), CONTEXT)) for name in ("Ada", "Eve")]
    repository.cancel(repository.find("devconf-2026", "ada@example.org"), NOW)
    counts = handler(SCHEDULE, CONTEXT)

    statuses = {each.attendee_name: each.status for each in repository.list("devconf-2026")}
    assert [(status, answer["status"]) for status, answer in answers] == [(201, "confirmed"), (201, "waitlisted")]
    assert counts == {"events": 1, "promoted": 1, "told": 0, "sent": 2}
    assert statuses == {"Ada": Status.CANCELLED, "Eve": Status.CONFIRMED}


MADE = """
import sys
from event_registration import Settings, make_lambda_handler
from event_registration.settings import EventsMode
make_lambda_handler(settings=Settings(sender="events@example.org", events=EventsMode({mode!r})))
print(*sys.modules)
"""
OF_MANAGED_EVENTS = {"event_registration.managed", "event_registration.catalogue", "event_registration.aws.events"}


@pytest.mark.parametrize(("mode", "expected"), [("open", set()), ("managed", OF_MANAGED_EVENTS)])
def test_open_events_cost_no_more(mode, expected):
    """A function for open events imports nothing that only managed ones need, so that its cold start stays short."""
    environ = unmeasured() | {"AWS_DEFAULT_REGION": "eu-west-1"}

    printed = subprocess.run(
        [sys.executable, "-c", MADE.format(mode=mode)], capture_output=True, text=True, check=True, env=environ
    ).stdout

    assert OF_MANAGED_EVENTS & set(printed.split()) == expected
    assert "botocore" in printed.split()
