"""The fake of both services, running, with a certificate of its own authority, which functions come to trust."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trustme
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCIES = {"dynamodb": 0.004, "ses": 0.060}
"""How long the services take, in seconds, where that is to be as on AWS."""

_NAMES = "dynamodb.eu-west-1.amazonaws.com", "email.eu-west-1.amazonaws.com"


@frozen
class Cloud:
    """
    A running fake.

    Args:
        http: The port of HTTP.
        https: The port of TLS.
        authority: The certificate of the authority that the latter's is of.
    """

    http: int
    https: int
    authority: Path

    @property
    def url(self) -> str:
        """The address of both services by HTTP; by TLS they are found under AWS's own names."""
        return f"http://127.0.0.1:{self.http}"

    def control(self, **command: Any) -> dict[str, Any]:
        """Command the fake, and return what it did since it was last reset."""
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=60)
        connection.request("POST", "/control", json.dumps(command))
        told: dict[str, Any] = json.load(connection.getresponse())
        connection.close()
        return told


@contextmanager
def running_cloud(folder: Path) -> Iterator[Cloud]:
    """Run the fake until the block ends."""
    authority = trustme.CA()
    certificate, trusted = folder / "server.pem", folder / "authority.pem"
    authority.issue_cert(*_NAMES).private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(trusted)
    command = [sys.executable, Path(__file__).with_name("fake.py"), certificate]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            http_port, https_port = map(int, process.stdout.readline().split())
            yield Cloud(http_port, https_port, trusted)
        finally:
            process.terminate()


def bundle(certificates: Path, authority: Path) -> None:
    """Add the authority of the fake to a file of certificates."""
    certificates.write_bytes(certificates.read_bytes() + b"\n" + authority.read_bytes())
