"""How many mails one address may get."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from event_registration.allowance import Allowance
from event_registration.mail import BUDGET

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRIES = st.lists(
    st.tuples(st.integers(0, 3 * 24 * 60), st.sampled_from("abcdefgh")).map(
        lambda pair: (NOW + timedelta(minutes=pair[0]), pair[1])
    ),
    max_size=60,
)


@given(TRIES, st.integers(1, 5))
def test_no_day_has_more_than_the_limit(tries, limit):
    """Whatever is tried in whatever order, no more different mails go out in a day than the limit."""
    allowance = Allowance()
    paid = {}

    for now, debt in tries:
        if allowance.refusal(debt, now, limit) is None:
            allowance = allowance.spent(debt, now)
            paid.setdefault(allowance.day, set()).add(debt)

    assert max(map(len, paid.values()), default=0) <= limit


@given(TRIES)
def test_counting_again_changes_nothing(tries):
    """A mail that was counted is counted, and may be paid whatever the limit."""
    allowance = Allowance()
    for now, debt in tries:
        allowance = allowance.spent(debt, now)

        assert allowance.spent(debt, now) == allowance
        assert allowance.refusal(debt, now, 0) is None


def test_a_block_comes_first():
    """An address that is blocked is told that, whatever it got, and counting doesn't unblock it."""
    blocked = Allowance(day="2026-03-01", debts=frozenset({"a"}), blocked="bounced")

    assert blocked.refusal("a", NOW, 5) == "bounced"
    assert blocked.spent("b", NOW).blocked == blocked.spent("b", NOW + timedelta(days=1)).blocked == "bounced"


def test_an_unused_allowance_has_no_day():
    """Who got no mail yet may get any, up to the limit."""
    assert Allowance().refusal("a", NOW, 1) is None
    assert Allowance().refusal("a", NOW, 0) == BUDGET


def test_is_forgotten_a_day_after_it_is_over():
    """What was counted is needed until no clock can believe any more that it is that day."""
    assert Allowance().spent("a", NOW).forgotten_at == datetime(2026, 3, 3, tzinfo=UTC)
