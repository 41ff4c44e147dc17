"""Test parts from the npm registry, each fetched once by pinned version and checksum."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from filelock import FileLock

CACHE = Path(__file__).parent.parent / ".cache" / "npm"
REQUIREMENTS = Path(__file__).parent / "requirements"


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
    npm = _npm(package)
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


def install(name: str) -> Path:
    """
    Return the folder in whose ``node_modules`` a package is with all that it needs, installing them the first time.

    Another lock file gets another folder. Of several test runs at once one installs and the others wait; what a
    killed one leaves is made anew.

    Args:
        name: A folder of ``requirements`` with ``package.json`` and ``package-lock.json``; the latter has the versions
            and the checksums.

    Raises:
        UnavailableError: No npm, no network, or another archive than a pinned one.
    """
    source = REQUIREMENTS / name
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
    folder = CACHE / f"{name}-{digest[:16]}"
    complete = folder / "complete"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not complete.exists():
            npm = _npm(name)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
            if installed.returncode:
                reason = next(
                    (line for line in installed.stderr.splitlines() if "npm error" in line), "no reason given"
                )
                raise UnavailableError(f"{name} could not be installed with npm: {reason}")
            complete.touch()
    return folder


def _npm(part: str) -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError(f"{part} is fetched with npm, which is not installed")
    return npm
