"""What is owed by mail: who may send when, what takes the place of what, and how a mail comes to its end."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from event_registration.mail import PENDING, Mail, MailKind, MailState
from event_registration.message import Message

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
LEASE = timedelta(minutes=2)
DAY = timedelta(days=1)
OVER = sorted(set(MailState) - PENDING)


@pytest.mark.parametrize("state", MailState, ids=str)
@pytest.mark.parametrize(
    ("due_at", "is_due"),
    [(None, True), (NOW - DAY, True), (NOW, True), (NOW + MOMENT, False)],
    ids=["at once", "long ago", "now", "later"],
)
def test_one_rule_tells_who_may_send(state, due_at, is_due):
    """Whoever claims a mail that is to go out may send it from its instant on, and nobody one that is over."""
    mail = Mail(state=state, due_at=due_at)

    assert mail.is_claimable(NOW) == (is_due and state in {"due", "claimed", "retry"})


def test_a_claim_puts_the_mail_off():
    """A claim counts an attempt, says when that began, and is over with its lease."""
    mail = Mail(number=3, kind=MailKind.PROMOTED, attempts=1, due_at=NOW - DAY, reason="SES failed.")

    claimed = mail.claimed(NOW, LEASE)

    assert claimed == evolve(mail, state=MailState.CLAIMED, attempts=2, attempted_at=NOW, due_at=NOW + LEASE)
    assert not claimed.is_claimable(NOW + LEASE - MOMENT)
    assert claimed.is_claimable(NOW + LEASE)


def test_a_failure_puts_the_mail_off():
    """What is tried again says why, and from when on."""
    claimed = Mail(due_at=NOW).claimed(NOW, LEASE)

    retried = claimed.retried(NOW + DAY, "SES failed.")

    assert retried == evolve(claimed, state=MailState.RETRY, due_at=NOW + DAY, reason="SES failed.")


@pytest.mark.parametrize(
    ("end", "state", "reason"),
    [
        (Mail.sent, MailState.SENT, None),
        (lambda mail: mail.failed("refused"), MailState.FAILED, "refused"),
        (lambda mail: mail.returned(MailState.BOUNCED, is_final=True), MailState.BOUNCED, None),
        (lambda mail: mail.returned(MailState.BOUNCED, is_final=False), MailState.BOUNCED, "temporary"),
        (lambda mail: mail.returned(MailState.COMPLAINED, is_final=True), MailState.COMPLAINED, None),
    ],
    ids=["sent", "failed", "bounced", "bounced for now", "complained"],
)
def test_what_is_over_is_due_never(end, state, reason):
    """A mail that is over has no instant, and keeps what it told and how often it was tried."""
    claimed = Mail(number=3, kind=MailKind.PROMOTED, reason="earlier").claimed(NOW, LEASE)

    over = end(claimed)

    assert over == evolve(claimed, state=state, due_at=None, reason=reason)
    assert not over.is_pending


@pytest.mark.parametrize("state", MailState, ids=str)
def test_a_newer_debt_takes_the_place_of_any(state):
    """A debt is new and unbegun, whatever becomes of the one before; only number and repeat follow from that."""
    earlier = Mail(
        state=state, number=6, attempts=9, attempted_at=NOW - DAY, due_at=NOW - DAY, reason="x", repeated_at=NOW - DAY
    )

    newer = earlier.owing(MailKind.CANCELLED, NOW)

    assert newer == Mail(kind=MailKind.CANCELLED, number=7, due_at=NOW, repeated_at=NOW - DAY)


def test_a_newer_debt_waits_for_who_is_sending():
    """Two mails to one person are never under way together, however many debts meet one claim."""
    claimed = Mail(due_at=NOW).claimed(NOW, LEASE)

    second = claimed.owing(MailKind.CANCELLED, NOW)
    third = second.owing(MailKind.CONFIRMED, NOW + MOMENT)

    assert (second.state, second.number, second.due_at) == (MailState.DUE, 2, NOW + LEASE)
    assert (third.state, third.number, third.due_at) == (MailState.DUE, 3, NOW + LEASE)
    assert claimed.owing(MailKind.CANCELLED, NOW + 2 * LEASE).due_at == NOW + 2 * LEASE


def test_a_newer_debt_does_not_wait_for_another_try():
    """What an earlier mail waits for because the service failed keeps no newer one waiting."""
    retried = Mail(due_at=NOW).claimed(NOW, LEASE).retried(NOW + DAY, "SES failed.")

    assert retried.owing(MailKind.CANCELLED, NOW).due_at == NOW


@pytest.mark.parametrize(
    ("due_at", "earlier", "expected"),
    [
        (None, None, None),
        (NOW, None, NOW),
        (None, NOW, NOW),
        (NOW, NOW + LEASE, NOW + LEASE),
        (NOW + LEASE, NOW, NOW + LEASE),
    ],
)
def test_the_later_instant_counts(due_at, earlier, expected):
    """A debt that follows another is due when both would be."""
    assert Mail(due_at=due_at).following(Mail(due_at=earlier)).due_at == expected


def test_a_claim_may_follow_a_debt():
    """Who comes back and is mailed at once has claimed the new debt already, and it stays claimed."""
    earlier = Mail(number=4, due_at=NOW)
    claimed = Mail(due_at=NOW).claimed(NOW, LEASE)

    assert claimed.following(earlier) == evolve(claimed, number=5)


@pytest.mark.parametrize(
    ("mail", "is_told"),
    [
        *((Mail(state=state, due_at=None), state is MailState.SENT) for state in OVER),
        *((Mail(state=state, due_at=NOW), False) for state in sorted(PENDING)),
        (Mail(state=MailState.SENT, repeated_at=NOW - DAY), True),
        (Mail(state=MailState.SENT, repeated_at=NOW - DAY + MOMENT), False),
    ],
    ids=lambda value: value.state.value if isinstance(value, Mail) else "",
)
def test_an_attempt_to_register_again_is_told_once_a_day(mail, is_told):
    """Somebody's attempt is told in the place of no mail that is owed or has failed, and once in a day."""
    assert mail.owes_repeat(NOW) == is_told


def test_remembers_when_an_attempt_was_told():
    """The day begins when the attempt was owed, and newer debts don't begin it anew."""
    sent = Mail().sent()

    repeated = sent.owing(MailKind.REPEATED, NOW)
    later = repeated.owing(MailKind.CANCELLED, NOW + DAY / 2).claimed(NOW + DAY / 2, LEASE).sent()

    assert repeated.repeated_at == later.repeated_at == NOW
    assert not later.owes_repeat(NOW + DAY - MOMENT)
    assert later.owes_repeat(NOW + DAY)


def _message(**changes):
    return Message(**{"to": "ada@example.org", "subject": "s", "text": "t", "html": "<p>h</p>"} | changes)


def test_a_message_may_have_headers_of_its_own():
    """As many as SES takes, each as long as SES takes."""
    headers = {f"X-{number}": "y" * 870 for number in range(14)} | {"X" * 126: "a  b"}

    assert _message(headers=headers, reply_to="orga@example.org").headers == headers


@pytest.mark.parametrize(
    "header",
    [
        ("", "x"),
        ("X:Y", "x"),
        ("X Y", "x"),
        ("X\n", "x"),
        ("X\u00e9", "x"),
        ("X" * 127, "x"),
        ("X", ""),
        ("X", "x" * 871),
        ("X", "caf\u00e9"),
        ("X", "x\r\nBcc: eve@example.org"),
        ("X", "x\n y"),
        ("X", "x\ty"),
        ("X", "x\x00"),
        ("X", "x\x7f"),
        ("X", " x"),
        ("X", "x "),
        ("X", " "),
        ("X", "=?utf-8?q?=0ABcc=3A_eve=40example.org?="),
        *((name, "x") for name in ["From", "to", "CC", "Bcc", "Subject", "Date", "Message-ID", "Reply-To", "Sender"]),
        *((name, "x") for name in ["Return-Path", "MIME-Version", "Content-Type", "content-transfer-encoding"]),
    ],
    ids=ascii,
)
def test_no_message_has_another_head(header):
    """What would break off a header, add one, or be there a second time is refused, whichever library writes it."""
    with pytest.raises(ValueError, match="a header is none"):
        _message(headers=dict([header]))


@pytest.mark.parametrize("headers", [{"X-A": "1", "x-a": "2"}, {f"X-{number}": "x" for number in range(16)}])
def test_each_header_is_there_once(headers):
    """Two of one name are refused, and so are more than SES takes."""
    with pytest.raises(ValueError, match="two headers have one name, or there are too many"):
        _message(headers=headers)


@pytest.mark.parametrize(
    "reply_to", ["", "orga", "Orga <orga@example.org>", "a@b.example, c@d.example", "a@b.example\n"]
)
def test_answers_go_to_one_address(reply_to):
    """What is no bare address, or more than one, is refused."""
    with pytest.raises(ValueError, match="answers go to what is no address"):
        _message(reply_to=reply_to)
