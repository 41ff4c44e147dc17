"""HTTP: a request to a response, with routes and CORS; knows no Lambda and no server."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from attrs import field, frozen

from event_registration import errors
from event_registration.body import json_object
from event_registration.responses import HEADERS, Response, json_response, problem, refusal
from event_registration.rules import check_event_id
from event_registration.wire import answer_of, card_of, registration_from_request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from event_registration.event import Event, EventState
    from event_registration.service import RegistrationService

__all__ = ["Api", "Request"]

_PREFLIGHT_SECONDS = 600

# Whatever comes before the last segment is a stage or a base path.
_REGISTRATIONS = re.compile(r"(?:/[^/]+)*/registrations/?")
_EVENT = re.compile(r"(?:/[^/]+)*/events/(?P<event_id>[^/]+)/?")


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


class Api:
    """
    The HTTP contract of ``docs/http-api.md``.

    Args:
        service: What does the work.
        allowed_origins: The web origins, exact, whose pages may post here. The API's own origin and callers without
            one, which are no browsers, always may.
        card: Tells an event and its state by its id and a *deadline*, where a catalogue has the events; a registration
            then needn't name its own.
    """

    def __init__(
        self,
        service: RegistrationService,
        *,
        allowed_origins: Collection[str] = (),
        card: Callable[..., tuple[Event, EventState]] | None = None,
    ) -> None:
        self._service = service
        self._card = card
        self._allowed_origins = frozenset(allowed_origins)

    def handle(self, request: Request) -> Response:
        """Answer *request*. Whatever happens becomes a response; nothing is raised."""
        try:
            response = self._route(request)
        except Exception as error:  # noqa: BLE001 - the last line: a stack trace is no answer
            response = refusal(error)
        return Response(
            status=response.status,
            headers={**HEADERS, **self._cors(request), **response.headers},
            body="" if request.method == "HEAD" else response.body,
            facts=response.facts,
        )

    def _route(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self._preflight(request)
        is_registration = _REGISTRATIONS.fullmatch(request.path)
        if is_registration and (request.method == "POST" or not self._card):
            return self._receive(request)
        if self._card and (match := _EVENT.fullmatch(request.path)):
            if request.method not in {"GET", "HEAD"}:
                return _not_allowed("Events are read with GET.", "GET, HEAD, OPTIONS")
            return self._show(request, match["event_id"], self._card)
        if is_registration:
            return self._receive(request)
        return problem(HTTPStatus.NOT_FOUND, "not-found", "Not found", "There is nothing at this address.")

    def _receive(self, request: Request) -> Response:
        if request.method != "POST":
            return _not_allowed("Registrations are made with POST.", "OPTIONS, POST")
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

    def _show(self, request: Request, event_id: str, card: Callable[..., tuple[Event, EventState]]) -> Response:
        if check_event_id(event_id):
            raise errors.UnknownEventError("There is no such event.")
        event, state = card(event_id, deadline=request.deadline)
        facts = {"event_id": event_id, "outcome": "shown"}
        return json_response(HTTPStatus.OK, "application/json", card_of(event, state), facts=facts)

    def _register(self, request: Request) -> Response:
        document = json_object(request.body, is_base64=request.is_base64)
        registration = registration_from_request(document, is_named=self._card is None)
        try:
            receipt = self._service.register(registration, deadline=request.deadline)
        except Exception as error:  # noqa: BLE001 - whatever it is, the log names the event
            trouble = error.__cause__ if isinstance(error, errors.AlreadyRegisteredError) else None
            return refusal(error, event_id=registration.event_id, **_trouble(trouble))
        facts = {"event_id": registration.event_id, "outcome": receipt.outcome.value, **_trouble(receipt.trouble)}
        return json_response(HTTPStatus.CREATED, "application/json", answer_of(receipt.registration), facts=facts)

    def _may_post(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        return origin is None or origin in self._allowed_origins or _is_own(origin, request)

    def _preflight(self, request: Request) -> Response:
        if not self._cors(request):
            return Response(status=HTTPStatus.NO_CONTENT, headers={})
        headers = {
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS" if self._card else "POST, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
        return Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    def _cors(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin")
        if origin not in self._allowed_origins:
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}


def _not_allowed(detail: str, allowed: str) -> Response:
    return problem(
        HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail, headers={"Allow": allowed}
    )


def _trouble(trouble: BaseException | None) -> dict[str, str]:
    return (
        {"trouble": trouble.code, "cause": str(trouble)} if isinstance(trouble, errors.EventRegistrationError) else {}
    )


def _is_json(content_type: str) -> bool:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = {part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")}
    return media_type == "application/json" and charsets <= {"utf-8"}


def _is_own(origin: str, request: Request) -> bool:
    # A proxy may have ended TLS, so that our own scheme is unknown here: host and port decide.
    return origin.partition("://")[2] == request.headers.get("host", "").lower() != ""
