"""What DynamoDB takes, simulated on a virtual clock: a table on demand with an index, and no design."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Generator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import Factory, define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

# "Best practices for designing and using partition keys effectively": what one partition takes in a second.
_WRITE_UNITS = 1000.0
_READ_UNITS = 3000.0
_CALL_SECONDS = 0.004
_SMALL_ROWS_OF_A_READ_UNIT = 4096 / 110  # a unit reads 4 KB, and a seat's row has 110 bytes

_Result = TypeVar("_Result")
Key: TypeAlias = "tuple[str, object]"
"""A row's key: what kind of row it is, and which one."""
Steps: TypeAlias = Generator[float, None, _Result]
"""What somebody does: each value it yields is how many seconds pass until the next step."""


class RefusedError(Exception):
    """Nothing was done: throttled, or in conflict with another transaction."""


class TakenError(Exception):
    """There is a row of a key that is to be new."""


@define
class Clock:
    """Virtual seconds, and who acts in them."""

    now: float = 0.0
    _turns: list[tuple[float, int, Steps[Any]]] = Factory(list)
    _numbers: itertools.count[int] = Factory(itertools.count)

    def start(self, steps: Steps[Any], at: float) -> None:
        """Let somebody begin at an instant."""
        heapq.heappush(self._turns, (at, next(self._numbers), steps))

    def run(self) -> None:
        """Let everybody act until all are done."""
        while self._turns:
            self.now, _, steps = heapq.heappop(self._turns)
            pause = next(steps, None)
            if pause is not None:
                self.start(steps, self.now + pause)


@frozen
class Row:
    """
    A row to put, of at most a kilobyte.

    Args:
        key: Its key.
        shard: Its partition key in the index; ``None`` if it isn't in there.
    """

    key: Key
    shard: str | None = None


@define
class _Partitions:
    """Partitions of equal rank: each takes *rate* units a second, and what it spared of the last second."""

    count: int
    rate: float
    luck: int
    _left: dict[int, tuple[float, float]] = Factory(dict)

    def of(self, key: object) -> int:
        """Return where a key lies."""
        return int.from_bytes(sha256(f"{self.luck}{key}".encode()).digest()[:8]) % self.count

    def left(self, partition: int, now: float) -> float:
        """Return how many units a partition can take now."""
        left, since = self._left.get(partition, (self.rate, now))
        return min(self.rate, left + (now - since) * self.rate)

    def take(self, partition: int, units: float, now: float) -> None:
        """Take units from a partition."""
        self._left[partition] = (self.left(partition, now) - units, now)


@define
class Store:
    """
    A table and its one index, each in so many partitions.

    Args:
        clock: The present.
        partitions: How many.
        luck: Decides which key lies in which partition.
    """

    clock: Clock
    partitions: int
    luck: int = 0
    rows: defaultdict[str, set[object]] = field(factory=lambda: defaultdict(set), init=False)
    counts: Counter[Key] = field(factory=Counter, init=False)
    throttled: int = field(default=0, init=False)
    conflicts: int = field(default=0, init=False)
    read_units: float = field(default=0.0, init=False)
    write_units: float = field(default=0.0, init=False)
    _busy: set[Key] = field(factory=set, init=False)
    _writes: _Partitions = field(init=False)
    _reads: _Partitions = field(init=False)
    _index: _Partitions = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with all that every partition has for a second."""
        self._writes = _Partitions(self.partitions, _WRITE_UNITS, self.luck)
        self._reads = _Partitions(self.partitions, _READ_UNITS, self.luck)
        self._index = _Partitions(self.partitions, _WRITE_UNITS, self.luck)

    def transact(self, *rows: Row, counter: Key | None = None, most: int = 0) -> Steps[None]:
        """
        Put all rows, which must be new, or none; perhaps add one to a counter that is below *most*.

        Each is written twice, to prepare and to commit it ("Amazon DynamoDB Transactions: How it works", capacity
        management); what is not committed has cost the first.
        """
        new = {row.key for row in rows}
        keys = new if counter is None else new | {counter}
        if self._busy & keys:
            self.conflicts += 1
            yield _CALL_SECONDS
            raise RefusedError
        yield from self._take(
            (self._writes, dict.fromkeys(keys, 1.0)), (self._index, {row.shard: 1.0 for row in rows if row.shard})
        )
        self._busy |= keys
        yield _CALL_SECONDS
        self._busy -= keys
        if any(which in self.rows[kind] for kind, which in new) or (counter and self.counts[counter] >= most):
            raise TakenError
        if counter:
            self.counts[counter] += 1
        for kind, which in new:
            self.rows[kind].add(which)
        for kind, which in keys:
            self._writes.take(self._writes.of((kind, which)), 1.0, self.clock.now)
            self.write_units += 1.0

    def update(self, row: Row, index_units: float = 1.0) -> Steps[None]:
        """Change or put a row; in the index that is one unit if it leaves, and two if it moves."""
        yield from self._take(
            (self._writes, {row.key: 1.0}), (self._index, {row.shard: index_units} if row.shard else {})
        )
        yield _CALL_SECONDS
        kind, which = row.key
        self.rows[kind].add(which)

    def get(self, key: Key) -> Steps[bool]:
        """Tell whether there is a row, by a consistent read."""
        yield from self._take((self._reads, {key: 1.0}))
        yield _CALL_SECONDS
        return key[1] in self.rows[key[0]]

    def query(self, kind: str, which: range | None = None) -> Steps[set[Any]]:
        """Return which rows of a kind, or *which* of them, there are, by a consistent read of small rows everywhere."""
        rows = self.rows[kind] if which is None else self.rows[kind] & set(which)
        units = max(1.0, len(rows) / _SMALL_ROWS_OF_A_READ_UNIT)
        yield from self._take((self._reads, dict.fromkeys(range(self.partitions), units / self.partitions)))
        yield _CALL_SECONDS
        return rows.copy()

    def _take(self, *costs: tuple[_Partitions, Mapping[Any, float]]) -> Steps[None]:
        """Take all units or none; an index that can't take its part has the table's write throttled."""
        now = self.clock.now
        bills = [
            (side, key if isinstance(key, int) else side.of(key), units)
            for side, cost in costs
            for key, units in cost.items()
        ]
        if any(side.left(partition, now) < units for side, partition, units in bills):
            self.throttled += 1
            yield _CALL_SECONDS
            raise RefusedError
        for side, partition, units in bills:
            side.take(partition, units, now)
            if side is self._reads:
                self.read_units += units
            else:
                self.write_units += units
