"""Fixtures that several test modules share."""

from __future__ import annotations

import itertools
import json
import marshal
from functools import cache
from pathlib import Path

import boto3
import coverage
import engine
import markup
import npm
import pytest
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from playwright.sync_api import sync_playwright

from event_registration.aws import DynamoDBRepository
from event_registration.local import SQLiteRepository

_CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
_KEYS = ("eventid", "HASH"), ("sk", "RANGE")
# The folders of the tests that deploy, that open pages, and of which many are the same for each kind of storage.
_SLOW = "deployment", "browser", "contract"
_OUTBOX = ("outbox", "HASH"), ("mail_at", "RANGE")


@cache
def _own_file(path):
    # Plain dictionaries are the quickest to copy.
    return marshal.dumps(json.loads(json.dumps(JSONFileLoader().load_file(path))))


class _ModelsOfAws(JSONFileLoader):
    """Takes each of botocore's own files apart once: it would do so with megabytes for every session of every test."""

    def load_file(self, file_path):
        """Return what a file holds, without its ending; ``None`` if there is no such file."""
        if Path(file_path).is_relative_to(Loader.BUILTIN_DATA_PATH):
            # A copy, as botocore writes into what it has read.
            return marshal.loads(_own_file(file_path))  # noqa: S302 - it is our own
        return super().load_file(file_path)


Loader.FILE_LOADER_CLASS = _ModelsOfAws


def _schema(keys):
    return [{"AttributeName": key, "KeyType": kind} for key, kind in keys]


@pytest.fixture(scope="session")
def playwright():
    """Return Playwright, of which a process has one at most."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def faults():
    """Return a function that tells what is wrong with a document of HTML."""
    with markup.checking() as faults:
        yield faults


@pytest.fixture(scope="session")
def engine_url(tmp_path_factory):
    """Return the URL of a running DynamoDB engine; say so and skip where it can't be had."""
    try:
        program = engine.binary()
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    yield from engine.run(program, tmp_path_factory.mktemp("engine") / "log")


@pytest.fixture(scope="session")
def engine_client(engine_url):
    """Return a DynamoDB client of the engine that tries each call once."""
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=128, connect_timeout=5, read_timeout=30)
    client = boto3.client("dynamodb", endpoint_url=engine_url, config=config, **_CREDENTIALS)
    yield client
    client.close()


@pytest.fixture(scope="session")
def aws_credentials():
    """Return credentials and region for clients that never meet AWS."""
    return _CREDENTIALS


@pytest.fixture(scope="session")
def make_table():
    """Return a function that makes a fresh table through a client and returns its name."""
    numbers = itertools.count()

    def make(client, keys=_KEYS):
        name = f"eventmanagement-{next(numbers)}"
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in (*keys, *_OUTBOX)],
            KeySchema=_schema(keys),
            GlobalSecondaryIndexes=[
                {"IndexName": "outbox", "KeySchema": _schema(_OUTBOX), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            ],
        )
        return name

    return make


@pytest.fixture
def table(engine_client, make_table):
    """Return the name of a fresh table on the engine."""
    return make_table(engine_client)


@pytest.fixture(params=["sqlite", "engine"])
def repository(request):
    """Return an empty repository of each kind that many threads may use."""
    if request.param == "engine":
        return DynamoDBRepository(request.getfixturevalue("engine_client"), request.getfixturevalue("table"))
    sqlite = SQLiteRepository(request.getfixturevalue("tmp_path") / "registrations.db")
    request.addfinalizer(sqlite.close)
    return sqlite


def pytest_addoption(parser):
    """Add the switch that `.ci/run` sets."""
    parser.addoption("--no-skips", action="store_true", help="count a skipped test as a failed one")


def pytest_collection_modifyitems(config, items):
    """Put first what takes longest, and leave the long proofs to `make proof`, which asks for them by their mark."""
    # Of several processes each takes the next file when it has done one: small ones in the end leave none alone.
    items.sort(key=lambda item: (item.path.parent.name not in _SLOW, -item.path.stat().st_size, item.path))
    if "proof" in config.option.markexpr:
        return
    proofs = [item for item in items if item.get_closest_marker("proof")]
    config.hook.pytest_deselected(items=proofs)
    items[:] = [item for item in items if item not in proofs]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """
    Leave alone what is marked as unmeasured: to watch a line costs as much the thousandth time as the first.

    Nor does it count what Hypothesis makes up, which marks its tests itself: what is met by chance may be missed by it.
    """
    unmeasured = item.get_closest_marker("unmeasured") or item.get_closest_marker("hypothesis")
    measuring = coverage.Coverage.current() if unmeasured else None
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Turn a skip into a failure where nothing may be missing."""
    report = yield
    if report.skipped and item.config.option.no_skips:
        report.outcome = "failed"
        report.longrepr = f"skipped, which counts as failed here: {report.longrepr}"
    return report
