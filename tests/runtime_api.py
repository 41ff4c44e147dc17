"""What AWS is to a function, on this machine: the Runtime API for its real client, and SES as far as it takes mail."""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:event-registration"


class FunctionError(Exception):
    """The client reported that an invocation failed."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        super().__init__(f"{report['errorType']}: {report['errorMessage']}")


class InitError(FunctionError):
    """The client reported that the function could not be loaded."""


class ExitError(Exception):
    """The function's process ended without an answer."""


class TimedOutError(Exception):
    """The function had not answered at its deadline, and was ended as Lambda does it."""


class Function:
    """
    A function in its runtime client.

    Args:
        process: The client.
        api: What it asks for work.
        log: Where it writes to.
    """

    def __init__(self, process: subprocess.Popen[bytes], api: _RuntimeApi, log: Path) -> None:
        self._process = process
        self._api = api
        self._log = log

    @property
    def log(self) -> list[str]:
        """The lines that the function and its client have written."""
        return self._log.read_text("utf-8").splitlines()

    def invoke(self, payload: object, *, seconds: float = 10, request_id: str | None = None) -> Any:
        """
        Call the function and return its answer.

        Args:
            payload: What it is called with.
            seconds: The time to its deadline.
            request_id: The invocation's id, or `None` for a new one.

        Raises:
            FunctionError: It raised.
            ExitError: Its process ended.
            TimedOutError: Its time was up.
        """
        self._api.invocations.put((request_id or str(uuid.uuid4()), time.time() + seconds, payload))
        return self._outcome(seconds)

    def _outcome(self, seconds: float) -> Any:
        try:
            outcome = self._api.outcomes.get(timeout=seconds)
        except queue.Empty:
            self._process.kill()
            outcome = TimedOutError(f"no answer after {seconds:g} s")
        if isinstance(outcome, Exception):
            outcome.add_note("\n".join(self.log))
            raise outcome
        return outcome


@contextmanager
def runtime(
    task_root: Path,
    python: Sequence[str | Path],
    *,
    version: str,
    packages: Sequence[Path] = (),
    environ: Mapping[str, str],
    handler: str = "lambda_function.handler",
    init_seconds: float = 30,
) -> Iterator[Function]:
    """
    Run the function in *task_root* under `awslambdaric`, AWS's own client, until the block ends.

    Args:
        task_root: The unpacked zip.
        python: The command that is the interpreter.
        version: Its version, as in ``3.13``.
        packages: Where the client and boto3 are, if the interpreter doesn't have them itself.
        environ: The function's own variables; it sees none of the tests'.
        handler: Its handler, as Lambda's setting names it.
        init_seconds: The time it has to load.

    Raises:
        InitError: The function could not be loaded.
    """
    with _RuntimeApi() as api, tempfile.TemporaryDirectory() as home:
        log = Path(home, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*python, "-P", "-m", "awslambdaric", handler],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=task_root,
                env=_variables(version)
                | {
                    "_HANDLER": handler,
                    "AWS_LAMBDA_RUNTIME_API": api.address,
                    "LAMBDA_TASK_ROOT": str(task_root),
                    "PYTHONPATH": ":".join(map(str, (task_root, *packages))),
                    "HOME": home,
                }
                | environ,
            )
        ending = threading.Thread(target=_report_the_end, args=(process, api))
        ending.start()
        try:
            function = Function(process, api, log)
            function._outcome(init_seconds)
            yield function
        finally:
            process.kill()
            ending.join()
            api.invocations.put(None)


def _variables(version: str) -> dict[str, str]:
    """Return what Lambda sets ("Defined runtime environment variables", Lambda developer guide)."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "event-registration",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/event-registration",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/03/12/[$LATEST]0123456789abcdef0123456789abcdef",
        "AWS_REGION": "eu-west-1",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
    }


def _report_the_end(process: subprocess.Popen[bytes], api: _RuntimeApi) -> None:
    api.outcomes.put(ExitError(f"the process ended with {process.wait()}"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered: an answer is one packet

    def handle(self) -> None:
        """Answer until the other side hangs up, however rudely: functions are killed."""
        with suppress(ConnectionError):
            super().handle()

    def read(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status: HTTPStatus, body: object, headers: Mapping[str, str] | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Leave the tests' output alone."""


class _Server(ThreadingHTTPServer):
    """Serves on a free port of this machine while its block runs."""

    handler: type[_Handler]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.handler)
        self.address = f"127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()
        return super().__enter__()

    def __exit__(self, *reason: object) -> None:
        self.shutdown()
        self._thread.join()
        super().__exit__(*reason)


class _RuntimeHandler(_Handler):
    """What a client may call ("Using the Lambda runtime API", Lambda developer guide)."""

    def do_GET(self) -> None:
        """Hand over the next invocation when there is one; the first call says that the init is over."""
        if not self.server.initialised:
            self.server.initialised = True
            self.server.outcomes.put(None)
        invocation = self.server.invocations.get()
        if invocation is None:
            self.close_connection = True
            return
        request_id, deadline, payload = invocation
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN,
        }
        self.answer(HTTPStatus.OK, payload, headers)

    def do_POST(self) -> None:
        """Take an answer, or the error of an invocation or the init."""
        outcome = self.read()
        *_, subject, kind = self.path.split("/")
        if kind == "error":
            outcome = InitError(outcome) if subject == "init" else FunctionError(outcome)
        self.answer(HTTPStatus.ACCEPTED, {"status": "OK"})
        self.server.outcomes.put(outcome)


class _RuntimeApi(_Server):
    handler = _RuntimeHandler

    def __init__(self) -> None:
        super().__init__()
        self.initialised = False
        self.invocations: queue.SimpleQueue[tuple[str, float, object] | None] = queue.SimpleQueue()
        self.outcomes: queue.SimpleQueue[object] = queue.SimpleQueue()


class _MailHandler(_Handler):
    def do_POST(self) -> None:
        """Take one mail, or refuse it."""
        mail = self.read()
        if self.server.refusal:
            status, code = self.server.refusal
            self.answer(status, {"message": "refused"}, {"X-Amzn-ErrorType": code})
            return
        self.server.mails.append(mail)
        self.answer(HTTPStatus.OK, {"MessageId": f"mail-{len(self.server.mails)}"})

    def do_GET(self) -> None:
        """Tell the account's quota."""
        quota = {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0}
        self.answer(HTTPStatus.OK, {"SendQuota": quota})


class MailService(_Server):
    """
    SES's ``SendEmail`` and ``GetAccount``, API version 2, at ``url``.

    The requests' bodies are in ``mails``, the oldest first; ``refusal``, a status and a code, has it take none.
    """

    handler = _MailHandler

    def __init__(self) -> None:
        super().__init__()
        self.url = f"http://{self.address}"
        self.mails: list[dict[str, Any]] = []
        self.refusal: tuple[HTTPStatus, str] | None = None
