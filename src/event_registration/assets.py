"""The files that are no Python: where they are, and the site's as browsers get them, in all its languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from event_registration.errors import LanguageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["SiteFile", "languages_folder", "site_files", "site_folder", "template_file"]

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1]
_CONFIG = "config.mjs"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ENGLISH = "en"
# BCP 47 in short: a language, perhaps with its script and a region. Browsers fail at what isn't well formed.
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?")
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")
_PLURALS = frozenset({"zero", "one", "two", "few", "many", "other"})


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


def languages_folder() -> Path:
    """Return the folder of what mails and site say, a file a language."""
    return _PACKAGE / "languages"


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
        LanguageError: A file of the team's can't be used.
    """
    languages = _languages(folder)
    values = {
        "apiUrl": api_url,
        "managed": managed,
        "languages": {code: each["name"] for code, each in languages.items()},
    }
    paths = sorted(site_folder().iterdir(), key=lambda path: (path.suffix == ".html", path.name))
    return [
        *(_file(f"languages/{code}.json", _json(language)) for code, language in languages.items()),
        *(_file(path.name, _config(path, values) if path.name == _CONFIG else path.read_bytes()) for path in paths),
    ]


def _file(key: str, body: bytes) -> SiteFile:
    return SiteFile(key=key, body=body, content_type=_TYPES[Path(key).suffix])


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _config(path: Path, values: Mapping[str, object]) -> bytes:
    text = path.read_text(encoding="utf-8")
    pattern = r"(?<=export const )(\w+) = .*(?=;)"
    return re.sub(pattern, lambda match: f"{match[1]} = {json.dumps(values[match[1]])}", text).encode()


def _languages(folder: Path | None) -> dict[str, dict[str, Any]]:
    """Return what the site says, by the languages' codes, English first: its name, its direction and its texts."""
    ours = {path.stem: _read(path) for path in sorted(languages_folder().glob("*.json"))}
    english = ours[_ENGLISH]["site"]
    languages = {code: ours[code] for code in sorted(ours, key=lambda code: (code != _ENGLISH, code))}
    for path in sorted((folder / "languages").glob("*.json")) if folder else ():
        document = _read(path)
        merged = _merged(languages.get(path.stem, {}), document)
        if faults := [*_faults_of(path, merged), *_faults_of_texts(english, merged.get("site", {}))]:
            raise LanguageError(f"{path}: {' '.join(faults)}")
        languages[path.stem] = merged
    return {
        code: {"name": each["name"], "direction": each["direction"], "texts": each["site"]}
        for code, each in languages.items()
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LanguageError(f"{path}: this is no JSON in UTF-8: {error}.") from None
    if not isinstance(document, dict):
        raise LanguageError(f"{path}: this is no object of names and values.")
    return document


def _merged(ours: object, theirs: object) -> Any:  # noqa: ANN401 - whatever JSON it is
    """Return *ours* with *theirs* in place of what has the same name, topic by topic."""
    if not isinstance(ours, dict) or not isinstance(theirs, dict) or _is_plural(theirs):
        return theirs
    return ours | {name: _merged(ours.get(name), value) for name, value in theirs.items()}


def _faults_of(path: Path, document: Mapping[str, Any]) -> Iterator[str]:
    if not _TAG.fullmatch(path.stem):
        yield "The file's name is no language's code, such as fr or pt-BR."
    if not isinstance(document.get("name"), str):
        yield "name must be the language's own name."
    if document.get("direction") not in {"ltr", "rtl"}:
        yield "direction must be ltr or rtl."
    if not isinstance(document.get("site"), dict):
        yield "site must have the site's texts."


def _faults_of_texts(english: Mapping[str, Any], texts: object) -> Iterator[str]:
    wanted, given = dict(_texts(english)), dict(_texts(texts))
    for sentence, keys in {
        "Texts are missing:": [key for key in wanted if key not in given],
        "There are no such texts:": [key for key in given if key not in wanted],
        "Other placeholders than in English, or other forms:": [
            key for key in wanted if key in given and not _is_like(wanted[key], given[key])
        ],
    }.items():
        if keys:
            yield f"{sentence} {', '.join(keys)}."


def _texts(topic: object, name: str = "site") -> Iterator[tuple[str, object]]:
    """Yield all texts of *topic* with their names; one of several forms is one text."""
    if not isinstance(topic, dict) or _is_plural(topic):
        yield name, topic
        return
    for each, value in topic.items():
        yield from _texts(value, f"{name}.{each}")


def _is_plural(value: Mapping[str, Any]) -> bool:
    return "other" in value and value.keys() <= _PLURALS


def _is_like(english: Any, text: Any) -> bool:  # noqa: ANN401 - whatever JSON it is
    """Tell whether *text* can stand for *english*: a number may be left out where a form says it in words."""
    if isinstance(english, str):
        return isinstance(text, str) and _placeholders(english) == _placeholders(text)
    count = {"{count}"}
    wanted = _placeholders(english["other"]) | count
    return isinstance(text, dict) and all(
        isinstance(form, str) and _placeholders(form) | count == wanted for form in text.values()
    )


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))
