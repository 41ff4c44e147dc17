"""Many at once for the last seats, with everything failing: exactly the capacity is confirmed, in order."""

import functools
import random
import re
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager

import boto3
import engine
import npm
import pytest
from attrs import evolve
from lastseats import Rush
from lean import LeanClient

from event_registration.aws import DynamoDBEventRepository
from event_registration.aws.seats import Seats
from event_registration.errors import RepositoryUnavailableError
from event_registration.local import SQLiteEventRepository, SQLiteRepository
from event_registration.model import Status
from event_registration.testing import Conflicts, Faults, KilledError

pytestmark = pytest.mark.unmeasured

ROUNDS = [pytest.param(4, id="4 rounds"), pytest.param(200, id="200 rounds", marks=pytest.mark.proof)]
FULL_SIZE = [
    pytest.param(300, 1, id="300 people, 1 round"),
    pytest.param(1000, 1000, id="1000 people, 1000 rounds", marks=[pytest.mark.proof, pytest.mark.timeout(4 * 3600)]),
]
CONTROL_SECONDS = 60


def _hurried(seconds):
    """Pause a tenth of what a function would: the engine is near, and there are many rounds."""
    time.sleep(seconds / 10)


class _FailingCalls:
    """A repository whose calls fail or are the caller's last, half of them after they were carried out."""

    def __init__(self, repository, chance, share, killed):
        self._repository = repository
        self._chance = chance
        self._share = share
        self._killed = killed

    def __getattr__(self, name):
        method = getattr(self._repository, name)

        @functools.wraps(method)
        def call(*arguments, **options):
            fault = self._fault()
            is_carried_out = self._chance.random() < 0.5
            if fault and not is_carried_out:
                raise fault
            answer = method(*arguments, **options)
            if fault:
                raise fault
            return answer

        return call

    def _fault(self):
        if self._chance.random() < self._killed:
            return KilledError()
        return RepositoryUnavailableError("injected") if self._chance.random() < self._share else None


@pytest.fixture
def fresh_engine(tmp_path):
    """
    Return a function that starts an engine, makes a table there, and returns both; the engine before is ended.

    An engine remembers the tokens of all transactions for minutes, and after fifty rounds takes seven times as long for
    each.
    """
    try:
        program = engine.binary()
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    with ExitStack() as running:

        def start(make_table):
            running.close()
            url = running.enter_context(contextmanager(engine.run)(program, tmp_path / "log"))
            return url, make_table(url)

        yield start


@pytest.fixture
def make_engine(request, fresh_engine, make_table, aws_credentials):
    """Return a function that makes two repositories on an engine: one that works, and one that fails in every way."""

    def table_at(url):
        client = boto3.client("dynamodb", endpoint_url=url, **aws_credentials)
        with closing(client):
            return make_table(client)

    def make(chance, *, kind=DynamoDBEventRepository, wrap=lambda client: client, share=0.1, killed=0.1):
        opened = ExitStack()
        request.addfinalizer(opened.close)
        refused = []

        def stores():
            # New ones for each round: what a repository remembers of seats is not to help.
            opened.close()
            url, table = fresh_engine(table_at)
            clean, failing = (opened.enter_context(closing(LeanClient(url))) for _ in range(2))
            Faults(failing).at_random(share, chance, killed=killed)
            conflicts = opened.enter_context(closing(Conflicts(failing, send=failing.send)))
            opened.callback(lambda: refused.append(conflicts.refused))
            return kind(clean, table), kind(wrap(failing), table, sleep=_hurried)

        return stores, lambda: sum(refused)

    return make


@pytest.fixture
def make_sqlite(request, tmp_path):
    """Return a function that does the same on SQLite."""

    def make(chance, *, kind=SQLiteEventRepository, share=0.1, killed=0.1):
        repository = kind(tmp_path / "registrations.db", patience=120)  # many threads for one lock, which isn't fair
        request.addfinalizer(repository.close)
        return lambda: (repository, _FailingCalls(repository, chance, share, killed)), lambda: 0

    return make


@pytest.fixture(params=["sqlite", "engine"])
def make_stores(request):
    """Return the function for each kind."""
    return request.getfixturevalue(f"make_{request.param}")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_the_last_seats(make_stores, rounds):
    """Of 64 at once with calls failing and callers killed, as many as there are seats are confirmed, in order."""
    chance = random.Random(2026)
    stores, refused = make_stores(chance)
    figures = Counter()
    for number in range(rounds):
        clean, failing = stores()
        rush = Rush(
            clean=clean,
            repository=failing,
            chance=chance,
            waitlist=number % 4 != 3,
            sizes=[(), (3, 7), (8,), (2,)][chance.randrange(4)],
        )

        rush.run()

        assert rush.violations() == []
        figures += Counter(told=len(rush.told), full=len(rush.refused), cancelled=len(rush.cancelled))
    print(f"{rounds} rounds of 64 for 5 seats: {dict(figures)}, {refused()} conflicts; violations 0")  # noqa: T201


@pytest.mark.parametrize(("people", "rounds"), FULL_SIZE)
def test_a_large_event(make_stores, people, rounds):
    """Of many people with calls failing, nine tenths get the seats that there are, and the others wait."""
    chance = random.Random(2026)
    stores, _ = make_stores(chance, share=0.02, killed=0.02)
    told = 0
    for number in range(1, rounds + 1):
        clean, failing = stores()
        rush = Rush(clean=clean, repository=failing, chance=chance, people=people, capacity=people * 9 // 10)

        rush.run()

        assert rush.violations() == []
        told += len(rush.told)
        if number % 50 == 0 or number == rounds:  # it takes hours: whoever watches sees how far it is
            print(f"{number} of {rounds} rounds of {people} people: {told} told, violations 0", flush=True)  # noqa: T201


class _WithoutCondition:
    """A client that sells a seat whoever has it."""

    def __init__(self, client):
        self._client = client

    def transact_write_items(self, *, TransactItems, **options):  # noqa: N803 - boto3's names
        for item in TransactItems:
            if "SEAT#" in item.get("Put", {}).get("Item", {}).get("sk", {}).get("S", ""):
                for name in ("ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"):
                    item["Put"].pop(name, None)
        return self._client.transact_write_items(TransactItems=TransactItems, **options)

    def __getattr__(self, name):
        return getattr(self._client, name)


class _HandOverInTwo(_WithoutCondition):
    """A client that hands a seat on in two transactions: first the person, then what the ledger says."""

    def transact_write_items(self, *, TransactItems, ClientRequestToken):  # noqa: N803 - boto3's names
        deleted = str([item.get("Delete") for item in TransactItems])
        is_hand_over = "FREE#" in deleted and "WAITLIST#" in deleted
        parts = [TransactItems[:1], TransactItems[1:]] if is_hand_over else [TransactItems]
        for number, part in enumerate(parts):
            token = f"{ClientRequestToken[:-1]}{number}"
            self._client.transact_write_items(TransactItems=part, ClientRequestToken=token)


class _PastTheQueue(DynamoDBEventRepository):
    """A repository that lets a newcomer have any free seat."""

    @functools.cached_property
    def _seats(self):
        class Impolite(Seats):
            def first_unclaimed(self, listing, deadline):
                return self.first_free(listing.event.event_id, deadline)

        return Impolite(self._table)


class _NeverSettles(DynamoDBEventRepository):
    """A repository that nobody settles."""

    def settle(self, *_, **__):
        return 0


class _NeverSettlesSQLite(SQLiteEventRepository):
    """The same on SQLite."""

    def settle(self, *_, **__):
        return 0


class _ForgetsToCount(SQLiteEventRepository):
    """A repository that looks for a seat in one transaction and takes it in another."""

    def admit(self, registration, listing, *, deadline=None):
        if self.prospect(listing) is not Status.CONFIRMED:
            return super().admit(registration, listing, deadline=deadline)
        time.sleep(0.001)  # what another thread needs to look too
        return SQLiteRepository.add(self, evolve(registration, seat=None), deadline=deadline)


CONTROLS = {
    "condition dropped": ("make_engine", {"wrap": _WithoutCondition}, {}, "have the"),
    "hand-over split in two": ("make_engine", {"wrap": _HandOverInTwo}, {"cancels": 12}, "never ends"),
    # A few at a time, so that some still come when others wait and a third cancels.
    "freed seats sold past the queue": (
        "make_engine",
        {"kind": _PastTheQueue, "share": 0.02, "killed": 0.02},
        {"threads": 6, "cancels": 12},
        "overtaken",
    ),
    "settle left out": ("make_engine", {"kind": _NeverSettles}, {}, "wait"),
    "settle left out on SQLite": ("make_sqlite", {"kind": _NeverSettlesSQLite}, {}, "wait"),
    "looks first on SQLite": ("make_sqlite", {"kind": _ForgetsToCount}, {}, "have the|one seat"),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_caught(request, name):
    """Without one of its protections the same rush is seen to go wrong within a minute."""
    fixture, repository, options, sign = CONTROLS[name]
    chance = random.Random(2026)
    stores, _ = request.getfixturevalue(fixture)(chance, **repository)
    give_up_at = time.monotonic() + CONTROL_SECONDS
    found = ""
    while not re.search(sign, found) and time.monotonic() < give_up_at:
        clean, failing = stores()
        rush = Rush(clean=clean, repository=failing, chance=chance, **options)

        rush.run()

        found = "; ".join(rush.violations())

    assert re.search(sign, found)
