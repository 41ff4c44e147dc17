"""Each fault does to the next call what it says, and to no other."""

import random
from collections import Counter
from contextlib import suppress

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from event_registration.testing import Faults, KilledError


@pytest.fixture
def client(engine_url, aws_credentials):
    """Return a client that tries each call once."""
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", endpoint_url=engine_url, config=config, **aws_credentials)
    yield client
    client.close()


@pytest.fixture
def faults(client):
    """Return the faults of the client."""
    return Faults(client)


@pytest.fixture
def write(client, table):
    """Return a function that writes a row of a number."""

    def write(number):
        client.put_item(TableName=table, Item={"eventid": {"S": "e"}, "sk": {"S": str(number)}})

    return write


@pytest.fixture
def written(engine_client, table):
    """Return a function that tells which rows there are, by a client without faults."""
    return lambda: sorted(int(item["sk"]["S"]) for item in engine_client.scan(TableName=table)["Items"])


def _outcome(write, number):
    try:
        write(number)
    except (ClientError, ConnectTimeoutError, ReadTimeoutError, KilledError) as error:
        return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
    return "fine"


SINGLE = {
    "error": (lambda faults: faults.error("ThrottlingException", 400), "ThrottlingException", False),
    "error, carried out": (
        lambda faults: faults.error("InternalServerError", 500, carried_out=True),
        "InternalServerError",
        True,
    ),
    "lost request": (lambda faults: faults.lose_request(), "ConnectTimeoutError", False),
    "lost answer": (lambda faults: faults.lose_answer(), "ReadTimeoutError", True),
    "killed before": (lambda faults: faults.kill(carried_out=False), "KilledError", False),
    "killed after": (lambda faults: faults.kill(carried_out=True), "KilledError", True),
    "spared": (lambda faults: faults.spare(1), "fine", True),
    "meanwhile": (lambda faults: faults.meanwhile(lambda: None), "fine", True),
}


@pytest.mark.parametrize("name", SINGLE)
def test_a_fault_is_one_calls(faults, write, written, name):
    """A fault strikes the next call alone: it ends as told, was carried out or not, and the one after it is fine."""
    queue, outcome, happens = SINGLE[name]
    queue(faults)

    outcomes = [_outcome(write, number) for number in (1, 2)]

    assert outcomes == [outcome, "fine"]
    assert written() == ([1, 2] if happens else [2])
    assert faults.calls == 2


def test_an_error_has_the_status_it_was_given(faults, write):
    """The answer of an error has its HTTP status too, which callers decide by."""
    faults.error("InternalServerError", 503)

    with pytest.raises(ClientError) as caught:
        write(1)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_spares_as_many_as_told(faults, write):
    """The fault that is queued behind spared calls strikes the one after them."""
    faults.spare(3)
    faults.lose_request()

    outcomes = [_outcome(write, number) for number in range(5)]

    assert outcomes == ["fine", "fine", "fine", "ConnectTimeoutError", "fine"]


def test_strikes_in_the_order_of_the_queue(faults, write):
    """Several faults strike one call each, in the order in which they were queued."""
    faults.error("ThrottlingException", 400)
    faults.lose_answer()
    faults.kill(carried_out=False)

    outcomes = [_outcome(write, number) for number in range(4)]

    assert outcomes == ["ThrottlingException", "ReadTimeoutError", "KilledError", "fine"]


def test_forgets_what_has_not_happened(faults, write, written):
    """What is forgotten strikes nobody, and leaves no call spared for what is queued later."""
    faults.spare(5)
    faults.kill(carried_out=True)
    faults.forget()
    faults.lose_request()

    outcomes = [_outcome(write, number) for number in (1, 2)]

    assert outcomes == ["ConnectTimeoutError", "fine"]
    assert written() == [2]


def test_something_happens_before_the_call_is_sent(faults, write, written):
    """What happens meanwhile is over when the call begins, and may call through the same client."""
    seen = []

    def meanwhile():
        write(2)
        seen.append(written())

    faults.meanwhile(meanwhile)

    write(1)

    assert seen == [[2]]
    assert written() == [1, 2]


def test_no_handler_of_errors_sees_a_kill(faults, write):
    """A kill passes whoever handles exceptions, as a process's end would."""

    def careful():
        with suppress(Exception):
            write(1)

    faults.lose_answer()
    faults.kill(carried_out=False)
    careful()

    with pytest.raises(KilledError):
        careful()


def test_a_client_has_its_own_faults(faults, engine_client, table):
    """A fault of one client is nobody else's."""
    faults.lose_request()

    engine_client.put_item(TableName=table, Item={"eventid": {"S": "e"}, "sk": {"S": "1"}})

    assert faults.calls == 0


@pytest.mark.parametrize(("share", "killed"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (0.3, 0.3)])
def test_strikes_at_random(faults, write, written, share, killed):
    """As large a share of calls as told fails in each way, and is killed, half of them before and half after."""
    faults.at_random(share, random.Random(2026), killed=killed)

    outcomes = [_outcome(write, number) for number in range(400)]

    counts = Counter(outcomes)
    assert counts["KilledError"] / 400 == pytest.approx(killed, abs=0.06)
    failed = counts.total() - counts["fine"] - counts["KilledError"]
    assert failed / 400 == pytest.approx((1 - killed) * share, abs=0.06)
    ways = {"ThrottlingException", "InternalServerError", "ConnectTimeoutError", "ReadTimeoutError"}
    assert {way for way in ways if counts[way]} == (ways if share else set())
    there = Counter(outcomes[number] for number in written())
    assert there["KilledError"] / 400 == pytest.approx(killed / 2, abs=0.06)
    assert (there["fine"], there["ReadTimeoutError"]) == (counts["fine"], counts["ReadTimeoutError"])


def test_what_is_queued_comes_before_chance(faults, write):
    """A queued fault strikes as it was told, whatever strikes at random."""
    faults.at_random(1.0, random.Random(2026))
    faults.spare(3)

    outcomes = [_outcome(write, number) for number in range(4)]

    assert outcomes[:3] == ["fine"] * 3
    assert outcomes[3] != "fine"
