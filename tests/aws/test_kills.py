"""
Killed with SIGKILL at any call to AWS, every operation leaves what others complete: nothing is lost, little is doubled.

No registration that was told is lost, and no mail. A mail is sent twice only if its sender was killed after sending it
and before marking it: as many are sent twice, at most, as there were such kills.
"""

from random import Random

import pytest
from attrs import astuple, evolve, frozen
from killing import KILLS, Fate, Journal, Strike
from killoperations import CASES
from killworld import OUTBOX, World

from event_registration.aws import DynamoDBEventRepository
from event_registration.aws.outbox import DynamoDBOutbox
from event_registration.mail import MailState

pytestmark = pytest.mark.unmeasured

_SEED = 2026


@frozen
class _Tally:
    """What was tried, and what came of it."""

    worlds: int = 0
    kills: int = 0
    unmarked: int = 0
    mails: int = 0
    duplicates: int = 0

    @classmethod
    def of(cls, world):
        """Return what happened in a world."""
        return cls(1, len(world.kills), world.unmarked, len(world.mails), world.duplicates)

    def __add__(self, other):
        """Return both together."""
        return _Tally(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


@pytest.fixture
def make_world(engine_url, engine_client, lean, make_table, tmp_path):
    """Return a function that makes a world in which something has happened already; the one before is over then."""
    made = []

    def end():
        for world in made:
            world.journal.close()
            engine_client.delete_table(TableName=world.table)
        made.clear()

    def make(case):
        end()
        operation, kind = case
        journal = Journal(tmp_path / "journal")
        made.append(World(engine_url, lean, make_table(engine_client), journal, kind))
        operation.arrange(made[0])
        return made[0]

    yield make
    end()


@pytest.fixture
def end_of(make_world):
    """Return a function that tells what a case comes to if other processes do all that is to be done, one by one."""

    def end_of(case, *acts):
        world = make_world(case)
        calls = [world.run(act) for act in acts]
        world.go_on()
        assert world.violations() == []
        assert world.duplicates == 0
        return sum(calls), world.outcome()

    return end_of


@pytest.fixture
def check(make_world, end_of):
    """Return a function that strikes at calls of a case, and tells what came of it."""

    def check(name, chosen):
        case = operation, _ = CASES[name]
        calls, done = end_of(case, operation.act)
        fair = [done, *(end_of(case, act)[1] for act in (lambda _: None, *operation.parts))]
        strikes = [Strike(call, fate) for call in range(1, calls + 1) for fate in Fate]
        tally = _Tally()
        for strike in chosen(strikes):
            world = make_world(case)

            world.run(operation.act, strike)

            # Before a call all is as after the one before it. So both are seen: that it is repeated, and that it isn't.
            is_repeated = strike.fate is Fate.KILLED_BEFORE or strike.call == calls
            if is_repeated:
                world.run(operation.act)
            world.go_on()
            assert world.violations() == [], str(strike)
            assert world.outcome() in ([done] if is_repeated or strike.fate is Fate.STOPPED else fair), str(strike)
            tally += _Tally.of(world)
        return tally

    return check


# One of each kind of operation, and a few others.
_ESSENTIAL = (
    "register to the last seat (inline)",
    "register two (outbox)",
    "come back (inline)",
    "register for any event (inline)",
    "cancel a seat (outbox)",
    "raise (outbox)",
    "tell that it moved (outbox)",
    "deliver confirmed (outbox)",
    "deliver beyond the budget (outbox)",
    "settle and sweep (outbox)",
    "take back a mail that bounced (outbox)",
    "retry (outbox)",
)
_SAMPLE = (*_ESSENTIAL, *Random(_SEED).sample([name for name in CASES if name not in _ESSENTIAL], 4))


@pytest.mark.parametrize("name", _SAMPLE)
def test_a_strike_at_some_call(check, name):
    """Killed, or stopped while others do the work, somewhere: all is well in the end."""
    tally = check(name, lambda strikes: Random(_SEED).sample(strikes, 3))

    assert tally.worlds == 3


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CASES)
def test_a_strike_at_every_call(check, name):
    """The same for every call, before and after it."""
    tally = check(name, lambda strikes: strikes)

    print(f"{name}: {tally}")  # noqa: T201


def _repair(process):
    """Do what the schedule asks for, some time later: claims of the dead are over."""
    process.clock.advance(minutes=5)
    process.work()


@pytest.fixture
def check_two(make_world, end_of):
    """Return a function that kills an operation of a case, and who repairs that; and tells what came of it."""

    def check_two(name, chance, *, seconds):
        case = operation, _ = CASES[name]
        calls, done = end_of(case, operation.act)
        fair = [done, *(end_of(case, act)[1] for act in (lambda _: None, *operation.parts))]
        first = Strike(chance.randint(1, calls), chance.choice(KILLS))
        how, again = chance.choice([("repeated", operation.act), ("repaired", _repair)])
        world = make_world(case)
        world.run(operation.act, first)
        more = world.run(again)
        tally = _Tally()
        for call in chance.sample(range(1, more + 1), min(seconds, more)):
            second = Strike(call, chance.choice(KILLS))
            world = make_world(case)

            world.run(operation.act, first)
            world.run(again, second)

            world.go_on()
            story = f"{name}: {first}; {how}, and that {second}"
            assert world.violations() == [], story
            assert world.outcome() in fair, story
            tally += _Tally.of(world)
        return tally

    return check_two


def _two_deep(check_two, cases, *, seconds):
    chance = Random(_SEED)
    total = _Tally()
    for _ in range(cases):
        total += check_two(chance.choice(list(CASES)), chance, seconds=seconds)
    return total


def test_two_kills(check_two):
    """Killed, and then who repairs it or repeats it killed too: all is well in the end."""
    total = _two_deep(check_two, 8, seconds=2)

    assert total.kills == 2 * total.worlds > 0


@pytest.mark.proof
@pytest.mark.timeout(7200)
def test_many_times_two_kills(check_two):
    """The same a thousand times."""
    total = _two_deep(check_two, 250, seconds=4)

    print(f"two kills deep: {total}")  # noqa: T201


class _Unclaiming(DynamoDBOutbox):
    """An outbox whose claims claim nothing."""

    def mark(self, registration, mail, *, deadline=None):
        """Remember as what it was read what is said to be claimed, and mark only what came of it."""
        if mail.state is MailState.CLAIMED:
            self._read = registration
            return True
        return super().mark(self._read, mail, deadline=deadline)


class _WritingTwice(DynamoDBEventRepository):
    """A repository that stores a registration, and then what it owes."""

    def admit(self, registration, listing, *, deadline=None):
        """Store it as somebody's who was mailed, then let it owe a mail."""
        mail = registration.mail
        stored = super().admit(evolve(registration, mail=mail.sent()), listing, deadline=deadline)
        if stored.registration_id != registration.registration_id:
            return stored
        owing = evolve(stored, mail=evolve(mail, kind=stored.mail.kind))
        return owing if self.replace(stored, owing, deadline=deadline) else stored


def _violations(make_world, name, kind):
    """Return what goes wrong if an operation is struck at any of its calls, and processes are of another kind."""
    operation, _ = CASES[name]
    world = make_world((operation, kind))
    strikes = [Strike(call, fate) for call in range(1, world.run(operation.act) + 1) for fate in Fate]
    found = set()
    for strike in strikes:
        world = make_world((operation, kind))
        world.run(operation.act, strike)
        world.go_on()
        found.update(world.violations())
    return found


def test_control_without_claims(make_world):
    """Control: where nobody claims, a sender that is stopped for a moment sends what another has sent."""
    kind = evolve(OUTBOX, outbox=_Unclaiming)

    found = _violations(make_world, "deliver confirmed (outbox)", kind)

    assert "1 mails were sent twice, and 0 not marked" in found


def test_control_with_a_second_write(make_world):
    """Control: where a registration's mail is owed by a write after the registration's, a kill between loses it."""
    kind = evolve(OUTBOX, repository=_WritingTwice)

    found = _violations(make_world, "register without a limit (outbox)", kind)

    assert found == {"ada@example.org does not know: confirmed"}
