"""What a deployment finds out by itself, where an emulator can't be brought to say it."""

import io
import os
from unittest.mock import patch

import pytest
from attrs import evolve
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from rich.console import Console

from event_registration.cli.deploy import _show
from event_registration.deployment import table
from event_registration.deployment.account import Account
from event_registration.deployment.deploy import Deployment, _manage_identity, _store
from event_registration.deployment.package import Package
from event_registration.deployment.stack import Stack
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

    _store(account, "packages", package)


def test_uploads_nothing_twice(account, package, s3):
    """A package that is there under its digest is left as it is."""
    s3.add_response("head_bucket", {})
    s3.add_response("head_object", {})

    _store(account, "packages", package)


def test_uses_no_bucket_of_others(account, package, s3):
    """A bucket that belongs to somebody else gets no code of ours; the error says which option mends it."""
    s3.add_client_error("head_bucket", "403")

    with pytest.raises(DeploymentError, match=r"'packages' belongs to another account.*Name another one with --bucket"):
        _store(account, "packages", package)


@pytest.mark.parametrize("answers", [["301"], ["", "500"]], ids=["bucket", "object"])
def test_hides_no_other_error(account, package, s3, answers):
    """What S3 says besides goes up as it is."""
    for operation, code in zip(("head_bucket", "head_object"), answers, strict=False):
        if code:
            s3.add_client_error(operation, code)
        else:
            s3.add_response(operation, {})

    with pytest.raises(ClientError):
        _store(account, "packages", package)


def test_makes_an_identity_that_is_not_there(account):
    """An address that SES doesn't know becomes the stack's to verify."""
    with Stubber(account.client("sesv2")) as stubber:
        stubber.add_client_error("get_email_identity", "NotFoundException")

        assert _manage_identity(account, {"SenderAddress": "a@example.org"}, {}) == "true"


def test_leaves_an_identity_to_its_maker(account):
    """A domain that is verified already is used, and not made again."""
    chosen = {"SenderAddress": "a@example.org", "SenderIdentity": "example.org"}
    with Stubber(account.client("sesv2")) as stubber:
        stubber.add_response("get_email_identity", {}, {"EmailIdentity": "example.org"})

        assert _manage_identity(account, chosen, {"SenderIdentityRecord": "a@example.org"}) == "false"


def test_keeps_its_own_identity(account):
    """The identity that the stack made stays the stack's: letting go of it would delete it."""
    resources = {"SenderIdentityRecord": "a@example.org"}

    assert _manage_identity(account, {"SenderAddress": "a@example.org"}, resources) == "true"


def test_does_not_guess_about_identities(account):
    """If SES can't be asked, the deployment stops."""
    with Stubber(account.client("sesv2")) as stubber:
        stubber.add_client_error("get_email_identity", "AccessDeniedException")

        with pytest.raises(ClientError):
            _manage_identity(account, {"SenderAddress": "a@example.org"}, {})


def test_does_not_guess_about_tables(account):
    """If DynamoDB can't be asked, the table isn't taken for missing."""
    with Stubber(account.client("dynamodb")) as stubber:
        stubber.add_client_error("describe_table", "AccessDeniedException")

        with pytest.raises(ClientError):
            table.find(account, "eventmanagement")


@pytest.mark.parametrize("change", [{"AllowedOrigin": "https://a.example"}, {"SiteHosting": "S3Website"}])
def test_a_change_of_the_api_is_a_new_snapshot(change):
    """What API Gateway's own answers depend on gives its deployment a new logical id; nothing else does."""
    names = {"table": "t", "table_id": "RegistrationTable"}
    plain = rendered({}, **names)

    assert rendered({"MemoryMegabytes": "1024", "SiteHosting": "CloudFront"}, **names) == plain
    assert rendered(change, **names) != plain


def test_a_table_keeps_its_logical_id():
    """A table that the stack has keeps the id it has there; another one gets its own."""
    resources = {"RegistrationTable": "mine", "Function": "f"}

    assert table_id("mine", resources) == "RegistrationTable"
    assert table_id("other", resources) not in {"RegistrationTable", table_id("third", resources)}


def test_nothing_to_change_is_nothing_to_do(account, package):
    """A deployment without a change set touches nothing, whether it is carried out or withdrawn."""
    deployment = _deployment(account, package)

    happenings = list(deployment.execute())
    deployment.discard()

    assert happenings == []


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
        parameters={},
        change_set=None,
        adopted=None,
    )
