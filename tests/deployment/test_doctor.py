"""What doctor says of a stack that is right, of one that isn't, and whether its remedies mend it."""

import io
import itertools
import json
import os
import shlex
import zipfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from botocore.validate import validate_parameters
from click.testing import CliRunner

from event_registration.assets import site_files, site_folder, template_file
from event_registration.cli import main
from event_registration.deployment.account import Account
from event_registration.deployment.diagnosis import Deployed
from event_registration.deployment.doctor import CHECKS, Finding, Severity, examine
from event_registration.deployment.site import upload
from event_registration.deployment.stack import Stack
from event_registration.deployment.table import DEFINITION
from event_registration.errors import DeploymentError

NEEDS = sorted({action for check in CHECKS for action in check.needs})
# The emulator asks for no permission to the account's limits, asks for other ones to a function's and to what calls it,
# and S3 asks for this one only if the object isn't there.
NEVER_ASKED = {
    *("lambda:GetAccountSettings", "lambda:GetFunctionConcurrency", "lambda:GetEventSourceMapping"),
    "s3:ListBucket",
}
ASKED_IN_PLACE = {"lambda:PutFunctionConcurrency", "lambda:ListEventSourceMappings"}
ORIGINS = "EVENT_REGISTRATION_ALLOWED_ORIGINS"
EVENTS = "EVENT_REGISTRATION_EVENTS"
CONFIRMATION = "EVENT_REGISTRATION_CONFIRMATION"
LINK_KEYS = "EVENT_REGISTRATION_LINK_KEYS"
MANAGE_URL = "EVENT_REGISTRATION_MANAGE_URL"
ALLOW_ORIGIN = "gatewayresponse.header.Access-Control-Allow-Origin"
NUMBERS = itertools.count()
ALARM = {
    "LogicalResourceId": "Alarm",
    "PhysicalResourceId": "events-alarm",
    "ResourceType": "AWS::CloudWatch::Alarm",
    "ResourceStatus": "CREATE_COMPLETE",
    "LastUpdatedTimestamp": 0,
}
LOGGING_ROLE = "arn:aws:iam::000000000000:role/logs"


@pytest.fixture(scope="module", autouse=True)
def account(emulator):
    """Return the emulator's account; nothing in this module reaches another one."""
    with patch.dict(os.environ, emulator.environ(), clear=True):
        account = Account()
        role = account.client("apigateway").get_account().get("cloudwatchRoleArn")
        yield account
        _log_as(account, role)


@pytest.fixture(scope="module")
def parts(account):
    """Return the parameters for what a stack needs and doesn't make: the function's package and the alarms' topic."""
    account.client("s3").create_bucket(
        Bucket="doctor-code", CreateBucketConfiguration={"LocationConstraint": account.region}
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for entry in ("lambda_function.py", "stream_function.py"):
            archive.writestr(entry, "")
    account.client("s3").put_object(Bucket="doctor-code", Key="function.zip", Body=packed.getvalue())
    topic = account.client("sns").create_topic(Name="doctor")["TopicArn"]
    account.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="operator@example.org")
    return {"CodeBucket": "doctor-code", "CodeKey": "function.zip", "AlarmTopicArn": topic}


class Deployment:
    """A stack of our own template that is right in every respect, until a test changes it."""

    def __init__(self, account, **parameters):
        self.account = account
        self.name = f"doctor-{next(NUMBERS)}"
        given = {"SenderAddress": f"{self.name}@example.org", "TableName": self.name} | parameters
        self.client("cloudformation").create_stack(
            StackName=self.name,
            TemplateBody=template_file().read_text(),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        self.outputs = Stack(account, self.name).outputs()
        # What the emulator leaves out of the template, and a rule of it that nobody there can keep: it speaks no TLS.
        self.expire("expires_at")
        self.restore(enabled=True)
        self.client("s3").delete_bucket_policy(Bucket=self.outputs["SiteBucket"])
        files = site_files(self.outputs["ApiUrl"], managed=self.outputs["Events"] == "managed")
        needed = [file for file in files if file.key == "config.mjs" or file.key.endswith(".html")]
        list(upload(account, self.outputs["SiteBucket"], needed))
        self.reset()

    def client(self, service):
        """Return the account's client."""
        return self.account.client(service)

    def reset(self):
        """Set right what all stacks of an account share."""
        self.set_production_access(granted=True)
        self.log_as(LOGGING_ROLE)

    def rest(self):
        """Have its schedule call its function no more: with sixty stacks that would be sixty processes a minute."""
        with suppress(ClientError, KeyError):  # a test may have deleted the rule, or there is none
            self.client("events").disable_rule(Name=self.outputs["Schedule"])

    def restore(self, *, enabled):
        """Switch the table's point-in-time recovery."""
        self.client("dynamodb").update_continuous_backups(
            TableName=self.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
        )

    def expire(self, attribute):
        """Have DynamoDB delete by *attribute*, or by none."""
        specification = {"AttributeName": attribute or "expires_at", "Enabled": bool(attribute)}
        self.client("dynamodb").update_time_to_live(TableName=self.name, TimeToLiveSpecification=specification)

    def log_as(self, role):
        """Set the account's role for API Gateway's logs, or take it away."""
        _log_as(self.account, role)

    def set_production_access(self, *, granted):
        """Take the account into SES's sandbox or out of it."""
        self.client("sesv2").put_account_details(
            MailType="TRANSACTIONAL", WebsiteURL="https://example.org", ProductionAccessEnabled=granted
        )

    @property
    def variables(self):
        """The function's variables."""
        return self.variables_of("FunctionName")

    @variables.setter
    def variables(self, variables):
        self.set_variables(variables, "FunctionName")

    def variables_of(self, output):
        """Return the variables of one of the functions."""
        name = self.outputs[output]
        return self.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def set_variables(self, variables, output):
        """Set the variables of one of the functions."""
        name = self.outputs[output]
        self.client("lambda").update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    def destinations(self):
        """Return whom SES tells what becomes of mails."""
        name = self.outputs["ConfigurationSet"]
        answer = self.client("sesv2").get_configuration_set_event_destinations(ConfigurationSetName=name)
        return answer["EventDestinations"]

    def alarm_names(self):
        """Return the names of the stack's alarms."""
        resources = Stack(self.account, self.name).resources()
        return {logical: physical for logical, physical in resources.items() if logical.endswith("Alarm")}

    def troubles(self, check, **outputs):
        """Return what one check finds wrong."""
        return _troubles(check, self.account, self.name, **self.outputs | outputs)

    def examine(self, **outputs):
        """Return all findings."""
        return _readable(examine(self.account, self.outputs | outputs, stack=self.name), self.account)

    def wrongs(self, **outputs):
        """Return the findings that are no OK."""
        return [each for each in self.examine(**outputs) if each.severity is not Severity.OK]

    def obey(self, remedy):
        """Carry out the commands of a remedy."""
        for line in remedy.splitlines():
            if line.startswith("aws "):
                service, method, arguments = _understood(line, self.account)
                getattr(self.client(service), method)(**arguments)


def _log_as(account, role):
    operation = {"op": "replace", "value": role} if role else {"op": "remove"}
    account.client("apigateway").update_account(patchOperations=[operation | {"path": "/cloudwatchRoleArn"}])


def _troubles(check, account, stack="events", **outputs):
    """Return what one check finds wrong."""
    (look,) = (each.look for each in CHECKS if each.name == check)
    troubles = look(Deployed(account, stack, outputs))
    findings = (
        Finding(check=check, severity=severity, message=message, remedy=remedy)
        for severity, message, remedy in troubles
    )
    return _readable(findings, account)


def _readable(findings, account):
    """Return *findings*, of which every command is one that its program understands."""
    findings = list(findings)
    for finding in findings:
        for line in finding.remedy.splitlines():
            _understood(line, account)
    return findings


def _understood(line, account):
    """Read a line of a remedy: a command of AWS's by AWS's own model of it, one of ours by its options."""
    program = line.partition(" ")[0]
    if program == "event-registration":
        _, name, *words = shlex.split(line)
        main.commands[name].make_context(name, words)
    if program != "aws":
        return None
    _, service, command, *words, region, place = shlex.split(line)
    assert (region, place) == ("--region", account.region)
    client, method = account.client(service), command.replace("-", "_")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    members = {f"--{xform_name(name, '-')}": (name, member) for name, member in shape.members.items()}
    # The one name that the command line has of its own here: --endpoint-url leaves no room for --endpoint.
    members["--notification-endpoint"] = members.get("--endpoint")
    arguments = {}
    for flag, *values in _options(words):
        name, member = members[flag]
        arguments[name] = _value(values, member)
    validate_parameters(arguments, shape)
    return service, method, arguments


def _options(words):
    starts = [index for index, word in enumerate(words) if word.startswith("--")]
    return [words[start:end] for start, end in zip(starts, [*starts[1:], len(words)], strict=True)]


def _value(values, shape):
    if shape.type_name == "boolean":
        return values != ["false"]
    if shape.type_name == "list" and shape.member.type_name == "string":
        return values
    (text,) = values
    if text[0] in "[{" and shape.type_name != "string":
        return json.loads(text)
    if shape.type_name == "list":
        return [_value(values, shape.member)]
    if shape.type_name == "structure":
        pairs = (pair.partition("=") for pair in text.split(","))
        return {name: _value([value], shape.members[name]) for name, _, value in pairs}
    return {"double": float, "integer": int}.get(shape.type_name, str)(text)


@pytest.fixture(scope="module")
def sound(account, parts):
    """Return a stack that is right in every respect, which no test changes."""
    return Deployment(account, **parts)


@pytest.fixture
def patient(account, parts):
    """Return a stack that is right in every respect, for a test to change."""
    patient = Deployment(account, **parts)
    yield patient
    patient.reset()
    patient.rest()


def test_finds_nothing_wrong_with_a_sound_stack(sound):
    """A stack that is right gets one OK per check, in the checks' order."""
    findings = sound.examine()

    assert findings == [Finding(check=check.name, severity=Severity.OK, message=check.well) for check in CHECKS]


def test_keeps_its_names():
    """Programs that read the findings know the checks by these names, in this order."""
    assert [check.name for check in CHECKS] == [
        "ses-sandbox",
        "ses-quota",
        "ses-identity",
        "ses-configuration-set",
        "table-layout",
        "table-index",
        "table-ttl",
        "table-recovery",
        "table-protection",
        "events-mode",
        "schedule",
        "link-keys",
        "link-function",
        "confirmation",
        "sender-stream",
        "feedback",
        "failed-mails",
        "late-mails",
        "cors-origin",
        "https",
        "site-config",
        "alarms",
        "api-logging-role",
        "concurrency",
    ]


@pytest.fixture
def answer(account):
    """Return a function that has a service give this answer to this call, once; it then answers nothing else."""
    with ExitStack() as stack:
        stubbers = {}

        def answer(service, method, response, parameters=None):
            if service not in stubbers:
                stubbers[service] = stack.enter_context(Stubber(account.client(service)))
            stubbers[service].add_response(method, response, parameters)

        yield answer


@pytest.fixture(scope="module")
def allowed(emulator, account):
    """Return a function that returns the same account for a user who may do some things and no others."""
    iam = emulator.client("iam")
    iam.create_user(UserName="doctor")
    key = iam.create_access_key(UserName="doctor")["AccessKey"]
    secrets = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    with patch.dict(os.environ, secrets):
        theirs = Account(region=account.region)
        assert theirs.id == account.id

    def allowed(*actions):
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="doctor", PolicyName="doctor", PolicyDocument=document)
        return theirs

    return allowed


def test_needs_no_permission_that_it_does_not_name(sound, allowed):
    """Whoever may do what the checks name, and nothing else, sees all of a stack."""
    account = allowed(*NEEDS, *ASKED_IN_PLACE)

    findings = examine(account, sound.outputs, stack=sound.name)

    assert {each.severity for each in findings} == {Severity.OK}


@pytest.mark.parametrize("action", [action for action in NEEDS if action not in NEVER_ASKED])
def test_says_what_it_may_not_look_at(sound, allowed, action):
    """Without one permission the checks that need it say so, name it, and are no problem; the others go on."""
    account = allowed(*(each for each in NEEDS if each != action), *ASKED_IN_PLACE)

    findings = list(examine(account, sound.outputs, stack=sound.name))

    unseen = [each for each in findings if each.severity is not Severity.OK]
    assert [each.check for each in unseen] == [check.name for check in CHECKS if action in check.needs]
    assert {each.severity for each in unseen} == {Severity.ADVICE}
    assert all("may not do" in each.message and action in each.remedy for each in unseen)


def test_knows_what_sns_calls_a_missing_permission(account):
    """SNS's own name for it is understood as well."""
    with Stubber(account.client("sesv2")) as stubber:
        stubber.add_client_error("get_account", "AuthorizationError")

        finding = next(examine(account, {}, stack="events"))

    assert (finding.check, finding.severity) == ("ses-sandbox", Severity.ADVICE)


def test_leaves_other_refusals_to_its_caller(account):
    """What has nothing to do with the stack ends the examination, as an expired session does."""
    with Stubber(account.client("sesv2")) as stubber:
        stubber.add_client_error("get_account", "ExpiredTokenException")

        with pytest.raises(ClientError, match="ExpiredTokenException"):
            next(examine(account, {}, stack="events"))


def test_says_that_a_stack_is_somebody_elses(sound):
    """A stack without our outputs gets a sentence, with the command that makes it one of ours."""
    with pytest.raises(DeploymentError, match=f"no output SenderIdentity.*deploy --stack {sound.name}"):
        list(examine(sound.account, {}, stack=sound.name))


def test_announces_each_check(sound):
    """Whoever follows hears each check's name before its findings."""
    heard = []

    for finding in examine(sound.account, sound.outputs, stack=sound.name, announce=heard.append):
        assert heard[-1] == finding.check

    assert heard == [check.name for check in CHECKS]


def test_says_that_something_was_deleted(sound):
    """A table that somebody deleted is a problem of each check that looks at it, and the others go on."""
    gone = sound.wrongs(TableName="gone")

    of_the_table = {"table-layout", "table-index", "table-ttl", "table-recovery", "table-protection", "late-mails"}
    assert {each.check for each in gone} == of_the_table
    assert all("was deleted" in each.message and "destroy" in each.remedy for each in gone)


# Mail


def test_sees_the_sandbox(patient):
    """In SES's sandbox it says how to get out, and having asked for it the account is."""
    patient.set_production_access(granted=False)

    (finding,) = patient.troubles("ses-sandbox")

    assert finding.severity is Severity.PROBLEM
    assert "only verified addresses" in finding.message
    patient.obey(finding.remedy)
    assert patient.troubles("ses-sandbox") == []


def test_sees_paused_sending(account, answer):
    """An account that sends nothing is a problem, in production or not."""
    paused = {"SendingEnabled": False, "EnforcementStatus": "SHUTDOWN", "ProductionAccessEnabled": True}
    answer("sesv2", "get_account", paused)

    (finding,) = _troubles("ses-sandbox", account)

    assert finding.severity is Severity.PROBLEM
    assert "paused" in finding.message
    assert "SHUTDOWN" in finding.message
    assert "put-account-sending-attributes" in finding.remedy


@pytest.mark.parametrize(
    ("most", "sent", "expected"),
    [
        (200, 159, []),
        (200, 160, [Severity.ADVICE]),
        (200, 200, [Severity.PROBLEM]),
        (-1, 1_000_000, []),
    ],
)
def test_sees_how_much_of_the_quota_is_left(account, answer, most, sent, expected):
    """When SES has taken four fifths of a day's mails that is worth a word; when it has taken all, mails wait."""
    quota = {"Max24HourSend": most, "MaxSendRate": 1, "SentLast24Hours": sent}
    answer("sesv2", "get_account", {"SendQuota": quota})

    troubles = _troubles("ses-quota", account)

    assert [each.severity for each in troubles] == expected
    assert all(f"{sent} of the 200 mails" in each.message for each in troubles)


def test_sees_an_unknown_sender(patient):
    """A sender that SES doesn't know is a problem until it is added."""
    patient.client("sesv2").delete_email_identity(EmailIdentity=patient.outputs["SenderIdentity"])

    (finding,) = patient.troubles("ses-identity")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("ses-identity") == []


def test_sees_an_unverified_address(account, answer):
    """An address waits for the link to be opened."""
    unverified = {"VerifiedForSendingStatus": False, "DkimAttributes": {"Status": "NOT_STARTED"}}
    answer("sesv2", "get_email_identity", unverified)

    troubles = _troubles("ses-identity", account, SenderIdentity="events@example.org")

    (finding,) = troubles
    assert finding.severity is Severity.PROBLEM
    assert "events@example.org is not verified" in finding.message
    assert "Open the link" in finding.remedy
    assert "verify-email-identity --email-address events@example.org" in finding.remedy


@pytest.mark.parametrize(
    ("is_verified", "status", "expected"),
    [
        (False, "PENDING", [Severity.PROBLEM]),
        (True, "FAILED", [Severity.ADVICE]),
        (True, "SUCCESS", []),
    ],
)
def test_names_the_records_of_a_domain(account, answer, is_verified, status, expected):
    """A domain that is not verified, or whose mail isn't signed, lacks DNS records: each is named whole."""
    dkim = {"Status": status, "Tokens": ["one", "two"], "SigningHostedZone": "dkim.eu-west-1.amazonses.com"}
    answer("sesv2", "get_email_identity", {"VerifiedForSendingStatus": is_verified, "DkimAttributes": dkim})

    troubles = _troubles("ses-identity", account, SenderIdentity="example.org")

    assert [each.severity for each in troubles] == expected
    for each in troubles:
        assert "one._domainkey.example.org CNAME one.dkim.eu-west-1.amazonses.com" in each.remedy.splitlines()
        assert "two._domainkey.example.org CNAME two.dkim.eu-west-1.amazonses.com" in each.remedy.splitlines()


def test_names_the_zone_of_older_answers(sound):
    """Where SES names no zone of its own, the records point to the one it always had."""
    domain = f"{sound.name}.example.org"
    token = sound.client("sesv2").create_email_identity(EmailIdentity=domain)["DkimAttributes"]["Tokens"][0]

    (finding,) = sound.troubles("ses-identity", SenderIdentity=domain)

    assert f"{token}._domainkey.{domain} CNAME {token}.dkim.amazonses.com" in finding.remedy


def test_sees_a_configuration_set_that_is_off(patient):
    """A configuration set that was switched off is a problem until it is switched on."""
    patient.client("sesv2").put_configuration_set_sending_options(
        ConfigurationSetName=patient.outputs["ConfigurationSet"], SendingEnabled=False
    )

    (finding,) = patient.troubles("ses-configuration-set")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("ses-configuration-set") == []


def test_sees_that_the_configuration_set_is_gone(patient):
    """A configuration set that was deleted is a problem until it is made again."""
    patient.client("sesv2").delete_configuration_set(ConfigurationSetName=patient.outputs["ConfigurationSet"])

    (finding,) = patient.troubles("ses-configuration-set")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("ses-configuration-set") == []


# Table


@pytest.mark.parametrize(
    "keys",
    [
        [("eventid", "HASH", "S")],
        [("eventid", "HASH", "S"), ("cemail", "RANGE", "S")],
        [("eventid", "HASH", "S"), ("sk", "RANGE", "N")],
        [("sk", "HASH", "S"), ("eventid", "RANGE", "S")],
    ],
)
def test_sees_a_table_with_other_keys(sound, keys):
    """In a table that isn't keyed by eventid and sk one person would overwrite another."""
    name = f"{sound.name}-other"
    sound.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind, _ in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": letter} for key, _, letter in keys],
    )

    (finding,) = sound.troubles("table-layout", TableName=name)

    sound.client("dynamodb").delete_table(TableName=name)
    assert finding.severity is Severity.PROBLEM
    assert "overwrite" in finding.message
    assert "--table NEW_NAME" in finding.remedy


def test_sees_that_the_index_is_missing(patient):
    """Without the outbox's index doctor's own command makes it, as the template has it."""
    client = patient.client("dynamodb")
    made = client.describe_table(TableName=patient.name)["Table"]["GlobalSecondaryIndexes"]
    client.update_table(TableName=patient.name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "outbox"}}])

    (finding,) = patient.troubles("table-index")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("table-index") == []
    (index,) = client.describe_table(TableName=patient.name)["Table"]["GlobalSecondaryIndexes"]
    assert [(each["IndexName"], each["KeySchema"], each["Projection"]) for each in made] == [
        (index["IndexName"], index["KeySchema"], index["Projection"])
    ]


def test_sees_an_index_with_other_keys(patient):
    """An index of our name by other keys finds no mail; doctor's own commands make way for ours, and make it."""
    client = patient.client("dynamodb")
    client.update_table(TableName=patient.name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "outbox"}}])
    other = DEFINITION | {"KeySchema": [{"AttributeName": "sk", "KeyType": "HASH"}]}
    client.update_table(
        TableName=patient.name,
        AttributeDefinitions=[{"AttributeName": "sk", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": other}],
    )

    for message in ("has other keys than outbox and mail_at", "has no index outbox"):
        (finding,) = patient.troubles("table-index")
        assert finding.severity is Severity.PROBLEM
        assert message in finding.message
        patient.obey(finding.remedy)

    assert patient.troubles("table-index") == []


def test_says_that_the_index_is_being_made(account, answer):
    """An index that DynamoDB still fills is no problem, but worth a word."""
    keys = {"outbox": "HASH", "mail_at": "RANGE"}
    index = {"IndexName": "outbox", "IndexStatus": "CREATING", "KeySchema": DEFINITION["KeySchema"]}
    attributes = [{"AttributeName": key, "AttributeType": "S"} for key in keys]
    table = {"TableName": "events", "AttributeDefinitions": attributes, "GlobalSecondaryIndexes": [index]}
    answer("dynamodb", "describe_table", {"Table": table})

    (finding,) = _troubles("table-index", account, TableName="events")

    assert finding.severity is Severity.ADVICE
    assert "is creating" in finding.message


@pytest.mark.parametrize("attribute", [None, "registered_at"])
def test_sees_that_nothing_expires(patient, attribute):
    """Without expiry, or with expiry by another attribute, doctor's own commands put it right."""
    patient.expire(None)
    if attribute:
        patient.expire(attribute)

    (finding,) = patient.troubles("table-ttl")

    assert finding.severity is Severity.PROBLEM
    assert (attribute or "never") in finding.message
    assert ("wait an hour" in finding.remedy) is bool(attribute)
    patient.obey(finding.remedy)
    assert patient.troubles("table-ttl") == []


def test_sees_that_nothing_can_be_restored(patient):
    """Without point-in-time recovery doctor's own command switches it on."""
    patient.restore(enabled=False)

    (finding,) = patient.troubles("table-recovery")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("table-recovery") == []


def test_sees_that_the_table_can_be_deleted(patient):
    """Without protection doctor's own command gives it."""
    patient.client("dynamodb").update_table(TableName=patient.name, DeletionProtectionEnabled=False)

    (finding,) = patient.troubles("table-protection")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("table-protection") == []


# Events


@pytest.mark.parametrize("mode", ["managed", "open"])
@pytest.mark.parametrize("given", ["open", "managed", None])
def test_sees_a_function_of_another_mode(account, parts, mode, given):
    """The function takes the stack's events and no other kind; the remedy keeps its other variables."""
    stack = Deployment(account, **parts, Events=mode)
    before = stack.variables
    stack.variables = {name: value for name, value in before.items() if name != EVENTS} | (
        {EVENTS: given} if given else {}
    )

    troubles = stack.troubles("events-mode")

    assert [each.severity for each in troubles] == ([] if (given or "open") == mode else [Severity.PROBLEM])
    for finding in troubles:
        assert finding.message == f"The function takes {given or 'open'} events, and the stack's are {mode}."
        stack.obey(finding.remedy)
    assert stack.troubles("events-mode") == []
    assert stack.variables | {EVENTS: mode} == before


def _remove(stack, rule="Schedule"):
    events, name = stack.client("events"), stack.outputs[rule]
    _aim_at_nobody(stack, rule)
    events.delete_rule(Name=name)


def _aim_at_nobody(stack, rule="Schedule"):
    events, name = stack.client("events"), stack.outputs[rule]
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets])


def _mislead(stack, rule="Schedule"):
    other = {"Id": "function", "Arn": "arn:aws:lambda:eu-west-1:000000000000:function:other"}
    stack.client("events").put_targets(Rule=stack.outputs[rule], Targets=[other])


HARM = {
    "off": (lambda stack: stack.client("events").disable_rule(Name=stack.outputs["Schedule"]), ["DISABLED"]),
    "seldom": (
        lambda stack: stack.client("events").put_rule(Name=stack.outputs["Schedule"], ScheduleExpression="rate(1 day)"),
        ["rate(1 day)"],
    ),
    "aimless": (_aim_at_nobody, ["doesn't call the function", "doesn't call the sender"]),
    "misled": (_mislead, ["doesn't call the function"]),
    "gone": (_remove, ["is gone", "doesn't call the function", "doesn't call the sender"]),
}


@pytest.mark.parametrize(("harm", "messages"), HARM.values(), ids=HARM.keys())
def test_sees_that_nobody_serves_the_queues(patient, harm, messages):
    """A schedule that doesn't call the function every minute is a problem until doctor's own commands mend it."""
    harm(patient)

    findings = patient.troubles("schedule")

    assert {each.severity for each in findings} == {Severity.PROBLEM}
    assert len(findings) == len(messages)
    for finding, message in zip(findings, messages, strict=True):
        assert message in finding.message
        patient.obey(finding.remedy)
    assert patient.troubles("schedule") == []


def test_open_events_need_no_schedule(account, parts):
    """Where events are open and mails inline nothing is looked for, and all is well."""
    stack = Deployment(account, **parts, Events="open", Confirmation="inline")

    assert "Schedule" not in stack.outputs
    assert stack.wrongs() == []


@pytest.mark.parametrize(
    ("mode", "called"),
    [({"Events": "open"}, ["sender"]), ({"Confirmation": "inline"}, ["function"])],
    ids=["open", "inline"],
)
def test_looks_for_those_whom_a_schedule_calls(account, parts, mode, called):
    """Of open events with an outbox the sender is called, inline the function alone: and without that it is missed."""
    stack = Deployment(account, **parts | mode)
    sound = stack.wrongs()

    _aim_at_nobody(stack)
    findings = stack.troubles("schedule")

    assert sound == []
    assert [
        name for name in ("function", "sender") for each in findings if f"doesn't call the {name}" in each.message
    ] == called
    stack.rest()


# Links


@pytest.mark.parametrize("text", ["none", "{}", '{"current": "k2", "k1": "a-key-for-tests-that-nobody-must-know"}'])
def test_sees_that_keys_are_damaged(patient, text):
    """A secret that holds something else than keys is a problem until our own command makes new ones."""
    secret = patient.outputs["LinkKeys"]
    patient.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=text)

    (finding,) = patient.troubles("link-keys")

    assert finding.severity is Severity.PROBLEM
    assert "holds something else" in finding.message
    assert "a-key-for-tests" not in finding.message + finding.remedy
    _, *words = shlex.split(finding.remedy.splitlines()[-1])
    assert CliRunner().invoke(main, [*words, "--yes"]).exit_code == 0
    assert patient.troubles("link-keys") == []


def test_sees_that_keys_will_be_deleted(patient):
    """Keys that are marked for deletion are a problem until they are restored."""
    patient.client("secretsmanager").delete_secret(SecretId=patient.outputs["LinkKeys"], RecoveryWindowInDays=7)

    (finding,) = patient.troubles("link-keys")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("link-keys") == []


def test_sees_that_keys_are_gone(sound):
    """Keys that somebody deleted for good are a problem of the check that reads them, and of the function's role."""
    gone = sound.wrongs(LinkKeys="arn:aws:secretsmanager:eu-west-1:000000000000:secret:gone-AbCdEf")

    (keys,) = (each for each in gone if each.check == "link-keys")
    assert keys.severity is Severity.PROBLEM
    assert "was deleted" in keys.message
    assert "destroy" in keys.remedy
    assert {each.check for each in gone} == {"link-keys", "link-function"}


@pytest.mark.parametrize("names", [[LINK_KEYS], [MANAGE_URL], [LINK_KEYS, MANAGE_URL]], ids=" ".join)
@pytest.mark.parametrize("given", [None, "https://evil.example/manage.html"])
def test_sees_a_function_without_links(patient, names, given):
    """Keys and page of the function are the stack's; the remedy keeps its other variables."""
    before = patient.variables
    kept = {name: value for name, value in before.items() if name not in names}
    patient.variables = kept | (dict.fromkeys(names, given) if given else {})

    (finding,) = patient.troubles("link-function")

    assert finding.severity is Severity.PROBLEM
    assert [name for name in (LINK_KEYS, MANAGE_URL) if name in finding.message] == names
    patient.obey(finding.remedy)
    assert patient.troubles("link-function") == []
    assert patient.variables == before


@pytest.mark.parametrize(
    ("who", "role", "policy"), [("function", "FunctionRole", "register"), ("sender", "SenderRole", "send")]
)
def test_sees_a_role_without_the_right(patient, who, role, policy):
    """A function that may not read the keys is a problem until doctor's own command lets it, and nothing else."""
    name = Stack(patient.account, patient.name).resources()[role]
    patient.client("iam").delete_role_policy(RoleName=name, PolicyName=policy)

    (finding,) = patient.troubles("link-function")

    assert finding.severity is Severity.PROBLEM
    assert f"The {who} may not read" in finding.message
    patient.obey(finding.remedy)
    assert patient.troubles("link-function") == []
    policy = patient.client("iam").get_role_policy(RoleName=name, PolicyName="links")["PolicyDocument"]
    assert [(each["Action"], each["Resource"]) for each in policy["Statement"]] == [
        ("secretsmanager:GetSecretValue", patient.outputs["LinkKeys"])
    ]


def test_open_events_need_no_links(account, parts):
    """Where events are open no keys are looked for, and all is well."""
    stack = Deployment(account, **parts, Events="open")

    assert "LinkKeys" not in stack.outputs
    assert stack.wrongs() == []


def test_keys_of_a_rotation_are_well(patient):
    """After a rotation there are two keys, and nothing to mend."""
    assert CliRunner().invoke(main, ["rotate-keys", "--stack", patient.name]).exit_code == 0

    assert patient.troubles("link-keys") == []


# Outbox


@pytest.mark.parametrize("output", ["FunctionName", "SenderFunctionName"])
@pytest.mark.parametrize("given", ["inline", None])
def test_sees_a_function_that_sends_otherwise(patient, output, given):
    """Both functions know who sends mail; the remedy keeps the other variables of the one that doesn't."""
    before = patient.variables_of(output)
    kept = {name: value for name, value in before.items() if name != CONFIRMATION}
    patient.set_variables(kept | ({CONFIRMATION: given} if given else {}), output)

    (finding,) = patient.troubles("confirmation")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("confirmation") == []
    assert patient.variables_of(output) == before


def test_sees_that_the_stream_calls_nobody(patient):
    """A stream that was switched off is a problem until doctor's own command switches it on."""
    patient.client("lambda").update_event_source_mapping(UUID=patient.outputs["SenderStream"], Enabled=False)

    (finding,) = patient.troubles("sender-stream")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("sender-stream") == []


def test_sees_that_the_stream_is_let_go(patient):
    """What calls the sender and was deleted is made again by our own commands, which are named in their order."""
    patient.client("lambda").delete_event_source_mapping(UUID=patient.outputs["SenderStream"])

    (finding,) = patient.troubles("sender-stream")

    assert finding.severity is Severity.PROBLEM
    commands = [line for line in finding.remedy.splitlines() if line.startswith("event-registration")]
    assert [line.split()[-1] for line in commands] == ["inline", "outbox"]


@pytest.mark.parametrize("result", ["PROBLEM: Function call failed", "FAILED"])
def test_sees_that_the_sender_fails(account, answer, result):
    """What Lambda says of the last call is told, with where to read why."""
    answer("lambda", "get_event_source_mapping", {"State": "Enabled", "LastProcessingResult": result})

    (finding,) = _troubles(
        "sender-stream", account, Confirmation="outbox", SenderStream="0f1e2d3c-0000-4000-8000-000000000001"
    )

    assert finding.severity is Severity.PROBLEM
    assert result in finding.message
    assert "/event-registration/events/sender" in finding.remedy


FEEDBACK_HARM = {
    "untold": (
        lambda stack: [
            stack.client("sesv2").delete_configuration_set_event_destination(
                ConfigurationSetName=stack.outputs["ConfigurationSet"], EventDestinationName=each["Name"]
            )
            for each in stack.destinations()
        ],
        ["SES tells nobody"],
    ),
    "off": (lambda stack: stack.client("events").disable_rule(Name=stack.outputs["Feedback"]), ["is off"]),
    "aimless": (lambda stack: _aim_at_nobody(stack, "Feedback"), ["calls no function of ours"]),
    "misled": (lambda stack: _mislead(stack, "Feedback"), ["calls no function of ours"]),
    "gone": (lambda stack: _remove(stack, "Feedback"), ["is gone", "calls no function of ours"]),
}


@pytest.mark.parametrize("mode", ["outbox", "inline"])
@pytest.mark.parametrize(("harm", "messages"), FEEDBACK_HARM.values(), ids=FEEDBACK_HARM.keys())
def test_sees_that_nobody_hears_of_bounces(account, parts, harm, messages, mode):
    """What keeps SES's word from who marks what came back is a problem until doctor's own commands mend it."""
    stack = Deployment(account, **parts, Confirmation=mode)
    harm(stack)

    findings = stack.troubles("feedback")

    assert {each.severity for each in findings} == {Severity.PROBLEM}
    assert len(findings) == len(messages)
    for finding, message in zip(findings, messages, strict=True):
        assert message in finding.message
        stack.obey(finding.remedy)
    assert stack.troubles("feedback") == []
    stack.rest()


def test_sees_what_the_sender_was_given_up_on(patient):
    """What is in the queue of failures is worth a word until somebody has read it and emptied the queue."""
    queue = patient.outputs["FailedMails"]
    patient.client("sqs").send_message(QueueUrl=queue, MessageBody="{}")

    (finding,) = patient.troubles("failed-mails")

    assert finding.severity is Severity.ADVICE
    assert "1 times" in finding.message
    patient.obey(finding.remedy)
    assert patient.troubles("failed-mails") == []


@pytest.mark.parametrize(
    ("minutes", "mode", "expected"),
    [
        (14, {}, []),
        (16, {}, [Severity.PROBLEM]),
        (16, {"Confirmation": "inline"}, [Severity.PROBLEM]),
        (16, {"Confirmation": "inline", "Events": "open"}, [Severity.ADVICE]),
    ],
)
def test_sees_that_a_mail_is_late(account, parts, minutes, mode, expected):
    """A mail that nobody has tried for a quarter of an hour is told by its age, and of nobody whose it is."""
    stack = Deployment(account, **parts | mode)
    now = datetime.now(UTC)
    for shard, age in (("0", -60), ("7", minutes), ("f", minutes - 1)):
        item = {"eventid": "e", "sk": f"REGISTRATION#{shard}", "outbox": shard}
        item["mail_at"] = (now - timedelta(minutes=age)).isoformat(timespec="microseconds")
        stack.client("dynamodb").put_item(TableName=stack.name, Item={name: {"S": text} for name, text in item.items()})

    findings = stack.troubles("late-mails")

    assert [each.severity for each in findings] == expected
    assert all(f"{minutes} minutes ago" in each.message for each in findings)
    assert not any("REGISTRATION" in each.message + each.remedy for each in findings)
    stack.rest()


def test_inline_there_is_no_sender(account, parts):
    """Where who registers sends the mail nothing is looked for that another would do, and all is well."""
    stack = Deployment(account, **parts, Confirmation="inline")

    assert {"SenderFunctionName", "SenderStream", "FailedMails"} & stack.outputs.keys() == set()
    assert stack.wrongs() == []
    stack.rest()


# Form and API


@pytest.mark.parametrize("origins", [None, "https://evil.example", "{} https://evil.example"])
def test_sees_that_the_function_takes_from_elsewhere(patient, origins):
    """Whose pages the function takes is the stack's origin and no other; the remedy keeps its other variables."""
    before = patient.variables
    changed = {name: value for name, value in before.items() if name != ORIGINS}
    if origins:
        changed[ORIGINS] = origins.format(patient.outputs["AllowedOrigin"])
    patient.variables = changed

    (finding,) = patient.troubles("cors-origin")

    assert finding.severity is Severity.PROBLEM
    assert ("https://evil.example" if origins else "no site") in finding.message
    patient.obey(finding.remedy)
    assert patient.troubles("cors-origin") == []
    assert patient.variables == before


@pytest.mark.parametrize("kind", ["BAD_REQUEST_BODY", "DEFAULT_4XX", "DEFAULT_5XX"])
def test_sees_that_api_gateway_answers_elsewhere(patient, kind):
    """Each answer that API Gateway gives by itself is for the stack's origin; the remedy names the ones that aren't."""
    patient.client("apigateway").put_gateway_response(
        restApiId=patient.outputs["ApiId"],
        responseType=kind,
        responseParameters={ALLOW_ORIGIN: "'https://evil.example'"},
    )

    (finding,) = patient.troubles("cors-origin")

    assert finding.severity is Severity.PROBLEM
    assert f"({kind})" in finding.message
    update, serve = (_understood(line, patient.account) for line in finding.remedy.splitlines()[1:])
    assert update[1:] == (
        "update_gateway_response",
        {
            "restApiId": patient.outputs["ApiId"],
            "responseType": kind,
            "patchOperations": [
                {
                    "op": "replace",
                    "path": f"/responseParameters/{ALLOW_ORIGIN}",
                    "value": f"'{patient.outputs['AllowedOrigin']}'",
                }
            ],
        },
    )
    assert serve[1] == "create_deployment"


@pytest.mark.parametrize("mode", ["managed", "open"])
def test_advises_on_a_form_that_registers_nobody(account, parts, mode):
    """An origin that is not the form's may be meant; the form alone is left without use, and links lead elsewhere."""
    stack = Deployment(account, **parts, AllowedOrigin="https://events.example.org", Events=mode)

    (finding,) = stack.wrongs()

    assert (finding.check, finding.severity) == ("cors-origin", Severity.ADVICE)
    assert f"--allowed-origin {stack.outputs['SiteUrl']}" in finding.remedy
    leads = "Links in mails lead to https://events.example.org/manage.html." in finding.message
    assert leads is (mode == "managed")


def test_advises_on_a_form_without_https(account, parts):
    """The bucket's own website works, without HTTPS: one word of advice, and no problem."""
    stack = Deployment(account, **parts, SiteHosting="S3Website")

    (finding,) = stack.wrongs()

    assert (finding.check, finding.severity) == ("https", Severity.ADVICE)
    assert "--site-hosting CloudFront" in finding.remedy


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://events.example.org", []),
        ("http://localhost:8000", []),
        ("http://127.0.0.1:8000", []),
        ("http://events.example.org", [Severity.ADVICE]),
        ("http://localhost.example.org", [Severity.ADVICE]),
    ],
)
def test_advises_on_a_site_without_https(account, origin, expected):
    """Another site needs HTTPS as well, unless it is on the operator's own machine."""
    outputs = {"SiteUrl": "https://d1.cloudfront.net", "ApiUrl": "https://api.example/prod", "AllowedOrigin": origin}

    troubles = _troubles("https", account, **outputs)

    assert [each.severity for each in troubles] == expected


def test_sees_an_api_without_https(account):
    """An API by plain HTTP is a problem."""
    site = "https://d1.cloudfront.net"

    (finding,) = _troubles("https", account, SiteUrl=site, AllowedOrigin=site, ApiUrl="http://api.example/prod")

    assert finding.severity is Severity.PROBLEM
    assert "http://api.example/prod" in finding.message


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ('export const apiUrl = "https://other.example/prod";', "'https://other.example/prod'"),
        ('export const apiUrl = "";', "''"),
        ("export const nothing = 1;", "no API"),
        (None, "no API"),
    ],
)
def test_sees_a_form_that_talks_to_nobody(patient, config, named):
    """The form's configuration must be there and name this stack's API."""
    bucket = patient.outputs["SiteBucket"]
    if config is None:
        patient.client("s3").delete_object(Bucket=bucket, Key="config.mjs")
    else:
        patient.client("s3").put_object(Bucket=bucket, Key="config.mjs", Body=config)

    (finding,) = patient.troubles("site-config")

    assert finding.severity is Severity.PROBLEM
    assert named in finding.message


def test_takes_a_slash_at_the_end_of_the_api_for_nothing(patient):
    """The form ignores it too."""
    config = f'export const managed = true;\nexport const apiUrl = "{patient.outputs["ApiUrl"]}/";'
    patient.client("s3").put_object(Bucket=patient.outputs["SiteBucket"], Key="config.mjs", Body=config)

    assert patient.troubles("site-config") == []


@pytest.mark.parametrize(
    ("form", "mode"), [("open", "managed"), ("managed", "open")], ids=["for open events", "for managed events"]
)
def test_sees_a_form_for_other_events(account, parts, form, mode):
    """A form that asks for an event's name where the catalogue has it, or for none where it must, is a problem."""
    stack = Deployment(account, **parts, Events=mode)
    (config,) = (
        file for file in site_files(stack.outputs["ApiUrl"], managed=form == "managed") if file.key == "config.mjs"
    )
    list(upload(account, stack.outputs["SiteBucket"], [config]))

    (finding,) = stack.wrongs()

    assert (finding.check, finding.severity) == ("site-config", Severity.PROBLEM)
    assert finding.message == f"The form is for {form} events, and the stack's are {mode}."
    assert f"deploy --stack {stack.name}" in finding.remedy


@pytest.mark.parametrize("page", sorted(path.name for path in site_folder().glob("*.html")))
def test_sees_that_a_page_is_missing(patient, page):
    """A bucket without the form, or without the page that links lead to, is a problem."""
    patient.client("s3").delete_object(Bucket=patient.outputs["SiteBucket"], Key=page)

    (finding,) = patient.troubles("site-config")

    assert finding.severity is Severity.PROBLEM
    assert finding.message == f"The site's bucket lacks {page}."


# Operation


def test_sees_alarms_without_a_target(account, parts):
    """Alarms that tell nobody are one problem, which names them all."""
    stack = Deployment(account, **parts | {"AlarmTopicArn": ""})

    (finding,) = stack.wrongs()

    assert (finding.check, finding.severity) == ("alarms", Severity.PROBLEM)
    names = stack.alarm_names()
    assert names
    assert all(name in finding.message for name in names)
    assert "--alarm-topic TOPIC_ARN" in finding.remedy


def test_sees_alarms_that_are_off(patient):
    """Alarms whose actions are off are named, and doctor's own command switches on just these."""
    names = patient.alarm_names()
    off = ["ApiErrorsAlarm", "FunctionErrorsAlarm"]
    patient.client("cloudwatch").disable_alarm_actions(AlarmNames=[names[each] for each in off])

    (finding,) = patient.troubles("alarms")

    assert finding.severity is Severity.PROBLEM
    assert all((name in finding.message) is (name in off) for name in names)
    patient.obey(finding.remedy)
    assert patient.troubles("alarms") == []


def test_advises_on_an_alarm_that_rings(patient):
    """An alarm that rings is told with what it means."""
    name = patient.alarm_names()["FunctionErrorsAlarm"]
    patient.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")

    (finding,) = patient.troubles("alarms")

    assert finding.severity is Severity.ADVICE
    assert "FunctionErrorsAlarm rings: The function failed" in finding.message


def test_sees_that_the_topic_is_gone(account, parts):
    """Alarms that go to a topic which is no more are a problem."""
    topic = "arn:aws:sns:eu-west-1:000000000000:gone"
    stack = Deployment(account, **parts | {"AlarmTopicArn": topic})

    (finding,) = stack.wrongs()

    assert (finding.check, finding.severity) == ("alarms", Severity.PROBLEM)
    assert f"{topic} is gone" in finding.message


@pytest.mark.parametrize(
    ("arns", "expected"),
    [
        ([], [Severity.PROBLEM]),
        (["PendingConfirmation", "Deleted"], [Severity.PROBLEM]),
        (["PendingConfirmation", "arn:aws:sns:eu-west-1:000000000000:alarms:1"], []),
    ],
)
def test_sees_that_nobody_has_confirmed(account, answer, arns, expected):
    """A topic needs a subscription that somebody has confirmed; other targets are none of SNS's business."""
    topic = "arn:aws:sns:eu-west-1:000000000000:alarms"
    actions = [topic, "arn:aws:lambda:eu-west-1:000000000000:function:page-me"]
    alarm = {"AlarmName": "events-alarm", "AlarmActions": actions, "ActionsEnabled": True, "StateValue": "OK"}
    answer("cloudformation", "list_stack_resources", {"StackResourceSummaries": [ALARM]}, {"StackName": "events"})
    answer("cloudwatch", "describe_alarms", {"MetricAlarms": [alarm]}, {"AlarmNames": ["events-alarm"]})
    answer("sns", "list_subscriptions_by_topic", {"Subscriptions": [{"SubscriptionArn": arn} for arn in arns]})

    troubles = _troubles("alarms", account)

    assert [each.severity for each in troubles] == expected
    assert all("sns subscribe --protocol email" in each.remedy and topic in each.remedy for each in troubles)


def test_sees_a_stack_without_alarms(account, answer):
    """A stack without alarms is a problem, and CloudWatch isn't asked for those of others."""
    bucket = ALARM | {"ResourceType": "AWS::S3::Bucket"}
    answer("cloudformation", "list_stack_resources", {"StackResourceSummaries": [bucket]})
    answer("cloudwatch", "describe_alarms", {}, {"AlarmNames": ["none"]})

    (finding,) = _troubles("alarms", account)

    assert finding.severity is Severity.PROBLEM
    assert "no alarms" in finding.message


def test_sees_that_api_gateway_can_not_log(patient):
    """Without a role API Gateway writes no logs; named again, it does."""
    patient.log_as(None)

    (finding,) = patient.troubles("api-logging-role")

    assert finding.severity is Severity.PROBLEM
    assert "--parameter ManageApiGatewayAccount=true" in finding.remedy
    patient.obey(finding.remedy.replace("ROLE_ARN", LOGGING_ROLE))
    assert patient.troubles("api-logging-role") == []


def test_sees_a_function_that_may_not_run(patient):
    """A function with no concurrency answers nobody until it is let go."""
    patient.client("lambda").put_function_concurrency(
        FunctionName=patient.outputs["FunctionName"], ReservedConcurrentExecutions=0
    )

    (finding,) = patient.troubles("concurrency")

    assert finding.severity is Severity.PROBLEM
    patient.obey(finding.remedy)
    assert patient.troubles("concurrency") == []


@pytest.mark.parametrize(("limit", "expected"), [(10, [Severity.PROBLEM]), (49, [Severity.PROBLEM]), (50, [])])
def test_sees_a_small_account(account, answer, limit, expected):
    """An account whose functions may run fewer than fifty times at once is too small for a rush."""
    answer("lambda", "get_account_settings", {"AccountLimit": {"ConcurrentExecutions": limit}})
    answer("lambda", "get_function_concurrency", {"ReservedConcurrentExecutions": 5})

    troubles = _troubles("concurrency", account, FunctionName="function")

    assert [each.severity for each in troubles] == expected
    assert all("--quota-code L-B99A9384" in each.remedy for each in troubles)


# The command


def _run(*arguments, **environ):
    return CliRunner().invoke(main, ["doctor", *arguments], env=environ)


def test_prints_a_line_a_check(sound):
    """Of a stack that is right there is a line a check, and the command succeeds."""
    result = _run("--stack", sound.name)

    assert result.exit_code == 0, result.output
    *lines, last = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["ok", check.name] for check in CHECKS]
    assert last == "All is well."


def test_prints_how_to_mend(patient):
    """A problem makes the command fail; its remedy follows, each command whole on a line of its own."""
    before = patient.variables
    patient.variables = {name: value for name, value in before.items() if name != ORIGINS}

    result = _run("--stack", patient.name)

    assert result.exit_code == 1, result.output
    lines = result.stdout.splitlines()
    (problem,) = (number for number, line in enumerate(lines) if line.startswith("problem "))
    assert lines[problem + 1] == " " * 8 + "Set its environment right:"
    command = lines[problem + 2].strip()
    assert _understood(command, patient.account)[2]["Environment"]["Variables"] == before
    assert lines[-1] == "Problems: 1. Advice: 0."


def test_advice_alone_is_no_failure(patient):
    """What could be better doesn't make the command fail."""
    name = patient.alarm_names()["FunctionErrorsAlarm"]
    patient.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")

    result = _run("--stack", patient.name)

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "Problems: 0. Advice: 1."


def test_prints_json(patient):
    """For programs there is one array and nothing else, and the same exit code."""
    patient.log_as(None)

    result = _run("--stack", patient.name, "--json")

    findings = json.loads(result.stdout)
    assert [set(finding) for finding in findings] == [{"check", "severity", "message", "remedy"}] * len(CHECKS)
    assert [each["check"] for each in findings if each["severity"] == "problem"] == ["api-logging-role"]
    assert (result.exit_code, result.stderr) == (1, "")


def test_shows_on_a_terminal_what_it_looks_at(sound):
    """Where somebody watches, the check under way is shown; with JSON it stays out of it."""
    plain = _run("--stack", sound.name, FORCE_COLOR="1")
    with_json = _run("--stack", sound.name, "--json", FORCE_COLOR="1")

    assert all(f"Looking at {check.name}" in plain.stdout for check in CHECKS)
    assert "Looking at " in with_json.stderr
    assert {each["severity"] for each in json.loads(with_json.stdout)} == {"ok"}
    assert with_json.exit_code == 0


def test_says_that_there_is_no_such_stack():
    """A stack that isn't there gets a sentence, and no trace."""
    result = _run("--stack", "nowhere")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There is no stack 'nowhere'")


def test_says_that_credentials_are_not_accepted():
    """Credentials that AWS doesn't know get a sentence, and no trace."""
    result = _run("--stack", "events", AWS_ACCESS_KEY_ID="AKIAUNKNOWN")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: AWS doesn't accept the credentials")
