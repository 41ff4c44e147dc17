"""The whole system in one process: our API, the site and the mailbox behind a production WSGI server."""

from __future__ import annotations

import ipaddress
import os
import signal
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from waitress import create_server
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Request as WSGIRequest
from werkzeug.wrappers import Response as WSGIResponse

from event_registration.api import Api, Request
from event_registration.assets import site_folder
from event_registration.body import MAX_BODY
from event_registration.errors import DataFolderInUseError
from event_registration.local.inbox import Inbox
from event_registration.local.mailbox import MailboxNotifier
from event_registration.local.sqlite import SQLiteRepository
from event_registration.service import RegistrationService
from event_registration.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from types import FrameType
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["App", "serve"]

_SENDER = "events@localhost.example"
_MAX_UPLOAD = 1024 * 1024
_THREADS = 8
_SITE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class _Answer(WSGIResponse):
    """An answer of the API, which names its content type itself if it has content."""

    default_mimetype = None


class App:
    """
    The WSGI application.

    Args:
        api: Answers registrations.
        site: The folder of ``index.html`` and what belongs to it.
        inbox: Shows the mails; ``None`` if strangers could reach it.
        log: Gets one line per registration request, without personal data.
    """

    def __init__(self, api: Api, site: Path, inbox: Inbox | None, log: Callable[[str], None]) -> None:
        self._api = api
        self._site = site
        self._inbox = inbox
        self._log = log

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = WSGIRequest(environ)
        try:
            response = self._respond(request)
        except HTTPException as error:
            response = WSGIResponse(f"{error.description}\n", error.code, content_type="text/plain; charset=utf-8")
        return response(environ, start_response)

    def _respond(self, request: WSGIRequest) -> WSGIResponse:
        reading = request.method in {"GET", "HEAD"}
        if request.path == "/mailbox" or request.path.startswith("/mailbox/"):
            return self._mailbox(request)
        name = request.path.removeprefix("/") or "index.html"
        if reading and name in {file.name for file in self._site.iterdir()}:
            return self._file(name, request)
        return self._call_api(request)

    def _mailbox(self, request: WSGIRequest) -> WSGIResponse:
        if self._inbox is None or request.method not in {"GET", "HEAD"}:
            raise NotFound
        # A page of another site may have rebound its own name to 127.0.0.1 (DNS rebinding): it then sends that name.
        if not _is_loopback(_hostname(request.headers.get("Host", ""))):
            return WSGIResponse(
                "The mailbox is shown under localhost and 127.0.0.1 only.\n", 403, content_type="text/plain"
            )
        return self._inbox.page(request.path.removeprefix("/mailbox"))

    def _file(self, name: str, request: WSGIRequest) -> WSGIResponse:
        response = send_from_directory(self._site, name, request.environ)
        response.headers.update(_SITE_HEADERS)
        return response

    def _call_api(self, request: WSGIRequest) -> WSGIResponse:
        started = time.monotonic()
        answer = self._api.handle(
            Request(
                method=request.method,
                path=request.path,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=request.stream.read(MAX_BODY + 1),
            )
        )
        milliseconds = (time.monotonic() - started) * 1000
        facts = "  ".join(answer.facts.values())
        self._log(f"{datetime.now():%H:%M:%S}  {request.method}  {answer.status}  {facts}  {milliseconds:.0f} ms")  # noqa: DTZ005 - a person's wall clock
        return _Answer(answer.body, answer.status, dict(answer.headers))


def serve(data: Path, *, host: str, port: int, announce: Callable[[str], None], log: Callable[[str], None]) -> None:
    """
    Serve until the process is told to stop; registrations go to *data*, and so do the mails.

    Args:
        data: The folder, made if it isn't there, of ``registrations.db`` and ``mailbox/``.
        host: The address to listen on. The mailbox is shown on a loopback address only.
        port: The port; 0 takes a free one.
        announce: Gets the lines that say where everything is.
        log: Gets one line per request.

    Raises:
        DataFolderInUseError: Another process serves *data*.
        SettingsError: The environment's settings are wrong.
        OSError: The address or the folder can't be used.
    """
    settings = Settings.from_environ({f"{PREFIX}SENDER": _SENDER} | _not_empty(os.environ))
    os.umask(0o077)  # names and addresses are nobody else's on this machine
    data.mkdir(parents=True, exist_ok=True)
    lock = FileLock(data / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        message = f"Another process serves {data}. Stop it, or give this one another folder with --data."
        raise DataFolderInUseError(message) from None
    repository = SQLiteRepository(data / "registrations.db")
    try:
        app = _make_app(settings, repository, data / "mailbox", shown=_is_loopback(host), log=log)
        server = create_server(
            app, host=host, port=port, threads=_THREADS, max_request_body_size=_MAX_UPLOAD, ident=None
        )
        signal.signal(signal.SIGTERM, _stop)
        address = f"http://{f'[{host}]' if ':' in host else host}:{_port(server)}"
        announce(f"Form     {address}/")
        announce(f"Mailbox  {address}/mailbox" if _is_loopback(host) else f"Mailbox  {data / 'mailbox'} (not shown)")
        announce(f"Data     {data.resolve()}")
        server.run()
    finally:
        repository.close()
        lock.release()


def _make_app(
    settings: Settings, repository: SQLiteRepository, mailbox: Path, *, shown: bool, log: Callable[[str], None]
) -> App:
    service = RegistrationService(
        repository,
        MailboxNotifier(mailbox, settings.sender or _SENDER),
        event_ids=settings.event_ids,
        on_duplicate=settings.on_duplicate,
    )
    api = Api(service, allowed_origins=settings.allowed_origins)
    return App(api, site_folder(), Inbox(mailbox) if shown else None, log)


def _not_empty(environ: os._Environ[str]) -> dict[str, str]:
    return {name: text for name, text in environ.items() if text.strip()}


def _port(server: Any) -> int:  # noqa: ANN401 - waitress has no types
    """Return the port; a name such as localhost may stand for several sockets."""
    return int(server.effective_listen[0][1] if hasattr(server, "effective_listen") else server.effective_port)


def _hostname(host_header: str) -> str:
    try:
        return urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
