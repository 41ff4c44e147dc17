"""Which time zones there are: the same on every machine."""

from __future__ import annotations

from importlib.resources import files
from zoneinfo import ZoneInfo

from event_registration.errors import Problem

__all__ = ["UNKNOWN_TIME_ZONE", "zone_of"]

UNKNOWN_TIME_ZONE = Problem(
    "time_zone", "unknown-time-zone", "There is no time zone of this name; capitals count, as in Europe/Berlin."
)
"""What is wrong with a time zone's name that is none."""


def zone_of(name: str) -> ZoneInfo | None:
    """
    Return the time zone of a name, ``None`` if there is none.

    The list of names is the tzdata package's, which the function brings along: what one machine knows all know, and
    an operating system's own names, such as ``localtime``, are none.
    """
    names = (files("tzdata") / "zones").read_text(encoding="ascii").split()
    return ZoneInfo(name) if name in names else None
