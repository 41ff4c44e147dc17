"""A stand-in for SES that keeps what it is asked to send: aws-ses-v2-local, in a process of its own."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import urlopen

import boto3
import npm
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}


class SES:
    """
    A running stand-in.

    Args:
        url: Where it listens.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, proxies={})
        self.client = boto3.client("sesv2", endpoint_url=url, config=config, **_CREDENTIALS)

    def kept(self) -> list[dict[str, Any]]:
        """Return what it was asked to send, the earliest first."""
        return self._get("/store")["emails"]

    def octets_of(self, message_id: str) -> bytes:
        """Return a mail that it keeps as nodemailer writes it."""
        body = self._get(f"/get-emlContent?messageId={quote(message_id)}")["body"]
        return bytes(body["data"])

    def read(self, octets: bytes) -> dict[str, Any]:
        """Return what mailparser, a reader in another language, finds in a mail."""
        raw = {"Raw": {"Data": octets}}
        message_id = self.client.send_email(Content=raw)["MessageId"]
        (found,) = [each for each in self.kept() if each["messageId"] == message_id]
        return found

    def _get(self, path: str) -> Any:
        with urlopen(self._url + path, timeout=10) as response:  # noqa: S310 - our own process
            return json.load(response)


@contextmanager
def running() -> Iterator[SES]:
    """Run a stand-in until the block ends; skip the test where it can't be had."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    try:
        folder = npm.install("aws-ses-v2-local")
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    program = folder / "node_modules" / "aws-ses-v2-local" / "dist" / "cli.js"
    command = [node, program, "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            said = ""
            for line in process.stdout:
                said += line
                if port := re.search(r"running at http://localhost:(\d+)", line):
                    break
            else:
                raise RuntimeError(f"the stand-in for SES did not start: {said}")
            ses = SES(f"http://127.0.0.1:{port[1]}")
            yield ses
            ses.client.close()
        finally:
            process.terminate()


def files_of(kept: dict[str, Any]) -> list[tuple[str, str, bytes]]:
    """Return the files of a mail as it was kept: names, types and octets."""
    return [
        (each["filename"], each["contentType"], base64.b64decode(each["content"], validate=True))
        for each in kept["attachments"]
    ]
