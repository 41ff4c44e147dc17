"""AWS's errors become sentences that say what to do."""

import os
from unittest.mock import patch

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
    UnknownServiceError,
)

from event_registration.deployment.account import Account, error_code, explained
from event_registration.errors import DeploymentError


def _refusal(code, message="words of AWS"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateStack")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NoCredentialsError(), "No AWS credentials were found. Run: aws configure"),
        (PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"), "No AWS credentials were found"),
        (UnauthorizedSSOTokenError(), "The AWS session is over. Run: aws sso login"),
        (NoRegionError(), "Name one with --region"),
        (EndpointConnectionError(endpoint_url="https://x"), r"AWS can't be reached \(EndpointConnectionError\)"),
        (ReadTimeoutError(endpoint_url="https://x"), "AWS can't be reached"),
        (UnknownServiceError(service_name="x", known_service_names="y"), "AWS can't be called: Unknown service"),
        (_refusal("ExpiredToken"), r"doesn't accept the credentials \(ExpiredToken\). Renew them"),
        (_refusal("AccessDenied"), "may not do CreateStack. Ask for that permission. AWS says: words of AWS"),
        (_refusal("LimitExceededException"), r"refused CreateStack \(LimitExceededException\): words of AWS"),
    ],
    ids=lambda value: getattr(value, "operation_name", type(value).__name__),
)
def test_says_what_to_do(error, sentence):
    """Whatever AWS's library raises ends in a sentence, and the cause is kept."""
    with pytest.raises(DeploymentError, match=sentence) as raised, explained():
        raise error

    assert raised.value.__cause__ is error


def test_leaves_other_errors_alone():
    """A defect of ours is no error of AWS's."""
    with pytest.raises(ZeroDivisionError), explained():
        _ = 1 / 0


def test_needs_a_region():
    """Without a region anywhere there is no account to work on."""
    with (
        patch.dict(os.environ, {"AWS_CONFIG_FILE": os.devnull, "HOME": "/nowhere"}, clear=True),
        pytest.raises(DeploymentError, match=r"No AWS region is chosen. Name one with --region"),
    ):
        Account()


def test_needs_a_profile_that_is_there():
    """A profile that nobody configured is named, with how to see those there are."""
    with pytest.raises(DeploymentError, match=r"profile \(nobody\) could not be found. Look at: aws configure"):
        Account(profile="nobody")


def test_knows_itself(emulator):
    """An account knows its number, and makes each client once."""
    with patch.dict(os.environ, emulator.environ(), clear=True):
        account = Account()

        assert (account.id, account.region) == ("000000000000", "eu-west-1")
        assert account.client("s3") is account.client("s3")


def test_reads_the_code_of_an_error():
    """An error's code is AWS's; one without is empty."""
    assert error_code(_refusal("AccessDenied")) == "AccessDenied"
    assert error_code(ClientError({}, "CreateStack")) == ""
