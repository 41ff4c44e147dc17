"""Test parts from the npm registry, each fetched once by pinned version and checksum."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

CACHE = Path(__file__).parent.parent / ".cache" / "npm"


class UnavailableError(Exception):
    """The part can't be had here; the message says why."""


def fetch(package: str, version: str, sha512: str, member: str) -> Path:
    """
    Return one file of a package, fetching the package the first time.

    Args:
        package: Its name, perhaps with a scope.
        version: The exact version.
        sha512: The archive's checksum in base64.
        member: The file's path in the archive.

    Raises:
        UnavailableError: No npm, no network, or another archive than the pinned one.
    """
    stem = f"{package.removeprefix('@').replace('/', '-')}-{version}"
    folder = CACHE / stem
    file = folder / Path(member).name
    if file.exists():
        return file
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError(f"{package} is fetched with npm, which is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", f"{package}@{version}", "--pack-destination", str(folder)]
    fetched = subprocess.run(command, capture_output=True, timeout=120, check=False)
    archive = folder / f"{stem}.tgz"
    if fetched.returncode or not archive.exists():
        raise UnavailableError(f"{package} could not be fetched with npm")
    if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != sha512:
        archive.unlink()
        raise UnavailableError(f"the archive of {package} has another checksum than the pinned one")
    unfinished = folder / f"unfinished.{os.getpid()}"
    with tarfile.open(archive) as tar, tar.extractfile(member) as source, unfinished.open("wb") as target:
        shutil.copyfileobj(source, target)
    unfinished.chmod(0o755)
    unfinished.replace(file)
    return file
