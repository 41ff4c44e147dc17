"""A JSON or YAML file, or standard input, to the one object that it holds, read alike by everybody."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    import yaml

__all__ = ["read_object"]

_STDIN = "-"
_JSON = ".json"
_YAML = (".yaml", ".yml")
_TAG = "tag:yaml.org,2002:"
# "YAML 1.2.2", section 10.3, core schema, with JSON's numbers alone. By YAML 1.1, which PyYAML goes by, a plain
# 09:30 is a number, no is false, and an instant loses what it was written in.
_PLAIN = {
    "null": re.compile(r"~|null|Null|NULL|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"-?(?:0|[1-9][0-9]{0,18})"),
    "float": re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"),
}
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


def read_object(name: str) -> dict[str, Any]:
    """
    Return the object in a file.

    Args:
        name: A file's name, which tells JSON from YAML; ``-`` is standard input.

    Raises:
        click.BadParameter: There is no such file, or its name is neither JSON's nor YAML's.
        click.ClickException: It holds no object, or one that two programs could read differently.
    """
    text = _decoded(name)
    is_json = text.lstrip().startswith("{") if name == _STDIN else name.lower().endswith(_JSON)
    try:
        value = _json(text) if is_json else _yaml(text)
    except RecursionError:
        raise _refusal(name, "this is nested too deeply") from None
    except ValueError as error:
        raise _refusal(name, str(error)) from None
    if not isinstance(value, dict):
        raise _refusal(name, "this is no object of names and values")
    return value


def _refusal(name: str, reason: str) -> click.ClickException:
    return click.ClickException(f"{'Standard input' if name == _STDIN else name}: {reason}.")


def _decoded(name: str) -> str:
    if name == _STDIN:
        octets = sys.stdin.buffer.read()
    elif name.lower().endswith((_JSON, *_YAML)):
        try:
            octets = Path(name).read_bytes()
        except OSError as error:
            raise click.BadParameter(f"{name}: {error.strerror}.") from None
    else:
        raise click.BadParameter(f"{name}: a file's name must end in {_JSON}, {' or '.join(_YAML)}.")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal(name, "this is not UTF-8") from None


def _json(text: str) -> object:
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, each in pairs:
        if key in value:
            raise ValueError(f"the key {key!r} is there twice")
        value[key] = each
    return value


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _yaml(text: str) -> object:
    import yaml

    class Loader(yaml.SafeLoader):
        """Reads what JSON could say as well: no aliases, no tags, every key text and there once."""

        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as PyYAML declares it

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
            if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
                raise yaml.MarkedYAMLError(None, None, "aliases and tags aren't read here", event.start_mark)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's
            seen = set()
            for key, _ in node.value:
                if key.tag != f"{_TAG}str":
                    raise yaml.MarkedYAMLError(None, None, "a key must be text", key.start_mark)
                if key.value in seen:
                    raise yaml.MarkedYAMLError(None, None, f"the key {key.value!r} is there twice", key.start_mark)
                seen.add(key.value)
            return super().construct_mapping(node, deep)

    for kind, pattern in _PLAIN.items():
        Loader.add_implicit_resolver(_TAG + kind, re.compile(rf"(?:{pattern.pattern})\Z"), None)
        Loader.add_constructor(_TAG + kind, _plain)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a safe loader, and less than that
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f": line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise ValueError(f"{error.problem}{place}") from None
    except yaml.YAMLError as error:
        raise ValueError(str(error).splitlines()[0]) from None


def _plain(_loader: object, node: Any) -> object:  # noqa: ANN401 - PyYAML's
    text = node.value
    return _WORDS[text.lower()] if text.lower() in _WORDS else json.loads(text)
