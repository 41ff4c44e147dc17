"""The AWS account that a command works on, and AWS's errors as sentences that say what to do."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
)
from botocore.exceptions import ConnectionError as NotConnectedError

from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Account", "error_code", "explained", "is_denied"]

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"})
# SNS has a name of its own for it, and S3 answers HEAD with the number alone.
_DENIED = frozenset({"403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})


class Account:
    """
    An account in one region, found as the AWS command line finds it.

    Args:
        region: The region; the profile's or the environment's if ``None``.
        profile: The profile of the AWS configuration; the default one if ``None``.

    Raises:
        DeploymentError: There is no such profile, or no region is named anywhere.
    """

    def __init__(self, *, region: str | None = None, profile: str | None = None) -> None:
        with explained():
            self._session = boto3.Session(region_name=region, profile_name=profile)
        if self._session.region_name is None:
            raise DeploymentError("No AWS region is chosen. Name one with --region or AWS_DEFAULT_REGION.")
        self.region: str = self._session.region_name
        self._profile = profile
        self._clients: dict[str, Any] = {}

    @cached_property
    def id(self) -> str:
        """The account's number."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def options(self) -> tuple[str, ...]:
        """The options with which a printed command works on the same account and region."""
        return ("--region", self.region, *(("--profile", self._profile) if self._profile else ()))

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes at run time
        """Return the client of *service*, made once; here botocore may try again, since nothing is sent twice."""
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "total_max_attempts": 5})
            self._clients[service] = self._session.client(service, config=config)
        return self._clients[service]


def error_code(error: ClientError) -> str:
    """Return AWS's name of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    """Tell whether AWS refused because a permission is missing."""
    return error_code(error) in _DENIED


@contextmanager
def explained() -> Iterator[None]:
    """
    Turn what AWS's library raises into an error that says what to do.

    Raises:
        DeploymentError: In place of it.
    """
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise DeploymentError("No AWS credentials were found. Run: aws configure (or: aws sso login).") from error
    except SSOError as error:
        raise DeploymentError("The AWS session is over. Run: aws sso login.") from error
    except ProfileNotFound as error:
        raise DeploymentError(f"{error}. Look at: aws configure list-profiles.") from error
    except NoRegionError as error:
        raise DeploymentError("No AWS region is chosen. Name one with --region or AWS_DEFAULT_REGION.") from error
    except (NotConnectedError, HTTPClientError) as error:
        raise DeploymentError(f"AWS can't be reached ({type(error).__name__}). Try again.") from error
    except BotoCoreError as error:
        raise DeploymentError(f"AWS can't be called: {error}") from error
    except ClientError as error:
        raise DeploymentError(_sentence(error)) from error


def _sentence(error: ClientError) -> str:
    message = error.response.get("Error", {}).get("Message", "")
    if error_code(error) in _EXPIRED:
        return f"AWS doesn't accept the credentials ({error_code(error)}). Renew them, as with: aws sso login."
    if is_denied(error):
        return f"These credentials may not do {error.operation_name}. Ask for that permission. AWS says: {message}"
    return f"AWS refused {error.operation_name} ({error_code(error)}): {message}"
