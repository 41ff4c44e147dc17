"""The Python that is measured, an environment for each peer from pinned and hashed requirements, and task folders."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from zipfile import ZipFile

HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache" / "bench"


def find_python(version: str) -> Path:
    """Return an interpreter of a version: on the path, or among pyenv's, whose stand-ins may lead nowhere."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = shutil.which(f"python{version}")
    for candidate in [found, *sorted(pyenv.glob(f"{version}.*/bin/python3"))]:
        if candidate is None:
            continue
        works = subprocess.run([candidate, "-c", "import ensurepip, sqlite3, ssl"], capture_output=True, check=False)
        if works.returncode == 0:
            return Path(candidate)
    raise SystemExit(f"Python {version} is needed: install it, or name another with --python.")


def environment(name: str, python: Path, *, wheel: Path | None = None) -> Path:
    """
    Return the interpreter of an environment with ``requirements/<name>.txt``, made the first time.

    Args:
        name: The file's name without its suffix.
        python: What it is made of.
        wheel: What is installed besides.
    """
    requirements = HERE / "requirements" / f"{name}.txt"
    version = subprocess.run([python, "-VV"], capture_output=True, check=True).stdout
    parts = [requirements.read_bytes(), version, *([wheel.read_bytes()] if wheel else [])]
    complete = CACHE / f"{name}-{hashlib.sha256(b''.join(parts)).hexdigest()[:12]}"
    if not complete.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        # An environment holds its own path and can't be moved; a link to it is made at once or not at all.
        folder = Path(tempfile.mkdtemp(prefix=f"{complete.name}-", dir=CACHE))
        subprocess.run([python, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "-qq", "--no-input"]
        subprocess.run([*pip, "--require-hashes", "--only-binary=:all:", "--requirement", requirements], check=True)
        if wheel:
            subprocess.run([*pip, "--no-deps", wheel], check=True)
        with suppress(FileExistsError):  # somebody else was quicker, whose is as good
            complete.symlink_to(folder.name)
    return complete / "bin" / "python"


def package(library: Path, version: str, folder: Path) -> Path:
    """Return the function's zip as ``event-registration package`` builds it, with bytecode, by the library's Python."""
    path = folder / "function.zip"
    arch = platform.machine().replace("aarch64", "arm64").replace("AMD64", "x86_64")
    command = [library, "-m", "event_registration", "package", "--arch", arch, "--python", version, "--output", path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def unpack(zipped: Path, task: Path) -> Path:
    """Return the task folder of a zip."""
    with ZipFile(zipped) as archive:
        archive.extractall(task)
    return task


def compile_into(source: Path, task: Path, python: Path) -> Path:
    """
    Return a task folder with a peer's files, compiled and never compared with their sources again.

    What is uploaded without bytecode is compiled at each cold start; that is left out, in the peers' favour.
    """
    shutil.copytree(source, task, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    options = ["-q", "-f", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([python, "-m", "compileall", *options, *task.glob("*.py")], check=True)
    return task
