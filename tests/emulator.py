"""An emulator of AWS for tests of whole deployments, on a free port of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from http import HTTPStatus
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import boto3
from attrs import frozen
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "eu-west-1"
_CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
_SECONDS_TO_START = 30


@frozen
class Mail:
    """What SES was asked to send."""

    sender: str
    to: str
    subject: str
    text: str
    html: str


class Emulator:
    """
    A running emulator.

    Args:
        port: Where on 127.0.0.1 it listens.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return a boto3 client of *service*, the same one at each call."""
        if service not in self._clients:
            # Nothing it needs is further away than this machine: neither patience nor a proxy is of use.
            config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={})
            self._clients[service] = boto3.client(
                service, endpoint_url=self.url, region_name=REGION, config=config, **_CREDENTIALS
            )
        return self._clients[service]

    def mails(self) -> list[Mail]:
        """Return what SES was asked to send, oldest first."""
        messages = json.loads(self.get("/_ministack/ses/messages"))["messages"]
        return [
            Mail(
                message["Source"],
                ", ".join(message["To"]),
                message["Subject"],
                message["BodyText"] or "",
                message["BodyHtml"] or "",
            )
            for account in messages.values()
            for message in account
        ]

    def environ(self) -> dict[str, str]:
        """
        Return a whole environment in which every AWS client reaches this emulator and nothing else.

        For a child process it is the environment; in this one use ``patch.dict(os.environ, ..., clear=True)``, since
        a profile, an endpoint or a proxy that somebody has set must be gone.
        """
        ours = {name: value for name, value in os.environ.items() if not name.upper().startswith("AWS_")}
        return {name: value for name, value in ours.items() if not name.upper().endswith("_PROXY")} | {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def invoke_url(self, api_id: str, stage: str) -> str:
        """Return the URL under which a stage of a deployed REST API answers, without a slash at its end."""
        return f"{self.url}/restapis/{api_id}/{stage}/_user_request_"

    def get(self, path: str) -> bytes:
        """
        Return what a path of the emulator's own answers.

        Raises:
            OSError: Nobody listens, or the status isn't 200.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        if response.status != HTTPStatus.OK:
            raise OSError(f"{path} answered {response.status}")
        return body

    def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            client.close()


def run(programs: Path, folder: Path) -> Iterator[Emulator]:
    """
    Run the emulator on a free port, yield it, and end it with all functions it runs.

    Args:
        programs: The virtual environment's folder of programs.
        folder: Where it writes its log and unpacks functions.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        emulator = Emulator(free.getsockname()[1])
    # Functions inherit this environment: nothing of ours may reach them. With AUTH, roles and policies count.
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(emulator.port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        # AWS's own limit; else it depends on this machine's memory.
        "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    log = folder / "log"
    command = [programs / "python", "-m", "ministack"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=output, process_group=0)
    try:
        _wait_for(process, emulator, log)
        yield emulator
    finally:
        emulator.close()
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        # Each function is a process of its own; one that hangs has not noticed the end.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], emulator: Emulator, log: Path) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < until:
        try:
            emulator.get("/_ministack/ready")
        except OSError:
            time.sleep(0.05)
        else:
            if process.poll() is None:  # else somebody else took the port
                return
    raise RuntimeError(f"the AWS emulator did not start: {log.read_text(errors='replace')[-500:]}")
