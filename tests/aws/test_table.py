"""One table's calls: transactions and their reasons, patience with what passes, and what a lost answer leaves."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from event_registration.aws.items import LAST, change, check, decode, delete, encode, put
from event_registration.aws.table import ChangedError, ConditionFailedError, Table
from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.testing import Faults, at_once

IS_NEW = "attribute_not_exists(eventid)"
IS_THERE = "attribute_exists(eventid)"


class _Time:
    """A clock of deadlines that only sleeping moves."""

    def __init__(self):
        self.now = 1000.0
        self.pauses = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


class _Answers:
    """A client whose calls are answered as told, one after the other, and that keeps what it was asked."""

    def __init__(self, *answers):
        self.asked = []
        self._answers = list(answers)

    def _answer(self, **arguments):
        self.asked.append(arguments)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    transact_write_items = get_item = _answer


@pytest.fixture
def time():
    """Return a clock of deadlines."""
    return _Time()


@pytest.fixture
def client(engine_url, aws_credentials):
    """Return a client of its own, so that its faults are its own."""
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", endpoint_url=engine_url, config=config, **aws_credentials)
    yield client
    client.close()


@pytest.fixture
def faults(client):
    """Return the faults of the client."""
    return Faults(client)


@pytest.fixture
def tokens(client):
    """Return a list of the tokens that the client's transactions carry."""
    tokens = []
    client.meta.events.register(
        "provide-client-params.dynamodb.TransactWriteItems",
        lambda params, **_: tokens.append(params["ClientRequestToken"]),
    )
    return tokens


@pytest.fixture
def rows(client, table, time):
    """Return the table, whose pauses take no real time and are as long as they may be."""
    return Table(client, table, monotonic=time, sleep=time.sleep, jitter=lambda: 1.0)


def _answering(time, *answers):
    client = _Answers(*answers)
    return Table(client, "events", monotonic=time, sleep=time.sleep, jitter=lambda: 1.0), client


def _row(sk, **more):
    return {"eventid": "e", "sk": sk, **more}


def _queue(faults, fault):
    if isinstance(fault, tuple):
        faults.error(*fault)
    else:
        getattr(faults, fault)()


def _cancelled(*codes, **reason):
    """Return what botocore raises for a transaction that was cancelled, one reason for each action."""
    reasons = [{"Code": code, **(reason if code == "ConditionalCheckFailed" else {})} for code in codes]
    answer = {"Error": {"Code": "TransactionCanceledException", "Message": "injected"}, "CancellationReasons": reasons}
    return ClientError(answer | {"ResponseMetadata": {"HTTPStatusCode": 400}}, "TransactWriteItems")


# What a transaction does


def test_all_are_carried_out(rows):
    """A transaction puts, deletes and checks, all in one call."""
    rows.transact([put(_row("A"), IS_NEW), put(_row("B"), IS_NEW)])

    rows.transact([put(_row("C", n=1), IS_NEW), delete("e", "A", IS_THERE), check("e", "B", IS_THERE)])

    assert list(rows.query("e", "A", LAST)) == [_row("B"), _row("C", n=1)]


def test_or_none(rows):
    """If one condition doesn't hold nothing is written, and the error tells which, and what it met."""
    rows.write(put(_row("B", state="held", seat=7, over=True), IS_NEW))

    with pytest.raises(ConditionFailedError) as caught:
        rows.transact([put(_row("A"), IS_NEW), put(_row("B"), IS_NEW), put(_row("C"), IS_NEW)])

    assert caught.value.found == {1: _row("B", state="held", seat=7, over=True)}
    assert not caught.value.after_lost_answer
    assert [row["sk"] for row in rows.query("e", "A", LAST)] == ["B"]


def test_names_every_condition_that_failed(rows):
    """Each condition that failed is told by its number, with an empty row where there is none."""
    rows.write(put(_row("C", n=5), IS_NEW))

    with pytest.raises(ConditionFailedError) as caught:
        rows.transact(
            [
                delete("e", "A", IS_THERE),
                put(_row("B"), IS_NEW),
                put(_row("C", n=6), "n = :old", old=4),
                check("e", "D", "#state = :free", free="free"),
            ]
        )

    assert caught.value.found == {0: {}, 2: _row("C", n=5), 3: {}}


def test_a_single_write_has_number_0(rows):
    """The condition of a single write is the first one, and what it met is told too."""
    rows.write(put(_row("A", n=1), ""))

    with pytest.raises(ConditionFailedError) as caught:
        rows.write(delete("e", "A", "n = :two", two=2))

    assert caught.value.found == {0: _row("A", n=1)}


def test_a_delete_needs_no_condition(rows):
    """Deleting without a condition succeeds whether the row is there or not."""
    rows.write(put(_row("A"), ""))

    for _ in range(2):
        rows.write(delete("e", "A", ""))

    assert rows.get("e", "A") is None


# What passes

# Changes of single attributes


def test_changes_attributes_and_leaves_the_rest(rows):
    """A change sets and removes what it names, whatever the words are, and leaves all else of the row."""
    rows.write(put(_row("A", state="held", seat=7, day="2026-03-01", note="x"), IS_NEW))

    rows.write(change("e", "A", {"state": "free", "size": 9, "over": True}, remove=("seat", "day", "gone")))

    assert rows.get("e", "A") == _row("A", state="free", size=9, over=True, note="x")


def test_a_change_makes_a_row_that_is_not_there(rows):
    """A change without a condition makes the row, with what it sets."""
    rows.write(change("e", "A", {"names": frozenset({"b", "a"})}))

    assert {**rows.get("e", "A"), "names": sorted(rows.get("e", "A")["names"])} == _row("A", names=["a", "b"])


def test_a_change_may_only_remove(rows):
    """A change that removes and sets nothing is one, too."""
    rows.write(put(_row("A", day="2026-03-01"), IS_NEW))

    rows.write(change("e", "A", {}, remove=("day",), condition=IS_THERE))

    assert rows.get("e", "A") == _row("A")


@pytest.mark.parametrize("size", [1, 2], ids=["alone", "in a transaction"])
def test_a_change_looks_at_its_condition(rows, size):
    """A condition is about what is stored, under its own names; if it fails nothing changes, and what it met told."""
    stored = _row("A", day="2026-03-01", count=1)
    rows.write(put(stored, IS_NEW))
    others = [put(_row("B"), IS_NEW)][: size - 1]

    def carry_out(day):
        action = change(
            "e",
            "A",
            {"day": "2026-03-02"},
            remove=("count",),
            condition="#day = :day AND #count = :count",
            facts={"day": day, "count": 1},
        )
        if others:
            rows.transact([action, *others])
        else:
            rows.write(action)

    with pytest.raises(ConditionFailedError) as caught:
        carry_out("2026-02-28")
    assert caught.value.found == {0: stored}
    assert list(rows.query("e", "A", LAST)) == [stored]

    carry_out("2026-03-01")

    assert list(rows.query("e", "A", LAST)) == [_row("A", day="2026-03-02"), *(_row("B") for _ in others)]


def test_values_of_each_kind_are_stored_and_read():
    """Text, numbers, switches and sets are each stored as what they are; what can't be ours is read as it is."""
    row = {"text": "7", "number": 7, "switch": True, "set": frozenset({"b", "a"})}

    item = encode(row)

    assert item == {
        "text": {"S": "7"},
        "number": {"N": "7"},
        "switch": {"BOOL": True},
        "set": {"SS": ["a", "b"]},
    }
    assert decode(item) == row | {"set": ["a", "b"]}
    assert decode({"rate": {"N": "0.5"}, "low": {"N": "-3"}}) == {"rate": "0.5", "low": -3}


PASSING = [
    ("TransactionConflictException", 400),
    ("TransactionInProgressException", 400),
    ("ThrottlingException", 400),
    ("Throttling", 400),
    ("ProvisionedThroughputExceededException", 400),
    ("RequestLimitExceeded", 400),
    ("LimitExceededException", 400),
    ("InternalServerError", 500),
    ("ServiceUnavailable", 503),
]


@pytest.mark.parametrize("fault", [*PASSING, "lose_request"], ids=str)
def test_tries_the_same_transaction_again(rows, faults, tokens, time, fault):
    """What passes by itself is tried again after a pause, with the same token."""
    _queue(faults, fault)

    rows.transact([put(_row("A"), IS_NEW)])

    assert rows.get("e", "A") == _row("A")
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert time.pauses == [0.05]


@pytest.mark.parametrize(
    "lose",
    [lambda faults: faults.lose_answer(), lambda faults: faults.error("InternalServerError", 500, carried_out=True)],
    ids=["lost answer", "server error after commit"],
)
def test_a_transaction_is_carried_out_once(rows, faults, tokens, lose):
    """A transaction whose answer got lost after the commit is told as the success it was."""
    lose(faults)

    rows.transact([put(_row("A"), IS_NEW), put(_row("B"), IS_NEW)])

    assert len(tokens) == 2
    assert [row["sk"] for row in rows.query("e", "A", LAST)] == ["A", "B"]


def test_each_transaction_has_its_own_token(rows, tokens):
    """Equal transactions are two: the second is carried out, or refused by its own conditions."""
    actions = [put(_row("A"), IS_NEW)]
    rows.transact(actions)

    with pytest.raises(ConditionFailedError):
        rows.transact(actions)

    assert len(set(tokens)) == 2


@pytest.mark.parametrize(
    "reasons",
    [
        ("None", "TransactionConflict"),
        ("ThrottlingError", "None"),
        ("ProvisionedThroughputExceeded", "TransactionConflict", "None"),
        (),
    ],
    ids=str,
)
def test_outlives_passing_reasons(time, reasons):
    """A transaction that was cancelled for reasons that pass, or for none that is told, is tried again."""
    table, client = _answering(time, _cancelled(*reasons), _cancelled(*reasons), {})

    table.transact([put(_row("A"), IS_NEW)] * len(reasons))

    assert len(client.asked) == 3
    assert len({call["ClientRequestToken"] for call in client.asked}) == 1
    assert time.pauses == [0.05, 0.1]


@pytest.mark.parametrize("other", ["TransactionConflict", "ThrottlingError", "ValidationError"])
def test_a_failed_condition_counts_most(time, other):
    """Where one condition failed, no other reason makes the transaction worth trying again."""
    item = {"eventid": {"S": "e"}, "sk": {"S": "B"}, "n": {"N": "3"}}
    table, client = _answering(time, _cancelled(other, "None", "ConditionalCheckFailed", Item=item))

    with pytest.raises(ConditionFailedError) as caught:
        table.transact([put(_row(sk), IS_NEW) for sk in "ABC"])

    assert caught.value.found == {2: _row("B", n=3)}
    assert len(client.asked) == 1


@pytest.mark.parametrize("reason", ["ValidationError", "ItemCollectionSizeLimitExceeded", "DuplicateItem"])
def test_does_not_repeat_what_stays(time, reason):
    """A reason that someone has to mend is told at once, by its name, and nothing of the rows is."""
    table, client = _answering(time, _cancelled("None", reason, "TransactionConflict"))

    with pytest.raises(RepositoryError, match=rf"TransactionCanceledException, .*{reason}") as caught:
        table.transact([put(_row(sk, cemail="ada@example.org"), IS_NEW) for sk in "ABC"])

    assert not isinstance(caught.value, RepositoryUnavailableError)
    assert "ada" not in str(caught.value)
    assert len(client.asked) == 1


def test_a_refusal_names_what_passes(time):
    """What is given up is told by the reasons that kept it from happening."""
    table, _ = _answering(time, *[_cancelled("None", "TransactionConflict")] * 20)

    with pytest.raises(
        RepositoryUnavailableError, match=r"\(TransactionCanceledException, TransactionConflict\)"
    ) as caught:
        table.transact([put(_row(sk), IS_NEW) for sk in "AB"])

    assert not caught.value.ambiguous


@pytest.mark.parametrize(
    ("fault", "is_told"),
    [("lose_answer", True), (("InternalServerError", 500), True), ("lose_request", False)],
    ids=["lost answer", "server error", "lost request"],
)
def test_tells_that_an_answer_was_lost(rows, faults, fault, is_told):
    """A condition that fails after an answer got lost may have met our own write: the error says so."""
    rows.write(put(_row("A"), ""))
    _queue(faults, fault)
    faults.error("ThrottlingException", 400)

    with pytest.raises(ConditionFailedError) as caught:
        rows.write(put(_row("A"), IS_NEW))

    assert caught.value.after_lost_answer is is_told


# Doing it anew


def _changed(times, result="done"):
    """Return an attempt that fails *times* because others were faster, and the calls of it."""
    calls = []

    def attempt():
        calls.append(1)
        if len(calls) <= times:
            raise ChangedError
        return result

    return attempt, calls


@pytest.mark.parametrize("result", ["done", None, 0, False], ids=repr)
def test_returns_what_the_first_attempt_returns(rows, time, result):
    """An attempt that nobody disturbs is made once, and what it returns is returned, whatever it is."""
    attempt, calls = _changed(0, result)

    assert rows.repeatedly(attempt) is result
    assert (len(calls), time.pauses) == (1, [])


def test_begins_anew_with_a_pause(rows, time):
    """An attempt that others disturb is made again, after ever longer pauses."""
    attempt, calls = _changed(3)

    assert rows.repeatedly(attempt) == "done"
    assert (len(calls), time.pauses) == (4, [0.05, 0.1, 0.2])


def test_begins_anew_after_a_failed_condition(rows):
    """A failed condition is such a disturbance."""
    rows.write(put(_row("A", n=1), ""))
    numbers = iter([7, 1])

    rows.repeatedly(lambda: rows.write(put(_row("A", n=2), "n = :old", old=next(numbers))))

    assert rows.get("e", "A") == _row("A", n=2)


@pytest.mark.parametrize(
    ("deadline", "seconds"), [(5.0, 3.0), (None, 8.0), (99.0, 8.0)], ids=["given", "own patience", "beyond patience"]
)
def test_gives_up_in_time(rows, time, deadline, seconds):
    """Who is disturbed all the time gives up as long before the deadline as a call may take: later it may succeed."""
    attempt, _ = _changed(1000)
    started = time.now

    with pytest.raises(RepositoryUnavailableError, match="Others change the same event") as caught:
        rows.repeatedly(attempt, deadline and started + deadline)

    assert seconds - 2 <= time.now - started <= seconds
    assert isinstance(caught.value.__cause__, ChangedError)


@pytest.mark.parametrize("error", [RepositoryError("x"), RepositoryUnavailableError("x"), KeyError("x")], ids=repr)
def test_repeats_nothing_else(rows, error):
    """Any other error of an attempt ends it."""
    calls = []

    def attempt():
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        rows.repeatedly(attempt)

    assert len(calls) == 1


def test_pauses_at_random(client, table, time):
    """Callers who disturb each other pause for a random part, so that they don't meet again."""
    parts = iter([0.0, 1.0, 0.5])
    rows = Table(client, table, monotonic=time, sleep=time.sleep, jitter=lambda: next(parts))
    attempt, _ = _changed(3)

    rows.repeatedly(attempt)

    assert time.pauses == [0.0, 0.1, 0.1]


# Numbers and ranges


def test_counts_from_one(rows):
    """A counter that isn't there begins at one, and each of many who count at once gets a number of their own."""
    first = rows.increment("e", "WAITLIST", "places")

    numbers = at_once(*[lambda: rows.increment("e", "WAITLIST", "places")] * 16)

    assert first == 1
    assert sorted(numbers) == list(range(2, 18))
    assert rows.get("e", "WAITLIST") == _row("WAITLIST", places=17)


def test_a_lost_number_is_a_gap(rows, faults):
    """A count whose answer got lost is made again: the number is never given twice."""
    faults.lose_answer()

    assert [rows.increment("e", "WAITLIST", "places") for _ in range(2)] == [2, 3]


@pytest.fixture
def seats(rows):
    """Return the table with six rows of one event and two of others."""
    for sk in ("EVENT", "SEAT#000001", "SEAT#000002", "SEAT#000010", "SEAT#000100", "WAITLIST#000000000001"):
        rows.write(put(_row(sk), ""))
    for event_id in ("d", "e2"):
        rows.write(put({"eventid": event_id, "sk": "SEAT#000001"}, ""))
    return rows


@pytest.mark.parametrize(
    ("first", "last", "options", "expected"),
    [
        ("SEAT#", "SEAT#" + LAST, {}, [1, 2, 10, 100]),
        ("SEAT#000002", "SEAT#000010", {}, [2, 10]),
        ("SEAT#000003", "SEAT#000009", {}, []),
        ("SEAT#", "SEAT#" + LAST, {"limit": 1}, [1]),
        ("SEAT#000002", "SEAT#" + LAST, {"limit": 2}, [2, 10]),
    ],
    ids=["all of a kind", "both ends", "none", "the first", "the first two"],
)
def test_queries_a_range_in_order(seats, first, last, options, expected):
    """A query returns the rows of one event between two keys, these included, in their order."""
    found = [int(row["sk"].rpartition("#")[2]) for row in seats.query("e", first, last, **options)]

    assert found == expected


@pytest.mark.parametrize(("limit", "calls"), [(None, 3), (1, 1)], ids=["no limit", "limit"])
def test_queries_pages_as_far_as_needed(client, seats, limit, calls):
    """Pages follow one another to the end; a limited query is one call, and every call reads what was just written."""
    asked = []

    def page(params, **_):
        asked.append(params["ConsistentRead"])
        params["Limit"] = 2

    client.meta.events.register("provide-client-params.dynamodb.Query", page)

    rows = list(seats.query("e", "SEAT#", "SEAT#" + LAST, limit=limit))

    assert len(rows) == (4 if limit is None else 2)  # two a page, whatever limit was asked for
    assert asked == [True] * calls


def test_a_read_is_patient_too(rows, faults, time):
    """Reading is tried again like writing."""
    rows.write(put(_row("A"), ""))
    faults.error("ThrottlingException", 400)
    faults.lose_answer()

    assert rows.get("e", "A") == _row("A")
    assert time.pauses == [0.05, 0.1]


@pytest.fixture
def due(rows):
    """Store rows that are in two partitions of the index, and others that are in none."""
    for number in range(7):
        rows.write(put(_row(f"A{number}", outbox="0", mail_at=f"2026-03-0{7 - number}"), IS_NEW))
    rows.write(put(_row("B", outbox="1", mail_at="2026-01-01"), IS_NEW))
    rows.write(put(_row("C", outbox="0"), IS_NEW))
    rows.write(put(_row("D", mail_at="2026-01-01"), IS_NEW))
    return rows


@pytest.mark.parametrize(
    ("partition", "last", "expected"),
    [
        ("0", "2026-03-03", ["A6", "A5", "A4"]),
        ("0", "2026-03-02T12", ["A6", "A5"]),
        ("0", "2027", ["A6", "A5", "A4", "A3", "A2", "A1", "A0"]),
        ("1", "2027", ["B"]),
        ("2", "2027", []),
        ("0", "2026-02", []),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 100])
def test_queries_an_index_in_order(client, due, page, partition, last, expected):
    """A partition of an index is read up to a sort key, in order, over as many pages as there are."""

    def turn(params, **_):
        assert params["Limit"] == 100
        params["Limit"] = page

    client.meta.events.register("provide-client-params.dynamodb.Query", turn)

    found = list(due.query_index("outbox", ("outbox", partition), ("mail_at", last)))

    assert [row["sk"] for row in found] == expected
    assert {frozenset(row) for row in found} <= {frozenset({"eventid", "sk", "outbox", "mail_at"})}


def test_reads_a_page_of_an_index_when_it_is_asked_for(client, due):
    """Who stops reading an index has read no page more."""
    calls = []

    def turn(params, **_):
        calls.append(params.get("ExclusiveStartKey"))
        params["Limit"] = 2

    client.meta.events.register("provide-client-params.dynamodb.Query", turn)
    found = due.query_index("outbox", ("outbox", "0"), ("mail_at", "2027"))
    assert calls == []

    assert [next(found)["sk"] for _ in range(2)] == ["A6", "A5"]
    assert len(calls) == 1
    assert next(found)["sk"] == "A4"
    assert len(calls) == 2
    assert calls[1]["sk"] == {"S": "A5"}


def test_reading_an_index_is_patient_too(due, faults, time):
    """A throttle is outlived on every page of an index."""
    faults.error("ThrottlingException", 400)

    found = list(due.query_index("outbox", ("outbox", "1"), ("mail_at", "2027")))

    assert [row["sk"] for row in found] == ["B"]
    assert len(time.pauses) == 1


def test_lets_pass_who_has_time(rows, time):
    """Who has no deadline, or is not past it, may begin another call; who is past it may not."""
    rows.check_time(None)
    rows.check_time(time.now)

    with pytest.raises(RepositoryUnavailableError):
        rows.check_time(time.now - 0.001)
