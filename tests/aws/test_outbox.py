"""The outbox in the table: what a call costs and leaves, lost answers, pages of the index, and rows of old versions."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from event_registration.aws import DynamoDBEventRepository, DynamoDBOutbox
from event_registration.aws.rows import SHARDS
from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.mail import BUDGET, Mail, MailKind, MailState
from event_registration.model import Status
from event_registration.outbox import Debtor
from event_registration.rules import attendee_digest
from event_registration.testing import make_event, make_registration

ID = "devconf-2026"
ADA = attendee_digest("ada@example.org")
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FAR = datetime(2030, 1, 1, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
DUE = Mail(due_at=NOW)
CLAIMED = DUE.claimed(NOW, MINUTE)


@pytest.fixture
def outbox(watched, table):
    """Return the outbox of the table with the watched client; it waits no real time."""
    return DynamoDBOutbox(watched, table, sleep=lambda _: None)


@pytest.fixture
def calm(engine_client, table):
    """Return another one of the same table, which nobody watches."""
    return DynamoDBOutbox(engine_client, table)


@pytest.fixture
def item(engine_client, table):
    """Return a function that reads an item as it is stored."""

    def item(event_id, sort_key):
        key = {"eventid": {"S": event_id}, "sk": {"S": sort_key}}
        return engine_client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")

    return item


def _add(repository, mail, number=None, **changes):
    person = {} if number is None else {"attendee_email": f"p{number}@example.org"}
    return repository.add(make_registration(mail=mail, **person, **changes))


def _digest(registration):
    return attendee_digest(registration.attendee_email)


# What a call costs, and what it leaves


def test_a_claim_is_one_update(clean, outbox, calls):
    """Claiming and marking are one conditional update each."""
    read = _add(clean, DUE)

    assert outbox.mark(read, CLAIMED)
    assert outbox.mark(evolve(read, mail=CLAIMED), CLAIMED.sent())

    assert calls == ["UpdateItem"] * 2


def test_counting_is_a_read_and_an_update(outbox, calls):
    """Counting a mail is one read and one update, and to find that it was counted, or can't be, one read."""
    outbox.spend(ADA, "a", NOW, limit=1)
    assert calls == ["GetItem", "UpdateItem"]

    outbox.spend(ADA, "a", NOW, limit=1)
    outbox.spend(ADA, "b", NOW, limit=1)

    assert calls == ["GetItem", "UpdateItem", "GetItem", "GetItem"]


def test_finds_people_by_their_addresses(clean, outbox, calls):
    """Of what comes back only the address is known: the key that an outbox makes of it is that of the person's row."""
    read = _add(clean, DUE)

    assert outbox.digest_of(read.attendee_email) == clean.digest_of(read.attendee_email) == ADA
    assert calls == []


def test_looks_into_each_shard_of_the_index(watched, outbox, calls):
    """Finding that nothing is due is one small query of the index for each of its partitions."""
    asked = []
    watched.meta.events.register("provide-client-params.dynamodb.Query", lambda params, **_: asked.append(params))

    assert list(outbox.due(NOW)) == []

    assert calls == ["Query"] * 16
    assert {each["IndexName"] for each in asked} == {"outbox"}
    assert [each["ExpressionAttributeValues"][":partition"]["S"] for each in asked] == list("0123456789abcdef")
    assert {each["ExpressionAttributeValues"][":last"]["S"] for each in asked} == {"2026-03-01T12:00:00.000000Z"}


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        (
            DUE,
            {"mail": {"S": "due"}, "mail_at": {"S": "2026-03-01T12:00:00.000000Z"}, "attempts": {"N": "0"}},
        ),
        (
            evolve(CLAIMED, number=2),
            {
                "mail": {"S": "claimed"},
                "mail_at": {"S": "2026-03-01T12:01:00.000000Z"},
                "attempted_at": {"S": "2026-03-01T12:00:00.000000Z"},
                "attempts": {"N": "1"},
                "debt": {"N": "2"},
            },
        ),
    ],
    ids=["due", "claimed"],
)
def test_keeps_what_is_owed_in_the_row(clean, item, mail, expected):
    """Stored data is a promise, and the stream's filter and the index rest on it: top-level strings."""
    _add(clean, mail)

    row = item(ID, f"REGISTRATION#{ADA}")

    known = {"eventid", "sk", "eventname", "cname", "cemail", "registrationid", "status", "revision"}
    assert {name: row[name] for name in row.keys() - known} == expected | {
        "mail_kind": {"S": "confirmed"},
        "outbox": {"S": "7"},
    }


@pytest.mark.parametrize(
    "over",
    [CLAIMED.sent(), CLAIMED.failed("refused"), CLAIMED.returned(MailState.BOUNCED, is_final=True)],
    ids=lambda mail: mail.state.value,
)
@pytest.mark.parametrize("is_marked", [True, False], ids=["marked", "replaced"])
def test_leaves_the_index_with_the_mail(engine_client, table, clean, calm, item, over, is_marked):
    """A row whose mail is over is in no index, whoever wrote that."""
    read = _add(clean, CLAIMED)

    assert calm.mark(read, over) if is_marked else clean.replace(read, evolve(read, mail=over))

    assert engine_client.scan(TableName=table, IndexName="outbox")["Items"] == []
    assert not {"outbox", "mail_at"} & item(ID, f"REGISTRATION#{ADA}").keys()
    assert clean.find(ID, "ada@example.org").mail == over


def test_spreads_over_the_shards(engine_client, table, clean):
    """People are spread over all of the index's partitions, each always in the same one."""
    for event_id in ("spring", "summer"):
        for number in range(100):
            _add(clean, DUE, number, event_id=event_id)

    items = engine_client.scan(TableName=table, IndexName="outbox")["Items"]

    assert {frozenset(each) for each in items} == {frozenset({"eventid", "sk", "outbox", "mail_at"})}
    places = {(each["sk"]["S"], each["outbox"]["S"]) for each in items}
    assert len(places) == 100
    assert {shard for _, shard in places} == set(SHARDS)


def test_tells_what_is_due_over_pages(watched, clean, outbox, calls):
    """What doesn't fit one page of a shard is told whole, the longest due first over all shards and pages."""
    people = [_add(clean, Mail(due_at=NOW - MOMENT * ((37 * number) % 100)), number) for number in range(100)]

    def page(params, **_):
        assert params["Limit"] == 100
        params["Limit"] = 2

    watched.meta.events.register("provide-client-params.dynamodb.Query", page)

    due = list(outbox.due(NOW))

    expected = sorted(people, key=lambda each: each.mail.due_at)
    assert due == [Debtor(ID, _digest(each)) for each in expected]
    assert len(calls) > 50


def test_reads_no_more_pages_than_asked_for(watched, clean, outbox, calls):
    """Who stops at the first of many has read one page of each shard."""
    for number in range(60):
        _add(clean, DUE, number)

    watched.meta.events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: params.__setitem__("Limit", 1)
    )

    next(outbox.due(NOW))

    assert calls == ["Query"] * 16


def test_keeps_an_address_in_an_item_of_its_own(calm, item):
    """An address's day is one item, which DynamoDB deletes two days after it began; a block stays for good."""
    calm.spend(ADA, "spring#1", NOW, limit=5)
    calm.spend(ADA, "autumn#12", NOW, limit=5)

    day = {"eventid": {"S": "#mail"}, "sk": {"S": ADA}, "day": {"S": "2026-03-01"}}
    expires_at = int(datetime(2026, 3, 3, tzinfo=UTC).timestamp())
    debts = {"debts": {"SS": ["autumn#12", "spring#1"]}}
    assert item("#mail", ADA) == day | debts | {"expires_at": {"N": str(expires_at)}}
    calm.block(ADA, MailState.COMPLAINED)
    assert item("#mail", ADA) == day | debts | {"blocked": {"S": "complained"}}
    calm.unblock(ADA)
    assert item("#mail", ADA) is None


def test_says_why_a_row_is_given_up(engine_client, table, calm, item):
    """A row that is no registration says itself that its mail failed, and keeps the rest."""
    key = {"eventid": {"S": ID}, "sk": {"S": f"REGISTRATION#{ADA}"}}
    due = {"mail": {"S": "due"}, "mail_at": {"S": "2026-03-01T12:00:00.000000Z"}, "outbox": {"S": "0"}}
    engine_client.put_item(TableName=table, Item=key | due | {"note": {"S": "by hand"}})
    assert list(calm.due(NOW)) == [Debtor(ID, ADA)]

    calm.discard(Debtor(ID, ADA))

    failed = {"mail": {"S": "failed"}, "mail_reason": {"S": "unreadable"}}
    assert item(ID, f"REGISTRATION#{ADA}") == key | failed | {"note": {"S": "by hand"}}


def test_may_know_people_by_another_identity(watched, table):
    """A team's own identity holds for claims as for registrations."""

    def identity(email):
        return email.replace("+tag", "")

    repository = DynamoDBEventRepository(watched, table, identity=identity)
    read = _add(repository, DUE, attendee_email="ada+tag@example.org")

    outbox = DynamoDBOutbox(watched, table, identity=identity)

    assert list(outbox.due(NOW)) == [Debtor(ID, "ada@example.org")]
    assert outbox.mark(read, CLAIMED)
    assert outbox.find_by_digest(ID, "ada@example.org").mail == CLAIMED


# Faults

THROTTLES = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]
PASSING = [
    *(lambda faults, code=code: faults.error(code, 400) for code in [*THROTTLES, "TransactionConflictException"]),
    lambda faults: faults.error("InternalServerError", 500),
    lambda faults: faults.error("InternalServerError", 500, carried_out=True),
    lambda faults: faults.lose_request(),
    lambda faults: faults.lose_answer(),
]
NAMES = [*THROTTLES, "conflict", "500", "500 after it", "lost request", "lost answer"]


@pytest.mark.parametrize("fault", PASSING, ids=NAMES)
@pytest.mark.parametrize("further", [False, True], ids=["once", "and throttled after it"])
def test_a_mark_is_told_of_its_success(clean, outbox, disturbed, fault, further):
    """Whatever passes, a claim and a mark are tried again, and recognise what they have done already."""
    read = _add(clean, DUE)
    for before, after in ((DUE, CLAIMED), (CLAIMED, CLAIMED.retried(NOW + MINUTE, "later"))):
        fault(disturbed)
        if further:
            disturbed.error("ThrottlingException", 400)

        marked = outbox.mark(evolve(read, mail=before), after)

        assert marked
        assert clean.find(ID, "ada@example.org") == evolve(read, mail=after)


@pytest.mark.parametrize("fault", PASSING, ids=NAMES)
def test_a_claim_that_was_lost_to_another_is_theirs(clean, outbox, calm, disturbed, fault):
    """Whoever comes second is told so, whatever happens to the call, though both are at the same attempt."""
    read = _add(clean, DUE)
    assert calm.mark(read, CLAIMED)
    fault(disturbed)

    marked = outbox.mark(read, DUE.claimed(NOW + MOMENT, MINUTE))

    assert not marked
    assert clean.find(ID, "ada@example.org").mail == CLAIMED


def test_two_equal_claims_are_two(clean, calm):
    """A claim equal to another's, made at the same instant, is not ours as long as no answer got lost."""
    read = _add(clean, DUE)
    assert calm.mark(read, CLAIMED)

    assert not calm.mark(read, CLAIMED)


def test_a_newer_debt_came_while_an_answer_was_lost(clean, outbox, disturbed):
    """A mark whose answer got lost, and which a newer debt has followed since, is told of that debt."""
    read = _add(clean, CLAIMED)
    newer = CLAIMED.owing(MailKind.CANCELLED, NOW)
    disturbed.lose_answer()
    disturbed.meanwhile(lambda: clean.replace(evolve(read, mail=CLAIMED.sent()), evolve(read, mail=newer, revision=2)))

    marked = outbox.mark(read, CLAIMED.sent())

    assert not marked
    assert clean.find(ID, "ada@example.org").mail == newer


@pytest.mark.parametrize("fault", PASSING, ids=NAMES)
@pytest.mark.parametrize("spared", [0, 1], ids=["the read", "the update"])
@pytest.mark.parametrize("earlier", [[], ["x"]], ids=["the first of the day", "the second"])
def test_counts_once_whatever_happens(outbox, calm, disturbed, fault, spared, earlier):
    """A mail is counted once, though the answer gets lost or the call is made again."""
    for debt in earlier:
        calm.spend(ADA, debt, NOW, limit=9)
    disturbed.spare(spared)
    fault(disturbed)

    refused = outbox.spend(ADA, "a", NOW, limit=9)

    assert refused is None
    assert calm.spend(ADA, "b", NOW, limit=len(earlier) + 2) is None
    assert calm.spend(ADA, "c", NOW, limit=len(earlier) + 2) == BUDGET


@pytest.mark.parametrize(
    ("earlier", "meanwhile", "expected", "counted"),
    [
        ("", lambda calm: calm.spend(ADA, "b", NOW, limit=1), BUDGET, "b"),
        ("x", lambda calm: calm.spend(ADA, "b", NOW, limit=9), None, "xba"),
        ("x", lambda calm: calm.spend(ADA, "a", NOW, limit=9), None, "xa"),
        ("xy", lambda calm: calm.spend(ADA, "b", NOW + timedelta(days=1), limit=9), None, "ba"),
        ("", lambda calm: calm.block(ADA, MailState.BOUNCED), "bounced", ""),
        ("x", lambda calm: calm.block(ADA, MailState.COMPLAINED), "complained", "x"),
        ("x", lambda calm: calm.unblock(ADA), None, "a"),
    ],
    ids=["the last one", "another", "the same", "another day's", "a block", "a block of who got some", "it is gone"],
)
def test_counts_what_others_count_meanwhile(outbox, calm, item, disturbed, earlier, meanwhile, expected, counted):
    """What happens to an address between reading and writing its item is looked at before anything is counted."""
    for debt in earlier:
        calm.spend(ADA, debt, NOW, limit=9)
    disturbed.spare(1)
    disturbed.meanwhile(lambda: meanwhile(calm))

    refused = outbox.spend(ADA, "a", NOW, limit=len(earlier) + 1 if expected == BUDGET else 9)

    assert refused == expected
    assert item("#mail", ADA).get("debts", {"SS": []})["SS"] == sorted(counted)


@pytest.mark.parametrize(
    "call",
    [
        lambda outbox: outbox.mark(make_registration(mail=DUE), CLAIMED),
        lambda outbox: outbox.spend(ADA, "a", NOW, limit=1),
        lambda outbox: outbox.block(ADA, MailState.BOUNCED),
        lambda outbox: outbox.unblock(ADA),
        lambda outbox: outbox.discard(Debtor(ID, ADA)),
        lambda outbox: outbox.find_by_digest(ID, ADA),
        lambda outbox: list(outbox.due(NOW)),
    ],
    ids=["mark", "spend", "block", "unblock", "discard", "find", "due"],
)
def test_gives_up_in_time_and_tells_what_stays(watched, table, disturbed, call):
    """Every call is tried again until its patience is over; what someone has to mend is told at once."""
    time = [0.0]
    outbox = DynamoDBOutbox(
        watched, table, monotonic=lambda: time[0], sleep=lambda seconds: time.__setitem__(0, time[0] + seconds)
    )
    disturbed.at_random(1.0, _OnlyThrottles())

    with pytest.raises(RepositoryUnavailableError):
        call(outbox)

    assert 5 < time[0] <= 8
    made = disturbed.calls
    disturbed.at_random(0.0, _OnlyThrottles())
    disturbed.error("AccessDeniedException", 400)
    with pytest.raises(RepositoryError, match="AccessDeniedException"):
        call(outbox)
    assert disturbed.calls == made + 1


class _OnlyThrottles:
    """Chance by which every call is throttled."""

    def random(self):
        return 0.5

    def choices(self, faults, _weights):
        return faults[:1]


# Rows of old versions


@pytest.fixture
def old(engine_client, table):
    """Return a function that puts a row as 0.1.0 wrote it."""

    def old(**changes):
        row = {
            "eventid": {"S": ID},
            "sk": {"S": f"REGISTRATION#{ADA}"},
            "eventname": {"S": "DevConf 2026"},
            "cname": {"S": "Ada Lovelace"},
            "cemail": {"S": "ada@example.org"},
            "status": {"S": "confirmed"},
            "registrationid": {"S": "ada-1"},
            "registered_at": {"S": "2026-03-01T11:00:00.000000Z"},
            "revision": {"N": "1"},
            "mail": {"S": "due"},
            "attempts": {"N": "1"},
            "attempted_at": {"S": "2026-03-01T11:00:00.000000Z"},
        }
        engine_client.put_item(TableName=table, Item=row | changes)

    return old


OLD = make_registration(
    registration_id="ada-1",
    registered_at=datetime(2026, 3, 1, 11, 0, tzinfo=UTC),
    mail=Mail(
        attempts=1,
        attempted_at=datetime(2026, 3, 1, 11, 0, tzinfo=UTC),
        due_at=datetime(2026, 3, 1, 11, 10, tzinfo=UTC),
    ),
)


def test_an_old_row_is_read(old, clean, calm):
    """A row from before the outbox is read, begun when it says so and to be claimed ten minutes later."""
    old()

    assert calm.find_by_digest(ID, ADA) == OLD
    assert list(clean.list(ID)) == [OLD]
    assert clean.add(make_registration()) == OLD


def test_an_old_row_is_claimed_and_marked(old, clean, calm):
    """A mail that an old version has begun is claimed by one, comes into the index with it, and is marked."""
    old()
    claimed = OLD.mail.claimed(NOW, MINUTE)

    assert calm.mark(OLD, claimed)
    assert not calm.mark(OLD, OLD.mail.claimed(NOW + MOMENT, MINUTE))

    assert list(calm.due(NOW + MINUTE)) == [Debtor(ID, ADA)]
    assert calm.mark(evolve(OLD, mail=claimed), claimed.sent())
    assert clean.find(ID, "ada@example.org") == evolve(OLD, mail=claimed.sent())
    assert list(calm.due(FAR)) == []


def test_an_old_row_is_replaced(old, clean, calm):
    """A row of an old version is replaced if it is as read, and comes to be like any other."""
    old()
    newer = evolve(OLD, mail=OLD.mail.owing(MailKind.REPEATED, NOW))

    assert clean.replace(OLD, newer)
    assert not clean.replace(OLD, newer)

    assert list(calm.due(NOW)) == [Debtor(ID, ADA)]
    assert clean.find(ID, "ada@example.org").mail == Mail(kind=MailKind.REPEATED, number=2, due_at=NOW, repeated_at=NOW)


def test_an_old_row_is_cancelled_and_comes_back(old, clean, calm):
    """Who registered with an old version cancels, is owed a mail about it, and comes back."""
    old(mail={"S": "sent"})
    clean.create_event(make_event())
    found = clean.find(ID, "ada@example.org")

    assert clean.cancel(found, NOW)

    left = clean.find(ID, "ada@example.org")
    assert (left.status, left.mail.kind, left.mail.number) == (Status.CANCELLED, MailKind.CANCELLED, 2)
    assert list(calm.due(NOW)) == [Debtor(ID, ADA)]
    back = clean.admit(make_registration(mail=DUE), clean.find_event(ID))
    assert (back.status, back.mail.kind, back.mail.number) == (Status.CONFIRMED, MailKind.CONFIRMED, 3)


def test_an_old_row_is_told_news(old, clean):
    """Who registered with an old version is told news of the event like anybody else."""
    old(mail={"S": "sent"})
    clean.create_event(make_event())
    listing = clean.find_event(ID)
    clean.change_event(listing, evolve(listing, is_cancelled=True, news=2, telling=""), NOW)

    assert clean.tell(ID, NOW + MINUTE) == 1

    told = clean.find(ID, "ada@example.org")
    assert told.told_of == 2
    assert told.mail == Mail(kind=MailKind.CALLED_OFF, number=2, due_at=NOW + MINUTE)
