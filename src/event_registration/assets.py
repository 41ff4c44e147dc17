"""The files that are no Python: where they are, and the site's as browsers get them, in all its languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from event_registration.language_files import documents

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SiteFile", "site_files", "site_folder", "template_file"]

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]
_CONFIG = "config.mjs"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@frozen(kw_only=True)
class SiteFile:
    """
    One file of the site.

    Args:
        key: Its path below the site's address.
        body: Its octets.
        content_type: What browsers take it for.
    """

    key: str
    body: bytes
    content_type: str


def site_folder() -> Path:
    """Return the folder of the site's pages, scripts and styles."""
    installed = _PACKAGE / "web"
    return installed if installed.is_dir() else _CHECKOUT / "web"


def template_file() -> Path:
    """Return the CloudFormation template."""
    installed = _PACKAGE / "deployment" / "cloudformation.yaml"
    return installed if installed.is_file() else _CHECKOUT / "deploy" / "cloudformation.yaml"


def site_files(api_url: str, *, managed: bool, folder: Path | None = None) -> list[SiteFile]:
    """
    Return the site's files, the pages last, so that whoever loads one finds all it asks for.

    Besides the languages only ``config.mjs`` differs from the release's.

    Args:
        api_url: Where the API is; empty if it is where the site is.
        managed: Whether the organiser's catalogue has the events.
        folder: A team's own, in whose ``languages`` further languages are, or other texts for ours.

    Raises:
        InvalidTemplatesError: A file of the team's can't be used.
    """
    languages = {
        code: {"name": each["name"], "direction": each["direction"], "texts": each["site"]}
        for code, each in documents(folder).items()
    }
    values = {
        "apiUrl": api_url,
        "managed": managed,
        "languages": {code: each["name"] for code, each in languages.items()},
    }
    paths = sorted(site_folder().iterdir(), key=lambda path: (path.suffix == ".html", path.name))
    return [
        *(_file(f"languages/{code}.mjs", _module(language)) for code, language in languages.items()),
        *(_file(path.name, _config(path, values) if path.name == _CONFIG else path.read_bytes()) for path in paths),
    ]


def _file(key: str, body: bytes) -> SiteFile:
    return SiteFile(key=key, body=body, content_type=_TYPES[Path(key).suffix])


def _module(value: object) -> bytes:
    """Return *value* as the default export of a module: JSON itself would be something to connect to, for a policy."""
    return f"export default {json.dumps(value, ensure_ascii=False, separators=(',', ':'))};\n".encode()


def _config(path: Path, values: Mapping[str, object]) -> bytes:
    text = path.read_text(encoding="utf-8")
    pattern = r"(?<=export const )(\w+) = .*(?=;)"
    return re.sub(pattern, lambda match: f"{match[1]} = {json.dumps(values[match[1]])}", text).encode()
