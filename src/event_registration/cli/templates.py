"""``event-registration mail templates``: what mails are made of, for a team and for an event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from event_registration.cli.completion import event_argument
from event_registration.cli.store import on_store
from event_registration.errors import InvalidTemplatesError
from event_registration.language_files import DEFAULT, is_code
from event_registration.language_files import OURS as OUR_LANGUAGES
from event_registration.templates import OURS, PLACEHOLDERS, read_templates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from event_registration.cli.store import Store

__all__ = ["read_folder", "templates"]

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def templates() -> None:
    """Make mails your own: the files they are made of, for all events or for one."""


@templates.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--language",
    "codes",
    multiple=True,
    metavar="TAG",
    help="Begin a language too, as in fr or pt-BR: English texts to translate, for mails and pages, or ours of that "
    "language to change; may be repeated.",
)
def start(folder: Path, codes: tuple[str, ...]) -> None:
    """
    Begin a folder of your own in DIR: our templates, to be changed there.

    Keep what you change and delete what you don't. A file for one kind of mail or one language is called by them, as in
    confirmed.html, mail.de.txt, promoted.ar.subject. serve, package, deploy and mail preview take the folder with
    --templates, or from EVENT_REGISTRATION_TEMPLATES.
    """
    for code in codes:
        if not is_code(code):
            raise click.BadParameter(f"{code!r} is no language's tag, as in fr or pt-BR.", param_hint="--language")
    files = {folder / path.name: path for path in sorted(OURS.iterdir())}
    files |= {folder / "languages" / f"{code}.json": _pattern_of(code) for code in codes}
    if present := [str(path) for path in files if path.exists()]:
        raise click.ClickException(f"{', '.join(present)}: there already. Choose another folder, or delete them.")
    try:
        for path, ours in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(ours.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}. Choose another folder.") from error
    for path in files:
        click.echo(path)
    click.echo("\nIn templates these stand for what a mail is about; write $$ for a dollar sign:\n")
    width = max(map(len, PLACEHOLDERS)) + 1
    for name, meaning in PLACEHOLDERS.items():
        click.echo(f"  ${name:<{width}} {meaning}")


@templates.command("set")
@event_argument
@click.argument("folder", metavar="DIR", type=_FOLDER)
@on_store
def set_(*, store: Store, event_id: str, folder: Path) -> None:
    """
    Have an event's mails made of the templates in DIR.

    They take the place of all that the event had. Mails that are still to be sent are made of them too, from seconds
    later on.
    """
    files = read_folder(folder)
    if not files:
        raise click.ClickException(f"{folder} has no templates: their names end in .subject, .txt or .html.")
    with store.organiser() as organiser:
        organiser.set_templates(event_id, files)
    click.echo(f"The mails of {event_id} are made of {', '.join(files)}.")
    for name in _half(files):
        click.echo(
            f"{name}: the other part of these mails still says what ours says; some programs show that.", err=True
        )


@templates.command()
@event_argument
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path))
@on_store
def show(*, store: Store, event_id: str, folder: Path | None) -> None:
    """Show the templates that are an event's own, or save them to DIR."""
    with store.organiser() as organiser:
        files = organiser.event(event_id)[0].templates
    if not files:
        click.echo("The event has none of its own.", err=True)
    for name, text in files.items():
        if folder is None:
            click.echo(f"--- {name}\n{text}", nl=not text.endswith("\n"))
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}. Choose another folder.") from error
        click.echo(folder / name)


@templates.command()
@event_argument
@on_store
def clear(*, store: Store, event_id: str) -> None:
    """Have an event's mails made as all others are."""
    with store.organiser() as organiser:
        organiser.set_templates(event_id, {})
    click.echo(f"The mails of {event_id} are made as all others are.")


def read_folder(folder: Path) -> dict[str, str]:
    """
    Return the templates in *folder*, or end the command with what is wrong with them.

    Raises:
        click.ClickException: One can't be used.
    """
    try:
        return read_templates(folder)
    except InvalidTemplatesError as error:
        raise click.ClickException("\n".join(f"{each.field} {each.message}" for each in error.problems)) from error


def _pattern_of(code: str) -> Path:
    """Return the file that a language begins with: ours, if it is one of ours, or the English one to translate."""
    ours = OUR_LANGUAGES / f"{code}.json"
    return ours if ours.exists() else OUR_LANGUAGES / f"{DEFAULT}.json"


def _half(files: Mapping[str, str]) -> list[str]:
    """Return the names of bodies whose other form is left as it was."""
    other = {"txt": "html", "html": "txt"}
    return [
        name
        for name in files
        if (part := name.rpartition(".")[2]) in other and f"{name.removesuffix(part)}{other[part]}" not in files
    ]
