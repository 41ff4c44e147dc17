"""Every kind of mail keeps the rules of those who deliver it (docs/mails.md), through SES and a mail server."""

import json
import re
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser

import boto3
import everymail
import pytest
from attrs import evolve
from botocore.awsrequest import AWSResponse
from everymail import CONTACT, EVENT, LANGUAGES, MAILS, NAME, PAGE, SENDER, WITH_ENTRY
from mailsink import sinking

from event_registration.aws import SESNotifier
from event_registration.local import SMTPNotifier
from event_registration.mail import MailKind
from event_registration.testing import ManualClock
from event_registration.testing.guests import NOW

pytestmark = pytest.mark.unmeasured

every_mail = pytest.mark.parametrize(("kind", "language"), MAILS, ids=everymail.name_of)
# RFC 5322, 3.6, and what is our own; the table of docs/mails.md.
HEADERS = [
    *("Date", "From", "To", "Subject", "Message-ID", "Reply-To"),
    *("Auto-Submitted", "X-Registration-Id", "List-Id", "MIME-Version", "Content-Type"),
]
DOMAIN = "fete.example"
# Gmail shows no more of a mail's HTML than 102 KB: the rest is behind a link.
CLIPPED = 102 * 1000
# "Amazon SES header fields": what SES writes itself and takes from nobody in a `Simple` message.
DISALLOWED = {
    *("bcc", "cc", "content-disposition", "content-type", "date", "from", "message-id", "mime-version", "reply-to"),
    *("return-path", "subject", "to"),
}
REMOTE = re.compile(r"\bsrc(?:set)?\s*=|\burl\s*\(|@import|@font-face|\bbackground\s*=", re.IGNORECASE)
HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0|text-indent\s*:\s*-|\bhidden\b"
    r"|(?:max-)?(?:height|width)\s*:\s*[01](?:px)?\s*[;}]|<!--",
    re.IGNORECASE,
)
ACTIVE = {"script", "form", "input", "button", "iframe", "object", "embed", "img", "link", "base", "video", "audio"}


@pytest.fixture(scope="module")
def received():
    """Return every mail as a mail server received it."""
    with sinking() as (sink, port):
        notifier = SMTPNotifier(f"smtp://127.0.0.1:{port}", SENDER, clock=ManualClock(NOW))
        for each in MAILS:
            notifier.send(everymail.mail(*each))
        return dict(zip(MAILS, [envelope.content for envelope in sink.envelopes], strict=True))


class _Document(HTMLParser):
    """What a document of HTML is made of, and what it says beside its heading and its links' names."""

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.links = []
        self.said = []
        self._open = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Note an element and where it leads."""
        self.elements.append(tag)
        self.links += [text for name, text in attrs if name in {"href", "action", "formaction", "ping"}]
        self._open.append(tag)

    def handle_endtag(self, tag):
        """Leave an element, and those in it that have no end."""
        while self._open.pop() != tag:
            pass

    def handle_data(self, data):
        """Note what people read."""
        if not {"head", "h1", "a"} & set(self._open):
            self.said.append(data)


def _head_of(octets):
    """Return the names and texts of a mail's head, by nobody's parser."""
    head, _, _ = octets.partition(b"\r\n\r\n")
    lines = re.sub(rb"\r\n(?=[ \t])", b"", head).decode("ascii").split("\r\n")
    return [tuple(line.split(": ", 1)) for line in lines]


def _words(text):
    # Marks that keep program from making links, and that set a name of another direction apart, are no letters.
    return re.findall(r"[^\W_]+", re.sub("[\u2060\u2068\u2069\u2019']", "", text))


@every_mail
def test_has_one_of_each_header(received, kind, language):
    """A mail's head has each header that it needs once and no other, all in ASCII."""
    assert [name for name, _ in _head_of(received[kind, language])] == HEADERS


@every_mail
def test_lines_are_short(received, kind, language):
    """No line is longer than programs show, 78 signs, all end in CRLF, all octets are ASCII (RFC 5322, 2)."""
    octets = received[kind, language]

    assert octets.isascii()
    assert b"\0" not in octets
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", octets)
    assert max(map(len, octets.split(b"\r\n"))) <= 78


@every_mail
def test_comes_from_one_address(received, kind, language):
    """A mail is from one address, and whatever else names a domain names the same one."""
    head = dict(_head_of(received[kind, language]))

    assert re.findall(r"<([^>]*)>", head["From"]) == [f"events@{DOMAIN}"]
    assert head["Message-ID"].endswith(f"@{DOMAIN}>")
    assert head["List-Id"].endswith(f".{DOMAIN}>")
    assert head["Reply-To"] == CONTACT
    assert "," not in head["To"]


def test_no_two_mails_have_one_id(received):
    """Each mail has an id of its own, in the form of RFC 5322, 3.6.4, and the instant at which it was written."""
    heads = [dict(_head_of(octets)) for octets in received.values()]

    assert all(re.fullmatch(r"<[A-Za-z0-9.]+@[a-z.]+>", head["Message-ID"]) for head in heads)
    assert len({head["Message-ID"] for head in heads}) == len(MAILS)
    assert {parsedate_to_datetime(head["Date"]) for head in heads} == {NOW}


@every_mail
def test_is_without_a_defect(received, kind, language):
    """A strict reader finds text, HTML and perhaps a calendar entry, in this order, and no defect (RFC 2046)."""
    mail = message_from_bytes(received[kind, language], policy=policy.default.clone(raise_on_defect=True))

    types = [part.get_content_type() for part in mail.walk()]
    defects = [each for part in mail.walk() for header in part.values() for each in header.defects]
    bodies = ["multipart/alternative", "text/plain", "text/html"]
    assert types == (["multipart/mixed", *bodies, "text/calendar"] if kind in WITH_ENTRY else bodies)
    assert defects == []
    assert {part.get_content_charset() for part in mail.walk() if not part.is_multipart()} == {"utf-8"}


@every_mail
def test_subject_says_what_it_is_about(kind, language):
    """The subject names the event and pretends to be no answer; it is short enough to be read whole."""
    subject = everymail.mail(kind, language).subject

    assert NAME.partition(",")[0] in subject
    assert not re.match(r"(?:re|fwd?|aw|wg|tr|rv)\s*:", subject, re.IGNORECASE)
    assert len(subject) <= 78


@every_mail
def test_both_bodies_say_the_same(kind, language):
    """The text says word for word what the HTML says but for its heading, and has the same link."""
    message = everymail.mail(kind, language)
    document = _Document(message.html)

    text = re.sub(r"^https?://\S+$", "", message.text, flags=re.MULTILINE)

    assert _words(text) == _words(" ".join(document.said))
    assert document.links == re.findall(r"^https?://\S+$", message.text, re.MULTILINE)


@every_mail
def test_loads_nothing_and_hides_nothing(kind, language):
    """The HTML fetches nothing, runs nothing and hides nothing; its one link is ours, by https."""
    html = everymail.mail(kind, language).html
    document = _Document(html)

    assert (REMOTE.findall(html), HIDDEN.findall(html), ACTIVE & set(document.elements)) == ([], [], set())
    assert all(link.startswith(f"{PAGE}") for link in document.links)


@every_mail
def test_is_valid_html(faults, kind, language):
    """The HTML has no fault."""
    assert faults(everymail.mail(kind, language).html) == []


@pytest.fixture(scope="module")
def client(aws_credentials):
    """Return a client of SES whose calls end before the network."""
    client = boto3.client("sesv2", **aws_credentials)
    client.meta.events.register("before-call", lambda **_: (AWSResponse("", 200, {}, None), {}))
    yield client
    client.close()


@every_mail
def test_ses_is_asked_for_what_it_takes(client, kind, language):
    """Every name and text of the call keeps the form that SES's own model has for it, and no header is one of SES's."""
    calls = []
    client.meta.events.register("provide-client-params", lambda params, **_: calls.append(params))

    SESNotifier(client, SENDER, configuration_set="events").send(everymail.mail(kind, language))

    (call,) = calls
    shape = client.meta.service_model.operation_model("SendEmail").input_shape
    assert list(_excesses(shape, call)) == []
    headers = call["Content"]["Simple"]["Headers"]
    assert {each["Name"].lower() for each in headers}.isdisjoint(DISALLOWED)
    assert len(headers) == 3
    assert all(len(each["Name"]) + len(each["Value"]) <= 996 for each in headers)


def _excesses(shape, value):
    """Yield what breaks the lengths and patterns of a service's model, of which boto3 looks at few."""
    if shape.type_name == "structure":
        for name, each in value.items():
            yield from _excesses(shape.members[name], each)
    elif shape.type_name == "list":
        for each in value:
            yield from _excesses(shape.member, each)
    if "max" in shape.metadata and len(value) > shape.metadata["max"]:
        yield f"{shape.name} is too long"
    if "pattern" in shape.metadata and not re.fullmatch(shape.metadata["pattern"].strip("^$"), value):
        yield f"{shape.name} has another form"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sign", ["a", "é", "夏", "&"], ids=["ASCII", "two octets", "three octets", "markup"])
def test_gmail_shows_the_longest_whole(language, sign):
    """With forty questions and as much answered as anybody may, Gmail shows the HTML to its end."""
    title = sign * min(200, 700 // len(json.dumps(sign)[1:-1]))
    names = [f"q{number}" for number in range(40)]
    properties = {name: {"type": "string", "title": title, "maxLength": 4000} for name in names}
    answer = f"{sign * 9}. " * (8000 // len(names) // len(f"{sign * 9}. ".encode()))

    event = evolve(
        EVENT, questions={"type": "object", "properties": properties}, event_name=sign * 100, venue=sign * 200
    )
    message = everymail.mail_about(event, MailKind.CONFIRMED, language, dict.fromkeys(names, answer))

    assert len(message.html.encode()) < CLIPPED


def test_finds_what_is_hidden():
    """The control: what would be fetched, hidden or run is found out."""
    html = (
        '<p style="display:none">x</p><img src="https://x.example/"><form action="/"></form><style>@import "x"</style>'
    )

    assert len(REMOTE.findall(html)) == 2
    assert HIDDEN.findall(html)
    assert ACTIVE & set(_Document(html).elements) == {"img", "form"}


def test_finds_what_ses_would_refuse(client):
    """The control: a header of another form, and one that is too long, are found out by SES's own model."""
    shape = client.meta.service_model.operation_model("SendEmail").input_shape

    headers = [{"Name": "X Y", "Value": "x"}, {"Name": "X", "Value": "x" * 996}]

    assert list(_excesses(shape, {"Content": {"Simple": {"Headers": headers}}})) == [
        "MessageHeaderName has another form",
        "MessageHeaderValue is too long",
    ]
