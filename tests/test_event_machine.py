"""Every sequence of registering, cancelling, resizing and crashing leaves what a few lines of Python say."""

import functools
import itertools

import pytest
from attrs import evolve
from eventmodel import EventModel, seen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from lean import LeanClient

from event_registration.aws import DynamoDBEventRepository
from event_registration.errors import EventFullError
from event_registration.local import SQLiteEventRepository
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.testing import (
    Faults,
    KilledError,
    ManualClock,
    make_event,
    make_registration,
)

pytestmark = pytest.mark.unmeasured

PEOPLE = st.integers(0, 7).map("person{}@example.org".format)
SEATS = st.integers(1, 5)
# A registration makes up to a dozen calls, a resize more; None is no crash.
CRASHES = st.none() | st.tuples(st.integers(0, 12), st.booleans())
EVENT_IDS = itertools.count()


class Machine(RuleBasedStateMachine):
    """Drives a repository and the model side by side."""

    store = None  # makes the repository to drive and what crashes it

    def __init__(self):
        super().__init__()
        self.repository, self.crasher = self.store()
        self.event_id = f"machine-{next(EVENT_IDS)}"
        self.clock = ManualClock()
        self.service = EventRegistrationService(self.repository, None, clock=self.clock, cache_seconds=0.0)

    @initialize(capacity=SEATS, waitlist=st.booleans())
    def create(self, capacity, waitlist):
        """Set up the event."""
        self.repository.create_event(make_event(event_id=self.event_id, capacity=capacity, waitlist=waitlist))
        self.model = EventModel(capacity, waitlist=waitlist)

    @rule(person=PEOPLE, crash=CRASHES)
    def register(self, person, crash):
        """Register, or repeat."""

        def call():
            try:
                self.service.register(make_registration(event_id=self.event_id, attendee_email=person))
            except EventFullError:
                assert len(self.model.confirmed) >= self.model.capacity
                assert person not in self.model.confirmed

        self._do(call, crash, lambda model: model.register(person))

    @rule(person=PEOPLE, crash=CRASHES)
    def cancel(self, person, crash):
        """Cancel, and settle as everyone does who cancels."""
        registration = self.repository.find(self.event_id, person)

        def call():
            if registration is not None and self.repository.cancel(registration, self.clock()):
                self.repository.settle(self.event_id, self.clock())

        self._do(call, crash, lambda model: model.cancel(person))

    @rule(capacity=SEATS, crash=CRASHES)
    def resize(self, capacity, crash):
        """Raise or lower the capacity."""
        old = self.repository.find_event(self.event_id)
        new = evolve(old, event=evolve(old.event, capacity=capacity))

        def call():
            self.repository.change_event(old, new, self.clock())
            self.repository.settle(self.event_id, self.clock())

        self._do(call, crash, lambda model: model.resize(capacity))

    @rule()
    def settle_again(self):
        """Settle what is settled."""
        assert self.repository.settle(self.event_id, self.clock()) == 0

    def _do(self, call, crash, change):
        before, after = self.model.copy(), self.model.copy()
        change(after)
        if crash is None:
            call()
            self.model = after
            return
        with self.crasher(*crash):
            try:
                call()
                self.model = after
            except KilledError:
                self.model = None
        self.repository.settle(self.event_id, self.clock())
        if self.model is None:
            candidates = [model for model in (before, after) if model.seen() == seen(self.repository, self.event_id)]
            assert candidates, (
                f"after a crash: {seen(self.repository, self.event_id)}, neither {before.seen()} nor {after.seen()}"
            )
            self.model = candidates[0]

    @invariant()
    def agrees(self):
        """The repository says what the model says, and no two people have one seat."""
        if not hasattr(self, "model"):
            return
        assert seen(self.repository, self.event_id) == self.model.seen()
        seats = [each.seat for each in self.repository.list(self.event_id) if each.status is Status.CONFIRMED]
        assert len({*seats} - {None}) == len(self.model.confirmed)


class _KilledAtMethod:
    """Kills the caller at a method of the repository, before it begins or after it has returned."""

    def __init__(self, repository):
        self._repository = repository
        self._left = None

    def __call__(self, calls, carried_out):
        self._left, self._carried_out = calls, carried_out
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._left = None

    def __getattr__(self, name):
        method = getattr(self._repository, name)

        @functools.wraps(method)
        def call(*arguments, **options):
            is_last = self._left == 0
            self._left = None if self._left is None else self._left - 1
            if is_last and not self._carried_out:
                raise KilledError
            answer = method(*arguments, **options)
            if is_last:
                raise KilledError
            return answer

        return call


class _KilledAtCall:
    """Kills the caller at a call to DynamoDB, before it is sent or after it was carried out."""

    def __init__(self, client):
        self._faults = Faults(client)

    def __call__(self, calls, carried_out):
        self._faults.spare(calls)
        self._faults.kill(carried_out=carried_out)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._faults.forget()


def _run(store, examples):
    machine = type("StoredMachine", (Machine,), {"store": staticmethod(store)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def sqlite_store():
    """Return a function that makes a repository in memory and what kills its callers."""
    repositories = []

    def store():
        repositories.append(SQLiteEventRepository(":memory:"))
        repository = _KilledAtMethod(repositories[-1])
        return repository, repository

    yield store
    for repository in repositories:
        repository.close()


@pytest.fixture
def engine_store(engine_url, table):
    """Return a function that makes a repository on the engine and what kills its callers."""
    client = LeanClient(engine_url)
    crasher = _KilledAtCall(client)
    yield lambda: (DynamoDBEventRepository(client, table), crasher)
    client.close()


@pytest.mark.parametrize(
    ("kind", "examples"),
    [
        pytest.param("sqlite", 100, id="SQLite"),
        pytest.param("engine", 15, id="engine"),
        pytest.param("sqlite", 3000, id="SQLite, long", marks=pytest.mark.proof),
        pytest.param("engine", 400, id="engine, long", marks=pytest.mark.proof),
    ],
)
@pytest.mark.timeout(1800)
def test_agrees_with_the_model(request, kind, examples):
    """Whatever happens in whatever order, and wherever it crashes, the repository says what the model says."""
    _run(request.getfixturevalue(f"{kind}_store"), examples)
    print(f"{examples} sequences of up to 30 steps on {kind}: all as the model says")  # noqa: T201
