"""One round of a rush for the last seats, and what must be true after it."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import Factory, evolve, field, frozen

from event_registration.errors import EventChangeError, EventFullError, RepositoryError, RepositoryUnavailableError
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.testing import (
    KilledError,
    ManualClock,
    at_once,
    make_event,
    make_registration,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from event_registration.ports import EventRepository

_TRIES = 8
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_EVENTS = itertools.count()


@frozen(kw_only=True)
class Told:
    """What a person was told, and when by the monotonic clock."""

    email: str
    status: Status
    begun: float
    answered: float


@frozen(kw_only=True)
class Rush:
    """
    Many people at once, and an organiser among them.

    Args:
        clean: A repository without faults, on the same store.
        repository: What everyone uses; it may fail in every way.
        chance: Decides who does what.
        people: How many ask for a seat.
        capacity: How many seats there are.
        waitlist: Whether the others wait.
        cancels: How many of those who were told yes are cancelled meanwhile.
        sizes: The capacities that the organiser changes it to, one after the other.
        threads: How many ask at once.
    """

    clean: EventRepository
    repository: EventRepository
    chance: random.Random
    people: int = 64
    capacity: int = 5
    waitlist: bool = True
    cancels: int = 4
    sizes: tuple[int, ...] = ()
    threads: int = 64
    event_id: str = Factory(lambda: f"rush-{next(_EVENTS)}")
    told: list[Told] = field(factory=list)
    refused: list[str] = field(factory=list)
    misread: list[str] = field(factory=list)
    stuck: list[str] = field(factory=list)
    cancelled: set[str] = field(factory=set)

    def run(self) -> None:
        """Let everybody act at once, then settle once without any fault."""
        event = make_event(event_id=self.event_id, capacity=self.capacity, waitlist=self.waitlist)
        self.clean.create_event(event)
        service = self.service(self.repository)
        people = iter([f"person{n}@example.org" for n in range(self.people)])
        lock = threading.Lock()

        def ask() -> None:
            while True:
                with lock:
                    email = next(people, None)
                if email is None:
                    return
                self._ask(service, email)

        calls: list[Callable[[], None]] = [ask] * min(self.threads, self.people)
        calls += [self._cancel_some] * (self.cancels > 0) + [self._resize] * bool(self.sizes)
        at_once(*calls)
        self.settle()

    def service(self, repository: EventRepository) -> EventRegistrationService:
        """Return a service on *repository* that leaves mails due."""
        return EventRegistrationService(repository, None, clock=ManualClock(NOW))

    def settle(self) -> None:
        """Settle once, as the schedule does."""
        try:
            self.clean.settle(self.event_id, NOW)
        except RepositoryUnavailableError:
            self.stuck.append("settling never ends")

    def violations(self) -> list[str]:
        """Return what is wrong; each sentence says how."""
        listing = self.clean.find_event(self.event_id)
        rows = {each.attendee_email: each for each in self.clean.list(self.event_id)}
        confirmed = [each for each in rows.values() if each.status is Status.CONFIRMED]
        waiting = [each for each in rows.values() if each.status is Status.WAITLISTED]
        capacity, most = listing.event.capacity, max(self.capacity, *self.sizes, 0)
        wrong = self.stuck + [f"{each} was told yes and is not there" for each in self.misread]
        if waiting and len(confirmed) < capacity:
            wrong.append(f"{len(confirmed)} have the {capacity} seats, and {len(waiting)} wait")
        if len(confirmed) > capacity >= self.capacity:
            wrong.append(f"{len(confirmed)} have the {capacity} seats")
        if len(confirmed) > most:
            wrong.append(f"{len(confirmed)} are confirmed and there never were more than {most} seats")
        if self.refused and not self.cancelled and not self.sizes and len(confirmed) < capacity:
            wrong.append(f"{len(self.refused)} were told that it is full, and {len(confirmed)} are confirmed")
        if len({each.seat for each in confirmed} - {None}) != len(confirmed):
            wrong.append("two people have one seat, or one has none")
        for each in self.told:
            row = rows.get(each.email)
            if row is None:
                wrong.append(f"{each.email} was told {each.status} and is not stored")
            elif row.status is Status.CANCELLED and each.email not in self.cancelled:
                wrong.append(f"{each.email} was told {each.status} and is cancelled by nobody")
            elif row.status is Status.WAITLISTED and each.status is Status.CONFIRMED:
                wrong.append(f"{each.email} was told confirmed and waits")
        return wrong + self._overtaken(rows)

    def _overtaken(self, rows) -> list[str]:
        told = [each for each in self.told if each.email in rows]
        still = [each for each in told if rows[each.email].status is Status.WAITLISTED]
        served = [each for each in told if rows[each.email].status is Status.CONFIRMED]
        return [
            f"{late.email} has overtaken {early.email}"
            for early in still
            for late in served
            if early.answered < late.begun
        ]

    def _ask(self, service: EventRegistrationService, email: str) -> None:
        """Ask until there is an answer; a killed invocation is begun anew by one person in two."""
        begun = time.monotonic()  # a try that was killed may have stored the person
        for _ in range(_TRIES):
            try:
                receipt = service.register(make_registration(event_id=self.event_id, attendee_email=email))
            except RepositoryUnavailableError:
                continue
            except EventFullError:
                self.refused.append(email)
                return
            except KilledError:
                if self.chance.random() < 0.5:
                    return
                continue
            answered = time.monotonic()
            status = receipt.registration.status
            row = self.clean.find(self.event_id, email)
            if row is None or (row.status is not status and email not in self.cancelled and row.place is None):
                self.misread.append(email)
            self.told.append(Told(email=email, status=status, begun=begun, answered=answered))
            return

    def _cancel_some(self) -> None:
        for _ in range(self.cancels):
            told: list[str] = []
            for _ in range(100):
                time.sleep(0.02 * self.chance.random())
                if told := [each.email for each in list(self.told) if each.email not in self.cancelled]:
                    break
            else:
                return
            email = self.chance.choice(told)
            self.cancelled.add(email)
            try:
                row = self.clean.find(self.event_id, email)
                if row and self.repository.cancel(row, NOW):
                    self.repository.settle(self.event_id, NOW)
            except (RepositoryError, KilledError):
                continue

    def _resize(self) -> None:
        for size in self.sizes:
            time.sleep(0.05 * self.chance.random())
            try:
                old = self.clean.find_event(self.event_id)
                new = evolve(old, event=evolve(old.event, capacity=size))
                self.repository.change_event(old, new, NOW)
                self.repository.settle(self.event_id, NOW)
            except (EventChangeError, RepositoryError, KilledError):
                continue
