"""A stack is proposed, changed, followed and deleted, against an emulator of CloudFormation."""

import json
import os
from functools import partial
from unittest.mock import patch

import pytest
from botocore.stub import Stubber

from event_registration.deployment.account import Account
from event_registration.deployment.changes import Change, ChangeSet
from event_registration.deployment.events import Happening, _failure, follow
from event_registration.deployment.stack import Stack
from event_registration.errors import DeploymentError

TABLE_NAME = "stack-test-table"
PARAMETERS = {"Days": {"Type": "Number", "Default": 1}, "Name": {"Type": "String", "Default": "unused"}}
LOGS = {
    "Type": "AWS::Logs::LogGroup",
    "Properties": {
        "LogGroupName": {"Fn::Sub": "/${AWS::StackName}"},
        "RetentionInDays": {"Ref": "Days"},
        "Tags": [{"Key": "of", "Value": {"Ref": "Name"}}],
    },
}
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Retain",
    "Properties": {
        "TableName": TABLE_NAME,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "eventid", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "eventid", "AttributeType": "S"}],
    },
}
# Nobody calls: after a second CloudFormation gives up.
BROKEN = {
    "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
    "Call": {
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1", "Count": 1},
    },
}


@pytest.fixture
def account(emulator):
    """Return the emulator's account."""
    with patch.dict(os.environ, emulator.environ(), clear=True):
        yield Account()


@pytest.fixture
def stack(account, request):
    """Return a stack that doesn't exist, and leave none behind."""
    stack = Stack(account, request.node.name.replace("_", "-").split("[")[0])
    yield stack
    list(stack.delete())


@pytest.fixture
def table(emulator):
    """Return a client of DynamoDB, which has a table with one row."""
    client = emulator.client("dynamodb")
    client.create_table(**TABLE["Properties"])
    client.put_item(TableName=TABLE_NAME, Item={"eventid": {"S": "here before"}})
    yield client
    client.delete_table(TableName=TABLE_NAME)


def _template(**resources):
    return json.dumps({"Parameters": PARAMETERS, "Resources": resources, "Outputs": {"Out": {"Value": "put"}}})


def _create(stack, **parameters):
    list(stack.propose(_template(Logs=LOGS), parameters).execute())


def test_creates_what_it_proposed(stack):
    """A new stack's change set adds its resources; carried out, they happen one by one, and the outputs are there."""
    change_set = stack.propose(_template(Logs=LOGS), {"Days": "3"})

    happenings = list(change_set.execute())

    assert change_set.changes == (Change(action="Add", resource="Logs", kind="AWS::Logs::LogGroup"),)
    assert [(each.resource, each.status) for each in happenings][-2:] == [
        ("Logs", "CREATE_COMPLETE"),
        (stack.name, "CREATE_COMPLETE"),
    ]
    assert stack.outputs() == {"Out": "put"}
    assert stack.resources() == {"Logs": f"/{stack.name}"}


def test_keeps_what_is_not_named(stack):
    """A parameter that an update doesn't name keeps its value."""
    _create(stack, Days="3")

    list(stack.propose(_template(Logs=LOGS), {"Name": "other"}).execute())

    assert stack.parameters() == {"Days": "3", "Name": "other"}


def test_tells_what_an_update_changes(stack):
    """A changed parameter shows as the modified resource."""
    _create(stack)

    change_set = stack.propose(_template(Logs=LOGS), {"Days": "3"})
    change_set.discard()

    assert [(each.action, each.resource) for each in change_set.changes] == [("Modify", "Logs")]


def test_knows_when_there_is_nothing_to_change(stack):
    """The same template again is no proposal at all."""
    _create(stack)

    change_set = stack.propose(_template(Logs=LOGS), {})

    assert change_set is None


def test_a_withdrawn_proposal_leaves_nothing(stack, emulator):
    """A stack that was only proposed is gone with its proposal."""
    change_set = stack.propose(_template(Logs=LOGS), {})

    change_set.discard()

    assert stack.describe() is None
    stacks = emulator.client("cloudformation").describe_stacks()["Stacks"]
    assert stack.name not in {each["StackName"] for each in stacks}


def test_a_proposal_is_no_stack_yet(stack):
    """Until it is carried out a proposed stack counts as none, and can be proposed again."""
    stack.propose(_template(Logs=LOGS), {})

    again = stack.propose(_template(Logs=LOGS), {})

    assert stack.parameters() == stack.resources() == {}
    assert again.is_new


def test_a_failed_creation_says_why_and_leaves_nothing(stack):
    """The resource that failed is named with AWS's reason; the stack is gone, so that one can try again."""
    change_set = stack.propose(_template(**BROKEN), {})

    with pytest.raises(DeploymentError, match=r"Call \(AWS::CloudFormation::WaitCondition\): .*timed out"):
        list(change_set.execute())

    assert stack.describe() is None


def test_a_failed_update_says_why_and_changes_nothing(stack):
    """A failed update is undone: the resources and parameters are as before."""
    _create(stack)
    change_set = stack.propose(_template(Logs=LOGS, **BROKEN), {"Days": "3"})

    with pytest.raises(DeploymentError, match=r"UPDATE_ROLLBACK_COMPLETE(.|\n)*timed out"):
        list(change_set.execute())

    assert stack.resources() == {"Logs": f"/{stack.name}"}
    assert stack.parameters()["Days"] == "1"


def test_adopts_what_is_there(stack, table):
    """A retained table is taken over with its rows instead of failing the stack."""
    change_set = stack.propose(_template(Table=TABLE), {}, adopt=True)

    list(change_set.execute())

    assert change_set.changes == (Change(action="Import", resource="Table", kind="AWS::DynamoDB::Table"),)
    assert table.scan(TableName=TABLE_NAME)["Count"] == 1


def test_refuses_what_cloudformation_refuses(stack, table):
    """A change that CloudFormation won't make is refused with its reason, and leaves no proposal."""
    unkept = {name: value for name, value in TABLE.items() if name != "DeletionPolicy"}

    with pytest.raises(DeploymentError, match=r"CloudFormation refuses the change: .*DeletionPolicy"):
        stack.propose(_template(Table=unkept), {}, adopt=True)

    assert stack.describe() is None
    assert table.scan(TableName=TABLE_NAME)["Count"] == 1


def test_refuses_a_parameter_that_is_not_there(stack):
    """A mistyped parameter is named, with those there are."""
    with pytest.raises(DeploymentError, match=r"no parameter Dayz\. It has Days, Name\."):
        stack.propose(_template(Logs=LOGS), {"Dayz": "3"})


def test_deleting_nothing_is_nothing(stack):
    """A stack that isn't there is deleted already."""
    assert list(stack.delete()) == []


def test_asks_for_a_stack_that_is_there(stack):
    """The outputs of no stack are an error that names it."""
    with pytest.raises(DeploymentError, match="There is no stack 'test-asks-for-a-stack-that-is-there'"):
        stack.outputs()
    assert stack.resources() == {}


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("UPDATE_IN_PROGRESS", "is busy"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "Wait until it is done"),
        ("ROLLBACK_COMPLETE", "Remove what is left with destroy"),
        ("CREATE_FAILED", "Remove what is left with destroy"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name broken --region eu-west-1"),
        ("UPDATE_FAILED", "describe-stack-events --stack-name broken"),
        ("IMPORT_ROLLBACK_FAILED", "describe-stack-events --stack-name broken"),
        ("DELETE_FAILED", "Run destroy again"),
    ],
)
def test_says_the_way_out_of_a_stack_that_cannot_be_changed(account, status, advice):
    """A busy or broken stack is left alone, with what to do."""
    stack = Stack(account, "broken")
    with Stubber(account.client("cloudformation")) as stubber:
        stubber.add_response("describe_stacks", {"Stacks": [_description(status)]}, {"StackName": "broken"})

        with pytest.raises(DeploymentError, match=advice):
            stack.propose(_template(Logs=LOGS), {})

        stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("facts", "advice"),
    [
        ({"StackStatus": "UPDATE_IN_PROGRESS"}, "is busy"),
        (
            {"StackStatus": "CREATE_COMPLETE", "EnableTerminationProtection": True},
            "update-termination-protection --no-enable-termination-protection --stack-name broken --region eu-west-1",
        ),
    ],
)
def test_knows_what_cannot_be_deleted(account, facts, advice):
    """A stack that CloudFormation wouldn't delete is named before anything of it is touched."""
    stack = Stack(account, "broken")
    with Stubber(account.client("cloudformation")) as stubber:
        stubber.add_response("describe_stacks", {"Stacks": [_description("") | facts]})

        with pytest.raises(DeploymentError, match=advice):
            stack.check_deletion()


def test_a_proposal_leaves_others_alone(account):
    """What somebody else has proposed or deployed meanwhile isn't deleted with a withdrawn proposal."""
    client = account.client("cloudformation")
    change_set = ChangeSet(client, "any", "mine", "id", is_new=True)
    for status, others in (("CREATE_IN_PROGRESS", ["mine"]), ("REVIEW_IN_PROGRESS", ["mine", "theirs"])):
        with Stubber(client) as stubber:
            stubber.add_response("delete_change_set", {}, {"ChangeSetName": "mine"})
            stubber.add_response("describe_stacks", {"Stacks": [_description(status)]}, {"StackName": "id"})
            stubber.add_response("list_change_sets", {"Summaries": [{"ChangeSetId": each} for each in others]})

            change_set.discard()

            stubber.assert_no_pending_responses()


def test_waits_to_withdraw(account):
    """A proposal that CloudFormation still thinks about can't be withdrawn yet, and is waited for, not for ever."""
    client = account.client("cloudformation")
    change_set = ChangeSet(client, "any", "mine", "id", is_new=False)
    pauses = []
    with Stubber(client) as stubber:
        stubber.add_client_error("delete_change_set", "InvalidChangeSetStatus")
        stubber.add_response("delete_change_set", {})

        change_set.discard(sleep=pauses.append)

        assert len(pauses) == 1
        for _ in range(30):
            stubber.add_client_error("delete_change_set", "InvalidChangeSetStatus")

        with pytest.raises(client.exceptions.ClientError, match="InvalidChangeSetStatus"):
            change_set.discard(sleep=pauses.append)


def test_withdraws_what_may_not_be_carried_out(account):
    """If AWS refuses to begin, the proposal is withdrawn, and the refusal is what is told, even if that fails, too."""
    client = account.client("cloudformation")
    change_set = ChangeSet(client, "any", "mine", "id", is_new=False)
    with Stubber(client) as stubber:
        stubber.add_response("describe_stack_events", {"StackEvents": []})
        stubber.add_client_error("execute_change_set", "AccessDenied")
        stubber.add_client_error("delete_change_set", "Throttling")

        with pytest.raises(client.exceptions.ClientError, match="ExecuteChangeSet"):
            list(change_set.execute())

        stubber.assert_no_pending_responses()


def test_goes_on_watching(account):
    """A look at the events that fails is repeated; if none succeeds any more, it is said that AWS goes on."""
    watch = partial(follow, client := account.client("cloudformation"), "any", "id", lambda: None, {"UPDATE_COMPLETE"})
    end = {
        "StackId": "id",
        "StackName": "any",
        "Timestamp": "2026-01-01T00:00:00Z",
        "EventId": "1",
        "LogicalResourceId": "any",
        "PhysicalResourceId": "id",
        "ResourceType": "AWS::CloudFormation::Stack",
        "ResourceStatus": "UPDATE_COMPLETE",
    }
    with Stubber(client) as stubber:
        stubber.add_response("describe_stack_events", {"StackEvents": []})
        stubber.add_client_error("describe_stack_events", "Throttling")
        stubber.add_response("describe_stack_events", {"StackEvents": [end]})

        happenings = list(watch(sleep=lambda _: None))

        assert [each.status for each in happenings] == ["UPDATE_COMPLETE"]
        stubber.add_response("describe_stack_events", {"StackEvents": []})
        for _ in range(31):
            stubber.add_client_error("describe_stack_events", "Throttling")

        with pytest.raises(DeploymentError, match="It does go on: wait until the stack is done"):
            list(watch(sleep=lambda _: None))


def test_a_question_that_fails_leaves_no_proposal(account):
    """If CloudFormation can't be asked any more what a proposal would do, it is withdrawn."""
    client = account.client("cloudformation")
    with Stubber(client) as stubber:
        stubber.add_response("describe_stacks", {"Stacks": [_description("CREATE_COMPLETE")]})
        stubber.add_response("get_template_summary", {"Parameters": []})
        stubber.add_response("describe_stacks", {"Stacks": [_description("CREATE_COMPLETE")]})
        stubber.add_response("create_change_set", {"Id": "set", "StackId": "id"})
        stubber.add_client_error("describe_change_set", "AccessDenied")
        stubber.add_response("delete_change_set", {}, {"ChangeSetName": "set"})

        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            Stack(account, "broken").propose("{}", {})

        stubber.assert_no_pending_responses()


def test_tells_what_is_kept(account):
    """A resource that leaves the stack and stays in the account is told from one that is deleted."""
    client = account.client("cloudformation")
    removed = {"Action": "Remove", "LogicalResourceId": "A", "ResourceType": "B"}
    change_set = ChangeSet(client, "any", "set", "stack", is_new=False)
    with Stubber(client) as stubber:
        policies = [{"PolicyAction": "Retain"}, {"PolicyAction": "Delete"}]
        stubber.add_response(
            "describe_change_set",
            {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": removed | policy} for policy in policies]},
        )

        change_set.wait()

    assert [change.kept for change in change_set.changes] == [True, False]


def test_a_stack_without_outputs_is_not_deployed(account):
    """A stack whose deployment never succeeded says so instead of having no outputs."""
    stack = Stack(account, "broken")
    with Stubber(account.client("cloudformation")) as stubber:
        stubber.add_response("describe_stacks", {"Stacks": [_description("ROLLBACK_COMPLETE")]})

        with pytest.raises(DeploymentError, match="is ROLLBACK_COMPLETE and has no outputs"):
            stack.outputs()


def test_passes_on_what_it_does_not_know(account):
    """An error of AWS that isn't about a missing stack goes up as it is."""
    stack = Stack(account, "any")
    with Stubber(account.client("cloudformation")) as stubber:
        stubber.add_client_error("describe_stacks", "AccessDenied", "no")

        with pytest.raises(account.client("cloudformation").exceptions.ClientError, match="AccessDenied"):
            stack.describe()


def test_waits_and_reads_all_pages(account):
    """A proposal that CloudFormation thinks about is waited for, and told whole."""
    client = account.client("cloudformation")
    change = {"Type": "Resource", "ResourceChange": {"Action": "Remove", "LogicalResourceId": "A", "ResourceType": "B"}}
    change_set = ChangeSet(client, "any", "set", "stack", is_new=False)
    with Stubber(client) as stubber:
        stubber.add_response("describe_change_set", {"Status": "CREATE_IN_PROGRESS"})
        stubber.add_response(
            "describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": [change], "NextToken": "2"}
        )
        stubber.add_response(
            "describe_change_set",
            {"Status": "CREATE_COMPLETE", "Changes": [change]},
            {"ChangeSetName": "set", "NextToken": "2"},
        )

        reason = change_set.wait()

        stubber.assert_no_pending_responses()
    assert reason is None
    assert change_set.changes == 2 * (Change(action="Remove", resource="A", kind="B"),)


def test_follows_to_the_end(account):
    """Events are told once, the oldest first, until the stack itself rests; what AWS merely cancelled is no failure."""
    client = account.client("cloudformation")

    def event(number, status, resource="A", reason=""):
        own = {"PhysicalResourceId": "id"} if resource == "any" else {}
        return own | {
            "StackId": "id",
            "StackName": "any",
            "Timestamp": "2026-01-01T00:00:00Z",
            "EventId": str(number),
            "LogicalResourceId": resource,
            "ResourceType": "T",
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }

    events = [
        event(0, "REVIEW_IN_PROGRESS", "any"),
        event(1, "CREATE_IN_PROGRESS", "any"),
        event(2, "CREATE_FAILED", "A", "no room"),
        event(3, "CREATE_FAILED", "B", "Resource creation cancelled"),
        event(4, "ROLLBACK_COMPLETE", "any"),
    ]
    with Stubber(client) as stubber:
        for end in (1, 1, 3, 5):
            stubber.add_response("describe_stack_events", {"StackEvents": events[:end][::-1]})

        with pytest.raises(DeploymentError) as raised:
            list(follow(client, "any", "id", lambda: None, {"CREATE_COMPLETE"}))

    assert str(raised.value).splitlines() == [
        "Stack 'any' was not changed as asked (ROLLBACK_COMPLETE).",
        "A (T): no room",
    ]


def test_advises_where_aws_does_not():
    """A reason whose cure AWS leaves open is followed by the cure."""
    reason = "Your account must be verified before you can add new CloudFront resources."
    failure = Happening(
        resource="Distribution", kind="AWS::CloudFront::Distribution", status="CREATE_FAILED", reason=reason
    )

    message = _failure("events", "ROLLBACK_COMPLETE", [failure])

    assert "--site-hosting S3Website" in message


def _description(status):
    return {"StackName": "broken", "StackStatus": status, "CreationTime": "2026-01-01T00:00:00Z"}
