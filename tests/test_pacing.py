"""Pacing: never faster than the rate, never more than the day's quota, slower for a while after a throttle."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_registration.errors import ThrottledNotifierError, TransientNotifierError
from event_registration.pacing import Pacer, Quota
from event_registration.testing import at_once

SANDBOX = Quota(per_second=1, per_day=200, sent=0)
DAY = 24 * 3600
# Sums of floating-point seconds.
TOLERANCE = 1e-6


class World:
    """A clock that sleeping moves, a service that counts what was sent in 24 hours, and the pacer in between."""

    def __init__(self, quota, **options):
        self.now = 1000.0
        self.slept = []
        self.sent = []
        self.quota = quota
        self.earlier = quota.sent
        self.readings = 0
        self.fault = None
        self.meanwhile = None
        self.pacer = Pacer(self.read, monotonic=lambda: self.now, sleep=self.sleep, **options)

    def sleep(self, seconds):
        """Move the clock, after what happens meanwhile."""
        assert seconds > 0
        if self.meanwhile:
            self.meanwhile, others = None, self.meanwhile
            others()
        self.slept.append(seconds)
        self.now += seconds

    def read(self):
        """Return the quota with what the service has counted."""
        self.readings += 1
        if self.fault:
            raise self.fault
        sent = self.earlier + sum(instant > self.now - DAY for instant in self.sent)
        return Quota(self.quota.per_second, self.quota.per_day, sent)

    def send(self, deadline=None):
        """Send one mail, unless the pacer has none left; return whether."""
        try:
            self.pacer.wait(deadline)
        except ThrottledNotifierError:
            return False
        self.sent.append(self.now)
        return True


def _most_in_a_second(instants):
    return max(
        (sum(start - TOLERANCE < each < start + 1 - TOLERANCE for each in instants) for start in instants), default=0
    )


def test_the_first_mail_waits_for_nothing():
    """Whoever sends now and then never waits."""
    world = World(SANDBOX)

    for _ in range(3):
        world.send()
        world.now += 1

    assert (len(world.sent), world.slept) == (3, [])


def test_mails_are_spread_evenly():
    """As fast as can be sent is as fast as the rate, and no faster."""
    world = World(Quota(4, -1, 0))

    for _ in range(5):
        world.send()

    assert [later - earlier for earlier, later in pairwise(world.sent)] == [0.25] * 4


def test_an_idle_hour_gives_no_credit():
    """What was not sent in an hour is not sent at once after it."""
    world = World(SANDBOX)
    world.send()
    world.now += 3600

    for _ in range(5):
        world.send()

    assert _most_in_a_second(world.sent) == 1


pauses = st.lists(st.floats(0, 3), min_size=1, max_size=60)


@given(rate=st.sampled_from([0.5, 1, 3, 14, 200]), pauses=pauses, throttles=st.sets(st.integers(0, 59)))
def test_no_second_has_more_than_the_rate(rate, pauses, throttles):
    """Whatever the pauses between mails, and wherever the service throttles: no second has more than the rate."""
    world = World(Quota(rate, -1, 0), seconds=5)

    for number, pause in enumerate(pauses):
        world.send()
        world.now += pause / 10 if number % 3 else 0
        if number in throttles:
            world.pacer.slow_down()

    assert _most_in_a_second(world.sent) <= max(rate, 1)


@given(
    per_day=st.integers(0, 30),
    earlier=st.integers(0, 35),
    pauses=st.lists(st.floats(0, 100), min_size=1, max_size=60),
    seconds=st.sampled_from([1, 60, 10_000]),
)
def test_no_day_has_more_than_its_quota(per_day, earlier, pauses, seconds):
    """What others have sent and what was sent since counts; over the quota nothing is sent and nothing waited."""
    world = World(Quota(1000, per_day, earlier), seconds=seconds)

    for pause in pauses:
        before = world.now
        if not world.send():
            assert world.now == before
        world.now += pause

    assert len(world.sent) == min(len(pauses), max(0, per_day - earlier))


def test_the_sandbox():
    """The sandbox's 1 a second and 200 a day: 199 seconds for the first 200, and the rest as the day goes by."""
    world = World(SANDBOX)
    start = world.now

    first = [world.send() for _ in range(1000)]
    taken = world.now - start
    while len(world.sent) < 1000:
        if not world.send():
            world.now += 60

    assert (first.count(True), taken) == (200, 199)
    assert _most_in_a_second(world.sent) == 1
    assert max(sum(end - DAY < each <= end for each in world.sent) for end in world.sent) == 200
    assert world.now - start < 5 * DAY


def test_no_limit_a_day():
    """A quota of -1 is none."""
    world = World(Quota(1000, -1, 10_000_000))

    assert all(world.send() for _ in range(100))


@pytest.mark.parametrize("rate", [0, -1])
def test_an_account_that_may_not_send(rate):
    """A rate of nothing sends nothing, and divides by nothing."""
    world = World(Quota(rate, -1, 0))
    world.pacer.slow_down()

    sent = world.send()
    world.pacer.slow_down()

    assert not sent
    assert world.slept == []


def test_a_slot_after_the_deadline_is_left_to_others():
    """Who has no time for the next slot is told at once, and takes it from nobody."""
    world = World(SANDBOX)
    world.send()

    with pytest.raises(ThrottledNotifierError, match="no time"):
        world.pacer.wait(world.now + 0.5)
    refused_at = world.now
    world.send(deadline=world.now + 1)

    assert world.slept == [1]
    assert (refused_at, world.sent) == (1000.0, [1000.0, 1001.0])


def test_reads_the_quota_now_and_then():
    """A reading is good for its seconds, and another one is believed."""
    world = World(Quota(1000, 10, 9), seconds=60)
    refused = [world.send(), world.send()]
    read = world.readings
    world.quota = Quota(1000, 20, 9)
    world.now += 60

    assert (refused, read) == ([True, False], 1)
    assert world.send()
    assert world.readings == 2


def test_a_failing_reading_leaves_the_last_one():
    """While the quota can't be read, the last reading holds, with all that was sent since."""
    world = World(Quota(1000, 3, 0), seconds=60)
    world.send()
    world.fault = TransientNotifierError("can't be read")

    sent = []
    for _ in range(4):
        world.now += 60
        sent.append(world.send())

    assert sent == [True, True, False, False]
    assert world.readings == 5


def test_no_reading_at_all():
    """Without any reading nothing is sent, and the next call reads again."""
    world = World(SANDBOX)
    world.fault = TransientNotifierError("can't be read")

    with pytest.raises(TransientNotifierError, match="can't be read"):
        world.pacer.wait()
    world.fault = None

    assert world.send()


def test_a_throttle_halves_the_pace():
    """After a throttle the next mail waits two intervals, after another one four."""
    world = World(Quota(10, -1, 0))
    world.send()

    gaps = []
    for _ in range(2):
        world.pacer.slow_down()
        world.send()
        gaps.append(world.slept[-1])

    assert gaps == pytest.approx([0.2, 0.4], rel=0.02)


def test_the_pace_recovers():
    """Ten seconds after a throttle the pace is the quota's again, and not faster."""
    world = World(Quota(10, -1, 0))
    world.pacer.wait()
    world.pacer.slow_down()
    start = world.now

    while world.now < start + 30:
        world.send()

    early = [each for each in world.sent if each < start + 10]
    late = [each for each in world.sent if start + 11 <= each < start + 21]
    assert 50 < len(early) < 80
    assert len(late) == pytest.approx(100, abs=1)


def test_a_service_that_only_throttles_is_still_tried():
    """However often it throttles, the pace never falls below a sixty-fourth, and recovers within a minute."""
    world = World(Quota(1, -1, 0))
    world.send()
    for _ in range(1000):
        world.pacer.slow_down()

    world.send()
    slowest = world.slept[-1]
    world.now += 60
    world.send()
    before = world.now
    world.send()

    assert slowest == pytest.approx(64)
    assert world.now - before == pytest.approx(1)


def test_a_throttle_before_the_first_mail():
    """A throttle that others have met halves the pace before anything is known of the quota."""
    world = World(Quota(10, -1, 0))
    world.pacer.slow_down()

    world.send()
    world.send()

    assert world.slept == pytest.approx([0.2], rel=0.02)


def test_threads_share_the_pace():
    """Many threads get slots of their own, as many as there are, and the quota counts who still waits for one."""
    instants = []
    pacer = Pacer(lambda: Quota(200, 40, 0), seconds=0)

    def send(_number):
        try:
            pacer.wait()
        except ThrottledNotifierError:
            return
        instants.append(time.monotonic())

    at_once(*(lambda number=number: send(number) for number in range(30)))

    assert len(instants) == 30
    assert max(instants) - min(instants) >= 29 / 200 - 0.02


def test_a_new_reading_knows_nothing_of_who_waits():
    """A reading made while someone waits for a slot counts that one: it will have sent."""
    world = World(Quota(1, 3, 0), seconds=0)
    others = []
    world.send()
    world.send()
    world.meanwhile = lambda: others.append(world.send())

    world.send()

    assert (others, len(world.sent)) == ([False], 3)


def test_a_throttle_takes_no_slot_from_who_waits():
    """A throttle while two wait for the slots at one and two seconds leaves those to them; the next is at three."""
    world = World(Quota(1, -1, 0))
    world.pacer.wait()

    def wait_too():
        world.meanwhile = world.pacer.slow_down
        world.pacer.wait()

    world.meanwhile = wait_too
    world.pacer.wait()
    world.now = 1000.0
    world.pacer.wait()

    assert world.now == 1003.0
