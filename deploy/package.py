"""Builds the function's zip: ``event-registration package`` for those who deploy from a checkout."""  # noqa: INP001 - a script

import sys

from event_registration.cli import main

main(["package", *sys.argv[1:]])
