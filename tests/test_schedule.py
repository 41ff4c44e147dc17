"""A call's time is divided so that each step ends before the next, and all before the answer."""

import math

import pytest

from event_registration.schedule import Schedule


def test_without_a_deadline_there_is_time_for_everything():
    """A call without a deadline is bound by the adapters' patience only."""
    schedule = Schedule.until(None, 1000.0)

    assert schedule == Schedule(store_by=None, send_before=math.inf, mark_before=math.inf)
    assert schedule.mark_by(1000.0) is None


@pytest.mark.parametrize(
    ("seconds", "store_by", "send_before", "mark_before"),
    [
        (900, 894.0, 896.5, 897.0),
        (10, 4.0, 6.5, 7.0),
        (5, 2.0, 3.25, 3.5),
        (1, 0.4, 0.5, 0.7),
        (0, 0.0, -0.5, 0.0),
        (-10, -4.0, -10.5, -7.0),
    ],
    ids=lambda value: f"{value}",
)
def test_time_is_divided_from_its_end(seconds, store_by, send_before, mark_before):
    """From ten seconds on each step has its full share; a shorter time is shared in proportion, a past one is past."""
    now = 1000.0

    schedule = Schedule.until(now + seconds, now)

    steps = (schedule.store_by, schedule.send_before, schedule.mark_before)
    assert [step - now for step in steps] == pytest.approx([store_by, send_before, mark_before])


def test_a_mark_has_two_and_a_half_seconds():
    """A mark that begins now is over two and a half seconds later, where there is a deadline at all."""
    assert Schedule.until(1030.0, 1000.0).mark_by(1007.0) == 1009.5


def test_all_but_the_answer_ends_before_it():
    """What comes before a mail ends when mails are begun last, and all but the answer half a second before the end."""
    schedule = Schedule.until(1030.0, 1000.0)

    assert (schedule.send_by, schedule.answer_by, schedule.deadline) == (1026.5, 1029.5, 1030.0)
    assert (Schedule().send_by, Schedule().answer_by, Schedule().deadline) == (None, None, None)
