"""HTTP: a request to a response, with routes and CORS; knows no Lambda and no server."""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from event_registration import errors
from event_registration.body import json_object
from event_registration.responses import HEADERS, Response, json_response, problem, refusal
from event_registration.rules import check_event_id
from event_registration.wire import answer_of, registration_from_request, view_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from event_registration.managed import EventRegistrationService
    from event_registration.model import Registration
    from event_registration.self_service import SelfService, View
    from event_registration.service import RegistrationService

__all__ = ["Api", "Request"]

_PREFLIGHT_SECONDS = 600


class Request(NamedTuple):  # a class of attrs' would cost a cold start three million instructions more
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
    headers: Mapping[str, str] = MappingProxyType({})
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
        managed: The same service where a catalogue has the events. There are cards then, and a registration needn't
            name its event, but may have answers.
        self_service: What links in mails lead to, where they have any.
    """

    def __init__(
        self,
        service: RegistrationService,
        *,
        allowed_origins: Collection[str] = (),
        managed: EventRegistrationService | None = None,
        self_service: SelfService | None = None,
    ) -> None:
        self._service = service
        self._managed = managed
        self._self_service = self_service
        self._allowed_origins = frozenset(allowed_origins)

    def handle(self, request: Request) -> Response:
        """Answer *request*. Whatever happens becomes a response; nothing is raised."""
        try:
            response = self._route(request)
        except Exception as error:  # noqa: BLE001 - the last line: a stack trace is no answer
            response = refusal(error)
        return response._replace(
            headers={**HEADERS, **self._cors(request), **response.headers},
            body="" if request.method == "HEAD" else response.body,
        )

    def _route(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return self._preflight(request)
        match _segments(request.path):
            case [*_, "registrations", "view" | "cancel" as action] if self._self_service:
                serve = self._self_service.view if action == "view" else self._self_service.cancel
                return self._receive(request, lambda document: self._manage(document, serve, request))
            # An event may be called registrations.
            case [*_, "events", event_id] if self._managed and (request.method, event_id) != ("POST", "registrations"):
                return self._show(request, event_id, self._managed)
            case [*_, "registrations"]:
                return self._receive(request, lambda document: self._register(document, request))
        return problem(HTTPStatus.NOT_FOUND, "not-found", "Not found", "There is nothing at this address.")

    def _receive(self, request: Request, act: Callable[[dict[str, Any]], Response]) -> Response:
        """Act on the document that *request* brings, if it may."""
        if request.method != "POST":
            return _not_allowed("Registrations are made, looked at and cancelled with POST.", "OPTIONS, POST")
        if not self._may_post(request):
            return problem(
                HTTPStatus.FORBIDDEN,
                "origin-not-allowed",
                "Origin not allowed",
                "Pages of this origin may not register people here, nor look at registrations.",
            )
        if not _is_json(request.headers.get("content-type", "")):
            return problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Unsupported media type",
                "Send Content-Type: application/json, in UTF-8.",
            )
        return act(json_object(request.body, is_base64=request.is_base64))

    def _show(self, request: Request, event_id: str, managed: EventRegistrationService) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return _not_allowed("Events are read with GET.", "GET, HEAD, OPTIONS")
        if check_event_id(event_id):
            raise errors.UnknownEventError("There is no such event.")
        from event_registration.wire_events import card_of  # where any event is taken there are no cards

        event, state = managed.card(event_id, deadline=request.deadline)
        facts = {"event_id": event_id, "outcome": "shown"}
        return json_response(HTTPStatus.OK, "application/json", card_of(event, state), facts=facts)

    def _manage(self, document: dict[str, Any], serve: Callable[..., View], request: Request) -> Response:
        from event_registration.wire_events import card_of

        view = serve(document.get("token"), deadline=request.deadline)
        registration, event = view.registration, view.event
        answers = event.questionnaire.summary(registration.answers) if event.questionnaire else ()
        body = view_of(registration, card_of(event, view.state), view.position, answers)
        facts = {"event_id": event.event_id, "outcome": registration.status.value, **_trouble(view.trouble)}
        return json_response(HTTPStatus.OK, "application/json", body, facts=facts)

    def _register(self, document: dict[str, Any], request: Request) -> Response:
        registration = self._registration_in(document, request)
        try:
            receipt = self._service.register(registration, deadline=request.deadline)
        except Exception as error:  # noqa: BLE001 - whatever it is, the log names the event
            trouble = error.__cause__ if isinstance(error, errors.AlreadyRegisteredError) else None
            return refusal(error, event_id=registration.event_id, **_trouble(trouble))
        facts = {"event_id": registration.event_id, "outcome": receipt.outcome.value, **_trouble(receipt.trouble)}
        return json_response(HTTPStatus.CREATED, "application/json", answer_of(receipt.registration), facts=facts)

    def _registration_in(self, document: dict[str, Any], request: Request) -> Registration:
        """Return what *document* asks for, or raise all that is wrong with its fields and its answers at once."""
        problems: tuple[errors.Problem, ...] = ()
        try:
            registration = registration_from_request(document, is_managed=self._managed is not None)
        except errors.InvalidRegistrationError as error:
            problems = error.problems
        answers = document.get("answers", {})
        if self._managed and (problems or not isinstance(answers, dict)):
            problems += self._managed.problems_of(document.get("eventid"), answers, deadline=request.deadline)
        if problems:
            raise errors.InvalidRegistrationError(problems)
        return registration

    def _may_post(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        return origin is None or origin in self._allowed_origins or _is_own(origin, request)

    def _preflight(self, request: Request) -> Response:
        if not self._cors(request):
            return Response(status=HTTPStatus.NO_CONTENT, headers={})
        headers = {
            "Access-Control-Allow-Methods": "GET, POST, OPTIONS" if self._managed else "POST, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
        }
        return Response(status=HTTPStatus.NO_CONTENT, headers=headers)

    def _cors(self, request: Request) -> dict[str, str]:
        origin = request.headers.get("origin")
        if origin not in self._allowed_origins:
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "Retry-After"}


def _segments(path: str) -> list[str]:
    """Return the segments of *path*: a stage or a base path, perhaps, and a route. There are none of a wrong one."""
    nothing, *segments = path.removesuffix("/").split("/")
    return [] if nothing or "" in segments else segments


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
