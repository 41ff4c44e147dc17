"""The SES notifier keeps the contract."""

import base64
import json

import boto3
import pytest
from moto import mock_aws
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from event_registration.attachment import Attachment
from event_registration.aws import SESNotifier
from event_registration.message import Message
from event_registration.testing import NotifierContract

pytestmark = pytest.mark.unmeasured


def _only(destinations):
    assert destinations.keys() == {"ToAddresses"}
    (address,) = destinations["ToAddresses"]
    return address


def _reply_to(call):
    (address,) = call.get("ReplyToAddresses", [None])
    return address


def _attachment(file):
    assert (file["ContentDisposition"], file["ContentTransferEncoding"]) == ("ATTACHMENT", "BASE64")
    content = base64.b64decode(file["RawContent"], validate=True)
    return Attachment(name=file["FileName"], media_type=file["ContentType"], content=content)


class TestSESNotifier(NotifierContract):
    """Mail through moto's SES."""

    @pytest.fixture
    def client(self, aws_credentials):
        """Return a client of an SES that has verified one sender."""
        with mock_aws():
            client = boto3.client("sesv2", **aws_credentials)
            client.create_email_identity(EmailIdentity="events@example.org")
            yield client
            client.close()

    @pytest.fixture
    def notifier(self, client):
        """Return one that sends from the verified sender."""
        return SESNotifier(client, "Événements <events@example.org>")

    @pytest.fixture
    def delivered(self, client, aws_credentials):
        """Read what SES has taken; what moto drops, from the calls: plain text, attachments and headers."""
        calls = []

        def keep(request, **_):
            calls.append(json.loads(request.body))

        client.meta.events.register("before-send.sesv2.SendEmail", keep)
        backend = get_backend("ses")[DEFAULT_ACCOUNT_ID][aws_credentials["region_name"]]

        def read():
            return [
                Message(
                    to=_only(sent.destinations),
                    subject=sent.subject,
                    text=content["Body"]["Text"]["Data"],
                    html=sent.body,
                    attachments=tuple(map(_attachment, content.get("Attachments", ()))),
                    reply_to=_reply_to(call),
                    headers={header["Name"]: header["Value"] for header in content.get("Headers", ())},
                )
                for sent, call in zip(backend.sent_messages, calls, strict=True)
                for content in [call["Content"]["Simple"]]
            ]

        return read

    @pytest.fixture
    def broken_notifier(self, client):
        """Return one whose sender is not verified."""
        return SESNotifier(client, "stranger@example.org")
