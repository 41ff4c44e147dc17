"""Every repository keeps the contract."""

import pytest

from event_registration.aws import DynamoDBRepository
from event_registration.local import SQLiteRepository
from event_registration.testing import ConcurrentRepositoryContract, RepositoryContract


class TestSQLiteInMemory(ConcurrentRepositoryContract):
    """SQLite in memory, which is our fake."""

    @pytest.fixture
    def repository(self):
        """Return an empty one."""
        repository = SQLiteRepository(":memory:")
        yield repository
        repository.close()


class TestSQLiteFile(ConcurrentRepositoryContract):
    """SQLite in a file."""

    @pytest.fixture
    def repository(self, tmp_path):
        """Return an empty one."""
        repository = SQLiteRepository(tmp_path / "registrations.db")
        yield repository
        repository.close()


@pytest.mark.unmeasured
class TestDynamoDBOnMoto(RepositoryContract):
    """DynamoDB on moto, one caller at a time: under threads moto itself loses rows."""

    @pytest.fixture
    def repository(self, moto_client, make_table):
        """Return an empty one."""
        return DynamoDBRepository(moto_client, make_table(moto_client))


class TestDynamoDBOnEngine(ConcurrentRepositoryContract):
    """DynamoDB on a real engine."""

    @pytest.fixture
    def repository(self, engine_client, table):
        """Return an empty one."""
        return DynamoDBRepository(engine_client, table)
