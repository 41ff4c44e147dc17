"""The function's zip: what is in it, that it works from the zip alone, and that it is the same bytes everywhere."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import marshal
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path, PurePosixPath

import boto3
import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from serving import unmeasured

import event_registration
from event_registration.cli import main
from event_registration.deployment.models import aws_roots, trimmed_models
from event_registration.deployment.package import (
    ARCHITECTURES,
    BUDGET,
    PYTHONS,
    Package,
    _compile,
    _fetch,
    _installed,
    build_package,
)
from event_registration.errors import DeploymentError
from event_registration.language_files import OURS as LANGUAGES

ROOT = Path(__file__).parents[2]
RUNNING = "{}.{}".format(*sys.version_info)
OTHER = next(python for python in reversed(PYTHONS) if python != RUNNING)
OTHER_TAG = f"cpython-{OTHER.replace('.', '')}"
OF_THE_RUNTIME = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
FUNCTION = {
    "EVENT_REGISTRATION_SENDER": "events@example.org",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
ENTRIES = ("lambda_function", "stream_function")
PAYLOAD = json.loads((ROOT / "tests" / "payloads" / "http-api.json").read_text("utf-8"))
ANSWER = """
import json, lambda_function
for body in json.loads({bodies!r}):
    answer = lambda_function.handler({payload!r} | {{"body": body, "isBase64Encoded": False}}, None)
    print(answer["statusCode"], *(each["field"] for each in json.loads(answer["body"]).get("errors", ())))
"""


@pytest.fixture(scope="module", autouse=True)
def quick_processes():
    """Spare pip and its like coverage, which would measure none of our lines in them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(unmeasured()):
            patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Return the zip for the Python that runs the tests; say so and skip where there is no network."""
    try:
        return build_package(tmp_path_factory.mktemp("zip") / "function.zip", arch="arm64", python=RUNNING)
    except DeploymentError as error:
        if "package index" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def archive(package):
    """Return the opened zip."""
    with zipfile.ZipFile(package.path) as archive:
        yield archive


@pytest.fixture(scope="module")
def task(archive, tmp_path_factory):
    """Return the folder of the unpacked zip."""
    folder = tmp_path_factory.mktemp("task")
    archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """Return a folder with nothing but boto3 and what it needs."""
    folder = tmp_path_factory.mktemp("runtime")
    installed = Path(boto3.__file__).parents[1]
    for name in OF_THE_RUNTIME:
        path = next(path for path in (installed / name, installed / f"{name}.py") if path.exists())
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def offline(monkeypatch):
    """Cut pip off its indexes."""
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS"):
        monkeypatch.setenv(f"PIP_{name}", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def _run(code, *folders, python=sys.executable, **environ):
    """Return what *code* prints in a fresh interpreter that sees the standard library and *folders*."""
    code = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]}\n{code}"
    command = [python, "-I", "-S", "-B", "-X", "utf8", "-c", code]
    done = subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith('{"level"')]


def _answers(task, runtime, *bodies, python=sys.executable):
    code = ANSWER.format(bodies=json.dumps(bodies), payload=PAYLOAD)
    return _run(code, task, runtime, python=python, **FUNCTION)


def _imports(source):
    """Return every module that *source* may import when it runs, the ones inside functions included."""
    waiting = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            homes = event_registration._HOMES if node.module == "event_registration" else {}
            yield from (f"{node.module}.{homes.get(alias.name, alias.name)}" for alias in node.names)


def _own_module(name):
    """Return the file of one of our modules; nothing if *name* is no module."""
    path = Path(event_registration.__file__).parents[1].joinpath(*name.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _script(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def _wheel(folder, name, version, tag, metadata=""):
    """Write a wheel that holds nothing but its own description."""
    folder.mkdir(exist_ok=True)
    texts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as wheel:
        for file, text in texts.items():
            wheel.writestr(f"{name}-{version}.dist-info/{file}", text)


def test_same_bytes(package, tmp_path):
    """Another folder, umask, hash seed, level of optimisation and time zone give the same bytes."""
    (tmp_path / "temporary").mkdir()
    code = "import sys; from pathlib import Path; from event_registration.deployment.package import build_package; "
    code += f"build_package(Path('again.zip'), arch='arm64', python={RUNNING!r})"
    environ = {"TMPDIR": "temporary", "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "2", "TZ": "Asia/Tokyo"}

    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, umask=0o077, env=os.environ | environ, check=True)

    assert (tmp_path / "again.zip").read_bytes() == package.path.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.zip", "temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_entries(archive):
    """The zip is sorted files alone, which everybody may read and nobody run, of one fixed time."""
    entries = archive.infolist()

    names = [entry.filename for entry in entries]
    assert names == sorted(set(names))
    assert {entry.create_system for entry in entries} == {3}
    assert {entry.external_attr >> 16 for entry in entries} == {stat.S_IFREG | 0o644}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_says_what_it_built(package):
    """Size, checksum and parts are the file's; with the zip's last 22 bytes the parts are all of it."""
    content = package.path.read_bytes()

    assert package == Package(
        path=package.path,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        parts=package.parts,
        precompiled=True,
    )
    assert sum(package.parts.values()) + 22 == len(content)
    assert list(package.parts.values()) == sorted(package.parts.values(), reverse=True)


def test_is_within_the_budget(package):
    """All of it weighs 1.25 MiB at most."""
    assert package.size <= BUDGET == 1.25 * 2**20


def test_holds_the_handlers_parts(package):
    """The parts are our code, what its handler depends on, and what that requires; nothing of the commands."""
    ours = {"attrs", "botocore", "cattrs", "event-registration", "idna", "typing-extensions", "tzdata"}
    assert set(package.parts) == ours


def test_holds_every_zone_and_no_more(archive):
    """Of the time zones the compiled ones are in it, all that there are, and none of what they are made from."""
    zones = files("tzdata.zoneinfo")
    prefix = "tzdata/zoneinfo/"

    held = {name.removeprefix(prefix) for name in archive.namelist() if name.startswith(prefix)}

    names = files("tzdata").joinpath("zones").read_text().split()
    assert {name for name in held if not name.endswith((".py", ".pyc"))} == set(names)
    assert {zones.joinpath(name).read_bytes()[:4] for name in names} == {b"TZif"}


def test_holds_what_the_handlers_import(archive):
    """Our modules in the zip are those that one of the two handlers can come to import, no fewer and no more."""
    waiting, needed, foreign = [*ENTRIES], {f"{entry}.py" for entry in ENTRIES}, set()
    while waiting:
        name = waiting.pop()
        source = _own_module(name)
        for imported in _imports(source.read_text("utf-8") if source else archive.read(f"{name}.py")):
            parts = imported.split(".")
            for module in (".".join(parts[:length]) for length in range(1, len(parts) + 1)):
                if parts[0] != "event_registration":
                    foreign.add(parts[0])
                elif (file := _own_module(module)) and (path := _in_zip(file)) not in needed:
                    needed.add(path)
                    waiting.append(module)

    names = set(archive.namelist())
    own = {name for name in names if name.startswith(("event_registration/", *ENTRIES)) and name.endswith(".py")}
    assert own == needed
    tops = {name.split("/")[0].removesuffix(".py") for name in names}
    assert foreign - sys.stdlib_module_names - OF_THE_RUNTIME <= tops
    assert not OF_THE_RUNTIME & tops


def _in_zip(file):
    return file.relative_to(Path(event_registration.__file__).parents[1]).as_posix()


def test_holds_models_of_aws(archive, tmp_path):
    """What the functions need of botocore's data is in the zip, and left out if the package is to be plain."""
    plain = build_package(tmp_path / "plain.zip", arch="arm64", python=RUNNING, is_tuned=False)

    folder = "event_registration/aws/models/"
    held = {name.removeprefix(folder): archive.read(name) for name in archive.namelist() if name.startswith(folder)}
    assert held == dict([*trimmed_models(), *aws_roots().items()])
    with zipfile.ZipFile(plain.path) as bare:
        assert set(archive.namelist()) - set(bare.namelist()) == {folder + name for name in held}


def test_collects_no_garbage_at_the_start(task, runtime):
    """The entries leave what they have made to no collection, and let those begin that follow."""
    code = "import gc, {entry}; print(gc.isenabled(), gc.get_freeze_count() > 10_000, sum(gc.get_stats()[2].values()))"

    printed = [_run(code.format(entry=entry), task, runtime, **FUNCTION) for entry in ENTRIES]

    assert printed == [["True True 0"]] * 2


def test_holds_the_versions_installed_here(package, task):
    """Every part is of the version that the tests ran with, says so to scanners, and brings its licence."""
    parts = {re.sub("_", "-", each.name): each for each in importlib.metadata.distributions(path=[str(task)])}

    assert {name: part.version for name, part in parts.items()} == {
        name: importlib.metadata.version(name) for name in package.parts if name != "botocore"
    }
    for part in parts.values():
        (folder,) = task.glob(f"{part.name.replace('-', '_')}-*.dist-info")
        assert part.metadata["Version"] == part.version
        assert {path.name for path in folder.iterdir()} == {"METADATA", "licenses"}
        assert [path for path in folder.glob("licenses/**/LICENSE*") if path.read_text("utf-8")]


def test_leaves_out_what_only_tools_read(archive):
    """Stubs, type markers and scripts stay outside."""
    paths = [PurePosixPath(name) for name in archive.namelist()]

    assert {path.suffix for path in paths if path.suffix in {".pyi", ".typed", ".mjs", ".css"}} == set()
    texts = {path.parent.as_posix() for path in paths if path.suffix in {".json", ".html", ".txt"}}
    models = {text for text in texts if text.startswith("event_registration/aws/models")}
    assert texts - models == {"event_registration/languages", "event_registration/templates"}
    assert models
    assert not {path.parts[0] for path in paths} & {"bin", "..", "constraints.txt"}


@pytest.mark.parametrize("python", PYTHONS)
def test_holds_what_each_python_requires(package, task, python):
    """No part requires in one Python what it doesn't require in the others: pip knows this one's rules only."""
    markers = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux", "extra": ""}

    required = {
        requirement.name
        for part in importlib.metadata.distributions(path=[str(task)])
        for requirement in map(Requirement, part.requires or ())
        if part.name != "event-registration" and (not requirement.marker or requirement.marker.evaluate(markers))
    }

    assert required <= set(package.parts)


def test_languages_are_without_what_pages_say(archive):
    """The zip has every language's texts of mails as they are, and none of the site's."""
    for path in LANGUAGES.iterdir():
        whole = json.loads(path.read_text("utf-8"))
        packed = json.loads(archive.read(f"event_registration/languages/{path.name}"))
        assert packed == {name: whole[name] for name in ("name", "direction", "mail")}


def test_a_team_s_templates_come_along(tmp_path, runtime):
    """The functions of a zip that was built with a folder mail in its templates and languages."""
    folder = tmp_path / "mails"
    (folder / "languages").mkdir(parents=True)
    (folder / "mail.txt").write_text("$greeting Willkommen.")
    (folder / "languages" / "de.json").write_text('{"mail": {"greeting": "Moin {name}!"}}')
    built = build_package(tmp_path / "function.zip", python=RUNNING, templates=folder)
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(tmp_path / "task")
    code = (
        "import lambda_function, stream_function, os; from pathlib import Path; "
        "from event_registration.confirmation import Renderer; from event_registration.model import Registration; "
        "ada = Registration(event_id='x', event_name='X', attendee_name='Ada', attendee_email='a@b.example',"
        "locale='de'); "
        "print(Renderer.of_folder(Path(os.environ['EVENT_REGISTRATION_TEMPLATES']))(ada).text)"
    )

    assert _run(code, tmp_path / "task", runtime, **FUNCTION) == ["Moin \u2068Ada\u2069! Willkommen."]


def test_templates_that_can_not_be_used_build_nothing(tmp_path):
    """A mistake in a template is told before anything is deployed with it."""
    (tmp_path / "mail.txt").write_text("$unknown")

    result = CliRunner().invoke(
        main, ["package", "--templates", str(tmp_path), "--output", str(tmp_path / "function.zip")]
    )

    assert result.exit_code == 1
    assert "mail.txt: has $unknown, which stands for nothing there" in result.output
    assert not (tmp_path / "function.zip").exists()


def test_answers_from_the_zip_alone(task, runtime):
    """The entry makes a handler that refuses broken bodies and judges a domain by the tables of idna."""
    registration = {"eventid": "dev conf", "eventname": "DevConf", "cname": "Ada", "cemail": "ada@bücher.example"}
    longer = registration | {"cemail": f"ada@{'ü' * 70}.example"}

    answers = _answers(task, runtime, "{", json.dumps(registration), json.dumps(longer))

    assert answers == ["400", "422 eventid", "422 eventid cemail"]


def test_answers_in_every_python(task, runtime):
    """Any Python of Lambda's that is here runs the zip, its own bytecode or not."""
    found = {python: shutil.which(f"python{python}") for python in PYTHONS if python != RUNNING}
    usable = [
        path
        for path in found.values()
        if path and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
    ]

    answers = [_answers(task, runtime, "{", python=python) for python in [sys.executable, *usable]]

    assert answers == [["400"]] * (1 + len(usable))


def test_knows_time_zones(task):
    """A time zone is found where the system has none."""
    code = "import zoneinfo; zoneinfo.reset_tzpath(to=[]); from datetime import datetime; "
    code += "print(datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')).utcoffset())"

    assert _run(code, task) == ["2:00:00"]


def test_bytecode_is_of_the_source(archive):
    """Each module has bytecode of this Python, to be used without a look at its source, with Lambda's own paths."""
    sources = [PurePosixPath(name) for name in archive.namelist() if name.endswith(".py")]
    tag = sys.implementation.cache_tag
    bytecode = {path: archive.read(str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc")) for path in sources}

    headers = {path: content[:16] for path, content in bytecode.items()}
    unchecked = (1).to_bytes(4, "little")  # PEP 552: made of a hash, and the hash not to be checked
    assert headers == {
        path: importlib.util.MAGIC_NUMBER + unchecked + importlib.util.source_hash(archive.read(str(path)))
        for path in sources
    }
    files = {path: marshal.loads(content[16:]).co_filename for path, content in bytecode.items()}  # noqa: S302 - our own
    assert files == {path: f"/var/task/{path}" for path in sources}


def test_bytecode_has_no_docstrings(archive):
    """The bytecode leaves out what only readers of the sources need."""
    tag = sys.implementation.cache_tag
    sources = [PurePosixPath(name) for name in archive.namelist() if name.endswith(".py")]
    documented = {
        path: text for path in sources if (text := ast.get_docstring(ast.parse(archive.read(str(path))), clean=False))
    }

    kept = {
        path
        for path, text in documented.items()
        if text
        in marshal.loads(archive.read(str(path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc"))[16:]).co_consts  # noqa: S302 - our own
    }

    assert documented
    assert kept == set()


def test_bytecode_is_used(archive, tmp_path, runtime):
    """Python takes the bytecode: nobody notices that the sources have gone bad."""
    archive.extractall(tmp_path)
    for source in tmp_path.rglob("*.py"):
        source.write_text("raise AssertionError('compiled at the cold start')")

    assert _answers(tmp_path, runtime, "{") == ["400"]


def test_compiles_with_a_python_on_the_path(tmp_path, monkeypatch):
    """For another version than this one's, the Python of that name does it."""
    pretend = f"import sys; sys.implementation.cache_tag = {OTHER_TAG!r}; "
    run = f'shift 5; code="$1"; shift; exec {sys.executable} -I -S -c "{pretend}$code" "$@"'
    _script(tmp_path / "bin", f"python{OTHER}", f"#!/bin/sh\n{run}\n")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "module.py").write_text("")

    bytecode = _compile(tmp_path, ["module.py"], OTHER)

    assert bytecode == {"module.py": f"__pycache__/module.{OTHER_TAG}.pyc"}
    assert (tmp_path / bytecode["module.py"]).is_file()


@pytest.mark.parametrize(
    "script",
    [None, f'#!/bin/sh\nexec {sys.executable} "$@"\n', "#!/bin/sh\nexit 127\n", "no program"],
    ids=["none", "another version", "broken", "no program"],
)
def test_no_python_to_compile_with(tmp_path, monkeypatch, script):
    """Without a Python that is what its name says there is no bytecode."""
    _script(tmp_path / "bin", f"python{OTHER}" if script else "python", script or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "module.py").write_text("")

    assert _compile(tmp_path, ["module.py"], OTHER) == {}
    assert not list(tmp_path.rglob("*.pyc"))


def test_compiles_itself_for_its_own_version(tmp_path, monkeypatch):
    """For this one's version no other Python need be on the path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "module.py").write_text("")

    assert list(_compile(tmp_path, ["module.py"], RUNNING)) == ["module.py"]


def test_leaves_alone_what_is_no_python_of_this_version(tmp_path):
    """A module that doesn't compile costs no other its bytecode."""
    for name, source in {"bad.py": "print 1", "good.py": ""}.items():
        (tmp_path / name).write_text(source)

    assert list(_compile(tmp_path, ["bad.py", "good.py"], RUNNING)) == ["good.py"]


@pytest.mark.parametrize(
    ("arch", "python", "tags"),
    [
        ("arm64", "3.11", ["cp311-cp311-manylinux_2_26_aarch64", "cp311-cp311-manylinux_2_27_aarch64"]),
        ("arm64", "3.13", ["cp313-cp313-manylinux_2_34_aarch64", "cp313-cp313-manylinux_2_35_aarch64"]),
        ("x86_64", "3.12", ["cp311-abi3-manylinux2014_x86_64", "cp312-cp312-manylinux2014_aarch64"]),
    ],
    ids=["Amazon Linux 2", "Amazon Linux 2023", "x86_64"],
)
@pytest.mark.usefixtures("offline")
def test_fetches_for_the_platform(tmp_path, monkeypatch, arch, python, tags):
    """A compiled part is taken if it is for the runtime's processor and for its C library or an older one, else not."""
    version = importlib.metadata.version("markupsafe")
    for tag in tags:
        _wheel(tmp_path / tag, "markupsafe", version, tag)
    fitting, other = tags

    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / fitting))
    _fetch(tmp_path / "task", ["markupsafe"], arch=arch, python=python)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / other))
    with pytest.raises(DeploymentError, match=f"no wheel for Python {python} on {arch}"):
        _fetch(tmp_path / "nothing", ["markupsafe"], arch=arch, python=python)

    assert [path.name for path in tmp_path.glob("task/markupsafe*")] == [f"markupsafe-{version}.dist-info"]


@pytest.mark.usefixtures("offline")
def test_fetches_the_versions_installed_here(tmp_path, monkeypatch):
    """A newer version in the index is left there, that of a part and that of what it requires."""
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    installed = {name: importlib.metadata.version(name) for name in ("attrs", "cattrs", "typing-extensions")}
    for name, version in installed.items():
        for each in (version, "9999.1"):
            required = "" if name != "cattrs" else "Requires-Dist: attrs\nRequires-Dist: typing-extensions\n"
            _wheel(tmp_path, name.replace("-", "_"), each, "py3-none-any", required)

    _fetch(tmp_path / "task", ["cattrs"], arch="arm64", python="3.13")

    fetched = importlib.metadata.distributions(path=[str(tmp_path / "task")])
    assert {part.name.replace("_", "-"): part.version for part in fetched} == installed


def test_pins_what_is_required():
    """The versions of what the parts require are fixed too; what an extra would add isn't looked at."""
    versions = _installed(["cattrs"])

    assert versions == {name: importlib.metadata.version(name) for name in ("attrs", "cattrs", "typing-extensions")}


def test_part_is_not_installed():
    """A part that isn't here has no version to fetch."""
    with pytest.raises(DeploymentError, match=r"no-such-part is not installed here: run `pip install"):
        _installed(["no-such-part"])


@pytest.mark.parametrize("choice", [{"arch": "mips"}, {"python": "2.7"}])
def test_unknown_target(tmp_path, choice):
    """What Lambda hasn't got is refused, and what it has is named."""
    with pytest.raises(DeploymentError, match=f"{ARCHITECTURES[0]}.*") as caught:
        build_package(tmp_path / "function.zip", **choice)

    assert [name for name in (*ARCHITECTURES, *PYTHONS, *choice.values()) if name not in str(caught.value)] == []


def _assert_refused(tmp_path, expected):
    """Check that building fails with *expected* and leaves what was there as it was."""
    output = tmp_path / "function.zip"
    output.write_text("the one before")

    with pytest.raises(DeploymentError) as caught:
        build_package(output, arch="arm64", python="3.13")

    assert re.fullmatch(expected, str(caught.value))
    assert output.read_text() == "the one before"
    assert [path for path in tmp_path.iterdir() if path.is_file()] == [output]


@pytest.mark.usefixtures("offline")
def test_no_wheel(tmp_path):
    """A version that the index hasn't got for the target is told with pip's last line alone."""
    _assert_refused(
        tmp_path,
        "A version installed here has no wheel for Python 3.13 on arm64: install another version, or choose another "
        "Python. pip says: ERROR: Cannot install [a-z]+==[0-9.]+ because .*",
    )


@pytest.mark.usefixtures("offline")
def test_no_network(tmp_path, monkeypatch):
    """An index that can't be reached is told as that, not as one that has no wheel."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", "http://{}:{}/simple".format(*nobody.getsockname()))
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.setenv("PIP_RETRIES", "1")

        _assert_refused(
            tmp_path,
            "pip can't reach its package index: mend the network or pip's settings, then try again. pip says: .*",
        )


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("pip/__init__.py", "", "This Python has no pip to fetch wheels with: run `python -m ensurepip`, .*"),
        (
            "pip.py",
            "import sys; sys.exit('a page of text\\n\\nERROR: out of luck\\n')",
            "pip can't fetch the wheels: mend what it says, then try again. pip says: ERROR: out of luck",
        ),
        ("pip.py", "import sys; sys.exit(1)", "pip can't fetch the wheels: .* pip says: nothing"),
    ],
    ids=["none", "failing", "silent"],
)
def test_no_working_pip(tmp_path, monkeypatch, module, source, expected):
    """Whatever is wrong with pip is one sentence that says what to do, and pip's last line."""
    path = tmp_path / "modules" / module
    path.parent.mkdir(parents=True)
    path.write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))

    _assert_refused(tmp_path, expected)


@pytest.mark.usefixtures("offline")
def test_modules_of_the_working_folder_are_no_pip(tmp_path, monkeypatch):
    """A file that is called pip.py in the folder one works in is not run."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "pip.py").write_text("import sys; sys.exit('run')")
    monkeypatch.chdir(tmp_path / "work")

    _assert_refused(tmp_path, "A version installed here has no wheel .*")


def test_imports_are_light():
    """Importing the builder loads no boto3, no pip, and nothing of the command's."""
    code = "import sys; import event_registration.deployment.package; "
    code += "print(*{name.split('.')[0] for name in sys.modules})"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not set(answer.stdout.split()) & {"boto3", "botocore", "click", "jsonschema", "pip", "rich"}


def test_command(package, tmp_path, monkeypatch):
    """The command builds for the other processor into a file it names itself, and tells sizes, checksum and place."""
    monkeypatch.chdir(tmp_path)

    answer = CliRunner().invoke(main, ["package", "--arch", "x86_64", "--python", RUNNING])

    version = importlib.metadata.version("event-registration")
    (output,) = tmp_path.iterdir()
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert output.name == f"event-registration-{version}-x86_64-python{RUNNING}.zip"
    rows = dict(re.findall(r"^ (\S+) +([\d,]+) *$", answer.stdout, re.MULTILINE))
    assert list(rows) == [*package.parts, "total"]
    assert rows["total"] == f"{output.stat().st_size / 1024:,.0f}"
    assert rows["tzdata"] == f"{package.parts['tzdata'] / 1024:,.0f}"
    assert f"The budget is 1,280 KiB. For Python {RUNNING} on x86_64, SHA-256:\n" in answer.stdout
    assert answer.stdout.splitlines()[-2:] == [hashlib.sha256(output.read_bytes()).hexdigest(), output.name]


@pytest.mark.usefixtures("package")
def test_command_without_the_targets_python(tmp_path, monkeypatch):
    """The zip without bytecode is built all the same, and the command says what that costs and how to mend it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    output = tmp_path / "function.zip"

    answer = CliRunner().invoke(main, ["package", "--python", OTHER, "--output", str(output)])

    assert answer.exit_code == 0
    assert re.search(rf"the first answers will be slower. Install Python {OTHER} and", answer.stderr)
    with zipfile.ZipFile(output) as archive:
        assert [name for name in archive.namelist() if "__pycache__" in name] == []


def test_command_where_nothing_can_be_written(tmp_path):
    """A place that can't be written to is told before anything is fetched, in one line."""
    output = tmp_path / "missing" / "function.zip"

    answer = CliRunner().invoke(main, ["package", "--output", str(output)])

    assert answer.exit_code == 1
    assert answer.stderr == f"Error: No such file or directory. {output}: choose another file with --output.\n"


@pytest.mark.usefixtures("offline")
def test_command_fails(tmp_path):
    """What keeps the zip from being built is told in one line."""
    target = ["--arch", "x86_64", "--python", "3.12", "--output", str(tmp_path / "function.zip")]

    answer = CliRunner().invoke(main, ["package", *target])

    assert answer.exit_code == 1
    assert re.fullmatch("Error: A version installed here has no wheel for Python 3.12 on x86_64.*\n", answer.stderr)


def test_script():
    """From a checkout a script does the same."""
    answer = subprocess.run(
        [sys.executable, ROOT / "deploy" / "package.py", "--help"], capture_output=True, text=True, check=True
    )

    assert re.match(r"Usage: \S+ package \[OPTIONS\]", answer.stdout)
    assert "[default: arm64]" in answer.stdout
    assert "[default: 3.13]" in answer.stdout
