"""Fixtures that the tests of events in the table share."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from lean import LeanClient

from event_registration.aws import DynamoDBEventRepository
from event_registration.testing import Faults


@pytest.fixture
def lean(engine_url):
    """Return a client for what isn't disturbed, in tests whose calls would cost most of their time in botocore."""
    client = LeanClient(engine_url)
    yield client
    client.close()


@pytest.fixture
def watched(engine_url, aws_credentials):
    """Return a client of its own, whose calls may be watched and disturbed."""
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", endpoint_url=engine_url, config=config, **aws_credentials)
    yield client
    client.close()


@pytest.fixture
def disturbed(watched):
    """Return the faults of the watched client."""
    return Faults(watched)


@pytest.fixture
def calls(watched):
    """Return the names of the calls that the watched client has made."""
    calls = []
    watched.meta.events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name))
    return calls


@pytest.fixture
def clean(engine_client, table):
    """Return a repository of events on a fresh table, which nobody watches."""
    return DynamoDBEventRepository(engine_client, table)


@pytest.fixture
def events(watched, table):
    """Return a repository on the same table with the watched client; it waits no real time."""
    return DynamoDBEventRepository(watched, table, sleep=lambda _: None)
