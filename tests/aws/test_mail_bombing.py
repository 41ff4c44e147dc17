"""
Whoever posts one person's address thousands of times has that person mailed five times a day, and never says a word.

The mails have the headers of any other, one recipient, and no link but our own: nothing that was typed becomes one, as
each of its dots, colons and at signs is followed by a break.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import getaddresses
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from types import SimpleNamespace

import boto3
import pytest
from attrs import frozen
from lean import LeanClient
from runtime_api import MailService

from event_registration import make_lambda_handler, make_stream_handler
from event_registration.aws import DynamoDBEventRepository, DynamoDBRepository, SESNotifier
from event_registration.aws.outbox import DynamoDBOutbox
from event_registration.local import SQLiteEventRepository, SQLiteOutbox, SQLiteRepository
from event_registration.local.mime import READABLE, SENDABLE, address_of, mail_of
from event_registration.mail import BUDGET, MailState
from event_registration.rules import attendee_digest
from event_registration.settings import Confirmation, EventsMode, Settings
from event_registration.testing import make_event

pytestmark = pytest.mark.unmeasured

VICTIM = "victim@example.org"
BYSTANDER = "bystander@example.org"
# Spellings of one address, and what has an address and more in it.
ADDRESSES = (VICTIM, f" {VICTIM}\t", "victim@EXAMPLE.org", "VICTIM@example.org", "victim@ｅｘａｍｐｌｅ.org")
NO_ADDRESSES = (
    f"{VICTIM}, x@evil.example",
    f"{VICTIM}\r\nBcc: x@evil.example",
    f"x@evil.example <{VICTIM}>",
    f"{VICTIM} (=?utf-8?q?x=40evil=2Eexample?=)",
    f"=?utf-8?q?x=40evil=2Eexample=2C?={VICTIM}",
    f"x@evil.example;{VICTIM}",
    "victim@example.org@evil.example",
)
BAIT = (
    *("evil.example", "a@evil.example", "http:/evil.example", "www,evil.example", "call tel:+15551234", "ftp:x.y"),
    *(
        "evil。example",
        "evil．example",
        "evil｡example",
        "evil․example",
        "evil﹒example",
        "a＠evil.example",
        "a﹫evil﹒x",
    ),
    *("tel﹕1", "javascript:alert(1)", "mailto:a@evil.example", "💩.la", "💰🎁👉evil.example/🎁", "аррӏе.com"),
    *(
        "=?utf-8?q?a=0D=0ABcc=3A_x=40evil=2Eexample?=",
        "=?UTF-8?B?eA==?=",
        "[prize](evil.example)",
        "<a href=evil.example>",
    ),
    *(
        '<img src=x onerror="alert(1)">',
        "{event} %s {0}",
        "&#46;",
        "evil\u200b.example",
        "evil.\u2060example",
        "1.2.3.4:80",
    ),
    *(
        "أحمد.com",
        "xn--e1awd7f.com",
        "evil\u00ad.example",
        "Ada Lovelace",
        "夏祭り",
        "evil .example",
        "@evil",
        "evil:8080",
    ),
    # What no name may hold, and an answer may, as far as it is text.
    *(
        "https://evil.example/?a=b#c",
        "HTTP://evil.example",
        "WWW.evil.example",
        "//evil.example",
        "a\r\nBcc: x@evil.example",
    ),
    *("a\nTo: x@evil.example", "\u202egro.live", "\u2066evil.example\u2069", "a\x00b", "a\u2028b"),
)
QUESTIONS = {
    "type": "object",
    "properties": {
        "food": {"type": "string", "title": "What don't you eat?", "maxLength": 200},
        "remarks": {"type": "string", "title": "Remarks", "maxLength": 2000},
    },
}
# What mail programs may take for a link: a dot, a colon or an at sign, in any form, with anything right after it.
_LINKED = re.compile("[.@:\u2024\u3002\ufe52\uff0e\uff61\ufe6b\uff20\ufe55\uff1a][^\\s\u2060]")
_REMOTE = re.compile(r"href|src=|url\(|@import|<(?:a|img|script|form|iframe|object|base|meta http)\b", re.IGNORECASE)
SENDER = "Events <events@example.org>"
# A mail's head as it stands there; the subject's text is compared apart.
HEADERS = [
    "Date: *",
    f"From: {SENDER}",
    "To: {to}",
    "Subject: *",
    "Message-ID: <*@example.org>",
    "Auto-Submitted: auto-generated",
    "X-Registration-Id: *",
    "MIME-Version: 1.0",
    "Content-Type: multipart/alternative; boundary=*",
]
_NEUTRAL = (
    (r"^(Date|Subject): .*$", r"\1: *"),
    (r"^Message-ID: <[0-9.]+@", "Message-ID: <*@"),
    (r"^X-Registration-Id: [0-9a-f-]+$", "X-Registration-Id: *"),
    (r'boundary="[=0-9]+"$', "boundary=*"),
)
_SEED = 2026
_EVENTS = 100
_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_CONTEXT = SimpleNamespace(aws_request_id="r-1", function_name="f", get_remaining_time_in_millis=lambda: 60_000)
_FOLDER = Path(__file__).parent.parent / "payloads"
_POST, _SCHEDULE = (json.loads((_FOLDER / f"{name}.json").read_text("utf-8")) for name in ("rest-api", "schedule"))


class _OnADay:
    """An outbox that counts mails on the virtual day that it is."""

    today = _NOON

    def spend(self, digest, debt, now, *, limit, deadline=None):  # noqa: ARG002 - another day than the machine's
        """Count a mail on that day."""
        return super().spend(digest, debt, self.today, limit=limit, deadline=deadline)


class _SQLiteOutbox(_OnADay, SQLiteOutbox):
    """In SQLite."""


class _DynamoDBOutbox(_OnADay, DynamoDBOutbox):
    """In the table."""


class _Mailer:
    """
    A `Notifier` that sends through SES, and writes each mail as files and mail servers get it, too.

    Args:
        ses: Sends through SES.
    """

    def __init__(self, ses):
        self._ses = ses
        self.messages = []
        self.written = []

    def send(self, message):
        """Send *message*."""
        self._ses.send(message)
        self.messages.append(message)
        mails = [mail_of(message, address_of(SENDER), _NOON, policy=policy) for policy in (READABLE, SENDABLE)]
        self.written += [(message, bytes(mail)) for mail in mails]


@frozen
class _Way:
    """
    How registrations and mails are taken.

    Args:
        events: Who says what events there are.
        confirmation: Who sends.
    """

    events: EventsMode
    confirmation: Confirmation

    @property
    def is_managed(self):
        """Whether there are events."""
        return self.events is EventsMode.MANAGED


WAYS = {
    "managed, outbox": _Way(EventsMode.MANAGED, Confirmation.OUTBOX),
    "managed, inline": _Way(EventsMode.MANAGED, Confirmation.INLINE),
    "open, outbox": _Way(EventsMode.OPEN, Confirmation.OUTBOX),
}


class _Bombing:
    """
    Someone who posts, the functions that take it, and the mails.

    Args:
        store: A repository, and its outbox.
        mailer: What sends.
        way: How it is done.
        **options: Further settings.
    """

    def __init__(self, store, mailer, way, **options):
        self._repository, self._outbox = store
        self.mailer = mailer
        self._way = way
        self._chance = Random(_SEED)
        settings = Settings(events=way.events, confirmation=way.confirmation, **options)
        parts = {"repository": store[0], "outbox": store[1], "notifier": mailer, "settings": settings}
        self._register = make_lambda_handler(**parts)
        self._send = make_stream_handler(**parts)
        self._events = [self._make_event(number) for number in range(_EVENTS)]
        self.answers = []

    def run(self, posts):
        """Post on two days, and return how many mails the victim got on each."""
        counts = []
        for day in range(2):
            self._outbox.today = _NOON + timedelta(days=day)
            before = len(self.mailer.messages)
            # Half of the events begin on the second day: it is virtual, and of the others nothing more is owed then.
            events = self._events[: _EVENTS // 2 * (day + 1)]
            for number in range(posts // 2):
                self._post(self._chance.choice(events))
                if number % 100 == 99:
                    self._send(_SCHEDULE, _CONTEXT)
            self._send(_SCHEDULE, _CONTEXT)
            counts.append(sum(each.to.lower() == VICTIM for each in self.mailer.messages[before:]))
        return counts

    def come_by(self):
        """Let somebody else register as people do."""
        self._take({"eventid": self._events[0], "eventname": "DevConf", "cname": "Bo", "cemail": BYSTANDER})
        self._send(_SCHEDULE, _CONTEXT)

    @property
    def mails(self):
        """What is owed, of all events."""
        return [each.mail for event_id in self._events for each in self._repository.list(event_id)]

    def _make_event(self, number):
        if self._way.is_managed:
            event = make_event(
                event_id=f"meetup-{number}",
                event_name=f"Meetup {number}",
                starts_at=datetime(2999, 6, 1, 9, tzinfo=UTC),
                ends_at=datetime(2999, 6, 1, 17, tzinfo=UTC),
                questions=QUESTIONS,
            )
            self._repository.create_event(event)
            return event.event_id
        return f"{self._chance.choice(['evil.example', 'www.evil.example', '~a', '..', 'a_b-c'])}{number}"

    def _bait(self):
        return self._chance.choice([" ", "", "."]).join(self._chance.sample(BAIT, self._chance.randint(1, 3)))

    def _post(self, event_id):
        addresses = NO_ADDRESSES if self._chance.random() < 0.1 else ADDRESSES
        body = {"eventid": event_id, "cname": self._bait(), "cemail": self._chance.choice(addresses)}
        if self._way.is_managed:
            body["answers"] = {"food": self._bait(), "remarks": f"{self._bait()}\n{self._bait()}"}
        else:
            body["eventname"] = self._bait()
        self._take(body)

    def _take(self, body):
        answer = self._register(_POST | {"body": json.dumps(body)}, _CONTEXT)
        self.answers.append(answer["statusCode"])
        if self._way.confirmation is Confirmation.OUTBOX and answer["statusCode"] == 201:
            self._send({"Records": [_record(body["eventid"], VICTIM)]}, _CONTEXT)


def _record(event_id, address):
    keys = {"eventid": {"S": event_id}, "sk": {"S": f"REGISTRATION#{attendee_digest(address)}"}}
    return {"eventSource": "aws:dynamodb", "dynamodb": {"Keys": keys, "SequenceNumber": "1"}}


@pytest.fixture
def ses():
    """Return a service that takes mails."""
    with MailService() as service:
        yield service


@pytest.fixture
def mailer(ses, aws_credentials):
    """Return what sends through it."""
    client = boto3.client("sesv2", endpoint_url=ses.url, **aws_credentials)
    yield _Mailer(SESNotifier(client, SENDER, configuration_set="events"))
    client.close()


@pytest.fixture(params=["sqlite", "engine"])
def make_store(request):
    """Return a function that makes a repository and its outbox."""
    made = []

    def sqlite(way):
        made.append((SQLiteEventRepository if way.is_managed else SQLiteRepository)(":memory:"))
        return made[-1], _SQLiteOutbox(made[-1])

    def engine(way):
        made.append(LeanClient(request.getfixturevalue("engine_url")))
        table = request.getfixturevalue("table")
        repository = (DynamoDBEventRepository if way.is_managed else DynamoDBRepository)(made[-1], table)
        return repository, _DynamoDBOutbox(made[-1], table)

    yield sqlite if request.param == "sqlite" else engine
    for each in made:
        each.close()


class _Page(HTMLParser):
    """Collects the runs of text that no element breaks, but those of the style sheet."""

    def __init__(self, html):
        super().__init__()
        self.runs = []
        self._in_style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):  # noqa: ARG002 - the parser's signature
        self._in_style = tag == "style"

    def handle_endtag(self, tag):  # noqa: ARG002 - the parser's signature
        self._in_style = False

    def handle_data(self, data):
        if not self._in_style:
            self.runs.append(data)


def _links_in(message):
    page = _Page(message.html)
    found = [text for text in (message.subject, message.text, *page.runs) if _LINKED.search(text)]
    return found + _REMOTE.findall(re.sub("&[^;]+;|>[^<]*<", "><", message.html))


def _headers_of(octets):
    """Return the lines of a mail's head as they stand there, unfolded, without what each mail has of its own."""
    head = re.split(rb"\r?\n\r?\n", octets, maxsplit=1)[0].decode()
    lines = re.sub(r"\r?\n[ \t]", " ", head).splitlines()
    for pattern, neutral in _NEUTRAL:
        lines = [re.sub(pattern, neutral, line) for line in lines]
    return lines


def _request_of(message):
    """Return all that SES is to be asked for."""
    subject, text, html = ({"Data": part, "Charset": "UTF-8"} for part in (message.subject, message.text, message.html))
    headers = [{"Name": name, "Value": value} for name, value in message.headers.items()]
    return {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": [message.to]},
        "Content": {"Simple": {"Subject": subject, "Body": {"Text": text, "Html": html}, "Headers": headers}},
        "EmailTags": [{"Name": "reference", "Value": message.reference}],
        "ConfigurationSetName": "events",
    }


ALL = pytest.param(10_000, id="all", marks=[pytest.mark.proof, pytest.mark.timeout(3600)])


@pytest.mark.parametrize("posts", [300, ALL])
@pytest.mark.parametrize("way", WAYS)
def test_bombs_nobody(make_store, mailer, ses, way, posts):
    """However often an address is posted it gets five mails a day, all alike and without a link; others get theirs."""
    bombing = _Bombing(make_store(WAYS[way]), mailer, WAYS[way])

    counts = bombing.run(posts)
    bombing.come_by()

    assert counts == [5, 5]
    assert [message.to.lower() for message in mailer.messages] == [VICTIM] * 10 + [BYSTANDER]
    assert set(bombing.answers) == {201, 422}
    assert {each.state for each in bombing.mails} == {MailState.SENT, MailState.FAILED}
    assert {each.reason for each in bombing.mails} == {None, BUDGET}
    assert [link for message in mailer.messages for link in _links_in(message)] == []
    assert ses.mails == [_request_of(message) for message in mailer.messages]
    for message, octets in mailer.written:
        assert _headers_of(octets) == [line.format(to=message.to) for line in HEADERS]
        read = message_from_bytes(octets, policy=policy.default)
        assert getaddresses(read.get_all("To")) == [("", message.to)]
        assert read["Subject"] == message.subject
        bodies = [read.get_body([kind]).get_content() for kind in ("plain", "html")]
        assert [body.replace("\r\n", "\n") for body in bodies] == [message.text, message.html]


def test_the_bait_is_in_the_mails(make_store, mailer):
    """The control: what looks like a link is in the mails of somebody's making, and was broken there."""
    way = WAYS["managed, outbox"]

    _Bombing(make_store(way), mailer, way).run(100)

    typed = [message.text.replace("\u2060", "") for message in mailer.messages]
    assert len(typed) == 10
    assert all(any(bait in text for bait in BAIT) and _LINKED.search(text) for text in typed)


@pytest.mark.parametrize("posts", [100, ALL])
@pytest.mark.parametrize("way", WAYS)
def test_control_without_a_budget(make_store, mailer, way, posts):
    """Control: with a budget that is as good as none, the same posts bring many mails; none of them has a link."""
    bombing = _Bombing(make_store(WAYS[way]), mailer, WAYS[way], mails_per_day=1000)

    counts = bombing.run(posts)

    assert min(counts) > 10
    assert [link for message in mailer.messages for link in _links_in(message)] == []
    print(f"{posts} posts, {sum(counts)} mails")  # noqa: T201
