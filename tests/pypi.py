"""Programs from PyPI for tests, each in a virtual environment of its own because they pin other versions than we do."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from filelock import FileLock
from npm import UnavailableError

__all__ = ["UnavailableError", "environment"]

CACHE = Path(__file__).parent.parent / ".cache" / "pypi"
REQUIREMENTS = Path(__file__).parent / "requirements"


def environment(name: str) -> Path:
    """
    Return the folder with the programs of ``requirements/<name>.txt``, installing them the first time.

    Another file or another Python gets another environment. Of several test runs at once one installs and the others
    wait; what a killed one leaves is never used.

    Args:
        name: The file's name without its suffix.

    Raises:
        UnavailableError: No network, no wheel for this machine, or another file than the pinned ones.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    complete = CACHE / f"{name}-{digest[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{complete}.lock"):
        if not complete.exists():
            # An environment holds its own path and can't be moved; a link to it is made at once or not at all.
            folder = Path(tempfile.mkdtemp(prefix=f"{complete.name}-", dir=CACHE))
            venv.create(folder, symlinks=True)
            _install(requirements, folder)
            complete.unlink(missing_ok=True)
            complete.symlink_to(folder.name)
    return complete / "bin"


def _install(requirements: Path, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    options = ["--quiet", "--no-input", "--require-hashes", "--only-binary=:all:", "--requirement", requirements]
    installed = subprocess.run([*pip, "install", *options], capture_output=True, text=True, timeout=900, check=False)
    if installed.returncode:
        shutil.rmtree(folder)
        errors = [line for line in installed.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = errors[0].removeprefix("ERROR: ") if errors else "pip does not say why"
        raise UnavailableError(f"{requirements.stem} could not be installed from PyPI: {reason}")
