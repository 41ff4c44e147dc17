"""The whole system in one process: our API, the site and the mailbox behind a production WSGI server."""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from waitress import create_server
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Request as WSGIRequest
from werkzeug.wrappers import Response as WSGIResponse

from event_registration.api import Request
from event_registration.assets import site_files
from event_registration.body import MAX_BODY
from event_registration.clock import utc_now
from event_registration.errors import DataFolderInUseError
from event_registration.links import Links
from event_registration.local.demo import set_up_demo
from event_registration.local.events import SQLiteEventRepository
from event_registration.local.inbox import Inbox
from event_registration.local.keys import KeyFile
from event_registration.local.mailbox import MailboxNotifier
from event_registration.local.outbox import SQLiteOutbox
from event_registration.local.reception import Reception
from event_registration.local.smtp import SMTPNotifier
from event_registration.local.worker import Worker
from event_registration.mailserver import MailServer, is_loopback
from event_registration.settings import PREFIX, Confirmation, EventsMode, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import FrameType
    from wsgiref.types import StartResponse, WSGIEnvironment

    from event_registration.assets import SiteFile
    from event_registration.ports import Notifier

__all__ = ["App", "serve"]

_SENDER = "events@localhost.example"
_LINK_KEYS = "link-keys.json"
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
        reception: Answers what the API is asked.
        site: The site's files by their paths: where the organiser's catalogue has the events, and where any is taken.
        inbox: Shows the mails; ``None`` if strangers could reach it.
        log: Gets one line per request of the API, without personal data.
    """

    def __init__(
        self,
        reception: Reception,
        site: Mapping[EventsMode, Mapping[str, SiteFile]],
        inbox: Inbox | None,
        log: Callable[[str], None],
    ) -> None:
        self._reception = reception
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
        file = self._site[self._reception.mode].get(request.path.removeprefix("/") or "index.html")
        return _page(file, request) if reading and file else self._call_api(request)

    def _mailbox(self, request: WSGIRequest) -> WSGIResponse:
        if self._inbox is None or request.method not in {"GET", "HEAD"}:
            raise NotFound
        # A page of another site may have rebound its own name to 127.0.0.1 (DNS rebinding): it then sends that name.
        if not is_loopback(_hostname(request.headers.get("Host", ""))):
            return WSGIResponse(
                "The mailbox is shown under localhost and 127.0.0.1 only.\n", 403, content_type="text/plain"
            )
        return self._inbox.page(request.path.removeprefix("/mailbox"))

    def _call_api(self, request: WSGIRequest) -> WSGIResponse:
        started = time.monotonic()
        answer = self._reception.handle(
            Request(
                # To the API a HEAD is a GET; its answer loses the content, not the length, when it is sent.
                method="GET" if request.method == "HEAD" else request.method,
                path=request.path,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=request.stream.read(MAX_BODY + 1),
            )
        )
        milliseconds = (time.monotonic() - started) * 1000
        facts = "  ".join(answer.facts.values())
        self._log(f"{datetime.now():%H:%M:%S}  {request.method}  {answer.status}  {facts}  {milliseconds:.0f} ms")  # noqa: DTZ005 - a person's wall clock
        return _Answer(answer.body, answer.status, dict(answer.headers))


def _page(file: SiteFile, request: WSGIRequest) -> WSGIResponse:
    response = WSGIResponse(file.body, headers=_SITE_HEADERS, content_type=file.content_type)
    response.add_etag()
    return response.make_conditional(request)


def serve(  # noqa: PLR0913 - all keyword-only but the folder
    data: Path,
    *,
    host: str,
    port: int,
    announce: Callable[[str], None],
    log: Callable[[str], None],
    is_demo: bool = False,
    templates: Path | None = None,
) -> None:
    """
    Serve until the process is told to stop; registrations go to *data*, and so do the mails, or to a mail server.

    Args:
        data: The folder, made if it isn't there, of ``registrations.db`` and ``mailbox/``.
        host: The address to listen on. The mailbox is shown on a loopback address only.
        port: The port; 0 takes a free one.
        announce: Gets the lines that say where everything is.
        log: Gets one line per request, and one when a waiting list moves or mails are sent.
        is_demo: Whether to set up two events to try, unless they are there, and to take registrations for events only.
        templates: The team's own templates and languages, if the environment is not to say where they are.

    Raises:
        DataFolderInUseError: Another process serves *data*.
        SettingsError: The environment's settings are wrong.
        InvalidTemplatesError: A template or a language can't be used.
        RepositoryError: The database can't be used.
        OSError: The address or the folder can't be used.
    """
    environ = {name: text for name, text in os.environ.items() if text.strip()}
    # The page's address may be told as for the function; the keys are in the folder.
    defaults = {"CONFIRMATION": Confirmation.OUTBOX.value}
    if templates:
        environ[f"{PREFIX}TEMPLATES"] = str(templates)
    if f"{PREFIX}MANAGE_URL" in environ:
        defaults["LINK_KEYS"] = _LINK_KEYS
    # Mail that leaves this machine needs a sender that it can come from, and links that lead here from elsewhere.
    required = ("sender", "manage_url") if f"{PREFIX}SMTP_URL" in environ else ()
    if not required:
        defaults["SENDER"] = _SENDER
    settings = Settings.from_environ(
        {f"{PREFIX}{name}": text for name, text in defaults.items()} | environ, required=required
    )
    site = {
        mode: {file.key: file for file in site_files("", managed=mode is EventsMode.MANAGED, folder=settings.templates)}
        for mode in EventsMode
    }
    os.umask(0o077)  # names and addresses are nobody else's on this machine
    data.mkdir(parents=True, exist_ok=True)
    with _locked(data), closing(SQLiteEventRepository(data / "registrations.db")) as repository:
        outbox = SQLiteOutbox(repository)
        outbox.release_claims(utc_now())  # nobody else serves this folder: whoever claimed them is dead
        examples = set_up_demo(repository, utc_now()) if is_demo else ()
        app: App
        server = create_server(
            lambda request, answer: app(request, answer),  # noqa: PLW0108 - it needs to know the server's address
            host=host,
            port=port,
            threads=_THREADS,
            max_request_body_size=_MAX_UPLOAD,
            ident=None,
        )
        address = f"http://{f'[{host}]' if ':' in host else host}:{_port(server)}"
        keys = KeyFile(data / _LINK_KEYS)
        keys.read()  # made at the first start, not with the first mail
        notifier, inbox, mail = _mail_of(settings, data / "mailbox", host, address)
        reception = Reception(
            settings,
            repository,
            outbox,
            notifier,
            links=Links(keys, settings.manage_url or f"{address}/manage.html"),
            is_told=f"{PREFIX}EVENTS" in environ and not is_demo,
        )
        app = App(reception, site, inbox, log)
        signal.signal(signal.SIGTERM, _stop)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that requests wait a moment is no news
        announce(f"Form     {address}/")
        announce(mail)
        announce(f"Data     {data.resolve()}")
        announce(f"Events   {reception.describe()}")
        for event_id in examples:
            announce(f"         {address}/?event={event_id}")
        with Worker("settle", reception.settle_all, log), Worker("mail", reception.send_due, log):
            server.run()


def _mail_of(settings: Settings, mailbox: Path, host: str, address: str) -> tuple[Notifier, Inbox | None, str]:
    """Return what sends mail, what shows it to those on this machine if it stays here, and a line that says where."""
    sender = settings.sender or _SENDER
    if settings.smtp_url:
        server = MailServer.from_url(settings.smtp_url)
        return SMTPNotifier(settings.smtp_url, sender), None, f"Mail     smtp {server.host}:{server.port}"
    notifier = MailboxNotifier(mailbox, sender)
    if is_loopback(host):
        return notifier, Inbox(mailbox), f"Mailbox  {address}/mailbox"
    return notifier, None, f"Mailbox  {mailbox} (not shown)"


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """Keep every other server from *data*."""
    lock = FileLock(data / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        message = f"Another process serves {data}. Stop it, or give this one another folder with --data."
        raise DataFolderInUseError(message) from None
    try:
        yield
    finally:
        lock.release()


def _port(server: Any) -> int:  # noqa: ANN401 - waitress has no types
    """Return the port; a name such as localhost may stand for several sockets."""
    return int(server.effective_listen[0][1] if hasattr(server, "effective_listen") else server.effective_port)


def _hostname(host_header: str) -> str:
    try:
        return urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return ""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
