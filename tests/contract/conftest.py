"""Fixtures of the contracts' tests."""

from __future__ import annotations

import boto3
import pytest
from moto import mock_aws


@pytest.fixture(scope="class")
def moto_client(aws_credentials):
    """Return a DynamoDB client of moto's for one class's tests; making one takes longer than most of them."""
    with mock_aws():
        client = boto3.client("dynamodb", **aws_credentials)
        yield client
        client.close()
