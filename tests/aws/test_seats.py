"""How a function that knows nothing finds out which seats are left, and that none is."""

from collections import Counter

import pytest

from event_registration.aws.items import put
from event_registration.aws.seats import Seats
from event_registration.aws.table import Table
from event_registration.errors import RepositoryError

ID = "devconf-2026"
CAPACITY = 1_500


@pytest.fixture
def client(watched, table):
    """Return the watched client, of a table that holds the rows of all seats but the last."""
    rows = [{"eventid": ID, "sk": f"SEAT#{seat:06}", "state": "held"} for seat in range(1, CAPACITY)]
    requests = [{"PutRequest": {"Item": put(row, "")["Put"]["Item"]}} for row in rows]
    for first in range(0, len(requests), 25):
        watched.batch_write_item(RequestItems={table: requests[first : first + 25]})
    return watched


@pytest.fixture
def make_seats(client, table):
    """Return a function that returns what a new function knows; its first part of the ledger begins at the first."""
    return lambda: Seats(Table(client, table, jitter=lambda: 0.0, sleep=lambda _: None))


def _look(seats, capacity=CAPACITY, deadline=None):
    """Miss twice, so that the ledger is looked at."""
    for seat in (1, 2):
        seats.missed(ID, seat, capacity, deadline)


def _sell_the_last(client, table):
    row = {"eventid": ID, "sk": f"SEAT#{CAPACITY:06}", "state": "held"}
    client.put_item(TableName=table, Item=put(row, "")["Put"]["Item"])


def test_reads_on_until_one_is_unsold(make_seats, calls):
    """The parts are read one after the other, and the seat that is left is found."""
    seats = make_seats()
    calls.clear()

    _look(seats)

    assert seats.guess(ID, CAPACITY) == CAPACITY
    assert Counter(calls)["PutItem"] == 0


def test_writes_down_that_none_is_left(client, table, make_seats, calls):
    """Who finds nothing leaves a note, so that the next one reads a row and not the ledger."""
    _sell_the_last(client, table)
    first, second = make_seats(), make_seats()

    _look(first)
    calls.clear()
    _look(second)

    assert calls == ["GetItem"]
    assert [seats.guess(ID, CAPACITY) for seats in (first, second)] == [None, None]


def test_a_note_is_of_its_capacity(client, table, make_seats):
    """Where there are more seats than when the note was written, the ledger is read."""
    _sell_the_last(client, table)
    _look(make_seats())
    seats = make_seats()

    _look(seats, CAPACITY + 1)

    assert seats.guess(ID, CAPACITY + 1) == CAPACITY + 1


def test_a_small_event_needs_no_note(make_seats, calls):
    """A ledger that is one part is read at once, and nothing is written."""
    seats = make_seats()
    calls.clear()

    _look(seats, 700)

    assert seats.guess(ID, 700) is None
    assert calls == ["Query"]


def test_a_note_that_can_not_be_written(client, table, make_seats):
    """It is left to the next one: who asks for a seat is told all the same that there is none."""
    _sell_the_last(client, table)
    seats = make_seats()
    client.meta.events.register("before-send.dynamodb.PutItem", _refuse)

    _look(seats)

    client.meta.events.unregister("before-send.dynamodb.PutItem", _refuse)
    assert seats.guess(ID, CAPACITY) is None
    assert client.get_item(TableName=table, Key={"eventid": {"S": ID}, "sk": {"S": "SOLD_OUT"}}).get("Item") is None


def _refuse(**_):
    raise RepositoryError("no")
