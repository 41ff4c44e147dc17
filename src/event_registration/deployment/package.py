"""The function's zip: our code and its few dependencies, the same bytes whenever and wherever they are built."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution, distributions
from itertools import chain
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from attrs import frozen

from event_registration.deployment.contents import botocore_data, own_files, team_files
from event_registration.errors import DeploymentError
from event_registration.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from io import BufferedRandom

__all__ = ["ARCHITECTURES", "BUDGET", "PYTHONS", "Package", "build_package"]

ARCHITECTURES = ("arm64", "x86_64")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
BUDGET = 1_310_720  # bytes, 1.25 MiB; a test holds the zip to it

_OWN = "event-registration"
_DEPENDENCIES = ("attrs", "cattrs", "idna", "tzdata")
# Scripts, types, what the compiled zones, of which zoneinfo reads nothing else, are made from (51 KiB); and what no
# import of ours imports: cattrs' converters for formats and its strategies, its old name, idna's command (77 KiB).
_NEVER_READ = re.compile(
    r"\.\./.*|.*\.pyi|.*/py\.typed|tzdata/zoneinfo/(?:tzdata\.zi|leapseconds|\w+\.tab)"
    r"|cattrs/(?:preconf|strategies)/.*|cattr/.*|idna/(?:__main__|cli)\.py"
)
_FOR_SCANNERS_AND_LAWYERS = re.compile(r"METADATA|licenses|sboms|(LICEN[CS]E|COPYING|NOTICE|AUTHORS).*")

# A fresh process, because the bytes of .pyc depend on what the process did before; the paths are for tracebacks. They
# have no docstrings, since nothing in a function reads them.
_COMPILE = """
import importlib.util, py_compile, sys
stage, tag = sys.argv[1:]
mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
for name in sys.stdin.read().splitlines() if sys.implementation.cache_tag == tag else ():
    cfile, dfile = importlib.util.cache_from_source(f"{stage}/{name}", optimization=""), f"/var/task/{name}"
    py_compile.compile(f"{stage}/{name}", cfile, dfile, optimize=2, invalidation_mode=mode, quiet=2)
"""

# What to do about pip's words, the first that are found in them.
_ADVICE = {
    "No module named pip": "This Python has no pip to fetch wheels with: run `python -m ensurepip`, then try again.",
    "Retrying ": "pip can't reach its package index: mend the network or pip's settings, then try again.",
    "ResolutionImpossible": "A version installed here has no wheel for Python {python} on {arch}: install another "
    "version, or choose another Python.",
    "": "pip can't fetch the wheels: mend what it says, then try again.",
}


@frozen(kw_only=True)
class Package:
    """
    A zip that was built.

    Args:
        path: The zip.
        size: Its bytes.
        sha256: Its SHA-256 in hexadecimal.
        parts: Its bytes per distribution, each file's headers included; the largest first.
        precompiled: Whether bytecode is in it, so that a cold start compiles nothing.
        has_templates: Whether a team's own templates are in it.
    """

    path: Path
    size: int
    sha256: str
    parts: Mapping[str, int]
    precompiled: bool
    has_templates: bool = False


def build_package(
    output: Path, *, arch: str = "arm64", python: str = "3.13", templates: Path | None = None, is_tuned: bool = True
) -> Package:
    """
    Build the zip of the Lambda functions, with ``lambda_function.handler`` and ``stream_function.handler``.

    pip fetches the dependencies for the function's platform in the versions installed here, so that what was tested
    is what is deployed. The same versions give the same bytes. Bytecode goes in if a Python of the function's
    version is here: this one, or ``python3.X`` on the path.

    Args:
        output: Where to; a file there is replaced when the new one is complete.
        arch: One of `ARCHITECTURES`.
        python: One of `PYTHONS`.
        templates: The folder of a team's own templates and languages.
        is_tuned: Whether what the functions need of botocore's data goes in, as `deployment.models` makes it of the
            botocore that is installed here. Without it the functions read their runtime's, which takes longer.

    Returns:
        What was built.

    Raises:
        DeploymentError: The zip can't be built; the message says what to do.
        InvalidTemplatesError: A template or a language can't be used.
        OSError: *output* can't be written.
    """
    if arch not in ARCHITECTURES or python not in PYTHONS:
        raise DeploymentError(
            f"Nothing can be built for Python {python} on {arch}: choose a Python of {', '.join(PYTHONS)} "
            f"and an architecture of {', '.join(ARCHITECTURES)}."
        )
    from event_registration.confirmation import Renderer  # the command's help is to come without it

    Renderer.of_folder(templates)
    with replacing(output, mode=0o666) as file, TemporaryDirectory() as folder:
        stage = Path(folder, "task")
        _fetch(stage, _DEPENDENCIES, arch=arch, python=python)
        fetched = distributions(path=[str(stage)])
        owners = {path.as_posix(): _normal(part.name) for part in fetched for path in _needed_files(part)}
        for name, content in chain(own_files(), _metadata(), team_files(templates)):
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_bytes(content)
            owners[name] = _OWN
        for name, content in botocore_data() if is_tuned else ():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_bytes(content)
            owners[name] = "botocore"
        bytecode = _compile(stage, sorted(name for name in owners if name.endswith(".py")), python)
        owners |= {compiled: owners[name] for name, compiled in bytecode.items()}
        parts = _zip(stage, owners, file)
        size = file.tell()
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Package(
        path=output,
        size=size,
        sha256=sha256,
        parts=parts,
        precompiled=bool(bytecode),
        has_templates=templates is not None,
    )


def _fetch(stage: Path, names: Collection[str], *, arch: str, python: str) -> None:
    """Have pip put *names* and what they require into *stage*, in the versions installed here."""
    constraints = stage.with_name("constraints.txt")
    pins = {name: f"{name}=={version}" for name, version in _installed(names).items()}
    constraints.write_text("\n".join(pins.values()))
    machine = arch.replace("arm64", "aarch64")
    # AWS, "Lambda runtimes": Amazon Linux 2 (glibc 2.26) up to Python 3.11, then Amazon Linux 2023 (glibc 2.34).
    newest = 26 if python == "3.11" else 34
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(newest, 16, -1)] + [f"manylinux2014_{machine}"]
    done = subprocess.run(  # noqa: S603 - our own Python's pip
        [
            *(sys.executable, "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--only-binary=:all:", "--no-compile", f"--target={stage}", f"--constraint={constraints}"),
            *("--implementation=cp", f"--python-version={python}"),
            *(f"--platform={platform}" for platform in platforms),
            *(pins[name] for name in names),
        ],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        advice = next(text for words, text in _ADVICE.items() if words in done.stderr)
        lines = [line for line in done.stderr.splitlines() if line.strip() and "ResolutionImpossible" not in line]
        raise DeploymentError(f"{advice.format(python=python, arch=arch)} pip says: {['nothing', *lines][-1]}")


def _installed(names: Collection[str]) -> dict[str, str]:
    """Return the versions of *names* and of what these require; what only other Pythons require may be missing."""
    versions: dict[str, str] = {}
    waiting = [_distribution(name) for name in names]
    while waiting:
        part = waiting.pop()
        versions[_normal(part.name)] = part.version
        for requirement in part.requires or ():
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            if "extra ==" not in requirement and _normal(name) not in versions:
                waiting += list(distributions(name=name))[:1]
    return versions


def _distribution(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise DeploymentError(f"{name} is not installed here: run `pip install {_OWN}`, then try again.") from error


def _normal(name: str) -> str:
    """Return a distribution's name as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _needed_files(part: Distribution) -> Iterator[PackagePath]:
    for path in part.files or ():
        if path.parts[0].endswith(".dist-info"):
            if _FOR_SCANNERS_AND_LAWYERS.fullmatch(path.parts[1]):
                yield path
        elif not _NEVER_READ.fullmatch(path.as_posix()):
            yield path


def _metadata() -> Iterator[tuple[str, bytes]]:
    """Yield what our own distribution says of itself."""
    for path in _needed_files(_distribution(_OWN)):
        if path.parts[0].endswith(".dist-info"):
            yield path.as_posix(), path.read_binary()


def _compile(stage: Path, names: list[str], python: str) -> dict[str, str]:
    """Return the bytecode's path for each of *names*; nothing where there is no interpreter for it."""
    tag = f"cpython-{python.replace('.', '')}"
    interpreter = sys.executable if sys.implementation.cache_tag == tag else shutil.which(f"python{python}")
    if interpreter is None:
        return {}
    command = [interpreter, "-I", "-S", "-X", "utf8", "-c", _COMPILE, str(stage), tag]
    with suppress(OSError):  # a file on the path that is no program
        subprocess.run(command, input="\n".join(names).encode(), capture_output=True, check=False)  # noqa: S603 - found above
    paths = {name: PurePosixPath(name) for name in names}
    bytecode = {name: str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc") for name, path in paths.items()}
    return {name: compiled for name, compiled in bytecode.items() if (stage / compiled).exists()}


def _zip(stage: Path, owners: Mapping[str, str], file: BufferedRandom) -> dict[str, int]:
    parts: Counter[str] = Counter()
    with ZipFile(file, "w") as archive:
        for name, owner in sorted(owners.items()):
            entry = ZipInfo(name)  # of 1980-01-01, the first a zip can tell
            entry.create_system = 3  # Unix, whose permissions follow
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, (stage / name).read_bytes(), compress_type=ZIP_DEFLATED, compresslevel=9)
            parts[owner] += entry.compress_size + 30 + 46 + 2 * len(name)  # the two headers, which both have the name
    return dict(parts.most_common())
