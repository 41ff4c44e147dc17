"""
Lambda calls at least once: two thirds of all invocations again, one to five times, up to a day late, change nothing.

It is not shown of a registration that is posted again after its person has cancelled: that is somebody who comes back,
by design, and gets another mail.
"""

from __future__ import annotations

import copy
import heapq
import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from attrs import evolve
from outboxworld import SCHEDULE, World
from streamtrigger import Mishaps

from event_registration import make_lambda_handler
from event_registration.aws import DynamoDBEventRepository
from event_registration.aws.items import decode
from event_registration.composing import Composer
from event_registration.mail import MailKind, MailState
from event_registration.model import Status
from event_registration.settings import Confirmation, EventsMode, Settings
from event_registration.testing import ManualClock, make_event
from event_registration.wire import registration_from_row

pytestmark = pytest.mark.unmeasured

FOLDER = Path(__file__).parent.parent / "payloads"
POST = json.loads((FOLDER / "rest-api.json").read_text("utf-8"))
SETTINGS = Settings(events=EventsMode.MANAGED, confirmation=Confirmation.OUTBOX)
_SHARE, _MOST, _LATEST = 2 / 3, 5, timedelta(days=1)


class _Story:
    """
    A day of an event with a waiting list: people come, some cancel, mails bounce or fail at first, the event is moved.

    Args:
        world: Where it happens.
        people: How many come; there are seats for half of them.
        repeated: The share of all invocations that are made again.
    """

    def __init__(self, world, people, repeated):
        self.world = world
        self.people = people
        self.repeated = repeated
        self.begun = world.clock()
        self.repository = DynamoDBEventRepository(world.client, world.name)
        starts_at = self.begun + timedelta(days=90)
        self.repository.create_event(
            make_event(starts_at=starts_at, ends_at=starts_at + timedelta(hours=8), capacity=people // 2, waitlist=True)
        )
        self.post = make_lambda_handler(repository=self.repository, settings=SETTINGS)
        self.calls = 0
        self._chance = Random(2)
        self._due = []
        self._order = itertools.count()

    def at(self, seconds, act):
        """Let something happen so many seconds after the beginning."""
        heapq.heappush(self._due, (self.begun + timedelta(seconds=seconds), next(self._order), act))

    def run(self, trigger):
        """Let everything happen."""
        for number in range(self.people):
            self.at(2 * number, self._coming(number))
            if number % 9 == 4:
                self.at(2 * self.people + 600 + number, self._cancelling(number))
            if number % 10 == 7:
                self.at(2 * self.people + 900 + number, self._bouncing(number))
        self.at(2 * self.people + 1800, self._move)
        for minutes in [*range(5, 60, 5), *range(60, 25 * 60, 180)]:
            self.at(60 * minutes, lambda: self._invoke(self.world.call, SCHEDULE))
            self.at(60 * minutes, lambda: self._invoke(self._post, SCHEDULE))
        while self._due:
            at, _, act = heapq.heappop(self._due)
            trigger.run(at)
            act()
        trigger.run()

    def state(self):
        """Return what is stored of each person, but for what is random or an instant."""
        rows = map(registration_from_row, self.world.rows())
        return {
            each.attendee_email: (each.status, each.revision, each.mail.state, each.mail.kind, each.mail.number)
            for each in rows
        }

    def mails(self):
        """Return how often each mail was sent."""
        return Counter((each.to, each.reference, each.subject) for each in self.world.service.messages)

    def _coming(self, number):
        body = {
            "eventid": "devconf-2026",
            "eventname": "DevConf 2026",
            "cname": f"Person {number}",
            "cemail": f"person{number}@example.org",
        }
        payload = copy.deepcopy(POST) | {"body": json.dumps(body)}
        return lambda: self._invoke(self._post, payload, once=number % 9 == 4)

    def _cancelling(self, number):
        def cancel():
            row = self.repository.find("devconf-2026", f"person{number}@example.org")
            assert self.repository.cancel(row, self.world.clock())

        return cancel

    def _bouncing(self, number):
        def bounce():
            to = f"person{number}@example.org"
            *_, last = (each for each in self.world.service.messages if each.to == to)
            self._invoke(self.world.call, _bounce(to, last.reference))

        return bounce

    def _move(self):
        # Two minutes ago by the clock of what settles: news is told a minute after a change.
        old, changed_at = self.repository.find_event("devconf-2026"), datetime.now(UTC) - timedelta(minutes=2)
        moved = evolve(old, event=evolve(old.event, venue="Hall 2"), news=old.revision + 1, telling="")
        self.repository.change_event(old, moved, changed_at)

    def _post(self, payload):
        answer = self.post(payload, None)
        assert payload is SCHEDULE or answer["statusCode"] == 201

    def _invoke(self, call, payload, *, once=False):
        """Make an invocation, and have it made again later."""

        def act():
            self.calls += 1
            call(copy.deepcopy(payload) if payload is not SCHEDULE else payload)

        act()
        if once or self._chance.random() >= self.repeated:
            return
        for _ in range(self._chance.randint(1, _MOST)):
            late = self._chance.random() * _LATEST
            self.at((self.world.clock() - self.begun + late).total_seconds(), act)


def _bounce(to, reference):
    mail = {"destination": [to], "tags": {"reference": [reference]}}
    detail = {"eventType": "Bounce", "mail": mail, "bounce": {"bounceType": "Permanent"}}
    return {"source": "aws.ses", "detail-type": "Email Bounced", "detail": detail}


@pytest.fixture
def tell(engine_client, engine_url, aws_credentials):
    """Return a function that lets a story happen, and returns it."""
    worlds = []

    def tell(people, repeated, make_sender=None):
        # What posts are served by goes by the real time; all else is later.
        clock = ManualClock(datetime.now(UTC) + timedelta(seconds=1))
        worlds.append(
            World(
                engine_client,
                engine_url,
                aws_credentials,
                clock=clock,
                composer_of=_composer_of,
                is_late=lambda message: message.to.removeprefix("person")[0] in "36",
            )
        )
        story = _Story(worlds[-1], people, repeated)
        sender = make_sender(story.world) if make_sender else None
        story.run(story.world.trigger(Mishaps(repeated=repeated, latest=_LATEST), sender))
        return story

    yield tell
    for world in worlds:
        world.close()


def _composer_of(world):
    return Composer(DynamoDBEventRepository(world.client, world.name), monotonic=world.monotonic)


@pytest.mark.parametrize(
    "people",
    [40, pytest.param(300, marks=[pytest.mark.proof, pytest.mark.timeout(3600)])],
)
def test_changes_nothing(tell, people):
    """The same state and the same mails, each once, as if every invocation had been made once."""
    once, often = tell(people, 0.0), tell(people, _SHARE)

    assert often.state() == once.state()
    assert often.mails() == once.mails()
    assert set(often.mails().values()) == {1}
    assert often.calls > 2 * once.calls
    statuses, _, mails, kinds, numbers = (set(values) for values in zip(*often.state().values(), strict=True))
    assert statuses == set(Status)
    # To who has bounced nothing is sent any more: what they owe later has failed.
    assert {MailState.SENT, MailState.FAILED} <= mails <= {MailState.SENT, MailState.FAILED, MailState.BOUNCED}
    assert kinds == {MailKind.CANCELLED, MailKind.MOVED}
    assert max(numbers) == 3  # a place, a seat, and another hall


def test_control(tell):
    """Control: if the stream's records were sent as they come, mails would be sent again."""

    def make_sender(world):
        def send(payload, _):
            for record in payload["Records"]:
                world.service.send(world.compose(registration_from_row(decode(record["dynamodb"]["NewImage"])), None))

        return send

    often = tell(20, _SHARE, make_sender)

    assert max(often.mails().values()) > 1
