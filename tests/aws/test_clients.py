"""The functions' clients: what they save, that they send what others would, and how each saving is undone."""

import json
import os
import subprocess
import sys
from email.message import Message
from pathlib import Path

import boto3
import pytest
from botocore import handlers
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import DataNotFoundError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.httpsession import get_cert_path
from botocore.session import get_session
from serving import unmeasured

from event_registration.aws.clients import MODELS, ROOTS, Clients
from event_registration.aws.transport import RawBody, believing
from event_registration.deployment.models import OPERATIONS, aws_roots, trimmed_models
from event_registration.errors import SettingsError

SENDING = "before-send.dynamodb.GetItem"
EVERYBODYS = get_cert_path(verify=True)
KEY = {"eventid": {"S": "devconf"}, "sk": {"S": "EVENT"}}
PUT = {"TableName": "events", "Item": KEY, "ConditionExpression": "attribute_not_exists(eventid)"}
TEXT = {"Data": "Hello", "Charset": "UTF-8"}
CALLS = {
    "DeleteItem": ("dynamodb", {"TableName": "events", "Key": KEY}),
    "GetItem": ("dynamodb", {"TableName": "events", "Key": KEY, "ConsistentRead": True}),
    "PutItem": ("dynamodb", PUT | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
    "Query": (
        "dynamodb",
        {
            "TableName": "events",
            "IndexName": "outbox",
            "KeyConditionExpression": "outbox = :shard",
            "ExpressionAttributeValues": {":shard": {"S": "0"}},
            "Limit": 1,
        },
    ),
    "TransactWriteItems": ("dynamodb", {"TransactItems": [{"Put": PUT}], "ClientRequestToken": "token"}),
    "UpdateItem": ("dynamodb", {"TableName": "events", "Key": KEY, "UpdateExpression": "REMOVE venue"}),
    "GetSecretValue": ("secretsmanager", {"SecretId": "keys", "VersionStage": "AWSCURRENT"}),
    "GetAccount": ("sesv2", {}),
    "SendEmail": (
        "sesv2",
        {
            "FromEmailAddress": "events@example.org",
            "Destination": {"ToAddresses": ["ada@example.org"]},
            "Content": {
                "Simple": {
                    "Subject": TEXT,
                    "Body": {"Text": TEXT, "Html": TEXT},
                    "Headers": [{"Name": "Auto-Submitted", "Value": "auto-generated"}],
                    "Attachments": [{"FileName": "event.ics", "RawContent": b"BEGIN:VCALENDAR"}],
                }
            },
            "EmailTags": [{"Name": "reference", "Value": "r1"}],
            "ConfigurationSetName": "events",
        },
    ),
}
MAKERS = {"dynamodb": Clients.dynamodb, "secretsmanager": Clients.secrets, "sesv2": Clients.ses}
PLACES = [
    ("eu-west-1", {}),
    ("us-east-1", {"AWS_USE_FIPS_ENDPOINT": "true"}),
    ("eu-central-1", {"AWS_USE_DUALSTACK_ENDPOINT": "true"}),
    ("us-gov-west-1", {}),
    ("cn-north-1", {}),
    ("xx-nowhere-7", {}),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return a folder with what `package` puts beside the clients."""
    folder = tmp_path_factory.mktemp("task") / MODELS.name
    for name, content in [*trimmed_models(), *aws_roots().items()]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def environment(monkeypatch, aws_credentials):
    """Give the functions' variables, and no session of boto3's."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name, value in {
        "AWS_ACCESS_KEY_ID": aws_credentials["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": aws_credentials["aws_secret_access_key"],
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
    }.items():
        monkeypatch.setenv(name, value)
    # Other tests in this process may have had moto register itself, which then answers in AWS's stead.
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", [each for each in BUILTIN_HANDLERS if each[0] != "before-send"])
    for name in ("AWS_CA_BUNDLE", "AWS_DATA_PATH", "AWS_SDK_UA_APP_ID", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


def _sent(client, operation, parameters):
    """Return the request that a call makes."""
    requests = []

    def answer(request, **_):
        requests.append(request)
        return AWSResponse(request.url, 200, Message(), RawBody(b"{}"))

    for handler in client.meta.events._emitter._handlers.prefix_search(SENDING):
        client.meta.events.unregister("before-send", handler)
    client.meta.events.register("before-send", answer)
    client._make_api_call(operation, parameters)
    (request,) = requests
    return request


def _facts(request):
    """Return what of a request is neither the instant's nor the caller's name."""
    names = set(request.headers) - {"Authorization", "User-Agent", "X-Amz-Date", "amz-sdk-invocation-id"}
    return request.method, request.url, request.body, {name: request.headers[name] for name in names}


def _transport(client):
    """Return what sends a client's requests."""
    (send,) = client.meta.events._emitter._handlers.prefix_search(SENDING)
    return send.__self__


def _context(client):
    """Return what a client's connections believe."""
    return _transport(client)._context


def test_every_operation_is_tried():
    """The calls above are all that the models hold."""
    assert {service: sorted(name for name, call in CALLS.items() if call[0] == service) for service in OPERATIONS} == {
        service: sorted(operations) for service, operations in OPERATIONS.items()
    }


@pytest.mark.unmeasured
@pytest.mark.parametrize("operation", CALLS)
def test_sends_what_whole_models_send(models, operation):
    """With the trimmed models a call is the very request that it is with botocore's own, which validate it."""
    service, parameters = CALLS[operation]
    ours = MAKERS[service](Clients(models))
    plain = boto3.Session().client(service, config=Config(retries={"total_max_attempts": 1}))

    assert _facts(_sent(ours, operation, parameters)) == _facts(_sent(plain, operation, parameters))


@pytest.mark.unmeasured
@pytest.mark.parametrize("service", OPERATIONS)
@pytest.mark.parametrize(("region", "more"), PLACES, ids=["-".join([place, *more]) for place, more in PLACES])
def test_finds_the_same_endpoints(models, environment, service, region, more):
    """In every partition, known region or not, with FIPS and with IPv6, the address is botocore's."""
    for name, value in {"AWS_DEFAULT_REGION": region, **more}.items():
        environment(name, value)

    ours, plain = MAKERS[service](Clients(models)), get_session().create_client(service)

    assert ours.meta.endpoint_url == plain.meta.endpoint_url


def test_knows_no_more(models):
    """A client of the trimmed models has no other operations; without the models it has all."""
    assert not hasattr(Clients(models).dynamodb(), "scan")
    assert hasattr(Clients().dynamodb(), "scan")


def test_data_path_of_the_environment(models, environment, tmp_path):
    """Whoever names a folder of models gets it, and all of botocore's."""
    environment("AWS_DATA_PATH", str(tmp_path))

    assert hasattr(Clients(models).dynamodb(), "scan")


def test_botocore_wants_more(models, tmp_path):
    """If botocore misses a file in the models, it reads its own, and says so."""
    folder = tmp_path / MODELS.name
    folder.mkdir()
    for path in models.iterdir():
        if path.name != "partitions.json":
            (folder / path.name).symlink_to(path)
    clients = Clients(folder)

    with pytest.warns(UserWarning, match="reads its own models"):
        client = clients.dynamodb()

    assert hasattr(client, "scan")
    assert _context(clients.dynamodb()) is believing(EVERYBODYS)


def test_botocore_lacks_its_own(environment, tmp_path):
    """Where there are no trimmed models nothing is tried twice."""
    environment("AWS_DEFAULT_REGION", "eu-west-1")
    clients = Clients(tmp_path / "none")

    with pytest.raises(DataNotFoundError):
        clients._client("no-such-service")


def test_believes_aws_alone(models):
    """Connections to AWS are checked by AWS's own certificates; without the file by everybody's."""
    assert _context(Clients(models).dynamodb()) is believing(str(models / ROOTS.name))
    assert _context(Clients().dynamodb()) is believing(EVERYBODYS)


@pytest.fixture
def bundle(models, tmp_path):
    """Return a file of certificates."""
    bundle = tmp_path / "own.pem"
    bundle.write_bytes(Path(models, ROOTS.name).read_bytes())
    return str(bundle)


def test_bundle_of_the_environment(models, environment, bundle):
    """Certificates that the environment names are the ones that count."""
    environment("AWS_CA_BUNDLE", bundle)

    assert _context(Clients(models).dynamodb()) is believing(bundle)


def test_bundle_for_everybody(models, environment, bundle):
    """Certificates that are named for all programs count where it isn't AWS that AWS vouches for, as with botocore."""
    environment("REQUESTS_CA_BUNDLE", bundle)

    assert _context(Clients(models).dynamodb()) is believing(str(models / ROOTS.name))
    assert _context(Clients().dynamodb()) is believing(bundle)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_bundle_of_nothing(environment, tmp_path, content):
    """Certificates that can't be read are told of when the function is loaded, by the variable and the file."""
    bundle = tmp_path / "none.pem"
    if content:
        bundle.write_text(content)
    environment("AWS_CA_BUNDLE", str(bundle))

    with pytest.raises(SettingsError, match=rf"AWS_CA_BUNDLE: {bundle} has no certificates"):
        Clients().dynamodb()


@pytest.mark.parametrize(
    ("make", "seconds"),
    [
        (Clients.dynamodb, (1, 1)),
        (Clients.ses, (1, 2)),
        (Clients.secrets, (1, 1)),
        (lambda clients: clients.ses(30), (1, 29)),
    ],
)
def test_how_long_clients_wait(make, seconds):
    """Connecting and an answer may take as long as deadlines are reckoned with."""
    transport = _transport(make(Clients()))

    assert (transport._connect_timeout, transport._read_timeout) == seconds


@pytest.mark.parametrize(
    ("url", "believed"),
    [
        ("https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com", ROOTS.name),
        ("https://127.0.0.1:8000", EVERYBODYS),
        ("https://amazonaws.com.example.org", EVERYBODYS),
    ],
)
def test_endpoint_of_the_environment(models, environment, url, believed):
    """Who isn't AWS need not be vouched for by AWS."""
    environment("AWS_ENDPOINT_URL_DYNAMODB", url)

    assert _context(Clients(models).dynamodb()) is believing(str(models / believed))


def test_endpoint_without_tls(environment):
    """Where there is nothing to believe no certificates are read."""
    environment("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000")

    assert _context(Clients().dynamodb()) is None


def test_proxy_of_the_environment(environment):
    """Through a proxy botocore itself sends."""
    environment("HTTPS_PROXY", "http://127.0.0.1:3128")

    assert not Clients().dynamodb().meta.events._emitter._handlers.prefix_search(SENDING)


@pytest.mark.parametrize("event", ["before-send", "before-send.dynamodb", "before-send.*.GetItem"])
def test_others_answer(monkeypatch, event):
    """Whoever answers in AWS's stead, as moto does, is asked alone."""
    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", [*handlers.BUILTIN_HANDLERS, (event, _nothing)])

    assert list(Clients().dynamodb().meta.events._emitter._handlers.prefix_search(SENDING)) == [_nothing]


def _nothing(**_):
    """Leave an answer to AWS."""


def test_calls_arrive(environment, engine_url, table):
    """What is put is there, and what the service refuses is an error with the reason."""
    environment("AWS_ENDPOINT_URL_DYNAMODB", engine_url)
    client = Clients().dynamodb()

    client.put_item(**PUT | {"TableName": table})
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.put_item(**PUT | {"TableName": table})

    assert client.get_item(TableName=table, Key=KEY)["Item"] == KEY


@pytest.mark.parametrize("appid", [None, "our-events"])
def test_says_who_calls(models, environment, appid):
    """The user agent is one word, or botocore's own with the id that the environment has."""
    if appid:
        environment("AWS_SDK_UA_APP_ID", appid)

    agent = _sent(Clients(models).dynamodb(), *_call("GetItem")).headers["User-Agent"]

    assert b"app/our-events" in agent if appid else agent == b"event-registration"


def _call(operation):
    return operation, CALLS[operation][1]


@pytest.mark.parametrize("service", OPERATIONS)
def test_handles_what_botocore_handles(service):
    """Whatever happens around a call, the handlers are those of a session that has all of botocore's own."""
    ours = MAKERS[service](Clients())
    plain = get_session().create_client(service, config=Config(retries={"total_max_attempts": 1}))
    kinds = {event.partition(".")[0] for event, *_ in handlers.BUILTIN_HANDLERS} - {"docs"}
    name = ours.meta.service_model.service_id.hyphenize()
    events = [f"{kind}.{name}.{operation}" for kind in kinds for operation in OPERATIONS[service]]

    handled = {event: _handlers(ours, event) for event in events}

    assert handled == {event: _handlers(plain, event) for event in events}
    assert sum(map(len, handled.values())) > len(events)


def _handlers(client, event):
    """Return the names of who is called at an event, in order."""
    found = client.meta.events._emitter._handlers.prefix_search(event)
    return [getattr(handler, "__qualname__", type(handler)) for handler in found]


def test_credentials_of_the_environment(models):
    """What the function is given signs."""
    client = Clients(models).dynamodb()

    assert _signer(client) == os.environ["AWS_ACCESS_KEY_ID"]


def test_credentials_of_a_file(models, environment, monkeypatch, tmp_path):
    """Where the environment has no credentials they come from wherever botocore finds them."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = OFTHEFILE\naws_secret_access_key = example\n")
    environment("AWS_SHARED_CREDENTIALS_FILE", str(file))

    assert _signer(Clients(models).dynamodb()) == "OFTHEFILE"


def _signer(client):
    """Return the key that a call is signed with."""
    authorization = _sent(client, *_call("GetItem")).headers["Authorization"].decode()
    return authorization.partition("Credential=")[2].partition("/")[0]


def test_default_session(models, monkeypatch):
    """A session that boto3 was set up with makes the clients, with all that it has."""
    session = boto3.Session(region_name="ap-south-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)

    client = Clients(models).dynamodb()

    assert client.meta.region_name == "ap-south-1"
    assert hasattr(client, "scan")


def test_imports_no_boto3():
    """Clients come without boto3, which would import what transfers files."""
    code = "import sys; from event_registration.aws.clients import Clients; Clients().dynamodb(); print(*sys.modules)"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured())

    assert {"botocore", "boto3", "s3transfer"} & set(printed.stdout.split()) == {"botocore"}


def test_models_are_small(models):
    """What botocore has of the three services and of all regions, 1.5 MB, becomes a tenth."""
    read = list(models.rglob("*.json"))

    assert sum(path.stat().st_size for path in read) < 120_000
    assert all(b'"documentation":"' not in path.read_bytes() for path in read)
    assert {path.name for path in models.iterdir() if path.is_file()} >= {"LICENSE.txt", "NOTICE"}
    assert json.loads((models / "partitions.json").read_bytes())
    assert Path(models, ROOTS.name).read_text().count("BEGIN CERTIFICATE") == 5
