"""Where events are kept: a folder, a table, a stack."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import click
import pytest
from serving import unmeasured

from event_registration.aws import DynamoDBEventRepository
from event_registration.cli.store import Store
from event_registration.errors import RepositoryUnavailableError, UnknownRegistrationError
from event_registration.testing import make_registration

_numbers = itertools.count()


@pytest.fixture
def aws(emulator):
    """Let every AWS client of this process reach the emulator and nothing else."""
    with patch.dict(os.environ, emulator.environ(), clear=True):
        yield emulator


@pytest.fixture
def table(aws, make_table):
    """Return the name of an empty table."""
    client = aws.client("dynamodb")
    name = make_table(client)
    yield name
    client.delete_table(TableName=name)


@pytest.fixture
def events():
    """Return what the stack takes registrations for, ``None`` if it is of a version that took any."""
    return "managed"


@pytest.fixture
def stack(aws, make_table, events):
    """Return the name of a stack whose output names an empty table."""
    dynamodb, cloudformation = aws.client("dynamodb"), aws.client("cloudformation")
    table, name = make_table(dynamodb), f"store-{next(_numbers)}"
    template = {
        "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
        "Outputs": {"TableName": {"Value": table}} | ({"Events": {"Value": events}} if events else {}),
    }
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    yield name
    cloudformation.delete_stack(StackName=name)
    dynamodb.delete_table(TableName=table)


class TestChoice:
    """Which store is meant."""

    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["--data", "demo", "--table", "eventmanagement"],
            ["--data", "demo", "--stack", "events"],
            ["--table", "eventmanagement", "--stack", "events"],
            ["--data", "demo", "--table", "eventmanagement", "--stack", "events"],
            ["--region", "eu-west-1"],
        ],
        ids=" ".join,
    )
    @pytest.mark.parametrize(
        "command",
        [
            ["events", "list"],
            ["events", "create"],
            ["registrations", "list", "devconf-2099"],
            ["mail", "status", "devconf-2099"],
        ],
        ids=lambda command: " ".join(command[:2]),
    )
    def test_one_must_be_named(self, run, command, options):
        """Neither no store nor several are wrong usage, which says what to do."""
        result = run(*command, *options)

        assert result.exit_code == 2
        assert "in one way: --data DIR for serve's, --stack NAME or --table NAME for AWS." in result.stderr

    @pytest.mark.parametrize("option", ["--region", "--profile"])
    def test_a_folder_is_on_this_machine(self, run, data, option):
        """What belongs to AWS beside a folder is wrong usage."""
        result = run("events", "list", "--data", data, option, "somewhere")

        assert result.exit_code == 2
        assert "--data is a folder on this machine" in result.stderr

    @pytest.mark.parametrize(
        ("store", "options"),
        [
            (Store(data="my demo"), "--data 'my demo'"),
            (Store(table="events", region="eu-west-1"), "--table events --region eu-west-1"),
            (Store(stack="events", profile="work"), "--stack events --profile work"),
        ],
        ids=str,
    )
    def test_a_printed_command_works_on_the_same(self, store, options):
        """The options are told again so that a shell reads them alike."""
        assert store.options == options


def test_a_server_sends_what_is_due():
    """Of a folder it is known that its server sends; of a table alone nothing is."""
    assert Store(data=Path("demo")).is_swept() is True
    assert Store(table="eventmanagement").is_swept() is None


class TestFolder:
    """A folder that serve keeps."""

    def test_the_first_event_makes_it(self, run, tmp_path, devconf):
        """Folder and file are made by `events create`, and are nobody else's; the process goes on as before."""
        data = tmp_path / "events" / "demo"
        umask = os.umask(0o022)

        try:
            result = run("events", "create", "-", "--data", data, stdin=json.dumps(devconf))
            after = os.umask(0o022)
        finally:
            os.umask(umask)

        assert result.exit_code == 0
        assert after == 0o022
        assert [file.name for file in data.iterdir()] == ["registrations.db"]
        assert [path for path in (data.parent, data, *data.iterdir()) if path.stat().st_mode & 0o077] == []

    @pytest.mark.parametrize(
        "command",
        [
            ["events", "list"],
            ["events", "show", "devconf-2099"],
            ["events", "update", "devconf-2099", "--venue", "Hall 1"],
            ["events", "cancel", "devconf-2099", "--yes"],
            ["registrations", "list", "devconf-2099"],
            ["registrations", "show", "devconf-2099", "ada@example.org"],
            ["registrations", "cancel", "devconf-2099", "ada@example.org", "--yes"],
            ["mail", "status", "devconf-2099"],
            ["mail", "retry", "devconf-2099", "--yes"],
            ["mail", "preview", "devconf-2099"],
        ],
        ids=lambda command: " ".join(command[:2]),
    )
    @pytest.mark.parametrize("is_there", [False, True], ids=["no folder", "empty folder"])
    def test_no_other_command_makes_it(self, run, tmp_path, command, is_there):
        """In a folder that serve never kept there is nothing, and it stays so; the refusal says how to begin."""
        data = tmp_path / "demo"
        if is_there:
            data.mkdir()

        result = run(*command, "--data", data)

        assert result.exit_code == 1
        assert f"There is nothing in {data} yet." in result.stderr
        assert f"event-registration events create event.json --data {data}" in result.stderr
        assert list(tmp_path.rglob("*")) == [data] * is_there

    def test_a_folder_that_can_not_be_made_is_told(self, run, tmp_path, devconf):
        """A file in the folder's way is named."""
        (tmp_path / "file").touch()

        result = run("events", "create", "-", "--data", tmp_path / "file" / "demo", stdin=json.dumps(devconf))

        assert result.exit_code == 1
        assert "Not a directory. Choose another folder with --data." in result.stderr

    def test_a_file_of_another_program_is_told(self, run, tmp_path):
        """What isn't ours is left alone, and that is said in a sentence."""
        (tmp_path / "registrations.db").write_text("a diary" * 1000)

        result = run("events", "list", "--data", tmp_path)

        assert result.exit_code == 1
        assert result.stderr.startswith("Error: The file is no database, or is damaged;")

    def test_it_needs_nothing_of_aws(self, data):
        """A command on a folder loads neither AWS's library nor a server, so that it answers at once."""
        code = "import sys; from event_registration.cli import main; "
        code += f"main(['events', 'list', '--json', '--data', {str(data)!r}], standalone_mode=False); "
        code += "print(*{name.split('.')[0] for name in sys.modules})"

        answer = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured()
        )

        loaded = set(answer.stdout.splitlines()[-1].split())
        assert "sqlite3" in loaded
        assert not loaded & {"boto3", "botocore", "jsonschema", "waitress", "werkzeug", "yaml"}


class TestErrors:
    """How a failure is told."""

    @pytest.mark.parametrize(
        "error",
        [RepositoryUnavailableError("The database is busy."), UnknownRegistrationError("Nobody of this address.")],
        ids=lambda error: error.code,
    )
    def test_a_failure_is_a_sentence(self, data, error):
        """Whatever this package raises on purpose ends a command with its message."""
        with pytest.raises(click.ClickException) as told, Store(data=data).organiser():
            raise error

        assert told.value.message == str(error)


class TestAws:
    """A table and a stack on AWS."""

    def _set_up(self, run, devconf, *where):
        created = run("events", "create", "-", *where, "--json", stdin=json.dumps(devconf))
        assert created.exit_code == 0, created.output
        return json.loads(run("events", "list", *where, "--json").stdout)

    def test_a_tables_events_are_the_functions(self, run, table, aws, devconf):
        """What is set up in a table is kept where the function looks for it."""
        events = self._set_up(run, devconf, "--table", table)

        key = {"eventid": {"S": "devconf-2099"}, "sk": {"S": "EVENT"}}
        assert [event["eventid"] for event in events] == ["devconf-2099"]
        assert aws.client("dynamodb").get_item(TableName=table, Key=key)["Item"]["eventname"]["S"] == "DevConf 2099"

    def test_everything_works_on_a_table(self, run, table, aws, devconf):
        """Who waits is promoted by a change and by a cancellation, as on a laptop."""
        self._set_up(run, devconf | {"capacity": 1, "waitlist": True}, "--table", table)
        repository = DynamoDBEventRepository(aws.client("dynamodb"), table)
        for name in ("ada", "bob", "cyd"):
            registration = make_registration(
                event_id="devconf-2099", attendee_name=name, attendee_email=f"{name}@example.org"
            )
            repository.admit(registration, repository.find_event("devconf-2099"))

        changed = run("events", "update", "devconf-2099", "--table", table, "--capacity", "2", "--json")
        cancelled = run(
            *("registrations", "cancel", "devconf-2099", "ada@example.org", "--yes", "--table", table, "--json")
        )
        called_off = run("events", "cancel", "devconf-2099", "--yes", "--table", table, "--json")

        assert json.loads(changed.stdout)["confirmed"] == 2
        assert json.loads(cancelled.stdout)["promoted"] == 1
        assert json.loads(called_off.stdout)["state"] == "cancelled"
        listed = json.loads(run("registrations", "list", "devconf-2099", "--table", table, "--json").stdout)
        assert {each["cname"]: each["status"] for each in listed} == {
            "ada": "cancelled",
            "bob": "confirmed",
            "cyd": "confirmed",
        }

    def test_a_stack_tells_its_table(self, run, stack, devconf):
        """The table of a stack is found in its outputs."""
        events = self._set_up(run, devconf, "--stack", stack, "--region", "eu-west-1")

        assert [event["eventid"] for event in events] == ["devconf-2099"]

    @pytest.mark.parametrize("events", ["open", None])
    def test_a_stack_that_takes_any_event_gets_none(self, run, stack, devconf):
        """What doesn't look at events would oversell a limited one; all but setting one up is possible there."""
        where = ["--stack", stack, "--region", "eu-west-1"]

        result = run("events", "create", "-", *where, stdin=json.dumps(devconf))

        assert result.exit_code == 1
        assert f"Stack '{stack}' takes any event that a registration names" in result.stderr
        assert f"event-registration deploy --stack {stack} --region eu-west-1 --events managed\n" in result.stderr
        assert json.loads(run("events", "list", *where, "--json").stdout) == []

    @pytest.mark.usefixtures("aws")
    def test_a_table_that_is_not_there_is_told(self, run):
        """A mistyped table is refused with its name."""
        result = run("events", "list", "--table", "nowhere")

        assert result.exit_code == 1
        assert "table 'nowhere' (ResourceNotFoundException)" in result.stderr

    @pytest.mark.usefixtures("aws")
    def test_a_stack_that_is_not_there_is_told(self, run):
        """A mistyped stack is refused with its name."""
        result = run("events", "list", "--stack", "nowhere")

        assert result.exit_code == 1
        assert "There is no stack 'nowhere'" in result.stderr

    @pytest.mark.usefixtures("aws")
    def test_missing_credentials_are_told_with_a_remedy(self, run, monkeypatch):
        """Whoever has no credentials is told what to run."""
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")

        result = run("events", "list", "--table", "eventmanagement")

        assert result.exit_code == 1
        assert "No AWS credentials were found. Run: aws configure" in result.stderr

    @pytest.mark.usefixtures("aws")
    def test_a_missing_region_is_told_with_a_remedy(self, run, monkeypatch):
        """Whoever names no region is told how."""
        monkeypatch.delenv("AWS_DEFAULT_REGION")

        result = run("events", "list", "--table", "eventmanagement")

        assert result.exit_code == 1
        assert "Name one with --region" in result.stderr
