"""The SES notifier: the call it makes, once, and what it makes of every failure."""

import json
from email.header import decode_header, make_header
from email.utils import parseaddr

import boto3
import pytest
from attrs import evolve
from botocore.config import Config
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.stub import Stubber

from event_registration.attachment import Attachment
from event_registration.aws import SESNotifier, SESQuota
from event_registration.aws.clients import Clients
from event_registration.confirmation import render
from event_registration.errors import (
    NotifierError,
    PermanentNotifierError,
    ThrottledNotifierError,
    TransientNotifierError,
)
from event_registration.message import Message
from event_registration.pacing import Quota
from event_registration.testing import Faults, make_registration

SENDER = "Events <events@example.org>"
MESSAGE = Message(
    to="ada@xn--mnchen-3ya.example",
    subject="Registration confirmed: Fête 🎉",
    text="Hello \u2068أحمد\u2069,\n",
    html="<!DOCTYPE html><p>नमस्ते &amp; welcome</p>\n",
)
URL = "https://email.eu-west-1.amazonaws.com"


@pytest.fixture
def client(aws_credentials):
    """Return a client of SES that tries each call once and never gets as far as the network."""
    client = boto3.client("sesv2", config=Config(retries={"total_max_attempts": 1}), **aws_credentials)
    yield client
    client.close()


@pytest.fixture
def handlers_client(monkeypatch, aws_credentials):
    """Return a client of SES made as the Lambda handler makes it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws_credentials["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws_credentials["aws_secret_access_key"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws_credentials["region_name"])
    client = Clients().ses()
    yield client
    client.close()


def _expected(sender=SENDER, message=MESSAGE, **options):
    return {
        "FromEmailAddress": sender,
        "Destination": {"ToAddresses": [message.to]},
        "Content": {
            "Simple": {
                "Subject": {"Data": message.subject, "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": message.text, "Charset": "UTF-8"},
                    "Html": {"Data": message.html, "Charset": "UTF-8"},
                },
            }
        },
        **options,
    }


@pytest.mark.parametrize(
    ("configuration_set", "options"),
    [(None, {}), ("", {}), ("events", {"ConfigurationSetName": "events"})],
    ids=["no configuration set", "an empty one", "a configuration set"],
)
def test_call(client, configuration_set, options):
    """A message is one `SendEmail` with Simple content to its one recipient, and nothing else."""
    notifier = SESNotifier(client, SENDER, configuration_set=configuration_set)

    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "0102018e-00000000"}, _expected(**options))
        notifier.send(MESSAGE)

        stub.assert_no_pending_responses()


def test_call_with_a_reference(client):
    """A message's reference goes along as a tag, for SES to bring back."""
    message = evolve(MESSAGE, reference="1-ZGV2Y29uZi0yMDI2")
    tags = [{"Name": "reference", "Value": "1-ZGV2Y29uZi0yMDI2"}]

    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "0102018e-00000000"}, _expected(EmailTags=tags))
        SESNotifier(client, SENDER).send(message)

        stub.assert_no_pending_responses()


def test_call_with_an_attachment(client):
    """A file goes along with its type and its octets, which SES is to write in base64."""
    attachment = Attachment(
        name="event.ics", media_type="text/calendar; method=REQUEST; charset=utf-8", content=b"B\xc3\xa9\r\n"
    )
    expected = _expected()
    expected["Content"]["Simple"]["Attachments"] = [
        {
            "FileName": "event.ics",
            "ContentType": "text/calendar; method=REQUEST; charset=utf-8",
            "ContentDisposition": "ATTACHMENT",
            "ContentTransferEncoding": "BASE64",
            "RawContent": b"B\xc3\xa9\r\n",
        }
    ]

    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "0102018e-00000000"}, expected)
        SESNotifier(client, SENDER).send(evolve(MESSAGE, attachments=(attachment,)))

        stub.assert_no_pending_responses()


def test_call_with_headers(client):
    """Answers' address is a field of its own, since SES refuses it as a header; the others go along as they are."""
    headers = {"Auto-Submitted": "auto-generated", "List-Id": '"fete" <fete.example.org>'}
    expected = _expected(ReplyToAddresses=["orga@example.org"])
    expected["Content"]["Simple"]["Headers"] = [
        {"Name": "Auto-Submitted", "Value": "auto-generated"},
        {"Name": "List-Id", "Value": '"fete" <fete.example.org>'},
    ]

    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "0102018e-00000000"}, expected)
        SESNotifier(client, SENDER).send(evolve(MESSAGE, reply_to="orga@example.org", headers=headers))

        stub.assert_no_pending_responses()


def test_call_of_a_confirmation(client):
    """What the service renders fits the call."""
    message = render(make_registration(event_name="夏祭り", attendee_name="山田 太郎"))
    expected = _expected(message=message)
    headers = [{"Name": name, "Value": text} for name, text in message.headers.items()]
    expected["Content"]["Simple"]["Headers"] = headers
    assert [each["Name"] for each in headers] == ["Auto-Submitted", "X-Registration-Id"]

    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "0102018e-00000000"}, expected)
        SESNotifier(client, SENDER).send(message)

        stub.assert_no_pending_responses()


def test_octets_of_the_call(client):
    """On the wire the call is a POST of UTF-8 JSON that names one recipient and no copy."""
    requests = []

    def refuse(request, **_):
        requests.append(request)
        raise EndpointConnectionError(endpoint_url=request.url)

    client.meta.events.register("before-send", refuse)

    with pytest.raises(TransientNotifierError):
        SESNotifier(client, SENDER).send(MESSAGE)

    (request,) = requests
    assert (request.method, request.url) == ("POST", f"{URL}/v2/email/outbound-emails")
    assert json.loads(request.body)["Destination"] == {"ToAddresses": ["ada@xn--mnchen-3ya.example"]}


SENDERS = {
    "bare": ("events@example.org", "events@example.org"),
    "a name": ("Events <events@example.org>", "Events <events@example.org>"),
    "a quoted name": ('"Events, Inc." <events@example.org>', '"Events, Inc." <events@example.org>'),
    "an accent": ("Événements <events@example.org>", "=?utf-8?b?w4l2w6luZW1lbnRz?= <events@example.org>"),
    "Japanese": ("イベント <events@example.org>", "=?utf-8?b?44Kk44OZ44Oz44OI?= <events@example.org>"),
}


@pytest.mark.parametrize(("sender", "encoded"), SENDERS.values(), ids=SENDERS.keys())
def test_sender(client, sender, encoded):
    """The sender's name is encoded as mail headers demand; the address stays as it is."""
    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "0102018e-00000000"}, _expected(sender=encoded))
        SESNotifier(client, sender).send(MESSAGE)

        stub.assert_no_pending_responses()
    assert encoded.isascii()
    name, address = parseaddr(encoded)
    assert (str(make_header(decode_header(name))), address) == parseaddr(sender)


REFUSALS = [
    # "SendEmail", errors, in the SES API v2 reference
    ("AccountSuspendedException", 400, TransientNotifierError),
    ("LimitExceededException", 400, ThrottledNotifierError),
    ("SendingPausedException", 400, TransientNotifierError),
    ("TooManyRequestsException", 429, ThrottledNotifierError),
    ("BadRequestException", 400, PermanentNotifierError),
    ("MailFromDomainNotVerifiedException", 400, PermanentNotifierError),
    ("MessageRejected", 400, PermanentNotifierError),
    ("NotFoundException", 404, TransientNotifierError),
    # "Common errors" in the same reference
    ("ThrottlingException", 400, ThrottledNotifierError),
    ("Throttling", 400, ThrottledNotifierError),
    ("InternalFailure", 500, TransientNotifierError),
    ("InternalServiceErrorException", 500, TransientNotifierError),
    ("ServiceUnavailable", 503, TransientNotifierError),
    ("", 502, TransientNotifierError),
    ("AccessDeniedException", 403, TransientNotifierError),
    ("UnrecognizedClientException", 403, TransientNotifierError),
    ("ExpiredTokenException", 400, TransientNotifierError),
    ("SomethingNew", 499, TransientNotifierError),
]


@pytest.mark.parametrize(("code", "status", "kind"), REFUSALS, ids=[f"{code} {status}" for code, status, _ in REFUSALS])
def test_refusal(client, code, status, kind):
    """What is about the message is permanent, an exhausted quota throttled, all else transient; no address is told."""
    with Stubber(client) as stub:
        stub.add_client_error("send_email", code, f"Address {MESSAGE.to} is bad", status)

        with pytest.raises(NotifierError) as caught:
            SESNotifier(client, SENDER).send(MESSAGE)

    assert type(caught.value) is kind
    assert f"({code})" in str(caught.value)
    assert "ada" not in str(caught.value)
    assert caught.value.__cause__ is not None


UNREACHABLE = {
    "no connection": (EndpointConnectionError(endpoint_url=URL), False),
    "no connection in time": (ConnectTimeoutError(endpoint_url=URL), False),
    "no answer in time": (ReadTimeoutError(endpoint_url=URL), True),
    "connection closed": (ConnectionClosedError(endpoint_url=URL), True),
    "TLS": (SSLError(endpoint_url=URL, error="certificate verify failed"), True),
}


@pytest.mark.parametrize(("error", "is_ambiguous"), UNREACHABLE.values(), ids=UNREACHABLE.keys())
def test_unreachable(client, error, is_ambiguous):
    """When SES can't be reached a later attempt may succeed; if its answer got lost this one may have, too."""

    def fail(**_):
        raise error

    client.meta.events.register("before-send", fail)

    with pytest.raises(TransientNotifierError, match=type(error).__name__) as caught:
        SESNotifier(client, SENDER).send(MESSAGE)

    assert caught.value.__cause__ is error
    assert caught.value.ambiguous is is_ambiguous


def test_can_not_call(client):
    """A call that can't even be made, as without credentials, is an error of no known kind."""

    def fail(**_):
        raise NoCredentialsError

    client.meta.events.register("before-call", fail)

    with pytest.raises(NotifierError, match="NoCredentialsError") as caught:
        SESNotifier(client, SENDER).send(MESSAGE)

    assert type(caught.value) is NotifierError


@pytest.mark.parametrize(
    "fail",
    [
        lambda faults: faults.error("InternalFailure", 500),
        lambda faults: faults.error("ServiceUnavailable", 503),
        lambda faults: faults.error("TooManyRequestsException", 429),
        lambda faults: faults.lose_request(),
    ],
    ids=["500", "503", "429", "no connection"],
)
def test_one_attempt(handlers_client, fail):
    """The handler's client tries once, whatever fails: botocore's own retries could send a mail three times."""
    faults = Faults(handlers_client)
    fail(faults)

    with pytest.raises(TransientNotifierError):
        SESNotifier(handlers_client, SENDER).send(MESSAGE)

    assert faults.calls == 1


def test_one_attempt_is_the_clients_doing(aws_credentials):
    """The control: a client that may retry does, so the attempts above are really counted."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 2})
    client = boto3.client("sesv2", config=config, **aws_credentials)
    faults = Faults(client)
    faults.error("InternalFailure", 500)
    faults.error("InternalFailure", 500)

    with pytest.raises(TransientNotifierError):
        SESNotifier(client, SENDER).send(MESSAGE)

    assert faults.calls == 2
    client.close()


def test_handlers_time_outs(handlers_client):
    """The handler's client waits no longer than the service reserves for a mail: three seconds in all."""
    config = handlers_client.meta.config

    assert config.connect_timeout + config.read_timeout == 3


@pytest.mark.parametrize(
    ("told", "quota"),
    [
        # "The Amazon SES sandbox", and "GetAccount" in the SES API v2 reference
        ((200.0, 1.0, 3.0), Quota(per_second=1, per_day=200, sent=3)),
        ((-1.0, 90.0, 120_000.0), Quota(per_second=90, per_day=-1, sent=120_000)),
    ],
    ids=["sandbox", "unlimited"],
)
def test_quota(client, told, quota):
    """The quota is what `GetAccount` tells of the account."""
    names = ("Max24HourSend", "MaxSendRate", "SentLast24Hours")

    with Stubber(client) as stub:
        stub.add_response("get_account", {"SendQuota": dict(zip(names, told, strict=True))}, {})

        assert SESQuota(client)() == quota


@pytest.mark.parametrize("code", ["AccessDeniedException", "TooManyRequestsException", "InternalFailure"])
def test_quota_that_is_not_told(client, code):
    """A quota that SES does not tell is a passing trouble: nobody's mail is at fault."""
    with Stubber(client) as stub:
        stub.add_client_error("get_account", code)

        with pytest.raises(TransientNotifierError, match=code):
            SESQuota(client)()


def test_quota_that_is_not_in_the_answer(client):
    """An answer without a quota is one that does not tell it."""
    with Stubber(client) as stub:
        stub.add_response("get_account", {"SendingEnabled": True})

        with pytest.raises(TransientNotifierError, match="does not tell"):
            SESQuota(client)()


def test_quota_out_of_reach(client):
    """While SES can't be reached it does not tell its quota."""

    def fail(**_):
        raise EndpointConnectionError(endpoint_url=URL)

    client.meta.events.register("before-send", fail)

    with pytest.raises(TransientNotifierError, match="EndpointConnectionError"):
        SESQuota(client)()
