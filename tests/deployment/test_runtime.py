"""The function's zip in AWS's own runtime client, with nothing beside it but boto3: the oldest that we promise."""

import json
import platform
import re
import shutil
import socket
import subprocess
import zipfile
from pathlib import Path

import pypi
import pytest
from returned import bounce
from runtime_api import ExitError, FunctionError, InitError, MailService, TimedOutError, runtime

from event_registration.deployment.package import build_package
from event_registration.errors import DeploymentError

VERSION = ".".join(platform.python_version_tuple()[:2])
PAYLOADS = Path(__file__).parent.parent / "payloads"
PAYLOAD, SCHEDULE = (json.loads((PAYLOADS / f"{name}.json").read_text("utf-8")) for name in ("rest-api", "schedule"))


@pytest.fixture(scope="module")
def python():
    """Return the interpreter that has the runtime client and boto3, or say why there is none."""
    try:
        return [pypi.environment("runtime") / "python"]
    except pypi.UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Return the zip for the Python that runs the tests; say so and skip where there is no network."""
    try:
        return build_package(tmp_path_factory.mktemp("zip") / "function.zip", arch="x86_64", python=VERSION)
    except DeploymentError as error:
        if "package index" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def task_root(package, tmp_path_factory):
    """Return the folder of the unpacked zip."""
    folder = tmp_path_factory.mktemp("task")
    shutil.unpack_archive(package.path, folder)
    return folder


@pytest.fixture(scope="module")
def table(engine_client, make_table):
    """Return the name of the table that the tests of this module share."""
    return make_table(engine_client)


@pytest.fixture(scope="module")
def ses():
    """Return a mail service."""
    with MailService() as service:
        yield service


@pytest.fixture(scope="module")
def environ(engine_url, table, ses):
    """Return the function's own variables."""
    return {
        "EVENT_REGISTRATION_SENDER": "events@example.org",
        "EVENT_REGISTRATION_TABLE": table,
        "AWS_ENDPOINT_URL_DYNAMODB": engine_url,
        "AWS_ENDPOINT_URL_SESV2": ses.url,
    }


@pytest.fixture(scope="module")
def function(python, task_root, environ):
    """Return the packaged function, loaded."""
    with runtime(task_root, python, version=VERSION, environ=environ) as function:
        yield function


@pytest.fixture(scope="module")
def outbox(python, task_root, environ):
    """Return the packaged functions of a stack with an outbox, loaded: who registers, and the sender."""
    shared = {"version": VERSION, "environ": environ | {"EVENT_REGISTRATION_CONFIRMATION": "outbox"}}
    with (
        runtime(task_root, python, **shared) as function,
        runtime(task_root, python, handler="stream_function.handler", **shared) as sender,
    ):
        yield function, sender


@pytest.fixture
def port():
    """Return a socket with a port of this machine that nobody listens on."""
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        yield port


def _url(port):
    return f"http://127.0.0.1:{port.getsockname()[1]}"


def _call(address):
    """Return the payload of a REST API in which Ada registers *address*."""
    body = json.loads(PAYLOAD["body"]) | {"cemail": address}
    return PAYLOAD | {"body": json.dumps(body)}


def _function_of(source, folder):
    """Return *folder* as the task root of another function."""
    (folder / "lambda_function.py").write_text(f"import os, time\n{source}\n")
    return folder


def test_registers(function, ses, engine_client, table):
    """A REST API's call of the packaged function is a row and a mail; its repeat is answered alike and adds none."""
    answers = [function.invoke(PAYLOAD) for _ in range(2)]

    rows = _rows(engine_client, table, "ada@example.org")
    assert answers[0]["statusCode"] == 201
    assert answers[0] == answers[1]
    assert [row["mail"]["S"] for row in rows] == ["sent"]
    assert len(_mails(ses, "ada@example.org")) == 1


def _rows(engine_client, table, address):
    """Return the rows of *address*."""
    return engine_client.query(
        TableName=table,
        KeyConditionExpression="eventid = :event",
        FilterExpression="cemail = :address",
        ExpressionAttributeValues={":event": {"S": "devconf-2026"}, ":address": {"S": address}},
    )["Items"]


def _mails(ses, address):
    return [mail for mail in ses.mails if mail["Destination"] == {"ToAddresses": [address]}]


def test_sends_what_the_stream_brings(outbox, ses, engine_client, table):
    """What registers leaves its mail due; the packaged sender sends it once, however often the stream brings it."""
    function, sender = outbox
    address = "ada@stream.example"

    function.invoke(_call(address))
    (due,) = _rows(engine_client, table, address)
    before = len(_mails(ses, address))
    record = {"Keys": {name: due[name] for name in ("eventid", "sk")}, "NewImage": due, "SequenceNumber": "1"}
    answers = [sender.invoke({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": record}]}) for _ in range(2)]

    (sent,) = _rows(engine_client, table, address)
    assert (due["mail"]["S"], before) == ("due", 0)
    assert answers == [{"batchItemFailures": []}] * 2
    assert (sent["mail"]["S"], len(_mails(ses, address))) == ("sent", 1)


def test_sends_what_the_schedule_finds(outbox, ses, engine_client, table):
    """What the stream has missed the packaged sender finds by the index, and logs one line without a person in it."""
    function, sender = outbox
    address = "grace@schedule.example"
    function.invoke(_call(address))
    before = len(sender.log)

    answer = sender.invoke(SCHEDULE)

    (row,) = _rows(engine_client, table, address)
    (text,) = sender.log[before:]
    assert (answer, json.loads(text)["sent"]) == ({"sent": 1}, 1)
    assert (row["mail"]["S"], len(_mails(ses, address))) == ("sent", 1)
    # A request id may have "ada" in it: hexadecimal digits, but no capitals.
    assert not re.search("Ada|grace|example", text)


def test_marks_what_came_back(outbox, ses, engine_client, table):
    """What SES tells of a mail by the tag that it was sent with is in the row of just that registration."""
    function, sender = outbox
    address = "ada@bounced.example"
    function.invoke(_call(address))
    sender.invoke(SCHEDULE)
    (mail,) = _mails(ses, address)

    answer = sender.invoke(bounce(address, {tag["Name"]: tag["Value"] for tag in mail["EmailTags"]}["reference"]))

    (row,) = _rows(engine_client, table, address)
    assert answer == {"returned": 1, "outcome": "bounced"}
    assert row["mail"]["S"] == "bounced"


def test_refuses(function):
    """The packaged rules refuse an invalid address."""
    answer = function.invoke(_call("ada@example.org@"))

    assert answer["statusCode"] == 422
    assert [error["field"] for error in json.loads(answer["body"])["errors"]] == ["cemail"]


def test_knows_international_domains(function, ses):
    """The tables for domains in other scripts are in the zip."""
    answer = function.invoke(_call("ada@bücher.example"))

    assert answer["statusCode"] == 201
    assert ses.mails[-1]["Destination"] == {"ToAddresses": ["ada@xn--bcher-kva.example"]}


def test_logs(function):
    """All that an invocation logs is one line of JSON with Lambda's request id, and no person is in it."""
    before = len(function.log)

    function.invoke(_call("ada.lovelace@example.org"), request_id="0f1e2d3c-0000-4000-8000-000000000001")

    (text,) = function.log[before:]
    line = json.loads(text)
    assert line["request_id"] == "0f1e2d3c-0000-4000-8000-000000000001"
    assert (line["level"], line["status"], line["outcome"]) == ("INFO", 201, "registered")
    assert not re.search("ada|lovelace|example", text, re.IGNORECASE)


def test_compiles_nothing(function, package, task_root):
    """The bytecode in the zip is what runs: Python would leave here what it has to compile, and leaves nothing."""
    function.invoke(_call("ada@compiled.example"))

    with zipfile.ZipFile(package.path) as archive:
        expected = sorted(archive.namelist())
    assert sorted(str(path.relative_to(task_root)) for path in task_root.rglob("*") if path.is_file()) == expected


def test_counts_late_mails(python, task_root, environ, port):
    """A mail that did not go out is counted for the function by the name that Lambda gives it."""
    with runtime(
        task_root, python, version=VERSION, environ=environ | {"AWS_ENDPOINT_URL_SESV2": _url(port)}
    ) as function:
        answer = function.invoke(_call("ada@late.example"))

        (line,) = map(json.loads, function.log)

    assert answer["statusCode"] == 201
    assert (line["trouble"], line["MailTrouble"], line["FunctionName"]) == ("mail-delayed", 1, "event-registration")


def test_answers_before_its_deadline(python, task_root, environ, port):
    """A table that never answers is given up while Lambda's deadline leaves time to say so."""
    port.listen()

    with runtime(
        task_root, python, version=VERSION, environ=environ | {"AWS_ENDPOINT_URL_DYNAMODB": _url(port)}
    ) as function:
        answer = function.invoke(PAYLOAD, seconds=4)

    assert answer["statusCode"] == 503


@pytest.mark.parametrize("handler", ["lambda_function.handler", "stream_function.handler"])
def test_names_what_is_missing(python, task_root, handler):
    """Without a sender the function can't be loaded, and Lambda is told the variable that it lacks."""
    with (
        pytest.raises(InitError, match=r"SettingsError: .*EVENT_REGISTRATION_SENDER"),
        runtime(task_root, python, version=VERSION, environ={}, handler=handler),
    ):
        pass


def test_brings_what_it_needs(python):
    """Beside the zip there are boto3 and the client, and none of what must come from the zip."""
    program = "import sys; from importlib.util import find_spec; print(*[n for n in sys.argv if find_spec(n)])"
    names = ["boto3", "awslambdaric", "attr", "attrs", "cattrs", "event_registration", "idna", "tzdata"]

    found = subprocess.run(
        [*python, "-P", "-c", program, *names], capture_output=True, text=True, check=True, env={}
    ).stdout.split()

    assert found == ["boto3", "awslambdaric"]


FAULTS = {
    "raises": ("def handler(event, context): raise ValueError('why')", FunctionError, "ValueError: why"),
    "answers no JSON": ("def handler(event, context): return os", FunctionError, "Runtime.MarshalError"),
    "exits": ("def handler(event, context): os._exit(7)", ExitError, "ended with 7"),
    "can't be loaded": ("import nothing", InitError, "Runtime.ImportModuleError: .*'nothing'"),
    "exits at once": ("os._exit(7)", ExitError, "ended with 7"),
}


@pytest.mark.parametrize(("source", "error", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_control_of_errors(python, tmp_path, source, error, message):
    """What goes wrong in a function is seen here, with what the client says of it."""
    task_root = _function_of(source, tmp_path)

    with pytest.raises(error, match=message), runtime(task_root, python, version=VERSION, environ={}) as function:
        function.invoke({})


def test_control_of_deadlines(python, tmp_path):
    """A function that has not answered at its deadline is ended."""
    task_root = _function_of("def handler(event, context): time.sleep(60)", tmp_path)

    with runtime(task_root, python, version=VERSION, environ={}) as function:
        with pytest.raises(TimedOutError):
            function.invoke({}, seconds=0.2)
        with pytest.raises(ExitError):
            function.invoke({})


def test_control_of_bytecode(python, tmp_path):
    """A function without bytecode leaves it behind when it has run."""
    task_root = _function_of("def handler(event, context): return event", tmp_path)

    with runtime(task_root, python, version=VERSION, environ={}) as function:
        answer = function.invoke({"a": 1})

    assert answer == {"a": 1}
    assert [path.suffix for path in task_root.rglob("*") if path.is_file()] == [".py", ".pyc"]
