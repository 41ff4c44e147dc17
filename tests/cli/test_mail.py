"""`event-registration mail`."""

import email
import email.policy
import itertools
import json
import os
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import boto3
import pytest
from attrs import evolve
from click.shell_completion import BashComplete
from mailing import attachments_of
from moto import mock_aws

from event_registration.aws import DynamoDBEventRepository
from event_registration.cli import main
from event_registration.local import SQLiteOutbox
from event_registration.mail import Mail, MailKind, MailState
from event_registration.samples import SAMPLE_SENDER
from event_registration.testing import make_event, make_registration

NOW = datetime.now(UTC)
REFUSED = "SES refused the message (MessageRejected)."
LATE = "SES did not answer (ReadTimeoutError)."
FAILED = Mail(due_at=NOW).claimed(NOW, timedelta(minutes=2)).failed(REFUSED)


@pytest.fixture
def owe(repository):
    """Return a function that registers people by their names a minute apart, each of whom owes a mail."""

    def owe(**mails):
        for minute, (name, mail) in enumerate(mails.items()):
            registration = make_registration(
                event_id="devconf-2099",
                event_name="DevConf 2099",
                attendee_name=name.capitalize(),
                attendee_email=f"{name}@example.org",
                registered_at=datetime(2026, 3, 1, 12, minute, tzinfo=UTC),
            )
            stored = repository.admit(registration, repository.find_event("devconf-2099"))
            assert repository.replace(stored, evolve(stored, mail=mail))

    return owe


@pytest.fixture
def mail(run, data):
    """Return a function that runs a command about the mails of the event in the data folder."""

    def mail(command, *arguments, stdin=None):
        return run("mail", command, "devconf-2099", *arguments, "--data", data, stdin=stdin)

    return mail


@pytest.fixture
def owed(repository):
    """Return a function that looks up what somebody owes."""
    return lambda name: repository.find("devconf-2099", f"{name}@example.org").mail


class TestStatus:
    """How the mails of an event stand."""

    def test_people_see_how_many_there_are_of_each(self, mail, owe, data):
        """A line a state, why mails failed or wait, which is the oldest, and what can be done."""
        owe(
            ada=Mail(state=MailState.SENT),
            bob=Mail(due_at=NOW - timedelta(hours=2)),
            cyd=FAILED,
            dan=evolve(FAILED, reason="budget"),
            eve=evolve(FAILED, reason="bounced"),
            fay=Mail(attempts=2).retried(NOW + timedelta(hours=1), LATE),
        )

        lines = mail("status").stdout.splitlines()

        again = f"event-registration mail retry devconf-2099 --data {data}"
        assert lines == [
            "mails  state",
            "1      due",
            "0      claimed",
            "1      retry",
            "1      sent",
            "3      failed",
            "0      bounced",
            "0      complained",
            "",
            "mails  state   why",
            f"1      failed  {REFUSED}",
            "1      failed  bounced: a mail to the address came back before",
            "1      failed  budget: the address got as many mails that day as one may",
            f"1      retry   {LATE}",
            "",
            "The oldest that is still to go out: confirmed, to bob@example.org, due, since 2026-03-01 13:01 CET.",
            "",
            f"1 mail has been due for an hour or more. They are sent by: event-registration serve --data {data}",
            "",
            f"To have 3 mails sent that failed, or wait for another try: {again}",
        ]

    @pytest.mark.parametrize(("attempts", "tried"), [(1, "tried once"), (5, "tried 5 times")])
    def test_the_oldest_says_how_often_it_was_tried(self, mail, owe, attempts, tried):
        """What waits for another try has had some."""
        owe(ada=Mail(attempts=attempts).retried(NOW + timedelta(hours=1), LATE))

        assert f"to ada@example.org, retry, {tried}, since 2026-03-01 13:00 CET." in mail("status").stdout

    def test_where_all_is_well_nothing_else_is_said(self, mail, owe):
        """Mails that have gone out need no advice."""
        owe(ada=Mail(state=MailState.SENT))

        assert mail("status").stdout.splitlines()[-1] == "0      complained"

    def test_several_that_are_overdue_are_many(self, mail, owe):
        """The sentence agrees with the number."""
        owe(**{name: Mail(due_at=NOW - timedelta(hours=2)) for name in ("ada", "bob")})

        assert "2 mails have been due for an hour or more." in mail("status").stdout

    def test_programs_get_one_object(self, mail, owe):
        """Every state is there, why mails failed or wait, and the record of who has waited the longest."""
        owe(ada=FAILED, bob=Mail(due_at=NOW))

        status = json.loads(mail("status", "--json").stdout)

        oldest = status.pop("oldest")
        assert status == {
            "eventid": "devconf-2099",
            "due": 1,
            "claimed": 0,
            "retry": 0,
            "sent": 0,
            "failed": 1,
            "bounced": 0,
            "complained": 0,
            "reasons": {"failed": {REFUSED: 1}, "retry": {}},
            "again": 1,
            "overdue": 0,
        }
        assert (oldest["cemail"], oldest["since"]) == ("bob@example.org", "2026-03-01T12:01:00.000000Z")

    def test_nobody_has_waited_where_nobody_waits(self, mail):
        """Of an event without registrations the oldest is null."""
        assert json.loads(mail("status", "--json").stdout)["oldest"] is None

    def test_an_unknown_event_is_told(self, run, data):
        """A mistyped id isn't an event without trouble; it is said where to look."""
        result = run("mail", "status", "devconf-2098", "--data", data)

        assert (result.exit_code, result.stdout) == (1, "")
        assert f"There is no such event. Look at: event-registration events list --data {data}" in result.stderr

    def test_a_terminal_sees_how_far_it_is(self, mail, owe, monkeypatch):
        """Reading a long list shows a bar, which is not in the output."""
        owe(ada=FAILED)
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setattr("event_registration.cli.progress._STEP", 1)

        result = mail("status", "--json")

        assert "1/?" in result.stderr
        assert json.loads(result.stdout)["failed"] == 1


class TestRetry:
    """Having mails sent again."""

    def test_it_is_asked_before(self, mail, owe, owed):
        """Without a yes nothing is due, and the command ends with status 1."""
        owe(ada=FAILED, bob=FAILED)

        result = mail("retry", stdin="n\n")

        assert result.exit_code == 1
        assert "Have 2 mails sent again?" in result.stderr
        assert (owed("ada"), owed("bob")) == (FAILED, FAILED)

    def test_what_failed_is_due(self, mail, owe, owed):
        """With a yes it is, and it is said who sends it."""
        owe(ada=FAILED, bob=Mail(state=MailState.SENT))

        result = mail("retry", stdin="y\n")

        assert result.stdout == "1 mail is due now. The server sends within seconds, as soon as it runs.\n"
        assert (owed("ada").state, owed("ada").number, owed("bob").state) == (MailState.DUE, 2, MailState.SENT)

    def test_what_is_left_alone_is_told(self, run, mail, data, owe):
        """Whom nothing is sent to any more, and what would not be true any more, is counted."""
        owe(ada=FAILED, bob=FAILED, cyd=Mail(state=MailState.COMPLAINED))
        run("events", "cancel", "devconf-2099", "--yes", "--data", data)
        owe_nothing = mail("retry").stdout

        assert owe_nothing.splitlines() == [
            "There is no mail to be sent again.",
            "1 mail came back or drew a complaint: nothing more is sent to these addresses.",
            "2 mails would not be true any more: the event was called off.",
        ]

    def test_programs_are_not_asked(self, mail, owe):
        """With --yes it is done at once, and the three numbers are printed."""
        owe(ada=FAILED, bob=FAILED, cyd=Mail(state=MailState.BOUNCED))

        result = mail("retry", "--yes", "--json")

        assert json.loads(result.stdout) == {"due": 2, "blocked": 1, "untrue": 0}

    def test_once_more_does_nothing(self, mail, owe):
        """What is due already is not due anew, and needs no yes."""
        owe(ada=FAILED)
        mail("retry", "--yes")

        result = mail("retry", stdin="")

        assert (result.exit_code, result.stdout) == (0, "There is no mail to be sent again.\n")

    def test_one_persons_needs_no_yes(self, mail, owe, owed):
        """Naming who is meant is enough; the others' stay as they are."""
        owe(ada=FAILED, bob=FAILED)

        result = mail("retry", " ADA@Example.org", stdin="")

        assert result.stdout.startswith("1 mail is due now.")
        assert (owed("ada").state, owed("bob")) == (MailState.DUE, FAILED)

    def test_who_is_blocked_is_told_with_a_way_out(self, mail, owe, owed, data):
        """Whose mail came back gets none until somebody says so; the command for it is printed."""
        owe(ada=Mail(state=MailState.BOUNCED))

        result = mail("retry", "ada@example.org")

        assert (result.exit_code, result.stdout) == (1, "")
        assert f"event-registration mail retry devconf-2099 ada@example.org --unblock --data {data}" in result.stderr
        assert owed("ada").state is MailState.BOUNCED

    def test_unblocking_is_asked_before(self, mail, owe, owed):
        """Somebody may have complained: without a yes the address stays blocked."""
        owe(ada=Mail(state=MailState.COMPLAINED))

        result = mail("retry", "ada@example.org", "--unblock", stdin="n\n")

        assert result.exit_code == 1
        assert "Send mails to ada@example.org again, whatever came back?" in result.stderr
        assert owed("ada").state is MailState.COMPLAINED

    @pytest.mark.parametrize(("options", "stdin"), [([], "y\n"), (["--yes"], "")], ids=["asked", "--yes"])
    def test_who_is_unblocked_gets_mail(self, mail, owe, repository, options, stdin):
        """The address is forgotten to have been blocked, and its mail is due."""
        owe(ada=Mail(state=MailState.BOUNCED))
        outbox, digest = SQLiteOutbox(repository), repository.digest_of("ada@example.org")
        outbox.block(digest, MailState.BOUNCED)

        mail("retry", "ada@example.org", "--unblock", *options, stdin=stdin)

        assert outbox.find_by_digest("devconf-2099", digest).mail.state is MailState.DUE
        assert outbox.spend(digest, "devconf-2099#2", NOW, limit=1) is None

    def test_nobody_is_unblocked_without_a_name(self, mail):
        """A whole event is not unblocked: that is wrong usage."""
        result = mail("retry", "--unblock")

        assert result.exit_code == 2
        assert "Say whose ADDRESS is to get mails again." in result.stderr

    def test_what_is_no_address_is_wrong_usage(self, mail):
        """Nobody is looked for under a name."""
        result = mail("retry", "Ada")

        assert result.exit_code == 2
        assert "Enter one address in the form name@example.org." in result.stderr

    def test_a_stranger_is_told(self, mail):
        """Who isn't registered has no mail."""
        result = mail("retry", "eve@example.org")

        assert (result.exit_code, result.stderr) == (1, "Error: Nobody of this address is registered for the event.\n")


class TestPreview:
    """Looking at a mail."""

    @pytest.mark.parametrize("kind", [kind.value for kind in MailKind])
    def test_every_kind_is_printed(self, mail, kind):
        """Subject and text are those that people get about the event, to somebody who isn't anybody."""
        text = mail("preview", "--kind", kind).stdout

        assert text.startswith("To: sample.person@sample.invalid\nSubject: ")
        assert "DevConf 2099" in text
        assert ("https://sample.invalid/manage.html#" in text) is (kind != "cancelled")

    def test_without_a_kind_it_is_the_first_mail(self, mail):
        """Whoever names none sees the confirmation."""
        assert "Subject: Registration confirmed: DevConf 2099" in mail("preview").stdout

    @pytest.mark.parametrize(
        ("name", "begins"), [("mail.html", "<!DOCTYPE html>"), ("mail.HTML", "<!DOCTYPE html>"), ("mail.txt", "To: ")]
    )
    def test_a_file_is_written_as_its_name_says(self, mail, tmp_path, name, begins):
        """A browser or an editor opens it; one of that name is replaced."""
        (tmp_path / name).write_text("yesterday's")

        result = mail("preview", "--output", tmp_path / name)

        assert result.stdout == f"{tmp_path / name} has the mail.\n"
        assert (tmp_path / name).read_text().startswith(begins)

    def test_a_mail_program_opens_it(self, mail, tmp_path):
        """A name in .eml is a whole mail, from a sender that nobody is, with both bodies."""
        mail("preview", "--output", tmp_path / "mail.eml")

        opened = email.message_from_bytes((tmp_path / "mail.eml").read_bytes(), policy=email.policy.default)
        assert (opened["From"], opened["To"]) == (SAMPLE_SENDER, "sample.person@sample.invalid")
        assert opened["Subject"] == "Registration confirmed: DevConf 2099"
        assert opened.get_body(["plain"]).get_content().startswith("Hello")
        assert opened.get_body(["html"]).get_content().startswith("<!DOCTYPE html>")
        (entry,) = attachments_of(opened)
        assert (entry.name, entry.media_type) == ("event.ics", "text/calendar; method=REQUEST; charset=utf-8")
        assert b"\r\nSUMMARY:DevConf 2099\r\n" in entry.content

    @pytest.mark.parametrize("name", ["mail.pdf", "mail"])
    def test_another_kind_of_file_is_wrong_usage(self, mail, tmp_path, name):
        """What a file is to be must be seen by its name."""
        result = mail("preview", "--output", tmp_path / name)

        assert result.exit_code == 2
        assert "its name must end in" in result.stderr
        assert not (tmp_path / name).exists()

    def test_a_file_that_can_not_be_written_is_told(self, mail, tmp_path):
        """A folder that isn't there is told with what to do."""
        result = mail("preview", "--output", tmp_path / "nowhere" / "mail.html")

        assert result.exit_code == 1
        assert "No such file or directory. Name another file with --output." in result.stderr

    def test_what_nobody_gets_is_refused(self, run, mail, data):
        """Of an event that was called off only the mails that are still sent are shown."""
        run("events", "cancel", "devconf-2099", "--yes", "--data", data)

        result = mail("preview")

        assert result.stderr == "Error: The event was called off: nobody gets such a mail any more.\n"
        assert mail("preview", "--kind", "called-off").exit_code == 0

    def test_the_kinds_are_offered(self):
        """A shell completes what can be looked at."""
        completion = BashComplete(main, {}, "event-registration", "_EVENT_REGISTRATION_COMPLETE")

        offered = completion.get_completions(["mail", "preview", "--kind"], "c")

        assert [each.value for each in offered] == ["confirmed", "cancelled", "called-off"]

    def test_the_events_are_offered(self, data):
        """Once the folder is named its events are known."""
        completion = BashComplete(main, {}, "event-registration", "_EVENT_REGISTRATION_COMPLETE")

        offered = completion.get_completions(["mail", "status", "--data", str(data)], "")

        assert [each.value for each in offered] == ["devconf-2099"]


def _fill(client, table):
    """Set up an event in a table, and register two people: one's mail has failed, the other's was due hours ago."""
    repository = DynamoDBEventRepository(client, table)
    repository.create_event(make_event(event_id="devconf-2099", event_name="DevConf 2099"))
    listing = repository.find_event("devconf-2099")
    for name, mail in {"ada": FAILED, "bob": Mail(due_at=NOW - timedelta(hours=2))}.items():
        registration = make_registration(event_id="devconf-2099", attendee_email=f"{name}@example.org")
        stored = repository.admit(registration, listing)
        repository.replace(stored, evolve(stored, mail=mail))
    return repository


class TestTable:
    """Mails of a table on AWS, of which nothing else is known."""

    @pytest.fixture
    def table(self, aws_credentials, make_table, monkeypatch):
        """Return a table's name, and what it keeps."""
        for name, value in aws_credentials.items():
            monkeypatch.setenv(name.upper().replace("REGION_NAME", "AWS_DEFAULT_REGION"), value)
        with mock_aws():
            client = boto3.client("dynamodb", **aws_credentials)
            table = make_table(client)
            yield table, _fill(client, table)
            client.close()

    def test_mails_are_due_again(self, run, table):
        """What failed is due, and both are told: that a function sends it, or who registers again."""
        name, repository = table

        result = run("mail", "retry", "devconf-2099", "--yes", "--table", name)

        owed = repository.find("devconf-2099", "ada@example.org").mail
        assert (owed.state, owed.number) == (MailState.DUE, 2)
        assert result.stdout.startswith("1 mail is due now. The function sends within a minute. Nobody sends these by")

    def test_the_function_may_be_in_trouble(self, run, table):
        """Without the stack's name there is no doctor to send people to."""
        status = run("mail", "status", "devconf-2099", "--table", table[0]).stdout

        assert "or the function that sends is in trouble.\n" in status


class TestStack:
    """Mails of a stack, which tells whether anything sends what is due."""

    @pytest.fixture
    def deploy(self, emulator, make_table):
        """Return a function that makes a stack with a table and, perhaps, a schedule, and returns its name."""
        numbers = itertools.count()
        with patch.dict(os.environ, emulator.environ(), clear=True):
            dynamodb, cloudformation = emulator.client("dynamodb"), emulator.client("cloudformation")
            table = make_table(dynamodb)
            _fill(dynamodb, table)

            def deploy(**outputs):
                name = f"mail-{next(numbers)}"
                template = {
                    "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
                    "Outputs": {key: {"Value": value} for key, value in {"TableName": table, **outputs}.items()},
                }
                cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
                cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
                names.append(name)
                return name

            names = []
            yield deploy
            for name in names:
                cloudformation.delete_stack(StackName=name)
            dynamodb.delete_table(TableName=table)

    def test_where_a_function_sweeps_that_is_said(self, run, deploy):
        """A stack that has a schedule sends within a minute; trouble is the doctor's."""
        stack = deploy(Schedule="rule")

        status = run("mail", "status", "devconf-2099", "--stack", stack).stdout
        retried = run("mail", "retry", "devconf-2099", "--yes", "--stack", stack).stdout

        assert f"is in trouble. Look at: event-registration doctor --stack {stack}" in status
        assert retried == "1 mail is due now. The function sends within a minute.\n"

    def test_whose_address_is_unblocked_may_be_on_ses_s_own_list(self, run, deploy):
        """SES blocks addresses, too: the command says how one is taken off its list."""
        stack = deploy(Schedule="rule")

        result = run("mail", "retry", "devconf-2099", "ada@example.org", "--unblock", "--yes", "--stack", stack)

        assert "aws sesv2 delete-suppressed-destination --email-address ada@example.org\n" in result.stderr

    def test_where_nobody_sweeps_that_is_said(self, run, deploy):
        """Of a stack that takes any event and sends inline it is told how mails go out, and how all would."""
        stack = deploy()

        status = run("mail", "status", "devconf-2099", "--stack", stack).stdout
        retried = run("mail", "retry", "devconf-2099", "--yes", "--stack", stack).stdout

        for told in (status, retried):
            assert "each goes out when its person registers again with the same details." in told
            assert f"event-registration deploy --stack {stack} --confirmation outbox" in told
