"""Another key for the links in mails: which key signs, which is kept, and which links end."""

import itertools
import json
import os
import re
import resource
import stat
from unittest.mock import patch

import pytest

from event_registration.links import Keyring
from event_registration.local.keys import KeyFile

_numbers = itertools.count()
RESOURCE = {
    "Type": "AWS::SecretsManager::Secret",
    "Properties": {
        "GenerateSecretString": {
            "SecretStringTemplate": '{"current": "k1"}',
            "GenerateStringKey": "k1",
            "PasswordLength": 64,
            "ExcludePunctuation": True,
        }
    },
}


class Place:
    """Keys in one of the places where they are kept."""

    def __init__(self, options, read, write):
        self.options = options
        self.text = read
        self.write = write

    @property
    def ring(self):
        """Return the keys."""
        return Keyring.from_text(self.text())


@pytest.fixture
def aws(emulator):
    """Let every AWS client of this process reach the emulator and nothing else."""
    with patch.dict(os.environ, emulator.environ(), clear=True):
        yield emulator


@pytest.fixture
def make_stack(aws):
    """Return a function that makes a stack of an events' mode, with a secret or without, and returns its name."""
    client, names = aws.client("cloudformation"), []

    def make(mode, *, keys=True):
        names.append(f"keys-{next(_numbers)}")
        outputs = {"Events": {"Value": mode}, "LinkKeys": {"Value": {"Fn::GetAtt": ["Keys", "Id"]}}}
        template = {
            "Resources": {"Keys": RESOURCE},
            "Outputs": outputs if keys else {"Events": outputs["Events"]},
        }
        client.create_stack(StackName=names[-1], TemplateBody=json.dumps(template))
        client.get_waiter("stack_create_complete").wait(StackName=names[-1], WaiterConfig={"Delay": 1})
        return names[-1]

    yield make
    for name in names:
        client.delete_stack(StackName=name)


@pytest.fixture
def stack(make_stack, aws):
    """Return the keys of a stack."""
    name = make_stack("managed")
    client = aws.client("secretsmanager")
    (output,) = (
        each["OutputValue"]
        for each in aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
        if each["OutputKey"] == "LinkKeys"
    )
    return Place(
        ["--stack", name],
        lambda: client.get_secret_value(SecretId=output)["SecretString"],
        lambda text: client.put_secret_value(SecretId=output, SecretString=text),
    )


@pytest.fixture
def folder(data):
    """Return the keys of a data folder."""
    file = data / "link-keys.json"
    KeyFile(file).read()
    return Place(["--data", data], file.read_text, file.write_text)


@pytest.fixture(params=["folder", "stack"])
def place(request):
    """Return keys in each place."""
    return request.getfixturevalue(request.param)


def test_a_new_key_signs_and_the_last_one_is_kept(run, place):
    """The first rotation adds a key, keeps the one that there was, ends no link, and so asks nothing."""
    before = place.ring

    result = run("rotate-keys", *place.options)

    after = place.ring
    assert result.exit_code == 0, result.output
    assert (before.current, after.current) == ("k1", "k2")
    assert after.keys == before.keys | {"k2": after.keys["k2"]}
    assert result.stdout.splitlines() == [
        "Links are signed with k2 from now on; what is running knows within five minutes.",
        "Those that were mailed so far, signed with k1, are good until the next rotation.",
    ]


def test_the_key_before_it_is_dropped(run, place):
    """The second rotation drops the first key, whose links end, once somebody has said yes."""
    run("rotate-keys", *place.options)
    before = place.ring

    result = run("rotate-keys", *place.options, stdin="y\n")

    after = place.ring
    assert result.exit_code == 0, result.output
    assert "Links that were signed with k1 will end: those mailed before the last rotation." in result.stderr
    assert result.stdout.splitlines()[-1] == "Those that were signed with k1 have ended."
    assert after.keys == {"k2": before.keys["k2"], "k3": after.keys["k3"]}
    assert after.current == "k3"


@pytest.mark.parametrize("stdin", ["n\n", ""], ids=["no", "nobody to ask"])
@pytest.mark.parametrize("more", [[], ["--anew"], ["--json"]], ids=" ".join)
def test_a_refusal_changes_nothing(run, folder, stdin, more):
    """As long as nobody has said yes, no link ends."""
    run("rotate-keys", *folder.options)
    before = folder.text()

    result = run("rotate-keys", *folder.options, *more, stdin=stdin)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert folder.text() == before


def test_asks_nothing_if_told_so(run, place):
    """With --yes any number of rotations go through, and two keys are left."""
    for _ in range(4):
        assert run("rotate-keys", *place.options, "--yes").exit_code == 0

    assert list(place.ring.keys) == ["k5", "k4"]


def test_keys_are_never_the_same(run, place):
    """Each key is new, long and random, and no id is used twice."""
    rings = [place.ring]
    for _ in range(3):
        run("rotate-keys", *place.options, "--yes")
        rings.append(place.ring)

    keys = {(key_id, key) for ring in rings for key_id, key in ring.keys.items()}
    assert len(keys) == len(dict(keys)) == len({key for _, key in keys}) == 4
    # 48 random octets in base64url (RFC 4648, section 5).
    assert [key for key_id, key in keys if key_id != "k1" and not re.fullmatch("[A-Za-z0-9_-]{64}", key)] == []


def test_prints_no_key(run, place):
    """What is printed names keys by their ids, and tells none."""
    printed = [run("rotate-keys", *place.options, "--yes", *more).output for more in ([], ["--json"], ["--anew"])]

    told = "".join(printed)
    assert "k2" in told
    assert [key for key in place.ring.keys.values() if key in told] == []


def test_anew_keeps_nothing(run, place):
    """With --anew there is one key, under an id that no other had, and every link has ended."""
    run("rotate-keys", *place.options)
    before = place.ring

    result = run("rotate-keys", *place.options, "--anew", stdin="y\n")

    after = place.ring
    assert result.exit_code == 0, result.output
    assert "Every link that was mailed so far will end. Go on?" in result.stderr
    assert result.stdout.splitlines()[1:] == ["Those that were mailed so far have ended."]
    assert after.current == "k3"
    assert (after.keys.keys(), set(after.keys.values()) & set(before.keys.values())) == ({"k3"}, set())


def test_damaged_keys(run, place):
    """Keys that can't be read are replaced by --anew alone; without it they are left, and not shown."""
    text = '{"current": "k7", "k7": "too-short"}'
    place.write(text)

    refused = run("rotate-keys", *place.options, "--yes")
    untouched = place.text()
    renewed = run("rotate-keys", *place.options, "--anew", "--yes")

    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: The ")
    assert "too-short" not in refused.stderr
    assert untouched == text
    assert renewed.exit_code == 0, renewed.output
    assert re.fullmatch("k[0-9a-f]{12}", place.ring.current)


def test_ids_of_others(run, folder):
    """Ids that somebody has chosen are kept as they are, and no number is taken that could be in use."""
    folder.write(json.dumps({"current": "blue", "blue": "b" * 32, "k41": "k" * 32}))

    run("rotate-keys", *folder.options, "--yes")

    assert list(folder.ring.keys) == ["k42", "blue"]


@pytest.mark.parametrize(
    ("rotations", "more", "expected"),
    [
        (0, [], {"current": "k2", "previous": "k1", "dropped": []}),
        (1, [], {"current": "k3", "previous": "k2", "dropped": ["k1"]}),
        (1, ["--anew"], {"current": "k3", "previous": None, "dropped": ["k2", "k1"]}),
    ],
)
def test_prints_json(run, folder, rotations, more, expected):
    """For programs there is one object and nothing else."""
    for _ in range(rotations):
        run("rotate-keys", *folder.options)

    result = run("rotate-keys", *folder.options, "--yes", "--json", *more)

    assert json.loads(result.stdout) == expected
    assert result.stderr == ""


def test_the_file_stays_its_owners(run, folder, data):
    """After a rotation nobody but its owner can read the file."""
    run("rotate-keys", *folder.options)

    assert stat.S_IMODE((data / "link-keys.json").stat().st_mode) == 0o600


def test_a_folder_that_serve_has_not_used(run, tmp_path):
    """In a folder without events no keys are made: it is a typing error."""
    result = run("rotate-keys", "--data", tmp_path / "nothing")

    assert result.exit_code == 1
    assert "There is nothing in" in result.stderr
    assert not (tmp_path / "nothing").exists()


def test_a_file_that_can_not_be_written(run, folder, data):
    """Where the file can't be replaced, as on a full disk, the command ends with a sentence and the keys stay."""
    before = (data / "link-keys.json").read_text()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        result = run("rotate-keys", *folder.options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert result.exit_code == 1
    assert (data / "link-keys.json").read_text() == before
    assert result.stderr.startswith(f"Error: {data / 'link-keys.json'}: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("mode", "remedy"), [("open", " --events managed"), ("managed", "")])
def test_a_stack_without_links(run, make_stack, mode, remedy):
    """Of a stack that has no keys it is said how it gets some, with its events' mode if that is why."""
    name = make_stack(mode, keys=False)

    result = run("rotate-keys", "--stack", name)

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: Stack '{name}' has no links in its mails. "
        f"Let it have them: event-registration deploy --stack {name}{remedy}\n"
    )


def test_a_missing_permission_is_named(run, stack, aws):
    """Whoever may not write the secret is told which permission that takes, and nothing is changed."""
    iam = aws.client("iam")
    iam.create_user(UserName="reader")
    statement = {
        "Effect": "Allow",
        "Action": ["cloudformation:DescribeStacks", "secretsmanager:GetSecretValue"],
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=policy)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    before = stack.text()

    result = run(
        "rotate-keys",
        *stack.options,
        AWS_ACCESS_KEY_ID=key["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"],
    )

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: These credentials may not do PutSecretValue.")
    assert stack.text() == before


@pytest.mark.parametrize("options", [[], ["--data", "demo", "--stack", "events"], ["--region", "eu-west-1"]])
def test_one_place_must_be_named(run, options):
    """Whose links are meant must be said in one way; a table has none."""
    result = run("rotate-keys", *options)

    assert result.exit_code == 2
    assert "--data DIR for serve's, --stack NAME for AWS." in result.stderr
    assert run("rotate-keys", "--table", "eventmanagement").exit_code == 2
