"""What is due is claimed, sent once and marked; whoever dies in between costs one mail more at most."""

import time
from datetime import timedelta

import pytest
from attrs import evolve

from event_registration.composing import Composer
from event_registration.errors import (
    NotifierError,
    OutdatedMailError,
    PermanentNotifierError,
    RepositoryError,
    RepositoryUnavailableError,
    ThrottledNotifierError,
    TransientNotifierError,
    UnreadableRowError,
)
from event_registration.local import SQLiteEventRepository, SQLiteOutbox
from event_registration.mail import Mail, MailKind, MailState
from event_registration.outbox import Debtor
from event_registration.pacing import Pacer, Quota
from event_registration.relay import Relay, Swept
from event_registration.testing import KilledError, ManualClock, RecordingNotifier, at_once, make_registration

LATER = TransientNotifierError("later")
NEVER = PermanentNotifierError("never")
UNKNOWN = NotifierError("who knows")
BUSY = ThrottledNotifierError("busy")
DOWN = RepositoryUnavailableError("down")


class _Outbox(SQLiteOutbox):
    """An outbox that notes its deadlines, fails where it is told to, and lets things happen before a mark."""

    def __init__(self, repository):
        super().__init__(repository)
        self.faults = {}
        self.deadlines = {}
        self.before_mark = {}
        self.marks = []

    def _call(self, name, deadline):
        self.deadlines[name] = deadline
        if fault := self.faults.get(name):
            raise fault

    def due(self, now, *, deadline=None):
        """Note the deadline, then tell or raise."""
        self._call("due", deadline)
        return super().due(now, deadline=deadline)

    def find_by_digest(self, event_id, digest, *, deadline=None):
        """Note the deadline, then find or raise."""
        self._call("find", deadline)
        return super().find_by_digest(event_id, digest, deadline=deadline)

    def mark(self, registration, mail, *, deadline=None):
        """Let happen what happens before a mark of this state, then mark or raise."""
        self.before_mark.pop(mail.state, lambda: None)()
        self._call(f"mark {mail.state}", deadline)
        self.marks.append(mail.state)
        return super().mark(registration, mail, deadline=deadline)

    def spend(self, digest, debt, now, *, limit, deadline=None):
        """Note the deadline, then count or raise."""
        self._call("spend", deadline)
        return super().spend(digest, debt, now, limit=limit, deadline=deadline)


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = SQLiteEventRepository(":memory:")
    yield repository
    repository.close()


@pytest.fixture
def outbox(repository):
    """Return the repository's outbox."""
    return _Outbox(repository)


@pytest.fixture
def clock():
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def make_relay(outbox, clock):
    """Return a function that makes a relay, and its notifier."""

    def make(*faults, **options):
        notifier = options.pop("notifier", RecordingNotifier(faults))
        options = {"compose": Composer(), "clock": clock, "chance": lambda: 1.0} | options
        return Relay(outbox, notifier, **options), notifier

    return make


@pytest.fixture
def owe(repository, clock):
    """Return a function that lets a person owe a mail from now on."""

    def owe(name="ada", **changes):
        mail = evolve(Mail(due_at=clock()), **changes)
        registration = make_registration(attendee_name=name, attendee_email=f"{name}@example.org", mail=mail)
        repository.add(registration)
        return registration

    return owe


@pytest.fixture
def debtor(repository, owe):
    """Let Ada owe a mail, and return who owes it."""
    return Debtor("devconf-2026", repository.digest_of(owe().attendee_email))


@pytest.fixture
def mail(repository):
    """Return a function that returns a person's mail as it is stored."""
    return lambda name="ada": repository.find("devconf-2026", f"{name}@example.org").mail


# One mail


def test_sends_what_is_due_once(make_relay, debtor, mail, clock):
    """A debt is paid once, whoever is asked to pay it again, and its row says when."""
    relay, notifier = make_relay()

    swept = [relay.deliver(debtor) for _ in range(3)]

    assert swept == [Swept(1), Swept(), Swept()]
    assert [message.to for message in notifier.messages] == ["ada@example.org"]
    assert mail() == Mail(state=MailState.SENT, attempts=1, attempted_at=clock())


def test_claims_before_it_sends(make_relay, outbox, debtor, mail, clock):
    """While a mail is being sent its row is claimed for three minutes, so that nobody else sends it."""
    seen = []

    class Looking(RecordingNotifier):
        def send(self, message):
            seen.append(mail())
            super().send(message)

    relay, _ = make_relay(notifier=Looking())

    relay.deliver(debtor)

    assert seen == [
        Mail(state=MailState.CLAIMED, attempts=1, attempted_at=clock(), due_at=clock() + timedelta(minutes=3))
    ]
    assert outbox.marks == [MailState.CLAIMED, MailState.SENT]


def test_of_many_one_sends(make_relay, debtor):
    """Of many who would send one mail at once exactly one does; the others are in no trouble."""
    relay, notifier = make_relay()

    swept = at_once(*[lambda: relay.deliver(debtor)] * 8)

    assert len(notifier.messages) == 1
    assert sorted(each.sent for each in swept) == [0] * 7 + [1]
    assert {each.troubles for each in swept} == {()}


@pytest.mark.parametrize("state", [each for each in MailState if not Mail(state=each).is_pending])
def test_leaves_alone_what_is_done(make_relay, outbox, owe, repository, state):
    """A mail that was sent, failed or came back is not looked at twice."""
    registration = owe(state=state)
    relay, notifier = make_relay()

    swept = relay.deliver(Debtor("devconf-2026", repository.digest_of(registration.attendee_email)))

    assert swept == Swept()
    assert notifier.attempts == 0
    assert outbox.marks == []


def test_sends_nothing_for_nobody(make_relay):
    """Somebody who isn't registered owes nothing."""
    assert make_relay()[0].deliver(Debtor("devconf-2026", "nobody")) == Swept()


@pytest.mark.parametrize("state", [MailState.DUE, MailState.RETRY, MailState.CLAIMED])
def test_nothing_is_sent_before_its_time(make_relay, owe, clock, mail, state):
    """A retry, another's claim and what waits for one are left until their instant, and sent from it on."""
    owe(state=state, due_at=clock() + timedelta(minutes=1), attempts=1)
    relay, notifier = make_relay()

    counts = []
    for seconds in (59, 0.999999, 0.000001):
        clock.advance(seconds=seconds)
        relay.sweep()
        counts.append(notifier.attempts)

    assert counts == [0, 0, 1]
    assert (mail().state, mail().attempts) == (MailState.SENT, 2)


# What fails


@pytest.mark.parametrize(
    "fault", [LATER, UNKNOWN, BUSY, KeyError("ada@example.org")], ids=lambda each: type(each).__name__
)
def test_what_passes_is_tried_again_later(make_relay, debtor, mail, clock, fault):
    """What may pass is tried again: after a minute, then after twice as long each time, up to an hour."""
    relay, notifier = make_relay(*[fault] * 8)

    waited = []
    for _ in range(8):
        (trouble,) = relay.deliver(debtor).troubles
        assert mail().state is MailState.RETRY
        assert mail().reason == str(trouble)
        assert "ada" not in mail().reason
        waited.append((mail().due_at - clock()) / timedelta(minutes=1))
        clock.now = mail().due_at

    assert waited == [1, 2, 4, 8, 16, 32, 60, 60]
    assert relay.deliver(debtor) == Swept(1)
    assert mail().reason is None
    assert notifier.attempts == 9


def test_those_who_try_again_are_kept_apart(make_relay, debtor, mail, clock):
    """Chance makes a wait up to half shorter, so that not all who failed together come back together."""
    relay, _ = make_relay(LATER, chance=lambda: 0.0)

    relay.deliver(debtor)

    assert mail().due_at - clock() == timedelta(seconds=30)


def test_what_is_refused_for_good_fails_with_its_reason(make_relay, debtor, mail):
    """A permanent refusal is the end, and the row says why."""
    relay, notifier = make_relay(NEVER)

    swept = [relay.deliver(debtor) for _ in range(2)]

    assert swept == [Swept(0, (NEVER,)), Swept()]
    assert (mail().state, mail().reason, mail().due_at) == (MailState.FAILED, "never", None)
    assert notifier.attempts == 1


def test_gives_up_after_a_hundred_attempts(make_relay, debtor, mail, clock):
    """After a hundred attempts, four days, a mail has failed for the reason of the last one."""
    relay, notifier = make_relay(*[LATER] * 200)

    started = clock()
    while mail().is_pending:
        relay.deliver(debtor)
        clock.now = mail().due_at or clock()

    assert (mail().state, mail().reason, notifier.attempts) == (MailState.FAILED, "later", 100)
    assert timedelta(days=3.5) < clock() - started < timedelta(days=4.5)


def test_a_crash_that_comes_back_each_time_is_given_up(make_relay, owe, mail):
    """A mail that kills whoever sends it fails in the end, though nobody lived to say why."""
    owe(state=MailState.CLAIMED, attempts=100)
    relay, notifier = make_relay()

    (trouble,) = relay.sweep().troubles

    assert mail().state is MailState.FAILED
    assert mail().reason == str(trouble) == "The mail could not be sent in any of its attempts."
    assert notifier.attempts == 0


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (KeyError("ada@example.org"), MailState.FAILED, "The mail can't be written (KeyError)."),
        (DOWN, MailState.RETRY, "down"),
        (LATER, MailState.RETRY, "later"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_mail_that_can_not_be_written(make_relay, debtor, mail, error, state, reason):
    """What can't be read now is read later; a mail that nothing can be made of has failed and says so."""

    def compose(_registration, _deadline):
        raise error

    relay, notifier = make_relay(compose=compose)

    (trouble,) = relay.deliver(debtor).troubles

    assert (mail().state, mail().reason) == (state, reason)
    assert str(trouble) == reason
    assert notifier.attempts == 0


@pytest.mark.parametrize("call", ["find", "mark claimed"])
def test_what_can_not_be_claimed_is_an_error(make_relay, outbox, debtor, call):
    """If the debt can't be read or claimed that is an error, and nothing was sent."""
    outbox.faults[call] = DOWN
    relay, notifier = make_relay()

    with pytest.raises(RepositoryUnavailableError):
        relay.deliver(debtor)

    assert notifier.attempts == 0


def test_a_lost_answer_makes_another_try_less_urgent(make_relay, debtor, mail, clock):
    """A mail that may have arrived is tried again after a quarter of an hour, then less and less, ten times at most."""
    lost = TransientNotifierError("SES did not answer.", ambiguous=True)
    relay, notifier = make_relay(*[lost] * 20)

    waited = []
    while mail().is_pending:
        relay.deliver(debtor)
        waited.append(mail().due_at and (mail().due_at - clock()) / timedelta(minutes=15))
        clock.now = mail().due_at or clock()

    assert waited == [1, 2, 4, 8, 16, 24, 24, 24, 24, None]
    assert (mail().state, mail().reason) == (MailState.FAILED, "SES did not answer. It may have arrived.")
    assert notifier.attempts == 10


def test_whoever_has_sent_tries_hard_to_mark(make_relay, outbox, debtor, mail):
    """A mark that fails for a passing reason is tried again: an unmarked mail would be sent twice."""
    failures = [DOWN, DOWN]
    mark = outbox.mark

    def unsteady(registration, new, **options):
        if new.state is MailState.SENT and failures:
            raise failures.pop()
        return mark(registration, new, **options)

    outbox.mark = unsteady
    relay, _ = make_relay()

    assert relay.deliver(debtor) == Swept(1)
    assert mail().state is MailState.SENT


@pytest.mark.parametrize("fault", [DOWN, RepositoryError("refused")], ids=["away", "refused"])
def test_no_mark_is_tried_for_ever(make_relay, outbox, debtor, fault):
    """What can't be marked at all, or not in time, is told."""
    now = [1000.0]
    tries = []
    mark = outbox.mark

    def failing(registration, new, **options):
        if new.state is not MailState.SENT:
            return mark(registration, new, **options)
        tries.append(True)
        now[0] += 20
        raise fault

    outbox.mark = failing
    relay, _ = make_relay(monotonic=lambda: now[0])

    assert relay.deliver(debtor, deadline=1030.0) == Swept(1, (fault,))
    assert len(tries) == (2 if fault is DOWN else 1)


def test_a_mark_that_fails_is_told(make_relay, outbox, debtor, mail, clock):
    """A mail whose mark was lost is sent once more when the claim ends: the one way to a second mail."""
    outbox.faults["mark sent"] = DOWN
    relay, notifier = make_relay()

    assert relay.deliver(debtor) == Swept(1, (DOWN,))
    assert mail().state is MailState.CLAIMED
    outbox.faults.clear()
    assert relay.sweep() == Swept()
    clock.advance(minutes=3)
    assert relay.sweep() == Swept(1)
    assert len(notifier.messages) == 2


def test_a_row_that_is_no_registration_fails(make_relay, repository, outbox, debtor):
    """A row that something else wrote is put aside with its reason, and met no more."""
    with repository.database.transaction() as connection:
        connection.execute("UPDATE registration SET status = 'who knows'")
    relay, _ = make_relay()

    (trouble,) = relay.deliver(debtor).troubles

    assert isinstance(trouble, UnreadableRowError)
    with repository.database.held() as connection:
        row = connection.execute("SELECT mail, mail_reason, mail_at FROM registration").fetchone()
    assert tuple(row) == ("failed", "unreadable", None)
    assert list(outbox.due(ManualClock()())) == []


# A newer debt meanwhile


def _cancel(repository, clock):
    return lambda: repository.cancel(repository.find("devconf-2026", "ada@example.org"), clock())


def _kinds(notifier):
    return [message.subject.partition(":")[0] for message in notifier.messages]


def test_a_debt_that_came_before_the_claim_is_paid_instead(make_relay, outbox, repository, debtor, clock, mail):
    """What has changed since it was read is not sent any more: the mail states the present state."""
    outbox.before_mark[MailState.CLAIMED] = _cancel(repository, clock)
    relay, notifier = make_relay()

    assert relay.deliver(debtor) == Swept(1)
    assert _kinds(notifier) == ["Registration cancelled"]
    assert (mail().kind, mail().number, mail().state) == (MailKind.CANCELLED, 2, MailState.SENT)


def test_who_holds_the_claim_goes_on_with_the_next_debt(make_relay, outbox, repository, debtor, clock, mail):
    """A debt that comes while the one before is being sent is paid by the same caller, right after it."""
    outbox.before_mark[MailState.SENT] = _cancel(repository, clock)
    relay, notifier = make_relay()

    assert relay.deliver(debtor) == Swept(2)
    assert _kinds(notifier) == ["Registration confirmed", "Registration cancelled"]
    assert mail().state is MailState.SENT


def test_nobody_else_overtakes_a_mail_that_is_being_sent(make_relay, outbox, repository, debtor, clock):
    """Another caller finds the newer debt and leaves it to who is still sending the older one."""
    others = []
    relay, notifier = make_relay()

    def cancel_and_have_another_try():
        _cancel(repository, clock)()
        others.append((relay.deliver(debtor), relay.sweep()))

    outbox.before_mark[MailState.SENT] = cancel_and_have_another_try

    relay.deliver(debtor)

    assert others == [(Swept(), Swept())]
    assert _kinds(notifier) == ["Registration confirmed", "Registration cancelled"]


def test_a_debt_whose_predecessor_s_sender_died_waits_for_its_claim(make_relay, outbox, repository, debtor, clock):
    """If who held the claim is dead, the newer debt is due when that claim ends."""
    relay, notifier = make_relay()

    def cancel_and_die():
        _cancel(repository, clock)()
        raise KilledError

    outbox.before_mark[MailState.SENT] = cancel_and_die

    with pytest.raises(KilledError):
        relay.deliver(debtor)
    assert relay.sweep() == Swept()
    clock.advance(minutes=3)
    assert relay.sweep() == Swept(1)
    assert _kinds(notifier) == ["Registration confirmed", "Registration cancelled"]


def test_a_registration_that_keeps_changing_is_left_to_the_next_sweep(make_relay, outbox, repository, debtor, clock):
    """Nobody is kept busy for ever by one registration."""
    relay, notifier = make_relay()

    def change():
        outbox.before_mark[MailState.SENT] = change
        old = repository.find("devconf-2026", "ada@example.org")
        repository.replace(old, evolve(old, mail=old.mail.owing(MailKind.MOVED, clock())))

    outbox.before_mark[MailState.SENT] = change

    relay.deliver(debtor)

    assert len(notifier.messages) == 5


# How many, and how fast


def test_an_address_gets_so_many_mails_a_day(make_relay, repository, clock):
    """Over all events one address gets five mails a day; the rest failed for that reason, and the next day is new."""
    relay, notifier = make_relay()

    for number in range(8):
        repository.add(make_registration(event_id=f"event-{number}", mail=Mail(due_at=clock())))
    assert relay.sweep().sent == 5
    stored = [repository.find(f"event-{number}", "ada@example.org").mail for number in range(8)]
    assert sorted(mail.state for mail in stored) == ["failed"] * 3 + ["sent"] * 5
    assert {mail.reason for mail in stored} == {"budget", None}
    clock.advance(days=1)
    repository.add(make_registration(event_id="tomorrow", mail=Mail(due_at=clock())))

    assert relay.sweep().sent == 1
    assert notifier.attempts == 6


def test_a_mail_that_is_tried_again_counts_once(make_relay, debtor, mail, clock):
    """An outage uses up nobody's mails of the day."""
    relay, notifier = make_relay(LATER, LATER, mails_per_day=1)

    for _ in range(3):
        relay.deliver(debtor)
        clock.now = mail().due_at or clock()

    assert len(notifier.messages) == 1


def test_a_blocked_address_gets_nothing(make_relay, outbox, debtor, mail):
    """An address that a mail has bounced from gets none any more, and the row says why."""
    outbox.block(debtor.digest, MailState.BOUNCED)
    relay, notifier = make_relay()

    assert relay.deliver(debtor) == Swept()
    assert (mail().state, mail().reason) == (MailState.FAILED, "bounced")
    assert notifier.attempts == 0


def _paced(clock, quota):
    """Return a pacer whose seconds are the clock's."""
    return Pacer(
        lambda: quota, monotonic=lambda: clock().timestamp(), sleep=lambda seconds: clock.advance(seconds=seconds)
    )


def test_nothing_is_claimed_without_a_slot(make_relay, outbox, debtor, mail, clock):
    """When the day's quota is used up nothing is claimed: the mail stays due as it is."""
    before = mail()
    relay, notifier = make_relay(pacer=_paced(clock, Quota(1, 200, 200)))

    (trouble,) = relay.deliver(debtor).troubles

    assert isinstance(trouble, ThrottledNotifierError)
    assert mail() == before
    assert (notifier.attempts, outbox.marks) == (0, [])


def test_sends_at_the_service_s_pace(make_relay, owe, clock):
    """Mails begin no faster than the quota says."""
    for number in range(10):
        owe(f"ada-{number}")
    relay, notifier = make_relay(pacer=_paced(clock, Quota(2, 200, 0)))
    started = clock()

    relay.sweep()

    assert len(notifier.messages) == 10
    assert clock() - started >= timedelta(seconds=4.5)


def test_slows_down_when_it_is_throttled(make_relay, debtor):
    """A throttle slows the pace down; any other failure doesn't."""
    slowed = []

    class Listening:
        def wait(self, deadline):
            pass

        def slow_down(self):
            slowed.append(True)

    relay, _ = make_relay(BUSY, pacer=Listening())

    relay.deliver(debtor)

    assert slowed == [True]


# Sweeping


def test_one_that_fails_keeps_no_other_waiting(make_relay, owe):
    """What fails for one is told, and the others are sent."""
    for name in ("ada", "bob", "cleo", "dan", "eve"):
        owe(name)
    relay, notifier = make_relay(LATER, LATER, None, NEVER, LATER)

    swept = relay.sweep()

    assert swept == Swept(1, (LATER, LATER, NEVER, LATER))
    assert len(notifier.messages) == 1


@pytest.mark.parametrize("fault", [LATER, UNKNOWN], ids=lambda each: type(each).__name__)
def test_three_failures_in_a_row_end_a_sweep(make_relay, owe, mail, fault):
    """When the service is away the rest need not learn of it one by one, nor use up an attempt."""
    for name in ("ada", "bob", "cleo", "dan"):
        owe(name)
    relay, notifier = make_relay(*[fault] * 9)

    swept = relay.sweep()

    assert swept == Swept(0, (fault,) * 3)
    assert sorted(mail(name).attempts for name in ("ada", "bob", "cleo", "dan")) == [0, 1, 1, 1]
    assert notifier.attempts == 3


def test_a_throttle_ends_a_sweep(make_relay, owe):
    """Once the service takes no more, the rest waits."""
    for name in ("ada", "bob"):
        owe(name)
    relay, notifier = make_relay(BUSY)

    assert relay.sweep() == Swept(0, (BUSY,))
    assert notifier.attempts == 1


def test_a_repository_that_fails_ends_a_sweep(make_relay, outbox, owe):
    """So does a repository that is away; one that someone must mend is told for each."""
    for name in ("ada", "bob", "cleo", "dan"):
        owe(name)
    relay, _ = make_relay()
    outbox.faults["find"] = DOWN

    assert relay.sweep() == Swept(0, (DOWN,) * 3)
    outbox.faults["find"] = RepositoryError("refused")
    assert len(relay.sweep().troubles) == 4


def test_mails_that_are_not_true_any_more_keep_no_other_waiting(make_relay, owe):
    """Mails that wait for others to take their place say nothing of the mail service."""
    for number in range(9):
        owe(f"ada-{number}")
    compose = Composer()

    def outdated(registration, deadline):
        if registration.attendee_name != "ada-8":
            raise OutdatedMailError("called off")
        return compose(registration, deadline)

    relay, notifier = make_relay(compose=outdated)

    assert relay.sweep().sent == 1
    assert len(notifier.messages) == 1


def test_what_can_not_be_listed_is_an_error(make_relay, outbox):
    """If nobody can say what is due, there is nothing to send."""
    outbox.faults["due"] = DOWN

    with pytest.raises(RepositoryUnavailableError):
        make_relay()[0].sweep()


# Time


def test_each_step_has_its_time(make_relay, outbox, debtor):
    """Reading and claiming leave time for the mail, counting for sending, and the mark has all but the answer's."""
    relay, _ = make_relay(monotonic=lambda: 1000.0)

    relay.deliver(debtor, deadline=1030.0)

    assert outbox.deadlines == {
        "find": 1024.0,
        "mark claimed": 1024.0,
        "spend": 1026.5,
        "mark sent": 1029.5,
    }


def test_nothing_is_claimed_that_there_is_no_time_for(make_relay, outbox, debtor, mail):
    """When time is out the mail stays due as it is."""
    now = [1000.0]
    relay, notifier = make_relay(monotonic=lambda: now[0])
    find = outbox.find_by_digest

    def slow(*arguments, **options):
        now[0] += 25
        return find(*arguments, **options)

    outbox.find_by_digest = slow

    (trouble,) = relay.deliver(debtor, deadline=1030.0).troubles

    assert str(trouble) == "No time was left to send the mail."
    assert mail().state is MailState.DUE
    assert notifier.attempts == 0


@pytest.mark.parametrize(("seconds", "deadline"), [(27, 1030.0), (31, None)], ids=["a deadline", "a claim's age"])
def test_no_mail_is_begun_too_late(make_relay, debtor, mail, seconds, deadline):
    """A mail that took too long to write isn't begun: its claim might end before it is sent."""
    now = [1000.0]
    compose = Composer()

    def slow(registration, until):
        now[0] += seconds
        return compose(registration, until)

    relay, notifier = make_relay(compose=slow, monotonic=lambda: now[0])

    (trouble,) = relay.deliver(debtor, deadline=deadline).troubles

    assert str(trouble) == "No time was left to send the mail."
    assert mail().state is MailState.RETRY
    assert notifier.attempts == 0


def test_a_sweep_ends_in_time(make_relay, owe):
    """A sweep begins no mail that it may not end, and leaves the rest due."""
    for number in range(5):
        owe(f"ada-{number}")
    now = [1000.0]

    class Slow(RecordingNotifier):
        def send(self, message):
            now[0] += 10
            super().send(message)

    relay, notifier = make_relay(notifier=Slow(), monotonic=lambda: now[0])

    swept = relay.sweep(deadline=1030.0)

    assert swept == Swept(3)
    assert relay.sweep() == Swept(2)
    assert len(notifier.messages) == 5


def test_a_slow_service_is_given_its_time(make_relay, outbox, debtor):
    """Where a mail may take twenty seconds they are kept for it, and what comes before ends so much earlier."""
    relay, _ = make_relay(monotonic=lambda: 1000.0, seconds_to_send=21.0)

    relay.deliver(debtor, deadline=1055.0)

    assert outbox.deadlines["find"] == 1031.0
    assert outbox.deadlines["spend"] == 1033.5


def test_a_sweep_can_be_stopped_between_two_mails(make_relay, owe):
    """Whoever is to end leaves what isn't begun yet to the next sweep."""
    for number in range(5):
        owe(f"ada-{number}")
    relay, notifier = make_relay()

    swept = relay.sweep(is_stopped=lambda: len(notifier.messages) == 2)

    assert swept == Swept(2)
    assert relay.sweep() == Swept(3)


def test_needs_no_clock_of_its_own(outbox, repository):
    """Without clocks given it takes the machine's."""
    repository.add(make_registration())
    notifier = RecordingNotifier()
    debtor = Debtor("devconf-2026", repository.digest_of("ada@example.org"))

    Relay(outbox, notifier, compose=Composer()).deliver(debtor, deadline=time.monotonic() + 30)

    assert len(notifier.messages) == 1
