"""Many at once: one row and one mail a person. A control without the protection must see the loss."""

import time
from collections import Counter

import pytest
from attrs import evolve

from event_registration.aws import DynamoDBRepository
from event_registration.errors import TransientNotifierError
from event_registration.local import SQLiteRepository
from event_registration.service import Outcome, RegistrationService
from event_registration.testing import ManualClock, RecordingNotifier, at_once, make_registration

pytestmark = pytest.mark.unmeasured

THREADS = 100
PEOPLE = [f"person{number}@example.org" for number in range(10)]


def _register_all(repository):
    notifier = RecordingNotifier()
    service = RegistrationService(repository, notifier)
    registrations = [make_registration(attendee_email=PEOPLE[n % len(PEOPLE)]) for n in range(THREADS)]

    receipts = at_once(*(lambda each=each: service.register(each) for each in registrations))

    return receipts, notifier


def test_registers_each_person_once(repository):
    """A hundred threads that register ten people leave ten rows and send ten mails."""
    receipts, notifier = _register_all(repository)

    assert sorted(each.attendee_email for each in repository.list("devconf-2026")) == PEOPLE
    assert sorted(message.to for message in notifier.messages) == PEOPLE
    assert Counter(receipt.outcome for receipt in receipts) == {
        Outcome.REGISTERED: len(PEOPLE),
        Outcome.REPEATED: THREADS - len(PEOPLE),
    }


def test_sends_a_lost_mail_again_once(repository):
    """A hundred repeats at once of one person whose mail got lost send it once."""
    clock = ManualClock()
    notifier = RecordingNotifier([TransientNotifierError("later")])
    service = RegistrationService(repository, notifier, clock=clock)
    service.register(make_registration())
    clock.advance(minutes=10)

    at_once(*[lambda: service.register(make_registration())] * THREADS)

    assert len(notifier.messages) == 1


class _NoCondition:
    """A DynamoDB client that drops the condition of every put, as the hand-written handlers do."""

    def __init__(self, client):
        self._client = client

    def put_item(self, *, TableName, Item, **_):  # noqa: N803 - boto3's names
        return self._client.put_item(TableName=TableName, Item=Item)

    def __getattr__(self, name):
        return getattr(self._client, name)


class _ReadThenWrite(SQLiteRepository):
    """An SQLite repository that looks first and writes later, in two transactions."""

    def add(self, registration, *, deadline=None):
        earlier = self.find(registration.event_id, registration.attendee_email)
        if earlier:
            return earlier
        time.sleep(0.01)  # what another thread needs to look too
        super().add(registration, deadline=deadline)
        return registration


@pytest.fixture(params=["sqlite", "engine"])
def unprotected(request, tmp_path):
    """Return a repository of each kind without its protection."""
    if request.param == "engine":
        client = request.getfixturevalue("engine_client")
        return DynamoDBRepository(_NoCondition(client), request.getfixturevalue("table"))
    repository = _ReadThenWrite(tmp_path / "registrations.db")
    request.addfinalizer(repository.close)
    return repository


def test_the_control_sees_the_loss(unprotected):
    """Without the condition the same hundred threads send more mails than there are people."""
    _, notifier = _register_all(unprotected)

    assert len(notifier.messages) > len(PEOPLE)


def test_the_control_overwrites(engine_client, table):
    """Without the condition a second registration replaces the first one's details."""
    repository = DynamoDBRepository(_NoCondition(engine_client), table)
    first = repository.add(make_registration())

    repository.add(evolve(first, attendee_name="Eve"))

    assert repository.find("devconf-2026", "ada@example.org").attendee_name == "Eve"
