"""News of an event in the table: what telling costs, how it goes on after a kill, and what happens meanwhile."""

from datetime import timedelta

import books
import pytest
from attrs import evolve

from event_registration.aws import DynamoDBEventRepository
from event_registration.aws.items import encode
from event_registration.aws.rows import registration_row
from event_registration.mail import Mail, MailKind, MailState
from event_registration.rules import attendee_digest
from event_registration.testing import KilledError
from event_registration.testing.guests import NOW, admit, cancel, current, found, guest, mailed, set_up
from event_registration.testing.telling_contracts import change_with_news

ID = "devconf-2026"
SOON = NOW + timedelta(minutes=1)


def _digest(name):
    return attendee_digest(f"{name}@example.org")


# The order in which they are told.
BY_DIGEST = sorted((f"p{number}" for number in range(230)), key=_digest)


def _set_up_many(repository, client, table, count):
    """Register so many people, a batch at a time, and move the event."""
    set_up(repository)
    people = [
        registration_row(evolve(guest(name), mail=Mail(state=MailState.SENT)), _digest(name))
        for name in BY_DIGEST[:count]
    ]
    for first in range(0, count, 25):
        puts = [{"PutRequest": {"Item": encode(row)}} for row in people[first : first + 25]]
        client.batch_write_item(RequestItems={table: puts})
    return change_with_news(repository)


def _told(repository):
    return {each.attendee_name for each in repository.list(ID) if each.mail.kind is MailKind.MOVED}


def test_costs_a_read_and_a_write_a_person(clean, events, calls):
    """Who must be told costs one read and one put; who knows, or has left, nothing but the query."""
    admit(clean, set_up(clean), "ada", "bob", "cleo")
    cancel(clean, "ada")
    listing = change_with_news(clean)
    clean.admit(evolve(guest("dan"), told_of=listing.news), listing)

    assert events.tell(ID, SOON) == 2

    assert sorted(calls) == ["GetItem"] * 3 + ["PutItem"] * 2 + ["Query", "TransactWriteItems"]  # the event, too
    calls.clear()
    assert events.tell(ID, SOON) == 0
    assert calls == ["GetItem"]


def test_goes_on_where_it_was_killed(engine_client, table, clean, events, disturbed, calls):
    """Killed among hundreds, telling goes on at the last hundred; everybody owes the news once."""
    _set_up_many(clean, engine_client, table, 230)
    disturbed.spare(2 + 2 * 150)
    disturbed.kill(carried_out=False)
    with pytest.raises(KilledError):
        events.tell(ID, SOON)
    told_before = len(_told(clean))
    assert 140 < told_before < 151
    assert current(clean).telling == _digest(BY_DIGEST[99])
    calls.clear()

    told = events.tell(ID, SOON)

    assert told == 230 - told_before
    assert calls.count("GetItem") == 1 + told
    assert {each.mail.number for each in clean.list(ID)} == {2}
    assert current(clean).telling is None
    assert books.mistakes(books.read(engine_client, table), settled=True) == []


def test_goes_on_where_time_was_over(engine_client, table, clean, watched):
    """What there is no time for is left to the next call, which begins there; who is told counts."""
    _set_up_many(clean, engine_client, table, 30)
    time = [0.0]
    repository = DynamoDBEventRepository(watched, table, monotonic=lambda: time[0])

    def take_a_second(**_):
        time[0] += 1.0

    watched.meta.events.register("before-call.dynamodb.PutItem", take_a_second)

    told = [repository.tell(ID, SOON, deadline=time[0] + 9.5) for _ in range(4)]

    assert told == [10, 10, 10, 0]
    assert {each.mail.number for each in clean.list(ID)} == {2}
    assert current(clean).telling is None


def test_notes_how_far_it_came_before_time_was_over(engine_client, table, clean, watched):
    """The event says whose turn is next; its copy in the catalogue only that there is somebody."""
    _set_up_many(clean, engine_client, table, 5)
    time = [0.0]
    repository = DynamoDBEventRepository(watched, table, monotonic=lambda: time[0])
    watched.meta.events.register("before-call.dynamodb.PutItem", lambda **_: time.__setitem__(0, time[0] + 1.0))

    assert repository.tell(ID, SOON, deadline=1.5) == 2

    assert current(clean).telling == _digest(BY_DIGEST[2])
    assert [each.telling for each in clean.list_events()] == [""]
    assert _told(clean) == set(BY_DIGEST[:2])


def test_stops_when_the_event_is_changed(engine_client, table, clean, events, disturbed):
    """Who tells and finds the event changed leaves the rest to who tells of that, and nobody is told twice of one."""
    _set_up_many(clean, engine_client, table, 110)
    disturbed.spare(2 + 2 * 100)  # up to the first note
    disturbed.meanwhile(lambda: change_with_news(clean, SOON, is_cancelled=True))

    told = events.tell(ID, SOON)

    assert told == 100
    assert current(clean).telling == ""
    assert clean.tell(ID, SOON + timedelta(minutes=1)) == 110
    kinds = {(each.mail.kind, each.mail.number) for each in clean.list(ID)}
    assert kinds == {(MailKind.CALLED_OFF, 2), (MailKind.CALLED_OFF, 3)}


def test_a_change_at_the_end_leaves_its_own_news(clean, events, disturbed):
    """Who has told everybody and finds the event changed doesn't say that all were told."""
    admit(clean, set_up(clean), "ada")
    change_with_news(clean)
    disturbed.spare(4)  # the event, the people, one of them again, and the put
    disturbed.meanwhile(lambda: change_with_news(clean, SOON, is_cancelled=True))

    assert events.tell(ID, SOON) == 1

    assert current(clean).telling == ""


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (lambda clean, _: cancel(clean, "ada"), (0, MailKind.CANCELLED, 2)),
        (lambda clean, _: clean.tell(ID, SOON), (0, MailKind.MOVED, 2)),
        (lambda clean, ada: clean.replace(ada, evolve(ada, mail=evolve(ada.mail, attempts=1))), (1, MailKind.MOVED, 2)),
    ],
    ids=["who left", "who was told", "whose mail was tried"],
)
@pytest.mark.parametrize("spared", [2, 3], ids=["before it is read", "before it is written"])
def test_looks_again_at_whoever_changes(clean, events, disturbed, meanwhile, expected, spared):
    """What a person does between being listed and being told is looked at: nobody's state is overwritten."""
    admit(clean, set_up(clean), "ada")
    mailed(clean, "ada")
    ada = found(clean, "ada")
    change_with_news(clean)
    disturbed.spare(spared)
    disturbed.meanwhile(lambda: meanwhile(clean, ada))

    told = events.tell(ID, SOON)

    stored = found(clean, "ada")
    assert (told, stored.mail.kind, stored.mail.number) == expected


@pytest.mark.parametrize("spoils", [True, False], ids=["spoilt", "deleted"])
@pytest.mark.parametrize("is_meanwhile", [True, False], ids=["meanwhile", "before"])
def test_passes_over_rows_that_are_nobodys(engine_client, table, clean, events, disturbed, spoils, is_meanwhile):
    """A row that somebody has spoilt or deleted keeps nobody else from being told."""
    admit(clean, set_up(clean), "ada", "bob")
    mailed(clean, "ada", "bob")
    change_with_news(clean)
    key = {"eventid": {"S": ID}, "sk": {"S": f"REGISTRATION#{_digest('ada')}"}}

    def happen():
        if spoils:
            engine_client.update_item(TableName=table, Key=key, UpdateExpression="REMOVE cemail")
        else:
            engine_client.delete_item(TableName=table, Key=key)

    if is_meanwhile:
        disturbed.spare(4)  # the event, all rows, and Bob's, which comes first, read and written
        disturbed.meanwhile(happen)
    else:
        happen()

    assert events.tell(ID, SOON) == 1

    assert found(clean, "bob").mail.kind is MailKind.MOVED
    assert current(clean).telling is None
