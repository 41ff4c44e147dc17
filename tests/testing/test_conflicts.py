"""Writes that meet on one item are refused by DynamoDB's rule, and nothing else is."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from event_registration.testing import Conflicts, Faults, KilledError

TABLE = "events"


class _Engine(ThreadingHTTPServer):
    """Answers every call with success, the first one not before it is told to."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Call)
        self.operations = []
        self.has_one = threading.Event()
        self.may_answer = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Call(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.operations.append(self.headers["X-Amz-Target"].rpartition(".")[2])
        if len(self.server.operations) == 1:
            self.server.has_one.set()
            assert self.server.may_answer.wait(30)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def engine():
    """Return an engine that listens."""
    with _Engine() as engine:
        threading.Thread(target=engine.serve_forever, args=[0.01]).start()
        yield engine
        engine.may_answer.set()
        engine.shutdown()


@pytest.fixture
def make_client(request, aws_credentials):
    """Return a function that makes clients of an endpoint that try each call once, from several threads."""

    def make(url):
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=8, connect_timeout=5, read_timeout=30)
        client = boto3.client("dynamodb", endpoint_url=url, config=config, **aws_credentials)
        request.addfinalizer(client.close)
        return client

    return make


@pytest.fixture
def client(make_client, engine):
    """Return a client of the engine."""
    return make_client(engine.url)


@pytest.fixture
def make_conflicts(request):
    """Return a function that makes the rule for a client."""

    def make(client, **options):
        conflicts = Conflicts(client, **options)
        request.addfinalizer(conflicts.close)
        return conflicts

    return make


@pytest.fixture
def conflicts(make_conflicts, client):
    """Return the rule for the client."""
    return make_conflicts(client)


def _item(sk, **more):
    return {"TableName": TABLE, "Item": {"eventid": {"S": "e"}, "sk": {"S": sk}}, **more}


def _key(sk, **more):
    return {"TableName": TABLE, "Key": {"eventid": {"S": "e"}, "sk": {"S": sk}}, **more}


def _put(client):
    client.put_item(**_item("B"))


def _update(client):
    client.update_item(**_key("B", UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": {"N": "1"}}))


def _delete(client):
    client.delete_item(**_key("B"))


def _transact(client):
    check = _key("C", ConditionExpression="attribute_not_exists(eventid)")
    client.transact_write_items(TransactItems=[{"Put": _item("A")}, {"Put": _item("B")}, {"ConditionCheck": check}])


def _check(client):
    check = _key("B", ConditionExpression="attribute_exists(eventid)")
    client.transact_write_items(TransactItems=[{"ConditionCheck": check}, {"Delete": _key("D")}])


def _elsewhere(client):
    client.transact_write_items(TransactItems=[{"Put": _item("D")}, {"Delete": _key("E")}])


def _get(client):
    client.get_item(**_key("B", ConsistentRead=True))


@pytest.fixture
def meet(client, engine, conflicts):
    """Return a function that makes a second call while the first is under way, and tells how the second ended."""

    def meet(first, second):
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(first, client)
            assert engine.has_one.wait(30)
            try:
                second(client)
            except ClientError as error:
                ended = error.response
            else:
                ended = None
            assert not running.done()
            engine.may_answer.set()
            running.result()
        assert conflicts.refused == (ended is not None)
        return ended

    return meet


@pytest.mark.parametrize("write", [_put, _update, _delete])
def test_a_write_does_not_meet_a_transaction(meet, write):
    """A single write of an item that a transaction is writing is refused."""
    ended = meet(_transact, write)

    assert ended["Error"]["Code"] == "TransactionConflictException"
    assert ended["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("first", [_put, _update, _transact])
@pytest.mark.parametrize(
    ("second", "reasons"),
    [(_transact, ["None", "TransactionConflict", "None"]), (_check, ["TransactionConflict", "None"])],
    ids=["a write", "a check"],
)
def test_a_transaction_meets_no_write(meet, first, second, reasons):
    """A transaction with an item that is being written is cancelled; its reasons tell which item it was."""
    ended = meet(first, second)

    if first is _transact and second is _transact:
        reasons = ["TransactionConflict"] * 3
    assert ended["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in ended["CancellationReasons"]] == reasons


@pytest.mark.parametrize(
    ("first", "second"),
    [(_put, _update), (_update, _put), (_put, _delete), (_transact, _elsewhere), (_transact, _get), (_put, _elsewhere)],
    ids=["put, update", "update, put", "put, delete", "other items", "a read", "a put elsewhere"],
)
def test_others_may_meet(meet, first, second):
    """Single writes, writes of different items, and reads get in nobody's way."""
    assert meet(first, second) is None


def test_what_is_over_meets_nobody(client, engine, conflicts):
    """Calls one after the other never meet."""
    engine.may_answer.set()

    for call in (_transact, _put, _transact, _check, _update, _transact):
        call(client)

    assert conflicts.refused == 0


def test_what_is_refused_is_not_sent(meet, engine):
    """A transaction that is refused never comes to the engine."""
    meet(_put, _transact)

    assert engine.operations == ["PutItem"]


def test_what_was_refused_is_over(meet, client, conflicts):
    """The next call isn't refused because of one that was."""
    meet(_put, _transact)

    _transact(client)

    assert conflicts.refused == 1


def test_what_could_not_be_sent_is_over(make_client, make_conflicts, engine):
    """Nor is it because of one that never came through."""
    client = make_client(f"{engine.url.rpartition(':')[0]}:9")  # nobody listens on the port of discard
    conflicts = make_conflicts(client)

    for _ in range(2):
        with pytest.raises(BotoCoreError):
            _transact(client)

    assert conflicts.refused == 0


@pytest.fixture(params=[(Faults, Conflicts), (Conflicts, Faults)], ids=["faults first", "conflicts first"])
def both(request, client, engine):
    """Return both of a client, made in either order, before an engine that answers at once."""
    engine.may_answer.set()
    made = {kind: kind(client) for kind in request.param}
    yield made
    made[Conflicts].close()


@pytest.mark.parametrize(
    ("strike", "error", "sent"),
    [
        (lambda faults: faults.error("ThrottlingException", 400), ClientError, 0),
        (lambda faults: faults.error("InternalServerError", 500, carried_out=True), ClientError, 1),
        (lambda faults: faults.lose_request(), ConnectTimeoutError, 0),
        (lambda faults: faults.lose_answer(), ReadTimeoutError, 1),
        (lambda faults: faults.kill(carried_out=False), KilledError, 0),
        (lambda faults: faults.kill(carried_out=True), KilledError, 1),
    ],
    ids=["throttled", "failed after it was done", "request lost", "answer lost", "killed before", "killed after"],
)
def test_a_fault_comes_first(both, client, engine, strike, error, sent):
    """A call that a fault has struck fails as the fault says, is sent as often as it says, and meets nobody."""
    strike(both[Faults])

    with pytest.raises(error):
        _transact(client)

    assert engine.operations == ["TransactWriteItems"] * sent
    _put(client)
    assert both[Conflicts].refused == 0


def test_writes_may_take_longer(client, engine, make_conflicts):
    """Each write takes longer by the seconds that were asked for, a read doesn't."""
    engine.may_answer.set()
    make_conflicts(client, seconds=0.2)

    seconds = []
    for call in (_get, _put):
        started = time.monotonic()
        call(client)
        seconds.append(time.monotonic() - started)

    assert seconds[1] >= 0.2
    assert engine.operations == ["GetItem", "PutItem"]
