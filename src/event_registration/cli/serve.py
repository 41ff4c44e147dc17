"""``event-registration serve``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from event_registration.cli.options import templates_option
from event_registration.errors import EventRegistrationError

__all__ = ["serve"]


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 takes a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the events, registrations and mails.  [default: event-registration-data, or -demo with --demo]",
)
@templates_option
@click.option("--demo", is_flag=True, help="Set up two events to try, one of them nearly full.")
def serve(
    port: int,
    host: str,
    data: Path | None,
    templates: Path | None,
    demo: bool,  # noqa: FBT001 - click's
) -> None:
    """
    Run the whole system in one process: form, API, SQLite, and a mailbox instead of real mail.

    The settings of the environment hold here too (EVENT_REGISTRATION_EVENTS, _SENDER, _EVENT_IDS, _ALLOWED_ORIGINS,
    _ON_DUPLICATE); none is needed. Without the first, registrations are taken for the events that are set up in the
    folder, and as long as there is none, for whatever event they name.
    """
    from event_registration.local.server import serve as run

    data = data or Path("event-registration-demo" if demo else "event-registration-data")
    click.echo("Event registration. Stop it with Ctrl-C.")
    try:
        run(
            data,
            host=host,
            port=port,
            announce=click.echo,
            log=partial(click.echo, err=True),
            is_demo=demo,
            templates=templates,
        )
    except EventRegistrationError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        hint = (
            f"{error.filename}: choose another folder with --data"
            if error.filename
            else "Choose another port with --port"
        )
        raise click.ClickException(f"{error.strerror or error}. {hint}.") from error
