"""What a deployment finds out by itself, where an emulator can't be brought to say it."""

import io
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from attrs import evolve
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from rich.console import Console
from senders import Senders

from event_registration.cli.deploy import _show
from event_registration.cli.documents import event_of
from event_registration.deployment import table
from event_registration.deployment.account import Account
from event_registration.deployment.deploy import (
    PARAMETERS,
    Deployment,
    _identity,
    _manage_logging,
    parameters_of,
    prepare,
)
from event_registration.deployment.package import Package
from event_registration.deployment.stack import Stack
from event_registration.deployment.storage import has_templates, key_of, store
from event_registration.deployment.template import rendered, table_id
from event_registration.errors import DeploymentError


@pytest.fixture
def account():
    """Return an account whose clients reach nobody."""
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull}
    with patch.dict(os.environ, credentials, clear=True):
        account = Account(region="us-east-1")
        with Stubber(account.client("sts")) as sts:
            sts.add_response("get_caller_identity", {"Account": "123456789012"})
            assert account.id == "123456789012"
        yield account


@pytest.fixture
def package(tmp_path):
    """Return a package."""
    path = tmp_path / "function.zip"
    path.write_bytes(b"zip")
    return Package(path=path, size=3, sha256="5a1", parts={}, precompiled=True)


@pytest.fixture
def s3(account):
    """Return what S3 is to be asked for, and to answer."""
    with Stubber(account.client("s3")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def _present(account, key):
    """Return the stack that was deployed with the package under *key*, and CloudFormation, stubbed to tell of it."""
    cloudformation = Stubber(account.client("cloudformation"))
    values = dict.fromkeys(PARAMETERS, "x") | {"CodeKey": key}
    stack = {
        "StackName": "events",
        "StackStatus": "UPDATE_COMPLETE",
        "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
    }
    for _ in range(4):
        cloudformation.add_response("describe_stacks", {"Stacks": [stack]})
    cloudformation.add_response("list_stack_resources", {"StackResourceSummaries": []})
    return Stack(account, "events"), cloudformation


def test_templates_are_not_lost_in_silence(account, package, tmp_path):
    """Whoever deploys a stack anew that mails with a team's templates says where they are, or that they are to go."""
    key = key_of(evolve(package, has_templates=True))
    stack, cloudformation = _present(account, key)

    with cloudformation, pytest.raises(DeploymentError, match="Name their folder with --templates, or say --no-temp"):
        prepare(account, stack, {}, folder=tmp_path)

    assert has_templates(key)
    assert not has_templates(key_of(package))


def test_makes_the_bucket_and_uploads(account, package, s3):
    """The first time the bucket is made, private, and the package goes in under its digest."""
    owner = {"Bucket": "packages", "ExpectedBucketOwner": "123456789012"}
    key = {"Key": "functions/5a1.zip"}
    private = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.add_client_error("head_bucket", "404", expected_params=owner)
    s3.add_response("create_bucket", {}, {"Bucket": "packages"})
    s3.add_response("put_public_access_block", {}, {"Bucket": "packages", "PublicAccessBlockConfiguration": private})
    s3.add_client_error("head_object", "404", expected_params=owner | key)
    s3.add_response("put_object", {}, owner | key | {"Body": b"zip"})

    store(account, "packages", package)


def test_uploads_nothing_twice(account, package, s3):
    """A package that is there under its digest is left as it is."""
    s3.add_response("head_bucket", {})
    s3.add_response("head_object", {})

    store(account, "packages", package)


def test_uses_no_bucket_of_others(account, package, s3):
    """A bucket that belongs to somebody else gets no code of ours; the error says which option mends it."""
    s3.add_client_error("head_bucket", "403")

    with pytest.raises(DeploymentError, match=r"'packages' belongs to another account.*Name another one with --bucket"):
        store(account, "packages", package)


@pytest.mark.parametrize("answers", [["301"], ["", "500"]], ids=["bucket", "object"])
def test_hides_no_other_error(account, package, s3, answers):
    """What S3 says besides goes up as it is."""
    for operation, code in zip(("head_bucket", "head_object"), answers, strict=False):
        if code:
            s3.add_client_error(operation, code)
        else:
            s3.add_response(operation, {})

    with pytest.raises(ClientError):
        store(account, "packages", package)


@pytest.mark.parametrize(
    ("known", "named", "owned", "expected"),
    [
        ({}, None, None, ("", "true")),
        ({"a@mail.example.org": False}, None, "a@mail.example.org", ("", "true")),
        ({"a@mail.example.org": True}, None, None, ("", "false")),
        ({"a@mail.example.org": False}, None, "b@mail.example.org", ("", "false")),
        ({"mail.example.org": True}, None, None, ("mail.example.org", "false")),
        ({"mail.example.org": True}, "", None, ("", "true")),
        ({"mail.example.org": False, "example.org": True}, None, None, ("example.org", "false")),
        ({"example.org": False}, None, None, ("", "true")),
        ({"example.org": True}, "mail.example.org", None, ("mail.example.org", "true")),
        ({"example.org": True}, "example.org", None, ("example.org", "false")),
        ({"example.org": True}, "example.org", "example.org", ("example.org", "true")),
        ({}, "a@mail.example.org", None, ("a@mail.example.org", "true")),
    ],
)
def test_chooses_the_identity(known, named, owned, expected):
    """What SES has is used: the address, else a verified domain above it; only what nobody made is made."""
    wishes = {"SenderAddress": "a@mail.example.org"} | ({} if named is None else {"SenderIdentity": named})
    resources = {"SenderIdentityRecord": owned} if owned else {}

    identity = _identity(Senders(known), {}, wishes, resources)

    assert (identity["SenderIdentity"], identity["ManageSenderIdentity"]) == expected


def test_makes_the_identity_it_is_told_to_make():
    """Told to make the identity itself, the stack makes the address's, whatever domain is verified."""
    wishes = {"SenderAddress": "a@example.org", "ManageSenderIdentity": "true"}

    identity = _identity(Senders({"example.org": True}), {}, wishes, {})

    assert identity == {"SenderIdentity": "", "ManageSenderIdentity": "true"}


def test_a_table_that_is_gone_is_deleted(account):
    """If the answer to a deletion got lost, the table is gone by the next try: that is what was wanted."""
    with Stubber(account.client("dynamodb")) as stubber:
        stubber.add_response("update_table", {})
        stubber.add_client_error("delete_table", "ResourceNotFoundException")
        stubber.add_client_error("describe_table", "ResourceNotFoundException")

        table.delete(account, "eventmanagement")

        stubber.assert_no_pending_responses()


def test_lets_go_of_another_senders_domain():
    """A domain that was found for an earlier sender isn't kept for one whom it doesn't cover."""
    present = {"SenderAddress": "a@old.example", "SenderIdentity": "old.example"}

    identity = _identity(Senders({"old.example": True}), present, {"SenderAddress": "a@new.example"}, {})

    assert identity == {"SenderIdentity": "", "ManageSenderIdentity": "true"}


@pytest.mark.parametrize("named", ["other.example", "ample.org", "b@mail.example.org"])
def test_refuses_an_identity_of_others(named):
    """An identity that doesn't cover the sender could send nothing."""
    with pytest.raises(DeploymentError, match=r"can't send for a@mail.example.org"):
        _identity(Senders({}), {"SenderAddress": "a@mail.example.org"}, {"SenderIdentity": named}, {})


def test_does_not_guess_about_identities(account):
    """If SES can't be asked, the deployment stops."""
    with Stubber(account.client("sesv2")) as stubber:
        stubber.add_client_error("get_email_identity", "AccessDeniedException")

        with pytest.raises(ClientError):
            _identity(account, {}, {"SenderAddress": "a@example.org"}, {})


@pytest.mark.parametrize(
    ("sender", "chosen", "expected"),
    [
        ("Ada, Events <events@EXAMPLE.org>", {}, {"SenderName": "Ada, Events", "SenderAddress": "events@example.org"}),
        (None, {"EventIds": "b, a"}, {"EventIds": "a,b"}),
        (None, {"EventIds": "", "AllowedOrigin": " "}, {"EventIds": "", "AllowedOrigin": ""}),
        (None, {"MemoryMegabytes": "512", "Runtime": None}, {"MemoryMegabytes": "512"}),
    ],
)
def test_passes_on_what_the_function_understands(sender, chosen, expected):
    """Values go to the template in normal form; an empty one resets its parameter, none leaves it."""
    assert parameters_of(sender, chosen) == expected


@pytest.mark.parametrize(
    ("sender", "chosen", "sentence"),
    [
        ("", {}, "--sender is missing."),
        (None, {"TableName": ""}, "--table is missing."),
        (None, {"AllowedOrigin": "https://a.example https://b.example"}, "--allowed-origin takes one origin"),
        ("nobody", {"EventIds": "a;b"}, r"--event-ids must be event ids(.|\n)*--sender must be an address"),
    ],
)
def test_refuses_what_the_function_would_refuse(sender, chosen, sentence):
    """What the function would fail at its start for is refused here, by the option's name."""
    with pytest.raises(DeploymentError, match=sentence):
        parameters_of(sender, chosen)


def test_uses_no_bucket_of_another_region(account, package, s3):
    """Lambda takes code from its own region only; that is said before anything is made."""
    s3.add_response("head_bucket", {"BucketRegion": "eu-west-1"})

    with pytest.raises(DeploymentError, match="is in eu-west-1, not us-east-1"):
        store(account, "packages", package)


def test_waits_until_a_restored_table_takes_changes():
    """A table that was just restored isn't ready for every change: that is waited for, and given up at last."""
    pauses = []
    refusals = ["ContinuousBackupsUnavailableException", "ResourceInUseException"]
    told = []

    def change(**arguments):
        told.append(arguments)
        if refusals:
            raise ClientError({"Error": {"Code": refusals.pop()}}, "UpdateTable")

    def refuse(**_):
        raise ClientError({"Error": {"Code": "ResourceInUseException"}}, "UpdateTable")

    table._patiently(change, sleep=pauses.append, TableName="t")

    assert told == 3 * [{"TableName": "t"}]
    assert len(pauses) == 2
    with pytest.raises(ClientError):
        table._patiently(refuse, sleep=pauses.append)


@pytest.mark.parametrize(
    ("role", "resources", "expected"),
    [
        ("", {}, "true"),
        ("arn:aws:iam::123456789012:role/logs", {}, "false"),
        ("arn:aws:iam::123456789012:role/logs", {"ApiGatewayAccount": "a"}, "true"),
    ],
    ids=["none", "somebody's", "ours"],
)
def test_makes_the_logging_role_once(account, role, resources, expected):
    """API Gateway's role is made where there is none, and stays the stack's that made it."""
    with Stubber(account.client("apigateway")) as stubber:
        stubber.add_response("get_account", {"cloudwatchRoleArn": role} if role else {})

        assert _manage_logging(account, resources) == expected


def _table(**index):
    """Return what DynamoDB says of a table of ours, with an index that is like ours but for *index*."""
    keys = [*table.KEYS, *table.INDEX_KEYS]
    ours = {"IndexName": "outbox", "KeySchema": table.DEFINITION["KeySchema"], "IndexStatus": "ACTIVE"}
    return {
        "TableName": "events",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": letter} for key, _, letter in keys],
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind, _ in table.KEYS],
        "GlobalSecondaryIndexes": [ours | index],
    }


@pytest.mark.parametrize("index", [{}, {"IndexName": "another"}], ids=["ours", "another"])
def test_takes_over_a_table_of_ours(index):
    """A table with our keys can be taken over, with the outbox's index or without."""
    table.check(_table(**index))


@pytest.mark.parametrize(
    "keys",
    [
        [{"AttributeName": "outbox", "KeyType": "HASH"}],
        [{"AttributeName": "outbox", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    ],
)
def test_refuses_an_index_by_other_keys(keys):
    """A table whose index has our name and other keys is not taken over: no mail that is due would be found."""
    with pytest.raises(DeploymentError, match=r"an index 'outbox' that is not keyed by outbox and mail_at.*--table"):
        table.check(_table(KeySchema=keys))


def test_waits_for_the_index_and_says_so(account):
    """A large table takes its time to be indexed: that is waited for without an end, and told by the minute."""
    pauses, told = [], []
    with Stubber(account.client("dynamodb")) as stubber:
        for state in (*["CREATING"] * 25, "ACTIVE"):
            stubber.add_response("describe_table", {"Table": _table(IndexStatus=state)}, {"TableName": "events"})

        table._wait_for_index(account, "events", told.append, sleep=pauses.append)

        stubber.assert_no_pending_responses()
    assert len(pauses) == 25
    assert told[0] == "Table events gets its index, for which all of it is read: 0 minutes so far"
    assert told[-1].endswith("2 minutes so far")


def test_does_not_guess_about_tables(account):
    """If DynamoDB can't be asked, the table isn't taken for missing."""
    with Stubber(account.client("dynamodb")) as stubber:
        stubber.add_client_error("describe_table", "AccessDeniedException")

        with pytest.raises(ClientError):
            table.find(account, "eventmanagement")


@pytest.mark.parametrize(
    "change", [{"AllowedOrigin": "https://a.example"}, {"Events": "open"}, {"SiteHosting": "S3Website"}]
)
def test_a_change_of_the_api_is_a_new_snapshot(change):
    """What API Gateway's own answers depend on gives its deployment a new logical id; nothing else does."""
    names = {"table": "t", "table_id": "RegistrationTable"}
    plain = rendered({}, **names)

    assert rendered({"MemoryMegabytes": "1024", "SiteHosting": "CloudFront", "Events": "managed"}, **names) == plain
    assert rendered(change, **names) != plain


def test_a_table_keeps_its_logical_id():
    """A table that the stack has keeps the id it has there; another one gets its own."""
    resources = {"RegistrationTable": "mine", "Function": "f"}

    assert table_id("mine", resources) == "RegistrationTable"
    assert table_id("other", resources) not in {"RegistrationTable", table_id("third", resources)}


def test_nothing_to_change_is_nothing_to_do(account, package):
    """A deployment without a change set has nothing to withdraw, and asks nobody."""
    deployment = _deployment(account, package)

    deployment.discard()
    deployment.abandon()

    assert deployment.change_set is None


@pytest.mark.parametrize("precompiled", [True, False])
def test_says_when_first_answers_will_be_slow(account, package, precompiled):
    """A package without bytecode is told before it is deployed."""
    console = Console(file=io.StringIO(), width=100)

    _show(console, _deployment(account, evolve(package, precompiled=precompiled)))

    assert ("first answers will be slower" in console.file.getvalue()) is not precompiled


def _deployment(account, package):
    return Deployment(
        account=account,
        stack=Stack(account, "events"),
        package=package,
        bucket="packages",
        is_managed=True,
        parameters={},
        change_set=None,
        adopted=None,
    )


def test_the_pages_event_can_be():
    """The event that the deployment page has people begin with breaks no rule."""
    page = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text("utf-8")
    (example,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    event = event_of(json.loads(example))

    assert (event.event_id, event.capacity, event.waitlist) == ("devconf-2030", 200, True)
