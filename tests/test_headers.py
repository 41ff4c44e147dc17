"""Every mail about a registration says the same of itself in its head, and nobody can add to that."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_registration.headers import headers_of
from event_registration.mail import MailKind
from event_registration.message import Message
from event_registration.testing import make_registration
from event_registration.testing.guests import NOW

SENDER = "Events <events@example.org>"
# RFC 2919, 3: perhaps a phrase, here of atoms, and the identity, a name of two parts or more.
LIST_ID = re.compile(r"(?:[A-Za-z0-9_~-]+ )*<([a-z0-9-]+(?:\.[a-z0-9-]+)+)>")

event_ids = st.text("abAB01._~-", min_size=1, max_size=128)


def _list_id(event_id, sender=SENDER):
    return headers_of(make_registration(event_id=event_id), sender)["List-Id"]


def _identity(event_id, sender=SENDER):
    return LIST_ID.fullmatch(_list_id(event_id, sender))[1]


def test_says_what_it_is_about():
    """A mail says that a program wrote it, whose registration and which event it is about."""
    registration = make_registration(event_id="devconf-2026", registration_id="0123abcd")

    assert headers_of(registration, SENDER) == {
        "Auto-Submitted": "auto-generated",
        "X-Registration-Id": "0123abcd",
        "List-Id": "devconf-2026 <devconf-2026.example.org>",
    }


@pytest.mark.parametrize("kind", MailKind)
def test_is_the_same_in_every_mail(kind):
    """What a registration's mails tell, and what the event and the person are called, changes nothing."""
    registration = make_registration()
    owing = make_registration(
        registration_id=registration.registration_id, mail=registration.mail.owing(kind, NOW), event_name="Other"
    )

    assert headers_of(owing, SENDER) == headers_of(registration, SENDER)


@pytest.mark.parametrize(
    "event_id", ["DevConf", "a.b", "a_b", "a~b", "-", "--", "a-", "-a", "a--b", "..a", "x" * 64, "X" * 128, "event--0"]
)
def test_any_event_has_a_list_id(event_id):
    """Whatever an event's id holds, its list's is a name in lower case under the sender's domain."""
    identity = _identity(event_id)

    label, _, domain = identity.partition(".")
    assert re.fullmatch("event--[0-9a-f]{32}", label)
    assert domain == "example.org"


@pytest.mark.parametrize(
    ("event_id", "phrase"), [("DevConf", "DevConf "), ("a.b_C", "a b_C "), ("..a", "a "), (".", ""), ("...", "")]
)
def test_people_can_read_it(event_id, phrase):
    """Before the list's id stands the event's own, without the dots that would have to be quoted."""
    assert _list_id(event_id).partition("<")[0] == phrase


def test_no_two_events_share_one():
    """Programs compare the ids without their case: those of two events differ in more than that."""
    ids = [
        "devconf",
        "DevConf",
        "DEVCONF",
        "devconf.",
        "dev.conf",
        "dev~conf",
        "dev-conf",
        "dev_conf",
        "x" * 63,
        "x" * 64,
    ]
    # An id that looks like what another one is made of.
    ids.append(_identity("DevConf").partition(".")[0])

    assert len({_identity(each).lower() for each in ids}) == len(ids)


@given(event_id=event_ids, other=event_ids)
def test_is_always_valid(event_id, other):
    """Any event's is one, short enough for every program, and another one's is another."""
    identity = _identity(event_id)

    assert len(identity) <= 255
    assert (_identity(other) == identity) is (other == event_id)


@pytest.mark.parametrize(
    "sender", ["events@EXAMPLE.org", "Événements <events@example.org>", '"a\r\nBcc: x" <e@example.org>']
)
def test_only_the_senders_domain_counts(sender):
    """However the sender is written, its domain is the same one, and its name is nowhere."""
    assert _identity("devconf", sender) == "devconf.example.org"


def test_a_domain_of_another_script():
    """A domain in another script is written in A-labels."""
    assert _identity("devconf", "events@münchen.example") == "devconf.xn--mnchen-3ya.example"


@pytest.mark.parametrize("sender", [None, "", "nobody", f"e@{'.'.join(['d' * 60] * 4)}.example"])
def test_without_a_domain_there_is_no_list_id(sender):
    """There is none without a sender's domain, or with one that leaves no room."""
    assert headers_of(make_registration(event_id="e" * 63), sender).keys() == {"Auto-Submitted", "X-Registration-Id"}


@pytest.mark.parametrize("sender", ["e@example.org\r\nBcc: eve@example.org", "e@exa mple.org", "e@example.org>\n<x"])
def test_a_domain_that_is_none_breaks_nothing(sender):
    """What is no address is no sender either, and comes into no header."""
    headers = headers_of(make_registration(), sender)

    assert headers == headers_of(make_registration(registration_id=headers["X-Registration-Id"]))


@pytest.mark.parametrize("registration_id", ["Tn-Ü1", " 1", "x" * 871, "a\nb", "0123\r\nBcc: eve@example.org"])
def test_an_id_of_a_team_s_own_costs_no_mail(registration_id):
    """An id that can't stand in a head is left out; the mail goes."""
    headers = headers_of(make_registration(registration_id=registration_id), SENDER)

    assert "X-Registration-Id" not in headers
    assert Message(to="ada@example.org", subject="s", text="t", html="h", headers=headers)
