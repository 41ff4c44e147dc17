"""The sender's handler: what the stream, the schedule and SES tell it, and the one line that it logs."""

import base64
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from returned import bounce, complaint
from runtime_api import MailService
from serving import unmeasured

from event_registration import Settings, SettingsError, make_stream_handler
from event_registration.aws import DynamoDBEventRepository, DynamoDBRepository
from event_registration.errors import RepositoryUnavailableError, TransientNotifierError
from event_registration.feedback import reference_of
from event_registration.local import SQLiteEventRepository, SQLiteOutbox
from event_registration.mail import Mail, MailKind, MailState
from event_registration.settings import EventsMode
from event_registration.testing import RecordingNotifier, make_event, make_registration

SCHEDULE = json.loads((Path(__file__).parent.parent / "payloads" / "schedule.json").read_text("utf-8"))
SETTINGS = Settings(events=EventsMode.MANAGED)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONTEXT = SimpleNamespace(aws_request_id="r-1", function_name="send", get_remaining_time_in_millis=lambda: 60_000)
NOTHING = {"batchItemFailures": []}
LATE = TransientNotifierError("SES refused for now (TooManyRequestsException).")
DOWN = RepositoryUnavailableError("DynamoDB refused for now (ThrottlingException).")


class _Outbox(SQLiteOutbox):
    """An outbox some of whose rows can't be read."""

    def __init__(self, repository):
        super().__init__(repository)
        self.faults = {}

    def find_by_digest(self, event_id, digest, *, deadline=None):
        """Find, or raise this row's fault."""
        if fault := self.faults.get((event_id, digest)):
            raise fault
        return super().find_by_digest(event_id, digest, deadline=deadline)

    def due(self, now, *, deadline=None):
        """List, or raise."""
        if fault := self.faults.get("due"):
            raise fault
        return super().due(now, deadline=deadline)

    def block(self, digest, state, *, deadline=None):
        """Block, or raise."""
        if fault := self.faults.get("block"):
            raise fault
        super().block(digest, state, deadline=deadline)


@pytest.fixture
def repository():
    """Return a repository with one event."""
    repository = SQLiteEventRepository(":memory:")
    repository.create_event(make_event(ends_at=datetime(2999, 1, 1, tzinfo=UTC)))
    yield repository
    repository.close()


@pytest.fixture
def outbox(repository):
    """Return the repository's outbox."""
    return _Outbox(repository)


@pytest.fixture
def notifier(request):
    """Return a notifier that keeps what it sends, or raises what it is told to."""
    return RecordingNotifier(getattr(request, "param", ()))


@pytest.fixture
def handler(repository, outbox, notifier):
    """Return the sender's handler."""
    return make_stream_handler(repository=repository, outbox=outbox, notifier=notifier, settings=SETTINGS)


@pytest.fixture
def owe(repository):
    """Return a function that lets people owe a mail, and returns the stream's records of it."""

    def owe(*names):
        for name in names:
            repository.add(
                make_registration(attendee_name=name, attendee_email=f"{name}@example.org", mail=Mail(due_at=NOW))
            )
        return [_record(repository, f"{name}@example.org") for name in names]

    return owe


def _record(repository, address, number=0, **changes):
    keys = {"eventid": {"S": "devconf-2026"}, "sk": {"S": f"REGISTRATION#{repository.digest_of(address)}"}}
    image = keys | {"mail": {"S": "due"}}
    change = {"Keys": keys, "NewImage": image, "SequenceNumber": f"1{number:020}{address[0]}", "SizeBytes": 99}
    return {
        "eventID": "1",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": change | {"StreamViewType": "NEW_IMAGE"},
    } | changes


def _recipients(notifier):
    return [message.to for message in notifier.messages]


def _line(capsys):
    (text,) = capsys.readouterr().out.splitlines()
    line = json.loads(text)
    assert line.pop("milliseconds") >= 0
    return line


# The stream


def test_sends_what_records_say_is_due(handler, owe, notifier, capsys):
    """Each record's registration gets its mail, with nothing of anybody in the log."""
    answer = handler({"Records": owe("ada", "bob")}, CONTEXT)

    assert answer == NOTHING
    assert _recipients(notifier) == ["ada@example.org", "bob@example.org"]
    assert _line(capsys) == {"level": "INFO", "request_id": "r-1", "records": 2, "sent": 2}


def test_a_record_that_comes_again_sends_nothing(handler, owe, notifier):
    """However often and late a record comes, what was sent is sent."""
    records = owe("ada")

    answers = [handler({"Records": records * 3}, CONTEXT) for _ in range(3)]

    assert answers == [NOTHING] * 3
    assert len(notifier.messages) == 1


def test_an_old_record_sends_what_is_true_now(handler, owe, repository, notifier):
    """A record is a hint: the mail says what has become of the registration since."""
    records = owe("ada")
    repository.cancel(repository.find("devconf-2026", "ada@example.org"), NOW)

    handler({"Records": records}, CONTEXT)

    assert [message.subject.partition(":")[0] for message in notifier.messages] == ["Registration cancelled"]


@pytest.mark.parametrize("notifier", [[LATE]], indirect=True, ids=["late"])
def test_a_mail_that_fails_is_no_record_s_failure(handler, owe, repository, notifier, capsys):
    """What the mail service refuses stands in the row and is tried again from there: Lambda need not bring it again."""
    answer = handler({"Records": owe("ada", "bob")}, CONTEXT)

    assert answer == NOTHING
    assert _recipients(notifier) == ["bob@example.org"]
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.RETRY
    line = _line(capsys)
    assert (line["level"], line["trouble"], line["cause"], line["MailTrouble"]) == (
        "WARN",
        "mail-delayed",
        str(LATE),
        1,
    )


@pytest.mark.parametrize("fault", [DOWN, KeyError("ada@example.org")], ids=lambda each: type(each).__name__)
def test_a_table_that_fails_fails_its_record(handler, owe, repository, outbox, notifier, capsys, fault):
    """What can't be read is brought again; the other records are sent, and the log names nobody."""
    records = owe("ada", "bob", "cleo")
    outbox.faults["devconf-2026", repository.digest_of("bob@example.org")] = fault

    answer = handler({"Records": records}, CONTEXT)

    assert answer == {"batchItemFailures": [{"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}]}
    assert _recipients(notifier) == ["ada@example.org", "cleo@example.org"]
    line = _line(capsys)
    assert (line["level"], line["MailTrouble"]) == ("ERROR", 1)
    assert "ada" not in json.dumps(line)


def test_leaves_what_there_is_no_time_for(handler, owe, repository, notifier):
    """What there is no time for is due, and no failure: the sweep finds it."""
    answer = handler({"Records": owe("ada")}, SimpleNamespace(get_remaining_time_in_millis=lambda: -1))

    assert answer == NOTHING
    assert notifier.attempts == 0
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.DUE


NO_DEBTORS = {
    "a seat": {"dynamodb": {"Keys": {"eventid": {"S": "devconf-2026"}, "sk": {"S": "SEAT#000001"}}}},
    "no keys": {"dynamodb": {}},
    "keys of another kind": {"dynamodb": {"Keys": {"eventid": {"N": "1"}, "sk": {"N": "1"}}}},
    "another source": {"eventSource": "aws:kinesis"},
    "no change": {"dynamodb": None},
}


@pytest.mark.parametrize("changes", NO_DEBTORS.values(), ids=NO_DEBTORS.keys())
def test_passes_over_what_is_no_registration(handler, owe, notifier, changes):
    """A record of something else is passed over, and keeps no other waiting."""
    (record,) = owe("ada")

    answer = handler({"Records": [record | changes, "what", None, record]}, CONTEXT)

    assert answer == NOTHING
    assert _recipients(notifier) == ["ada@example.org"]


def test_a_registration_that_is_gone_owes_nothing(handler, repository, notifier):
    """A record whose row somebody has deleted since is no failure."""
    assert handler({"Records": [_record(repository, "zoe@example.org")]}, CONTEXT) == NOTHING
    assert notifier.attempts == 0


# The schedule


def test_sweeps_by_schedule(handler, owe, notifier, capsys):
    """The schedule sends what the stream has missed."""
    owe("ada", "bob")

    answers = [handler(SCHEDULE, CONTEXT) for _ in range(2)]

    assert answers == [{"sent": 2}, {"sent": 0}]
    assert sorted(_recipients(notifier)) == ["ada@example.org", "bob@example.org"]
    assert [json.loads(line)["sent"] for line in capsys.readouterr().out.splitlines()] == [2, 0]


def test_a_sweep_that_fails_raises_nothing(handler, outbox, capsys):
    """If what is due can't be listed that is in the log, and the next minute tries again: Lambda is not to."""
    outbox.faults["due"] = DOWN

    assert handler(SCHEDULE, CONTEXT) == {}
    line = _line(capsys)
    assert (line["level"], line["code"], line["MailTrouble"]) == ("ERROR", "repository-unavailable", 1)


# What comes back


@pytest.mark.parametrize(
    ("make", "kind", "state", "blocked"),
    [
        (bounce, "Permanent", MailState.BOUNCED, "bounced"),
        (bounce, "Transient", MailState.BOUNCED, None),
        (bounce, "Undetermined", MailState.BOUNCED, None),
        (complaint, "abuse", MailState.COMPLAINED, "complained"),
        (complaint, None, MailState.COMPLAINED, "complained"),
        (complaint, "not-spam", MailState.SENT, None),
    ],
)
def test_hears_of_ses_what_came_back(handler, owe, repository, outbox, capsys, make, kind, state, blocked):
    """A bounce and a complaint are kept in the registration; one that is final blocks the address."""
    handler({"Records": owe("ada")}, CONTEXT)
    capsys.readouterr()

    handler(make("ada@example.org", reference_of("devconf-2026", 1), kind), CONTEXT)

    assert repository.find("devconf-2026", "ada@example.org").mail.state is state
    assert outbox.spend(repository.digest_of("ada@example.org"), "x#1", NOW, limit=5) == blocked
    assert "ada" not in capsys.readouterr().out


def test_nothing_more_is_sent_to_an_address_that_bounced(handler, owe, repository, notifier):
    """Whatever the registration owes afterwards fails for that reason."""
    handler({"Records": owe("ada")}, CONTEXT)
    handler(bounce("ada@example.org", reference_of("devconf-2026", 1)), CONTEXT)
    repository.cancel(repository.find("devconf-2026", "ada@example.org"), NOW)

    handler(SCHEDULE, CONTEXT)

    mail = repository.find("devconf-2026", "ada@example.org").mail
    assert (mail.kind, mail.state, mail.reason) == (MailKind.CANCELLED, MailState.FAILED, "bounced")
    assert len(notifier.messages) == 1


def test_what_can_not_be_kept_is_told_again(handler, owe, outbox, capsys):
    """If the table fails the call fails, so that EventBridge makes it again; the log names nobody."""
    handler({"Records": owe("ada")}, CONTEXT)
    outbox.faults["block"] = DOWN
    capsys.readouterr()

    with pytest.raises(RepositoryUnavailableError):
        handler(bounce("ada@example.org", reference_of("devconf-2026", 1)), CONTEXT)

    assert _line(capsys)["code"] == "repository-unavailable"


def _without(payload, *path):
    payload = json.loads(json.dumps(payload))
    inner = payload
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return payload


BOUNCE = bounce("ada@example.org", reference_of("devconf-2026", 1))
OTHERS = {
    "a delivery": BOUNCE | {"detail": BOUNCE["detail"] | {"eventType": "Delivery"}},
    "a mail of somebody else's": _without(BOUNCE, "detail", "mail", "tags", "reference"),
    "no recipient": _without(BOUNCE, "detail", "mail", "destination"),
    "no kind": _without(BOUNCE, "detail", "bounce", "bounceType"),
}


@pytest.mark.parametrize("payload", OTHERS.values(), ids=OTHERS.keys())
def test_what_ses_tells_of_other_mails(handler, owe, repository, payload):
    """Events that tell nothing about our mails change nothing, and aren't asked for again."""
    handler({"Records": owe("ada")}, CONTEXT)

    assert handler(payload, CONTEXT) == {}
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.SENT


@pytest.mark.parametrize("payload", [None, [], {}, {"Records": "x"}, {"httpMethod": "POST"}, "text"], ids=repr)
def test_refuses_what_it_does_not_know(handler, payload):
    """Whoever calls it with something else made a mistake, and is told so."""
    with pytest.raises(ValueError, match="stream"):
        handler(payload, CONTEXT)


# What it is made of


@pytest.fixture
def ses(monkeypatch, engine_url, table):
    """Return an SES that the environment names, with all that a sender needs besides."""
    with MailService() as ses:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL_DYNAMODB": engine_url,
            "AWS_ENDPOINT_URL_SESV2": ses.url,
            "EVENT_REGISTRATION_CONFIRMATION": "outbox",
            "EVENT_REGISTRATION_SENDER": "events@example.org",
            "EVENT_REGISTRATION_TABLE": table,
        }.items():
            monkeypatch.setenv(name, value)
        yield ses


def test_everything_of_the_environment(ses, engine_client, table):
    """With nothing given it sends what a table's registrations owe through SES, with what comes back with a bounce."""
    repository = DynamoDBRepository(engine_client, table)
    repository.add(make_registration(mail=Mail(due_at=NOW)))

    counts = make_stream_handler()(SCHEDULE, CONTEXT)

    assert counts == {"sent": 1}
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.SENT
    (mail,) = ses.mails
    assert mail["Destination"] == {"ToAddresses": ["ada@example.org"]}
    assert mail["EmailTags"] == [{"Name": "reference", "Value": reference_of("devconf-2026", 1)}]


def test_mails_of_the_environment_have_calendar_entries(ses, monkeypatch, engine_client, table):
    """With nothing given but managed events, what SES gets about a seat has the event for the calendar with it."""
    monkeypatch.setenv("EVENT_REGISTRATION_EVENTS", "managed")
    repository = DynamoDBEventRepository(engine_client, table)
    repository.create_event(make_event(event_name="夏祭り", ends_at=datetime(2999, 1, 1, tzinfo=UTC)))
    registration = repository.add(make_registration(mail=Mail(due_at=NOW)))

    make_stream_handler()(SCHEDULE, CONTEXT)

    (file,) = ses.mails[0]["Content"]["Simple"]["Attachments"]
    lines = base64.b64decode(file["RawContent"]).decode().splitlines()
    assert (file["FileName"], file["ContentType"]) == ("event.ics", "text/calendar; method=REQUEST; charset=utf-8")
    assert {f"UID:{registration.registration_id}@example.org", "SEQUENCE:1", "SUMMARY:夏祭り"} <= set(lines)


@pytest.mark.parametrize("part", ["repository", "outbox"])
def test_a_repository_and_its_outbox_go_together(request, notifier, part):
    """One alone would be used with another's idea of who is who."""
    with pytest.raises(TypeError, match="together"):
        make_stream_handler(**{part: request.getfixturevalue(part)}, notifier=notifier, settings=SETTINGS)


def test_needs_a_sender(monkeypatch):
    """Who sends mail needs an address to send it from."""
    monkeypatch.delenv("EVENT_REGISTRATION_SENDER", raising=False)

    with pytest.raises(SettingsError) as caught:
        make_stream_handler()

    assert [each.field for each in caught.value.problems] == ["EVENT_REGISTRATION_SENDER"]


def test_mails_through_ses_only(monkeypatch):
    """A mail server that it would never use is told as out of place."""
    monkeypatch.setenv("EVENT_REGISTRATION_SENDER", "events@example.org")
    monkeypatch.setenv("EVENT_REGISTRATION_SMTP_URL", "smtps://mail.example.org")

    with pytest.raises(SettingsError, match="mail through SES"):
        make_stream_handler()


SENDERS = {
    "event_registration.relay",
    "event_registration.calendar",
    "event_registration.confirmation",
    "event_registration.composing",
    "event_registration.language_files",
    "event_registration.languages",
    "event_registration.templates",
    "event_registration.aws.ses",
    "event_registration.pacing",
    "zoneinfo",
}
MADE = """
import json, sys
from datetime import UTC, datetime
from event_registration import Settings, make_lambda_handler
from event_registration.local import SQLiteEventRepository
from event_registration.settings import Confirmation, EventsMode
from event_registration.testing import make_event
settings = Settings(confirmation=Confirmation.OUTBOX, events=EventsMode({mode!r}))
make_lambda_handler(settings=settings)
repository = SQLiteEventRepository(":memory:")
event = make_event(starts_at=datetime(2099, 6, 1, tzinfo=UTC), ends_at=datetime(2099, 6, 2, tzinfo=UTC))
repository.create_event(event)
body = {{"eventid": event.event_id, "eventname": "X", "cname": "Ada", "cemail": "ada@b.example", "locale": "de"}}
payload = json.loads({payload!r}) | {{"body": json.dumps(body), "isBase64Encoded": False}}
answer = make_lambda_handler(settings=settings, repository=repository)(payload, None)
print(answer["statusCode"], repository.find(body["eventid"], body["cemail"]).locale)
print(*sys.modules)
"""


SENDING = """
import sys
from event_registration import Settings, make_stream_handler
make_stream_handler(settings=Settings(sender="events@example.org"))
print(*sys.modules)
"""


def test_the_sender_is_ready_to_read_rows_when_it_is_made():
    """What the sender reads rows with it has loaded before its first call: starting, it has all of a processor."""
    environ = unmeasured() | {"AWS_DEFAULT_REGION": "eu-west-1"}

    modules = subprocess.run(
        [sys.executable, "-c", SENDING], capture_output=True, text=True, check=True, env=environ
    ).stdout.split()

    assert "cattrs" in modules


@pytest.mark.parametrize("mode", EventsMode)
def test_who_leaves_mails_to_others_imports_nothing_of_them(mode):
    """The API's function in outbox mode loads neither what writes mails nor what sends them, made or registering."""
    environ = unmeasured() | {"AWS_DEFAULT_REGION": "eu-west-1"}

    code = MADE.format(
        mode=mode.value, payload=(Path(__file__).parents[1] / "payloads" / "http-api.json").read_text("utf-8")
    )
    *_, answer, modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ
    ).stdout.splitlines()

    assert answer == "201 de"
    assert SENDERS & set(modules.split()) == set()
