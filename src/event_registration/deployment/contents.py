"""What the function's zip has besides others' code: our modules and entries, texts, botocore's data, a team's files."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from event_registration.aws.clients import MODELS
from event_registration.deployment.models import aws_roots, trimmed_models
from event_registration.language_files import OURS as OUR_LANGUAGES
from event_registration.language_files import read_language
from event_registration.settings import PREFIX
from event_registration.templates import OURS as OUR_TEMPLATES
from event_registration.templates import read_templates

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["botocore_data", "own_files", "team_files"]

_PACKAGE = "event_registration"
_NOT_FOR_THE_FUNCTION = {
    *("__main__.py", "arrivals.py", "assets.py", "export.py", "mails.py"),
    *("organiser.py", "ports.py", "replacing.py", "samples.py", "zones.py"),
    *("pattern_parts.py", "patterns.py", "question_schema.py"),
    *("cli", "deployment", "local", "schemas", "testing", "web"),
}

# What Lambda's setting for the handler names: each of the two functions has one of these modules.
_ENTRIES = {
    "lambda_function.py": b'''"""The function's entry: Lambda's setting for the handler is lambda_function.handler."""

import gc

gc.disable()  # nothing that is made at the start is garbage

from event_registration import make_lambda_handler

handler = make_lambda_handler()
gc.freeze()
gc.enable()
''',
    "stream_function.py": b'''"""The sender's entry: Lambda's setting for the handler is stream_function.handler."""

import gc

gc.disable()  # nothing that is made at the start is garbage

from event_registration import make_stream_handler

handler = make_stream_handler()
gc.freeze()
gc.enable()
''',
}

_TEMPLATES = "mail_templates"
# What an entry begins with if a team's templates are beside it.
_WITH_TEMPLATES = f"""

import os

os.environ.setdefault("{PREFIX}TEMPLATES", os.path.join(os.path.dirname(__file__), "{_TEMPLATES}"))

""".encode()


def own_files() -> Iterator[tuple[str, bytes]]:
    """Yield the entries, our modules that they can come to import, and the texts of mails."""
    yield from _ENTRIES.items()
    package = Path(str(files("event_registration")))
    for module in package.rglob("*.py"):
        if module.relative_to(package).parts[0] not in _NOT_FOR_THE_FUNCTION:
            yield module.relative_to(package.parent).as_posix(), module.read_bytes()
    yield from _texts_of_mails()


def _texts_of_mails() -> Iterator[tuple[str, bytes]]:
    """Yield the languages without what only pages say, and the templates."""
    for path in sorted(OUR_LANGUAGES.glob("*.json")):
        document = read_language(path)
        document.pop("site", None)
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        yield f"{_PACKAGE}/languages/{path.name}", text.encode()
    for path in sorted(OUR_TEMPLATES.iterdir()):
        yield f"{_PACKAGE}/templates/{path.name}", path.read_bytes()


def botocore_data() -> Iterator[tuple[str, bytes]]:
    """Yield what the functions need of botocore's data."""
    folder = f"{_PACKAGE}/aws/{MODELS.name}"
    for name, content in [*trimmed_models(), *aws_roots().items()]:
        yield f"{folder}/{name}", content


def team_files(templates: Path | None) -> Iterator[tuple[str, bytes]]:
    """Yield a team's files, and the entries as they find them."""
    if templates is None:
        return
    for name, text in read_templates(templates).items():
        yield f"{_TEMPLATES}/{name}", text.encode()
    for path in sorted((templates / "languages").glob("*.json")):
        yield f"{_TEMPLATES}/languages/{path.name}", path.read_bytes()
    for name, content in _ENTRIES.items():
        yield name, content.replace(b"\n\n", _WITH_TEMPLATES, 1)
