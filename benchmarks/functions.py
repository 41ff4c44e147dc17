"""A function in a process of its own, as on Lambda: loaded, called, counted, slowed down, and seen doing its work."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from benchmarks.cloud import bundle
from benchmarks.environments import HERE, compile_into, environment, unpack
from benchmarks.subjects import EVENT, MARK, ORIGIN, PUT, SEND
from event_registration import Event, Listing
from event_registration.aws.items import encode
from event_registration.wire_events import row_of_listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.cloud import Cloud
    from benchmarks.subjects import Subject

PAYLOAD = json.loads((HERE.parent / "tests" / "payloads" / "rest-api.json").read_text("utf-8"))
PAYLOAD["headers"]["Origin"] = ORIGIN
PAYLOAD["multiValueHeaders"]["Origin"] = [ORIGIN]
_OPERATIONS = {PUT: "PutItem", SEND: "SendEmail", MARK: "PutItem"}
_EVENT = encode(
    row_of_listing(
        Listing(
            event=Event(
                event_id=EVENT,
                event_name="DevConf 2026",
                starts_at=datetime(2099, 1, 1, 9, tzinfo=UTC),
                ends_at=datetime(2099, 1, 1, 17, tzinfo=UTC),
                time_zone="Europe/Berlin",
            )
        )
    )
    | {"sk": "EVENT"}
)
_TOTALS = re.compile(r"^totals: (\d+)$", re.MULTILINE)
_CREATED = 201


class WrongAnswerError(Exception):
    """A function doesn't do what it is measured for."""


@frozen
class Bench:
    """
    What functions are measured with.

    Args:
        cloud: The services.
        folder: Where files go.
        python: The Python that is measured.
        zipped: The library's package.
        wheel: The library.
        ours_python: Another interpreter for the package than the one with the peers' boto3.
        ours_environ: Variables that the library gets besides.
    """

    cloud: Cloud
    folder: Path
    python: Path
    zipped: Path
    wheel: Path
    ours_python: Path | None = None
    ours_environ: Mapping[str, str] = field(factory=dict)

    def interpreter(self, subject: Subject) -> Path:
        """Return what a subject runs in."""
        if self.ours_python and subject.source in {"zip", "same_calls"}:
            return self.ours_python
        wheel = self.wheel if subject.environment == "library" else None
        return environment(subject.environment, self.python, wheel=wheel)

    def task(self, subject: Subject) -> Path:
        """Return a subject's task folder, made the first time."""
        task = self.folder / subject.source
        if not task.exists():
            if subject.source in {"zip", "same_calls"}:  # the latter uses the clients that the library makes
                unpack(self.zipped, task)
                for certificates in task.glob("**/*.pem"):
                    bundle(certificates, self.cloud.authority)
            if subject.source != "zip":
                compile_into(HERE / "peers" / subject.source, task, self.interpreter(subject))
        return task

    def environ(self, subject: Subject, *, secure: bool) -> dict[str, str]:
        """Return a subject's variables; with certificates of its own it needs no others."""
        environ = {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_SESSION_TOKEN": "example",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_NAME": "event-registration",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "HOME": str(self.folder),
            "LANG": "en_US.UTF-8",
            "PATH": os.defpath,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
        }
        task = self.task(subject)
        if not secure:
            environ["AWS_ENDPOINT_URL"] = self.cloud.url
        elif not any(task.glob("**/*.pem")):
            environ["AWS_CA_BUNDLE"] = str(self._full_bundle())
        if subject.source == "same_calls":
            environ |= {"CALLS": " ".join(subject.calls), "PAYLOAD": json.dumps(PAYLOAD)}
        if not subject.is_peer:
            environ |= self.ours_environ
        return environ | subject.environ

    def _full_bundle(self) -> Path:
        """Return botocore's own certificates, which are certifi's, and that of the fake."""
        full = self.folder / "cacert.pem"
        if not full.exists():
            python = environment("boto3", self.python)
            (certificates,) = python.parent.parent.glob("lib/python*/site-packages/botocore/cacert.pem")
            full.write_bytes(certificates.read_bytes())
            bundle(full, self.cloud.authority)
        return full


@define
class Function:
    """
    A function that is loaded.

    Args:
        process: Its process.
        loaded: What it told when it was.
        born: The instant before its process was started.
    """

    process: subprocess.Popen[str]
    loaded: dict[str, Any]
    born: float
    _subject: Subject
    _cloud: Cloud
    _answers: Any
    _next: int = 0

    def invoke(self, count: int = 1) -> dict[str, Any]:
        """
        Call it for so many people, and return what it tells of that.

        Raises:
            WrongAnswerError: It did not register and mail each of them.
        """
        first, self._next = self._next, self._next + count
        self._command(f"{first} {count}")
        told: dict[str, Any] = self._told()
        statuses = Counter(answer["statusCode"] for answer in told["answers"])
        if statuses != {_CREATED: count}:
            raise WrongAnswerError(f"{self._subject.name}: {statuses}, {told['answers'][0]}")
        return told

    def invoke_after_silence(self) -> dict[str, Any]:
        """Call it for one person when its connections are gone, as they are between calls that come rarely."""
        self._cloud.control(drop=True)
        time.sleep(0.01)
        return self.invoke()

    def check(self) -> None:
        """
        See that everybody is stored and mailed.

        Raises:
            WrongAnswerError: Somebody isn't.
        """
        done = self._cloud.control()
        people = sorted(f"ada{number}@example.org" for number in range(self._next))
        sends = SEND in self._subject.calls
        if done["refused"] or done["rows"] != people or done["mails"] != (people if sends else []):
            raise WrongAnswerError(f"{self._subject.name}: {done}")
        calls = Counter(_OPERATIONS[call] for call in self._subject.calls)
        counted = {name: count for name, count in done["calls"].items() if name in calls}
        if counted != {name: count * self._next for name, count in calls.items()}:
            raise WrongAnswerError(f"{self._subject.name}: {done['calls']} for {self._next} people")

    def _command(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _told(self) -> Any:
        line = self._answers.readline()
        if not line:
            raise WrongAnswerError(f"{self._subject.name} ended with {self.process.wait()}")
        return json.loads(line)


@contextmanager
def running(
    bench: Bench, subject: Subject, *, secure: bool, wrapper: Sequence[str | Path] = (), copies: int = 0
) -> Iterator[Function]:
    """
    Run a function until the block ends, and see then that it did what it was asked for.

    Args:
        bench: What it is measured with.
        subject: The function.
        secure: Whether the services are spoken to by TLS.
        wrapper: The command that its interpreter is started by.
        copies: How many people have registered for the event before.
    """
    bench.cloud.control(reset=True, put=[_EVENT], copies=copies)
    receiving, sending = os.pipe()
    task, environ = bench.task(subject), bench.environ(subject, secure=secure)
    host = [bench.interpreter(subject), "-P", HERE / "host.py", task, subject.handler, str(sending)]
    host.append(str(bench.cloud.https if secure else 0))
    born = time.monotonic()
    process = subprocess.Popen(
        [*wrapper, *host],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environ,
        cwd=task,
        pass_fds=[sending],
    )
    os.close(sending)
    with process, os.fdopen(receiving) as answers:
        function = Function(process, {}, born, subject, bench.cloud, answers)
        function._command(json.dumps(PAYLOAD))  # noqa: SLF001 - it begins here
        function.loaded = function._told()  # noqa: SLF001
        try:
            yield function
            function.check()
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait()


def valgrind() -> str:
    """Return the path of valgrind."""
    path = shutil.which("valgrind")
    if path is None:
        raise SystemExit("Instructions are counted by valgrind, which is not installed.")
    return path


@contextmanager
def counting(bench: Bench, subject: Subject, *, secure: bool) -> Iterator[tuple[Function, list[int]]]:
    """
    Run a function in callgrind, and say after the block how many instructions each part took.

    Yields:
        The function, and a list that is filled at the end: starting Python, importing, making clients, and then of each
        invocation or series of them what came between and what it took.
    """
    with TemporaryDirectory(dir=bench.folder) as folder:
        output = Path(folder, "counts")
        options = ["--tool=callgrind", "--quiet", f"--callgrind-out-file={output}"]
        parts: list[int] = []
        # The host calls this function of the C library between its parts, for no other reason.
        with running(
            bench, subject, secure=secure, wrapper=[valgrind(), *options, "--dump-before=getloadavg"]
        ) as function:
            yield function, parts
        dumps = sorted(Path(folder).glob("counts.*"), key=lambda path: int(path.suffix[1:]))
        for dump in dumps:
            found = _TOTALS.search(dump.read_text())
            assert found
            parts.append(int(found[1]))
