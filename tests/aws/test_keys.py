"""The keys of links in Secrets Manager: when they are read, and what becomes of what can't be."""

import traceback

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from moto import mock_aws

from event_registration.aws.keys import SecretKeys
from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.links import Keyring
from event_registration.testing import Faults

FIRST = Keyring("k1", {"k1": "a-first-key-that-nobody-else-knows-of"})
SECOND = FIRST.rotated("k2", "a-second-key-that-nobody-else-knows-of")
URL = "https://secretsmanager.eu-west-1.amazonaws.com"


class _Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = 5000.0

    def __call__(self):
        return self.now


@pytest.fixture
def client(aws_credentials):
    """Return a client that tries each call once and never gets as far as the network."""
    with mock_aws():
        client = boto3.client("secretsmanager", config=Config(retries={"total_max_attempts": 1}), **aws_credentials)
        yield client
        client.close()


@pytest.fixture
def secret(client):
    """Return the ARN of a secret with one key."""
    return client.create_secret(Name="links", SecretString=FIRST.to_text())["ARN"]


@pytest.fixture
def seconds():
    """Return the keys' clock."""
    return _Seconds()


@pytest.fixture
def keys(client, secret, seconds):
    """Return the keys of the secret."""
    return SecretKeys(client, secret, monotonic=seconds)


@pytest.fixture
def faults(client, keys):  # noqa: ARG001 - it comes first, so that its calls aren't counted
    """Return the faults of the client, which count its calls."""
    return Faults(client)


def _put(client, text):
    client.put_secret_value(SecretId="links", SecretString=text)


@pytest.mark.parametrize("name", ["ARN", "Name"])
def test_reads_the_secret(client, secret, name):
    """The secret is found by its ARN and by its name, and its text is the keys'."""
    described = client.describe_secret(SecretId=secret)

    assert SecretKeys(client, described[name])() == FIRST


def test_is_read_when_it_is_first_asked_for(keys, faults):
    """Making it reads nothing, so that a function that signs nothing makes no call."""
    calls = faults.calls

    keys()

    assert (calls, faults.calls) == (0, 1)


def test_remembers_for_five_minutes(client, keys, faults, seconds):
    """Keys are read again five minutes after they were read, and not before."""
    keys()
    _put(client, SECOND.to_text())
    before = faults.calls

    seconds.now += 299.9
    remembered = keys("k1")
    unasked = faults.calls
    seconds.now += 0.1
    fresh = keys("k1")

    assert (remembered, unasked) == (FIRST, before)
    assert (fresh, faults.calls) == (SECOND, before + 1)


def test_a_key_that_is_unknown_has_the_secret_read(client, keys, seconds):
    """A link that was signed with the newest key is good before the five minutes are over."""
    keys()
    _put(client, SECOND.to_text())
    seconds.now += 10

    assert keys("k2") == SECOND


def test_unknown_keys_cause_a_call_in_ten_seconds(keys, faults, seconds):
    """However many links name keys that there aren't, the secret is read once in ten seconds."""
    for hundredth in range(2_500):
        seconds.now = 5000 + hundredth / 100
        keys(f"forged{hundredth}")

    assert faults.calls == 3


def test_the_current_key_causes_no_call(keys, faults, seconds):
    """Whoever only signs, or names a key that is there, has nothing read again."""
    for second in range(299):
        seconds.now = 5000 + second
        keys()
        keys("k1")

    assert faults.calls == 1


def _strike(faults, fault):
    if isinstance(fault, Exception):

        def fail():
            raise fault

        faults.meanwhile(fail)
    else:
        faults.error(*fault)


UNAVAILABLE = [
    ("ThrottlingException", 400),
    ("InternalServiceError", 500),
    ("ServiceUnavailable", 503),
    EndpointConnectionError(endpoint_url=URL),
    ConnectTimeoutError(endpoint_url=URL),
    ReadTimeoutError(endpoint_url=URL),
    SSLError(endpoint_url=URL, error="no handshake"),
]
BROKEN = [
    ("AccessDeniedException", 400),
    ("ResourceNotFoundException", 400),
    ("InvalidRequestException", 400),
    ("DecryptionFailure", 400),
    NoCredentialsError(),
]


@pytest.mark.parametrize(
    ("fault", "error"),
    [*((fault, RepositoryUnavailableError) for fault in UNAVAILABLE), *((fault, RepositoryError) for fault in BROKEN)],
    ids=str,
)
def test_failures_are_told_in_our_words(keys, faults, fault, error):
    """What passes by itself is told from what somebody must mend, with AWS's name of it and the cause kept."""
    _strike(faults, fault)

    with pytest.raises(RepositoryError) as caught:
        keys()

    assert type(caught.value) is error
    assert str(caught.value).startswith("Secrets Manager")
    assert (type(fault).__name__ if isinstance(fault, Exception) else fault[0]) in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_failure_is_not_remembered(keys, faults):
    """As long as there are no keys each call tries: the next one may have them."""
    faults.error("InternalServiceError", 500)
    with pytest.raises(RepositoryUnavailableError):
        keys()

    assert keys() == FIRST


@pytest.mark.unmeasured
@pytest.mark.parametrize("fault", [*UNAVAILABLE, *BROKEN], ids=str)
@pytest.mark.parametrize("again", [(None, 300), ("k2", 10)], ids=["five minutes later", "an unknown key"])
def test_what_is_remembered_goes_on(keys, faults, seconds, fault, again):
    """Keys that can't be read again are used on, and the secret is tried again ten seconds later, not at each call."""
    key_id, later = again
    keys()
    seconds.now += later
    _strike(faults, fault)

    told = [keys(key_id) for _ in range(100)]
    tried = faults.calls
    seconds.now += 10
    keys(key_id)

    assert told == [FIRST] * 100
    assert (tried, faults.calls) == (2, 3)


DAMAGED = {
    "no JSON": '{"current": "k1", "k1": "a-damaged-key-that-nobody-else-knows"',
    "no object": '["a-damaged-key-that-nobody-else-knows"]',
    "no current key": '{"k1": "a-damaged-key-that-nobody-else-knows"}',
    "another current key": '{"current": "k2", "k1": "a-damaged-key-that-nobody-else-knows"}',
    "a short key": '{"current": "k1", "k1": "a-damaged-key"}',
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_secret(client, keys, seconds, text):
    """A secret that holds something else is told, and what it holds is not; remembered keys are used on."""
    _put(client, text)
    with pytest.raises(RepositoryError) as caught:
        keys()
    _put(client, FIRST.to_text())
    keys()
    _put(client, text)
    seconds.now += 300

    told = "".join(traceback.format_exception(caught.value))
    assert "holds something else" in str(caught.value)
    assert "a-damaged-key" not in told
    assert keys() == FIRST


def test_a_secret_of_octets(client, keys):
    """A secret that has octets and no text holds no keys."""
    client.put_secret_value(SecretId="links", SecretBinary=b"\x00\x01")

    with pytest.raises(RepositoryError, match="holds something else"):
        keys()
