"""The template: clean by three linters, least privilege by the calls that are made, of one mind with the code."""

import base64
import contextlib
import copy
import fnmatch
import io
import itertools
import json
import os
import re
import subprocess
from collections import Counter
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace

import attrs
import boto3
import npm
import permissions
import pypi
import pytest
import template
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator
from moto import mock_aws
from permissions import Question
from runtime_api import MailService

from event_registration import Settings, make_lambda_handler, make_stream_handler
from event_registration.aws import DynamoDBEventRepository
from event_registration.aws.wiring import REFUSED
from event_registration.deployment import table as tables
from event_registration.errors import NotifierError, RepositoryUnavailableError
from event_registration.event import Event
from event_registration.links import Keyring
from event_registration.local import SQLiteEventRepository, SQLiteRepository
from event_registration.local.server import _SITE_HEADERS
from event_registration.mail import MailState
from event_registration.responses import HEADERS
from event_registration.schedule import _ROOMY_SECONDS
from event_registration.settings import PREFIX, Confirmation, EventsMode
from event_registration.testing import RecordingNotifier

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parent.parent.parent
WIRE = ROOT / "tests" / "wire"
TEMPLATE = template.load()
PAYLOADS = ROOT / "tests" / "payloads"
POST, SCHEDULE = (json.loads((PAYLOADS / f"{name}.json").read_text("utf-8")) for name in ("rest-api", "schedule"))
OPEN = {"Events": "open"}
MANAGED = {"Events": "managed"}
INLINE = {"Confirmation": "inline"}
OUTBOX = {"Confirmation": "outbox"}
FUNCTION, SENDER = "Function", "SenderFunction"
ADA = {"eventid": "devconf-2026", "eventname": "DevConf 2026", "cname": "Ada Lovelace", "cemail": "ada@example.org"}
EVE = ADA | {"cname": "Eve Adams", "cemail": "eve@example.org"}
# Lambda's context, as far as the handler reads it.
CONTEXT = SimpleNamespace(
    aws_request_id="0f1e2d3c-0000-4000-8000-000000000001",
    function_name="events-function",
    get_remaining_time_in_millis=lambda: 10_000,
)
TOPIC = f"arn:aws:sns:{template.REGION}:{template.ACCOUNT}:alarms"

SKIPPED_BY_CHECKOV = {
    ("CKV_AWS_119", "RegistrationTable"),
    ("CKV_AWS_149", "LinkKeys"),
    ("CKV_AWS_158", "FunctionLogs"),
    ("CKV_AWS_116", "Function"),
    ("CKV_AWS_117", "Function"),
    ("CKV_AWS_173", "Function"),
    ("CKV_AWS_158", "SenderLogs"),
    ("CKV_AWS_115", "SenderFunction"),
    ("CKV_AWS_116", "SenderFunction"),
    ("CKV_AWS_117", "SenderFunction"),
    ("CKV_AWS_173", "SenderFunction"),
    ("CKV_AWS_27", "FailedMails"),
    ("CKV_AWS_59", "RegistrationsPost"),
    ("CKV_AWS_59", "ViewPost"),
    ("CKV_AWS_59", "CancelPost"),
    ("CKV_AWS_59", "EventGet"),
    ("CKV_AWS_158", "ApiLogs"),
    ("CKV_AWS_120", "ApiStage"),
    ("CKV_AWS_18", "SiteBucket"),
    ("CKV_AWS_21", "SiteBucket"),
    ("CKV_AWS_54", "SiteBucket"),
    ("CKV_AWS_56", "SiteBucket"),
    ("CKV_AWS_68", "Distribution"),
    ("CKV_AWS_86", "Distribution"),
    ("CKV_AWS_174", "Distribution"),
}
SKIPPED_BY_CFN_LINT = {
    ("WS1002", "Function"),
    ("WS1004", "Function"),
    ("ES1007", "SchedulePermission"),
    ("ES4000", "Schedule"),
    ("WS1004", "SenderFunction"),
    ("ES6000", "FailedMails"),
    ("ES1007", "FeedbackPermission"),
    ("ES4000", "Feedback"),
}
SERVERLESS = ("--append-rules=cfn_lint_serverless.rules",)


def _environment(name):
    try:
        return pypi.environment(name)
    except pypi.UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def cfn_lint():
    """Return a function that runs cfn-lint and returns what the process came to."""
    program = _environment("cfn-lint") / "cfn-lint"

    def run(*arguments, cwd=ROOT):
        return subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)

    return run


def _bare():
    """Return a copy of the template that asks no linter to look away."""
    bare = copy.deepcopy(TEMPLATE)
    for resource in bare["Resources"].values():
        resource.pop("Metadata", None)
    return bare


def _faulty():
    """Return a copy with a reference to nothing, an unknown property, one of another type, and one missing."""
    faulty = copy.deepcopy(TEMPLATE)
    properties = {name: each["Properties"] for name, each in faulty["Resources"].items() if "Properties" in each}
    properties["RegistrationTable"]["TableName"] = {"Ref": "TableNam"}
    properties["Api"]["Nome"] = "events"
    properties["SiteBucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"] = "AES256"
    del properties["ApiStage"]["RestApiId"]
    return faulty


FAULTS = {("E1020", "RegistrationTable"), ("E3002", "Api"), ("E3012", "SiteBucket"), ("E3003", "ApiStage")}


class TestCfnLint:
    """The template beside CloudFormation's specification, and beside the rules for serverless applications."""

    @pytest.mark.parametrize("arguments", [(), SERVERLESS], ids=["bare", "serverless"])
    def test_finds_nothing(self, cfn_lint, arguments):
        """Neither an error nor a warning."""
        outcome = cfn_lint(*arguments, "deploy/cloudformation.yaml")

        assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")

    def test_finds_faults_and_what_is_skipped(self, cfn_lint, tmp_path):
        """It sees the faults put into a copy; and in one without skips just what the template skips."""
        (tmp_path / "faulty.json").write_text(json.dumps(_faulty()))
        (tmp_path / "bare.json").write_text(json.dumps(_bare()))

        outcome = cfn_lint(*SERVERLESS, "--format", "json", "faulty.json", "bare.json", cwd=tmp_path)

        found = {"faulty.json": set(), "bare.json": set()}
        for match in json.loads(outcome.stdout):
            found[match["Filename"]].add((match["Rule"]["Id"], match["Location"]["Path"][1]))
        assert found["faulty.json"] >= FAULTS
        assert found["bare.json"] == SKIPPED_BY_CFN_LINT

    def test_every_skip_is_pinned_and_explained(self):
        """The template asks to skip these and no other, each on a line that says why."""
        skipped = {
            (rule, name)
            for name, resource in TEMPLATE["Resources"].items()
            for rule in resource.get("Metadata", {}).get("cfn-lint", {}).get("config", {}).get("ignore_checks", [])
        }

        lines = [line for line in template.PATH.read_text("utf-8").splitlines() if "ignore_checks" in line]
        assert skipped == SKIPPED_BY_CFN_LINT
        assert "cfn-lint" not in TEMPLATE["Metadata"]
        assert [line for line in lines if not re.search(r"\]  # \w.{20,}", line)] == []


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Return by file what checkov found in the template, and in a copy that skips nothing."""
    program = _environment("checkov") / "checkov"
    bare = tmp_path_factory.mktemp("checkov") / "bare.json"
    bare.write_text(json.dumps(_bare()))
    arguments = ["--framework", "cloudformation", "--skip-download", "--output", "json"]
    # It looks for settings of its own where it runs.
    outcome = subprocess.run(
        [program, *arguments, "--file", template.PATH, "--file", bare],
        cwd=bare.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(outcome.stdout)
    assert report["summary"]["parsing_errors"] == 0
    return {
        path.name: {
            kind: [each for each in report["results"][f"{kind}_checks"] if Path(each["file_path"]).name == path.name]
            for kind in ("passed", "failed", "skipped")
        }
        for path in (template.PATH, bare)
    }


def _pairs(checks):
    return sorted((each["check_id"], each["resource"].rpartition(".")[2]) for each in checks)


class TestCheckov:
    """The template beside checkov's rules of security."""

    def test_finds_nothing(self, checked):
        """No check fails, and it did look."""
        ours = checked[template.PATH.name]

        assert _pairs(ours["failed"]) == []
        assert len(ours["passed"]) >= 25

    def test_every_skip_is_pinned(self, checked):
        """These checks of these resources are skipped and no other."""
        skipped = _pairs(checked[template.PATH.name]["skipped"])

        assert skipped == sorted(SKIPPED_BY_CHECKOV)

    def test_every_skip_is_explained(self, checked):
        """Each skip says why in a sentence."""
        reasons = [each["check_result"]["suppress_comment"] for each in checked[template.PATH.name]["skipped"]]

        assert [reason for reason in reasons if not re.fullmatch(r"\w.{20,}\.", reason)] == []

    def test_every_skip_is_needed(self, checked):
        """Without the skips just the skipped checks fail."""
        assert _pairs(checked["bare.json"]["failed"]) == sorted(SKIPPED_BY_CHECKOV)


# What a function's role may do besides the calls of our code, and who does it.
OF_THE_SERVICE = {
    "logs:CreateLogStream": "Lambda, for each new container",
    "logs:PutLogEvents": "Lambda, what the function prints",
    "xray:PutTraceSegments": "Lambda, with active tracing",
    "xray:PutTelemetryRecords": "Lambda, with active tracing",
}
OF_THE_STREAM = {
    "dynamodb:DescribeStream": "Lambda, to find the stream's shards",
    "dynamodb:GetRecords": "Lambda, to read them",
    "dynamodb:GetShardIterator": "Lambda, to read them",
    "dynamodb:ListStreams": "Lambda, before it does",
    "sqs:SendMessage": "Lambda, of what it gives up",
}
ROLES = {FUNCTION: "FunctionRole", SENDER: "SenderRole"}
BY_DOMAIN = {"SenderIdentity": "example.org", "SenderName": "Événements, Inc."}
SANDBOX = {"SesSandbox": "true"}


class Deployed:
    """The role of one of the template's functions beside what IAM was asked while that function ran."""

    def __init__(self, parameters, function, record, simulate):
        self.stack = template.Stack(TEMPLATE, **parameters)
        self.role = self.stack[ROLES[function]]
        self.log = self.stack[{FUNCTION: "FunctionLogs", SENDER: "SenderLogs"}[function]]["LogGroupName"]
        self.is_sender = function == SENDER
        self.is_mailer = self.is_sender or self.stack.outputs["Confirmation"] == "inline"
        self.of_the_service = OF_THE_SERVICE | (OF_THE_STREAM if self.is_sender else {})
        self.account = permissions.Account(
            id=template.ACCOUNT,
            region=template.REGION,
            identity=parameters.get("SenderIdentity", template.REQUIRED["SenderAddress"]),
            sandbox="SesSandbox" in parameters,
        )
        self.mail = {"ses:FromAddress": template.REQUIRED["SenderAddress"]}
        self.steps = record(parameters)[function]
        self.questions = [question for step in self.steps for question in self.questions_of(step)]
        self._simulate = simulate

    def questions_of(self, step):
        """Return what IAM was asked in one step."""
        return [question for call in self.steps[step] for question in self.account.questions(call)]

    def refused(self, questions):
        """Return those of *questions* that IAM would answer with no."""
        answers = permissions.allowed(self.role, questions, self.account, self._simulate)
        return [question for question, allowed in zip(questions, answers, strict=True) if not allowed]


class Recorder:
    """Runs handlers, made of the template's own environment as Lambda makes them, and keeps the calls of each."""

    def __init__(self, running, parameters, engine_url):
        self.mails = running.enter_context(MailService())
        self.steps = {FUNCTION: {}, SENDER: {}}
        self._parameters = parameters
        self._patch = running.enter_context(pytest.MonkeyPatch.context())
        self._patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", engine_url)
        self._patch.setenv("AWS_ENDPOINT_URL_SESV2", self.mails.url)
        # The clients of a session of their own aren't recorded.
        self._own = boto3.Session(region_name=template.REGION)
        self._running = running
        self.dynamodb = self.client("dynamodb")
        self.table = _make_table(running, self.dynamodb, template.Stack(TEMPLATE, **parameters))
        self._patch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(region_name=template.REGION))
        self._calls = permissions.record(boto3.DEFAULT_SESSION)

    def client(self, service):
        """Return a client whose calls aren't recorded."""
        return self._running.enter_context(contextlib.closing(self._own.client(service)))

    def handler(self, function=FUNCTION, **more):
        """Make the handler of one of the functions, with further parameters."""
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            self._patch.delenv(name)
        for name, text in _variables(template.Stack(TEMPLATE, **self._parameters, **more), function).items():
            self._patch.setenv(name, text)
        make = {"lambda_function.handler": make_lambda_handler, "stream_function.handler": make_stream_handler}
        return function, make[TEMPLATE["Resources"][function]["Properties"]["Handler"]]()

    def step(self, description, handler, payload, expected):
        """Call a handler, and keep its calls under *description*."""
        function, handle = handler
        answer = handle(payload, CONTEXT)
        assert answer.get("statusCode", answer) == expected
        self.steps[function][description] = list(self._calls)
        self._calls.clear()
        return self.steps[function][description]

    def rows(self):
        """Return all items of registrations."""
        items = self.dynamodb.scan(TableName=self.table)["Items"]
        return [item for item in items if item["sk"]["S"].startswith("REGISTRATION#")]

    def stream(self):
        """Return what the stream brings of rows whose mail is due."""
        rows = [row for row in self.rows() if row["mail"]["S"] == "due"]
        records = [{"Keys": {name: row[name] for name in ("eventid", "sk")}, "SequenceNumber": "1"} for row in rows]
        return {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": record} for record in records]}

    def returned(self):
        """Return what SES tells when the last mail has bounced."""
        mail = self.mails.mails[-1]
        tags = {tag["Name"]: [tag["Value"]] for tag in mail["EmailTags"]}
        detail = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent"}}
        detail |= {"mail": {"destination": mail["Destination"]["ToAddresses"], "tags": tags}}
        return {"source": "aws.ses", "detail-type": "Email Bounced", "detail": detail}

    def let_time_pass(self):
        """Leave all rows as they are when what they wait for is long over."""
        for row in self.rows():
            for name in {"attempted_at", "mail_at"} & row.keys():
                self.dynamodb.update_item(
                    TableName=self.table,
                    Key={key: row[key] for key in ("eventid", "sk")},
                    UpdateExpression=f"SET {name} = :then",
                    ExpressionAttributeValues={":then": {"S": "2026-01-01T00:00:00.000000Z"}},
                )


def _make_table(running, dynamodb, stack):
    """Make the template's table, and return its name."""
    table = stack["RegistrationTable"]
    made = ("TableName", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
    dynamodb.create_table(**{name: table[name] for name in made})
    running.callback(dynamodb.delete_table, TableName=table["TableName"])
    return table["TableName"]


@pytest.fixture(scope="module")
def record(engine_url):
    """Return a function that returns the calls of both functions of a stack, by what they were asked to do."""
    recorded = {}

    def record(parameters):
        key = tuple(sorted(parameters.items()))
        if key not in recorded:
            with contextlib.ExitStack() as running:
                running.enter_context(mock_aws())
                running.enter_context(contextlib.redirect_stdout(io.StringIO()))
                recorder = Recorder(running, parameters, engine_url)
                keep = _register_openly if parameters["Events"] == "open" else _register_by_the_catalogue
                keep(recorder, parameters["Confirmation"] == "outbox")
                recorded[key] = recorder.steps
        return recorded[key]

    return record


def _post(body):
    return POST | {"body": json.dumps(body)}


def _register_openly(recorder, has_outbox):
    """Go through all that open events ask of the functions."""
    step, answering = recorder.step, recorder.handler()
    recorder.mails.refusal = (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable")
    step("first, refused by SES", answering, _post(ADA), 201)
    if has_outbox:
        _send(recorder)
    recorder.mails.refusal = None
    recorder.let_time_pass()
    if has_outbox:
        _sweep(recorder)
    step("ten minutes later", answering, _post(ADA), 201)
    step("repeat", answering, _post(ADA), 201)
    step("other details", answering, _post(ADA | {"cname": "Ada King"}), 201)
    step("first", answering, _post(EVE), 201)
    step("rejected", recorder.handler(OnDuplicate="reject"), _post(EVE), 409)


def _send(recorder):
    """Have the sender called with what is due, while SES takes nothing."""
    sender, due = recorder.handler(SENDER), recorder.stream()
    assert due["Records"]
    recorder.step("the stream, refused by SES", sender, due, {"batchItemFailures": []})


def _sweep(recorder):
    """Have the sender called by its schedule, and told that a mail came back."""
    sender, late = recorder.handler(SENDER), sum(row["mail"]["S"] in {"due", "retry"} for row in recorder.rows())
    recorder.step("the schedule", sender, SCHEDULE, {"sent": late})
    recorder.step("a bounce", sender, recorder.returned(), {"returned": 1, "outcome": "bounced"})


def _make_keys(secrets):
    """Make the secret that the template makes, under the ARN that it has there."""
    text = Keyring("k1", {"k1": "a-key-for-tests-that-nobody-must-know"}).to_text()
    # moto chooses the ARN's end by this tag.
    secrets.create_secret(
        Name=_physical("LinkKeys"), SecretString=text, Tags=[{"Key": "_custom_id_", "Value": template.SUFFIX}]
    )


def _register_by_the_catalogue(recorder, has_outbox):
    """Go through all that managed events ask of the functions."""
    step = recorder.step
    _make_keys(recorder.client("secretsmanager"))
    repository = DynamoDBEventRepository(recorder.dynamodb, recorder.table)
    limited, unlimited = _event(ADA["eventid"], capacity=1, waitlist=True), _event("unlimited")
    for event in (limited, unlimited):
        repository.create_event(event)
    handle = recorder.handler()
    step("a card", handle, POST | {"httpMethod": "GET", "path": f"/events/{limited.event_id}", "body": None}, 200)
    step("without a limit", handle, _post(ADA | {"eventid": unlimited.event_id}), 201)
    step("a seat", handle, _post(ADA), 201)
    step("the waiting list", handle, _post(EVE), 201)
    step("repeat", handle, _post(EVE), 201)
    repository.cancel(repository.find(limited.event_id, ADA["cemail"]), datetime.now(UTC))
    step("the schedule", handle, SCHEDULE, _settled(1, sent=None if has_outbox else 2))
    step("nothing to do", handle, SCHEDULE, _settled(0, sent=None if has_outbox else 0))
    step("once more", handle, _post(ADA), 201)
    if has_outbox:
        recorder.mails.refusal = (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable")
        _send(recorder)
        recorder.mails.refusal = None
        recorder.let_time_pass()
        _sweep(recorder)
    else:
        step("a bounce", handle, recorder.returned(), {"returned": 1, "outcome": "bounced"})
    to_ada, to_eve = (_token(recorder, person) for person in (ADA, EVE))
    step("a link's look", handle, _follow("view", to_ada), 200)
    step("a link's cancellation", handle, _follow("cancel", to_eve), 200)


def _settled(promoted, *, sent):
    """Return what the function says of a call by its schedule; only inline it sends as well."""
    return {"events": 1, "promoted": promoted, "told": 0} | ({} if sent is None else {"sent": sent})


def _token(recorder, person):
    """Return the token of the last link that *person* was mailed about the limited event."""
    texts = [
        mail["Content"]["Simple"]["Body"]["Text"]["Data"]
        for mail in recorder.mails.mails
        if mail["Destination"]["ToAddresses"] == [person["cemail"]]
    ]
    return [token for text in texts for token in re.findall(r"/manage\.html#(\S+)", text)][-1]


def _follow(action, token):
    """Return what the page posts that a link leads to."""
    return POST | {"path": f"/registrations/{action}", "body": json.dumps({"token": token})}


def _event(event_id, **more):
    starts_at, ends_at = (datetime(2999, 5, 1, hour, tzinfo=UTC) for hour in (9, 17))
    return Event(
        event_id=event_id,
        event_name="DevConf",
        starts_at=starts_at,
        ends_at=ends_at,
        time_zone="Europe/Berlin",
        **more,
    )


@pytest.fixture(scope="module")
def simulate():
    """Return a function that simulates IAM."""
    try:
        simulator = npm.install("iam-simulate")
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    with permissions.simulating(simulator) as simulate:
        yield simulate


MODES = [mode | confirmation for mode in (OPEN, MANAGED) for confirmation in (INLINE, OUTBOX)]
KINDS = {"address": {}, "domain": BY_DOMAIN}


def _functions_of(mode):
    return (FUNCTION, SENDER) if mode["Confirmation"] == "outbox" else (FUNCTION,)


# Each function of each mode, with an identity of each kind, and while SES is in its sandbox.
DEPLOYMENTS, SANDBOXED = (
    {
        f"{mode['Events']}, {mode['Confirmation']}, {function}, by {kind}": (mode | KINDS[kind] | more, function)
        for mode in MODES
        for function in _functions_of(mode)
        for kind in kinds
    }
    for kinds, more in ((KINDS, {}), (("address",), SANDBOX))
)
# What IAM is asked for to keep managed events; open ones make do with the first.
OF_MANAGED_EVENTS = ("PutItem", "GetItem", "Query", "UpdateItem", "DeleteItem", "ConditionCheckItem")


def _only(mode, function=FUNCTION):
    """Return the mark of a test that is about one deployment."""
    return pytest.mark.parametrize("deployed", [(mode, function)], indirect=True, ids=["|".join(mode.values())])


@pytest.fixture(scope="module", params=DEPLOYMENTS.values(), ids=DEPLOYMENTS.keys())
def deployed(request, record, simulate):
    """Return each function of each mode, with an identity of each kind."""
    return Deployed(*request.param, record, simulate)


@pytest.fixture(scope="module", params=SANDBOXED.values(), ids=SANDBOXED.keys())
def sandboxed(request, record, simulate):
    """Return each function of each mode while SES is in its sandbox."""
    return Deployed(*request.param, record, simulate)


class TestLeastPrivilege:
    """Each function's role: all that the code's calls need, and nothing else."""

    @_only(OPEN | INLINE)
    def test_the_recording_has_every_call(self, deployed):
        """What was recorded is a registration, a lost mail sent again, repeats and a rejection, each with its marks."""
        operations = {step: [call.operation for call in calls] for step, calls in deployed.steps.items()}

        assert operations == {
            "first, refused by SES": ["PutItem", "SendEmail"],
            "ten minutes later": ["PutItem", "PutItem", "SendEmail", "PutItem"],
            "repeat": ["PutItem"],
            "other details": ["PutItem"],
            "first": ["PutItem", "SendEmail", "PutItem"],
            "rejected": ["PutItem"],
        }

    @_only(OPEN | OUTBOX)
    def test_the_function_sends_nothing_itself(self, deployed):
        """With an outbox each of these is one row that is written, and no mail."""
        operations = {step: [call.operation for call in calls] for step, calls in deployed.steps.items()}

        assert operations == {
            "first, refused by SES": ["PutItem"],
            "ten minutes later": ["PutItem"],
            "repeat": ["PutItem"],
            "other details": ["PutItem"],
            "first": ["PutItem"],
            "rejected": ["PutItem"],
        }

    @pytest.mark.parametrize("mode", [OPEN, MANAGED], ids=["open", "managed"])
    def test_the_sender_reads_claims_sends_and_marks(self, mode, record):
        """What was recorded of the sender is a mail that SES refused, its sweep, and a mail that came back."""
        steps = record(mode | OUTBOX)[SENDER]

        operations = {step: {call.operation for call in calls} for step, calls in steps.items()}

        keys = {"GetSecretValue"} if mode == MANAGED else set()
        assert operations == {
            "the stream, refused by SES": {"GetItem", "GetAccount", "UpdateItem", "SendEmail"} | keys,
            "the schedule": {"Query", "GetItem", "GetAccount", "UpdateItem", "SendEmail"} | keys,
            "a bounce": {"GetItem", "UpdateItem"},
        }

    @_only(MANAGED | INLINE)
    def test_the_recording_has_every_action(self, deployed):
        """What was recorded is a card, a seat, the waiting list, the schedule and links, each with what it takes."""
        expected = {
            "a card": {"GetItem"},
            "without a limit": {"GetItem", "PutItem", "GetSecretValue", "SendEmail"},
            "a seat": {"PutItem", "SendEmail"},
            "the waiting list": {"UpdateItem", "PutItem", "SendEmail"},
            "repeat": {"Query"},
            "the schedule": {"Query", "DeleteItem", "ConditionCheckItem", "PutItem", "SendEmail"},
            "nothing to do": {"Query"},
            "once more": {"UpdateItem", "PutItem", "SendEmail"},
            "a bounce": {"GetItem", "UpdateItem"},
            "a link's look": {"GetItem", "Query"},
            "a link's cancellation": {"Query", "DeleteItem", "ConditionCheckItem", "PutItem"},
        }

        actions = {
            step: {question.action.partition(":")[2] for question in deployed.questions_of(step)}
            for step in deployed.steps
        }

        assert {step: expected[step] & taken for step, taken in actions.items()} == expected
        assert [step for step, taken in actions.items() if "SendEmail" in taken - expected[step]] == []

    @_only(MANAGED | INLINE)
    def test_keys_are_read_once(self, deployed):
        """However many mails and links there are, a container reads the keys with the first, and remembers them."""
        steps = [step for step, calls in deployed.steps.items() for call in calls if call.operation == "GetSecretValue"]

        assert steps == ["without a limit"]

    def test_nothing_is_missing(self, deployed):
        """Everything that the code does is allowed."""
        assert deployed.refused(deployed.questions) == []

    def test_nothing_is_missing_in_the_sandbox(self, sandboxed):
        """In the sandbox SES asks for the right to send to the recipient's identity as well, and that is allowed."""
        recipient = sandboxed.account.arn("ses", "identity/ada@example.org")

        assert (recipient in {question.resource for question in sandboxed.questions}) is sandboxed.is_mailer
        assert sandboxed.refused(sandboxed.questions) == []

    def test_nothing_is_granted_that_is_not_used(self, deployed):
        """Every right was used, on the very resource it names, but for those that Lambda itself uses."""
        granted, of_the_service = permissions.granted(deployed.role), deployed.of_the_service

        used = {(question.action, question.resource) for question in deployed.questions}
        assert {right for right in granted if right[0] not in of_the_service} == used
        assert Counter(action for action, _ in granted if action in of_the_service) == Counter(of_the_service.keys())

    def test_the_sandbox_adds_recipients_only(self, sandboxed):
        """The switch for the sandbox adds one right to who sends: to send to any identity of the account."""
        mode = {name: sandboxed.stack.outputs[name] for name in ("Events", "Confirmation")}
        name = ROLES[SENDER if sandboxed.is_sender else FUNCTION]
        without = permissions.granted(template.Stack(TEMPLATE, **mode)[name])

        added = permissions.granted(sandboxed.role) - without

        recipients = {("ses:SendEmail", sandboxed.account.arn("ses", "identity/*"))}
        assert added == (recipients if sandboxed.is_mailer else set())

    def test_lambda_may_log_and_trace(self, deployed):
        """Lambda can write the function's own log, and traces."""
        stream = deployed.account.arn("logs", f"log-group:{deployed.log}:log-stream:1")

        questions = [Question(action, stream if "logs" in action else "*") for action in OF_THE_SERVICE]

        assert deployed.refused(questions) == []

    @pytest.mark.parametrize("mode", [OPEN, MANAGED], ids=["open", "managed"])
    def test_lambda_may_read_the_stream(self, mode, record, simulate):
        """Lambda can call the sender with the table's stream, and keep in its queue what it gives up, and no more."""
        sender = Deployed(mode | OUTBOX, SENDER, record, simulate)
        arn = sender.account.arn
        stream, queue = sender.stack.outputs["TableStreamArn"], arn("sqs", "events-failedmails")
        on = {"sqs:SendMessage": queue, "dynamodb:ListStreams": "*"}
        questions = [Question(action, on.get(action, stream)) for action in OF_THE_STREAM]
        others = [
            Question("dynamodb:GetRecords", arn("dynamodb", f"table/other/stream/{template.STREAM}")),
            Question("sqs:SendMessage", arn("sqs", "other")),
            *(Question(f"sqs:{action}", queue) for action in ("ReceiveMessage", "PurgeQueue", "DeleteQueue")),
        ]

        refused = sender.refused([*questions, *others])

        assert refused == others

    def test_everything_else_is_refused(self, deployed):
        """Other tables and actions, other senders, sets and recipients, and other functions' logs are out of reach."""
        arn, mail, outputs = deployed.account.arn, deployed.mail, deployed.stack.outputs
        table = arn("dynamodb", f"table/{outputs['TableName']}")
        identity = arn("ses", f"identity/{deployed.account.identity}")
        our_set = arn("ses", f"configuration-set/{outputs['ConfigurationSet']}")
        other_log = arn("logs", "log-group:/event-registration/other/function:log-stream:1")

        is_open = outputs["Events"] == "open"
        used = ("GetItem", "UpdateItem") if deployed.is_sender else OF_MANAGED_EVENTS[: 1 if is_open else None]
        unused = [operation for operation in OF_MANAGED_EVENTS if operation not in used]

        questions = [
            *(
                Question(f"dynamodb:{operation}", arn("dynamodb", f"table/{name}"))
                for operation in used
                for name in ("other", "eventmanagement2", "eventmanagement/index/mail", "eventmanagement/stream/1")
            ),
            *(
                Question(f"dynamodb:{operation}", table)
                for operation in (*unused, "Scan", "BatchGetItem", "BatchWriteItem", "PartiQLDelete", "DeleteTable")
            ),
            Question("dynamodb:Scan", f"{table}/index/outbox"),
            *(
                Question("ses:SendEmail", resource, {"ses:FromAddress": address})
                for resource in (identity, our_set)
                for address in ("chair@example.org", "events@example.org.example.com", "xevents@example.org")
            ),
            *([] if deployed.is_mailer else [Question("ses:SendEmail", each, mail) for each in (identity, our_set)]),
            *([] if deployed.is_mailer else [Question("ses:GetAccount", "*")]),
            Question("ses:SendEmail", identity),
            Question("ses:SendRawEmail", identity, mail),
            Question("ses:SendEmail", arn("ses", "configuration-set/other"), mail),
            Question("ses:SendEmail", arn("ses", "identity/other.example.org"), mail),
            Question("ses:SendEmail", arn("ses", "identity/ada@example.org"), mail),
            *(Question(action, other_log) for action in OF_THE_SERVICE if "logs" in action),
            Question("logs:DeleteLogGroup", arn("logs", f"log-group:{deployed.log}")),
            Question("secretsmanager:GetSecretValue", arn("secretsmanager", "secret:other-AbCdEf")),
            *(
                Question(f"secretsmanager:{operation}", _link_keys())
                for operation in ("PutSecretValue", "UpdateSecret", "DescribeSecret", "DeleteSecret", "RotateSecret")
            ),
            *([Question("secretsmanager:GetSecretValue", _link_keys())] if is_open else []),
        ]

        assert deployed.refused(questions) == questions

    def test_the_sandbox_opens_nothing_else(self, sandboxed):
        """With the switch for the sandbox the function still speaks for one address, with one set, by mail alone."""
        recipient = sandboxed.account.arn("ses", "identity/ada@example.org")

        questions = [
            Question("ses:SendEmail", recipient, {"ses:FromAddress": "chair@example.org"}),
            Question("ses:SendRawEmail", recipient, sandboxed.mail),
            Question("ses:SendEmail", sandboxed.account.arn("ses", "configuration-set/other"), sandboxed.mail),
        ]

        assert sandboxed.refused(questions) == questions

    def test_the_senders_case_does_not_matter(self, deployed):
        """SES is told the address as the operator typed it or with its domain in small letters: both are one."""
        identity = deployed.account.arn("ses", f"identity/{deployed.account.identity}")
        question = Question("ses:SendEmail", identity, {"ses:FromAddress": "Events@Example.ORG"})

        assert deployed.refused([question]) == ([] if deployed.is_mailer else [question])

    def test_only_lambda_takes_the_role(self, deployed):
        """Nobody but the Lambda service can act in the function's role."""
        (statement,) = deployed.role["AssumeRolePolicyDocument"]["Statement"]

        assert (statement["Principal"], statement["Action"]) == ({"Service": "lambda.amazonaws.com"}, "sts:AssumeRole")

    @pytest.mark.parametrize(
        ("source", "functions"),
        [
            *(
                (f"execute-api:{{}}:events-api/prod/{route}", {FUNCTION})
                for route in (
                    *(
                        f"{method}/registrations{rest}"
                        for method in ("POST", "OPTIONS")
                        for rest in ("", "/view", "/cancel")
                    ),
                    *(f"{method}/events/devconf-2026" for method in ("GET", "OPTIONS")),
                )
            ),
            ("execute-api:{}:other-api/prod/POST/registrations", set()),
            ("execute-api:{}:other-api/prod/GET/events/devconf-2026", set()),
            ("execute-api:{}:events-api2/prod/POST/registrations", set()),
            ("events:{}:rule/events-schedule", {"managed": {FUNCTION}, "outbox": {SENDER}}),
            ("events:{}:rule/events-feedback", {"managed inline": {FUNCTION}, "outbox": {SENDER}}),
            ("events:{}:rule/other-schedule", set()),
            ("events:{}:rule/events-schedule-2", set()),
        ],
    )
    @pytest.mark.parametrize("mode", MODES, ids=lambda mode: " ".join(mode.values()))
    def test_only_api_and_rules_invoke_the_functions(self, source, functions, mode):
        """The functions' permissions are for this API and for this stack's rules, each for whom it calls."""
        stack = template.Stack(TEMPLATE, **mode)
        words = " ".join(mode.values())
        found = stack.of_type("AWS::Lambda::Permission").values()
        names = {_physical(name): name for name in (FUNCTION, SENDER)}

        service = source.partition(":")[0].replace("execute-api", "apigateway")
        arn = f"arn:aws:{source.format(f'{template.REGION}:{template.ACCOUNT}')}"
        invoked = {
            names[each["FunctionName"]]
            for each in found
            if each["Principal"] == f"{service}.amazonaws.com" and fnmatch.fnmatchcase(arn, each["SourceArn"])
        }
        expected = functions
        if isinstance(functions, dict):
            expected = {name for when, called in functions.items() if when in words for name in called}
        assert {each["Action"] for each in found} == {"lambda:InvokeFunction"}
        assert invoked == expected


def _schema(name):
    return json.loads((files("event_registration") / "schemas" / f"{name}.v1.schema.json").read_text("utf-8"))


def _model_of(schema, ignored):
    """
    Return the structure that a published schema asks for, without its rules for values, as API Gateway reads it.

    What the function ignores the model must, too.
    """
    definitions = {f"#/$defs/{name}": each for name, each in schema["$defs"].items()}
    return {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "title": schema["title"],
        "type": schema["type"],
        "required": [name for name in schema["required"] if name not in ignored],
        "properties": {
            name: {"type": (definitions[each["$ref"]] if "$ref" in each else each)["type"]}
            for name, each in schema["properties"].items()
            if name not in ignored
        },
    }


def _cases(pattern):
    return [case for path in sorted(WIRE.glob(pattern)) for case in json.loads(path.read_text("utf-8"))]


def _parsed(case):
    body = case["base64"] if "base64" in case else case["body"]
    if isinstance(body, dict):
        body = body.get("before", "") + body["repeat"] * body["times"] + body.get("after", "")
    # API Gateway looks at a body as it came; only its binary media types, of which we have none, come as base64.
    return json.loads(base64.b64decode(body) if "base64" in case or case.get("is_base64") else body)


def _structural(schema, data, ignored):
    """Tell whether *schema* refuses *data* because something that counts is missing or of another type."""
    required = [name for name in schema["required"] if name not in ignored]
    properties = {name: each for name, each in schema["properties"].items() if name not in ignored}
    validator = Draft202012Validator(schema | {"required": required, "properties": properties})
    return any(error.validator in {"required", "type"} for error in validator.iter_errors(data))


NO_TEXT = [None, True, 5, 0.5, [], ["Ada"], {}]
DATA = [
    *(case["data"] for case in _cases("registrations-*.json")),
    *({name: text for name, text in ADA.items() if name != missing} for missing in ADA),
    *(ADA | {name: value} for name in ADA for value in NO_TEXT),
    *NO_TEXT,
    json.dumps(ADA),
]


# By mode, what a registration needn't say and the function doesn't look at.
IGNORED = {"open": frozenset(), "managed": frozenset({"eventname"})}


@pytest.fixture(scope="module", params=IGNORED.values(), ids=IGNORED.keys())
def ignored(request):
    """Return what is ignored in each mode."""
    return request.param


@pytest.fixture(scope="module")
def model(ignored):
    """Return the model as the API has it in each mode."""
    (mode,) = (mode for mode, names in IGNORED.items() if names == ignored)
    stack = template.Stack(TEMPLATE, Events=mode)
    model = stack["RegistrationModel"]
    assert stack["RegistrationsPost"]["RequestModels"] == {model["ContentType"]: model["Name"]}
    return model["Schema"]


class TestRequestModel:
    """What API Gateway looks at before it calls the function."""

    def test_is_the_schemas_structure(self, model, ignored):
        """The model is derived from the published schema, and valid by the draft that API Gateway speaks."""
        Draft4Validator.check_schema(model)

        assert model == _model_of(_schema("registration"), ignored)

    def test_takes_every_body_that_the_function_takes(self, model):
        """No body that the function accepts is kept from it."""
        accepted = _cases("bodies-accepted.json")

        refused = [case["description"] for case in accepted if not Draft4Validator(model).is_valid(_parsed(case))]

        assert len(accepted) > 10
        assert refused == []

    @pytest.mark.parametrize("name", [None, 5, "Another", "www.example.org"], ids=repr)
    def test_a_name_that_does_not_count_is_let_through(self, name):
        """With managed events the function ignores the event's name, whatever it is, and so does the model."""
        model = template.Stack(TEMPLATE, **MANAGED)["RegistrationModel"]
        body = {key: value for key, value in ADA.items() if key != "eventname"}
        with contextlib.closing(SQLiteEventRepository(":memory:")) as repository:
            repository.create_event(_event(ADA["eventid"]))
            managed = Settings(events=EventsMode.MANAGED, confirmation=Confirmation.OUTBOX)
            handler = make_lambda_handler(repository=repository, settings=managed)

            answers = [handler(_post(each), CONTEXT) for each in (body, body | {"eventname": name})]

        assert [answer["statusCode"] for answer in answers] == [201, 201]
        assert Draft4Validator(model["Schema"]).is_valid(body)
        assert Draft4Validator(model["Schema"]).is_valid(body | {"eventname": name})

    def test_judges_structure_and_nothing_else(self, model, ignored):
        """The model refuses what the schema refuses as missing or no text, and leaves values to the function."""
        schema = _schema("registration")

        judged = [(data, Draft4Validator(model).is_valid(data)) for data in DATA]

        assert [data for data, accepted in judged if accepted is _structural(schema, data, ignored)] == []
        assert {accepted for _, accepted in judged} == {True, False}

    def test_is_applied(self):
        """Posts are held to the model before the function is called; what a browser asks first has no body."""
        stack = template.Stack(TEMPLATE)

        validators = {(each["HttpMethod"], each.get("RequestValidatorId")) for each in _methods(stack)}

        assert validators == {("POST", "events-bodyvalidator"), ("OPTIONS", None), ("GET", None)}
        assert stack["BodyValidator"]["ValidateRequestBody"] is True


class TestLinkModel:
    """What API Gateway looks at of what a link's page posts."""

    def test_asks_for_a_token(self):
        """A body must be an object with a token, which is text; whether it is good is the function's to say."""
        model = template.Stack(TEMPLATE)["LinkModel"]["Schema"]
        Draft4Validator.check_schema(model)

        accepted = [body for body in LINK_BODIES if Draft4Validator(model).is_valid(body)]

        assert accepted == [{"token": "v1.k1.payload.mac"}, {"token": ""}, {"token": "t", "more": [None]}]

    @pytest.mark.parametrize("name", ["ViewPost", "CancelPost"])
    def test_is_applied(self, name):
        """Both routes are held to it before the function is called."""
        stack = template.Stack(TEMPLATE)

        method, model = stack[name], stack["LinkModel"]

        assert method["RequestModels"] == {model["ContentType"]: model["Name"]}
        assert method["RequestValidatorId"] == _physical("BodyValidator")


LINK_BODIES = [
    {"token": "v1.k1.payload.mac"},
    {"token": ""},
    {"token": "t", "more": [None]},
    {},
    {"Token": "t"},
    *({"token": value} for value in NO_TEXT),
    *NO_TEXT,
    "v1.k1.payload.mac",
]


def _methods(stack):
    return stack.of_type("AWS::ApiGateway::Method").values()


def _variables(stack, function=FUNCTION):
    return stack[function]["Environment"]["Variables"]


ORIGINS = {
    "CloudFront": {},
    "S3Website": {"SiteHosting": "S3Website"},
    "a host of one's own": {"AllowedOrigin": "https://events.example.org"},
    "an address with a port": {"AllowedOrigin": "http://127.0.0.1:8000"},
    "one's own host beside S3Website": {"AllowedOrigin": "https://a.example", "SiteHosting": "S3Website"},
}


class TestOwnAnswers:
    """What API Gateway answers by itself."""

    @pytest.mark.parametrize("parameters", ORIGINS.values(), ids=ORIGINS.keys())
    def test_the_allowed_origin_reads_them(self, parameters):
        """Every such answer lets the pages of the one origin read it that the function lets post."""
        stack = template.Stack(TEMPLATE, **parameters)

        responses = stack.of_type("AWS::ApiGateway::GatewayResponse").values()

        header = "gatewayresponse.header.Access-Control-Allow-Origin"
        origin = stack.outputs["AllowedOrigin"]
        assert {each["ResponseType"] for each in responses} == {"BAD_REQUEST_BODY", "DEFAULT_4XX", "DEFAULT_5XX"}
        assert {each["ResponseParameters"][header] for each in responses} == {f"'{origin}'"}
        assert Settings.from_environ(_variables(stack)).allowed_origins == {origin}

    def test_they_have_our_headers(self):
        """Every such answer has the headers that every answer of ours has."""
        responses = template.Stack(TEMPLATE).of_type("AWS::ApiGateway::GatewayResponse").values()

        ours = {f"gatewayresponse.header.{name}": f"'{text}'" for name, text in HEADERS.items()}
        assert [
            each["ResponseType"] for each in responses if not ours.items() <= each["ResponseParameters"].items()
        ] == []

    @pytest.mark.parametrize("mode", ["open", "managed"])
    def test_a_refused_body_is_a_problem(self, mode):
        """What the model refuses is answered with a problem of our own kind, its status, and a documented code."""
        stack = template.Stack(TEMPLATE, Events=mode)
        response = stack["BadRequestBody"]
        body = response["ResponseTemplates"]["application/json"]
        problem = json.loads(body)

        page = (ROOT / "docs" / "http-api.md").read_text("utf-8")
        Draft202012Validator(_schema("problem")).validate(problem)
        assert (response["StatusCode"], problem["status"], problem["errors"]) == ("400", 400, [])
        assert response["ResponseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert re.search(rf"^\| {problem['status']} \|[^|]*`{problem['code']}`", page, re.MULTILINE)
        assert [name for name in ADA if name in problem["detail"]] == stack["RegistrationModel"]["Schema"]["required"]
        assert [name for name in stack["LinkModel"]["Schema"]["required"] if name not in problem["detail"]] == []
        # API Gateway reads it as a template of Velocity's, and these are its signs.
        assert not set(body) & set("$#")


class TestTable:
    """The table, which holds what must not be lost."""

    def test_keys(self):
        """An item is a person at an event."""
        table = template.Stack(TEMPLATE)["RegistrationTable"]

        assert table["KeySchema"] == [
            {"AttributeName": "eventid", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ]

    def test_outlives_everything(self):
        """The table stays when its stack goes, nobody deletes it by mistake, and any second of it can be restored."""
        declared = TEMPLATE["Resources"]["RegistrationTable"]
        table = template.Stack(TEMPLATE)["RegistrationTable"]

        assert (declared["DeletionPolicy"], declared["UpdateReplacePolicy"]) == ("Retain", "Retain")
        assert table["DeletionProtectionEnabled"] is True
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}

    def test_keeps_nothing_in_clear_and_nothing_too_long(self):
        """Items are encrypted with a key whose use is on record, and go when their time is over."""
        table = template.Stack(TEMPLATE)["RegistrationTable"]

        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}

    def test_has_the_name_that_the_operator_chose(self):
        """The table's name is a parameter, and the function is told it."""
        stack = template.Stack(TEMPLATE, TableName="meetups")

        assert stack["RegistrationTable"]["TableName"] == "meetups"
        assert Settings.from_environ(_variables(stack)).table == "meetups"


class TestLinks:
    """The keys of the links in mails, and where those lead."""

    def test_keys_are_generated(self):
        """
        Each stack gets a first key of its own, which the code can read.

        What it is generated from never changes: CloudFormation would generate anew, and every link would end.
        """
        (secret,) = template.Stack(TEMPLATE, **MANAGED).of_type("AWS::SecretsManager::Secret").values()

        generated = secret["GenerateSecretString"]

        assert generated == {
            "SecretStringTemplate": '{"current": "k1"}',
            "GenerateStringKey": "k1",
            "PasswordLength": 64,
            "ExcludePunctuation": True,
        }
        assert Keyring.from_text(_generated(generated)).current == "k1"

    def test_nobody_knows_them(self):
        """No key and no name that could be guessed stands in the template, its outputs or the function's variables."""
        secret = template.Stack(TEMPLATE, **MANAGED)["LinkKeys"]

        assert secret.keys() == {"Description", "GenerateSecretString"}

    def test_they_go_with_the_stack(self):
        """The secret goes when its stack does, as do the page and the API that links need."""
        declared = TEMPLATE["Resources"]["LinkKeys"]

        assert (declared["DeletionPolicy"], declared["UpdateReplacePolicy"]) == ("Delete", "Delete")

    @pytest.mark.parametrize("function", [FUNCTION, SENDER])
    def test_the_functions_are_told_them(self, function):
        """Both functions read the stack's own secret, which is among the outputs for the commands."""
        stack = template.Stack(TEMPLATE, **MANAGED)

        settings = Settings.from_environ(_variables(stack, function))

        assert settings.link_keys == _link_keys() == stack.outputs["LinkKeys"]

    def test_open_events_have_none(self):
        """Without managed events there is no secret, no right to read one, and nothing to pay."""
        stack = template.Stack(TEMPLATE, **OPEN)

        assert "LinkKeys" not in {*stack.resources, *stack.outputs}
        assert "secretsmanager" not in json.dumps([stack[role] for role in ROLES.values()])

    @pytest.mark.parametrize("parameters", ORIGINS.values(), ids=ORIGINS.keys())
    def test_lead_to_who_may_read_the_answer(self, parameters):
        """The page of the links is on the one origin whose pages the function answers."""
        stack = template.Stack(TEMPLATE, **parameters)

        signing, answering = (Settings.from_environ(_variables(stack, each)) for each in (SENDER, FUNCTION))

        assert signing.manage_url == answering.manage_url == f"{stack.outputs['AllowedOrigin']}/manage.html"
        assert {signing.manage_url.removesuffix("/manage.html")} == answering.allowed_origins


def _link_keys():
    name = f"{_physical('LinkKeys')}-{template.SUFFIX}"
    return f"arn:aws:secretsmanager:{template.REGION}:{template.ACCOUNT}:secret:{name}"


def _generated(properties):
    """Return a secret as Secrets Manager generates it ("AWS::SecretsManager::Secret GenerateSecretString")."""
    with mock_aws(), contextlib.closing(boto3.client("secretsmanager", region_name=template.REGION)) as client:
        password = client.get_random_password(
            PasswordLength=properties["PasswordLength"], ExcludePunctuation=properties["ExcludePunctuation"]
        )["RandomPassword"]
    secret = json.loads(properties["SecretStringTemplate"])
    return json.dumps(secret | {properties["GenerateStringKey"]: password})


# Every way of filling in what a condition asks about.
CHOICES = {
    "Events": ["open", "managed"],
    "Confirmation": ["outbox", "inline"],
    "SenderName": ["", "Événements (2026), Inc."],
    "SenderIdentity": ["", "example.org"],
    "ManageSenderIdentity": ["true", "false"],
    "SesSandbox": ["true", "false"],
    "SiteHosting": ["CloudFront", "S3Website"],
    "AllowedOrigin": ["", "https://events.example.org", "http://127.0.0.1:8000"],
}
# No condition combines these with another: all at once or none of them is every way.
ON_THEIR_OWN = [
    {"ReservedConcurrency": "-1", "ManageApiGatewayAccount": "true", "AlarmTopicArn": ""},
    {"ReservedConcurrency": "5", "ManageApiGatewayAccount": "false", "AlarmTopicArn": TOPIC},
]
ALL_CHOICES = [
    dict(zip(CHOICES, values, strict=True)) | others
    for values in itertools.product(*CHOICES.values())
    for others in ON_THEIR_OWN
]

TYPING_ERRORS = [
    ("SenderAddress", "Events <events@example.org>"),
    ("SenderAddress", "events@example"),
    ("SenderAddress", "events@example..org"),
    ("SenderAddress", "events@@example.org"),
    ("SenderAddress", "*@example.org"),
    ("SenderName", 'The "Events" Team'),
    ("SenderName", "The\tEvents"),
    ("SenderIdentity", "*"),
    ("SenderIdentity", "*@example.org"),
    ("Events", "Managed"),
    ("Events", ""),
    ("Confirmation", "Outbox"),
    ("Confirmation", ""),
    ("TableName", "event management"),
    ("EventIds", "devconf-2026;meetup-7"),
    ("EventIds", "devconf/2026"),
    ("AllowedOrigin", "*"),
    ("AllowedOrigin", "null"),
    ("AllowedOrigin", "events.example.org"),
    ("AllowedOrigin", "https://events.example.org/"),
    ("AllowedOrigin", "https://events.example.org:443"),
    ("AllowedOrigin", "https://a.example,https://b.example"),
    ("AlarmTopicArn", "alarms"),
]


class TestFunction:
    """What the function is given, beside what the code asks for."""

    def test_every_setting_can_be_given(self):
        """
        The template sets each variable that the code knows, and no other; of links and mail only where they are.

        Where templates are says the package itself, which brings them.
        """
        not_here = {*REFUSED, "templates"}
        known = {f"{PREFIX}{each.name.upper()}" for each in attrs.fields(Settings) if each.name not in not_here}
        of_links = {f"{PREFIX}LINK_KEYS", f"{PREFIX}MANAGE_URL"}
        of_requests = {f"{PREFIX}{name}" for name in ("ALLOWED_ORIGINS", "EVENT_IDS", "ON_DUPLICATE")}
        sender = {f"{PREFIX}SENDER"}
        both = template.Stack(TEMPLATE, **MANAGED, **OUTBOX)

        assert _variables(template.Stack(TEMPLATE, **MANAGED, **INLINE)).keys() == known
        assert _variables(template.Stack(TEMPLATE, **OPEN, **INLINE)).keys() == known - of_links
        assert _variables(both).keys() == known - sender
        assert _variables(both, SENDER).keys() == known - of_requests
        assert _variables(template.Stack(TEMPLATE, **OPEN), SENDER).keys() == known - of_requests - of_links

    def test_every_choice_starts(self):
        """Whatever an operator chooses, nothing refers to what isn't made, and each function has its settings."""
        stacks = [template.Stack(TEMPLATE, **choice) for choice in ALL_CHOICES]

        read = [Settings.from_environ(_variables(stack), required=("table",)) for stack in stacks]
        mailers = [SENDER if SENDER in stack.resources else FUNCTION for stack in stacks]
        sending = [
            Settings.from_environ(_variables(stack, mailer), required=("sender", "table"))
            for stack, mailer in zip(stacks, mailers, strict=True)
        ]

        assert {each.sender for each in sending} == {
            "events@example.org",
            "Événements (2026), Inc. <events@example.org>",
        }
        assert {each.allowed_origins for each in read} == {
            frozenset({origin})
            for origin in (
                "https://events-distribution.cloudfront.net",
                "http://events-sitebucket.s3-website-eu-west-1.amazonaws.com",
                "https://events.example.org",
                "http://127.0.0.1:8000",
            )
        }
        assert {each.configuration_set for each in sending} == {"events-configurationset"}
        for each in (read, sending):
            assert [one.events for one in each] == [choice["Events"] for choice in ALL_CHOICES]
            assert [one.confirmation for one in each] == [choice["Confirmation"] for choice in ALL_CHOICES]

    def test_settings_are_the_operators(self):
        """The operator's list of events, treatment of repeats and budget of mails reach the code."""
        stack = template.Stack(TEMPLATE, EventIds="devconf-2026,meetup_7", OnDuplicate="reject", MailsPerDay="12")

        read, sending = (Settings.from_environ(_variables(stack, each)) for each in (FUNCTION, SENDER))

        assert (read.event_ids, read.on_duplicate) == ({"devconf-2026", "meetup_7"}, "reject")
        assert sending.mails_per_day == 12

    @pytest.mark.parametrize("name", ["SenderAddress", "SenderName", "TableName", "EventIds", "AllowedOrigin"])
    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_whatever_is_allowed_starts(self, name, data):
        """No text that the template takes is one that the code refuses to start with."""
        # Hypothesis can't aim past a lookahead.
        pattern = re.sub(r"\(\?[=!][^()]*\)", "", TEMPLATE["Parameters"][name].get("AllowedPattern", ".*"))
        text = data.draw(st.from_regex(pattern, fullmatch=True))
        try:
            stack = template.Stack(TEMPLATE, **{name: text})
        except ValueError:
            reject()

        read = [Settings.from_environ(_variables(stack, each)) for each in (FUNCTION, SENDER)]

        assert [bool(each.sender) for each in read] == [False, True]

    @pytest.mark.parametrize(("name", "text"), TYPING_ERRORS)
    def test_a_typing_error_ends_the_deployment(self, name, text):
        """What the code would refuse, or IAM would read as a wildcard, CloudFormation refuses first."""
        with pytest.raises(ValueError, match=name):
            template.Stack(TEMPLATE, **{name: text})

    def test_has_time_to_answer(self):
        """The function has the time that a registration's schedule divides, and answers before the form gives up."""
        timeout = template.Stack(TEMPLATE)["Function"]["Timeout"]

        client = (ROOT / "web" / "client.mjs").read_text("utf-8")
        (patience,) = re.findall(r"^export const TIMEOUT = ([\d_]+);", client, re.MULTILINE)
        assert _ROOMY_SECONDS <= timeout < int(patience) / 1000

    @pytest.mark.parametrize("mode", ["open", "managed"])
    def test_the_api_has_four_routes(self, mode):
        """Registrations and links are posted and cards got, with OPTIONS to ask first, and all are the function's."""
        stack = template.Stack(TEMPLATE, Events=mode)
        paths = {_physical(name): _path(stack, name) for name in stack.of_type("AWS::ApiGateway::Resource")}

        routes = {
            (each["HttpMethod"], paths[each["ResourceId"]], each["Integration"]["Type"]) for each in _methods(stack)
        }

        assert routes == {
            ("POST", "/registrations", "AWS_PROXY"),
            ("OPTIONS", "/registrations", "AWS_PROXY"),
            ("POST", "/registrations/view", "AWS_PROXY"),
            ("OPTIONS", "/registrations/view", "AWS_PROXY"),
            ("POST", "/registrations/cancel", "AWS_PROXY"),
            ("OPTIONS", "/registrations/cancel", "AWS_PROXY"),
            ("GET", "/events/{eventid}", "AWS_PROXY"),
            ("OPTIONS", "/events/{eventid}", "AWS_PROXY"),
        }

    def test_every_route_is_served(self):
        """The snapshot that API Gateway serves is taken when all methods and all answers of its own are there."""
        served = set(TEMPLATE["Resources"]["ApiDeployment"]["DependsOn"])

        stack = template.Stack(TEMPLATE)

        kinds = ("AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse")
        assert served == {name for kind in kinds for name in stack.of_type(kind)}


def _physical(name):
    return f"{template.STACK}-{name}".lower()


def _path(stack, name):
    """Return the whole path of a resource of the API."""
    resource = stack[name]
    parents = {_physical(each): each for each in stack.of_type("AWS::ApiGateway::Resource")}
    above = _path(stack, parents[resource["ParentId"]]) if resource["ParentId"] in parents else ""
    return f"{above}/{resource['PathPart']}"


# Whom the schedule calls in each mode, and whom SES's word that a mail came back.
CALLED = {
    "open inline": ([], []),
    "open outbox": ([SENDER], [SENDER]),
    "managed inline": ([FUNCTION], [FUNCTION]),
    "managed outbox": ([FUNCTION, SENDER], [SENDER]),
}


class TestRules:
    """What has waiting lists served, mails sent and what came back marked."""

    @pytest.mark.parametrize("mode", MODES, ids=lambda mode: " ".join(mode.values()))
    def test_call_the_functions(self, mode):
        """Every minute a rule calls who has something to do, another who hears of mails; and nobody else is called."""
        stack = template.Stack(TEMPLATE, **mode)
        scheduled, told = ([f"{_physical(name)}.Arn" for name in names] for names in CALLED[" ".join(mode.values())])

        rules = stack.of_type("AWS::Events::Rule")

        called = {name: [target["Arn"] for target in rule["Targets"]] for name, rule in rules.items()}
        assert called == {name: arns for name, arns in (("Schedule", scheduled), ("Feedback", told)) if arns}
        assert {name: rule.get("ScheduleExpression") for name, rule in rules.items() if name == "Schedule"} == {
            name: "rate(1 minute)" for name in rules if name == "Schedule"
        }
        assert {rule["State"] for rule in rules.values()} <= {"ENABLED"}
        assert {name: stack.outputs.get(name) for name in rules} == {name: _physical(name) for name in rules}

    def test_repeat_nothing_else(self):
        """With an outbox Lambda repeats and keeps no call of the function's schedule: the next minute has its own."""
        stack = template.Stack(TEMPLATE, **MANAGED, **OUTBOX)

        asked = stack["ScheduledInvocations"]

        assert asked["FunctionName"] == stack.outputs["FunctionName"]
        assert (asked["Qualifier"], asked["MaximumRetryAttempts"]) == ("$LATEST", 0)
        assert asked["MaximumEventAgeInSeconds"] == 60

    @pytest.mark.parametrize(
        ("mode", "name"), [(MANAGED | INLINE, "ScheduledInvocations"), (MANAGED | OUTBOX, "SenderInvocations")]
    )
    def test_repeat_what_came_back(self, mode, name):
        """Who marks what came back is called again if that fails, after a minute and after two; no pile grows."""
        stack = template.Stack(TEMPLATE, **mode)

        asked = stack[name]

        assert f"{asked['FunctionName']}.Arn" == stack["Feedback"]["Targets"][0]["Arn"]
        assert (asked["Qualifier"], asked["MaximumRetryAttempts"]) == ("$LATEST", 2)
        assert 180 < asked["MaximumEventAgeInSeconds"] <= 300

    def test_what_came_back_is_told(self):
        """The configuration set tells the default bus of bounces and complaints, and the rule takes this set's."""
        stack = template.Stack(TEMPLATE, **OUTBOX)

        destination = stack["ReturnedMail"]["EventDestination"]
        pattern = stack["Feedback"]["EventPattern"]

        assert stack["ReturnedMail"]["ConfigurationSetName"] == stack.outputs["ConfigurationSet"]
        assert destination["Enabled"] is True
        assert destination["MatchingEventTypes"] == ["bounce", "complaint"]
        assert destination["EventBridgeDestination"]["EventBusArn"].endswith(":event-bus/default")
        assert pattern == {
            "source": ["aws.ses"],
            "detail": {
                "eventType": ["Bounce", "Complaint"],
                "mail": {"tags": {"ses:configuration-set": [stack.outputs["ConfigurationSet"]]}},
            },
        }

    def test_open_events_inline_need_none(self):
        """With one function that may write rows and nothing else, nothing is called, paid for and watched."""
        stack = template.Stack(TEMPLATE, **OPEN, **INLINE)

        kinds = ("AWS::Events::Rule", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping")
        assert [name for kind in kinds for name in stack.of_type(kind)] == []
        assert {"QueueTroubleAlarm", "ReturnedMail", "FailedMails"} & set(stack.resources) == set()
        assert {"Schedule", "Feedback"} & set(stack.outputs) == set()
        assert len(stack.of_type("AWS::Lambda::Function")) == 1


class TestOutbox:
    """What is still to be mailed: where it is found, and what calls the sender with it."""

    @pytest.mark.parametrize("mode", MODES, ids=lambda mode: " ".join(mode.values()))
    def test_is_found_by_an_index(self, mode):
        """The table has the index in every mode, so that nothing is lost between two; deploy adds the same."""
        table = template.Stack(TEMPLATE, **mode)["RegistrationTable"]

        (index,) = table["GlobalSecondaryIndexes"]

        assert index == tables.DEFINITION
        assert tables.keys_of(table, index) == tables.INDEX_KEYS
        assert tables.keys_of(table) == tables.KEYS

    @pytest.mark.parametrize("mail", [state.value for state in MailState])
    @pytest.mark.parametrize("kind", ["INSERT", "MODIFY"])
    def test_wakes_the_sender_when_it_is_due(self, mail, kind):
        """Of the table's changes the sender gets those that leave a mail due, and none that it makes itself."""
        mapping = template.Stack(TEMPLATE)["SenderStream"]

        (pattern,) = (json.loads(each["Pattern"]) for each in mapping["FilterCriteria"]["Filters"])

        record = {"eventName": kind, "dynamodb": {"Keys": {}, "NewImage": {"mail": {"S": mail}}}}
        removed = {"eventName": "REMOVE", "dynamodb": {"Keys": {}}}
        assert _matches(pattern, record) is (mail == "due")
        assert not _matches(pattern, removed)

    def test_is_given_up_where_it_is_seen(self):
        """What the stream can't bring is split, tried again, and then named in a queue that an alarm watches."""
        stack = template.Stack(TEMPLATE)

        mapping, queue, alarm = (stack[name] for name in ("SenderStream", "FailedMails", "FailedMailsAlarm"))

        assert mapping["EventSourceArn"] == stack.outputs["TableStreamArn"]
        assert mapping["FunctionName"] == stack.outputs["SenderFunctionName"]
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["BisectBatchOnFunctionError"] is True
        assert 0 < mapping["MaximumRetryAttempts"] < 10
        assert mapping["DestinationConfig"] == {"OnFailure": {"Destination": _queue_arn()}}
        assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 14 * 24 * 60 * 60)
        assert _dimensions(alarm) == {"QueueName": _physical("FailedMails")}
        assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 1)

    def test_is_read_from_the_beginning(self):
        """What is stored until Lambda begins to read is read, too; in time, or the sweep and an alarm have it."""
        stack = template.Stack(TEMPLATE)

        mapping, alarm = stack["SenderStream"], stack["LateMailsAlarm"]

        assert mapping["StartingPosition"] == "TRIM_HORIZON"
        assert alarm["Threshold"] / 1000 < mapping["MaximumRecordAgeInSeconds"] < 24 * 60 * 60

    def test_a_sweep_ends_before_the_next(self):
        """The sender is over when its schedule calls it again: no two sweeps take SES's rate twice."""
        assert template.Stack(TEMPLATE)[SENDER]["Timeout"] < 60


def _matches(pattern, value):
    """Tell whether Lambda's filter takes *value* ("Filter rule syntax", equality alone)."""
    if isinstance(pattern, list):
        return value in pattern
    return isinstance(value, dict) and all(_matches(each, value.get(name)) for name, each in pattern.items())


def _queue_arn():
    return f"arn:aws:sqs:{template.REGION}:{template.ACCOUNT}:{_physical('FailedMails')}"


class TestAlarms:
    """What rings, and where."""

    @staticmethod
    def _alarms(**parameters):
        return template.Stack(TEMPLATE, **parameters).of_type("AWS::CloudWatch::Alarm")

    def test_quiet_is_no_trouble(self):
        """Each alarm says what no data means."""
        assert [name for name, each in self._alarms().items() if "TreatMissingData" not in each] == []

    def test_they_ring_where_the_operator_said(self):
        """With a topic each alarm is sent there, when it begins and when it ends; without one none is sent anywhere."""
        ways = [
            {
                name: (each.get("AlarmActions"), each.get("OKActions"))
                for name, each in self._alarms(**parameters).items()
            }
            for parameters in ({"AlarmTopicArn": TOPIC}, {})
        ]

        assert set(map(str, ways[0].values())) == {str(([TOPIC], [TOPIC]))}
        assert set(map(str, ways[1].values())) == {str(([], []))}

    def test_they_watch_what_is_deployed(self):
        """Each alarm's metric is that of our function, API and stage, or the account's where SES knows no other."""
        stack = template.Stack(TEMPLATE)
        api = {"ApiName": stack["Api"]["Name"], "Stage": stack["ApiStage"]["StageName"]}
        function, sender = ({"FunctionName": stack.outputs[name]} for name in ("FunctionName", "SenderFunctionName"))

        watched = {(each["Namespace"], tuple(_dimensions(each).items())) for each in self._alarms().values()}

        assert watched == {
            ("AWS/Lambda", tuple(function.items())),
            ("AWS/ApiGateway", tuple(api.items())),
            ("AWS/Lambda", tuple(sender.items())),
            ("AWS/SES", ()),
            ("AWS/SQS", (("QueueName", _physical("FailedMails")),)),
            ("EventRegistration", tuple(function.items())),
            ("EventRegistration", tuple(sender.items())),
        }

    def test_a_mail_that_is_late_rings(self, capsys):
        """The metric that the function writes when a mail is late is the one that an alarm watches."""
        alarm = self._alarms(**INLINE)["MailTroubleAlarm"]
        notifier = RecordingNotifier([NotifierError("SES can't be called.")])
        with contextlib.closing(SQLiteRepository(":memory:")) as repository:
            handler = make_lambda_handler(repository=repository, notifier=notifier, settings=Settings())

            handler(POST | {"body": json.dumps(ADA)}, CONTEXT)

        line = json.loads(capsys.readouterr().out)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert alarm["Namespace"] == directive["Namespace"]
        assert {"Name": alarm["MetricName"]} in directive["Metrics"]
        assert _dimensions(alarm) in [{name: line[name] for name in names} for names in directive["Dimensions"]]
        assert line[alarm["MetricName"]] >= alarm["Threshold"]

    def test_queues_that_can_not_be_served_ring(self, capsys):
        """The metric that the function writes when a queue fails is watched, and rings if most minutes of five fail."""
        alarm = self._alarms(**MANAGED)["QueueTroubleAlarm"]
        with contextlib.closing(_Unavailable(":memory:")) as repository:
            managed = Settings(events=EventsMode.MANAGED, confirmation=Confirmation.OUTBOX)
            handler = make_lambda_handler(repository=repository, settings=managed)

            handler(SCHEDULE, CONTEXT)

        line = json.loads(capsys.readouterr().out)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert alarm["Namespace"] == directive["Namespace"]
        assert {"Name": alarm["MetricName"]} in directive["Metrics"]
        assert _dimensions(alarm) in [{name: line[name] for name in names} for names in directive["Dimensions"]]
        assert 1 < alarm["Threshold"] <= line[alarm["MetricName"]] * alarm["Period"] / 60


class _Unavailable(SQLiteEventRepository):
    """A repository that can't be reached."""

    def list_events(self):
        """Raise."""
        raise RepositoryUnavailableError("DynamoDB can't be reached (EndpointConnectionError).")


def _dimensions(alarm):
    return {each["Name"]: each["Value"] for each in alarm.get("Dimensions", [])}


class TestSite:
    """The site's bucket and what is sent with its pages."""

    @staticmethod
    def _policy(text):
        return {name: set(sources) for name, *sources in (part.split() for part in text.split(";"))}

    def test_pages_may_do_what_they_may_on_a_laptop(self):
        """The pages have the local server's policy, but that they post to the API and nowhere else."""
        stack = template.Stack(TEMPLATE)
        headers = stack["SecurityHeaders"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]

        policy = self._policy(headers["ContentSecurityPolicy"]["ContentSecurityPolicy"])

        host = re.match(r"https://[^/]+", stack.outputs["ApiUrl"])[0]
        assert policy == self._policy(_SITE_HEADERS["Content-Security-Policy"]) | {"connect-src": {host}}
        assert headers["ReferrerPolicy"]["ReferrerPolicy"] == _SITE_HEADERS["Referrer-Policy"]
        assert _SITE_HEADERS["X-Content-Type-Options"] == "nosniff"
        assert headers.keys() >= {"ContentTypeOptions"}
        assert all(each["Override"] is True for each in headers.values())

    def test_cloudfront_alone_reads_the_bucket(self):
        """Behind CloudFront the bucket is closed to all but the site's own distribution, and to all without TLS."""
        stack = template.Stack(TEMPLATE)

        allowed, denied = stack["SiteBucketPolicy"]["PolicyDocument"]["Statement"]

        arn = f"arn:aws:cloudfront::{template.ACCOUNT}:distribution/events-distribution"
        assert set(stack["SiteBucket"]["PublicAccessBlockConfiguration"].values()) == {True}
        assert (allowed["Effect"], allowed["Principal"]) == ("Allow", {"Service": "cloudfront.amazonaws.com"})
        assert allowed["Condition"] == {"StringEquals": {"aws:SourceArn": arn}}
        assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})

    @pytest.mark.parametrize("hosting", ["CloudFront", "S3Website"])
    def test_the_bucket_is_read_only(self, hosting):
        """Whoever the bucket is open to can read its objects, and do nothing else."""
        statements = template.Stack(TEMPLATE, SiteHosting=hosting)["SiteBucketPolicy"]["PolicyDocument"]["Statement"]

        granted = [(each["Action"], each["Resource"]) for each in statements if each["Effect"] == "Allow"]

        assert granted == [("s3:GetObject", "events-sitebucket.Arn/*")]


class TestForm:
    """The template as operators meet it."""

    def test_every_parameter_is_explained(self):
        """Each parameter has a sentence on it."""
        parameters = TEMPLATE["Parameters"]

        assert [name for name, each in parameters.items() if len(each.get("Description", "").split()) < 3] == []

    def test_every_parameter_is_in_one_group(self):
        """The console shows each parameter once, under a heading."""
        groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

        listed = Counter(name for group in groups for name in group["Parameters"])

        assert listed == Counter(TEMPLATE["Parameters"].keys())

    def test_conditions_are_named_alike(self):
        """A condition says what the stack has."""
        assert [name for name in TEMPLATE["Conditions"] if not re.match("Has[A-Z]", name)] == []

    def test_is_sent_inline(self):
        """CloudFormation takes it as it is, without a bucket ("CloudFormation quotas", template body)."""
        assert len(template.PATH.read_bytes()) < 51_200
