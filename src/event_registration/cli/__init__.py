"""The ``event-registration`` command; each command imports what it needs when it runs."""

from __future__ import annotations

import sys
from io import TextIOWrapper

import click

from event_registration.cli.completion import completion
from event_registration.cli.deploy import deploy
from event_registration.cli.destroy import destroy
from event_registration.cli.doctor import doctor
from event_registration.cli.events import events
from event_registration.cli.export import export
from event_registration.cli.mail import mail
from event_registration.cli.package import package
from event_registration.cli.registrations import registrations
from event_registration.cli.rotate_keys import rotate_keys
from event_registration.cli.serve import serve

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="event-registration")
def main() -> None:
    """Event registration that is right, on a laptop and on AWS."""
    # A name may hold any letter. One that the output's encoding lacks is no reason to fail after the work is done.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


main.add_command(events)
main.add_command(registrations)
registrations.add_command(export)
main.add_command(mail)
main.add_command(package)
main.add_command(serve)
main.add_command(deploy)
main.add_command(destroy)
main.add_command(doctor)
main.add_command(rotate_keys)
main.add_command(completion)
