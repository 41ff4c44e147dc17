"""`event-registration registrations`."""

import json
from datetime import UTC, datetime

import pytest
from attrs import evolve
from click.testing import CliRunner

from event_registration.cli.shown import print_array
from event_registration.export import REGISTRATION_FIELDS
from event_registration.local import SQLiteRepository
from event_registration.testing import make_registration

PEOPLE = ("Ada Lovelace", "Bob [b]Brown[/b]", "Cyd Charisse")


def _objects(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


class TestList:
    """Who is registered."""

    def test_programs_get_everybody_in_one_array(self, run, data, admit):
        """Every status is there, in the order people came, with the wire's names, and null for what is unset."""
        admit(*PEOPLE)
        run("registrations", "cancel", "devconf-2099", "bob@example.org", "--yes", "--data", data)

        people = _objects(run("registrations", "list", "devconf-2099", "--data", data, "--json"))

        assert [(each["cname"], each["status"]) for each in people] == [
            ("Ada Lovelace", "confirmed"),
            ("Bob [b]Brown[/b]", "cancelled"),
            ("Cyd Charisse", "waitlisted"),
        ]
        assert [tuple(each) for each in people] == [REGISTRATION_FIELDS] * 3
        del people[0]["registrationid"]
        assert people[0] == {
            "eventid": "devconf-2099",
            "eventname": "DevConf 2099",
            "cname": "Ada Lovelace",
            "cemail": "ada@example.org",
            "status": "confirmed",
            "registered_at": "2026-03-01T12:01:00.000000Z",
            "seat": 1,
            "place": None,
            "locale": None,
            "revision": 1,
            "mail": "due",
            "mail_kind": "confirmed",
            "mail_reason": None,
            "attempts": 0,
            "attempted_at": None,
            "answers": {},
        }

    @pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
    def test_an_array_is_whole_however_long(self, count):
        """What is printed in parts is one array of JSON."""
        with CliRunner().isolation() as (output, *_):
            print_array({"number": number} for number in range(count))

        assert json.loads(output.getvalue()) == [{"number": number} for number in range(count)]

    def test_an_array_is_printed_as_it_is_made(self):
        """A long list needs no room for its text."""
        printed = []

        def records():
            for number in range(2500):
                printed.append(len(output.getvalue()))
                yield {"number": number}

        with CliRunner().isolation() as (output, *_):
            print_array(records())

        assert printed[0] == 0
        assert 0 < printed[1500] < printed[2499]

    def test_people_see_a_line_a_person(self, run, data, admit):
        """Times are the event zone's, and texts stand as they are, whatever brackets they hold."""
        admit(*PEOPLE)

        lines = run("registrations", "list", "devconf-2099", "--data", data, COLUMNS="100").stdout.splitlines()

        assert [line.rstrip() for line in lines] == [
            "name              address          status      seat  queue number  registered            mail",
            "Ada Lovelace      ada@example.org  confirmed   1                   2026-03-01 13:01 CET  due",
            "Bob [b]Brown[/b]  bob@example.org  waitlisted        1             2026-03-01 13:02 CET  due",
            "Cyd Charisse      cyd@example.org  waitlisted        2             2026-03-01 13:03 CET  due",
            "1 confirmed, 2 waitlisted, 0 cancelled (times of Europe/Berlin)",
        ]

    def test_who_has_a_seat_waits_no_more(self, run, data, admit):
        """Who was promoted keeps a place for programs, and shows no number of a queue to people."""
        admit("Ada Lovelace", "Bob")
        run("registrations", "cancel", "devconf-2099", "ada@example.org", "--yes", "--data", data)

        listed = run("registrations", "list", "devconf-2099", "--data", data).stdout.splitlines()
        card = run("registrations", "show", "devconf-2099", "bob@example.org", "--data", data).stdout
        record = _objects(run("registrations", "show", "devconf-2099", "bob@example.org", "--data", data, "--json"))

        assert listed[2].split() == ["Bob", "bob@example.org", "confirmed", "1", "2026-03-01", "13:02", "CET", "due"]
        assert "queue number" not in card
        assert record["place"] == 1

    def test_nobody_is_an_empty_list(self, run, data):
        """An event that nobody came to yet has an empty array, for people in words."""
        assert _objects(run("registrations", "list", "devconf-2099", "--data", data, "--json")) == []
        shown = run("registrations", "list", "devconf-2099", "--data", data).stdout
        assert shown == "0 confirmed, 0 waitlisted, 0 cancelled (times of Europe/Berlin)\n"

    def test_those_of_an_open_event_are_listed(self, run, tmp_path):
        """Where any event is taken there is no zone to tell times in but UTC."""
        repository = SQLiteRepository(tmp_path / "registrations.db")
        repository.add(make_registration(registered_at=datetime(2026, 3, 1, 12, tzinfo=UTC)))
        repository.close()

        shown = run("registrations", "list", "devconf-2026", "--data", tmp_path).stdout

        assert "(times of UTC)" in shown
        assert "2026-03-01 12:00" in shown

    def test_an_unknown_event_is_told(self, run, data):
        """A mistyped id isn't an event that nobody comes to; not a byte of JSON is printed."""
        result = run("registrations", "list", "devconf-2098", "--data", data, "--json")

        assert (result.exit_code, result.stdout) == (1, "")
        assert "There is no such event." in result.stderr


class TestShow:
    """One person's registration."""

    @pytest.mark.parametrize("address", ["ada@example.org", " ADA@Example.org"])
    def test_programs_get_one_object(self, run, data, admit, address):
        """It is found by any spelling of the address, and is as in the list."""
        admit("Ada Lovelace")

        person = _objects(run("registrations", "show", "devconf-2099", address, "--data", data, "--json"))

        assert [person] == _objects(run("registrations", "list", "devconf-2099", "--data", data, "--json"))

    def test_people_see_a_card(self, run, data, admit):
        """What is known of a person who waits."""
        admit("Ada Lovelace", "Bob [b]Brown[/b]")

        lines = run("registrations", "show", "devconf-2099", "bob@example.org", "--data", data).stdout.splitlines()

        assert lines[0].rstrip() == "Bob [b]Brown[/b]"
        assert [line.rstrip() for line in lines[1:-1]] == [
            "address       bob@example.org",
            "event         DevConf 2099 (devconf-2099)",
            "status        waitlisted",
            "registered    2026-03-01 13:02 CET (Europe/Berlin)",
            "queue number  1",
            "mail          waitlisted: due, attempts: 0",
        ]

    def test_people_see_the_answers(self, run, data, ask, admit, answer):
        """Below all else, in the form's order, by their questions' titles; last what is asked no more, by its name."""
        ask(news={"type": "boolean", "title": "News?"}, why={"type": "string", "title": "status"})
        admit("Ada Lovelace")
        answer("ada@example.org", gone=["a", "b"], why="[b]so[/b]\nor so", news=False)

        lines = run("registrations", "show", "devconf-2099", "ada@example.org", "--data", data).stdout.splitlines()

        assert [line.rstrip() for line in lines[-4:]] == [
            "News?         No",
            "status        [b]so[/b]",
            "              or so",
            "gone          a, b",
        ]
        assert lines[3].split() == ["status", "confirmed"]

    def test_programs_see_the_answers(self, run, data, admit, answer):
        """They are one object, as they are stored."""
        admit("Ada Lovelace")
        answer("ada@example.org", guests=2, topics=["Go"])

        person = _objects(run("registrations", "show", "devconf-2099", "ada@example.org", "--data", data, "--json"))

        assert person["answers"] == {"guests": 2, "topics": ["Go"]}

    def test_a_stranger_is_told(self, run, data):
        """Who isn't registered is told from an event that isn't there."""
        result = run("registrations", "show", "devconf-2099", "eve@example.org", "--data", data)

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "Error: Nobody of this address is registered for the event.\n"

    def test_what_is_no_address_is_wrong_usage(self, run, data):
        """Nobody is looked for under a name."""
        result = run("registrations", "show", "devconf-2099", "Ada", "--data", data)

        assert result.exit_code == 2
        assert "Enter one address in the form name@example.org." in result.stderr


class TestCancel:
    """Cancelling for somebody."""

    def test_it_is_asked_before(self, run, data, admit):
        """Without a yes nothing happens, and the command ends with status 1."""
        admit("Ada Lovelace")

        result = run("registrations", "cancel", "devconf-2099", "ada@example.org", "--data", data, stdin="n\n")

        assert result.exit_code == 1
        assert "Cancel the registration of Ada Lovelace (ada@example.org) for DevConf 2099?" in result.stderr
        people = _objects(run("registrations", "list", "devconf-2099", "--data", data, "--json"))
        assert [each["status"] for each in people] == ["confirmed"]

    def test_it_says_who_it_was_and_what_came_of_it(self, run, data, admit):
        """Who was cancelled, how many got a seat, and where their mails come from."""
        admit(*PEOPLE)

        result = run("registrations", "cancel", "devconf-2099", "ada@example.org", "--data", data, stdin="y\n")

        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            "Ada Lovelace (ada@example.org) is cancelled.",
            "1 person got a seat from the waiting list. The mails about it come from the server or the function.",
        ]

    def test_it_completes_what_others_left(self, run, data, admit, repository):
        """Seats that a process which died has left free are given too, and counted."""
        admit(*PEOPLE)
        repository.cancel(repository.find("devconf-2099", "ada@example.org"), datetime(2026, 3, 2, tzinfo=UTC))
        old = repository.find_event("devconf-2099")
        repository.change_event(old, evolve(old, event=evolve(old.event, capacity=2)), old.event.starts_at)

        result = run("registrations", "cancel", "devconf-2099", "ada@example.org", "--data", data)

        assert result.stdout.splitlines()[-1].startswith("2 people got a seat from the waiting list.")

    def test_without_a_queue_nobody_is_promoted(self, run, data, admit):
        """A seat that nobody waits for stays free; who was cancelled is told all the same."""
        admit("Ada Lovelace")

        result = run("registrations", "cancel", "devconf-2099", "ada@example.org", "--yes", "--data", data)

        assert result.stdout.splitlines()[-1].startswith("0 people got a seat from the waiting list. The mails about")

    def test_programs_are_not_asked(self, run, data, admit):
        """With --yes the registration is cancelled at once, and printed as it is now with the number of promotions."""
        admit(*PEOPLE)

        person = _objects(
            run("registrations", "cancel", "devconf-2099", "ada@example.org", "--yes", "--json", "--data", data)
        )

        assert tuple(person) == (*REGISTRATION_FIELDS, "promoted")
        assert (person["status"], person["seat"], person["promoted"]) == ("cancelled", None, 1)

    def test_once_more_is_no_error(self, run, data, admit):
        """Who was cancelled is not asked for again."""
        admit("Ada Lovelace")
        run("registrations", "cancel", "devconf-2099", "ada@example.org", "--yes", "--data", data)

        result = run("registrations", "cancel", "devconf-2099", "ada@example.org", "--data", data, stdin="")

        assert result.exit_code == 0
        assert result.stdout.splitlines()[0] == "Ada Lovelace (ada@example.org) was cancelled already."

    def test_a_stranger_is_told(self, run, data):
        """Nobody is cancelled who isn't registered."""
        result = run("registrations", "cancel", "devconf-2099", "eve@example.org", "--yes", "--data", data)

        assert result.exit_code == 1
        assert "Nobody of this address" in result.stderr
