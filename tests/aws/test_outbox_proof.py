"""
Through a real table and its stream, with all that may go wrong on the way: every mail is sent, or its row says why not.

What the promise rests on are the claim and the sweep. The controls leave out one or the other, and see mails twice or
never.
"""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from outboxworld import SCHEDULE, World
from streamtrigger import Mishaps

from event_registration.aws import DynamoDBRepository
from event_registration.aws.items import decode
from event_registration.composing import Composer
from event_registration.service import RegistrationService
from event_registration.testing import ManualClock, make_registration
from event_registration.wire import instant_text, registration_from_row

pytestmark = pytest.mark.unmeasured

SMALL = pytest.param(120, 8, id="small")
LARGE = pytest.param(2_000, 100, id="large", marks=[pytest.mark.proof, pytest.mark.timeout(3600)])
_RECORDS = itertools.count(10**20)
_FAULTS = Mishaps(throttled=0.05, timed_out=0.02, unanswered=0.05, repeated=0.2, latest=timedelta(hours=2))
_POISON = ("malformed record", "no registration", "unwritable", "refused")


def _composed(registration, deadline):
    if registration.attendee_name == "Unwritable":
        raise LookupError("a template that is not there")
    return Composer()(registration, deadline)


@pytest.fixture
def make_world(engine_client, engine_url, aws_credentials):
    """Return a function that makes a world on a fresh table."""
    worlds = []

    def make(**service):
        clock = ManualClock(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
        options = {"composer_of": lambda _: _composed, "refuses": lambda message: message.to.startswith("refused")}
        worlds.append(World(engine_client, engine_url, aws_credentials, clock=clock, **options, **service))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


class _Rush:
    """People who register, now and then somebody poisonous among them, while the function is called by its trigger."""

    def __init__(self, world, people, one_in):
        self.world = world
        self.people = people
        self.one_in = one_in
        self.poisoned = Counter()
        self.service = RegistrationService(DynamoDBRepository(world.client, world.name), None, clock=world.clock)

    def run(self, trigger):
        """Let all come, two a second, and the trigger do its work meanwhile."""
        for number in range(self.people):
            self._come(number)
            self.world.clock.advance(seconds=0.5)
            if number % 20 == 0:
                trigger.run(self.world.clock())
        trigger.run(self.world.clock() + timedelta(hours=2))

    def sweep(self, *, hours):
        """Let the schedule call the function every five minutes."""
        for _ in range(12 * hours):
            self.world.call(SCHEDULE)
            self.world.clock.advance(minutes=5)

    def _come(self, number):
        kind = _POISON[number // self.one_in % len(_POISON)] if number % self.one_in == 0 else None
        self.poisoned[kind] += 1
        address = f"{'refused' if kind == 'refused' else 'person'}{number}@example.org"
        name = "Unwritable" if kind == "unwritable" else "Ada"
        if kind == "malformed record":
            self.world.stream.add(_malformed(number))
        if kind == "no registration":
            self._put_nonsense(number)
        else:
            self.service.register(make_registration(attendee_name=name, attendee_email=address))

    def _put_nonsense(self, number):
        item = {
            "eventid": "devconf-2026",
            "sk": f"REGISTRATION#nonsense{number}",
            "mail": "due",
            "mail_at": instant_text(self.world.clock()),
            "outbox": "0",
        }
        self.world.client.put_item(TableName=self.world.name, Item={name: {"S": text} for name, text in item.items()})


def _malformed(number):
    keys = [{}, {"eventid": {"S": "devconf-2026"}}, {"eventid": {"N": "1"}, "sk": {"N": "2"}}, {"sk": {"S": "SEAT#1"}}]
    return {
        "eventID": f"malformed{number}",
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": keys[number % len(keys)],
            "NewImage": {"mail": {"S": "due"}},
            "SequenceNumber": str(next(_RECORDS)),
        },
    }


def _pending(rows):
    return [row["sk"] for row in rows if row["mail"] in {"due", "claimed", "retry"}]


def _told(rush):
    """Return what is wrong after all; each sentence says how."""
    rows = rush.world.rows()
    mailed = {message.to for message in rush.world.service.messages}
    states = Counter(row["mail"] for row in rows)
    failed = Counter(row["mail_reason"] for row in rows if row["mail"] == "failed")
    poison = rush.poisoned
    wrong = [f"{sk} is left over" for sk in _pending(rows)]
    wrong += [f"{row['sk']} is in the index" for row in rows if "outbox" in row or "mail_at" in row]
    wrong += [
        f"{row['cemail']} was not mailed" for row in rows if row["mail"] == "sent" and row["cemail"] not in mailed
    ]
    if states != {"sent": rush.people - sum(failed.values()), "failed": sum(failed.values())}:
        wrong.append(f"the mails are {dict(states)}")
    expected = {
        "unreadable": poison["no registration"],
        "no such mailbox": poison["refused"],
        "The mail can't be written (LookupError).": poison["unwritable"],
    }
    if failed != expected:
        wrong.append(f"those that failed say {dict(failed)}")
    return wrong


@pytest.mark.parametrize(("people", "one_in"), [SMALL, LARGE])
def test_sends_every_mail_once(make_world, people, one_in):
    """Whatever fails and is delivered again: every mail is sent once, or its row says why it can't be."""
    world = make_world(failing=0.1)
    world.faults.at_random(0.1, world.chance)
    rush = _Rush(world, people, one_in)

    rush.run(trigger := world.trigger(_FAULTS))
    rush.sweep(hours=4)

    assert _told(rush) == []
    assert (world.service.extra, world.service.unmarked, world.kills) == (0, 0, 0)
    assert trigger.invocations > people / 10
    assert all(rush.poisoned[kind] for kind in _POISON)


@pytest.mark.parametrize(("people", "one_in"), [SMALL, LARGE])
def test_sends_no_more_than_was_killed(make_world, people, one_in):
    """If it is killed anywhere no mail is lost, and as many come twice, at most, as were sent and not marked."""
    world = make_world(failing=0.1, killed=0.1)
    world.faults.at_random(0.1, world.chance, killed=0.02)
    rush = _Rush(world, people, one_in)

    rush.run(trigger := world.trigger(_FAULTS))
    rush.sweep(hours=4)
    world.service.killed = 0
    world.faults.at_random(0, world.chance)
    rush.sweep(hours=2)

    assert _told(rush) == []
    assert 0 < world.service.extra <= world.service.unmarked <= trigger.kills + world.kills


def test_control_without_the_sweep(make_world):
    """Control: the stream alone leaves mails behind."""
    world = make_world(failing=0.1, killed=0.1)
    rush = _Rush(world, 60, 10)

    rush.run(world.trigger(_FAULTS))
    world.clock.advance(hours=2)

    assert _pending(world.rows()) != []


def test_control_without_claims(make_world):
    """Control: a function that sends what each record says sends mails twice, and others never."""
    world = make_world(failing=0.5)

    def send(payload, _):
        for record in payload["Records"]:
            registration = registration_from_row(decode(record["dynamodb"]["NewImage"]))
            world.service.send(_composed(registration, None))

    rush = _Rush(world, 120, 8)
    rush.run(world.trigger(_FAULTS, send))

    mailed = {message.to for message in world.service.messages}
    never = rush.poisoned["no registration"] + rush.poisoned["unwritable"] + rush.poisoned["refused"]
    assert world.service.extra > 0
    assert len(mailed) < rush.people - never
