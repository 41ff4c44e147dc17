"""Every repository of events keeps the contract."""

import pytest

from event_registration.aws import DynamoDBEventRepository
from event_registration.local import SQLiteEventRepository
from event_registration.testing import ConcurrentEventRepositoryContract, EventRepositoryContract


class TestSQLiteEventsInMemory(ConcurrentEventRepositoryContract):
    """SQLite in memory, which is our fake."""

    @pytest.fixture
    def repository(self):
        """Return an empty one."""
        repository = SQLiteEventRepository(":memory:")
        yield repository
        repository.close()


@pytest.mark.unmeasured
class TestSQLiteEventsInAFile(ConcurrentEventRepositoryContract):
    """SQLite in a file."""

    @pytest.fixture
    def repository(self, tmp_path):
        """Return an empty one."""
        repository = SQLiteEventRepository(tmp_path / "registrations.db")
        yield repository
        repository.close()


@pytest.mark.unmeasured
class TestDynamoDBEventsOnMoto(EventRepositoryContract):
    """DynamoDB on moto, one caller at a time: under threads moto itself loses rows."""

    @pytest.fixture
    def repository(self, moto_client, make_table):
        """Return an empty one."""
        return DynamoDBEventRepository(moto_client, make_table(moto_client))


class TestDynamoDBEventsOnEngine(ConcurrentEventRepositoryContract):
    """DynamoDB on a real engine."""

    @pytest.fixture
    def repository(self, engine_client, table):
        """Return an empty one."""
        return DynamoDBEventRepository(engine_client, table)
