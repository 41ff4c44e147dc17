"""Faults and kills at any moment lose nothing that was acknowledged, and send nobody two mails."""

import http.client
import os
import random
import signal
import threading
import time
from collections import Counter
from email import message_from_bytes, policy

import boto3
import pytest
from botocore.config import Config
from serving import ADA, serving

from event_registration.aws import DynamoDBRepository
from event_registration.errors import RepositoryUnavailableError
from event_registration.local import SQLiteRepository
from event_registration.service import Outcome, RegistrationService
from event_registration.testing import Faults, RecordingNotifier, at_once, make_registration

pytestmark = pytest.mark.unmeasured

PEOPLE = [f"person{number}@example.org" for number in range(10)]
ROUNDS = [pytest.param(3, id="3 rounds"), pytest.param(100, id="100 rounds", marks=pytest.mark.proof)]
KILLS = [pytest.param(2, id="2 kills"), pytest.param(40, id="40 kills", marks=pytest.mark.proof)]


@pytest.fixture
def faulty_client(engine_url, aws_credentials):
    """Return a client of which three calls in ten fail, every second of them after it was carried out or not."""
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=64, connect_timeout=5, read_timeout=30)
    client = boto3.client("dynamodb", endpoint_url=engine_url, config=config, **aws_credentials)
    Faults(client).at_random(0.3, random.Random(2026))
    yield client
    client.close()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_faults_lose_nothing(engine_client, faulty_client, make_table, rounds):
    """Of many at once on a failing table, whoever is told is stored, once, and whoever was first has one mail."""
    figures = Counter()
    for _ in range(rounds):
        table = make_table(engine_client)
        notifier = RecordingNotifier()
        service = RegistrationService(DynamoDBRepository(faulty_client, table), notifier)

        def register(number, service=service):
            try:
                return service.register(make_registration(attendee_email=PEOPLE[number % 10]))
            except RepositoryUnavailableError:
                return None

        receipts = [
            receipt for receipt in at_once(*(lambda n=n: register(n) for n in range(50))) if receipt is not None
        ]

        stored = [each.attendee_email for each in DynamoDBRepository(engine_client, table).list("devconf-2026")]
        first = [each.registration.attendee_email for each in receipts if each.outcome is Outcome.REGISTERED]
        told = {each.registration.attendee_email for each in receipts}
        assert len(stored) == len(set(stored))
        assert told <= set(stored)
        assert Counter(message.to for message in notifier.messages) == Counter(first)
        assert max(Counter(first).values()) == 1
        figures += Counter(told=len(receipts), turned_away=50 - len(receipts), stored=len(stored), mails=len(first))
    print(f"{rounds} rounds of 50 callers, 3 calls in 10 failing: {dict(figures)}, lost 0, sent twice 0")  # noqa: T201


def _post_until_it_fails(server, numbers, acknowledged):
    for number in numbers:
        try:
            status, _, _ = server.request(body=ADA | {"cemail": f"{number}@example.org"})
        except (OSError, http.client.HTTPException):
            return
        assert status == 201
        acknowledged.append(number)


@pytest.mark.parametrize("kills", KILLS)
def test_kills_lose_nothing(tmp_path, kills):
    """After kills -9 under load everyone who is stored has a mail, a second one at most for each kill."""
    chance = random.Random(2026)
    acknowledged = []
    for kill in range(kills):
        with serving(tmp_path, measured=False) as server:
            threads = [
                threading.Thread(
                    target=_post_until_it_fails,
                    args=(server, range(kill * 10_000 + start, (kill + 1) * 10_000, 4), acknowledged),
                )
                for start in range(4)
            ]
            for thread in threads:
                thread.start()
            time.sleep(0.1 + 0.3 * chance.random())
            os.kill(server.process.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()

    repository = SQLiteRepository(tmp_path / "registrations.db")
    with serving(tmp_path):
        while any(each.mail.is_pending for each in repository.list(ADA["eventid"])):
            time.sleep(0.1)
    stored = Counter(each.attendee_email for each in repository.list(ADA["eventid"]))
    repository.close()
    mails = Counter(
        message_from_bytes(path.read_bytes(), policy=policy.default)["To"]
        for path in (tmp_path / "mailbox").glob("*.eml")
    )
    told = {f"{number}@example.org" for number in acknowledged}
    assert len(told) > 5 * kills
    assert told <= set(stored)
    assert set(mails) == set(stored)
    assert max(stored.values()) == 1
    twice = mails.total() - len(mails)
    assert twice <= kills
    print(  # noqa: T201
        f"{kills} kills -9: {len(told)} told, of these 0 lost; {len(stored)} stored, {len(mails)} mails, "
        f"sent twice {twice}"
    )
