"""A rush for one event's seats, simulated against DynamoDB's limits: how fast a design sells, and who has to wait."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any, Protocol
from zlib import crc32

from attrs import define, field, frozen
from limits import Clock, RefusedError, Row, Steps, Store, TakenError

from event_registration.aws.patience import Patience
from event_registration.aws.seatmap import FIRST_PART, SeatMap

if TYPE_CHECKING:
    from collections.abc import Callable

# As built: what the schedule of a call leaves of a function's 12 seconds to store, the client's time-outs together,
# and how long a function remembers an event.
_SECONDS_TO_STORE = 6.0
_SECONDS_OF_A_CALL = 2.0
_SECONDS_OF_AN_EVENT = 5.0
_SOLD_OUT = ("SOLD_OUT", "")


class TimedOutError(Exception):
    """There was no time for another try: the person is told to come again later."""


@define
class Function:
    """
    One of the function's environments, and what it remembers.

    Args:
        seats: Which seats are known to be sold.
        event_read_at: When it last read the event.
        left: Of so many counters those that are not known to be used up.
    """

    seats: SeatMap
    event_read_at: float = -_SECONDS_OF_AN_EVENT
    left: dict[int, list[int]] = field(factory=dict)


@frozen
class Visit:
    """
    One person's request.

    Args:
        store: The table.
        chance: Decides what is by chance.
        function: What serves the request.
        row: The person's, to be.
        capacity: How many seats there are.
        begun: When it came.
    """

    store: Store
    chance: Random
    function: Function
    row: Row
    capacity: int
    begun: float

    def patiently(self, call: Callable[[], Steps[Any]]) -> Steps[Any]:
        """Make a call again, with the pauses of the table's own, while it is refused and there is time."""
        clock, pauses = self.store.clock, [0.0]
        last = self.begun + _SECONDS_TO_STORE - _SECONDS_OF_A_CALL
        patience = Patience(last, lambda: clock.now, pauses.append, self.chance.random)
        while True:
            try:
                return (yield from call())
            except RefusedError:
                if not patience.pause():
                    raise TimedOutError from None
                yield pauses[-1]


class Design(Protocol):
    """How a seat is sold."""

    def __call__(self, visit: Visit) -> Steps[bool]:
        """Serve a request; tell whether the person got a seat."""


def seat_ledger(visit: Visit) -> Steps[bool]:
    """Sell as `Admission` does: guess a seat that may be unsold, and put it and the person in one transaction."""
    store, function = visit.store, visit.function
    if store.clock.now - function.event_read_at >= _SECONDS_OF_AN_EVENT:
        yield from visit.patiently(lambda: store.get(("EVENT", "")))
        function.event_read_at = store.clock.now
    while (seat := function.seats.guess(visit.capacity)) is not None:
        try:
            yield from visit.patiently(lambda seat=seat: store.transact(visit.row, Row(("SEAT", seat))))
        except TakenError:
            if function.seats.missed(seat):
                yield from _look(visit)
        else:
            function.seats.sold([seat])
            return True
    # What it costs to see that an event is sold out: the event, a free seat, and the person's own row.
    yield from visit.patiently(lambda: store.get(("EVENT", "")))
    yield from visit.patiently(lambda: store.query("FREE"))
    yield from visit.patiently(lambda: store.get(visit.row.key))
    return False


def counters(count: int) -> Design:
    """Sell by a transaction that adds one to any of so many counters, each of which has its share of the seats."""

    def design(visit: Visit) -> Steps[bool]:
        left = visit.function.left.setdefault(count, list(range(count)))
        while left:
            number = visit.chance.choice(left)
            share = visit.capacity // count + (number < visit.capacity % count)
            key = ("COUNTER", number)
            try:
                yield from visit.patiently(lambda: visit.store.transact(visit.row, counter=key, most=share))  # noqa: B023 - called at once
            except TakenError:
                if number in left:
                    left.remove(number)
            else:
                return True
        return False

    return design


def _look(visit: Visit) -> Steps[None]:
    """Look for an unsold seat as `Seats` does."""
    store, seats, is_large = visit.store, visit.function.seats, visit.capacity > FIRST_PART
    for first, last in seats.parts(visit.capacity):
        if is_large and (yield from visit.patiently(lambda: store.get(_SOLD_OUT))):
            seats.sold(range(1, visit.capacity + 1))
            return
        part = range(first, last + 1)
        if seats.looked(first, last, (yield from visit.patiently(lambda part=part: store.query("SEAT", part)))):
            return
    if is_large:
        yield from visit.patiently(lambda: store.update(Row(_SOLD_OUT)))


@define(kw_only=True)
class Rush:
    """
    People who all want a seat of one event, and what came of it.

    Args:
        design: How seats are sold.
        partitions: How many the table and its index have.
        people: How many come.
        seconds: In what time, evenly spread.
        capacity: How many seats there are.
        functions: How many environments of the function there are at most; who finds none idle comes again.
        sold_before: How many seats were sold before anybody came.
        is_known: Whether it is written down that none is left.
        shards: How many partition keys the index of who is owed a mail has; without the index 0.
        mails_per_second: How fast those mails are sent meanwhile.
        seed: Decides all that is by chance.
    """

    design: Design = seat_ledger
    partitions: int
    people: int = 10_000
    seconds: float = 1.0
    capacity: int = 5_000
    functions: int = 100
    sold_before: int = 0
    is_known: bool = False
    shards: int = 16
    mails_per_second: float = 50.0
    seed: int = 1
    store: Store = field(init=False)
    sold_at: list[float] = field(factory=list, init=False)
    latencies: list[float] = field(factory=list, init=False)
    timed_out: int = field(default=0, init=False)
    _chance: Random = field(init=False)
    _waiting: deque[int] = field(factory=deque, init=False)
    _made: int = field(default=0, init=False)
    _idle: list[Function] = field(factory=list, init=False)
    _owed: deque[Row] = field(factory=deque, init=False)

    def run(self) -> Rush:
        """Let all come."""
        self._chance = Random(self.seed)
        clock = Clock()
        self.store = Store(clock, self.partitions, self.seed)
        self.store.rows["SEAT"].update(self._chance.sample(range(1, self.capacity + 1), self.sold_before))
        self.store.rows["SOLD_OUT"].update([""] * self.is_known)
        for number in range(self.people):
            clock.start(self._come(number), self.seconds * self._chance.random())
        if self.shards:
            clock.start(self._send(), 0)
        clock.run()
        self.latencies.sort()
        return self

    def sold_per_second(self, share: float = 1.0) -> float:
        """Return how many seats were sold in a second, until that share of those that were sold was."""
        count = round(share * len(self.sold_at))
        return count / self.sold_at[count - 1]

    def waited(self, share: float) -> float:
        """Return how long that share of all who were answered waited at most, in seconds."""
        return self.latencies[round(share * len(self.latencies)) - 1]

    def _come(self, number: int) -> Steps[None]:
        """Have a request served at once, or when one of the functions is done."""
        self._waiting.append(number)
        if not self._idle and self._made < self.functions:
            self._made += 1
            self._idle.append(Function(SeatMap(self._chance.random)))
        self._serve_next()
        yield from ()

    def _serve_next(self) -> None:
        if self._idle and self._waiting:
            clock = self.store.clock
            clock.start(self._serve(self._waiting.popleft(), self._idle.pop()), clock.now)

    def _serve(self, number: int, function: Function) -> Steps[None]:
        clock, shard = self.store.clock, None
        if self.shards:
            shard = f"{crc32(b'%d' % number) % self.shards:x}"
        row = Row(("REGISTRATION", number), shard)
        begun = clock.now
        try:
            has_seat = yield from self.design(Visit(self.store, self._chance, function, row, self.capacity, begun))
        except TimedOutError:
            self.timed_out += 1
        else:
            self.latencies.append(clock.now - begun)
            if has_seat:
                self.sold_at.append(clock.now)
                self._owed.append(row)
        self._idle.append(function)
        self._serve_next()

    def _send(self) -> Steps[None]:
        """Have a mail sent to who got a seat: count it, claim it, which moves it in the index, and mark it as sent."""
        clock, until = self.store.clock, self.seconds + _SECONDS_TO_STORE
        while clock.now < until or self._owed:
            if self._owed:
                row = self._owed.popleft()
                clock.start(self._send_to(row), clock.now)
            yield 1 / self.mails_per_second

    def _send_to(self, row: Row) -> Steps[None]:
        for changed, index_units in ((Row(("#mail", row.key)), 0.0), (row, 2.0), (row, 1.0)):
            is_done = False
            while not is_done:
                try:
                    yield from self.store.update(changed, index_units)
                    is_done = True
                except RefusedError:
                    yield _SECONDS_TO_STORE * self._chance.random()
