"""`event-registration events`."""

import contextlib
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from attrs import evolve
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from event_registration.cli import main
from event_registration.cli.documents import FIELDS
from event_registration.cli.shown import event_card, print_events
from event_registration.listing import EventState, Listing
from event_registration.organiser import Counts
from event_registration.testing import make_event

RECORD = (*FIELDS, "state", "revision", "cancelled", "confirmed", "waitlisted", "telling")

TOLD = (
    "Everybody who is registered is told by mail from a minute after the last change on, by the server or the function."
)


def _printed(renderable):
    console = Console(width=200, file=None, record=True)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


class TestCreate:
    """Setting an event up."""

    @pytest.mark.parametrize("name", ["event.json", "event.yaml"])
    def test_a_file_becomes_an_event(self, run, tmp_path, devconf, name):
        """What a file describes is set up, and the next step is told."""
        (tmp_path / name).write_text(json.dumps(devconf))

        result = run("events", "create", tmp_path / name, "--data", tmp_path / "demo")

        assert result.exit_code == 0
        assert "DevConf 2099" in result.stdout
        assert result.stdout.splitlines()[-1] == "It is set up. Its form has ?event=devconf-2099 in the address."

    def test_with_json_nothing_else_is_printed(self, run, tmp_path, devconf):
        """A program gets one object with every field, unset ones null, and how the event stands."""
        result = run("events", "create", "-", "--data", tmp_path, "--json", stdin=json.dumps(devconf))

        event = json.loads(result.stdout)
        assert tuple(event) == RECORD
        assert {name for name, value in event.items() if value is None} == {
            *("venue", "capacity", "opens_at", "closes_at", "questions", "contact")
        }
        assert result.stderr == ""

    def test_an_id_is_given_once(self, run, data, devconf):
        """A second event of an id is refused with status 1."""
        result = run("events", "create", "-", "--data", data, stdin=json.dumps(devconf))

        assert (result.exit_code, result.stderr) == (1, "Error: There is an event of this id already.\n")

    def test_a_zone_must_be_there_and_an_end_to_come(self, run, tmp_path, devconf):
        """What only now is wrong is told like any other field."""
        document = devconf | {
            "time_zone": "Europe/Bonn",
            "starts_at": "2020-05-01T09:00:00Z",
            "ends_at": "2020-05-02T09:00:00Z",
        }

        result = run("events", "create", "-", "--data", tmp_path, stdin=json.dumps(document))

        assert result.exit_code == 1
        assert [line.split(":")[0] for line in result.stderr.splitlines()[1:]] == ["  time_zone", "  ends_at"]

    @pytest.mark.parametrize("encoding", ["latin1", "ascii", "utf-8"])
    def test_any_name_is_printed_anywhere(self, tmp_path, devconf, encoding):
        """Letters that the output's encoding lacks are written in another way: what was stored isn't called failed."""
        command = [sys.executable, "-m", "event_registration", "events"]
        folder = ["--data", str(tmp_path / "demo")]
        document = json.dumps(devconf | {"eventname": "Füße 東京 ✓"})

        answers = [
            subprocess.run(
                [*command, *arguments, *folder],
                input=document.encode(),
                capture_output=True,
                check=False,
                env=os.environ | {"PYTHONIOENCODING": encoding},
            )
            for arguments in (["create", "-"], ["show", "devconf-2099"], ["list"], ["create", "-"])
        ]

        assert [answer.returncode for answer in answers] == [0, 0, 0, 1]
        assert [b"devconf-2099" in answer.stdout for answer in answers[:3]] == [True] * 3
        assert answers[3].stderr == b"Error: There is an event of this id already.\n"

    def test_what_is_no_file_is_printed_to(self, data):
        """A program that runs the command inside itself may collect what is printed wherever it likes."""
        with contextlib.redirect_stdout(io.StringIO()) as collected:
            main(["events", "list", "--data", str(data)], standalone_mode=False)

        assert "devconf-2099" in collected.getvalue()


class TestUpdate:
    """Changing an event."""

    def _changed(self, run, data, *arguments, stdin=None):
        result = run("events", "update", "devconf-2099", "--data", data, "--json", *arguments, stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def test_only_what_is_given_changes(self, run, data):
        """Flags change their fields, and the event is printed as it is now."""
        before = json.loads(run("events", "show", "devconf-2099", "--data", data, "--json").stdout)

        after = self._changed(run, data, "--venue", "Hall 1", "--starts-at", "2099-05-01 10:00")

        changed = {name for name in before if after[name] != before[name]}
        assert changed == {"venue", "starts_at", "revision", "telling"}
        assert (after["venue"], after["starts_at"]) == ("Hall 1", "2099-05-01T08:00:00Z")

    def test_a_file_changes_what_it_names(self, run, data):
        """Null empties a field, and what isn't named stays."""
        self._changed(run, data, "--venue", "Hall 1", "--contact", "events@example.org")

        after = self._changed(run, data, "-", stdin="venue: null\neventname: DevConf")

        assert (after["venue"], after["eventname"]) == (None, "DevConf")
        assert after["contact"] == "events@example.org"

    @pytest.mark.parametrize("field", ["opens_at", "closes_at", "venue", "contact", "questions", "capacity"])
    def test_none_empties_a_field(self, run, data, tmp_path, field):
        """The word none in a flag leaves the field empty."""
        (tmp_path / "q.json").write_text('{"type": "object", "properties": {"diet": {"type": "string"}}}')
        flag = f"--{field.replace('_', '-')}"
        values = {"contact": "events@example.org", "questions": tmp_path / "q.json", "capacity": 5, "venue": "Hall 1"}
        self._changed(run, data, "--no-waitlist", flag, values.get(field, "2099-04-01 09:00"))

        after = self._changed(run, data, flag, "none")

        assert after[field] is None

    def test_more_seats_serve_the_queue(self, run, data, admit):
        """Who waits has a seat when the command is done."""
        admit("Ada", "Bob", "Cyd")

        after = self._changed(run, data, "--capacity", "2")

        assert (after["confirmed"], after["waitlisted"]) == (2, 1)

    def test_people_are_told_what_comes_next(self, run, data):
        """Without --json the event is shown, and how long the change takes."""
        result = run("events", "update", "devconf-2099", "--data", data, "--venue", "Hall [b]1[/b]")

        assert "Hall [b]1[/b]" in result.stdout
        assert (
            result.stdout.splitlines()[-1] == f"It is changed. A running form takes the change within seconds. {TOLD}"
        )

    def test_what_is_no_news_is_told_to_nobody(self, run, data):
        """Nothing is said of mail where none comes."""
        result = run("events", "update", "devconf-2099", "--data", data, "--contact", "events@example.org")

        assert result.stdout.splitlines()[-1] == "It is changed. A running form takes the change within seconds."

    def test_people_need_not_be_told(self, run, data, repository):
        """With --no-mail nobody owes anything, and that is said."""
        result = run("events", "update", "devconf-2099", "--data", data, "--venue", "Hall 1", "--no-mail")

        assert result.stdout.splitlines()[-1].endswith("within seconds. Nobody is told by mail.")
        assert repository.find_event("devconf-2099").telling is None

    def test_an_earlier_mail_is_still_to_come(self, run, data):
        """Whoever wants no mail is told that one comes all the same, about the change before."""
        run("events", "update", "devconf-2099", "--data", data, "--venue", "Hall 1")

        result = run("events", "update", "devconf-2099", "--data", data, "--venue", "Hall 2", "--no-mail")

        assert result.stdout.splitlines()[-1].endswith("The mail about an earlier change is still to come.")

    def test_a_cancelled_event_stays_so(self, run, data):
        """Who changes what was called off isn't told that people may come."""
        run("events", "cancel", "devconf-2099", "--data", data, "--yes")

        result = run("events", "update", "devconf-2099", "--data", data, "--venue", "Hall 1")

        assert result.stdout.splitlines()[-1] == (
            "It is changed. It stays called off. The mail about an earlier change is still to come."
        )

    def test_nothing_to_change_is_wrong_usage(self, run, data):
        """A command that would change nothing was meant otherwise."""
        result = run("events", "update", "devconf-2099", "--data", data)

        assert result.exit_code == 2
        assert "Say what changes" in result.stderr

    @pytest.mark.parametrize("event_id", ["devconf-2099", " devconf-2099\n"])
    def test_a_file_may_name_its_event(self, run, data, event_id):
        """The id in the file may be the event's own."""
        assert self._changed(run, data, "-", stdin=json.dumps({"eventid": event_id, "venue": "Hall 1"}))

    def test_an_event_keeps_its_id(self, run, data):
        """A file about another event is refused."""
        result = run("events", "update", "devconf-2099", "--data", data, "-", stdin='{"eventid": "devconf-2100"}')

        assert result.exit_code == 1
        assert "An event keeps its id: this is about devconf-2100, not devconf-2099." in result.stderr

    def test_all_that_is_wrong_is_told(self, run, data):
        """A change must leave an event that obeys its rules."""
        result = run("events", "update", "devconf-2099", "--data", data, "--capacity", "none", "--contact", "events")

        assert result.exit_code == 1
        assert result.stderr.splitlines()[1:] == ["  contact: Enter one address in the form name@example.org."]

    def test_an_unknown_event_is_told_with_where_to_look(self, run, data):
        """A mistyped id ends with the command that lists those there are."""
        result = run("events", "update", "devconf-2098", "--data", data, "--venue", "Hall 1")

        assert result.exit_code == 1
        assert result.stderr == (
            f"Error: There is no such event. Look at: event-registration events list --data {data}\n"
        )

    def test_what_can_be_no_id_is_wrong_usage(self, run, data):
        """An id that no event can have isn't looked for."""
        result = run("events", "show", "#mail", "--data", data)

        assert result.exit_code == 2
        assert "An event id may hold only" in result.stderr


class TestShow:
    """Looking at one event."""

    def test_people_see_a_card(self, run, data, admit):
        """Times are the event zone's, and seats are counted."""
        admit("Ada", "Bob")

        lines = run("events", "show", "devconf-2099", "--data", data).stdout.splitlines()

        assert lines[0] == "DevConf 2099"
        assert [line.split(maxsplit=1) for line in map(str.rstrip, lines[1:])] == [
            ["event", "devconf-2099"],
            ["state", "waitlist"],
            ["coming", "1 of 1"],
            ["waiting", "1"],
            ["starts", "2099-05-01 09:00 CEST"],
            ["ends", "2099-05-01 17:00 CEST"],
            ["opens", "at once"],
            ["closes", "when it starts"],
            ["time", "zone  Europe/Berlin"],
        ]

    def test_everything_that_is_set_is_shown(self):
        """A card has all there is to know, and texts stand as they are, whatever brackets they hold."""
        questions = {"properties": {"diet": {"type": "string", "title": "What [you] eat"}, "bus": {"type": "boolean"}}}
        event = make_event(event_name="[red]Dev[/red] :smile:", venue="Hall [1]", questions=questions)
        listing = Listing(event=event, is_cancelled=True)

        shown = _printed(event_card(listing, EventState.CANCELLED, Counts(confirmed=1200)))

        assert "[red]Dev[/red] :smile:" in shown
        assert "Hall [1]" in shown
        assert "1,200 without limit" in shown
        assert "no waiting list" in shown
        assert "What [you] eat; bus" in shown

    @pytest.mark.parametrize(
        ("instant", "shown"),
        [
            ("2026-10-25T00:30:00+00:00", "2026-10-25 02:30 CEST"),
            ("2026-10-25T01:30:00+00:00", "2026-10-25 02:30 CET"),
            ("2026-10-25T01:30:59+00:00", "2026-10-25 02:30:59 CET"),
        ],
    )
    def test_a_time_is_told_to_the_second_and_without_doubt(self, instant, shown):
        """Of an hour that clocks show twice it is said which it is, and seconds stand there if there are any."""
        event = make_event(
            starts_at=datetime.fromisoformat(instant),
            ends_at=datetime(2026, 10, 26, tzinfo=UTC),
            time_zone="Europe/Berlin",
        )

        card = _printed(event_card(Listing(event=event), EventState.OPEN, Counts()))

        assert f"{shown}\n" in "\n".join(map(str.rstrip, card.splitlines()))

    def test_a_zone_that_is_unknown_here_is_utc(self):
        """An event whose zone another machine knew is shown in a time that everybody knows."""
        listing = Listing(event=make_event(time_zone="Europe/Atlantis"))

        shown = _printed(event_card(listing, EventState.OPEN, Counts()))

        assert "2026-06-01 09:00" in shown
        assert "UTC" in shown

    def test_news_under_way_are_seen(self, run, data):
        """As long as not everybody has been told of a change, the card says so, and the record does."""
        run("events", "update", "devconf-2099", "--data", data, "--venue", "Hall 1")

        card = run("events", "show", "devconf-2099", "--data", data).stdout
        record = json.loads(run("events", "show", "devconf-2099", "--data", data, "--json").stdout)

        assert "news       not everybody who is registered has been told of the last change yet" in card
        assert record["telling"] is True

    def test_an_unknown_event_is_told(self, run, data):
        """There is nothing to show of an event that nobody set up."""
        result = run("events", "show", "devconf-2098", "--data", data, "--json")

        assert (result.exit_code, result.stdout) == (1, "")


class TestList:
    """Looking at all events."""

    def test_people_see_a_line_an_event(self, run, data, devconf, admit):
        """The earliest comes first, with its state and how many come."""
        admit("Ada", "Bob")
        earlier = devconf | {"eventid": "meetup", "eventname": "Meetup [1]", "starts_at": "2099-01-01T09:00:00Z"}
        run("events", "create", "-", "--data", data, stdin=json.dumps(earlier))

        lines = run("events", "list", "--data", data).stdout.splitlines()

        assert [line.rstrip() for line in lines] == [
            "event         name          starts                 state     coming  waiting",
            "meetup        Meetup [1]    2099-01-01 10:00 CET   open      0       0",
            "devconf-2099  DevConf 2099  2099-05-01 09:00 CEST  waitlist  1 of 1  1",
        ]

    def test_programs_get_one_array(self, run, data, devconf):
        """Each of its objects is as `show` prints it."""
        run("events", "create", "-", "--data", data, stdin=json.dumps(devconf | {"eventid": "second"}))

        listed = json.loads(run("events", "list", "--data", data, "--json").stdout)

        shown = [json.loads(run("events", "show", e["eventid"], "--data", data, "--json").stdout) for e in listed]
        assert [event["eventid"] for event in listed] == ["devconf-2099", "second"]
        assert listed == shown

    def test_no_event_is_said(self, run, tmp_path, devconf):
        """A folder without events is an empty list, for people in words."""
        run("events", "create", "-", "--data", tmp_path, stdin=json.dumps(devconf | {"time_zone": "Europe/Bonn"}))

        assert run("events", "list", "--data", tmp_path).stdout == "There are no events.\n"
        assert json.loads(run("events", "list", "--data", tmp_path, "--json").stdout) == []

    @given(st.text(st.characters(exclude_categories=["C", "Z", "M"]), min_size=1, max_size=5))
    def test_names_are_never_markup(self, name):
        """Whatever a name holds, it is printed as it is, on one line."""
        event_name = f"[{name}][/]:x:".ljust(90, "x")
        listing = Listing(event=make_event(event_name=event_name, capacity=1000))

        with CliRunner().isolation() as (output, *_):
            print_events([(listing, EventState.FULL, Counts(1000, 2000))])

        (_, line) = output.getvalue().decode().splitlines()
        assert listing.event.event_name in line
        assert "full   1,000 of 1,000  2,000" in line


class TestCancel:
    """Calling an event off."""

    def test_it_is_asked_before(self, run, data):
        """Without a yes nothing happens, and the command ends with status 1."""
        result = run("events", "cancel", "devconf-2099", "--data", data, stdin="n\n")

        assert result.exit_code == 1
        assert "Call DevConf 2099 (devconf-2099) off, for good?" in result.stderr
        assert json.loads(run("events", "show", "devconf-2099", "--data", data, "--json").stdout)["cancelled"] is False

    def test_it_is_called_off_and_everybody_told(self, run, data):
        """With a yes the event is cancelled, and it is said who tells people, and when."""
        result = run("events", "cancel", "devconf-2099", "--data", data, stdin="y\n")

        assert result.exit_code == 0
        assert "cancelled" in result.stdout
        assert result.stdout.splitlines()[-1] == (f"It is called off. Registration stops within five seconds. {TOLD}")

    def test_after_its_end_nobody_is_told(self, run, data, repository):
        """An event that is over is called off in silence."""
        listing = repository.find_event("devconf-2099")
        then = {"starts_at": datetime(2020, 1, 1, tzinfo=UTC), "ends_at": datetime(2020, 1, 2, tzinfo=UTC)}
        repository.change_event(listing, evolve(listing, event=evolve(listing.event, **then)), then["ends_at"])

        result = run("events", "cancel", "devconf-2099", "--data", data, "--yes")

        assert result.stdout.splitlines()[-1] == "It is called off. Registration stops within five seconds."

    def test_programs_are_not_asked(self, run, data):
        """With --yes the event is cancelled at once, and printed as it is now; once more is no error."""
        for _ in range(2):
            result = run("events", "cancel", "devconf-2099", "--data", data, "--yes", "--json")

            event = json.loads(result.stdout)
            assert (event["state"], event["cancelled"], event["revision"]) == ("cancelled", True, 2)

    def test_an_event_that_was_called_off_is_not_asked_for(self, run, data):
        """What is done already needs no yes."""
        run("events", "cancel", "devconf-2099", "--data", data, "--yes")

        result = run("events", "cancel", "devconf-2099", "--data", data, stdin="")

        assert result.exit_code == 0
