"""The proofs' own client tells of the engine what boto3's tells."""

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from lean import LeanClient

from event_registration.testing import Faults

KEY = {"eventid": {"S": "devconf"}, "sk": {"S": "EVENT"}}
IS_NEW = "attribute_not_exists(eventid)"


@pytest.fixture
def lean(engine_url):
    """Return the lean client."""
    client = LeanClient(engine_url)
    yield client
    client.close()


CALLS = {
    "put": lambda client, table: client.put_item(TableName=table, Item=KEY | {"place": {"N": "7"}}),
    "get": lambda client, table: client.get_item(TableName=table, Key=KEY, ConsistentRead=True),
    "get none": lambda client, table: client.get_item(TableName=table, Key=KEY | {"sk": {"S": "none"}}),
    "query": lambda client, table: client.query(
        TableName=table, KeyConditionExpression="eventid = :e", ExpressionAttributeValues={":e": {"S": "devconf"}}
    ),
    "update": lambda client, table: client.update_item(
        TableName=table,
        Key=KEY | {"sk": {"S": "WAITLIST"}},
        UpdateExpression="SET places = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="UPDATED_NEW",
    ),
    "a failed condition of an update": lambda client, table: client.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET #place = :new REMOVE venue",
        ConditionExpression="#place = :old",
        ExpressionAttributeNames={"#place": "place"},
        ExpressionAttributeValues={":new": {"N": "9"}, ":old": {"N": "8"}},
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    ),
    "an index": lambda client, table: client.query(
        TableName=table,
        IndexName="outbox",
        KeyConditionExpression="outbox = :shard AND mail_at <= :last",
        ExpressionAttributeValues={":shard": {"S": "0"}, ":last": {"S": "2026"}},
        Limit=1,
    ),
    "delete": lambda client, table: client.delete_item(TableName=table, Key=KEY | {"sk": {"S": "none"}}),
    "a failed condition": lambda client, table: client.put_item(
        TableName=table,
        Item=KEY,
        ConditionExpression=IS_NEW,
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
    ),
    "a cancelled transaction": lambda client, table: client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": KEY | {"sk": {"S": "other"}}}},
            {
                "Put": {
                    "TableName": table,
                    "Item": KEY,
                    "ConditionExpression": IS_NEW,
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            },
        ]
    ),
    "an invalid call": lambda client, table: client.get_item(TableName=table, Key={"eventid": {"S": "devconf"}}),
    "no such table": lambda client, table: client.get_item(TableName=f"{table}-none", Key=KEY),
}


def _told(client, table, call):
    """Return what a caller can see of the answer."""
    try:
        return {name: value for name, value in call(client, table).items() if name != "ResponseMetadata"}
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return (
            status,
            error.response["Error"]["Code"],
            error.response.get("CancellationReasons"),
            error.response.get("Item"),
        )


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_tells_what_boto3_tells(lean, engine_client, table, call):
    """Answers and errors are the same, with all that is read of them."""
    engine_client.put_item(TableName=table, Item=KEY | {"place": {"N": "7"}})
    due = {"outbox": {"S": "0"}, "mail_at": {"S": "2025"}}
    engine_client.put_item(TableName=table, Item=KEY | {"sk": {"S": "due"}} | due)

    assert _told(lean, table, call) == _told(engine_client, table, call)


def test_is_struck_by_faults(lean, table):
    """A fault that is injected comes to the caller, and the next call goes through."""
    Faults(lean).error("ThrottlingException", 400)

    with pytest.raises(ClientError, match="ThrottlingException"):
        CALLS["put"](lean, table)

    assert CALLS["put"](lean, table) == {}


def test_says_that_nobody_is_there():
    """An engine that doesn't run can't be reached."""
    client = LeanClient("http://127.0.0.1:9")

    with pytest.raises(ConnectTimeoutError):
        CALLS["get"](client, "events")
