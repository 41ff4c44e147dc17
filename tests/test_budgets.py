"""What is steady about speed is kept: the modules imported, the calls to AWS, the zip's size, the instructions."""

import json
import platform
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from benchmarks import lambdas
from benchmarks.cloud import running_cloud
from benchmarks.environments import environment
from benchmarks.functions import Bench
from benchmarks.subjects import BASELINE, SUBJECTS
from serving import unmeasured

from event_registration import make_lambda_handler
from event_registration.aws import DynamoDBEventRepository, DynamoDBOutbox
from event_registration.deployment.package import BUDGET, build_package
from event_registration.errors import DeploymentError
from event_registration.event import Event
from event_registration.links import Keyring, Link, Links
from event_registration.managed import EventRegistrationService
from event_registration.self_service import SelfService
from event_registration.settings import Confirmation, EventsMode, Settings
from event_registration.testing import RecordingNotifier

POST = json.loads((Path(__file__).parent / "payloads" / "rest-api.json").read_text("utf-8"))
VERSION = ".".join(platform.python_version_tuple()[:2])


# Modules

LOADED = """
import sys
from event_registration import Settings, make_lambda_handler
from event_registration.settings import Confirmation, EventsMode
settings = Settings(
    confirmation=Confirmation({confirmation!r}), events=EventsMode({events!r}), sender="events@example.org"
)
handler = make_lambda_handler(settings=settings)
before = set(sys.modules)
handler({{"httpMethod": "OPTIONS", "path": "/registrations", "headers": {{}}, "requestContext": {{}}}}, None)
assert before == set(sys.modules), set(sys.modules) - before
print(*before)
"""
NEVER = {
    "asyncio",
    "click",
    "filelock",
    "idna",
    "jsonschema",
    "markupsafe",
    "rich",
    "sqlite3",
    "waitress",
    "werkzeug",
    "yaml",
}
MODULES = {
    (EventsMode.OPEN, Confirmation.INLINE): 34,
    (EventsMode.OPEN, Confirmation.OUTBOX): 26,
    (EventsMode.MANAGED, Confirmation.INLINE): 64,
    (EventsMode.MANAGED, Confirmation.OUTBOX): 47,
}
"""How many of our modules each mode loads. A new one costs every cold start: raise a number for a reason."""


@pytest.mark.parametrize(("events", "confirmation"), MODULES)
def test_imports(events, confirmation):
    """The function imports so many of our modules in each mode, all before the first call, and no program's parts."""
    program = LOADED.format(events=events.value, confirmation=confirmation.value)
    environ = unmeasured() | {"AWS_DEFAULT_REGION": "eu-west-1"}

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ
    ).stdout.split()

    assert NEVER & {name.partition(".")[0] for name in loaded} == set()
    reads_rows = (events, confirmation) == (EventsMode.MANAGED, Confirmation.INLINE)  # its relay does in every call
    assert ("cattrs" in loaded) == reads_rows
    ours = sorted(name for name in loaded if name.startswith("event_registration"))
    assert len(ours) == MODULES[events, confirmation], ours


# Calls


class World:
    """A handler on the engine, and what it calls."""

    def __init__(self, client, table, events, confirmation):
        self.calls = Counter()
        self.notifier = RecordingNotifier()
        self.repository = DynamoDBEventRepository(client, table)
        settings = Settings(events=events, confirmation=confirmation, sender="events@example.org")
        self._handler = make_lambda_handler(
            repository=self.repository,
            outbox=DynamoDBOutbox(client, table),
            notifier=self.notifier,
            settings=settings,
        )

    def note(self, model, **_more):
        """Note a call."""
        self.calls[model.name] += 1

    def ask(self, **changes):
        """Call the handler, and return the status, the calls to DynamoDB and the mails."""
        self.calls.clear()
        sent = len(self.notifier.messages)
        answer = self._handler(POST | changes, None)
        return answer["statusCode"], dict(self.calls), len(self.notifier.messages) - sent

    def register(self, name, **changes):
        """Register somebody."""
        body = json.loads(POST["body"]) | {"cemail": f"{name}@example.org"} | changes
        return self.ask(body=json.dumps(body))


@pytest.fixture
def world(request, engine_client, table):
    """Return a handler in the modes of the test's parameter."""
    events, confirmation = request.param
    world = World(engine_client, table, events, confirmation)
    if events is EventsMode.MANAGED:
        for event_id, capacity in {"devconf-2026": None, "workshop": 2}.items():
            world.repository.create_event(_event(event_id, capacity))
    engine_client.meta.events.register("before-call.dynamodb", world.note)
    yield world
    engine_client.meta.events.unregister("before-call.dynamodb", world.note)


def _event(event_id, capacity):
    return Event(
        event_id=event_id,
        event_name="DevConf 2026",
        starts_at=datetime(2999, 5, 1, 9, tzinfo=UTC),
        ends_at=datetime(2999, 5, 1, 17, tzinfo=UTC),
        time_zone="Europe/Berlin",
        capacity=capacity,
        waitlist=capacity is not None,
    )


def _in(events, confirmation):
    return pytest.mark.parametrize("world", [(events, confirmation)], indirect=True, ids=[f"{events}-{confirmation}"])


@_in(EventsMode.OPEN, Confirmation.INLINE)
def test_calls_open_inline(world):
    """A registration is a put, a mail and a mark; its repeat a put that is refused."""
    assert world.register("ada") == (201, {"PutItem": 2}, 1)
    assert world.register("ada") == (201, {"PutItem": 1}, 0)


@_in(EventsMode.OPEN, Confirmation.OUTBOX)
def test_calls_open_outbox(world):
    """A registration is one put, and so is its repeat."""
    assert world.register("ada") == (201, {"PutItem": 1}, 0)
    assert world.register("ada") == (201, {"PutItem": 1}, 0)


@_in(EventsMode.MANAGED, Confirmation.OUTBOX)
def test_calls_managed_outbox(world):
    """An event is read once; then a registration is one put, for a limited event one transaction, a card nothing."""
    assert world.register("ada") == (201, {"GetItem": 1, "PutItem": 1}, 0)
    assert world.register("eve") == (201, {"PutItem": 1}, 0)
    assert world.register("eve") == (201, {"PutItem": 1}, 0)
    assert world.register("ada", eventid="workshop") == (201, {"GetItem": 1, "TransactWriteItems": 1}, 0)
    assert world.ask(httpMethod="GET", path="/events/devconf-2026", body=None) == (200, {}, 0)


@_in(EventsMode.MANAGED, Confirmation.INLINE)
def test_calls_managed_inline(world):
    """Its own call is the first relay of a managed event's mail: row and address read, claimed, counted, marked."""
    first = world.register("ada")
    later = world.register("eve")

    assert later == (201, {"PutItem": 1, "GetItem": 2, "UpdateItem": 3}, 1)
    assert first == (201, {"PutItem": 1, "GetItem": 4, "UpdateItem": 3}, 1)


@_in(EventsMode.MANAGED, Confirmation.OUTBOX)
def test_calls_of_links(world):
    """Looking at a registration by its link reads it and its event, once for a while; cancelling is one write."""
    links = Links(lambda _key_id=None: Keyring("a", {"a": "k" * 43}), "https://events.example.org/manage.html")
    service = SelfService(EventRegistrationService(world.repository, None), world.repository, links)
    world.register("ada")
    digest = world.repository.digest_of("ada@example.org")
    token = links.sign(Link("devconf-2026", digest, 1, 99_999_999_999))
    called = []

    for ask in (service.view, service.view, service.cancel):
        world.calls.clear()
        ask(token)
        called.append(dict(world.calls))

    assert called == [{"GetItem": 2}, {"GetItem": 1}, {"GetItem": 4, "PutItem": 1}]


@_in(EventsMode.MANAGED, Confirmation.OUTBOX)
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"httpMethod": "OPTIONS", "body": None}, 204),
        ({"body": "{}"}, 422),
        ({"body": "{"}, 400),
        ({"path": "/nothing", "httpMethod": "GET", "body": None}, 404),
    ],
)
def test_calls_nothing_in_vain(world, changes, status):
    """What is refused, and what a browser asks before, costs no call."""
    assert world.ask(**changes) == (status, {}, 0)


# Instructions


@pytest.fixture(scope="module")
def zipped(tmp_path_factory):
    """Return the function's zip for the Python that runs the tests; say so and skip where there is no network."""
    try:
        arch = platform.machine().replace("aarch64", "arm64")
        return build_package(tmp_path_factory.mktemp("zip") / "function.zip", arch=arch, python=VERSION)
    except DeploymentError as error:
        if "package index" not in str(error):
            raise
        pytest.skip(str(error))


def test_size(zipped):
    """The zip is within its budget, with bytecode."""
    assert zipped.precompiled
    assert zipped.size <= BUDGET


@pytest.fixture(scope="module")
def counts(zipped, tmp_path_factory):
    """Return the instructions of the hand-written handler and of ours, counted at once with the same boto3."""
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    python = Path(sys.executable)
    try:
        environment("boto3", python)
    except subprocess.CalledProcessError:
        pytest.skip("boto3 could not be installed from PyPI")
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        jobs = {}
        for name in (BASELINE, "zip-outbox"):
            folder = tmp_path_factory.mktemp(name)
            cloud = stack.enter_context(running_cloud(folder))
            bench = Bench(cloud, folder, python, zipped.path, wheel=Path())
            jobs[name] = pool.submit(lambdas.count, bench, SUBJECTS[name], "http", people=8, silences=1)
        return {name: job.result() for name, job in jobs.items()}


# Of the hand-written handler's instructions with the same boto3: 0.67 to 0.69 and 0.43 to 0.44 from Python 3.11 to
# 3.13. What falls below its band is to move it, or the next loss would not be seen.
BANDS = {"cold": (0.66, 0.70), "warm": (0.425, 0.445)}


@pytest.mark.timeout(900)  # half a minute on two cores that do nothing else
@pytest.mark.parametrize("part", BANDS)
def test_instructions(counts, part):
    """In outbox mode the function executes this share of the instructions of the handler that people write by hand."""
    least, most = BANDS[part]

    ratio = counts["zip-outbox"][part] / counts[BASELINE][part]

    assert least <= ratio <= most
