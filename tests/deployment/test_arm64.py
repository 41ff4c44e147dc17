"""The zip where it goes and developers are not: on ARM, here under emulation, and on the newest Python."""

import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pypi
import pytest
from attrs import frozen
from runtime_api import MailService, runtime

from event_registration.deployment.package import build_package

PAYLOAD = json.loads((Path(__file__).parent.parent / "payloads" / "rest-api.json").read_text("utf-8"))


@frozen
class Target:
    """
    What a zip is built for, and where Debian has it.

    Args:
        arch: Lambda's name of the architecture.
        python: The Python's version.
        release: The Debian release with that Python.
        debian_arch: Debian's name of the architecture.
        machine: Linux's name of it.
    """

    arch: str
    python: str
    release: str
    debian_arch: str
    machine: str


ARM = Target("arm64", "3.13", "trixie", "arm64", "aarch64")
NEWEST = Target("x86_64", "3.14", "forky", "amd64", "x86_64")


@pytest.fixture
def folder():
    """Return a folder that goes with the test: a Debian is in it."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def _program(name, package):
    """Return the path of a program, or say what brings it and skip."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is missing: install Debian's package {package}")
    return path


def _run(*command):
    """Return what a command writes, or fail with its complaint."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _interpreter(target, tree):
    """Return the command for the Python in *tree*, which then finds its own libraries only."""
    program = tree / "usr" / "bin" / f"python{target.python}"
    if target.machine != platform.machine():
        return [_program(f"qemu-{target.machine}-static", "qemu-user-static"), "-L", tree, program]
    loader = tree / "lib64" / "ld-linux-x86-64.so.2"
    return [loader, "--inhibit-cache", "--library-path", tree / "usr" / "lib" / "x86_64-linux-gnu", program]


def _unpack_debian(target, tree):
    """Put Debian's Python into *tree*; nothing is installed and none of it runs."""
    mmdebstrap = _program("mmdebstrap", "mmdebstrap")
    parts = f"--include=base-files,libstdc++6,python{target.python}"  # the runtime client is C++
    options = ["--quiet", "--variant=extract"]
    if target is NEWEST:
        # The lists of a release in the making are valid for a week; a mirror may lag, and they are signed anyway.
        options.append('--aptopt=Acquire::Check-Valid-Until "false"')
    tar = tree.with_suffix(".tar")
    _run(mmdebstrap, *options, f"--architectures={target.debian_arch}", parts, target.release, tar)
    with tarfile.open(tar) as archive:
        archive.extractall(tree, [each for each in archive if re.match(r"\./(usr|lib)", each.name)], filter="tar")


def _client(target, folder):
    """Return a folder with the runtime client and boto3 for *target*."""
    wheels = [f"--platform=manylinux2014_{target.machine}", f"--python-version={target.python}", "--only-binary=:all:"]
    pinned = ["--require-hashes", "--no-deps", "--requirement", pypi.REQUIREMENTS / "runtime.txt"]
    _run(sys.executable, "-m", "pip", "install", "--no-compile", *wheels, *pinned, "--target", folder / "client")
    return folder / "client"


def _task_root(target, folder):
    """Return a folder with the zip for *target*, unpacked."""
    package = build_package(folder / "function.zip", arch=target.arch, python=target.python)
    shutil.unpack_archive(package.path, folder / "task")
    return folder / "task"


@pytest.mark.proof
@pytest.mark.parametrize("target", [pytest.param(ARM, id="ARM"), pytest.param(NEWEST, id="newest Python")])
def test_runs(target, folder, engine_url, engine_client, table):
    """The zip loads in the runtime client, refuses what is invalid, and registers with a row and a mail."""
    started = time.monotonic()
    python = _interpreter(target, folder / "debian")
    _unpack_debian(target, folder / "debian")
    task_root, client = _task_root(target, folder), _client(target, folder)
    invalid = json.loads(PAYLOAD["body"]) | {"cemail": "ada@example.org@"}
    prepared = time.monotonic()

    with MailService() as ses:
        environ = {
            "EVENT_REGISTRATION_SENDER": "events@example.org",
            "EVENT_REGISTRATION_TABLE": table,
            "AWS_ENDPOINT_URL_DYNAMODB": engine_url,
            "AWS_ENDPOINT_URL_SESV2": ses.url,
        }
        with runtime(
            task_root, python, version=target.python, packages=[client], environ=environ, init_seconds=300
        ) as function:
            loaded = time.monotonic()
            refused = function.invoke(PAYLOAD | {"body": json.dumps(invalid)}, seconds=60)
            registered = function.invoke(PAYLOAD, seconds=60)
            answered = time.monotonic()

    program = "import platform; print(platform.machine(), platform.python_version())"
    machine, version = _run(*python, "-c", program).split()
    print(  # noqa: T201 - a proof tells its figures
        f"{machine}, Python {version}: answered {refused['statusCode']} and {registered['statusCode']}; "
        f"{prepared - started:.1f} s to prepare, {loaded - prepared:.1f} s to load, {answered - loaded:.1f} s to answer"
    )
    assert (machine, version.rpartition(".")[0]) == (target.machine, target.python)
    assert (refused["statusCode"], registered["statusCode"]) == (422, 201)
    assert [row["mail"]["S"] for row in engine_client.scan(TableName=table)["Items"]] == ["sent"]
    assert [mail["Destination"] for mail in ses.mails] == [{"ToAddresses": ["ada@example.org"]}]
