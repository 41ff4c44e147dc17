"""What an `Outbox` promises, as tests to inherit."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from event_registration.errors import UnreadableRowError
from event_registration.mail import BUDGET, Mail, MailKind, MailState
from event_registration.model import Status
from event_registration.outbox import Debtor
from event_registration.rules import attendee_digest
from event_registration.testing.allowance_contracts import AllowanceContract
from event_registration.testing.doubles import at_once, make_registration

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.model import Registration
    from event_registration.outbox import Outbox
    from event_registration.ports import RegistrationRepository

__all__ = ["ConcurrentOutboxContract", "OutboxContract"]

_NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_MOMENT = timedelta(microseconds=1)
_LEASE = timedelta(minutes=2)
_ADA = attendee_digest("ada@example.org")
_BOB = attendee_digest("bob@example.org")
_THREADS = 16
_FAR = datetime(2030, 1, 1, tzinfo=UTC)


def _owing(mail: Mail, name: str = "ada", **changes: Any) -> Registration:  # noqa: ANN401 - the fields differ in type
    return make_registration(attendee_name=name, attendee_email=f"{name}@example.org", mail=mail, **changes)


def _debtor(registration: Registration) -> Debtor:
    return Debtor(registration.event_id, attendee_digest(registration.attendee_email))


class OutboxContract(AllowanceContract):
    """
    What every `Outbox` promises, for one caller at a time.

    Inherit from it and override the fixtures. People are known by `attendee_digest`.
    """

    @pytest.fixture
    def repository(self) -> RegistrationRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    @pytest.fixture
    def outbox(self) -> Outbox:
        """Return what is owed in *repository*."""
        raise NotImplementedError("override the fixture `outbox`")

    @pytest.fixture
    def spoil(self) -> Callable[[Debtor], None]:
        """Return a function that makes a row in *repository* one that is no registration, and leaves what it owes."""
        raise NotImplementedError("override the fixture `spoil`")

    @pytest.mark.parametrize(
        ("state", "due_at", "times"),
        [
            *((state, at, 1) for state in ("due", "claimed", "retry") for at in (_NOW, _NOW - timedelta(days=400))),
            *((state, _NOW + _MOMENT, 0) for state in ("due", "claimed", "retry")),
            *((state, None, 0) for state in ("sent", "failed", "bounced", "complained")),
        ],
        ids=str,
    )
    def test_tells_what_may_be_sent(
        self, repository: RegistrationRepository, outbox: Outbox, state: str, due_at: datetime | None, times: int
    ) -> None:
        """A mail may be claimed if it is to go out and due, whether it is new, was tried, or its claim is over."""
        registration = repository.add(_owing(Mail(state=MailState(state), due_at=due_at)))

        due = list(outbox.due(_NOW))

        assert due == [_debtor(registration)] * times

    def test_begins_with_the_longest_due(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """Who has waited longest comes first, whatever the event and however often sending was tried."""
        people = [
            _owing(Mail(state=state, due_at=_NOW - timedelta(minutes=minutes)), f"p{minutes}", event_id=f"e{minutes}")
            for minutes, state in ((3, MailState.DUE), (1, MailState.RETRY), (4, MailState.CLAIMED), (2, MailState.DUE))
        ]
        for each in people:
            repository.add(each)

        due = [each.event_id for each in outbox.due(_NOW)]

        assert due == ["e4", "e3", "e2", "e1"]

    def test_tells_of_everybody_once(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """However many are due at the same instant, for whatever events, each of their mails is told once."""
        events = ("spring", "summer", "autumn")
        people = [
            repository.add(_owing(Mail(due_at=_NOW), f"p{number}", event_id=event_id))
            for number in range(70)
            for event_id in events
        ]

        due = list(outbox.due(_NOW))

        assert len(due) == len(people)
        assert set(due) == set(map(_debtor, people))

    def test_is_empty_when_all_is_sent(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """What is marked while it is being told is told once, and nothing is left."""
        for number in range(120):
            repository.add(_owing(Mail(due_at=_NOW - _MOMENT * number), f"p{number}"))

        told = []
        for debtor in outbox.due(_NOW):
            told.append(debtor)
            registration = outbox.find_by_digest(debtor.event_id, debtor.digest)
            assert registration is not None
            assert outbox.mark(registration, registration.mail.sent())

        assert len(told) == len(set(told)) == 120  # noqa: PLR2004 - as many as there are
        assert list(outbox.due(_FAR)) == []

    def test_finds_by_the_person_s_key(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """A registration is found by event and key, all of it; who isn't there isn't found."""
        registration = repository.add(
            _owing(
                Mail(state=MailState.RETRY, number=3, attempts=2, due_at=_NOW, reason="later"), answers={"diet": "x"}
            )
        )

        assert outbox.find_by_digest("devconf-2026", _ADA) == registration
        assert outbox.find_by_digest("devconf-2026", _BOB) is None
        assert outbox.find_by_digest("other", _ADA) is None

    def test_marks_the_mail_and_nothing_else(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """A claim, a failure and the end of a mail are stored as they are, and all else stays as it was."""
        stored = repository.add(
            _owing(
                Mail(kind=MailKind.PROMOTED, number=3, due_at=_NOW, repeated_at=_NOW - timedelta(days=1)),
                status=Status.WAITLISTED,
                registered_at=_NOW,
                answers={"diet": "vegan"},
                seat=4,
                place=5,
                link_generation=6,
                revision=7,
                told_of=8,
            )
        )
        claimed = stored.mail.claimed(_NOW, _LEASE)
        lives = [claimed, claimed.retried(_FAR, "not now"), claimed.claimed(_FAR, _LEASE), claimed.sent()]
        lives += [claimed.returned(MailState.BOUNCED, is_final=True)]

        for mail in lives:
            assert outbox.mark(stored, mail)

            stored = evolve(stored, mail=mail)
            assert repository.find("devconf-2026", "ada@example.org") == stored

    def test_marks_what_fails_for_good(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """A mail that failed keeps the reason and is due no more."""
        stored = repository.add(_owing(Mail(due_at=_NOW)))
        failed = stored.mail.claimed(_NOW, _LEASE).failed("refused")

        assert outbox.mark(stored, failed)

        assert outbox.find_by_digest("devconf-2026", _ADA) == evolve(stored, mail=failed)
        assert list(outbox.due(_FAR)) == []

    @pytest.mark.parametrize(
        ("number", "change"),
        [
            (2, {"state": MailState.CLAIMED}),
            (2, {"number": 3}),
            (1, {"number": 2}),
            (2, {"number": 1}),
            (2, {"attempts": 2}),
        ],
        ids=["another state", "a newer debt", "newer than the first", "the first", "another attempt"],
    )
    def test_marks_nothing_that_changed(
        self, repository: RegistrationRepository, outbox: Outbox, number: int, change: dict[str, Any]
    ) -> None:
        """A mark that comes after another one, or after a newer debt, is refused and leaves that."""
        read = repository.add(_owing(Mail(number=number, attempts=1, due_at=_NOW)))
        changed = evolve(read, mail=evolve(read.mail, **change))
        assert repository.replace(read, changed)

        marked = outbox.mark(read, read.mail.sent())

        assert not marked
        assert repository.find("devconf-2026", "ada@example.org") == changed

    def test_marks_whoever_moved_meanwhile(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """A claim and a mark are stored though the registration got another seat since, and leave it that seat."""
        read = repository.add(_owing(Mail(due_at=_NOW), seat=9))
        moved = evolve(read, seat=2, revision=read.revision + 1)
        assert repository.replace(read, moved)
        claimed = read.mail.claimed(_NOW, _LEASE)

        assert outbox.mark(read, claimed)

        assert repository.find("devconf-2026", "ada@example.org") == evolve(moved, mail=claimed)

    def test_is_not_overwritten_by_who_read_before(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """A change of a registration whose mail was claimed since is refused, so that no claim is lost."""
        read = repository.add(_owing(Mail(due_at=_NOW)))
        assert outbox.mark(read, read.mail.claimed(_NOW, _LEASE))

        replaced = repository.replace(read, evolve(read, seat=2, revision=2))

        assert not replaced
        assert list(outbox.due(_NOW)) == []

    def test_marks_nobody_who_is_not_there(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """A mark of a registration that was never stored stores nothing."""
        marked = outbox.mark(_owing(Mail(due_at=_NOW)), Mail().sent())

        assert not marked
        assert repository.find("devconf-2026", "ada@example.org") is None

    def test_gives_up_what_can_not_be_read(
        self, repository: RegistrationRepository, outbox: Outbox, spoil: Callable[[Debtor], None]
    ) -> None:
        """A row that is no registration is due until it is discarded, and is one no more then than before."""
        spoilt = _debtor(repository.add(_owing(Mail(due_at=_NOW))))
        other = _debtor(repository.add(_owing(Mail(due_at=_NOW), "bob")))
        spoil(spoilt)
        assert set(outbox.due(_NOW)) == {spoilt, other}

        outbox.discard(spoilt)
        outbox.discard(spoilt)

        assert list(outbox.due(_FAR)) == [other]
        with pytest.raises(UnreadableRowError):
            outbox.find_by_digest(spoilt.event_id, spoilt.digest)

    def test_discards_nobody_who_is_not_there(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """Discarding a row that somebody has deleted stores none."""
        outbox.discard(Debtor("devconf-2026", _ADA))

        assert repository.find("devconf-2026", "ada@example.org") is None

    def test_takes_deadlines(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """Every call takes the instant by which it must be over."""
        deadline = time.monotonic() + 5
        stored = repository.add(_owing(Mail(due_at=_NOW)))
        debtor = _debtor(stored)

        assert list(outbox.due(_NOW, deadline=deadline)) == [debtor]
        assert outbox.find_by_digest(debtor.event_id, debtor.digest, deadline=deadline) == stored
        assert outbox.spend(debtor.digest, "a", _NOW, limit=1, deadline=deadline) is None
        assert outbox.mark(stored, stored.mail.sent(), deadline=deadline)
        outbox.block(debtor.digest, MailState.BOUNCED, deadline=deadline)
        outbox.unblock(debtor.digest, deadline=deadline)
        outbox.discard(debtor, deadline=deadline)


class ConcurrentOutboxContract(OutboxContract):
    """What an `Outbox` promises besides, when many callers use it at once."""

    def test_one_of_many_claims_wins(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """Of many who claim one mail at once exactly one has it."""
        read = repository.add(_owing(Mail(due_at=_NOW)))
        claims = [read.mail.claimed(_NOW + _MOMENT * number, _LEASE) for number in range(_THREADS)]

        won = at_once(*(lambda claim=claim: outbox.mark(read, claim) for claim in claims))

        assert sum(won) == 1
        assert outbox.find_by_digest("devconf-2026", _ADA) == evolve(read, mail=claims[won.index(True)])

    def test_many_sweeps_claim_each_mail_once(self, repository: RegistrationRepository, outbox: Outbox) -> None:
        """Of many who go through all that is due at once each mail is claimed by one, and none is left."""
        people = [repository.add(_owing(Mail(due_at=_NOW), f"p{number}")) for number in range(30)]

        def sweep(number: int) -> list[Debtor]:
            claimed = []
            for debtor in outbox.due(_NOW):
                registration = outbox.find_by_digest(debtor.event_id, debtor.digest)
                assert registration is not None
                claim = registration.mail.claimed(_NOW + _MOMENT * number, _LEASE)
                if registration.mail.is_claimable(_NOW) and outbox.mark(registration, claim):
                    claimed.append(debtor)
            return claimed

        sweeps = at_once(*(lambda number=number: sweep(number) for number in range(4)))

        claimed = [debtor for each in sweeps for debtor in each]
        assert len(claimed) == len(people)
        assert set(claimed) == set(map(_debtor, people))

    def test_many_spend_no_more_than_the_limit(self, outbox: Outbox) -> None:
        """Of many mails to one address at once as many are admitted as it may get, and not one more."""
        debts = [f"event-{number}#1" for number in range(_THREADS)]

        answers = at_once(*(lambda debt=debt: outbox.spend(_ADA, debt, _NOW, limit=5) for debt in debts))

        assert sorted(answers, key=str) == [None] * 5 + [BUDGET] * (_THREADS - 5)
        assert [outbox.spend(_ADA, debt, _NOW, limit=5) for debt in debts] == answers

    def test_many_spend_one_debt_once(self, outbox: Outbox) -> None:
        """One mail that many count at once is counted once."""
        answers = at_once(*[lambda: outbox.spend(_ADA, "a", _NOW, limit=2)] * _THREADS)

        assert answers == [None] * _THREADS
        assert [outbox.spend(_ADA, debt, _NOW, limit=2) for debt in "bc"] == [None, BUDGET]

    def test_a_block_is_lost_to_nobody_who_spends(self, outbox: Outbox) -> None:
        """An address that is blocked while mails to it are counted is blocked afterwards."""
        spends = [lambda number=number: outbox.spend(_ADA, f"{number}#1", _NOW, limit=99) for number in range(8)]

        at_once(*spends, lambda: outbox.block(_ADA, MailState.COMPLAINED), *spends)

        assert outbox.spend(_ADA, "1#1", _NOW, limit=99) == MailState.COMPLAINED.value
