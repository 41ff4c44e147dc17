"""HTTP: a request to a response, with routes, CORS and problems; knows no Lambda and no server."""

from __future__ import annotations

import json
import re
import traceback
from http import HTTPStatus
from typing import TYPE_CHECKING

from attrs import field, frozen

from event_registration import errors
from event_registration.wire import answer_of, json_object, registration_from_request

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from event_registration.service import RegistrationService

__all__ = ["HEADERS", "Api", "Request", "Response", "problem"]

_RETRY_AFTER_SECONDS = 5
_PREFLIGHT_SECONDS = 600

# Whatever comes before the last segment is a stage or a base path.
_REGISTRATIONS = re.compile(r"(?:/[^/]+)*/registrations/?")

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Origin",
}
"""What every answer has."""


@frozen(kw_only=True)
class Request:
    """
    An HTTP request, whoever received it.

    Args:
        method: In capitals.
        path: Decoded, beginning with a slash, perhaps with a stage before the route.
        headers: One value each, names in lower case.
        body: As it arrived.
        is_base64: Whether *body* is base64.
        deadline: The instant of `time.monotonic` by which the answer must be ready, if there is one.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(factory=dict)
    body: str | bytes = b""
    is_base64: bool = False
    deadline: float | None = None


@frozen(kw_only=True)
class Response:
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
    facts: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class _Problem:
    status: HTTPStatus
    title: str
    detail: str | None = None  # None: the error's own sentence
    headers: Mapping[str, str] = field(factory=dict)


_NOT_SET_UP = "The registration service is not set up correctly. Its operator has to look; please try again later."
_TRY_AGAIN = "The registration could not be taken now. Trying again is safe: nobody is registered twice."

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
    errors.AlreadyRegisteredError: _Problem(status=HTTPStatus.CONFLICT, title="Already registered"),
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


class Api:
    """
    The HTTP contract of ``docs/http-api.md``.

    Args:
        service: What does the work.
        allowed_origins: The web origins, exact, whose pages may post here. The API's own origin and callers without
            one, which are no browsers, always may.
    """

    def __init__(self, service: RegistrationService, *, allowed_origins: Collection[str] = ()) -> None:
        self._service = service
        self._allowed_origins = frozenset(allowed_origins)

    def handle(self, request: Request) -> Response:
        """Answer *request*. Whatever happens becomes a response; nothing is raised."""
        try:
            response = self._route(request)
        except Exception as error:  # noqa: BLE001 - the last line: a stack trace is no answer
            response = _refusal(error)
        return Response(
            status=response.status,
            headers={**HEADERS, **self._cors(request), **response.headers},
            body="" if request.method == "HEAD" else response.body,
            facts=response.facts,
        )

    def _route(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self._preflight(request)
        if not _REGISTRATIONS.fullmatch(request.path):
            return problem(HTTPStatus.NOT_FOUND, "not-found", "Not found", "There is nothing at this address.")
        if request.method != "POST":
            return problem(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "Method not allowed",
                "Registrations are made with POST.",
                headers={"Allow": "OPTIONS, POST"},
            )
        if not self._may_post(request):
            return problem(
                HTTPStatus.FORBIDDEN,
                "origin-not-allowed",
                "Origin not allowed",
                "Pages of this origin may not register people here.",
            )
        if not _is_json(request.headers.get("content-type", "")):
            return problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
                "Send Content-Type: application/json, in UTF-8.",
            )
        return self._register(request)

    def _register(self, request: Request) -> Response:
        registration = registration_from_request(json_object(request.body, is_base64=request.is_base64))
        try:
            receipt = self._service.register(registration, deadline=request.deadline)
        except Exception as error:  # noqa: BLE001 - whatever it is, the log names the event
            trouble = error.__cause__ if isinstance(error, errors.AlreadyRegisteredError) else None
            return _refusal(error, event_id=registration.event_id, **_trouble(trouble))
        facts = {"event_id": registration.event_id, "outcome": receipt.outcome.value, **_trouble(receipt.trouble)}
        return _json(HTTPStatus.CREATED, "application/json", answer_of(receipt.registration), facts=facts)

    def _may_post(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        return origin is None or origin in self._allowed_origins or _is_own(origin, request)

    def _preflight(self, request: Request) -> Response:
        if not self._cors(request):
            return Response(status=HTTPStatus.NO_CONTENT, headers={})
        headers = {
            "Access-Control-Allow-Methods": "POST, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
        return Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    def _cors(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin")
        if origin not in self._allowed_origins:
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}


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
    return _json(status, "application/problem+json", document, headers=headers, facts={"code": code, **(facts or {})})


def _json(
    status: HTTPStatus,
    media_type: str,
    document: object,
    *,
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, str],
) -> Response:
    return Response(
        status=status.value,
        headers={"Content-Type": media_type, **(headers or {})},
        # ASCII: the same octets whatever a proxy believes of the charset.
        body=json.dumps(document, separators=(",", ":")),
        facts=facts,
    )


def _refusal(error: Exception, **facts: str) -> Response:
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


def _trouble(trouble: BaseException | None) -> dict[str, str]:
    return (
        {"trouble": trouble.code, "cause": str(trouble)} if isinstance(trouble, errors.EventRegistrationError) else {}
    )


def _where(error: Exception) -> str:
    """Tell an unexpected error's type and place; its text may hold what a person typed."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def _is_json(content_type: str) -> bool:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = {part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")}
    return media_type == "application/json" and charsets <= {"utf-8"}


def _is_own(origin: str, request: Request) -> bool:
    # A proxy may have ended TLS, so that our own scheme is unknown here: host and port decide.
    return origin.partition("://")[2] == request.headers.get("host", "").lower() != ""
