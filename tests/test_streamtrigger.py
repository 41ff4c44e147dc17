"""The simulator of Lambda's stream trigger keeps the rules of AWS's pages, one test a rule."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from random import Random

import boto3
import pytest
from streamtrigger import Mishaps, Trigger
from tablestream import EngineFeed, Stream

from event_registration.testing import KilledError, ManualClock

_TRUSTING = {"StartingPosition": "TRIM_HORIZON"}
_REPORTING = {**_TRUSTING, "FunctionResponseTypes": ["ReportBatchItemFailures"]}
_BISECTING = {**_TRUSTING, "BisectBatchOnFunctionError": True}
_KEEPING = {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:123456789012:left"}}}
_DUE = {"FilterCriteria": {"Filters": [{"Pattern": '{"dynamodb": {"NewImage": {"mail": {"S": ["due"]}}}}'}]}}


def _item(name, mail="due"):
    return {"eventid": {"S": "devconf-2026"}, "sk": {"S": name}, "mail": {"S": mail}}


def _names(payload):
    return [record["dynamodb"]["Keys"]["sk"]["S"] for record in payload["Records"]]


def _failures(*numbers):
    return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}


class _World:
    """A stream of one shard with records "1", "2" ..., whose sequence numbers are the same, and what a function saw."""

    def __init__(self, count=0, mail="due"):
        self.clock = ManualClock()
        self.stream = Stream(self.clock)
        self.seen = []
        for number in range(1, count + 1):
            self.stream.change(None, _item(str(number), mail))

    def trigger(self, properties, answer=lambda _names: None, *, shards=1, **options):
        def handler(payload, _context):
            self.seen.append(_names(payload))
            return answer(self.seen[-1])

        options = {"clock": self.clock, "chance": Random(1), "shards": shards, **options}
        return Trigger(self.stream, handler, properties, **options)

    def run(self, properties, answer=lambda _names: None, **options):
        trigger = self.trigger(properties, answer, **options)
        trigger.run()
        return trigger


def _raise_at(*bad):
    def answer(names):
        if set(bad) & set(names):
            raise RuntimeError

    return answer


def test_gives_records_in_batches():
    """A function gets the records of a shard in their order, as many at once as BatchSize says, 100 by default."""
    world, default = _World(5), _World(101)

    world.run(_TRUSTING | {"BatchSize": 2})
    default.run(_TRUSTING)

    assert world.seen == [["1", "2"], ["3", "4"], ["5"]]
    assert [len(each) for each in default.seen] == [100, 1]


def test_gives_records_as_lambda_does():
    """A record says what was changed and how, and when by the virtual clock; a deleted item has no new image."""
    world, payloads = _World(), []
    item, sent = _item("ada"), _item("ada", "sent")
    for before, after in [(None, item), (item, sent), (sent, None)]:
        world.stream.change(before, after)
    trigger = Trigger(
        world.stream, lambda payload, _: payloads.append(payload), _TRUSTING, clock=world.clock, chance=Random(1)
    )

    trigger.run()

    ((first, second, third),) = [payload["Records"] for payload in payloads]
    keys = {"eventid": {"S": "devconf-2026"}, "sk": {"S": "ada"}}
    assert [each["eventName"] for each in (first, second, third)] == ["INSERT", "MODIFY", "REMOVE"]
    assert {each["eventSource"] for each in (first, second, third)} == {"aws:dynamodb"}
    assert len({each["eventID"] for each in (first, second, third)}) == 3
    assert first["dynamodb"] == {
        "ApproximateCreationDateTime": world.clock().timestamp() - 0.01,
        "Keys": keys,
        "NewImage": item,
        "SequenceNumber": "1",
        "StreamViewType": "NEW_IMAGE",
    }
    assert second["dynamodb"]["NewImage"] == sent
    assert third["dynamodb"]["Keys"] == keys
    assert "NewImage" not in third["dynamodb"]


def test_records_no_write_that_changes_nothing():
    """A write that leaves an item as it was is not in the stream."""
    world = _World()
    world.stream.change(_item("ada"), _item("ada"))

    world.run(_TRUSTING)

    assert world.seen == []


@pytest.mark.parametrize(("position", "expected"), [("TRIM_HORIZON", [["1", "2", "3"]]), ("LATEST", [["3"]])])
def test_begins_where_it_is_told(position, expected):
    """A mapping begins with the oldest record of the stream, or with the first that comes after it."""
    world = _World(2)
    trigger = world.trigger({"StartingPosition": position})
    world.stream.change(None, _item("3"))

    trigger.run()

    assert world.seen == expected


def test_filters():
    """What meets one of the filters is given to the function; all else is passed over and fills no batch."""
    world = _World()
    for name, mail in [("1", "sent"), ("2", "due"), ("3", "retry"), ("4", "due")]:
        world.stream.change(None, _item(name, mail))
    world.stream.change(_item("5"), None)

    world.run(_TRUSTING | _DUE | {"BatchSize": 2})

    assert world.seen == [["2", "4"]]


@pytest.mark.parametrize(
    ("pattern", "error"),
    [({"eventName": ["INSERT"]}, ValueError), ({"dynamodb": {"a": [{"exists": True}]}}, NotImplementedError)],
)
def test_knows_what_it_does_not_filter_by(pattern, error):
    """A filter on another key than "dynamodb" is refused, as AWS does; a rule that isn't simulated is not ignored."""
    filters = {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)}]}}

    with pytest.raises(error):
        _World(1).run(_TRUSTING | filters)


def test_tries_a_failed_batch_again():
    """A batch on which a function fails is given to it again as it was, and no later record of the shard before it."""
    world, failures = _World(4), [1, 1]

    world.run(_TRUSTING | {"BatchSize": 2}, lambda _: 1 / 0 if failures and failures.pop() else None)

    assert world.seen == [["1", "2"], ["1", "2"], ["1", "2"], ["3", "4"]]


def test_goes_on_with_other_shards():
    """A shard whose batch fails doesn't stop the others, of which each has its items in their order."""
    world = _World(40)

    world.run(_TRUSTING | {"BatchSize": 1, "MaximumRetryAttempts": 30}, _raise_at("1"), shards=4)

    assert len([each for each in world.seen if each == ["1"]]) == 31
    assert {name for (name,) in world.seen[: len(world.seen) // 2]} >= {"2", "3", "4", "5"}


def test_keeps_the_order_of_each_item_in_parallel():
    """With a ParallelizationFactor a shard's records are in several batches at once, each item's in their order."""
    world = _World()
    seen = []
    for number in range(200):
        world.stream.change(_item(str(number % 10), str(number)), _item(str(number % 10), str(number + 1)))

    def handler(payload, _):
        seen.extend(each["dynamodb"] for each in payload["Records"])

    trigger = Trigger(
        world.stream,
        handler,
        _TRUSTING | {"ParallelizationFactor": 5, "BatchSize": 3},
        clock=world.clock,
        chance=Random(1),
        shards=1,
    )
    trigger.run()

    numbers = [int(each["SequenceNumber"]) for each in seen]
    by_item = {each["Keys"]["sk"]["S"]: [] for each in seen}
    for each in seen:
        by_item[each["Keys"]["sk"]["S"]].append(int(each["SequenceNumber"]))
    assert sorted(numbers) == list(range(1, 201)) != numbers
    assert all(each == sorted(each) for each in by_item.values())


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_takes_an_empty_answer_for_success(answer):
    """An answer, or a list of failures, that is empty or null says that the whole batch is done."""
    world = _World(2)

    world.run(_REPORTING, lambda _: answer)

    assert world.seen == [["1", "2"]]


@pytest.mark.parametrize("failure", [{"itemIdentifier": ""}, {"itemIdentifier": None}, {"identifier": "2"}])
def test_takes_a_failure_without_number_for_one_of_all(failure):
    """An identifier that is empty, null or under a wrong name says that the whole batch failed."""
    world = _World(3)
    answers = [{"batchItemFailures": [failure]}, None]

    world.run(_REPORTING, lambda _: answers.pop(0))

    assert world.seen == [["1", "2", "3"], ["1", "2", "3"]]


def test_tries_again_from_the_lowest_number_that_failed():
    """Of several failures the one with the lowest number is the checkpoint: it and all after it are tried again."""
    world = _World(12)
    answers = [_failures("10", "9"), None]

    world.run(_REPORTING, lambda _: answers.pop(0))

    assert world.seen[1:] == [["9", "10", "11", "12"]]


def test_reports_only_if_told_to():
    """Without ReportBatchItemFailures in FunctionResponseTypes nobody reads the list of failures."""
    world = _World(2)

    world.run(_TRUSTING, lambda _: _failures("1"))

    assert world.seen == [["1", "2"]]


def test_splits_a_batch_on_an_error():
    """With BisectBatchOnFunctionError a failed batch is split in two until the bad record is alone."""
    world = _World(4)

    world.run(_BISECTING | {"MaximumRetryAttempts": 0}, _raise_at("3"))

    assert world.seen == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"], ["3"], ["4"]]


def test_splits_a_batch_whatever_is_reported():
    """An error splits the batch with ReportBatchItemFailures too."""
    world = _World(2)

    world.run(_BISECTING | _REPORTING | {"MaximumRetryAttempts": 0}, _raise_at("1"))

    assert world.seen == [["1", "2"], ["1"], ["2"]]


def test_splits_a_batch_where_it_is_told_to():
    """With both settings a batch is split at the number that failed, and only the rest tried again."""
    world = _World(4)

    world.run(
        _BISECTING | _REPORTING | {"MaximumRetryAttempts": 1}, lambda names: _failures("3") if "3" in names else None
    )

    assert world.seen == [["1", "2", "3", "4"], ["3", "4"], ["3", "4"]]


def test_splitting_costs_no_retry():
    """Splitting a batch does not consume the retry quota: the bad record, alone, has all of it."""
    world = _World(4)

    trigger = world.run(_BISECTING | _KEEPING | {"MaximumRetryAttempts": 2}, _raise_at("1"))

    assert world.seen[:5] == [["1", "2", "3", "4"], ["1", "2"], ["1"], ["1"], ["1"]]
    assert [each["DDBStreamBatchInfo"]["batchSize"] for each in trigger.destination] == [1]


def test_gives_up_after_the_retries():
    """After MaximumRetryAttempts a batch is discarded; its place goes to the destination, the shard goes on."""
    world = _World(3)

    trigger = world.run(_TRUSTING | _KEEPING | {"BatchSize": 2, "MaximumRetryAttempts": 2}, _raise_at("1"))

    assert world.seen == [["1", "2"], ["1", "2"], ["1", "2"], ["3"]]
    (left,) = trigger.destination
    assert left["requestContext"] == {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3}
    place = left["DDBStreamBatchInfo"]
    assert (place["startSequenceNumber"], place["endSequenceNumber"], place["batchSize"]) == ("1", "2", 2)


def test_gives_up_all_that_is_left_of_a_batch():
    """A batch that was done up to a bad record is discarded from it on, with the good ones behind it."""
    world = _World(4)

    trigger = world.run(
        _REPORTING | _KEEPING | {"MaximumRetryAttempts": 1}, lambda names: _failures("2") if "2" in names else None
    )

    assert world.seen == [["1", "2", "3", "4"], ["2", "3", "4"]]
    assert [each["DDBStreamBatchInfo"]["batchSize"] for each in trigger.destination] == [3]


def test_discards_in_silence_without_a_destination():
    """Where no destination is set nobody is told of what is discarded."""
    world = _World(1)

    trigger = world.run(_TRUSTING | {"MaximumRetryAttempts": 0}, _raise_at("1"))

    assert trigger.destination == []


def test_gives_up_old_records():
    """Records older than MaximumRecordAgeInSeconds are discarded and their place told, those younger still given."""
    world = _World(2)
    trigger = world.trigger(_TRUSTING | _KEEPING | {"MaximumRecordAgeInSeconds": 60})
    world.clock.advance(seconds=61)
    world.stream.change(None, _item("3"))

    trigger.run()

    assert world.seen == [["3"]]
    (left,) = trigger.destination
    assert left["requestContext"] == {"condition": "RecordAgeExceeded", "approximateInvokeCount": 0}
    assert left["DDBStreamBatchInfo"]["endSequenceNumber"] == "2"


def test_tries_again_without_end_by_default():
    """Without limits a batch is tried until the stream, after 24 hours, has lost it; nobody is told."""
    world = _World(1)
    begun = world.clock()

    trigger = world.run(_TRUSTING | _KEEPING, _raise_at("1"))

    assert len(world.seen) > 24 * 60
    assert world.clock() - begun > timedelta(hours=24)
    assert (len(trigger.expired), trigger.destination) == (1, [])


def test_waits_longer_each_time():
    """Between the tries there are pauses that double up to a minute, by the virtual clock; what follows begins anew."""
    world, at = _World(2), []

    def answer(names):
        at.append((names, world.clock()))
        return None if len(at) == 9 else 1 / 0

    world.run(_TRUSTING | {"BatchSize": 1, "MaximumRetryAttempts": 8}, answer)

    pauses = [(names, round((late - early).total_seconds())) for (_, early), (names, late) in itertools.pairwise(at)]
    assert pauses[:8] == [(["1"], seconds) for seconds in (1, 2, 4, 8, 16, 32, 60, 60)]
    assert pauses[8:11] == [(["2"], seconds) for seconds in (0, 1, 2)]


def test_gives_a_copy():
    """What a function does to its records is not done to the stream's."""
    world, seen = _World(1), []

    def handler(payload, _):
        seen.append(payload["Records"].copy())
        payload["Records"].pop()["dynamodb"].clear()
        return len(seen) == 1 and 1 / 0

    Trigger(world.stream, handler, _TRUSTING, clock=world.clock, chance=Random(1)).run()

    assert len(seen) == 2
    assert seen[0] == [{**seen[1][0], "dynamodb": {}}]


def test_stops_at_an_instant():
    """It may be run up to an instant, and on from there."""
    world = _World(1)
    trigger = world.trigger(_TRUSTING | {"MaximumRetryAttempts": 3}, _raise_at("1"))
    halfway = world.clock() + timedelta(seconds=2)

    trigger.run(halfway)

    assert (len(world.seen), world.clock()) == (2, halfway)
    trigger.run()
    assert len(world.seen) == 4


def test_throttling_costs_no_retry():
    """A function that can't be invoked is invoked later, which is no retry: each record has one, and needs it."""
    world = _World(10)

    trigger = world.run(
        _TRUSTING | _KEEPING | {"BatchSize": 1, "MaximumRetryAttempts": 1},
        lambda names: 1 / 0 if world.seen.count(names) == 1 else None,
        mishaps=Mishaps(throttled=0.8),
    )

    assert [name for (name,) in world.seen] == [str(number) for number in range(1, 11) for _ in range(2)]
    assert trigger.destination == []
    assert world.clock() - ManualClock()() > timedelta(minutes=1)


def test_kills_in_the_middle():
    """A killed invocation has taken some of its records; it is one that failed."""
    world, taken = _World(500), []

    def handler(payload, _):
        taken.append([])
        taken[-1].extend(record["dynamodb"]["SequenceNumber"] for record in payload["Records"])

    mishaps = Mishaps(killed=0.5)
    trigger = Trigger(
        world.stream,
        handler,
        _TRUSTING | {"BatchSize": 5},
        clock=world.clock,
        chance=Random(1),
        mishaps=mishaps,
        shards=1,
    )
    trigger.run()

    whole = [batch for batch in taken if len(batch) == 5]
    assert {len(batch) for batch in taken} == {0, 1, 2, 3, 4, 5}
    assert sorted(int(number) for batch in whole for number in batch) == list(range(1, 501))
    assert len(taken) == len(whole) + trigger.kills


def test_takes_a_kill_for_an_error():
    """A function that is killed by what it uses has failed too, and is counted."""
    world, kills = _World(1), [KilledError(), None]

    def answer(_):
        if kill := kills.pop(0):
            raise kill

    trigger = world.run(_TRUSTING, answer)

    assert (len(world.seen), trigger.kills) == (2, 1)


def test_times_out():
    """An invocation that outlasts the function's time has failed, whatever it did; one may also be made to."""
    slow, hung = _World(1), _World(40)
    durations = [61, 59]

    slow.run(_TRUSTING, lambda _: slow.clock.advance(seconds=durations.pop(0)))
    trigger = hung.run(_TRUSTING | {"BatchSize": 1}, mishaps=Mishaps(timed_out=0.2))

    assert len(slow.seen) == 2
    assert trigger.kills > 0
    assert hung.clock() - ManualClock()() > trigger.kills * timedelta(minutes=1)


def test_tells_how_much_time_is_left():
    """A context tells what is left of the function's time by the virtual clock."""
    world, left = _World(1), []

    def handler(_, context):
        world.clock.advance(seconds=2.5)
        left.append(context.get_remaining_time_in_millis())

    Trigger(world.stream, handler, _TRUSTING, clock=world.clock, chance=Random(1), timeout=timedelta(seconds=10)).run()

    assert left == [7500]


def test_gives_again_whose_answer_was_lost():
    """A batch that was done but whose answer was lost is given again."""
    world = _World(100)

    world.run(_TRUSTING | {"BatchSize": 1}, mishaps=Mishaps(unanswered=0.5))

    assert 150 < len(world.seen) < 250
    assert {name for (name,) in world.seen} == {str(number) for number in range(1, 101)}


def test_gives_again_what_is_done():
    """Delivery is at least once: what is done may come again, several times, in any order, up to a day later."""
    world = _World(300)

    world.run(_TRUSTING | {"BatchSize": 3}, mishaps=Mishaps(repeated=2 / 3))

    assert [name for batch in world.seen[:100] for name in batch] == [str(number) for number in range(1, 301)]
    assert 150 < len(world.seen[100:]) < 250
    assert any(int(early[-1]) > int(late[0]) for early, late in itertools.pairwise(world.seen[100:]))
    assert any(batch != sorted(batch, key=int) for batch in world.seen)
    assert timedelta(hours=23) < world.clock() - ManualClock()() < timedelta(hours=25)


def test_is_the_same_from_the_same_seed():
    """Two runs with one seed are the same, whatever goes wrong."""
    worlds = [_World(100), _World(100)]
    mishaps = Mishaps(throttled=0.1, killed=0.1, timed_out=0.1, unanswered=0.1, repeated=0.5)

    for world in worlds:
        world.run(_TRUSTING | {"BatchSize": 7}, mishaps=mishaps, shards=3)

    assert worlds[0].seen == worlds[1].seen
    assert {name for batch in worlds[0].seen for name in batch} == {str(number) for number in range(1, 101)}


def test_reads_the_stream_of_an_engine(engine_client, engine_url, aws_credentials):
    """The records of a real engine's stream come through in order, those written meanwhile too."""
    table = "eventmanagement-stream"
    engine_client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("eventid", "sk")],
        KeySchema=[{"AttributeName": "eventid", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    arn = engine_client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    streams = boto3.client("dynamodbstreams", endpoint_url=engine_url, **aws_credentials)
    world = _World()
    world.stream = Stream(world.clock, EngineFeed(streams, arn))
    engine_client.put_item(TableName=table, Item=_item("ada"))
    engine_client.put_item(TableName=table, Item=_item("bob"))

    def mark(names):
        for name in names:
            engine_client.put_item(TableName=table, Item=_item(name, "sent"))

    trigger = world.run(_TRUSTING | _DUE, mark)
    engine_client.put_item(TableName=table, Item=_item("cleo"))
    trigger.run()
    streams.close()

    assert world.seen == [["ada", "bob"], ["cleo"]]
