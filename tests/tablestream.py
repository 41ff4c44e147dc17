"""A DynamoDB table's stream, of a real engine or made up, as Lambda's trigger reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from event_registration.testing import ManualClock

Record: TypeAlias = "dict[str, Any]"
Image: TypeAlias = "Mapping[str, Mapping[str, Any]]"

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/eventmanagement/stream/2026-03-01T12:00:00.000"


class Stream:
    """
    A table's stream with new images: a record for each change of an item, in the order of the changes.

    Args:
        clock: The present.
        more: Returns the records that have come about since it was last called, as `EngineFeed` does.
    """

    def __init__(self, clock: ManualClock, more: Callable[[], Iterable[Record]] = tuple) -> None:
        self._clock = clock
        self._more = more
        self._records: list[Record] = []

    def change(self, before: Image | None, after: Image | None) -> None:
        """Record that an item was changed; nothing is recorded of a write that changes nothing."""
        if before != after:
            self.add(record_of(before, after, len(self._records) + 1))

    def add(self, record: Record) -> None:
        """Record what a record says, as of now."""
        facts = record["dynamodb"] | {"ApproximateCreationDateTime": self._clock().timestamp()}
        self._records.append(record | {"dynamodb": facts})

    def since(self, position: int) -> list[Record]:
        """Return all records but the first *position*."""
        for record in self._more():
            self.add(record)
        return self._records[position:]


def record_of(before: Image | None, after: Image | None, number: int) -> Record:
    """Return the record of a change of an item of ours, as Lambda gives it to a function."""
    item = after or before or {}
    facts: dict[str, Any] = {
        "Keys": {name: item[name] for name in ("eventid", "sk")},
        "SequenceNumber": str(number),
        "StreamViewType": "NEW_IMAGE",
    }
    if after:
        facts["NewImage"] = dict(after)
    return {
        "eventID": f"{number:032x}",
        "eventName": "INSERT" if not before else "MODIFY" if after else "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": facts,
        "eventSourceARN": ARN,
    }


class EngineFeed:
    """
    What the stream of a table on an engine has to give, for `Stream`.

    Args:
        client: A boto3 client of ``dynamodbstreams``.
        arn: The stream.
    """

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        shards = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._iterators = [
            client.get_shard_iterator(StreamArn=arn, ShardId=each["ShardId"], ShardIteratorType="TRIM_HORIZON")
            for each in shards
        ]

    def __call__(self) -> Iterator[Record]:
        """Yield what has come about since the last call."""
        for number, iterator in enumerate(self._iterators):
            answer = {"NextShardIterator": iterator["ShardIterator"], "Records": [{}]}
            while answer["Records"]:
                answer = self._client.get_records(ShardIterator=answer["NextShardIterator"])
                yield from answer["Records"]
            self._iterators[number] = {"ShardIterator": answer["NextShardIterator"]}
