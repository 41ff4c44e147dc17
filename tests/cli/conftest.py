"""Fixtures of the tests of commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import emulator as emulators
import pypi
import pytest
from attrs import evolve
from click.testing import CliRunner

from event_registration.cli import main
from event_registration.local import SQLiteEventRepository
from event_registration.testing import ManualClock, make_registration

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVCONF = {
    "eventid": "devconf-2099",
    "eventname": "DevConf 2099",
    "starts_at": "2099-05-01T09:00:00+02:00",
    "ends_at": "2099-05-01T17:00:00+02:00",
    "time_zone": "Europe/Berlin",
}


@pytest.fixture
def run():
    """Return a function that runs the command with arguments, perhaps an input and variables of the environment."""

    def run(*arguments, stdin=None, **environ):
        words = [str(argument) for argument in arguments]
        runner = CliRunner(env=environ)
        return runner.invoke(main, words, input=stdin, catch_exceptions=False, prog_name="event-registration")

    return run


@pytest.fixture
def devconf():
    """Return the document of an event that needs nothing more."""
    return dict(DEVCONF)


@pytest.fixture
def data(tmp_path, run, devconf):
    """Return a data folder with one event of one seat and a waiting list, set up at the command line."""
    data = tmp_path / "demo"
    document = devconf | {"capacity": 1, "waitlist": True}
    result = run("events", "create", "-", "--data", data, stdin=json.dumps(document))
    assert result.exit_code == 0, result.output
    return data


@pytest.fixture
def admit(repository):
    """Return a function that registers people by name for the event, a minute apart."""
    clock = ManualClock()

    def admit(*names):
        for name in names:
            clock.advance(minutes=1)
            registration = make_registration(
                event_id="devconf-2099",
                event_name="DevConf 2099",
                attendee_name=name,
                attendee_email=f"{name.split()[0].lower()}@example.org",
                registered_at=clock(),
            )
            repository.admit(registration, repository.find_event("devconf-2099"))

    return admit


@pytest.fixture
def repository(data) -> Iterator[SQLiteEventRepository]:
    """Return what the data folder holds."""
    repository = SQLiteEventRepository(data / "registrations.db")
    yield repository
    repository.close()


@pytest.fixture
def answer(repository):
    """Return a function that stores answers with the registration of an address."""

    def answer(address, **answers):
        old = repository.find("devconf-2099", address)
        assert repository.replace(old, evolve(old, answers=answers))

    return answer


@pytest.fixture
def ask(run, data, tmp_path):
    """Return a function that gives the event of the data folder questions, in place of those it had."""

    def ask(**questions):
        path = tmp_path / "questions.json"
        path.write_text(json.dumps({"type": "object", "properties": questions}))
        result = run("events", "update", "devconf-2099", "--questions", path, "--data", data)
        assert result.exit_code == 0, result.output

    return ask


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """Return a running emulator of AWS; say so and skip where it can't be had."""
    try:
        programs = pypi.environment("ministack")
    except pypi.UnavailableError as error:
        pytest.skip(str(error))
    yield from emulators.run(programs, tmp_path_factory.mktemp("emulator"))
