"""Every Python block of the documents runs, and every file they name is there."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_python_blocks_run(block, tmp_path, monkeypatch):
    """A block runs as it stands in an empty folder, and prints what its comments say."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"EVENT_REGISTRATION_SENDER": "a@example.org", "AWS_DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    printed = io.StringIO()

    with contextlib.redirect_stdout(printed):
        names = {}
        exec(compile(block, "block", "exec"), names)  # noqa: S102 - our own documents

    if service := names.get("service"):
        service._repository.close()
    expected = re.findall(r"^# (.*)$|print\(.*\)  # (.*)$", block, re.MULTILINE)
    assert printed.getvalue().splitlines() == [own_line or at_the_end for own_line, at_the_end in expected]


def test_there_are_blocks():
    """The search for blocks finds some."""
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link of a page is a file of the repository."""
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_settings_are_documented():
    """The README's table has every variable, and no other."""
    from event_registration.settings import _PARSERS, PREFIX

    documented = set(re.findall(r"^\| `(EVENT_REGISTRATION_\w+)`", (ROOT / "README.md").read_text(), re.MULTILINE))

    assert documented == {f"{PREFIX}{name.upper()}" for name in _PARSERS}


def test_the_architecture_names_every_module():
    """The table of modules has the rows that the layer test enforces."""
    import test_layers

    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = [set(re.findall(r"`([\w.]+)`", row)) for row in re.findall(r"^\| \d+ \| ([^|]+) \|", text, re.MULTILINE)]

    assert rows == [row for row in test_layers.ROWS if row != {"aws", "local"}][:-1]


def test_the_architecture_names_every_dependency():
    """The table of dependencies has those of the distribution."""
    from importlib.metadata import requires

    text = (ROOT / "docs" / "architecture.md").read_text().partition("## Dependencies")[2].partition("\n## ")[0]
    listed = {name for cell in re.findall(r"^\| ([\w, ]+) \|", text, re.MULTILINE) for name in cell.split(", ")}

    assert listed - {"package"} == {re.match(r"[\w-]+", each)[0] for each in requires("event-registration")}


def test_the_schemas_and_docs_agree_on_codes():
    """Every code a field can be refused with is in the HTTP page."""
    messages = json.loads((ROOT / "tests" / "wire" / "messages.json").read_text())
    page = (ROOT / "docs" / "http-api.md").read_text()

    assert [code for code in messages if f"`{code}`" not in page] == []
