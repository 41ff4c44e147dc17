"""Each example runs as it stands."""

import base64
import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from runtime_api import MailService

from event_registration.attachment import Attachment
from event_registration.message import Message
from event_registration.testing import NotifierContract

pytestmark = pytest.mark.unmeasured

EXAMPLES = Path(__file__).parent.parent / "examples"
PAYLOAD = {
    "version": "2.0",
    "rawPath": "/registrations",
    "headers": {"content-type": "application/json"},
    "requestContext": {"http": {"method": "POST"}},
    "body": json.dumps({"eventid": "devconf", "eventname": "DevConf", "cname": "Ada", "cemail": "ada@example.org"}),
}


def _load(name, part="app"):
    spec = importlib.util.spec_from_file_location(f"example_{name}_{part}", EXAMPLES / name / f"{part}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def aws(monkeypatch, aws_credentials):
    """Return a function that makes a client of an AWS that is only pretended, with credentials in the environment."""
    for name, value in aws_credentials.items():
        monkeypatch.setenv(name.replace("region_name", "aws_default_region").upper(), value)
    with mock_aws():
        yield boto3.client


@pytest.fixture
def eventmanagement(aws):
    """Return a client that has made the table of the brief's name."""
    keys = ("eventid", "HASH"), ("sk", "RANGE")
    client = aws("dynamodb")
    client.create_table(
        TableName="eventmanagement",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
    )
    yield client
    client.close()


class _MailService(BaseHTTPRequestHandler):
    """Keeps what is posted to it, or answers with the server's status."""

    def do_POST(self):
        """Take one message."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.status == 200:
            files = tuple(
                Attachment(**each | {"content": base64.b64decode(each["content"])}) for each in body["attachments"]
            )
            self.server.messages.append(Message(**body | {"attachments": files}))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def mail_service():
    """Return a running mail service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _MailService)
    server.messages, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def own_notifier(mail_service, monkeypatch, aws):  # noqa: ARG001 - the example's handler makes AWS clients
    """Return the example with a notifier of its own, loaded."""
    monkeypatch.setenv("MAIL_SERVICE_URL", f"http://127.0.0.1:{mail_service.server_port}/")
    return _load("own_notifier")


def test_minimal_lambda_registers(eventmanagement, aws, monkeypatch):
    """Three lines make a Lambda that stores a row and sends a mail."""
    monkeypatch.setenv("EVENT_REGISTRATION_SENDER", "events@example.org")
    ses = aws("sesv2")
    ses.create_email_identity(EmailIdentity="events@example.org")

    answer = _load("minimal_lambda").handler(PAYLOAD, None)

    assert (answer["statusCode"], json.loads(answer["body"])["message"]) == (201, "Registration successful!")
    (item,) = eventmanagement.scan(TableName="eventmanagement")["Items"]
    assert (item["cemail"]["S"], item["mail"]["S"]) == ("ada@example.org", "sent")
    ses.close()


def test_outbox_lambdas_register_and_send(eventmanagement, monkeypatch):
    """The first of the two Lambdas stores a row that owes a mail; the second sends it when the stream brings it."""
    monkeypatch.setenv("EVENT_REGISTRATION_CONFIRMATION", "outbox")
    app = _load("outbox_lambda")
    with MailService() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", service.url)
        monkeypatch.setenv("EVENT_REGISTRATION_SENDER", "events@example.org")
        sender = _load("outbox_lambda", "sender")

        answer = app.handler(PAYLOAD, None)
        (due,) = eventmanagement.scan(TableName="eventmanagement")["Items"]
        record = {"Keys": {name: due[name] for name in ("eventid", "sk")}, "SequenceNumber": "1"}
        failed = sender.handler({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": record}]}, None)

    items = eventmanagement.scan(TableName="eventmanagement")["Items"]
    (item,) = (item for item in items if "mail" in item)
    assert (answer["statusCode"], failed) == (201, {"batchItemFailures": []})
    assert (due["mail"]["S"], item["mail"]["S"]) == ("due", "sent")
    assert [mail["Destination"] for mail in service.mails] == [{"ToAddresses": ["ada@example.org"]}]


def test_own_notifier_registers(own_notifier, eventmanagement, mail_service):
    """The example's Lambda stores a row and hands the mail to the team's service."""
    answer = own_notifier.handler(PAYLOAD, None)

    assert answer["statusCode"] == 201
    assert [message.to for message in mail_service.messages] == ["ada@example.org"]
    assert eventmanagement.scan(TableName="eventmanagement")["Count"] == 1


class TestOwnNotifier(NotifierContract):
    """The example's notifier keeps the contract."""

    @pytest.fixture
    def notifier(self, own_notifier, mail_service):
        """Return one that posts to the service."""
        return own_notifier.MailServiceNotifier(f"http://127.0.0.1:{mail_service.server_port}/")

    @pytest.fixture
    def delivered(self, mail_service):
        """Read what the service took."""
        return lambda: mail_service.messages

    @pytest.fixture(params=[500, 429, 422, None], ids=["failing", "busy", "refusing", "gone"])
    def broken_notifier(self, own_notifier, mail_service, request):
        """Return one whose service fails, refuses, or is not there."""
        if request.param is None:
            return own_notifier.MailServiceNotifier("http://127.0.0.1:9/")
        mail_service.status = request.param
        return own_notifier.MailServiceNotifier(f"http://127.0.0.1:{mail_service.server_port}/")
