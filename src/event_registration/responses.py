"""What is answered: responses, and every error as a problem that holds nothing of the request."""

from __future__ import annotations

import traceback
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from event_registration import errors
from event_registration.wire import compact_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["HEADERS", "Response", "json_response", "problem", "refusal"]

_RETRY_AFTER_SECONDS = 5

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Vary": "Origin",
}
"""What every answer has."""


class Response(NamedTuple):  # a class of attrs' would cost a cold start three million instructions more
    """
    An HTTP response, and what may be logged of it.

    Args:
        status: The status code.
        headers: By their usual names.
        body: JSON, or empty.
        facts: For the log: event id, outcome, code; never a person's data.
    """

    status: int
    headers: Mapping[str, str]
    body: str = ""
    facts: Mapping[str, str] = MappingProxyType({})


class _Problem(NamedTuple):
    status: HTTPStatus
    title: str
    detail: str | None = None  # None: the error's own sentence
    headers: Mapping[str, str] | None = None


_NOT_SET_UP = "The registration service is not set up correctly. Its operator has to look; please try again later."
_TRY_AGAIN = "It could not be done now. Trying again is safe: nobody is registered twice."

_PROBLEMS: dict[type[Exception], _Problem] = {
    errors.InvalidRegistrationError: _Problem(
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        title="Some details are not right",
        detail="See errors for each field.",
    ),
    errors.MalformedBodyError: _Problem(status=HTTPStatus.BAD_REQUEST, title="The request can't be read"),
    errors.BodyTooLargeError: _Problem(
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        title="The request is too large",
    ),
    errors.UnknownEventError: _Problem(
        status=HTTPStatus.NOT_FOUND,
        title="Unknown event",
        detail="There is no event with this id.",
    ),
    errors.InvalidLinkError: _Problem(
        status=HTTPStatus.NOT_FOUND,
        title="This link doesn't work",
        detail="It is not complete, has ended, or its registration was cancelled and made anew since. Try the link in "
        "the newest mail about the registration; if that doesn't work either, ask whoever organises the event.",
    ),
    errors.AlreadyRegisteredError: _Problem(status=HTTPStatus.CONFLICT, title="Already registered"),
    errors.NotAdmittedError: _Problem(status=HTTPStatus.CONFLICT, title="Registration isn't possible"),
    errors.RepositoryUnavailableError: _Problem(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        title="Not now",
        detail=_TRY_AGAIN,
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
    ),
    errors.TableLayoutError: _Problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        title="Not set up correctly",
        detail=_NOT_SET_UP,
    ),
    errors.RepositoryError: _Problem(
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
        title="Not set up correctly",
        detail=_NOT_SET_UP,
    ),
}


def problem(  # noqa: PLR0913 - the members of a problem document
    status: HTTPStatus,
    code: str,
    title: str,
    detail: str,
    *,
    problems: Collection[errors.Problem] = (),
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, str] | None = None,
) -> Response:
    """Return an error as ``application/problem+json`` (RFC 9457), with *problems* as its ``errors``."""
    document = {
        "type": "about:blank",
        "title": title,
        "status": status.value,
        "code": code,
        "detail": detail,
        "errors": [{"field": each.field, "code": each.code, "message": each.message} for each in problems],
    }
    return json_response(
        status, "application/problem+json", document, headers=headers, facts={"code": code, **(facts or {})}
    )


def json_response(
    status: HTTPStatus,
    media_type: str,
    document: object,
    *,
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, str],
) -> Response:
    """Return *document* as a response, in ASCII."""
    return Response(
        status=status.value,
        headers={"Content-Type": media_type, **(headers or {})},
        # ASCII: the same octets whatever a proxy believes of the charset.
        body=compact_json(document),
        facts=facts,
    )


def refusal(error: Exception, **facts: str) -> Response:
    """Return what is answered after *error*, whatever it is, with *facts* besides its own for the log."""
    form = next((form for kind, form in _PROBLEMS.items() if isinstance(error, kind)), None)
    if form is None or not isinstance(error, errors.EventRegistrationError):
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "internal-error",
            "Something went wrong",
            "This is our fault, not yours. Trying again is safe: nobody is registered twice.",
            facts={**facts, "cause": _where(error)},
        )
    if form.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        facts["cause"] = str(error)
    return problem(
        form.status,
        error.reason if isinstance(error, errors.MalformedBodyError) else error.code,
        form.title,
        form.detail or str(error),
        problems=error.problems if isinstance(error, errors.InvalidRegistrationError) else (),
        headers=form.headers,
        facts=facts,
    )


def _where(error: Exception) -> str:
    """Tell an unexpected error's type and place; its text may hold what a person typed."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
