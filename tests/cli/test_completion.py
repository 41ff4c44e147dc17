"""What a shell is offered, and what the command loads to say what it can do."""

import os
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete
from serving import unmeasured

from event_registration.cli import main
from event_registration.local import SQLiteRepository


def _offered(*words, incomplete=""):
    completion = BashComplete(main, {}, "event-registration", "_EVENT_REGISTRATION_COMPLETE")
    return [each.value for each in completion.get_completions([str(word) for word in words], incomplete)]


class TestCompletion:
    """Completion in the shell."""

    @pytest.mark.parametrize(("shell", "sign"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --")])
    def test_a_shell_gets_its_script(self, run, shell, sign):
        """The script is the shell's own, and asks this command in the way that it answers."""
        script = run("completion", shell).stdout

        assert sign in script
        assert f"_EVENT_REGISTRATION_COMPLETE={shell}_complete" in script

    def test_the_script_is_answered(self):
        """What the script of a shell asks is answered with the commands that begin so."""
        asked = {"COMP_WORDS": "event-registration ev", "COMP_CWORD": "1"}

        answer = subprocess.run(
            [sys.executable, "-m", "event_registration"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | asked | {"_EVENT_REGISTRATION_COMPLETE": "bash_complete"},
        )

        assert answer.stdout == "plain,events\n"

    def test_other_shells_are_wrong_usage(self, run):
        """For a shell that there is no script for nothing is printed."""
        result = run("completion", "csh")

        assert (result.exit_code, result.stdout) == (2, "")

    def test_the_events_of_a_folder_are_offered(self, data):
        """Once the folder is named its events are known."""
        assert _offered("events", "show", "--data", data) == ["devconf-2099"]
        assert _offered("registrations", "list", "--data", data, incomplete="dev") == ["devconf-2099"]
        assert _offered("registrations", "export", "--data", data) == ["devconf-2099"]

    def test_a_folder_at_home_is_found(self, data, monkeypatch):
        """While somebody types the shell hasn't replaced a tilde yet."""
        monkeypatch.setenv("HOME", str(data.parent))

        assert _offered("events", "show", "--data", f"~/{data.name}") == ["devconf-2099"]

    @pytest.mark.parametrize(
        "where", [[], ["--data", "nowhere"], ["--data"], ["--data", "~no-such-user-here/demo"]], ids=" ".join
    )
    def test_without_a_folder_no_event_is_offered(self, where):
        """A folder that isn't named, or isn't there, has no events."""
        assert "devconf-2099" not in _offered("events", "show", *where)

    @pytest.mark.parametrize("option", ["--table", "--stack"])
    def test_aws_is_not_asked_while_somebody_types(self, option):
        """Where events are on AWS none is offered, and AWS's library isn't even loaded."""
        code = "import sys; from event_registration.cli import main; from click.shell_completion import BashComplete; "
        code += f"words = ['events', 'show', '{option}', 'events']; "
        code += "print(BashComplete(main, {}, '', '').get_completions(words, ''), 'boto3' in sys.modules)"

        answer = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured()
        )

        assert answer.stdout == "[] False\n"

    def test_another_event_is_not_offered(self, data):
        """What has been typed must fit."""
        assert _offered("events", "show", "--data", data, incomplete="x") == []

    def test_a_file_is_not_read_while_somebody_types(self):
        """Completing what follows the file doesn't wait for standard input."""
        assert "--data" in _offered("events", "create", "-", incomplete="--da")

    def test_an_empty_database_offers_nothing(self, tmp_path):
        """A folder without events is no trouble."""
        SQLiteRepository(tmp_path / "registrations.db").close()

        assert _offered("events", "show", "--data", tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["events", "create", "--help"],
        ["registrations", "list", "--help"],
        ["registrations", "export", "--help"],
        ["mail", "preview", "--help"],
        ["completion", "zsh"],
    ],
    ids=" ".join,
)
def test_help_comes_at_once(arguments):
    """Telling what the command can do loads none of the libraries that doing it takes."""
    code = f"import sys; from event_registration.cli import main; main({arguments!r}, standalone_mode=False); "
    code += "print(*{name.split('.')[0] for name in sys.modules})"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured())

    loaded = set(answer.stdout.splitlines()[-1].split())
    assert "click" in loaded
    assert not loaded & {
        "boto3",
        "botocore",
        "jsonschema",
        "rich",
        "sqlite3",
        "waitress",
        "werkzeug",
        "yaml",
        "zoneinfo",
    }
