"""Two operations of which one happens entirely within the other come to the same as one after the other."""

import itertools
import random

import pytest
from attrs import evolve
from eventmodel import EventModel, seen
from lean import LeanClient

from event_registration.aws import DynamoDBEventRepository
from event_registration.errors import EventChangeError, EventFullError
from event_registration.managed import EventRegistrationService
from event_registration.testing import Faults, ManualClock, make_event, make_registration

CLOCK = ManualClock()
OPERATIONS = (
    *("register new", "register other", "register ada", "cancel ada", "cancel bob", "settle"),
    *("resize 1", "resize 2", "resize 4", "resize 6"),
)
# How each event came to be as it is when the two operations begin; "!" leaves out the settling after it.
HISTORIES = {
    "unsold seats": (5, ["register ada", "register bob"]),
    "sold out": (2, ["register ada", "register bob"]),
    "some wait": (2, ["register ada", "register bob", "register cy", "register dan"]),
    "a seat is free and some wait": (3, [*(f"register {n}" for n in ("ada", "bob", "cy", "dan", "eve")), "cancel cy!"]),
    "a seat is free": (3, [*(f"register {n}" for n in ("ada", "bob", "cy")), "cancel cy"]),
    "lowered": (4, [*(f"register {n}" for n in ("ada", "bob", "cy", "dan", "eve")), "resize 2"]),
    "lowered, and a seat is free": (
        4,
        [*(f"register {n}" for n in ("ada", "bob", "cy", "dan")), "resize 3", "cancel cy!"],
    ),
    "raised": (2, [*(f"register {n}" for n in ("ada", "bob", "cy")), "resize 5"]),
    "lowered and raised": (4, [*(f"register {n}" for n in ("ada", "bob", "cy", "dan")), "resize 1", "resize 3"]),
}
_MOST_CALLS = 40
_SEED = 2026
CASES = [
    (history, waitlist, outer, inner)
    for history, waitlist, (outer, inner) in itertools.product(
        HISTORIES, (True, False), itertools.product(OPERATIONS, OPERATIONS)
    )
]
# The pairs that found defects or show a guard, and a few others.
SAMPLE = [
    ("a seat is free", False, "resize 2", "resize 6"),
    ("a seat is free and some wait", True, "resize 2", "resize 6"),
    ("lowered, and a seat is free", True, "settle", "resize 6"),
    ("lowered, and a seat is free", False, "register new", "settle"),
    ("unsold seats", True, "resize 1", "register new"),
    *random.Random(_SEED).sample(CASES, 4),
]


class _World:
    """An event on the engine, the model of it, and a second caller who may be interrupted."""

    def __init__(self, clients, table, number, history, *, waitlist):
        self.event_id = f"interleaving-{number}"
        self.faults = clients["faults"]
        self.repositories = [DynamoDBEventRepository(clients[name], table) for name in ("steady", "interrupted")]
        capacity, past = HISTORIES[history]
        self.model = EventModel(capacity, waitlist=waitlist)
        self.repositories[0].create_event(make_event(event_id=self.event_id, capacity=capacity, waitlist=waitlist))
        for each in past:
            self.carry_out(each, 0)
            self.model = modelled(self.model, each)

    def carry_out(self, operation, caller):
        """Do one thing as the service does it; tell whether it was refused for another's change."""
        repository = self.repositories[caller]
        verb, _, rest = operation.rstrip("!").partition(" ")
        if verb == "register":
            service = EventRegistrationService(repository, None, clock=CLOCK, cache_seconds=0.0)
            try:
                service.register(make_registration(event_id=self.event_id, attendee_email=f"{rest}@example.org"))
            except EventFullError:
                return False
        elif verb == "cancel":
            is_cancelled = False
            while not is_cancelled:  # who was given another seat meanwhile is looked at again, as the organiser does
                found = repository.find(self.event_id, f"{rest}@example.org")
                is_cancelled = found is None or repository.cancel(found, CLOCK())
        elif verb == "resize":
            old = repository.find_event(self.event_id)
            try:
                repository.change_event(old, evolve(old, event=evolve(old.event, capacity=int(rest))), CLOCK())
            except EventChangeError:
                return True
        if not operation.endswith("!"):
            repository.settle(self.event_id, CLOCK())
        return False


def modelled(model, operation):
    """Return what the model is after an operation."""
    model = model.copy()
    verb, _, rest = operation.rstrip("!").partition(" ")
    if verb == "register":
        model.register(f"{rest}@example.org")
    elif verb == "cancel":
        model.confirmed.discard(f"{rest}@example.org")
        model.waiting = [each for each in model.waiting if each != f"{rest}@example.org"]
    elif verb == "resize":
        model.capacity = int(rest)
    elif verb == "promote":
        model.settle(1)
    if not operation.endswith("!") and verb != "promote":
        model.settle()
    return model


def _after(model, operations):
    for each in operations:
        model = modelled(model, each)
    return model.seen()


@pytest.fixture
def clients(engine_url):
    """Return two clients of the engine, and what interrupts the second one."""
    made = {name: LeanClient(engine_url) for name in ("steady", "interrupted")}
    yield made | {"faults": Faults(made["interrupted"])}
    for client in made.values():
        client.close()


_NUMBERS = itertools.count()


def _check(clients, table, case):
    """Try the inner operation at every call of the outer one; return how many there were."""
    history, waitlist, outer, inner = case
    for call in range(_MOST_CALLS):
        world = _World(clients, table, next(_NUMBERS), history, waitlist=waitlist)
        refused = {}
        world.faults.spare(call)
        world.faults.meanwhile(lambda world=world, refused=refused: refused.update(inner=world.carry_out(inner, 0)))

        refused["outer"] = world.carry_out(outer, 1)

        world.faults.forget()
        if "inner" not in refused:  # the outer one was over before
            return call
        world.repositories[0].settle(world.event_id, CLOCK())
        inside = [] if refused["inner"] else [inner]
        around = [] if refused["outer"] else [outer]
        # The outer one's last act is to settle, a seat at a time; some may be left when the inner one comes.
        begun = [f"{each.rstrip('!')}!" for each in around]
        orders = [inside + around] + [
            [*begun, *["promote"] * seats, *inside] for seats in range(len(HISTORIES[history][1]) + 1)
        ]
        expected = [_after(world.model, [*order, "settle"]) for order in orders]
        actual = seen(world.repositories[0], world.event_id)
        assert actual in expected, f"{inner!r} at call {call} of {outer!r}, {history}: {actual} is none of {expected}"
    raise AssertionError(f"{outer!r} makes more than {_MOST_CALLS} calls")


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_one_within_another(clients, table, case):
    """Wherever one operation happens within another, the event is as after one order of the two."""
    assert _check(clients, table, case) > 0


@pytest.mark.proof
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("history", HISTORIES)
def test_any_within_any(clients, table, history):
    """The same for every two operations on an event of this history."""
    cases = [case for case in CASES if case[0] == history]

    interleavings = sum(_check(clients, table, case) for case in cases)

    print(f"{history}: {len(cases)} pairs, {interleavings} interleavings, each as after one order of the two")  # noqa: T201
