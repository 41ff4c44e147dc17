"""What commands have in common: where a stack is, whose address is meant, and how they fail."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from event_registration.errors import EventRegistrationError
from event_registration.rules import PROBLEM_MESSAGES, check_address, normalise_address
from event_registration.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["checked_address", "complaining", "on_stack", "templates_option"]

templates_option = click.option(
    "--templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar=f"{PREFIX}TEMPLATES",
    show_envvar=True,
    metavar="DIR",
    help="Your own templates of mails, and languages; `mail templates start` makes such a folder.",
)


def on_stack(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a stack to *command*: ``--stack``, ``--region``, ``--profile``."""
    for option in (
        click.option("--profile", help="Profile of the AWS configuration.  [default: the AWS command line's]"),
        click.option("--region", help="AWS region.  [default: the AWS command line's]"),
        click.option(
            "--stack", required=True, metavar="NAME", callback=_name, help="Name of the CloudFormation stack."
        ),
    ):
        command = option(command)
    return command


def _name(_context: click.Context, _option: click.Parameter, name: str) -> str:
    # "CreateStack", StackName.
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", name):
        raise click.BadParameter("a stack's name is a letter, then letters, digits and hyphens, at most 128.")
    return name


def checked_address(_context: click.Context, _argument: click.Parameter, address: str | None) -> str | None:
    """Return a person's address in normal form, if one is given."""
    if address is None:
        return None
    address = normalise_address(address)
    if code := check_address(address):
        raise click.BadParameter(PROBLEM_MESSAGES[code])
    return address


@contextmanager
def complaining() -> Iterator[None]:
    """End the command with a sentence, not a stack trace, if something fails that a person can mend."""
    from event_registration.deployment.account import explained

    try:
        with explained():
            yield
    except EventRegistrationError as error:
        raise click.ClickException(str(error)) from error
