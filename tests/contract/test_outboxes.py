"""Every outbox keeps the contract."""

import pytest

from event_registration.aws import DynamoDBOutbox, DynamoDBRepository
from event_registration.local import SQLiteOutbox, SQLiteRepository
from event_registration.testing import ConcurrentOutboxContract, OutboxContract


class _OnSQLite(ConcurrentOutboxContract):
    """What the outbox of any SQLite database has."""

    @pytest.fixture
    def outbox(self, repository):
        """Return that of the repository."""
        return SQLiteOutbox(repository)

    @pytest.fixture
    def spoil(self, repository):
        """Spoil a row."""

        def spoil(debtor):
            with repository.database.transaction() as connection:
                key = (debtor.event_id, debtor.digest)
                connection.execute("UPDATE registration SET cemail = 'none' WHERE eventid = ? AND digest = ?", key)

        return spoil


class TestSQLiteOutboxInMemory(_OnSQLite):
    """SQLite in memory, which is our fake."""

    @pytest.fixture
    def repository(self):
        """Return an empty one."""
        repository = SQLiteRepository(":memory:")
        yield repository
        repository.close()


class TestSQLiteOutboxInAFile(_OnSQLite):
    """SQLite in a file."""

    @pytest.fixture
    def repository(self, tmp_path):
        """Return an empty one."""
        repository = SQLiteRepository(tmp_path / "registrations.db")
        yield repository
        repository.close()


def _spoil(client, table):
    def spoil(debtor):
        client.update_item(
            TableName=table,
            Key={"eventid": {"S": debtor.event_id}, "sk": {"S": f"REGISTRATION#{debtor.digest}"}},
            UpdateExpression="REMOVE cemail",
        )

    return spoil


@pytest.mark.unmeasured
class TestDynamoDBOutboxOnMoto(OutboxContract):
    """DynamoDB on moto, one caller at a time: under threads moto itself loses rows."""

    @pytest.fixture
    def table(self, moto_client, make_table):
        """Return an empty table."""
        return make_table(moto_client)

    @pytest.fixture
    def repository(self, moto_client, table):
        """Return an empty one."""
        return DynamoDBRepository(moto_client, table)

    @pytest.fixture
    def outbox(self, moto_client, table):
        """Return that of the table."""
        return DynamoDBOutbox(moto_client, table)

    @pytest.fixture
    def spoil(self, moto_client, table):
        """Spoil a row."""
        return _spoil(moto_client, table)


class TestDynamoDBOutboxOnEngine(ConcurrentOutboxContract):
    """DynamoDB on a real engine."""

    @pytest.fixture
    def repository(self, engine_client, table):
        """Return an empty one."""
        return DynamoDBRepository(engine_client, table)

    @pytest.fixture
    def outbox(self, engine_client, table):
        """Return that of the table."""
        return DynamoDBOutbox(engine_client, table)

    @pytest.fixture
    def spoil(self, engine_client, table):
        """Spoil a row."""
        return _spoil(engine_client, table)
