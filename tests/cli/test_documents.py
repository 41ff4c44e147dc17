"""An event as its organiser writes it: fields, flags and the clocks of its zone."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from event_registration.cli.documents import event_of
from event_registration.errors import InvalidEventError
from event_registration.zones import zone_of

BERLIN = zone_of("Europe/Berlin")
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca", "UTC"]


def _problems(document):
    with pytest.raises(InvalidEventError) as refused:
        event_of(document)
    return {problem.field: (problem.code, problem.message) for problem in refused.value.problems}


class TestLocalTimes:
    """Times without an offset are the event zone's own."""

    @pytest.mark.parametrize(
        "text",
        [
            "2099-07-01 09:00",
            "2099-07-01T09:00",
            "2099-07-01t09:00:00",
            "2099-07-01 09:00+02:00",
            "2099-07-01T07:00Z",
            "2099-07-01T09:00:00+02:00",
            "2099-07-01T09:00:00.000+02:00",
        ],
    )
    def test_a_time_may_be_written_as_people_do(self, devconf, text):
        """Seconds and offset may be missing; without offset the time is Berlin's."""
        event = event_of(devconf | {"opens_at": "2099-01-01 09:00", "starts_at": text, "ends_at": "2099-07-01 20:00"})

        assert event.starts_at == datetime(2099, 7, 1, 7, tzinfo=UTC)
        assert event.opens_at == datetime(2099, 1, 1, 8, tzinfo=UTC)

    @settings(deadline=None)  # the first of a zone reads its file
    @given(
        st.sampled_from(ZONES),
        st.datetimes(datetime(2020, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - what is local has no zone
    )
    @example("America/New_York", datetime(2030, 3, 10, 2, 30))  # noqa: DTZ001
    @example("America/New_York", datetime(2030, 11, 3, 1, 30))  # noqa: DTZ001
    @example("Australia/Lord_Howe", datetime(2030, 4, 7, 1, 45))  # noqa: DTZ001 - half an hour
    @example("Australia/Lord_Howe", datetime(2030, 10, 6, 2, 15))  # noqa: DTZ001
    @example("Africa/Casablanca", datetime(2030, 1, 6, 2, 30))  # noqa: DTZ001 - Ramadan
    def test_a_local_time_is_the_instant_its_clock_shows(self, zone, time):
        """Whatever is taken is, told in the zone again, what was written; what isn't, its clocks skip or show twice."""
        time = time.replace(second=0, microsecond=0)
        readings = {
            instant
            for instant in (time.replace(tzinfo=timezone(timedelta(minutes=m))) for m in range(-14 * 60, 14 * 60, 15))
            if instant.astimezone(zone_of(zone)).replace(tzinfo=None) == time
        }
        document = {
            "eventid": "devconf-2099",
            "eventname": "DevConf 2099",
            "starts_at": "2019-01-01 09:00",
            "ends_at": f"{time:%Y-%m-%d %H:%M}",
            "time_zone": zone,
        }

        try:
            taken = {event_of(document).ends_at}
        except InvalidEventError:
            taken = set()

        assert taken == (readings if len(readings) == 1 else set())

    @pytest.mark.parametrize(
        ("text", "code", "offsets"),
        [
            ("2030-03-31 02:00", "skipped-time", "+01:00 to +02:00"),
            ("2030-03-31 02:59:59", "skipped-time", "+01:00 to +02:00"),
            ("2030-10-27 02:00", "repeated-time", "+02:00 or +01:00"),
            ("2030-10-27 02:59", "repeated-time", "+02:00 or +01:00"),
        ],
    )
    def test_a_time_that_is_none_or_two_is_refused(self, devconf, text, code, offsets):
        """Where clocks are changed a local time may not exist, or twice: both offsets are named."""
        ((field, (found, message)),) = _problems(devconf | {"opens_at": text}).items()

        assert (field, found) == ("opens_at", code)
        assert offsets in message

    @pytest.mark.parametrize("text", ["2030-03-31 01:59", "2030-03-31 03:00", "2030-10-27 01:59", "2030-10-27 03:00"])
    def test_times_around_a_change_are_taken(self, devconf, text):
        """The minute before and the one after are like any other."""
        event = event_of(devconf | {"opens_at": text})

        assert f"{event.opens_at.astimezone(BERLIN):%Y-%m-%d %H:%M}" == text

    def test_an_offset_tells_which_of_two(self, devconf):
        """A time that is there twice is taken with its offset."""
        event = event_of(devconf | {"opens_at": "2030-10-27 02:30+01:00"})

        assert event.opens_at == datetime(2030, 10, 27, 1, 30, tzinfo=UTC)

    def test_offsets_of_london_are_told_apart(self, devconf):
        """Greenwich's own offset is written like any other."""
        problems = _problems(devconf | {"time_zone": "Europe/London", "opens_at": "2030-10-27 01:30"})

        assert "+01:00 or +00:00" in problems["opens_at"][1]


class TestProblems:
    """What is refused, and how that is told."""

    def test_all_is_told_at_once_in_the_order_of_the_fields(self):
        """Local times, rules of fields and fields that there are not are in one refusal."""
        problems = _problems(
            {
                "venu": "Hall 1",
                "contact": "events",
                "opens_at": "2030-03-31 02:30",
                "eventid": "a b",
                "eventname": "DevConf",
                "starts_at": "2030-05-01",
                "time_zone": "Europe/Berlin",
            }
        )

        assert [(field, code) for field, (code, _) in problems.items()] == [
            ("eventid", "invalid-event-id"),
            ("starts_at", "invalid-instant"),
            ("ends_at", "required"),
            ("opens_at", "skipped-time"),
            ("contact", "invalid-address"),
            ("venu", "unknown-field"),
        ]

    @pytest.mark.parametrize(
        ("zone", "code"), [("Europe/Bonn", "unknown-time-zone"), ("Bonn!", "invalid-time-zone"), (None, "required")]
    )
    def test_a_local_time_needs_its_zone(self, devconf, zone, code):
        """Without a zone only a time with an offset means something."""
        problems = _problems(devconf | {"time_zone": zone, "opens_at": "2030-05-01 09:00"})

        assert {field: found for field, (found, _) in problems.items()} == {
            "time_zone": code,
            "opens_at": "unplaced-time",
        }
        assert "name the zone in time_zone, or add the offset" in problems["opens_at"][1]

    @pytest.mark.parametrize(
        "value", ["2030-02-30 09:00", "2030-05-01 24:00", "2030-05-01 9:00", "tomorrow", 5, ["2030-05-01 09:00"]]
    )
    def test_what_is_no_time_is_refused_by_its_rule(self, devconf, value):
        """Neither the calendar's nor the clock's is for anybody to guess."""
        problems = _problems(devconf | {"starts_at": value})

        assert {field: code for field, (code, _) in problems.items()} == {"starts_at": "invalid-instant"}
        assert "as in 2030-05-01 09:00 (by the clocks of the event's time zone), or" in problems["starts_at"][1]
        assert "as in 2030-05-01T09:00:00+02:00." in problems["starts_at"][1]

    @pytest.mark.parametrize("value", [5, ["Europe/Berlin"], {}])
    def test_a_zone_is_text(self, devconf, value):
        """Another type than text is refused like in any field."""
        assert _problems(devconf | {"time_zone": value})["time_zone"][0] == "not-a-string"


class TestFlags:
    """Flags beside a file."""

    def _created(self, run, data, *arguments, stdin=None):
        result = run("events", "create", "--data", data, *arguments, "--json", stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def test_flags_alone_describe_an_event(self, run, tmp_path):
        """Every field has a flag."""
        (tmp_path / "questions.yaml").write_text("type: object\nproperties: {diet: {type: string}}")

        event = self._created(
            run,
            tmp_path,
            *("--id", "devconf-2099", "--name", "DevConf 2099", "--time-zone", "Europe/Berlin"),
            *("--starts-at", "2099-05-01 09:00", "--ends-at", "2099-05-01 17:00", "--venue", "Hall 1"),
            *("--capacity", "5", "--waitlist", "--opens-at", "2099-03-01 09:00", "--closes-at", "2099-04-01 09:00"),
            *("--questions", tmp_path / "questions.yaml", "--contact", "events@example.org"),
        )

        assert event == {
            "eventid": "devconf-2099",
            "eventname": "DevConf 2099",
            "starts_at": "2099-05-01T07:00:00Z",
            "ends_at": "2099-05-01T15:00:00Z",
            "time_zone": "Europe/Berlin",
            "venue": "Hall 1",
            "capacity": 5,
            "opens_at": "2099-03-01T08:00:00Z",
            "closes_at": "2099-04-01T07:00:00Z",
            "waitlist": True,
            "questions": {"type": "object", "properties": {"diet": {"type": "string"}}},
            "contact": "events@example.org",
            "state": "not-open-yet",
            "revision": 1,
            "cancelled": False,
            "confirmed": 0,
            "waitlisted": 0,
            "telling": False,
        }

    def test_a_flag_replaces_what_the_file_says(self, run, tmp_path):
        """What is said twice is as the flag says; the word none empties a field."""
        file = "{eventid: a, eventname: A, time_zone: Europe/Berlin, venue: Hall 1, capacity: 5, waitlist: true, "
        file += "starts_at: 2099-05-01 09:00, ends_at: 2099-05-01 10:00, contact: events@example.org}"

        event = self._created(
            run,
            tmp_path,
            *(
                "-",
                "--id",
                "b",
                "--name",
                "B",
                "--venue",
                "none",
                "--capacity",
                "7",
                "--no-waitlist",
                "--contact",
                "none",
            ),
            stdin=f"\n# YAML\n{file}",
        )

        assert (event["eventid"], event["eventname"], event["venue"], event["contact"]) == ("b", "B", None, None)
        assert (event["capacity"], event["waitlist"]) == (7, False)

    def test_all_wrong_flags_are_told_at_once(self, run, tmp_path):
        """A flag's value is judged by the field's rule, and what is wrong ends the command with status 1."""
        result = run("events", "create", "--data", tmp_path / "demo", "--capacity", "many", "--id", "a b", "--waitlist")

        assert result.exit_code == 1
        assert result.stdout == ""
        assert result.stderr.splitlines() == [
            "Error: These fields can't be so:",
            "  eventid: An event id may hold only the letters A to Z, digits, and the signs . _ ~ -",
            "  eventname: This is required.",
            "  starts_at: This is required.",
            "  ends_at: This is required.",
            "  time_zone: This is required.",
            "  capacity: This must be a whole number from 1 to 999,999, or left out for no limit.",
        ]
        assert not (tmp_path / "demo").exists()

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [(["event.txt"], 2), (["missing.json"], 2), (["--questions", "missing.json"], 2), (["broken.json"], 1)],
        ids=str,
    )
    def test_a_file_that_can_not_be_read_ends_the_command(self, run, tmp_path, monkeypatch, arguments, status):
        """A wrong name is wrong usage; a file that is broken is refused."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "event.txt").touch()
        (tmp_path / "broken.json").write_text('{"eventid": "a", "eventid": "b"}')

        result = run("events", "create", *arguments, "--data", "demo")

        assert result.exit_code == status
        assert arguments[-1] in result.stderr
