"""What a service of AWS's raises where it keeps something for us, in this package's words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    SSLError,
)

from event_registration.errors import RepositoryError, RepositoryUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["code_of", "reaching", "refusal"]

# "Error handling with DynamoDB", and "Common Errors" in each service's API reference: what passes by itself.
_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "Throttling",
        "TransactionConflictException",
        "TransactionInProgressException",
        "LimitExceededException",
    },
)
_SERVER_ERROR = 500


def code_of(error: ClientError) -> str:
    """Return the service's name of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def reaching(service: str) -> Iterator[None]:
    """
    Tell of a call that came to no answer, or to none that was heard; what the service answered passes through.

    Raises:
        RepositoryUnavailableError: Not now; the call may have been carried out if its answer got lost.
        RepositoryError: The call can't be made, as without credentials.
    """
    try:
        yield
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        raise RepositoryUnavailableError(f"{service} can't be reached ({type(error).__name__}).") from error
    except (HTTPClientError, SSLError) as error:
        message = f"{service}'s answer got lost ({type(error).__name__})."
        raise RepositoryUnavailableError(message, ambiguous=True) from error
    except BotoCoreError as error:
        raise RepositoryError(f"{service} can't be called ({type(error).__name__}).") from error


def refusal(
    error: ClientError, service: str, what: str, *, reasons: frozenset[str] = frozenset(), passes: bool = False
) -> RepositoryError:
    """
    Return what an error that *service* answered means.

    Args:
        error: The error.
        service: The service's name.
        what: What was refused.
        reasons: More of AWS's names that say why.
        passes: Whether it is known to pass by itself.
    """
    code = code_of(error)
    why = ", ".join([code, *sorted(reasons)])
    if passes or code in _THROTTLED:
        return RepositoryUnavailableError(f"{service} refused for now ({why}).")
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR:
        return RepositoryUnavailableError(f"{service} failed ({code}).", ambiguous=True)
    return RepositoryError(f"{service} refused {what} ({why}).")
