"""Calendar programs of others take our entries as they are meant: what is put in, changed and taken out."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import npm
import pypi
import pytest
from attrs import evolve

from event_registration.calendar import calendar_entry
from event_registration.mail import MailKind
from event_registration.testing import make_event, make_registration

ICAL_JS = "2.2.1", "yK/UlPbEs316igb/tjRgbFA8ZV75rCsBJp/hWOatpyaPNlgw0dGDmU+FoicOcwX4xXkeXOkYiOmCqNPFpNPkQg=="
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "Fête; Teil 1, 🎉 " + "夏祭り" * 20
# Over the night in which Berlin's clocks are set forward.
EVENT = make_event(
    event_name=NAME,
    venue="Alte Halle, Saal 2",
    starts_at=datetime(2030, 3, 30, 21, tzinfo=UTC),
    ends_at=datetime(2030, 3, 31, 2, tzinfo=UTC),
    contact="orga@example.org",
)
MOVED = evolve(EVENT, venue="Neue Halle", starts_at=datetime(2030, 3, 30, 20, tzinfo=UTC))
CONFIGURATION = """
[calendars]
[[home]]
path = {folder}/calendar
[locale]
local_timezone = Europe/Berlin
default_timezone = Europe/Berlin
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
[sqlite]
path = {folder}/khal.db
"""


def _entries():
    """Return what goes with a confirmation, with the news that the event has moved, and with the cancellation."""
    confirmed = make_registration(registration_id="0123abcd")
    moved = evolve(confirmed, mail=confirmed.mail.sent()).told(MailKind.MOVED, 2, NOW)
    life = (confirmed, EVENT), (moved, MOVED), (moved.cancelled(NOW), MOVED)
    return [
        calendar_entry(each, event, sender="events@example.org", now=NOW, description="Bring a coat,\nplease.").content
        for each, event in life
    ]


def _run(*command, octets=b"", **environ):
    done = subprocess.run(command, input=octets, capture_output=True, timeout=60, check=False, env=os.environ | environ)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_another_language_reads_them():
    """Thunderbird's library, at its strictest, reads every property as it was meant."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    try:
        module = npm.fetch("ical.js", *ICAL_JS, "package/dist/ical.min.js")
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    script = Path(__file__).parent / "calendars.mjs"

    read = [json.loads(_run(node, script, module, octets=each)) for each in _entries()]

    assert read[0] == {
        "method": "REQUEST",
        "uid": "0123abcd@example.org",
        "dtstamp": "2026-03-01T12:00:00.000Z",
        "sequence": 1,
        "dtstart": "2030-03-30T21:00:00.000Z",
        "dtend": "2030-03-31T02:00:00.000Z",
        "summary": NAME,
        "location": "Alte Halle, Saal 2",
        "description": "Bring a coat,\nplease.",
        "status": "CONFIRMED",
        "organizer": "mailto:orga@example.org",
        "attendee": "mailto:ada@example.org",
    }
    changes = [{name: text for name, text in each.items() if text != read[0][name]} for each in read[1:]]
    moved = {"sequence": 2, "dtstart": "2030-03-30T20:00:00.000Z", "location": "Neue Halle"}
    assert changes == [moved, moved | {"sequence": 3, "method": "CANCEL", "status": "CANCELLED"}]


@pytest.mark.proof
def test_a_calendar_keeps_the_latest(tmp_path):
    """In khal the confirmation puts the event in, the news moves it, and the cancellation marks it: it is one event."""
    try:
        khal = pypi.environment("khal") / "khal"
    except pypi.UnavailableError as error:
        pytest.skip(str(error))
    (tmp_path / "calendar").mkdir()
    (tmp_path / "config").write_text(CONFIGURATION.format(folder=tmp_path))
    command = khal, "-c", tmp_path / "config"
    shown = []

    for entry in _entries():
        (tmp_path / "event.ics").write_bytes(entry)
        _run(*command, "import", "--batch", tmp_path / "event.ics", LC_ALL="C.UTF-8")
        line = "{start-long}|{end-long}|{location}|{status}|{title}"
        listed = _run(*command, "list", "--once", "--format", line, "2030-03-25", "14d", LC_ALL="C.UTF-8")
        shown += [[fact.strip() for fact in each.split("|")] for each in listed.splitlines() if "|" in each]

    assert shown == [
        ["2030-03-30 22:00", "2030-03-31 04:00", "Alte Halle, Saal 2", "CONFIRMED", NAME],
        ["2030-03-30 21:00", "2030-03-31 04:00", "Neue Halle", "CONFIRMED", NAME],
        ["2030-03-30 21:00", "2030-03-31 04:00", "Neue Halle", "CANCELLED", NAME],
    ]


@pytest.mark.proof
@pytest.mark.parametrize(
    ("night", "day", "hours"), [("spring", "03/30/2030", "22:00 -> ..:.."), ("autumn", "10/27/2030", "01:30 -> 02:30")]
)
def test_a_calendar_shows_the_nights_of_the_clocks(tmp_path, night, day, hours):
    """In calcurse, on Berlin's clocks, the nights in which these change begin and end when they were meant to."""
    calcurse = shutil.which("calcurse")
    if calcurse is None:
        pytest.skip("calcurse is not installed")
    file = Path(__file__).parent / "calendar" / f"{night}.ics"

    _run(calcurse, "-D", tmp_path, "-i", file, TZ="Europe/Berlin")

    listed = _run(calcurse, "-D", tmp_path, "-Q", "--from", day, TZ="Europe/Berlin", LC_ALL="C.UTF-8")
    assert [line.strip() for line in listed.splitlines()[1:]] == [f"- {hours}", "Nacht der Zeit 🌙"]
