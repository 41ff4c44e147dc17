"""Every kind of mail, read back from who was asked to deliver it: SES's stand-in and a mail server."""

import base64
import re
from email import message_from_bytes, policy

import everymail
import pytest
import sesdouble
from everymail import CONTACT, MAILS, PAGE, SENDER, WITH_ENTRY
from mailing import attachments_of, headers_of
from mailsink import sinking

from event_registration.aws import SESNotifier
from event_registration.headers import headers_of as headers_for
from event_registration.local import SMTPNotifier
from event_registration.mail import MailKind
from event_registration.rules import normalise_address
from event_registration.testing import make_registration

pytestmark = pytest.mark.unmeasured

every_mail = pytest.mark.parametrize(("kind", "language"), MAILS, ids=everymail.name_of)
HEADERS = headers_for(
    make_registration(event_id="Fete.2026_Berlin", registration_id="0123456789abcdef0123456789abcdef"), SENDER
)


@pytest.fixture(scope="module")
def ses():
    """Run a stand-in for SES."""
    with sesdouble.running() as ses:
        yield ses


@pytest.fixture(scope="module")
def kept(ses):
    """Return every mail as SES's stand-in keeps it."""
    notifier = SESNotifier(ses.client, SENDER, configuration_set="events")
    for each in MAILS:
        notifier.send(everymail.mail(*each))
    return dict(zip(MAILS, ses.kept(), strict=True))


@pytest.fixture(scope="module")
def received():
    """Return every mail as a mail server received it."""
    with sinking() as (sink, port):
        notifier = SMTPNotifier(f"smtp://127.0.0.1:{port}", SENDER)
        for each in MAILS:
            notifier.send(everymail.mail(*each))
        return dict(zip(MAILS, [envelope.content for envelope in sink.envelopes], strict=True))


def _lines(text):
    # RFC 2045, 6.8: mail ends its lines with CRLF, encoded ones too; whether one ends the text is the writer's matter.
    return text.replace("\r\n", "\n").rstrip("\n")


def _links(text):
    return set(re.findall(r'https?://[^\s"<>]+', text))


def _is_meant(found, message):
    """Return whether an `EmailMessage` says what *message* does, but for what is attached."""
    bodies = [_lines(found.get_body((kind,)).get_content()) for kind in ("plain", "html")]
    return (
        (found["To"], found["Subject"], found["Reply-To"]) == (message.to, message.subject, message.reply_to)
        and bodies == [_lines(message.text), _lines(message.html)]
        and {name.lower(): text for name, text in headers_of(found).items()}
        == {name.lower(): text for name, text in message.headers.items()}
    )


@every_mail
def test_is_all_there(kind, language):
    """A mail has its language, its registration's headers, an address for answers, a link, and a calendar entry."""
    message = everymail.mail(kind, language)

    assert f'<html lang="{language}"' in message.html
    assert (message.reply_to, message.headers) == (CONTACT, HEADERS)
    assert len(message.attachments) == (kind in WITH_ENTRY)
    links = {link for link in _links(message.html) if link.startswith(PAGE)}
    assert links == _links(message.text)
    assert len(links) == (kind is not MailKind.CANCELLED)


@every_mail
def test_ses_keeps_what_was_meant(kept, kind, language):
    """What SES was asked to send is the mail, every word, header and octet of it, from the sender to one person."""
    message = everymail.mail(kind, language)

    found = kept[kind, language]

    assert found["destination"] == {"to": [message.to], "cc": [], "bcc": []}
    assert found["replyTo"] == [CONTACT]
    assert {each["name"]: each["value"] for each in found["headers"]} == HEADERS
    assert len(found["headers"]) == len(HEADERS)
    assert (found["subject"], found["body"]) == (message.subject, {"html": message.html, "text": message.text})
    assert sesdouble.files_of(found) == [(each.name, each.media_type, each.content) for each in message.attachments]


@every_mail
def test_another_writer_makes_the_mail_of_it(ses, kept, kind, language):
    """What SES has been given is enough for a mail: as nodemailer writes it, it says what was meant."""
    message = everymail.mail(kind, language)
    octets = ses.octets_of(kept[kind, language]["messageId"])

    found = message_from_bytes(octets, policy=policy.default)

    assert _is_meant(found, message)
    assert HEADERS["List-Id"].encode() in re.sub(rb"\r?\n(?=[ \t])", b"", octets)
    assert [each.addr_spec for each in found["From"].addresses] == ["events@fete.example"]
    # The stand-in gives nodemailer files as it has got them, in base64, to be encoded once more.
    files = [base64.b64decode(each.get_payload(decode=True)) for each in found.iter_attachments()]
    assert files == [each.content for each in message.attachments]


@every_mail
def test_a_mail_server_receives_what_was_meant(received, kind, language):
    """What the mail server got is the mail, every word, header and octet of it."""
    message = everymail.mail(kind, language)

    found = message_from_bytes(received[kind, language], policy=policy.default)

    assert _is_meant(found, message)
    assert attachments_of(found) == message.attachments
    assert str(found["From"]) == '"Événements, イベント" <events@fete.example>'


@every_mail
def test_another_reader_finds_what_was_meant(ses, received, kind, language):
    """A reader in another language, mailparser, finds in what the mail server got what Python's finds."""
    message = everymail.mail(kind, language)

    found = ses.read(received[kind, language])

    assert found["from"] == '"Événements, イベント" <events@fete.example>'
    assert (found["destination"]["to"], list(map(normalise_address, found["replyTo"]))) == ([message.to], [CONTACT])
    assert found["subject"] == message.subject
    assert [_lines(found["body"][part]) for part in ("text", "html")] == [_lines(message.text), _lines(message.html)]
    assert [(name, octets) for name, _, octets in sesdouble.files_of(found)] == [
        (each.name, each.content) for each in message.attachments
    ]
