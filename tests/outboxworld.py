"""An outbox on an engine with all that moves it: the stream's trigger, the schedule, and a mail service that fails."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import boto3
from attrs import define, field
from botocore.config import Config
from lean import LeanClient
from streamtrigger import Context, Mishaps, Trigger
from tablestream import EngineFeed, Stream
from template import Stack, load

from event_registration.aws.items import REGISTRATION, decode
from event_registration.aws.outbox import DynamoDBOutbox
from event_registration.aws.sending import Sending
from event_registration.composing import Composer
from event_registration.errors import PermanentNotifierError, TransientNotifierError
from event_registration.feedback import Feedback
from event_registration.mail import MailState
from event_registration.relay import Relay
from event_registration.testing import Faults, KilledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from event_registration.mail import Mail
    from event_registration.message import Message
    from event_registration.model import Registration
    from event_registration.testing import ManualClock

SCHEDULE = json.loads((Path(__file__).parent / "payloads" / "schedule.json").read_text("utf-8"))
_STACK = Stack(load())
(MAPPING,) = _STACK.of_type("AWS::Lambda::EventSourceMapping").values()
_KEYS = ("eventid", "HASH"), ("sk", "RANGE")
_INDEX = ("outbox", "HASH"), ("mail_at", "RANGE")
_TIMEOUT = timedelta(seconds=_STACK["SenderFunction"]["Timeout"])
_NUMBERS = itertools.count()


def _make_table(client: Any, name: str) -> str:
    """Make a table as the template has it, with index and stream; return the stream's ARN."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in _KEYS + _INDEX],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in _KEYS],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "outbox",
                "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in _INDEX],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return str(client.describe_table(TableName=name)["Table"]["LatestStreamArn"])


@define
class MailService:
    """
    A `Notifier` that fails by chance, and kills whoever calls it.

    Args:
        chance: Decides.
        failing: The share of calls that fail for now.
        killed: The share of calls that kill, half of them before the mail is taken, half after.
        refuses: Tells what it refuses for good.
        is_late: Tells what it takes at the second try only.
    """

    chance: Random
    failing: float = 0.0
    killed: float = 0.0
    refuses: Callable[[Message], bool] = lambda _message: False
    is_late: Callable[[Message], bool] = lambda _message: False
    messages: list[Message] = field(factory=list)
    marked: int = 0
    _late: set[tuple[str, str]] = field(factory=set)

    def send(self, message: Message) -> None:
        """Take *message*, or not."""
        fate = self.chance.random()
        if fate < self.killed / 2:
            raise KilledError
        if fate > 1 - self.failing:
            raise TransientNotifierError("not now")
        if self.refuses(message):
            raise PermanentNotifierError("no such mailbox")
        if self.is_late(message) and (message.to, message.reference) not in self._late:
            self._late.add((message.to, message.reference))
            raise TransientNotifierError("not yet")
        self.messages.append(message)
        if fate < self.killed:
            raise KilledError

    @property
    def extra(self) -> int:
        """How many mails were sent of which there was one already."""
        return len(self.messages) - len(Counter((each.to, each.reference) for each in self.messages))

    @property
    def unmarked(self) -> int:
        """How many mails were sent whose sender did not come to see them marked."""
        return len(self.messages) - self.marked


class _CountingOutbox(DynamoDBOutbox):
    """An outbox that counts whose mail was marked as sent."""

    service: MailService

    def mark(self, registration: Registration, mail: Mail, *, deadline: float | None = None) -> bool:
        """Mark, and count it when that is done."""
        is_marked = super().mark(registration, mail, deadline=deadline)
        self.service.marked += is_marked and mail.state is MailState.SENT
        return is_marked


class World:
    """
    The sender's function on a table of its own, with what calls it.

    Args:
        client: A client of the engine that works; most calls are made by lean ones.
        url: The engine's.
        credentials: For the client of the table's stream.
        clock: The virtual present.
        composer_of: Returns what writes mails, for this world.
        **service: What the mail service does; see `MailService`.
    """

    def __init__(
        self,
        client: Any,
        url: str,
        credentials: Mapping[str, str],
        *,
        clock: ManualClock,
        composer_of: Callable[[World], Callable[[Registration, float | None], Message]] = lambda _: Composer(),
        **service: Any,
    ) -> None:
        self._client = client
        self.name = f"eventmanagement-outbox-{next(_NUMBERS)}"
        self.clock = clock
        self.chance = Random(1)
        self.service = MailService(self.chance, **service)
        arn = _make_table(client, self.name)
        config = Config(retries={"total_max_attempts": 1})
        streams = boto3.client("dynamodbstreams", endpoint_url=url, config=config, **credentials)
        self.client, disturbed = LeanClient(url), LeanClient(url)
        self._clients = self.client, disturbed, streams
        self.faults = Faults(disturbed)
        self.stream = Stream(clock, EngineFeed(streams, arn))
        self.outbox = _CountingOutbox(
            disturbed,
            self.name,
            monotonic=self.monotonic,
            sleep=lambda seconds: clock.advance(seconds=seconds),
            jitter=self.chance.random,
        )
        self.outbox.service = self.service
        self.compose = composer_of(self)
        relay = Relay(
            self.outbox,
            self.service,
            compose=self.compose,
            clock=clock,
            monotonic=self.monotonic,
            chance=self.chance.random,
        )
        self.take = Sending(relay, Feedback(self.outbox), monotonic=self.monotonic).take
        self.kills = 0

    def close(self) -> None:
        """Let its clients go."""
        for client in self._clients:
            client.close()

    def trigger(self, mishaps: Mishaps, handler: Callable[[Any, Any], Any] | None = None) -> Trigger:
        """Return the trigger that calls the function, or *handler* in its place."""
        return Trigger(
            self.stream,
            handler or self.take,
            MAPPING,
            clock=self.clock,
            chance=self.chance,
            mishaps=mishaps,
            timeout=_TIMEOUT,
        )

    def call(self, payload: object) -> None:
        """Call the function as EventBridge does; what kills it is counted."""
        with suppress(KilledError):
            self.take(payload, Context("schedule", self.clock() + _TIMEOUT, self.clock))
            return
        self.kills += 1

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of all registrations."""
        pages = self._client.get_paginator("scan").paginate(TableName=self.name)
        rows = [decode(item) for page in pages for item in page["Items"]]
        return [row for row in rows if row["sk"].startswith(REGISTRATION)]

    def monotonic(self) -> float:
        """Return the virtual present in seconds."""
        return self.clock().timestamp()
