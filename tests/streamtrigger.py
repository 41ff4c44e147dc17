"""
Lambda's trigger on a DynamoDB stream, simulated: one thread, a virtual clock, and all chance from one seed.

Written from these pages of the Lambda and DynamoDB developer guides: "Using Lambda to process records from Amazon
DynamoDB streams", "Lambda parameters for Amazon DynamoDB event source mappings", "Configuring partial batch response
with DynamoDB and Lambda", "Retain discarded records for a DynamoDB event source in Lambda", "Using event filtering
with a DynamoDB event source", "Change data capture for DynamoDB Streams". Where they leave something open, the less
friendly reading is simulated: a batch that partly failed is discarded with all its rest, and what is delivered twice
may come in any order.
"""

from __future__ import annotations

import heapq
import json
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

from attrs import Factory, define, evolve, field, frozen
from tablestream import ARN, Record, Stream

from event_registration.testing import KilledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from random import Random

    from event_registration.testing import ManualClock

RETENTION = timedelta(hours=24)
# None of the pages says how long Lambda waits before it tries again: a second, doubling to a minute.
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=1)
_SHORTEST_INVOCATION = timedelta(milliseconds=10)
_MOST_REPEATS = 5


@frozen(kw_only=True)
class Mishaps:
    """
    What goes wrong, each with the share of invocations that it befalls.

    Args:
        throttled: The function is not invoked, which costs no retry.
        killed: It dies before it has taken all records.
        timed_out: The same, at the end of its time.
        unanswered: It does all its work, and its answer is lost.
        repeated: It succeeds, and its records are delivered again, one to five times.
        latest: How much later at most, in any order, some of them alone.
    """

    throttled: float = 0.0
    killed: float = 0.0
    timed_out: float = 0.0
    unanswered: float = 0.0
    repeated: float = 0.0
    latest: timedelta = timedelta(days=1)


@frozen
class Context:
    """What a function is told of its invocation."""

    aws_request_id: str
    _ends_at: datetime
    _clock: ManualClock

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the function's time."""
        return max(0, round((self._ends_at - self._clock()).total_seconds() * 1000))


class _Mortal(list[Record]):
    """Records at one of which who takes them is killed."""

    def __init__(self, records: Iterable[Record], taken: int, last_act: Callable[[], object]) -> None:
        super().__init__(records)
        self._taken = taken
        self._last_act = last_act

    def __iter__(self) -> Iterator[Record]:
        yield from self[: self._taken]
        self._last_act()
        raise KilledError


@frozen(kw_only=True)
class _Batch:
    records: list[Record]
    tries: int = 0


@define
class _Lane:
    """Records that are given to the function one batch after the other: a shard, or a part of one."""

    number: int
    ready_at: datetime
    unread: deque[Record] = Factory(deque)
    failed: deque[_Batch] = Factory(deque)
    pause: timedelta = _FIRST_PAUSE


@define(order=True)
class _Repeat:
    at: datetime
    number: int
    records: list[Record] = field(eq=False)


class Trigger:
    """
    An event source mapping between a stream and a function.

    Args:
        stream: What it reads.
        handler: The function; what it raises is a function error.
        properties: The mapping's, as CloudFormation's ``AWS::Lambda::EventSourceMapping`` has them.
        clock: The virtual present. An invocation lasts as long as the function moves it on.
        chance: Decides all that is by chance.
        mishaps: What goes wrong.
        shards: How many shards the stream has.
        timeout: The function's.
    """

    def __init__(
        self,
        stream: Stream,
        handler: Callable[[Any, Any], Any],
        properties: Mapping[str, Any],
        *,
        clock: ManualClock,
        chance: Random,
        mishaps: Mishaps = Mishaps(),
        shards: int = 4,
        timeout: timedelta = timedelta(minutes=1),
    ) -> None:
        self._stream = stream
        self._handler = handler
        self._clock = clock
        self._chance = chance
        self.mishaps = mishaps
        self._timeout = timeout
        self._batch_size: int = properties.get("BatchSize", 100)
        self._bisects: bool = properties.get("BisectBatchOnFunctionError", False)
        self._reports = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ())
        self._retries: int = properties.get("MaximumRetryAttempts", -1)
        self._age: int = properties.get("MaximumRecordAgeInSeconds", -1)
        self._factor: int = properties.get("ParallelizationFactor", 1)
        self._keeps = "OnFailure" in properties.get("DestinationConfig", {})
        filters = properties.get("FilterCriteria", {}).get("Filters", [])
        self._patterns = [_pattern(each["Pattern"]) for each in filters]
        self._position = 0 if properties["StartingPosition"] == "TRIM_HORIZON" else len(stream.since(0))
        self._lanes = [_Lane(number, clock()) for number in range(shards * self._factor)]
        self._repeats: list[_Repeat] = []
        self.destination: list[dict[str, Any]] = []
        self.expired: list[Record] = []
        self.invocations = 0
        self.kills = 0

    def run(self, until: datetime | None = None) -> None:
        """Invoke the function until there is nothing left to do, or until an instant, which the clock then shows."""
        while turn := self._next_turn():
            at, act = turn
            if until is not None and at > until:
                break
            self._clock.now = max(at, self._clock.now)
            act()
        if until is not None:
            self._clock.now = max(until, self._clock.now)

    def _next_turn(self) -> tuple[datetime, Callable[[], None]] | None:
        """Return what is next and when: any of what might be now, else what is due first."""
        self._read()
        lanes = [each for each in self._lanes if each.failed or each.unread]
        turns = [(each.ready_at, self._turn_of(each)) for each in lanes]
        if self._repeats:
            turns.append((self._repeats[0].at, self._repeat))
        now = [turn for turn in turns if turn[0] <= self._clock()]
        return self._chance.choice(now) if now else min(turns, key=lambda turn: turn[0], default=None)

    def _turn_of(self, lane: _Lane) -> Callable[[], None]:
        return lambda: self._advance(lane)

    def _read(self) -> None:
        """Give new records to their lanes. What meets none of the filters is passed over, and no part of a batch."""
        for record in self._stream.since(self._position):
            self._position += 1
            if not self._patterns or any(_matches(each, record) for each in self._patterns):
                item = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
                self._lanes[crc32(item.encode()) % len(self._lanes)].unread.append(record)

    def _advance(self, lane: _Lane) -> None:
        """Give a lane's next batch to the function, and come back to what has failed before anything after it."""
        batch = lane.failed.popleft() if lane.failed else self._new_batch(lane)
        batch = self._without_old(lane, batch)
        if not batch.records:
            return
        if self._befalls(self.mishaps.throttled):
            lane.failed.appendleft(batch)
            self._rest(lane)
            return
        done = self._invoke(batch.records, self._clock())
        if done == len(batch.records):
            lane.pause = _FIRST_PAUSE
            self._have_repeated(batch.records)
            return
        lane.failed.extendleft(reversed(self._left(lane, batch, done)))
        self._rest(lane)

    def _new_batch(self, lane: _Lane) -> _Batch:
        count = min(self._batch_size, len(lane.unread))
        return _Batch(records=[lane.unread.popleft() for _ in range(count)])

    def _left(self, lane: _Lane, batch: _Batch, done: int | None) -> list[_Batch]:
        """Return what is still to do of a batch that failed, or was done up to one of its records."""
        left = batch.records[done or 0 :]
        if self._bisects and done:
            return [evolve(batch, records=left)]  # split where it failed: "splitting doesn't consume the retry quota"
        if self._bisects and done is None and len(left) > 1:
            middle = len(left) // 2
            return [evolve(batch, records=left[:middle]), evolve(batch, records=left[middle:])]
        tried = _Batch(records=left, tries=batch.tries + 1)
        if -1 < self._retries < tried.tries:
            self._discard(lane, tried, "RetryAttemptsExhausted")
            return []
        return [tried]

    def _without_old(self, lane: _Lane, batch: _Batch) -> _Batch:
        """Return a batch without what is too old: the stream has lost it, or the mapping gives it up."""
        ages = [(record, self._clock().timestamp() - _created(record)) for record in batch.records]
        self.expired += [record for record, age in ages if age > RETENTION.total_seconds()]
        kept = [(record, age) for record, age in ages if age <= RETENTION.total_seconds()]
        if old := [record for record, age in kept if -1 < self._age < age]:
            self._discard(lane, evolve(batch, records=old), "RecordAgeExceeded")
        return evolve(batch, records=[record for record, age in kept if not -1 < self._age < age])

    def _discard(self, lane: _Lane, batch: _Batch, condition: str) -> None:
        """Tell the destination for failures, if there is one, where the records are; it gets no record itself."""
        if not self._keeps:
            return
        first, last = batch.records[0], batch.records[-1]
        place = {
            "shardId": f"shardId-{lane.number // self._factor:020}",
            "startSequenceNumber": first["dynamodb"]["SequenceNumber"],
            "endSequenceNumber": last["dynamodb"]["SequenceNumber"],
            "batchSize": len(batch.records),
            "streamArn": ARN,
        }
        context = {"condition": condition, "approximateInvokeCount": batch.tries}
        self.destination.append({"requestContext": context, "version": "1.0", "DDBStreamBatchInfo": place})

    def _rest(self, lane: _Lane) -> None:
        lane.ready_at = self._clock() + lane.pause
        lane.pause = min(2 * lane.pause, _LONGEST_PAUSE)

    def _have_repeated(self, records: list[Record]) -> None:
        if not self._befalls(self.mishaps.repeated):
            return
        for _ in range(self._chance.randint(1, _MOST_REPEATS)):
            some = self._chance.sample(records, self._chance.randint(1, len(records)))
            at = self._clock() + self._chance.random() * self.mishaps.latest
            heapq.heappush(self._repeats, _Repeat(at, self.invocations, some))

    def _repeat(self) -> None:
        """Deliver again what is long done: nobody looks at the answer."""
        self._invoke(heapq.heappop(self._repeats).records, self._clock())

    def _invoke(self, records: list[Record], begun: datetime) -> int | None:
        """Invoke the function and return how many records, from the first on, are done; ``None`` after an error."""
        self.invocations += 1
        payload = {"Records": json.loads(json.dumps(records))}
        ends_at = begun + self._timeout
        if self._befalls(self.mishaps.killed):
            payload["Records"] = self._mortal(payload["Records"], lambda: None)
        elif self._befalls(self.mishaps.timed_out):
            payload["Records"] = self._mortal(payload["Records"], lambda: setattr(self._clock, "now", ends_at))
        try:
            answer = json.loads(
                json.dumps(self._handler(payload, Context(str(self.invocations), ends_at, self._clock)))
            )
        except (Exception, KilledError) as error:  # noqa: BLE001 - whatever a function raises is a function error
            self.kills += isinstance(error, KilledError)
            return None
        finally:
            self._clock.now = max(self._clock.now, begun + _SHORTEST_INVOCATION)
        if self._clock.now > ends_at or self._befalls(self.mishaps.unanswered):
            return None
        return _done(records, answer) if self._reports else len(records)

    def _mortal(self, records: list[Record], last_act: Callable[[], object]) -> _Mortal:
        return _Mortal(records, self._chance.randrange(len(records)), last_act)

    def _befalls(self, share: float) -> bool:
        return self._chance.random() < share


def _created(record: Record) -> float:
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def _done(records: list[Record], answer: Any) -> int | None:
    """Return up to where a partial batch response says that all is done; ``None`` if it says nothing that holds."""
    failures = answer.get("batchItemFailures") or [] if answer else []
    numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
    named = [each.get("itemIdentifier") for each in failures]
    if not all(each in numbers for each in named):
        return None
    return min(map(numbers.index, named), default=len(records))


def _pattern(text: str) -> dict[str, Any]:
    pattern: dict[str, Any] = json.loads(text)
    if pattern.keys() != {"dynamodb"}:
        raise ValueError("a filter on a DynamoDB stream is on the key dynamodb only")
    return pattern


def _matches(pattern: Any, value: Any) -> bool:
    """Tell whether a record meets a filter: nested keys, and at the end values of which one has to be equal."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(_matches(each, value.get(name)) for name, each in pattern.items())
    if any(isinstance(rule, dict) for rule in pattern):
        raise NotImplementedError("only rules of equality are simulated")
    return value is not None and value in pattern
