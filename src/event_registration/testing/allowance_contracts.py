"""What an `Outbox` promises of how many mails an address gets, as tests to inherit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from event_registration.mail import BUDGET, MailState
from event_registration.rules import attendee_digest

if TYPE_CHECKING:
    from event_registration.outbox import Outbox

__all__ = ["AllowanceContract"]

_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
_FAR = datetime(2030, 1, 1, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
_ADA = attendee_digest("ada@example.org")
_BOB = attendee_digest("bob@example.org")


class AllowanceContract:
    """What every `Outbox` promises of an address's day and of addresses that are blocked, for one caller at a time."""

    @pytest.fixture
    def outbox(self) -> Outbox:
        """Return what is owed in an empty repository."""
        raise NotImplementedError("override the fixture `outbox`")

    def test_counts_the_mails_of_a_day(self, outbox: Outbox) -> None:
        """An address gets so many mails and not one more, over all events; another address has its own day."""
        answers = [outbox.spend(_ADA, f"event-{number}#1", _NOW, limit=3) for number in range(5)]

        assert answers == [None, None, None, BUDGET, BUDGET]
        assert outbox.spend(_BOB, "event-0#1", _NOW, limit=3) is None

    def test_counts_a_debt_once(self, outbox: Outbox) -> None:
        """A mail that is tried again is not counted again, and is sent even if the day's others were."""
        for debt in ("spring#1", "spring#1", "spring#2", "spring#1"):
            assert outbox.spend(_ADA, debt, _NOW, limit=2) is None

        assert outbox.spend(_ADA, "spring#3", _NOW, limit=2) == BUDGET
        assert outbox.spend(_ADA, "spring#2", _NOW, limit=2) is None

    def test_looks_at_the_limit_that_is_given(self, outbox: Outbox) -> None:
        """A limit that is raised or lowered in the course of a day holds from then on."""
        assert [outbox.spend(_ADA, debt, _NOW, limit=1) for debt in "ab"] == [None, BUDGET]
        assert [outbox.spend(_ADA, debt, _NOW, limit=3) for debt in "bcd"] == [None, None, BUDGET]
        assert outbox.spend(_ADA, "e", _NOW, limit=2) == BUDGET

    def test_begins_anew_at_midnight(self, outbox: Outbox) -> None:
        """Days are those of UTC, in whatever zone the instant is given."""
        east = timezone(timedelta(hours=14))

        assert [outbox.spend(_ADA, debt, _MIDNIGHT - _MOMENT, limit=1) for debt in "ab"] == [None, BUDGET]
        assert outbox.spend(_ADA, "b", (_MIDNIGHT - _MOMENT).astimezone(east), limit=1) == BUDGET
        assert outbox.spend(_ADA, "b", _MIDNIGHT, limit=1) is None
        assert outbox.spend(_ADA, "c", _MIDNIGHT + timedelta(hours=23), limit=1) == BUDGET

    def test_is_not_fooled_by_a_clock_that_is_behind(self, outbox: Outbox) -> None:
        """Who still believes that it is the day before counts into the later day, and starts none anew."""
        assert outbox.spend(_ADA, "a", _MIDNIGHT, limit=2) is None

        behind = [outbox.spend(_ADA, debt, _MIDNIGHT - _MOMENT, limit=2) for debt in "bc"]

        assert behind == [None, BUDGET]
        assert outbox.spend(_ADA, "d", _MIDNIGHT + _MOMENT, limit=2) == BUDGET

    @pytest.mark.parametrize("state", [MailState.BOUNCED, MailState.COMPLAINED], ids=str)
    @pytest.mark.parametrize("spent", [[], ["spring#1", "spring#2"]], ids=["a stranger", "who got mails"])
    def test_sends_nothing_to_who_is_blocked(self, outbox: Outbox, state: MailState, spent: list[str]) -> None:
        """An address that is blocked gets no mail, not even one that was counted, then and ever after."""
        for debt in spent:
            outbox.spend(_ADA, debt, _NOW, limit=5)

        outbox.block(_ADA, state)
        outbox.block(_ADA, state)

        assert outbox.spend(_ADA, "spring#1", _NOW, limit=5) == state.value
        assert outbox.spend(_ADA, "summer#1", _FAR, limit=5) == state.value
        assert outbox.spend(_BOB, "spring#1", _NOW, limit=5) is None

    def test_sends_again_to_who_is_unblocked(self, outbox: Outbox) -> None:
        """An address that is unblocked gets mails as if it had got none that day; one that wasn't blocked, too."""
        assert outbox.spend(_ADA, "a", _NOW, limit=1) is None
        outbox.block(_ADA, MailState.COMPLAINED)

        outbox.unblock(_ADA)
        outbox.unblock(_ADA)
        outbox.unblock(_BOB)

        assert [outbox.spend(_ADA, debt, _NOW, limit=1) for debt in "bc"] == [None, BUDGET]
        assert outbox.spend(_BOB, "b", _NOW, limit=1) is None

    def test_remembers_a_block_over_other_addresses_days(self, outbox: Outbox) -> None:
        """What is forgotten of a day that is over is no block."""
        outbox.block(_ADA, MailState.BOUNCED)

        for day in range(5):
            assert outbox.spend(_BOB, "a", _NOW + timedelta(days=day), limit=1) is None

        assert outbox.spend(_ADA, "a", _NOW, limit=1) == MailState.BOUNCED.value
