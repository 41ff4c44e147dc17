"""A mail's calendar entry puts in, changes and takes out what its reader has, and holds nothing that it shouldn't."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from cases import described, load
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from event_registration.calendar import calendar_entry
from event_registration.mail import Mail, MailKind
from event_registration.model import Status
from event_registration.testing import make_event, make_registration

GOLDEN = Path(__file__).parent / "calendar"
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
SENDER = "Events <events@example.org>"
BERLIN = ZoneInfo("Europe/Berlin")
PUTS_IN = [MailKind.CONFIRMED, MailKind.PROMOTED, MailKind.MOVED]
TAKES_OUT = [MailKind.CANCELLED, MailKind.CALLED_OFF]
NIGHTS = {
    "spring": (datetime(2030, 3, 30, 22, tzinfo=BERLIN), datetime(2030, 3, 31, 4, tzinfo=BERLIN), 5),
    "autumn": (datetime(2030, 10, 27, 1, 30, tzinfo=BERLIN), datetime(2030, 10, 27, 2, 30, fold=1, tzinfo=BERLIN), 2),
}


def _entry(kind=MailKind.CONFIRMED, *, event=None, sender=SENDER, now=NOW, description="", number=1, **changes):
    registration = make_registration(registration_id="0123abcd", mail=Mail(kind=kind, number=number), **changes)
    return calendar_entry(registration, event or make_event(), sender=sender, now=now, description=description)


def _lines(entry):
    """Return the unfolded lines of *entry*."""
    return entry.content.decode().replace("\r\n ", "").splitlines()


def _parsed(entry):
    """Return the calendar and its one event as another library reads them."""
    calendar = Calendar.from_ical(entry.content)
    (event,) = calendar.walk("VEVENT")
    assert [each for each in (calendar, event) if each.errors] == []
    return calendar, event


@pytest.mark.parametrize("kind", PUTS_IN)
def test_whoever_has_a_seat_gets_an_entry(kind):
    """Another library reads who, what, when and where, and that nobody is asked anything."""
    calendar, event = _parsed(_entry(kind, event=make_event(venue="Hall 1"), number=3))

    assert (calendar["METHOD"], calendar["VERSION"]) == ("REQUEST", "2.0")
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == ("0123abcd@example.org", 3, "CONFIRMED")
    assert (event["SUMMARY"], event["LOCATION"]) == ("DevConf 2026", "Hall 1")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (make_event().starts_at, make_event().ends_at)
    assert event["DTSTAMP"].dt == NOW.replace(microsecond=0)
    assert event["ATTENDEE"] == "mailto:ada@example.org"
    assert event["ATTENDEE"].params == {"CUTYPE": "INDIVIDUAL", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}


@pytest.mark.parametrize("kind", TAKES_OUT)
@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.CANCELLED])
def test_whoever_had_a_seat_loses_the_entry(kind, status):
    """What ends a registration or its event takes the same entry out again."""
    calendar, event = _parsed(_entry(kind, status=status, number=2))

    assert (calendar["METHOD"], event["STATUS"]) == ("CANCEL", "CANCELLED")
    assert (event["UID"], event["SEQUENCE"]) == ("0123abcd@example.org", 2)


@pytest.mark.parametrize("kind", MailKind)
def test_whoever_waits_has_no_entry(kind):
    """No mail puts in or takes out what somebody has who never had a seat."""
    assert _entry(kind, status=Status.WAITLISTED, place=7) is None


@pytest.mark.parametrize(("status", "has_one"), [(Status.CONFIRMED, True), (Status.WAITLISTED, False)])
def test_a_cancelled_registration_tells_whether_there_is_an_entry(status, has_one):
    """Whoever gives up a seat, promoted or not, had an entry, and whoever leaves the queue had none."""
    registration = make_registration(status=status, place=7, mail=Mail().sent()).cancelled(NOW)

    entry = calendar_entry(registration, make_event(), sender=SENDER, now=NOW)

    assert (entry is not None) is has_one


@pytest.mark.parametrize("kind", [MailKind.REPEATED, MailKind.WAITLISTED])
def test_a_mail_that_changes_nothing_has_no_entry(kind):
    """A mail about somebody else's attempt doesn't touch the calendar."""
    assert _entry(kind) is None


def test_says_what_it_is():
    """The type names the method that the content has, as mail programs compare them, and its octets' script."""
    entries = [_entry(), _entry(MailKind.CANCELLED)]

    assert [(each.name, each.media_type) for each in entries] == [
        ("event.ics", "text/calendar; method=REQUEST; charset=utf-8"),
        ("event.ics", "text/calendar; method=CANCEL; charset=utf-8"),
    ]


# The life of an entry


def _life():
    """Return a registration in the states that it goes through, as it owes a mail in each."""
    first = make_registration(registration_id="0123abcd", status=Status.WAITLISTED, place=1).admitted(
        Status.WAITLISTED, place=1
    )
    promoted = evolve(first, mail=first.mail.sent()).promoted(1, NOW)
    moved = evolve(promoted, mail=promoted.mail.sent()).told(MailKind.MOVED, 2, NOW)
    again = evolve(moved, mail=moved.mail.owing(MailKind.MOVED, NOW))
    return promoted, moved, again, again.cancelled(NOW)


def test_every_newer_mail_has_a_higher_number():
    """From promotion to cancellation it is one entry, whose number rises with each mail that is owed."""
    entries = [_parsed(calendar_entry(each, make_event(), sender=SENDER, now=NOW)) for each in _life()]

    numbers = [event["SEQUENCE"] for _, event in entries]
    assert numbers == sorted(set(numbers))
    assert {event["UID"] for _, event in entries} == {"0123abcd@example.org"}
    assert [calendar["METHOD"] for calendar, _ in entries] == ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]


def test_a_mail_that_is_tried_again_is_the_same_entry():
    """Claims and retries change neither identity nor number, and the instant of writing alone tells the later one."""
    owing = make_registration()
    later = NOW + timedelta(hours=1)
    retried = evolve(owing, mail=owing.mail.claimed(NOW, timedelta(minutes=3)).retried(later, "refused"))

    first, second = (
        _lines(calendar_entry(each, make_event(), sender=SENDER, now=at))
        for each, at in ((owing, NOW), (retried, later))
    )

    assert [pair for pair in zip(first, second, strict=True) if pair[0] != pair[1]] == [
        ("DTSTAMP:20260301T120000Z", "DTSTAMP:20260301T130000Z")
    ]


def test_whoever_comes_back_has_another_entry():
    """A person who registers again gets a new entry: the old one's cancellation, read later, doesn't touch it."""
    cancelled = make_registration().cancelled(NOW)
    back = make_registration().after(cancelled)

    old, new = (_parsed(calendar_entry(each, make_event(), sender=SENDER, now=NOW))[1] for each in (cancelled, back))

    assert old["UID"] != new["UID"]


# Who is in it


def test_the_contact_is_the_organizer():
    """The event's contact stands for its organiser."""
    _, event = _parsed(_entry(event=make_event(contact="orga@example.com")))

    assert event["ORGANIZER"] == "mailto:orga@example.com"
    assert event["UID"] == "0123abcd@example.org"


@pytest.mark.parametrize("sender", [SENDER, "events@example.org"])
def test_without_a_contact_the_sender_is(sender):
    """Whom the mail comes from stands for the organiser whose address isn't known."""
    _, event = _parsed(_entry(sender=sender))

    assert event["ORGANIZER"] == "mailto:events@example.org"


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ("ada+tag@example.org", "mailto:ada+tag@example.org"),
        ("a?=b&c%d#e@example.org", "mailto:a%3F%3Db%26c%25d%23e@example.org"),
        ("o'hara!$*-_~.x@example.org", "mailto:o'hara!$*-_~.x@example.org"),
        ("{|}^`/@example.org", "mailto:%7B%7C%7D%5E%60%2F@example.org"),
    ],
)
def test_addresses_are_uris(address, uri):
    """What would mean something in a URI is written as its number."""
    assert f":{uri}" in " ".join(_lines(_entry(attendee_email=address)))


@pytest.mark.parametrize("kind", [*PUTS_IN, *TAKES_OUT])
def test_holds_nothing_that_a_stranger_typed(kind):
    """Neither the name nor the answers that somebody typed into the form are in it, nor the name that the form sent."""
    entry = _entry(kind, attendee_name="Claim your prize", event_name="Free prize", answers={"why": "a prize"})

    assert "prize" not in entry.content.decode()
    assert "SUMMARY:DevConf 2026" in _lines(entry)


def test_says_what_it_is_told_to():
    """A description is there if there is one."""
    _, event = _parsed(_entry(description="Come early;\nbring, cake."))

    assert event["DESCRIPTION"] == "Come early;\nbring, cake."
    assert "DESCRIPTION" not in _parsed(_entry())[1]


# Its form


@pytest.mark.parametrize("case", described(load("calendar.json")))
def test_cases(case):
    """The event's facts are written as in every implementation."""
    card = case["card"]
    event = make_event(
        event_name=card["eventname"],
        starts_at=datetime.fromisoformat(card["starts_at"]),
        ends_at=datetime.fromisoformat(card["ends_at"]),
        time_zone=card["time_zone"],
        venue=card["venue"],
    )

    content = _entry(event=event).content.decode()

    facts = "".join(f"{line}\r\n" for line in case["lines"])
    assert f"\r\n{facts}STATUS:" in content


def _night(name):
    starts_at, ends_at, _ = NIGHTS[name]
    return make_event(
        event_id="nacht",
        event_name="Nacht der Zeit 🌙",
        venue="Sternwarte, Kuppel 2",
        starts_at=starts_at,
        ends_at=ends_at,
    )


@pytest.mark.parametrize("name", NIGHTS)
def test_golden(name):
    """In the nights in which clocks are changed the whole file is this one."""
    entry = _entry(event=evolve(_night(name), contact="orga@example.org"), description="Bring a coat.")

    assert entry.content == (GOLDEN / f"{name}.ics").read_bytes()


@pytest.mark.parametrize("name", NIGHTS)
def test_clocks_that_change_change_no_instant(name):
    """On the clocks of the place it begins and ends when the organiser said, and lasts as long as it does."""
    starts_at, ends_at, hours = NIGHTS[name]

    _, event = _parsed(_entry(event=_night(name)))

    assert event["DTSTART"].dt.astimezone(BERLIN).isoformat() == starts_at.isoformat()
    assert event["DTEND"].dt.astimezone(BERLIN).isoformat() == ends_at.isoformat()
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(hours=hours)


SIGNS = st.characters(
    exclude_categories=["Cc", "Cs"],
    exclude_characters="\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
)
LINES = st.lists(SIGNS | st.sampled_from(["\\", ";", ",", ":", '"', "🎉", "👩\u200d🚀", "é", "\\n"]), max_size=90).map(
    lambda parts: " ".join(f"x{''.join(parts)}x".split())
)


@given(venue=LINES, description=LINES | st.just("two\nlines"))
def test_every_text_comes_back(venue, description):
    """Whatever a text holds, its lines have 75 octets at most, no half characters and CRLF, and are read back."""
    event = evolve(make_event(), venue=venue[:200])

    entry = _entry(event=event, description=description)

    *lines, last = entry.content.split(b"\r\n")
    assert last == b""
    assert max(map(len, lines)) <= 75
    assert all(line.decode() for line in lines)
    assert not re.search(rb"[\r\n]", b"".join(lines))
    _, parsed = _parsed(entry)
    assert (parsed["LOCATION"], parsed["DESCRIPTION"]) == (event.venue, description)
