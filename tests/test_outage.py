"""The mail service is down while ten people a second register, and slow after it: all hear, once, and in order."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from attrs import define, field

from event_registration.composing import Composer
from event_registration.errors import ThrottledNotifierError, TransientNotifierError
from event_registration.local import SQLiteEventRepository, SQLiteOutbox, SQLiteRepository
from event_registration.mail import MailState
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.pacing import Pacer, Quota
from event_registration.relay import Relay
from event_registration.service import RegistrationService
from event_registration.testing import ManualClock, make_event, make_registration

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = pytest.mark.unmeasured

_A_SECOND = 10
_SWEEP_SECONDS = 60


@define
class _MailService:
    """
    A `Notifier` that takes nothing at first, and then one mail a second.

    Args:
        clock: The virtual present.
        back_at: When it begins to take mails.
    """

    clock: ManualClock
    back_at: datetime
    messages: list = field(factory=list)
    throttled: int = 0
    _free_at: datetime | None = None

    def send(self, message):
        """Take *message*, or raise."""
        now = self.clock()
        if now < self.back_at:
            raise TransientNotifierError("The service is down.")
        if self._free_at and now < self._free_at:
            self.throttled += 1
            raise ThrottledNotifierError("One mail a second.")
        self._free_at = now + timedelta(seconds=0.99)
        self.messages.append(message)


class _Outage:
    """
    An event that people register for while no mail goes out; some cancel, and some of those come back.

    Args:
        minutes: How long it takes.
        paced: Whether mails are sent at the service's pace.
    """

    def __init__(self, minutes, *, paced=True):
        self.clock = ManualClock()
        self.people = 60 * minutes * _A_SECOND
        self.repository = SQLiteEventRepository(":memory:")
        self.repository.create_event(make_event(capacity=self.people // 2, waitlist=True))
        self.mails = _MailService(self.clock, self.clock() + timedelta(minutes=minutes))
        self.outbox = SQLiteOutbox(self.repository)
        self._service = EventRegistrationService(self.repository, None, clock=self.clock, monotonic=self._monotonic)
        pacer = Pacer(
            lambda: Quota(1, -1, 0),
            monotonic=self._monotonic,
            sleep=lambda seconds: self.clock.advance(seconds=seconds),
        )
        self._relay = Relay(
            self.outbox,
            self.mails,
            compose=Composer(self.repository, monotonic=self._monotonic),
            pacer=pacer if paced else None,
            clock=self.clock,
            monotonic=self._monotonic,
            chance=Random(1).random,
        )

    def run(self):
        """Let people come through the outage, and the relay try every minute."""
        for number in range(self.people):
            self._come(number)
            if number % _A_SECOND == 0:
                self.clock.advance(seconds=1)
            if number % (_A_SECOND * _SWEEP_SECONDS) == 0:
                self._relay.sweep(deadline=self._monotonic() + 1)

    def sweep(self, times):
        """Let the relay send, a minute at a time."""
        for _ in range(times):
            begun = self.clock()
            self._relay.sweep(deadline=self._monotonic() + _SWEEP_SECONDS)
            self.clock.now = max(self.clock(), begun + timedelta(seconds=_SWEEP_SECONDS))

    def by_person(self):
        """Return the numbers of the debts that each person was mailed about, in the order of the mails."""
        numbers = defaultdict(list)
        for message in self.mails.messages:
            numbers[message.to].append(int(message.reference.partition("-")[0]))
        return numbers

    def _come(self, number):
        """Let one register; of those who came half a minute ago a tenth cancels, of whom a fifth comes back."""
        self._register(number)
        earlier = number - 30 * _A_SECOND
        if earlier >= 0 and earlier % 10 == 3:
            row = self.repository.find("devconf-2026", _address(earlier))
            assert self.repository.cancel(row, self.clock())
            if earlier % 50 == 3:
                self._register(earlier)

    def _register(self, number):
        self._service.register(make_registration(attendee_email=_address(number)), deadline=self._monotonic() + 10)

    def _monotonic(self):
        return self.clock().timestamp()


def _address(number):
    return f"person{number}@example.org"


@pytest.fixture
def suffer():
    """Return a function that lets an outage happen, and returns what came of it."""
    outages = []

    def suffer(minutes, *, sweeps, **options):
        outages.append(_Outage(minutes, **options))
        outages[-1].run()
        outages[-1].sweep(sweeps)
        return outages[-1]

    yield suffer
    for outage in outages:
        outage.repository.close()


@pytest.mark.parametrize(
    "minutes", [1, pytest.param(60, id="an hour", marks=[pytest.mark.proof, pytest.mark.timeout(3600)])]
)
def test_everybody_hears(suffer, minutes):
    """Nobody is refused; when the service is back each hears what is true now, once, at its pace and in order."""
    outage = suffer(minutes, sweeps=12 * minutes)

    rows = {row.attendee_email: row.mail for row in outage.repository.list("devconf-2026")}
    numbers = outage.by_person()
    assert len(rows) == outage.people
    assert {mail.state for mail in rows.values()} == {MailState.SENT}
    assert {to: each[-1] for to, each in numbers.items()} == {to: mail.number for to, mail in rows.items()}
    assert all(each == sorted(set(each)) for each in numbers.values())
    assert outage.mails.throttled == 0


def test_keeps_the_order_of_two_mails(suffer):
    """Who was mailed, and cancels before all others were, is mailed about that later."""
    outage = suffer(1, sweeps=5)
    mailed = [outage.repository.find("devconf-2026", to) for to in outage.by_person()]
    leaving = [row for row in mailed if row.status is not Status.CANCELLED]
    for row in leaving:
        outage.repository.cancel(row, outage.clock())

    outage.sweep(15)

    numbers = outage.by_person()
    assert all(each == sorted(set(each)) for each in numbers.values())
    assert {len(numbers[row.attendee_email]) for row in leaving} == {2}


def test_control_without_pace(suffer):
    """Control: a relay that sends as fast as it can is throttled, and sends less."""
    paced, hasty = (suffer(1, sweeps=5, paced=is_paced) for is_paced in (True, False))

    assert hasty.mails.throttled > 0
    assert len(hasty.mails.messages) < len(paced.mails.messages) / 2


def test_control_without_outbox():
    """Control: where only who registers is mailed, in that very call, nobody hears who came while it was down."""
    clock = ManualClock()
    repository = SQLiteRepository(":memory:")
    mails = _MailService(clock, clock() + timedelta(minutes=1))
    service = RegistrationService(repository, mails, clock=clock)

    for number in range(60):
        service.register(make_registration(attendee_email=_address(number)))
        clock.advance(seconds=2)

    repository.close()
    assert 0 < len(mails.messages) <= 30
