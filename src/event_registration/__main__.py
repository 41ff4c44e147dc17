"""``python -m event_registration``."""

from event_registration.cli import main

main(prog_name="event-registration")
