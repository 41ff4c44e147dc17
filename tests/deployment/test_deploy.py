"""A stack's whole life by our own commands, and what it does for the people who use it."""

import json
import os
import urllib.error
import urllib.request
from unittest.mock import patch

import pytest
from botocore.exceptions import WaiterError
from browsing import chromium
from click.testing import CliRunner
from front import front
from playwright.sync_api import expect
from serving import ADA

from event_registration.assets import site_folder, template_file
from event_registration.cli import main
from event_registration.rules import attendee_digest

SENDER = "Events <events@example.org>"
# What doesn't depend on how the site is hosted is shown in one of the modes.
ONE_MODE = pytest.mark.parametrize("stack", ["CloudFront"], indirect=True)


@pytest.fixture(scope="module")
def run(emulator):
    """Return a function that runs a command on the emulator's account, and hands over what it printed."""

    def run(*arguments, answers=None, fails=False, **environ):
        with patch.dict(os.environ, emulator.environ() | environ, clear=True):
            result = CliRunner().invoke(main, arguments, input=answers)
        assert result.exit_code == fails, result.output
        return result.output

    return run


@pytest.fixture(scope="module", params=["CloudFront", "S3Website"])
def stack(request, run, emulator):
    """Return a deployed stack of each hosting mode; it and its table are gone afterwards."""
    stack = Deployed(f"events-{request.param.lower()}", f"table-{request.param.lower()}", request.param, emulator)
    run(*stack.deploy, "--yes")
    stack.let_send()
    yield stack
    run("destroy", "--stack", stack.name, "--yes", "--delete-table", "--confirm-table", stack.table)


class Deployed:
    """A stack on the emulator."""

    def __init__(self, name, table, hosting, emulator):
        self.name = name
        self.table = table
        self.emulator = emulator
        self.deploy = ("deploy", "--stack", name, "--table", table, "--sender", SENDER, "--site-hosting", hosting)

    @property
    def outputs(self):
        """Return the stack's outputs."""
        (stack,) = self.emulator.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def let_send(self):
        """
        Grant the function's role what its template grants on condition of ses:FromAddress.

        The emulator enforces roles but doesn't know that condition; test_template.py holds it against a simulator.
        """
        statement = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
        self.emulator.client("iam").put_role_policy(
            RoleName=self.resources["FunctionRole"],
            PolicyName="without-condition",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    @property
    def resources(self):
        """Return the physical ids by logical id."""
        resources = self.emulator.client("cloudformation").describe_stack_resources(StackName=self.name)
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources["StackResources"]}

    def rows(self):
        """Return the names in the table by the digests they are stored under."""
        items = self.emulator.client("dynamodb").scan(TableName=self.table)["Items"]
        return {item["sk"]["S"].partition("#")[2]: item["cname"]["S"] for item in items}

    def mails(self, address):
        """Return the mails that were sent to *address*."""
        return [mail for mail in self.emulator.mails() if mail.to == address]

    def request(self, body=None, method="POST", **headers):
        """Return status, headers and body of a request to the API from the stack's own site."""
        url = self.emulator.invoke_url(self.outputs["ApiId"], self.outputs["ApiStage"]) + "/registrations"
        headers = {"Content-Type": "application/json", "Origin": self.outputs["SiteUrl"]} | headers
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - our own emulator
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own emulator
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()


def test_registers_in_the_browser(stack):
    """The deployed page, opened under its own address, registers a person: a row, a mail, and the answer seen."""
    address = f"ada@{stack.name}.example"
    complaints = []
    with (
        front(stack.emulator) as served,
        chromium(*served.arguments) as browser,
    ):
        page = browser.new_page()
        page.on("console", lambda line: complaints.append(line.text))
        page.goto(stack.outputs["SiteUrl"])

        page.get_by_label("Your name").fill("Ada Lovelace")
        page.get_by_label("E-mail address").fill(address)
        page.get_by_label("Event id").fill("devconf-2026")
        page.get_by_label("Event name").fill("DevConf 2026")
        page.get_by_role("button", name="Register", exact=True).click()

        expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    assert complaints == []
    assert stack.rows()[attendee_digest(address)] == "Ada Lovelace"
    assert [mail.sender for mail in stack.mails(address)] == [SENDER]


def test_site_is_served_as_what_it_is(stack):
    """Every file of the site is in the bucket, typed, revalidated at each visit; config.mjs alone is made."""
    client = stack.emulator.client("s3")
    types = {".css": "text/css", ".html": "text/html", ".mjs": "text/javascript", ".svg": "image/svg+xml"}

    objects = {
        path: client.get_object(Bucket=stack.outputs["SiteBucket"], Key=path.name) for path in site_folder().iterdir()
    }

    for path, stored in objects.items():
        assert stored["ContentType"].partition(";")[0] == types[path.suffix]
        assert stored["CacheControl"] == "no-cache"
        body = stored["Body"].read()
        if path.name == "config.mjs":
            assert f'export const apiUrl = "{stack.outputs["ApiUrl"]}";' in body.decode()
        else:
            assert body == path.read_bytes()


@ONE_MODE
def test_answers_a_preflight(stack):
    """A browser that asks first is allowed to post from the stack's own site, and from no other."""
    own = stack.request(method="OPTIONS")
    other = stack.request(method="OPTIONS", Origin="https://elsewhere.example")

    assert (own[0], own[1]["Access-Control-Allow-Origin"]) == (204, stack.outputs["SiteUrl"])
    assert own[1]["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert (other[0], other[1]["Access-Control-Allow-Origin"]) == (204, None)


@ONE_MODE
def test_refuses_a_bad_body(stack):
    """A body that is no registration is refused readably for the page, and nothing is stored."""
    before = stack.rows()

    status, headers, body = stack.request(ADA | {"cemail": "nobody"})

    assert (status, headers["Access-Control-Allow-Origin"]) == (422, stack.outputs["SiteUrl"])
    assert [error["field"] for error in json.loads(body)["errors"]] == ["cemail"]
    assert stack.rows() == before


@ONE_MODE
def test_gateway_refuses_readably(stack):
    """What API Gateway refuses by itself the page can read, too: its answer allows the same origin."""
    status, headers, _ = stack.request(ADA, method="DELETE")

    assert (status, headers["Access-Control-Allow-Origin"]) == (403, stack.outputs["SiteUrl"])


@ONE_MODE
def test_logs_hold_no_personal_data(stack):
    """The function's log group has the line of a registration, without name and address."""
    address = f"grace@{stack.name}.example"

    stack.request(ADA | {"cname": "Grace Hopper", "cemail": address})

    pages = (
        stack.emulator.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=stack.outputs["FunctionLogs"])
    )
    lines = [event["message"] for page in pages for event in page["events"]]
    assert any('"outcome": "registered"' in line for line in lines)
    assert not any("Grace" in line or address in line or attendee_digest(address) in line for line in lines)


@ONE_MODE
def test_an_update_keeps_what_it_does_not_name(stack, run):
    """A changed parameter is shown and changed; rows and all other parameters stay; the same again changes nothing."""
    stack.request(ADA)
    before, outputs = stack.rows(), stack.outputs

    printed = run("deploy", "--stack", stack.name, "--memory", "1024", "--parameter", "LogRetentionDays=7", "--yes")
    again = run("deploy", "--stack", stack.name, "--yes")

    function = stack.emulator.client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
    assert "MemoryMegabytes = 1024" in printed
    assert "LogRetentionDays = 7" in printed
    assert "SenderAddress" not in printed
    assert "The stack is as it should be." in again
    assert function["MemorySize"] == 1024
    assert (stack.rows(), stack.outputs) == (before, outputs)


def test_a_new_origin_is_served(stack, run):
    """Another allowed origin holds for the gateway's own answers at once, and back again."""
    run("deploy", "--stack", stack.name, "--allowed-origin", "https://events.example.org", "--yes")
    changed = stack.request(ADA, method="DELETE")

    run("deploy", "--stack", stack.name, "--allowed-origin", "", "--yes")
    back = stack.request(ADA, method="DELETE")

    assert changed[1]["Access-Control-Allow-Origin"] == "https://events.example.org"
    assert back[1]["Access-Control-Allow-Origin"] == stack.outputs["SiteUrl"]


@ONE_MODE
def test_a_dry_run_changes_nothing(stack, run):
    """A dry run shows the change and leaves the stack as it was."""
    before = stack.emulator.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"]

    printed = run("deploy", "--stack", stack.name, "--memory", "2048", "--dry-run")

    assert "MemoryMegabytes = 2048" in printed
    assert "nothing was changed" in printed
    assert stack.emulator.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"] == before


def test_destroy_keeps_the_table_and_deploy_finds_it(stack, run):
    """The registrations outlive the stack, and the next one has them, with the same stream."""
    stack.request(ADA)
    before, stream = stack.rows(), stack.outputs["TableStreamArn"]

    destroyed = run("destroy", "--stack", stack.name, "--yes")
    between = stack.rows()
    printed = run(*stack.deploy, "--yes")

    assert f"Table {stack.table} is kept" in destroyed
    assert f"Table {stack.table} is there already" in printed
    assert between == before != {}
    assert (stack.rows(), stack.outputs["TableStreamArn"]) == (before, stream)
    assert stack.request(ADA)[0] == 201
    assert stack.rows() == before


@ONE_MODE
def test_takes_over_a_restored_table(stack, run):
    """A table restored beside the first one is taken over with what it lacks, and the first one is kept as it is."""
    stack.request(ADA)
    client = stack.emulator.client("dynamodb")
    before, restored = stack.rows(), f"{stack.table}-restored"
    # A restore brings keys and rows, and neither stream nor expiry, recovery and protection.
    client.create_table(
        TableName=restored,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "eventid", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("eventid", "sk")],
    )
    for item in client.scan(TableName=stack.table)["Items"]:
        client.put_item(TableName=restored, Item=item)

    printed = run("deploy", "--stack", stack.name, "--table", restored, "--yes")
    answer = stack.request(ADA)
    run("deploy", "--stack", stack.name, "--table", stack.table, "--yes")

    table = client.describe_table(TableName=restored)["Table"]
    backups = client.describe_continuous_backups(TableName=restored)["ContinuousBackupsDescription"]
    assert f"Table {restored} is there already" in printed
    assert answer[0] == 201
    assert client.scan(TableName=restored)["Count"] == len(before)
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["DeletionProtectionEnabled"]
    assert client.describe_time_to_live(TableName=restored)["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert (stack.rows(), stack.outputs["TableName"]) == (before, stack.table)


@ONE_MODE
def test_a_refusal_is_no_answer(stack, run):
    """Whoever doesn't confirm changes nothing, and leaves no proposal behind."""
    printed = run("deploy", "--stack", stack.name, "--memory", "2048", answers="n\n", fails=True)

    changes = stack.emulator.client("cloudformation").list_change_sets(StackName=stack.name)["Summaries"]
    assert "Carry this out?" in printed
    assert not [change for change in changes if change["ExecutionStatus"] == "AVAILABLE"]


@pytest.fixture
def healthy(stack, run):
    """Return a stack with all that its operator and the emulator's gaps owe it."""
    sns, dynamodb = stack.emulator.client("sns"), stack.emulator.client("dynamodb")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="operator@example.org")
    dynamodb.update_time_to_live(
        TableName=stack.table, TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True}
    )
    dynamodb.update_continuous_backups(
        TableName=stack.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    run("deploy", "--stack", stack.name, "--alarm-topic", topic, "--yes")
    role = stack.emulator.client("apigateway").get_account()["cloudwatchRoleArn"]
    yield stack
    stack.emulator.client("sesv2").put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.org", ProductionAccessEnabled=True
    )
    stack.emulator.client("apigateway").update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
    )


def _findings(run, stack, *, fails):
    findings = json.loads(run("doctor", "--stack", stack.name, "--json", fails=fails))
    return {finding["check"] for finding in findings if finding["severity"] == "problem"}


def test_doctor_finds_a_deployed_stack_well(healthy, run):
    """Of a stack that our own command deployed doctor has nothing to mend, in either hosting mode."""
    problems = _findings(run, healthy, fails=False)

    assert problems == set()


@ONE_MODE
def test_doctor_names_what_was_broken(healthy, run):
    """Six things are broken behind the stack's back, and doctor names the six."""
    client, outputs = healthy.emulator.client, healthy.outputs
    alarm = client("cloudwatch").describe_alarms(AlarmNames=[healthy.resources["ApiErrorsAlarm"]])["MetricAlarms"][0]
    kept = ("AlarmName", "Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold")

    client("sesv2").put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.org", ProductionAccessEnabled=False
    )
    client("dynamodb").update_time_to_live(
        TableName=healthy.table, TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": False}
    )
    client("dynamodb").update_continuous_backups(
        TableName=healthy.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    client("lambda").update_function_configuration(
        FunctionName=outputs["FunctionName"],
        Environment={"Variables": {"EVENT_REGISTRATION_ALLOWED_ORIGINS": "https://evil.example"}},
    )
    client("cloudwatch").put_metric_alarm(
        **{name: alarm[name] for name in kept}, ComparisonOperator="GreaterThanOrEqualToThreshold", AlarmActions=[]
    )
    client("apigateway").update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}])
    problems = _findings(run, healthy, fails=True)

    assert problems == {
        "ses-sandbox",
        "table-ttl",
        "table-recovery",
        "cors-origin",
        "alarms",
        "api-logging-role",
    }


@ONE_MODE
def test_destroy_asks(stack, run):
    """A stack is deleted only if somebody says yes."""
    run("destroy", "--stack", stack.name, answers="n\n", fails=True)

    assert stack.outputs


@ONE_MODE
def test_destroy_asks_twice_for_the_table(stack, run):
    """A table is deleted only if its name is typed as well; another name stops everything."""
    printed = run("destroy", "--stack", stack.name, "--yes", "--delete-table", answers="other\n", fails=True)

    assert "'other' is not the table's name. Nothing was deleted." in printed
    assert stack.outputs


def test_updates_a_stack_that_was_made_by_hand(run, emulator):
    """A stack from the bare template is updated like our own, and keeps its table."""
    client = emulator.client("cloudformation")
    parameters = {"CodeBucket": "some", "CodeKey": "any", "SenderAddress": "a@example.org", "TableName": "by-hand"}
    client.create_stack(
        StackName="by-hand",
        TemplateBody=template_file().read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    client.get_waiter("stack_create_complete").wait(StackName="by-hand", WaiterConfig={"Delay": 1})
    emulator.client("dynamodb").put_item(TableName="by-hand", Item={"eventid": {"S": "e"}, "sk": {"S": "EVENT"}})

    printed = run("deploy", "--stack", "by-hand", "--bucket", "packages", "--yes")

    resources = client.describe_stack_resources(StackName="by-hand")["StackResources"]
    tables = [each["LogicalResourceId"] for each in resources if each["ResourceType"] == "AWS::DynamoDB::Table"]
    assert "Import" not in printed
    assert tables == ["RegistrationTable"]
    assert emulator.client("dynamodb").scan(TableName="by-hand")["Count"] == 1
    run("destroy", "--stack", "by-hand", "--yes", "--delete-table", "--confirm-table", "by-hand")


def test_a_first_deployment_needs_a_sender(run):
    """What is missing is asked for before anything is made."""
    printed = run("deploy", "--stack", "new", fails=True)

    assert "needs --sender" in printed


def test_wrong_options_are_named_together(run):
    """Every option that the function would refuse is refused here, by its name."""
    printed = run(
        "deploy", "--stack", "new", "--sender", "nobody", "--allowed-origin", "https://a.example/", fails=True
    )

    assert "--sender must be an address" in printed
    assert "--allowed-origin must be exact origins" in printed


@pytest.mark.parametrize("pair", ["Nothing", "CodeKey=mine"])
def test_parameters_are_pairs(run, pair):
    """A parameter without a value, or one that the command sets itself, is refused."""
    with pytest.raises(AssertionError, match="Invalid value for '--parameter'"):
        run("deploy", "--stack", "new", "--parameter", pair, fails=True)


@pytest.mark.parametrize(
    "keys",
    [{"eventid": ("HASH", "S")}, {"eventid": ("HASH", "S"), "sk": ("RANGE", "N")}],
    ids=["tutorial", "numbers"],
)
def test_refuses_a_table_of_another_layout(run, emulator, keys):
    """A table with other keys, such as eventid alone as in tutorials, is not taken over, and stays untouched."""
    client = emulator.client("dynamodb")
    client.create_table(
        TableName="tutorial",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, (kind, _) in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": type_} for name, (_, type_) in keys.items()],
    )

    printed = run("deploy", "--stack", "new", "--sender", SENDER, "--table", "tutorial", "--yes", fails=True)

    assert "Choose another name with --table" in printed
    assert len(client.describe_table(TableName="tutorial")["Table"]["KeySchema"]) == len(keys)
    client.delete_table(TableName="tutorial")


@pytest.fixture
def foreign(emulator):
    """Return the name of a stack of somebody else's, whose bucket is called as ours."""
    client = emulator.client("cloudformation")
    resources = {"SiteBucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "foreign-bucket"}}}
    client.create_stack(StackName="foreign", TemplateBody=json.dumps({"Resources": resources}))
    emulator.client("s3").put_object(Bucket="foreign-bucket", Key="precious", Body=b"1")
    yield "foreign"
    client.delete_stack(StackName="foreign")


def test_leaves_other_stacks_alone(run, emulator, foreign):
    """A stack that wasn't made from our template is neither changed nor deleted, and nothing in it is."""
    deployed = run("deploy", "--stack", foreign, "--sender", SENDER, "--yes", fails=True)
    destroyed = run("destroy", "--stack", foreign, "--yes", fails=True)

    assert "was not made from this template" in deployed
    assert "was not made from this template" in destroyed
    assert emulator.client("s3").get_object(Bucket="foreign-bucket", Key="precious")["Body"].read() == b"1"


def test_destroys_what_a_failed_deployment_left(run, emulator):
    """A stack whose creation was undone is what destroy is for; the table that it made stays."""
    client = emulator.client("cloudformation")
    broken = """
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Call:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: RegistrationTable
    Properties: {Handle: !Ref Handle, Timeout: "1", Count: 1}
"""
    parameters = {"CodeBucket": "some", "CodeKey": "any", "SenderAddress": "a@example.org", "TableName": "failed"}
    client.create_stack(
        StackName="failed",
        TemplateBody=template_file().read_text().replace("\nOutputs:", f"{broken}\nOutputs:"),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    with pytest.raises(WaiterError):
        client.get_waiter("stack_create_complete").wait(StackName="failed", WaiterConfig={"Delay": 1})

    told = run("deploy", "--stack", "failed", "--yes", fails=True)
    destroyed = run("destroy", "--stack", "failed", "--yes")

    assert "Remove what is left with destroy" in told
    assert "is kept" not in destroyed
    assert emulator.client("dynamodb").describe_table(TableName="failed")
    assert "failed" not in {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}


def test_destroys_a_mere_proposal(run, emulator):
    """What a killed deployment left of a new stack goes, too."""
    client = emulator.client("cloudformation")
    client.create_change_set(
        StackName="proposed",
        ChangeSetName="proposal",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
    )

    with_table = run("destroy", "--stack", "proposed", "--yes", "--delete-table", fails=True)
    run("destroy", "--stack", "proposed", answers="y\n")

    assert "This stack has no table any more." in with_table
    assert "proposed" not in {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}


@ONE_MODE
def test_destroy_touches_nothing_that_is_protected(stack, run):
    """A stack that CloudFormation wouldn't delete keeps its form."""
    client = stack.emulator.client("cloudformation")
    client.update_termination_protection(StackName=stack.name, EnableTerminationProtection=True)

    printed = run("destroy", "--stack", stack.name, "--yes", fails=True)

    client.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    assert "is protected" in printed
    assert stack.emulator.client("s3").list_objects_v2(Bucket=stack.outputs["SiteBucket"])["KeyCount"] > 0


# In the other mode the bucket speaks TLS only, and the emulator doesn't.
@pytest.mark.parametrize("stack", ["S3Website"], indirect=True)
def test_says_what_has_become_of_the_form(stack, run):
    """If the stack can't be deleted after all, it is said that the form is gone, and deploy brings it back."""
    iam = stack.emulator.client("iam")
    iam.create_user(UserName="careful")
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "cloudformation:DeleteStack", "Resource": "*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="careful", PolicyName="all-but", PolicyDocument=policy)
    key = iam.create_access_key(UserName="careful")["AccessKey"]
    credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    printed = run("destroy", "--stack", stack.name, "--yes", fails=True, **credentials)
    run("deploy", "--stack", stack.name, "--yes")

    assert "may not do DeleteStack" in printed
    assert "Run destroy again to go on, or deploy to bring it back." in printed
    assert stack.emulator.client("s3").list_objects_v2(Bucket=stack.outputs["SiteBucket"])["KeyCount"] > 0


@ONE_MODE
def test_nobody_to_ask_is_a_no(stack, run):
    """Without a terminal and without --yes nothing is changed, and no proposal is left."""
    run("deploy", "--stack", stack.name, "--memory", "2048", answers="", fails=True)

    changes = stack.emulator.client("cloudformation").list_change_sets(StackName=stack.name)["Summaries"]
    assert not [change for change in changes if change["ExecutionStatus"] == "AVAILABLE"]


@pytest.mark.parametrize("name", ["[/x]", "a b", "1st", "a" * 129])
def test_stacks_have_names(run, name):
    """A name that CloudFormation would refuse is refused first, with what a name is."""
    with pytest.raises(AssertionError, match="a stack's name is a letter"):
        run("deploy", "--stack", name, fails=True)


def test_options_are_given_once(run):
    """An option and a parameter that say the same are one too many."""
    with pytest.raises(AssertionError, match="MemoryMegabytes: given as an option and as --parameter"):
        run("deploy", "--stack", "new", "--memory", "512", "--parameter", "MemoryMegabytes=256", fails=True)
    with pytest.raises(AssertionError, match="SenderName: given as an option and as --parameter"):
        run("deploy", "--stack", "new", "--sender", "a@example.org", "--parameter", "SenderName=A", fails=True)


def test_there_is_nothing_to_destroy(run):
    """A stack that isn't there can't be destroyed, and the account is named."""
    printed = run("destroy", "--stack", "none", "--yes", fails=True)

    assert "There is no stack 'none' in eu-west-1 of account 000000000000." in printed
