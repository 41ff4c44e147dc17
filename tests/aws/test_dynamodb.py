"""The DynamoDB repository against faults, lost answers, old tables and engines that tell less."""

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import NoCredentialsError, ParamValidationError

from event_registration.aws import DynamoDBRepository
from event_registration.errors import RepositoryError, RepositoryUnavailableError, TableLayoutError
from event_registration.mail import Mail
from event_registration.testing import Faults, make_registration

THROTTLES = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"]


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


@pytest.fixture
def time():
    """Return a clock of deadlines."""
    return _Time()


@pytest.fixture
def client(engine_url, aws_credentials):
    """Return a client of its own, so that its faults are its own."""
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
    client = boto3.client("dynamodb", endpoint_url=engine_url, config=config, **aws_credentials)
    yield client
    client.close()


@pytest.fixture
def faults(client):
    """Return the faults of the client."""
    return Faults(client)


@pytest.fixture
def repository(client, table, time):
    """Return an empty repository whose pauses take no real time and are as long as they may be."""
    return DynamoDBRepository(client, table, monotonic=time, sleep=time.sleep, jitter=lambda: 1.0)


def _queue(faults, fault):
    if isinstance(fault, tuple):
        faults.error(*fault)
    else:
        getattr(faults, fault)()


PASSING = [*((code, 400) for code in THROTTLES), ("TransactionConflictException", 400), ("InternalServerError", 500)]


@pytest.mark.parametrize("fault", [*PASSING, "lose_request", "lose_answer"], ids=str)
def test_tries_again_what_passes(repository, faults, fault):
    """A throttle, a conflict, a server error, a lost request and a lost answer are tried again; one row is stored."""
    _queue(faults, fault)
    registration = make_registration()

    added = repository.add(registration)

    assert added == registration
    assert list(repository.list(registration.event_id)) == [registration]


def test_pauses_with_full_jitter(client, table, time, faults):
    """Pauses are a random part of a doubling length of two seconds at most."""
    for _ in range(8):
        faults.error("ThrottlingException", 400)
    parts = iter([1, 0.5, 1, 1, 0, 1, 1, 1])
    repository = DynamoDBRepository(
        client, table, monotonic=time, sleep=time.sleep, jitter=lambda: next(parts), patience=60
    )

    repository.add(make_registration(), deadline=time.now + 60)

    assert time.pauses == pytest.approx([0.05, 0.05, 0.2, 0.4, 0, 1.6, 2, 2])


@pytest.mark.parametrize(
    ("deadline", "seconds"), [(5.0, 3.0), (None, 8.0), (99.0, 8.0)], ids=["given", "own patience", "beyond patience"]
)
def test_begins_no_try_that_ends_too_late(repository, faults, time, deadline, seconds):
    """The last try begins early enough to end by the deadline at worst, two seconds before it."""
    for _ in range(100):
        faults.error("ThrottlingException", 400)
    started = time.now

    with pytest.raises(RepositoryUnavailableError):
        repository.add(make_registration(), deadline=deadline and started + deadline)

    assert seconds - 2 <= time.now - started <= seconds


def test_remembers_a_lost_answer_over_further_tries(repository, faults):
    """A change whose answer got lost before a throttle is still recognised as our own."""
    old = repository.add(make_registration())
    faults.lose_answer()
    faults.error("ThrottlingException", 400)

    replaced = repository.replace(old, _claimed(old))

    assert replaced


def test_recognises_its_own_change_after_a_server_error(repository, faults):
    """A change that was carried out although the server said 500 is recognised as our own."""
    old = repository.add(make_registration())
    faults.error("InternalServerError", 500, carried_out=True)

    replaced = repository.replace(old, _claimed(old))

    assert replaced


def test_tells_a_lost_answer_of_a_change_from_a_loss(repository, faults):
    """A change whose answer got lost is recognised as our own when it is tried again."""
    old = repository.add(make_registration())
    faults.lose_answer()

    replaced = repository.replace(old, _claimed(old))

    assert replaced


def test_does_not_take_an_equal_change_for_its_own(repository):
    """A change equal to another caller's, made at the same instant, is not ours as long as no answer got lost."""
    old = repository.add(make_registration())
    repository.replace(old, _claimed(old))

    replaced = repository.replace(old, _claimed(old))

    assert not replaced


def test_does_not_take_a_different_change_for_its_own(repository, faults):
    """After a lost request another caller's different change is still another's."""
    old = repository.add(make_registration())
    repository.replace(old, make_registration(revision=9))
    faults.error("InternalServerError", 500)

    replaced = repository.replace(old, _claimed(old))

    assert not replaced


def _claimed(old):
    return make_registration(registration_id=old.registration_id, mail=Mail(attempts=1))


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
def test_does_not_repeat_what_stays(repository, faults, code):
    """A refusal that someone has to mend is told at once, by its name."""
    faults.error(code, 400)

    with pytest.raises(RepositoryError, match=code):
        repository.add(make_registration())

    assert faults.calls == 1


@pytest.mark.parametrize("error", [NoCredentialsError(), ParamValidationError(report="ada@example.org")], ids=repr)
def test_translates_what_botocore_itself_refuses(client, repository, error):
    """A call that can't be made is an error of the port, without what was in the call."""

    def refuse(**_):
        raise error

    client.meta.events.register("before-call", refuse)

    with pytest.raises(RepositoryError) as caught:
        repository.add(make_registration())

    assert type(error).__name__ in str(caught.value)
    assert "ada" not in str(caught.value)


@pytest.fixture
def old_table(engine_client, make_table):
    """Return a table keyed by `eventid` alone, as the tutorials make it."""
    return make_table(engine_client, keys=[("eventid", "HASH")])


def test_refuses_an_old_table_before_anything_is_lost(engine_client, old_table):
    """On a table keyed by `eventid` alone the second attendee is refused and the first stays."""
    repository = DynamoDBRepository(engine_client, old_table)
    first = repository.add(make_registration())

    with pytest.raises(TableLayoutError, match=f"{old_table}.*create-table"):
        repository.add(make_registration(attendee_email="bob@example.org"))

    item = engine_client.get_item(TableName=old_table, Key={"eventid": {"S": "devconf-2026"}})["Item"]
    assert item["registrationid"]["S"] == first.registration_id


def test_leaves_rows_of_an_old_handler(engine_client, old_table):
    """A row that a hand-written handler put into an old table is neither read as ours nor overwritten."""
    item = {"eventid": {"S": "devconf-2026"}, "eventname": {"S": "DevConf"}, "cemail": {"S": "ada@example.org"}}
    engine_client.put_item(TableName=old_table, Item=item)
    repository = DynamoDBRepository(engine_client, old_table)

    with pytest.raises(TableLayoutError):
        repository.add(make_registration())

    assert engine_client.scan(TableName=old_table)["Items"] == [item]


def test_refuses_an_old_table_from_then_on(engine_client, old_table):
    """Once the layout is known to be wrong, new events are refused too."""
    repository = DynamoDBRepository(engine_client, old_table)
    repository.add(make_registration())
    with pytest.raises(TableLayoutError):
        repository.add(make_registration(attendee_email="bob@example.org"))

    with pytest.raises(TableLayoutError):
        repository.add(make_registration(event_id="another"))

    assert len(engine_client.scan(TableName=old_table)["Items"]) == 1


def test_refuses_a_table_with_other_keys(engine_client, make_table):
    """A table whose key is another attribute is told as a layout error too."""
    repository = DynamoDBRepository(engine_client, make_table(engine_client, keys=[("id", "HASH")]))

    with pytest.raises(TableLayoutError):
        repository.add(make_registration())


class _Terse:
    """A client of an engine that doesn't return the old item of a failed condition."""

    def __init__(self, client):
        self._client = client

    def put_item(self, *, ReturnValuesOnConditionCheckFailure, **arguments):  # noqa: N803, ARG002 - boto3's names
        return self._client.put_item(**arguments)

    def __getattr__(self, name):
        return getattr(self._client, name)


def test_reads_the_earlier_row_where_it_is_not_returned(engine_client, table):
    """On an engine that returns no old item the earlier row is read."""
    repository = DynamoDBRepository(_Terse(engine_client), table)
    first = repository.add(make_registration())

    added = repository.add(make_registration(attendee_name="Eve"))

    assert added == first


class _Forgetful(_Terse):
    """Such a client, whose earlier row is deleted before it is read."""

    def get_item(self, **_):
        return {}


def test_asks_to_try_again_when_the_earlier_row_is_gone(engine_client, table):
    """A row that is deleted between the conflict and the reading of it means: try again."""
    DynamoDBRepository(engine_client, table).add(make_registration())
    repository = DynamoDBRepository(_Forgetful(engine_client), table)

    with pytest.raises(RepositoryUnavailableError):
        repository.add(make_registration())


def test_knows_an_old_table_on_such_an_engine(engine_client, old_table):
    """Where no old item is returned, reading by both keys tells an old table."""
    DynamoDBRepository(engine_client, old_table).add(make_registration())
    repository = DynamoDBRepository(_Terse(engine_client), old_table)

    with pytest.raises(TableLayoutError):
        repository.add(make_registration(attendee_email="bob@example.org"))


def test_lists_over_pages(repository):
    """An event larger than one page of a query is listed whole."""
    big = "x" * 100
    registrations = [
        make_registration(attendee_name=big, event_name=big, attendee_email=f"{n:04}@example.org") for n in range(40)
    ]
    for registration in registrations:
        repository.add(registration)

    def limit(params, **_):
        params["Limit"] = 7

    repository._table.client.meta.events.register("provide-client-params.dynamodb.Query", limit)
    listed = list(repository.list("devconf-2026"))

    assert sorted(each.attendee_email for each in listed) == [each.attendee_email for each in registrations]


def test_reads_what_was_just_written(client, repository):
    """Reading and listing ask for consistent answers."""
    asked = []
    client.meta.events.register(
        "provide-client-params.dynamodb", lambda params, **_: asked.append(params.get("ConsistentRead"))
    )

    repository.find("devconf-2026", "ada@example.org")
    list(repository.list("devconf-2026"))

    assert asked == [True, True]


def test_leaves_foreign_attributes_alone(engine_client, table, repository):
    """An attribute of the operator's own, of any type, doesn't get in the way of reading."""
    registration = repository.add(make_registration())
    engine_client.update_item(
        TableName=table,
        Key={"eventid": {"S": "devconf-2026"}, "sk": engine_client.scan(TableName=table)["Items"][0]["sk"]},
        UpdateExpression="SET fee = :fee, tags = :tags, vip = :vip, notes = :notes",
        ExpressionAttributeValues={
            ":fee": {"N": "12.5"},
            ":tags": {"SS": ["a"]},
            ":vip": {"BOOL": True},
            ":notes": {"NULL": True},
        },
    )

    found = repository.find("devconf-2026", "ada@example.org")
    added = repository.add(make_registration())

    assert found == added == registration


@pytest.mark.parametrize("event_id", ["", "x" * 3000], ids=["empty", "too long"])
def test_an_odd_read_spoils_nothing(repository, event_id):
    """A key that DynamoDB refuses is an error of that call alone."""
    with pytest.raises(RepositoryError):
        repository.find(event_id, "ada@example.org")

    assert repository.add(make_registration())


def test_needs_put_item_only(client, repository):
    """Registering, repeating and changing a row call PutItem and nothing else."""
    called = set()
    client.meta.events.register("before-call", lambda model, **_: called.add(model.name))

    first = repository.add(make_registration())
    repository.add(make_registration())
    repository.replace(first, _claimed(first))

    assert called == {"PutItem"}


def test_keeps_addresses_out_of_keys(engine_client, table, repository):
    """No address is part of a key, which logs and metrics may show."""
    repository.add(make_registration())

    (item,) = engine_client.scan(TableName=table)["Items"]
    assert item["sk"]["S"].startswith("REGISTRATION#")
    assert "ada" not in item["eventid"]["S"] + item["sk"]["S"]


def test_keeps_the_brief_s_attributes(engine_client, table, repository):
    """The brief's attributes have the brief's names."""
    repository.add(make_registration())

    (item,) = engine_client.scan(TableName=table)["Items"]
    brief = {name: item[name]["S"] for name in ("eventid", "eventname", "cname", "cemail")}
    assert brief == {
        "eventid": "devconf-2026",
        "eventname": "DevConf 2026",
        "cname": "Ada Lovelace",
        "cemail": "ada@example.org",
    }


def test_may_know_people_by_another_identity(engine_client, table):
    """A team may decide who is one person; here tags don't count."""
    repository = DynamoDBRepository(engine_client, table, identity=lambda email: email.replace("+tag", ""))
    first = repository.add(make_registration())

    added = repository.add(make_registration(attendee_email="ada+tag@example.org"))

    assert added == first
