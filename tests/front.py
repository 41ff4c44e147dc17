"""The way from a browser to a deployed stack: its real addresses lead to the emulator."""

from __future__ import annotations

import contextlib
import ssl
import threading
from typing import TYPE_CHECKING

import trustme
from attrs import frozen
from werkzeug.exceptions import NotFound
from werkzeug.middleware.http_proxy import ProxyMiddleware
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from emulator import Emulator


@frozen
class Front:
    """
    What takes a browser to the emulator.

    Args:
        arguments: What Chromium is to be started with.
    """

    arguments: tuple[str, ...]


class _Silent(WSGIRequestHandler):
    """Answers without a word about it."""

    def log(self, *_):
        """Say nothing."""


@contextlib.contextmanager
def front(emulator: Emulator) -> Iterator[Front]:
    """
    Answer for every site and API that is deployed to *emulator*, under the addresses that the stacks' outputs tell.

    Answers are the emulator's own: CloudFront's with the response headers policy and the bucket's policy applied, the
    website endpoint's, API Gateway's. Any other address is not found.
    """
    application = _passing_on_to(emulator)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("front.example").configure_cert(tls)
    with _serving(application) as http, _serving(application, tls) as https:
        rules = f"MAP *:80 127.0.0.1:{http}, MAP *:443 127.0.0.1:{https}"
        yield Front((f"--host-resolver-rules={rules}", "--ignore-certificate-errors"))


def _passing_on_to(emulator: Emulator) -> WSGIApplication:
    # Longer than any function may take. Hosts are passed on as they are: CloudFront and S3 go by them.
    proxy = ProxyMiddleware(NotFound(), {}, timeout=60)
    target = {"target": emulator.url, "host": None, "headers": {}, "remove_prefix": False, "ssl_context": None}

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = _path(environ["HTTP_HOST"], environ["PATH_INFO"])
        if path is None:
            return NotFound()(environ, start_response)
        # CloudFront and bucket policies ask whether the way was secure.
        environ["HTTP_X_FORWARDED_PROTO"] = environ["wsgi.url_scheme"]
        return proxy.proxy_to(target, path, "/")(environ, start_response)

    return application


def _path(host: str, path: str) -> str | None:
    """Return where the emulator has what is at *path* of *host*, if it may be there at all."""
    if ".execute-api." in host:
        # It knows an API by its path, not by its host.
        stage, _, rest = path.lstrip("/").partition("/")
        return f"/restapis/{host.partition('.')[0]}/{stage}/_user_request_/{rest}"
    if ".s3-website" in host:
        # It has no index documents.
        return f"{path}index.html" if path.endswith("/") else path
    return path if host.endswith(".cloudfront.net") else None


@contextlib.contextmanager
def _serving(application: WSGIApplication, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_Silent, ssl_context=tls)
    if tls is not None:
        # Browsers connect in advance and shake hands when they like: only the connection's own thread is to wait.
        server.socket.do_handshake_on_connect = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
