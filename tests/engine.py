"""A real DynamoDB engine for tests: one binary, on a free port of this machine."""

from __future__ import annotations

import platform
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import npm

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION = "1.2.1"
SHA512 = "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg=="


def binary() -> Path:
    """
    Return the engine's program.

    Raises:
        npm.UnavailableError: It can't be fetched, or there is none for this machine.
    """
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise npm.UnavailableError("the DynamoDB engine is fetched for Linux on x86_64 only")
    return npm.fetch("@dynoxide/linux-x64", VERSION, SHA512, "package/dynoxide")


def run(program: Path, log: Path) -> Iterator[str]:
    """Run *program* in memory on a free port, yield its URL, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "serve", "--host", "127.0.0.1", "--port", str(port)], stdout=output, stderr=output
        )
    try:
        _wait_for(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the DynamoDB engine did not start: {log.read_text(errors='replace')[-500:]}")
