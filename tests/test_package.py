"""What is installed is whole: commands, schemas, site and types."""

import json
import re
import subprocess
import sys
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

import pytest
from serving import unmeasured

import event_registration


def test_ships_its_types():
    """Type checkers find the package typed."""
    assert files("event_registration").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", ["card.v1", "event.v1", "problem.v1", "registration.v1"])
def test_ships_its_schemas(name):
    """The published schemas are read from the installed package."""
    schema = json.loads(files("event_registration").joinpath("schemas", f"{name}.schema.json").read_text())

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_exports_what_it_names():
    """The façade's names are sorted, there, and all there is."""
    names = event_registration.__all__

    assert names == sorted(names)
    assert all(hasattr(event_registration, name) for name in names)


def test_loads_adapters_when_asked():
    """An adapter that isn't there is no attribute."""
    from event_registration import aws

    assert {name: getattr(aws, name).__name__ for name in aws.__all__} == {name: name for name in aws.__all__}
    with pytest.raises(AttributeError, match="Azure"):
        _ = aws.AzureRepository


def test_has_one_version():
    """The changelog's newest release is the distribution's version."""
    changelog = (Path(__file__).parent.parent / "CHANGELOG.md").read_text()

    assert re.search(r"^## \[(\d\S+)\]", changelog, re.MULTILINE)[1] == distribution("event-registration").version


@pytest.mark.parametrize("command", [["event-registration"], ["-m", "event_registration"]], ids=["script", "module"])
def test_has_a_command(command):
    """The command is on the path and explains itself."""
    program = [sys.executable] if command[0] == "-m" else []
    if not program:
        command = [str(Path(sys.executable).with_name(command[0]))]

    answer = subprocess.run([*program, *command, "--help"], capture_output=True, text=True, check=True)

    assert "Usage: event-registration" in answer.stdout
    assert "serve" in answer.stdout


def test_starts_quickly():
    """The command's help loads neither boto3 nor a server."""
    code = "import sys; from event_registration.cli import main; main(['--help'], standalone_mode=False); "
    code += "print(*{name.split('.')[0] for name in sys.modules})"

    # Coverage measures subprocesses by loading itself, and SQLite, into them.
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured())

    loaded = set(answer.stdout.splitlines()[-1].split())
    assert "click" in loaded
    assert not loaded & {"boto3", "botocore", "jsonschema", "sqlite3", "waitress", "werkzeug"}
