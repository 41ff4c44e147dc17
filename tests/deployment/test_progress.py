"""How a change is shown while it happens."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console
from senders import Senders

from event_registration.cli.progress import follow
from event_registration.cli.publishing import _hints
from event_registration.deployment.events import Happening

HAPPENINGS = (
    Happening(
        resource="events", kind="AWS::CloudFormation::Stack", status="CREATE_IN_PROGRESS", reason="User Initiated"
    ),
    Happening(resource="Function", kind="AWS::Lambda::Function", status="CREATE_COMPLETE"),
    Happening(resource="events", kind="AWS::CloudFormation::Stack", status="CREATE_COMPLETE"),
)


@pytest.fixture
def console(request):
    """Return a console that writes into memory, on a terminal or not."""
    return Console(file=io.StringIO(), force_terminal=request.param, width=100, soft_wrap=True)


@pytest.mark.parametrize("console", [False], indirect=True, ids=["file"])
def test_prints_a_line_an_event(console):
    """Into a file or a log every event is a line."""
    follow(console, iter(HAPPENINGS), total=1)

    assert console.file.getvalue().splitlines() == [
        "CREATE_IN_PROGRESS  events  User Initiated",
        "CREATE_COMPLETE  Function",
        "CREATE_COMPLETE  events",
    ]


@pytest.mark.parametrize("console", [True], indirect=True, ids=["terminal"])
def test_shows_a_bar_on_a_terminal(console):
    """On a terminal a bar counts the resources that are done."""
    follow(console, iter(HAPPENINGS), total=1)

    shown = console.file.getvalue()
    assert "1/1" in shown
    assert "Done" in shown


@pytest.mark.parametrize("console", [False, True], indirect=True, ids=["file", "terminal"])
def test_an_interruption_does_not_look_like_an_end(console):
    """Whoever stops watching is told that AWS goes on."""

    def happenings():
        yield HAPPENINGS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(console, happenings(), total=1)

    assert "AWS goes on without this command." in console.file.getvalue()


@pytest.mark.parametrize(
    ("identity", "hint"),
    [
        ("events@example.org", "No mail goes out yet: AWS has sent a mail to events@example.org; open the link in it."),
        ("example.org", "No mail goes out yet: publish the DNS records that doctor shows for example.org."),
        ("gone.example", "No mail goes out: SES doesn't know gone.example."),
    ],
)
def test_says_what_is_left_to_do(identity, hint):
    """Until the sender is verified the command ends with what verifies it."""
    account = Senders({"events@example.org": False, "example.org": False})
    deployment = SimpleNamespace(account=account, parameters={"Confirmation": "outbox"})

    hints = list(_hints(deployment, {"SenderIdentity": identity}))

    assert hints == [hint]


def test_says_that_mails_may_be_safer():
    """A stack whose mails are sent by who registers is told of the other way."""
    deployment = SimpleNamespace(account=Senders({"example.org": True}), parameters={"Confirmation": "inline"})

    (hint,) = _hints(deployment, {"SenderIdentity": "example.org"})

    assert "--confirmation outbox" in hint
