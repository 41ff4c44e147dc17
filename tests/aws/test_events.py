"""Events in the table: what each call costs, and what is kept under which key."""

import books
import pytest
from attrs import evolve

from event_registration.aws import DynamoDBEventRepository
from event_registration.aws.seats import Seats
from event_registration.aws.table import Table
from event_registration.errors import EventFullError
from event_registration.mail import MailKind
from event_registration.model import Status
from event_registration.rules import attendee_digest
from event_registration.testing import make_event, make_registration
from event_registration.testing.guests import NOW, admit, cancel, found, guest, names, resize, set_up

ID = "devconf-2026"
READS = {"GetItem", "Query"}


# What a call costs


def test_an_unlimited_registration_is_one_put(clean, events, calls):
    """Registering, and repeating it, for an event without limit is one conditional put."""
    listing = set_up(clean)

    for _ in range(2):
        admit(events, listing, "ada")

    assert calls == ["PutItem"] * 2


def test_a_limited_registration_is_one_transaction(watched, clean, events, calls):
    """Registering for a limited event with unsold seats is one transaction of two puts."""
    listing = set_up(clean, capacity=9)
    sizes = []
    watched.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems",
        lambda params, **_: sizes.append([next(iter(item)) for item in params["TransactItems"]]),
    )

    admit(events, listing, "ada")

    assert calls == ["TransactWriteItems"]
    assert sizes == [["Put", "Put"]]


def test_tries_no_seat_that_it_has_sold(clean, events, calls):
    """Who sells all seats of an event alone needs one transaction for each."""
    listing = set_up(clean, capacity=12)

    admit(events, listing, *(f"p{number}" for number in range(12)))

    assert calls == ["TransactWriteItems"] * 12


@pytest.mark.parametrize("who", ["cleo", "ada"], ids=["a newcomer", "a repeat"])
def test_a_full_event_costs_reads(clean, events, calls, who):
    """When all seats are known to be sold and nobody can wait, whoever asks is answered without any write."""
    listing = set_up(clean, capacity=2)
    (ada, _) = admit(events, listing, "ada", "bob")
    for name in ("x", "y", "z"):
        with pytest.raises(EventFullError):
            admit(events, listing, name)
    calls.clear()

    if who == "ada":
        assert admit(events, listing, "ada") == [ada]
    else:
        with pytest.raises(EventFullError):
            admit(events, listing, who)

    assert set(calls) <= READS
    assert len(calls) <= 3


def test_a_repeat_of_who_waits_costs_reads(clean, events, calls):
    """Whoever waits and asks again takes no further place in the queue."""
    listing = set_up(clean, capacity=1, waitlist=True)
    *_, bob = admit(events, listing, "ada", "bob")
    calls.clear()

    again = admit(events, listing, "bob", "bob")

    assert again == [bob, bob]
    assert set(calls) <= READS
    assert admit(events, listing, "cleo")[0].place == bob.place + 1


def test_finds_out_soon_that_all_is_sold(clean, events, calls):
    """Who knows nothing of a sold-out event tries two seats, then looks at all once, and from then on knows."""
    listing = set_up(clean, capacity=40)
    admit(clean, listing, *(f"p{number}" for number in range(40)))

    for name in ("x", "y"):
        with pytest.raises(EventFullError):
            admit(events, listing, name)

    assert calls[:3] == ["TransactWriteItems", "TransactWriteItems", "Query"]
    assert set(calls[3:]) <= READS


def test_foretells_by_reads(clean, events, calls):
    """What a newcomer would come to be is told without a write, sold out or not."""
    listing = set_up(clean, capacity=2)
    for name in ("ada", "bob"):
        events.prospect(listing)
        admit(clean, listing, name)
    prospect = events.prospect(listing)

    assert prospect is None
    assert set(calls) <= READS


def test_a_change_without_a_size_is_one_transaction(clean, events, calls):
    """A change of anything but the capacity writes the event and its copy at once, and looks at no seat."""
    old = set_up(clean, capacity=9)

    events.change_event(old, evolve(old, event=evolve(old.event, event_name="New")), NOW)

    assert calls == ["TransactWriteItems"]


def test_lists_events_over_pages(watched, clean, events, calls):
    """Events that don't fit one page of a query are listed whole, ordered by their ids."""
    ids = [f"event-{number:02}" for number in range(7)] + ["~last", "A", "9"]
    for event_id in ids:
        clean.create_event(make_event(event_id=event_id, venue=f"Hall {event_id}"))

    def page(params, **_):
        params["Limit"] = 3

    watched.meta.events.register("provide-client-params.dynamodb.Query", page)

    listed = list(events.list_events())

    assert [each.event.event_id for each in listed] == sorted(ids)
    assert {each.event.venue for each in listed} == {f"Hall {event_id}" for event_id in ids}
    assert calls == ["Query"] * 4


# What is kept


@pytest.fixture
def life(clean):
    """Let people come, wait, move up, move down and leave, so that there is a row of each kind."""
    listing = set_up(clean, capacity=4, waitlist=True)
    admit(clean, listing, "ada", "bob", "cleo", "dan", "eve", "fay")
    cancel(clean, "ada")
    clean.settle(ID, NOW)  # Eve moves up
    resize(clean, 2)
    by_seat = {found(clean, name).seat: name for name in names(clean, Status.CONFIRMED)}
    cancel(clean, by_seat[4])
    cancel(clean, by_seat[1])  # nobody has settled since, so that it is free while somebody sits above


@pytest.mark.usefixtures("life")
def test_keeps_each_fact_under_its_key(engine_client, table):
    """Stored data is a promise: each kind of row has its key and its attributes."""
    event = {"eventid", "eventname", "starts_at", "ends_at", "time_zone", "capacity", "waitlist"}
    registration = {"eventid", "eventname", "cname", "cemail", "status", "registrationid", "revision"}
    registration |= {"mail", "mail_kind", "attempts"}
    kinds = {
        "EVENT": event | {"revision", "cancelled", "changed_at"},
        "REGISTRATION#": registration,
        "SEAT#": {"eventid", "state"},
        "FREE#": {"eventid"},
        "OVER#": {"eventid", "held_by"},
        "WAITLIST": {"eventid", "places"},
        "WAITLIST#": {"eventid", "held_by", "registrationid"},
    }

    rows = list(Table(engine_client, table).query(ID, "A", "\x7f"))

    seen = {}
    for row in rows:
        kind, sign, _ = row.pop("sk").partition("#")
        seen.setdefault(kind + sign, []).append(row.keys())
    assert seen.keys() == kinds.keys()
    assert {kind: set.intersection(*map(set, keys)) for kind, keys in seen.items()} == kinds
    kept = books.read(engine_client, table)
    assert {seat["state"] for seat in kept.seats.values()} == {"held", "free", "retired"}
    assert all(("held_by" in seat) == (seat["state"] == "held") for seat in kept.seats.values())
    assert books.mistakes(kept, settled=False) == []


def test_keys_are_of_one_width(engine_client, table, clean):
    """Numbers in keys have leading zeros, so that they are in order as text."""
    listing = set_up(clean, capacity=1, waitlist=True)
    admit(clean, listing, "ada", "bob")

    keys = {row["sk"] for row in Table(engine_client, table).query(ID, "A", "\x7f")}

    assert {"EVENT", "SEAT#000001", "WAITLIST", "WAITLIST#000000000001"} <= keys
    assert f"REGISTRATION#{attendee_digest('ada@example.org')}" in keys


@pytest.mark.usefixtures("life")
def test_keeps_addresses_out_of_keys(engine_client, table):
    """No address or name is part of a key, which logs and metrics may show."""
    keys = " ".join(
        item[name]["S"] for item in engine_client.scan(TableName=table)["Items"] for name in ("eventid", "sk")
    )

    assert "REGISTRATION#" in keys
    assert not [text for text in ("@", "ada", "bob", "example.org", "DevConf") if text in keys]


def test_may_know_people_by_another_identity(watched, table, clean):
    """A team's own identity holds for seats and queues as for registrations."""
    repository = DynamoDBEventRepository(watched, table, identity=lambda email: email.replace("+tag", ""))
    listing = set_up(clean, capacity=1, waitlist=True)
    (ada, bob) = admit(repository, listing, "ada", "bob")

    again = repository.admit(make_registration(attendee_email="ada+tag@example.org"), listing)
    assert again == ada
    assert repository.cancel(ada, NOW)

    assert repository.settle(ID, NOW) == 1
    promoted = found(repository, "bob")
    assert (promoted.registration_id, promoted.mail.kind) == (bob.registration_id, MailKind.PROMOTED)


def test_remembers_the_seats_of_a_thousand_events(watched, table):
    """What is known of seats is kept for a thousand events, and of those that were not used for longest forgotten."""
    seats = Seats(Table(watched, table))
    for event_id in ("first", "second"):
        seats.missed(event_id, 1, 1, None)
    for number in range(998):
        seats.guess(f"event-{number}", 1)
    seats.guess("first", 1)

    seats.guess("one more", 1)

    assert [seats.guess(event_id, 1) for event_id in ("first", "second")] == [None, 1]


# Engines that tell less


class _Terse:
    """A client of an engine that doesn't return what a failed condition has met."""

    def __init__(self, client):
        self._client = client
        self.forgets = 0

    def put_item(self, *, ReturnValuesOnConditionCheckFailure, **arguments):  # noqa: N803, ARG002 - boto3's names
        return self._client.put_item(**arguments)

    def transact_write_items(self, *, TransactItems, **arguments):  # noqa: N803 - boto3's names
        for item in TransactItems:
            for action in item.values():
                action.pop("ReturnValuesOnConditionCheckFailure", None)
        return self._client.transact_write_items(TransactItems=TransactItems, **arguments)

    def get_item(self, **arguments):
        if self.forgets > 0:
            self.forgets -= 1
            return {}
        return self._client.get_item(**arguments)

    def __getattr__(self, name):
        return getattr(self._client, name)


@pytest.mark.parametrize("capacity", [None, 3])
@pytest.mark.parametrize("forgets", [0, 1], ids=["is there", "is there the next time"])
def test_reads_the_earlier_registration_where_it_is_not_returned(engine_client, table, capacity, forgets):
    """On an engine that returns no old item, who is registered is read; one who is gone again is tried anew."""
    terse = _Terse(engine_client)
    repository = DynamoDBEventRepository(terse, table, sleep=lambda _: None)
    listing = set_up(repository, capacity=capacity)
    (first,) = admit(repository, listing, "ada")
    terse.forgets = forgets

    again = repository.admit(evolve(guest("ada"), attendee_name="Eve"), listing)

    assert again == first
    assert len(names(repository, Status.CONFIRMED)) == 1
