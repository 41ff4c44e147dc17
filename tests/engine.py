"""A real DynamoDB engine for tests: one binary, fetched once by pinned version and checksum."""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import socket
import subprocess
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "1.2.1"
SHA512 = "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg=="
CACHE = Path(__file__).parent.parent / ".cache" / "dynoxide" / VERSION


class UnavailableError(Exception):
    """The engine can't be had here; the message says why."""


def binary() -> Path:
    """
    Return the engine's program, fetching it from the npm registry the first time.

    Raises:
        UnavailableError: No npm, no network, or no build for this machine.
    """
    program = CACHE / "dynoxide"
    if program.exists():
        return program
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise UnavailableError("the DynamoDB engine is fetched for Linux on x86_64 only")
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError("the DynamoDB engine is fetched with npm, which is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(
        [npm, "pack", f"@dynoxide/linux-x64@{VERSION}", "--pack-destination", str(CACHE)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    archive = CACHE / f"dynoxide-linux-x64-{VERSION}.tgz"
    if fetched.returncode or not archive.exists():
        raise UnavailableError("the DynamoDB engine could not be fetched with npm")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != SHA512:
        archive.unlink()
        raise UnavailableError("the DynamoDB engine's archive has another checksum than the pinned one")
    unfinished = CACHE / f"dynoxide.{os.getpid()}"
    with tarfile.open(archive) as tar, tar.extractfile("package/dynoxide") as source, unfinished.open("wb") as target:
        shutil.copyfileobj(source, target)
    unfinished.chmod(0o755)
    unfinished.replace(program)
    return program


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
