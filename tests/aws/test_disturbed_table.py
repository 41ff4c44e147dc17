"""With a table that fails most calls, whoever is told is stored and mailed, and the rest is asked to try again."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import boto3
import pytest
from botocore.config import Config

from event_registration import make_lambda_handler, make_stream_handler
from event_registration.aws import DynamoDBEventRepository, DynamoDBOutbox
from event_registration.mail import MailState
from event_registration.settings import Confirmation, EventsMode, Settings
from event_registration.testing import Faults, RecordingNotifier, make_event

pytestmark = pytest.mark.unmeasured

FOLDER = Path(__file__).parent.parent / "payloads"
POST, SCHEDULE = (json.loads((FOLDER / f"{name}.json").read_text("utf-8")) for name in ("rest-api", "schedule"))
SETTINGS = Settings(events=EventsMode.MANAGED, confirmation=Confirmation.OUTBOX)
SEATS = 20


class _Time:
    """Seconds that pass with waiting and, a little, with looking at the clock."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 0.001
        return self.now

    def sleep(self, seconds):
        """Let so many seconds pass."""
        self.now += seconds


@pytest.fixture
def disturbed(engine_url, aws_credentials):
    """Return a client half of whose calls are throttled, a tenth fail, and a tenth lose their answers."""
    client = boto3.client(
        "dynamodb", endpoint_url=engine_url, config=Config(retries={"total_max_attempts": 1}), **aws_credentials
    )
    Faults(client).at_random(0.7, Random(2026), mix=(5, 1, 0, 1))
    yield client
    client.close()


def _post(name):
    body = {"eventid": "devconf-2026", "cname": name, "cemail": f"{name}@example.org"}
    return POST | {"body": json.dumps(body)}


@pytest.mark.parametrize("people", [60, pytest.param(1_000, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])])
def test_nothing_that_is_acknowledged_is_lost(disturbed, engine_client, table, people):
    """Who is answered 201 is stored as told and gets one mail; all others are answered 503, and when to try again."""
    soon = datetime.now(UTC) + timedelta(days=1)
    clean = DynamoDBEventRepository(engine_client, table)
    clean.create_event(make_event(starts_at=soon, ends_at=soon + timedelta(hours=1), capacity=SEATS, waitlist=True))
    time = _Time()
    repository = DynamoDBEventRepository(
        disturbed, table, patience=1.0, call_seconds=0.01, monotonic=time, sleep=time.sleep, jitter=Random(1).random
    )
    register = make_lambda_handler(repository=repository, settings=SETTINGS)
    names = [f"person-{number}" for number in range(people)]

    answers = {name: register(_post(name), None) for name in names}

    told = {name: json.loads(each["body"])["status"] for name, each in answers.items() if each["statusCode"] == 201}
    refused = [each for each in answers.values() if each["statusCode"] != 201]
    stored = {each.attendee_name: each for each in clean.list("devconf-2026")}
    assert told
    assert refused
    assert {each["statusCode"] for each in refused} == {503}
    assert all(int(each["headers"]["Retry-After"]) > 0 for each in refused)
    assert {name: stored[name].status.value for name in told} == told
    assert sum(each.seat is not None for each in stored.values()) <= SEATS

    notifier = RecordingNotifier()
    send = make_stream_handler(
        repository=clean, outbox=DynamoDBOutbox(engine_client, table), notifier=notifier, settings=SETTINGS
    )
    while send(SCHEDULE, None)["sent"]:
        pass

    assert sorted(message.to for message in notifier.messages) == sorted(
        each.attendee_email for each in stored.values()
    )
    assert {each.mail.state for each in clean.list("devconf-2026")} == {MailState.SENT}
