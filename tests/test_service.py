"""The service stores once, confirms once, and keeps both apart from each other's faults."""

import itertools
import random

import pytest
from attrs import evolve
from botocore.exceptions import ClientError, ReadTimeoutError

from event_registration.aws import DynamoDBRepository
from event_registration.clock import utc_now
from event_registration.errors import (
    AlreadyRegisteredError,
    PermanentNotifierError,
    RepositoryUnavailableError,
    TransientNotifierError,
    UnknownEventError,
)
from event_registration.local import SQLiteRepository
from event_registration.mail import MailKind, MailState
from event_registration.model import Status
from event_registration.service import OnDuplicate, Outcome, RegistrationService
from event_registration.testing import ManualClock, RecordingNotifier, make_registration

LATER = TransientNotifierError("later")
NEVER = PermanentNotifierError("never")


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = SQLiteRepository(":memory:")
    yield repository
    repository.close()


@pytest.fixture
def clock():
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def make_service(repository, clock):
    """Return a function that makes a service whose notifier raises *faults* first."""

    def make(*faults, **options):
        notifier = RecordingNotifier(faults)
        return RegistrationService(repository, notifier, clock=clock, **options), notifier

    return make


class _Unreliable:
    """A repository that fails at the given calls of `replace`."""

    def __init__(self, repository, *failing):
        self._repository = repository
        self._failing = set(failing)
        self._calls = itertools.count(1)

    def __getattr__(self, name):
        return getattr(self._repository, name)

    def replace(self, old, new, *, deadline=None):
        if next(self._calls) in self._failing:
            raise RepositoryUnavailableError("down")
        return self._repository.replace(old, new, deadline=deadline)


def test_stores_and_confirms(make_service, repository, clock):
    """A first registration is stored with its time, and one mail goes to its address."""
    service, notifier = make_service()

    receipt = service.register(make_registration())

    assert receipt.outcome is Outcome.REGISTERED
    assert receipt.trouble is None
    assert receipt.registration.registered_at == clock.now
    assert list(repository.list("devconf-2026")) == [receipt.registration]
    assert [message.to for message in notifier.messages] == ["ada@example.org"]


def test_remembers_that_the_mail_went(make_service, repository):
    """After the mail has gone the row says so."""
    service, _ = make_service()

    receipt = service.register(make_registration())

    assert receipt.registration.mail.state is MailState.SENT
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.SENT


@pytest.mark.parametrize("hours", [0, 1])
def test_repeats_harmlessly(make_service, repository, clock, hours):
    """The same details again, at once or later, return the stored registration and send nothing."""
    service, notifier = make_service()
    registration = make_registration()
    first = service.register(registration)
    clock.advance(hours=hours)

    again = service.register(registration)

    assert again.outcome is Outcome.REPEATED
    assert again.registration == first.registration
    assert len(list(repository.list("devconf-2026"))) == len(notifier.messages) == 1


def test_compares_details_in_normal_form(make_service):
    """Another spelling of the same details is a repeat."""
    service, _ = make_service()
    service.register(make_registration(attendee_name="Zoë  Ng", attendee_email="ada@example.org"))

    again = service.register(make_registration(attendee_name=" Zoe\u0308 Ng", attendee_email=" ADA@Example.ORG "))

    assert again.outcome is Outcome.REPEATED


def test_answers_other_details_as_a_first_time(make_service, repository):
    """Other details for a registered address return what was asked for, store nothing and send nothing."""
    service, notifier = make_service()
    first = service.register(make_registration())
    other = make_registration(attendee_name="Eve")

    receipt = service.register(other)

    assert receipt.outcome is Outcome.DIFFERENT
    assert receipt.registration == other
    assert list(repository.list("devconf-2026")) == [first.registration]
    assert len(notifier.messages) == 1


@pytest.mark.parametrize("name", ["Ada Lovelace", "Eve"])
def test_rejects_a_repeat_if_told_to(make_service, repository, name):
    """With `reject`, whoever is registered is refused, with the same or other details."""
    service, notifier = make_service(on_duplicate=OnDuplicate.REJECT)
    service.register(make_registration())

    with pytest.raises(AlreadyRegisteredError):
        service.register(make_registration(attendee_name=name))

    assert len(list(repository.list("devconf-2026"))) == len(notifier.messages) == 1


def test_takes_listed_events_only(make_service, repository):
    """An event that isn't listed is unknown, and nothing is stored."""
    service, notifier = make_service(event_ids=["devconf-2027"])

    with pytest.raises(UnknownEventError):
        service.register(make_registration())

    assert list(repository.list("devconf-2026")) == notifier.messages == []


@pytest.mark.parametrize("event_ids", [["devconf-2026"], None])
def test_takes_a_listed_event(make_service, event_ids):
    """A listed event is taken, and without a list any is."""
    service, notifier = make_service(event_ids=event_ids)

    service.register(make_registration())

    assert len(notifier.messages) == 1


@pytest.mark.parametrize(
    ("fault", "state"),
    [(LATER, MailState.CLAIMED), (NEVER, MailState.FAILED), (KeyError("ada@example.org"), MailState.CLAIMED)],
    ids=["transient", "permanent", "a notifier's own bug"],
)
def test_keeps_a_registration_whose_mail_fails(make_service, repository, fault, state):
    """Whatever the notifier raises, the registration stands and the receipt tells the trouble without an address."""
    service, _ = make_service(fault)

    receipt = service.register(make_registration())

    assert receipt.outcome is Outcome.REGISTERED
    assert "ada" not in str(receipt.trouble)
    assert repository.find("devconf-2026", "ada@example.org").mail.state is state


@pytest.mark.parametrize("fault", [LATER, NEVER], ids=["transient", "permanent"])
def test_sends_a_lost_mail_again(make_service, repository, clock, fault):
    """The same person's repeat, ten minutes after a lost mail, sends it."""
    service, notifier = make_service(fault)
    service.register(make_registration())
    clock.advance(minutes=10)

    receipt = service.register(make_registration())

    assert (receipt.outcome, receipt.trouble) == (Outcome.REPEATED, None)
    assert len(notifier.messages) == 1
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.SENT


def test_waits_ten_minutes_before_sending_again(make_service, clock):
    """A repeat within ten minutes of a lost mail sends nothing."""
    service, notifier = make_service(LATER)
    service.register(make_registration())
    clock.advance(minutes=9, seconds=59)

    service.register(make_registration())

    assert notifier.attempts == 1


def test_gives_up_after_three_attempts(make_service, clock):
    """However often somebody repeats, a mail is attempted three times at most."""
    service, notifier = make_service(*[LATER] * 10)

    for _ in range(10):
        service.register(make_registration())
        clock.advance(hours=1)

    assert notifier.attempts == 3


def test_sends_nothing_again_to_other_details(make_service, clock):
    """Other details never cause a mail, even where one was lost."""
    service, notifier = make_service(LATER)
    service.register(make_registration())
    clock.advance(hours=1)

    service.register(make_registration(attendee_name="Eve"))

    assert notifier.attempts == 1


def test_survives_a_failed_mark(repository, clock):
    """If only marking the mail as sent fails, the registration stands and the trouble is told."""
    notifier = RecordingNotifier()
    service = RegistrationService(_Unreliable(repository, 1), notifier, clock=clock)

    receipt = service.register(make_registration())

    assert isinstance(receipt.trouble, RepositoryUnavailableError)
    assert len(notifier.messages) == 1


def test_sends_nothing_without_a_claim(repository, clock):
    """If claiming a resend fails, nothing is sent and the stored registration is returned."""
    notifier = RecordingNotifier([LATER])
    service = RegistrationService(_Unreliable(repository, 1), notifier, clock=clock)
    first = service.register(make_registration())
    clock.advance(hours=1)

    receipt = service.register(make_registration())

    assert isinstance(receipt.trouble, RepositoryUnavailableError)
    assert receipt.registration == first.registration
    assert notifier.attempts == 1


class _Overtaken:
    """A repository in which another caller changes every row just before a `replace`."""

    def __init__(self, repository):
        self._repository = repository

    def __getattr__(self, name):
        return getattr(self._repository, name)

    def replace(self, old, new, *, deadline=None):  # noqa: ARG002 - the port's signature
        return False


def test_leaves_a_resend_to_who_came_first(make_service, repository, clock):
    """A repeat that loses the claim to another sends nothing and is answered as ever."""
    service, _ = make_service(LATER)
    first = service.register(make_registration())
    clock.advance(hours=1)
    notifier = RecordingNotifier()

    receipt = RegistrationService(_Overtaken(repository), notifier, clock=clock).register(make_registration())

    assert (receipt.registration, receipt.trouble) == (first.registration, None)
    assert notifier.attempts == 0


def test_returns_what_it_read_if_the_mark_came_second(repository, clock):
    """A mail that went while another caller changed the row is no trouble."""
    notifier = RecordingNotifier()

    receipt = RegistrationService(_Overtaken(repository), notifier, clock=clock).register(make_registration())

    assert receipt.trouble is None
    assert receipt.registration.mail.state is MailState.CLAIMED


class _Time:
    """A clock of deadlines that only work and sleep move."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def pass_(self, seconds):
        self.now += seconds


class _SlowTable:
    """A table that answers, throttles or falls silent as chance has it, each in its own time."""

    def __init__(self, time, chance, call_seconds):
        self._time = time
        self._chance = chance
        self._call_seconds = call_seconds

    def put_item(self, **_):
        """Take as long as a call may take at worst, or less."""
        kind = self._chance.choice(["quick", "slow", "throttled", "silent", "silent"])
        self._time.pass_({"quick": 0.01, "throttled": 0.01}.get(kind, self._call_seconds))
        if kind == "throttled":
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")
        if kind == "silent":
            raise ReadTimeoutError(endpoint_url="https://dynamodb.example")


class _SlowNotifier:
    """A notifier that sends, fails or hangs as chance has it."""

    def __init__(self, time, chance):
        self._time = time
        self._chance = chance

    def send(self, _):
        """Take as long as sending may take at worst, or less."""
        kind = self._chance.choice(["quick", "slow", "hangs", "refuses"])
        self._time.pass_({"quick": 0.06, "refuses": 0.06}.get(kind, 3.0))
        if kind == "hangs":
            raise LATER
        if kind == "refuses":
            raise NEVER


@pytest.mark.unmeasured
@pytest.mark.parametrize("seconds", [10, 12, 29, 900])
def test_every_step_ends_in_time(clock, seconds):
    """Whatever is slow, throttled or silent, a call with ten seconds or more ends before its deadline."""
    chance = random.Random(2026)
    ends = set()
    for _ in range(2000):
        time = _Time()
        table = DynamoDBRepository(
            _SlowTable(time, chance, 2.0), monotonic=time, sleep=time.pass_, jitter=chance.random, call_seconds=2.0
        )
        service = RegistrationService(table, _SlowNotifier(time, chance), clock=clock, monotonic=time)
        deadline = time() + seconds

        try:
            receipt = service.register(make_registration(), deadline=deadline)
        except RepositoryUnavailableError:
            ends.add("unavailable")
        else:
            ends.add(receipt.trouble and receipt.trouble.code)

        assert time() <= deadline
    assert ends == {None, "unavailable", "mail-delayed", "mail-rejected", "repository-unavailable"}


def test_a_person_waits_no_longer_than_the_form(clock):
    """However long an invocation may last, storing is given up after ten seconds: the form waits for fifteen."""
    time = _Time()
    table = DynamoDBRepository(
        _SlowTable(time, _Always("silent"), 2.0), monotonic=time, sleep=time.pass_, jitter=lambda: 1.0
    )
    service = RegistrationService(table, RecordingNotifier(), clock=clock, monotonic=time)

    with pytest.raises(RepositoryUnavailableError):
        service.register(make_registration(), deadline=time() + 900)

    assert time() <= 1010


class _Always:
    """Chance that always falls the same way."""

    def __init__(self, kind):
        self._kind = kind

    def choice(self, _):
        """Choose it."""
        return self._kind


class _Deadlines:
    """A repository that remembers the deadline of each write, and takes its time."""

    def __init__(self, repository, time, seconds):
        self._repository = repository
        self._time = time
        self._seconds = seconds
        self.seen = []

    def __getattr__(self, name):
        return getattr(self._repository, name)

    def add(self, registration, *, deadline=None):
        self.seen.append(deadline)
        self._time.pass_(self._seconds)
        return self._repository.add(registration)

    def replace(self, old, new, *, deadline=None):
        self.seen.append(deadline)
        return self._repository.replace(old, new)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, [None, None]), (30, [1024.0, 1002.6]), (10, [1004.0, 1002.6]), (3, [pytest.approx(1001.2), 1002.6])],
)
def test_leaves_time_for_the_mail(repository, clock, seconds, expected):
    """Storing may take all of the time but what mail, mark and answer need; a short time is shared in proportion."""
    time = _Time()
    slow = _Deadlines(repository, time, 0.1)
    service = RegistrationService(slow, RecordingNotifier(), clock=clock, monotonic=time)

    service.register(make_registration(), deadline=seconds and time() + seconds)

    assert slow.seen == expected


def test_claims_within_its_time(repository, clock):
    """Claiming a resend has the same time as storing."""
    time = _Time()
    slow = _Deadlines(repository, time, 0)
    service = RegistrationService(slow, RecordingNotifier([LATER]), clock=clock, monotonic=time)
    service.register(make_registration(), deadline=time() + 10)
    clock.advance(hours=1)
    slow.seen.clear()

    service.register(make_registration(), deadline=time() + 10)

    assert slow.seen == [1004.0, 1004.0, 1002.5]


def test_does_not_mark_when_time_is_out(repository, clock):
    """A mail that took too long to leave time for a mark is told as not marked, and the answer is in time."""
    time = _Time()
    notifier = RecordingNotifier()
    send = notifier.send
    notifier.send = lambda message: (time.pass_(8), send(message))
    service = RegistrationService(repository, notifier, clock=clock, monotonic=time)

    receipt = service.register(make_registration(), deadline=time() + 10)

    assert isinstance(receipt.trouble, RepositoryUnavailableError)
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.CLAIMED


def test_tells_of_a_mail_that_is_late(make_service, clock):
    """A repeat that finds the mail due for a minute or more tells the trouble, so that logs and metrics show it."""
    service, _ = make_service(LATER)
    service.register(make_registration())

    at_once = service.register(make_registration())
    clock.advance(minutes=1)
    later = service.register(make_registration())

    assert at_once.trouble is None
    assert later.trouble.code == "mail-delayed"


def test_confirms_whatever_was_asked(make_service):
    """In open mode every registration is confirmed, whatever status its maker gave it."""
    service, _ = make_service()

    receipt = service.register(make_registration(status=Status.CANCELLED))

    assert receipt.registration.status is Status.CONFIRMED


def test_skips_the_mail_when_time_is_out(make_service, repository):
    """With no time left the mail stays due instead of the invocation being killed while it sends."""
    service, notifier = make_service(monotonic=lambda: 100.0)

    receipt = service.register(make_registration(), deadline=100.4)

    assert isinstance(receipt.trouble, TransientNotifierError)
    assert notifier.attempts == 0
    assert repository.find("devconf-2026", "ada@example.org").mail.state is MailState.CLAIMED


def test_tells_the_time_in_utc():
    """The default clock is aware and in UTC."""
    now = utc_now()

    assert now.utcoffset().total_seconds() == 0


def test_who_was_cancelled_comes_back(make_service):
    """In an event that nobody manages, too, whoever's registration was cancelled is registered anew."""
    service, notifier = make_service()
    first = service.register(make_registration()).registration
    repository = service._repository
    repository.replace(first, evolve(first, status=Status.CANCELLED, revision=first.revision + 1))

    receipt = service.register(make_registration(attendee_name="Ada King"))

    stored = repository.find("devconf-2026", "ada@example.org")
    assert receipt.outcome is Outcome.REGISTERED
    assert (stored.status, stored.attendee_name, stored.revision) == (Status.CONFIRMED, "Ada King", 3)
    assert stored.registration_id != first.registration_id
    assert len(notifier.messages) == 2


class _NeverReplaces(SQLiteRepository):
    """A repository in which somebody else is always faster."""

    def replace(self, *_, **__):
        return False


def test_coming_back_may_have_to_wait(clock):
    """Who can't be registered anew because the row changes all the time is asked to try again."""
    repository = _NeverReplaces(":memory:")
    repository.add(make_registration(status=Status.CANCELLED))

    with pytest.raises(RepositoryUnavailableError):
        RegistrationService(repository, RecordingNotifier(), clock=clock).register(make_registration())

    repository.close()


def test_an_attempt_that_can_not_be_noted_is_told(repository, clock):
    """If the owner of an address can't be told of somebody's attempt, the answer is the same, and the log says so."""
    RegistrationService(repository, RecordingNotifier(), clock=clock).register(make_registration())
    service = RegistrationService(_Unreliable(repository, 1), None, clock=clock)

    receipt = service.register(make_registration(attendee_name="Eve"))

    assert receipt.outcome is Outcome.DIFFERENT
    assert receipt.trouble.code == "repository-unavailable"


def test_the_owner_of_an_address_is_told_of_an_attempt_once_a_day(repository, clock):
    """Somebody else's attempt is a mail that the owner is owed, not twice in a day."""
    RegistrationService(repository, RecordingNotifier(), clock=clock).register(make_registration())
    service = RegistrationService(repository, None, clock=clock)

    for _ in range(2):
        service.register(make_registration(attendee_name="Eve"))
        owed = repository.find("devconf-2026", "ada@example.org").mail

        assert (owed.kind, owed.number, owed.state) == (MailKind.REPEATED, 2, MailState.DUE)
