"""The confirmation says what is confirmed, and nothing a stranger typed becomes a link or markup."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest

from event_registration.confirmation import render
from event_registration.model import Status
from event_registration.testing import make_registration

# What mail programs take for a link: a dot, an @ or a colon with something right after it.
LINKED = re.compile(r"\w[.@:][\w+]|[.@:]//|[．。｡＠：․﹒﹫﹕]\w")
BAIT = [
    "evil.example",
    "call tel:+15551234",
    "a@evil.example",
    "evil。example",
    "evil．example",
    "ftp:x.y",
    "evil․example",
    "a﹫evil﹒example",
    "tel﹕1",
]


class _Text(HTMLParser):
    """Collects runs of text that no element breaks, outside the style sheet, and all attributes."""

    def __init__(self):
        super().__init__()
        self.runs = []
        self.attributes = []
        self._in_style = False

    def handle_starttag(self, tag, attrs):
        self._in_style = tag == "style"
        self.attributes += [(tag, *attribute) for attribute in attrs]

    def handle_endtag(self, tag):  # noqa: ARG002 - the parser's signature
        self._in_style = False

    def handle_data(self, data):
        if not self._in_style:
            self.runs.append(data)


def _parsed(html):
    parser = _Text()
    parser.feed(html)
    parser.close()
    return parser


def test_goes_to_the_address():
    """The one recipient is the registration's normal address."""
    message = render(make_registration(attendee_email="Ada@MÜNCHEN.example"))

    assert message.to == "Ada@xn--mnchen-3ya.example"


def test_names_the_event_and_the_person():
    """Both bodies name the event and the person, the subject the event."""
    message = render(make_registration(attendee_name="أحمد بن علي", event_name="夏祭り"))

    assert message.subject == "Registration confirmed: 夏祭り"
    for body in (message.text, message.html):
        assert "أحمد بن علي" in body
        assert "夏祭り" in body


def test_keeps_the_name_out_of_the_subject():
    """The attendee's name, which anyone can choose for anyone, is never in the subject."""
    message = render(make_registration(attendee_name="Claim your prize"))

    assert "prize" not in message.subject


@pytest.mark.parametrize("bait", BAIT)
@pytest.mark.parametrize("field", ["attendee_name", "event_name"])
def test_makes_no_link_of_what_was_typed(field, bait):
    """A name that looks like an address or a domain is broken where mail programs would recognise it."""
    message = render(make_registration(**{field: bait}))

    assert not LINKED.search(message.subject.removeprefix("Registration confirmed: "))
    assert not LINKED.search(message.text)
    assert not [run for run in _parsed(message.html).runs if LINKED.search(run)]


@pytest.mark.parametrize("bait", BAIT)
def test_the_pattern_recognises_the_bait(bait):
    """The control: what these tests look for is there before it is broken."""
    assert LINKED.search(bait)


@pytest.mark.parametrize(
    "name", ["=?utf-8?q?a=0D=0ABcc=3A_x=40evil=2Eexample?=", "=?utf-8?q?=77ww=2Eevil=2Eexample?=", "=?UTF-8?B?eA==?="]
)
def test_hides_nothing_in_an_encoded_word(name):
    """A name that looks like an encoded word (RFC 2047) can't be decoded into a header or a link."""
    message = render(make_registration(event_name=name))

    header = EmailMessage(policy=policy.default)
    header["Subject"] = message.subject
    parsed = message_from_bytes(bytes(header), policy=policy.default)
    assert parsed.keys() == ["Subject"]
    assert parsed["Subject"] == message.subject
    assert not LINKED.search(message.subject.removeprefix("Registration confirmed: "))


@pytest.mark.parametrize("field", ["attendee_name", "event_name"])
def test_escapes_markup(field):
    """Markup in a name is shown as text, in the HTML body and nowhere an element."""
    bait = """<img src=x onerror="alert('1')">&amp;"""

    parser = _parsed(render(make_registration(**{field: bait})).html)

    assert "img" not in [attribute[0] for attribute in parser.attributes]
    assert bait in "".join(parser.runs)


def test_loads_nothing():
    """The HTML body has no link, no image and no remote content at all."""
    message = render(make_registration())

    assert not re.search(r"https?:|href=|src=|url\(|@import|<script|<form|<a ", message.html)


def test_keeps_directions_apart():
    """A right-to-left name is isolated, so that it doesn't reorder the sentence around it."""
    message = render(make_registration(attendee_name="أحمد"))

    assert "\u2068أحمد\u2069" in message.text
    assert "<bdi>أحمد</bdi>" in message.html


def test_survives_braces_and_percents():
    """What looks like a template's own syntax is text."""
    message = render(make_registration(attendee_name="{event} %s {0}", event_name="{name}"))

    assert "{event} %s {0}" in message.text
    assert "{name}" in message.html


def _waiting(**changes):
    return render(make_registration(**changes).admitted(Status.WAITLISTED))


def _said(message):
    """Return what a reader of each part of *message* reads, on one line each."""
    html = " ".join(_parsed(message.html).runs)
    return [" ".join(part.split()) for part in (message.subject, message.text.replace("\u2060", ""), html)]


def test_tells_who_waits():
    """Who waits is told so in the subject and in both bodies, with the event, and what happens next."""
    message = _waiting(attendee_name="أحمد بن علي", event_name="夏祭り")

    subject, text, html = _said(message)
    assert subject == "On the waiting list: 夏祭り"
    for body in (text, html):
        assert "أحمد بن علي" in body
        assert "夏祭り" in body
        assert "all seats of this event are taken, and you have a place on its waiting list" in body
        assert "As soon as a seat becomes free and it is your turn, it is yours and we write to you." in body
    assert "You are on the waiting list" in html


def test_confirms_nothing_to_who_waits():
    """No part of the mail to who waits can be taken for a confirmation, nor the other way round."""
    waiting = " ".join(_said(_waiting())).lower()
    confirmed = " ".join(_said(render(make_registration()))).lower()

    assert not re.search(r"confirmed|you are registered|see you", waiting)
    assert not re.search(r"waiting|are taken", confirmed)


@pytest.mark.parametrize("bait", BAIT)
@pytest.mark.parametrize("field", ["attendee_name", "event_name"])
def test_makes_no_link_for_who_waits(field, bait):
    """In the mail of the waiting list, too, what was typed is broken where it would become a link."""
    message = _waiting(**{field: bait})

    assert not LINKED.search(message.subject.removeprefix("On the waiting list: "))
    assert not LINKED.search(message.text)
    assert not [run for run in _parsed(message.html).runs if LINKED.search(run)]


def test_shows_markup_as_text_to_who_waits():
    """In the mail of the waiting list, too, markup in a name is no element, and nothing is loaded."""
    bait = """<img src=x onerror="alert('1')">&amp;"""

    message = _waiting(attendee_name=bait, event_name=bait)

    parser = _parsed(message.html)
    assert [attribute for attribute in parser.attributes if attribute[0] == "img"] == []
    assert "".join(parser.runs).count(bait) == 2
    assert not re.search(r"href=|url\(|@import|<script|<form|<a ", message.html)


def test_greets_and_explains_alike():
    """Whoever gets either mail and did not register is told the same."""
    why = "You get this message because someone, most likely you, entered this address in a registration form."

    for message in (_waiting(), render(make_registration())):
        _, text, html = _said(message)
        assert why in text
        assert why in html


# Links and answers

LINK = "https://events.example.org/manage.html#v1.k1.WyJl-_Q.L_s0w2-nTMnHFcJHXSgjrJ1RNcIMRw0azaLLfIZZrjM"
ANSWERS = [
    ("Do you come?", "Yes"),
    ("What you don't eat", "nuts & <b>milk</b>"),
    ("Remarks", "first line\nsecond line"),
    ("T-shirt", "M"),
]


@pytest.mark.parametrize("make", [make_registration, lambda: make_registration().admitted(Status.WAITLISTED)])
def test_has_the_link_once(make):
    """The text has the link on a line of its own, the HTML no other one; both warn of passing it on."""
    message = render(make(), link=LINK)

    assert message.text.splitlines().count(LINK) == 1
    assert re.findall(r'href="([^"]*)"', message.html) == [LINK]
    for body in _said(message)[1:]:
        assert "pass it on to nobody" in body
    assert LINK not in message.subject


def test_has_no_word_of_links_without_one():
    """Without a link nothing is said of one."""
    message = render(make_registration())

    assert "link" not in message.text
    assert "<a " not in message.html


def test_repeats_the_answers():
    """What was answered stands in both bodies, lines kept, markup shown as text; the subject has none of it."""
    message = render(make_registration(), answers=ANSWERS)

    text = message.text.replace("\u2060", "")
    assert "    What you don't eat: nuts & <b>milk</b>\n" in text
    assert "    Remarks: first line\n        second line\n" in text
    assert "    Do you come? Yes\n" in text
    parser = _parsed(message.html)
    assert "nuts & <b>milk</b>" in parser.runs
    assert "first line\nsecond line" in parser.runs
    assert "T-shirt" not in message.subject


def test_has_no_word_of_answers_without_any():
    """Where nothing is answered nothing is said of answers."""
    message = render(make_registration())

    assert "answers" not in message.text + message.html


@pytest.mark.parametrize("bait", BAIT)
def test_makes_no_link_of_an_answer(bait):
    """Answers and the questions' titles are broken where they would become links, beside the one link of ours."""
    message = render(make_registration(), link=LINK, answers=[(bait, bait), ("Remarks", f"x\n{bait}")])

    assert not LINKED.search(message.text.replace(LINK, ""))
    assert not [run for run in _parsed(message.html).runs if LINKED.search(run)]
