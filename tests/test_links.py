"""A link is read back as it was signed, and nothing that we did not sign is taken for one."""

import itertools
import json
import random
import string
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from event_registration.errors import InvalidLinkError
from event_registration.links import Keyring, Link, Links

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
EXPIRES = int((NOW + timedelta(days=30)).timestamp())
KEYS = {"k1": "first-key-" + "x" * 40, "k2": "second-key-" + "y" * 40}
RING = Keyring("k2", KEYS)
LINK = Link("devconf-2026", "d" * 64, 3, EXPIRES)
PAGE = "https://events.example.org/manage.html"
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


class _Keys:
    """Keys that a test may change, which note what is asked for."""

    def __init__(self, ring=RING):
        self.ring = ring
        self.asked = []

    def __call__(self, key_id=None):
        """Return the ring."""
        self.asked.append(key_id)
        return self.ring


@pytest.fixture
def keys():
    """Return the keys."""
    return _Keys()


@pytest.fixture
def links(keys):
    """Return what signs and reads."""
    return Links(keys, PAGE)


# Reading back


def test_reads_what_it_signed(links):
    """What was signed comes back, whatever signs the event's id has."""
    for event_id in ("devconf-2026", "A.b_c~d-e", "x" * 128):
        link = evolve(LINK, event_id=event_id)

        assert links.read(links.sign(link), NOW) == link


def test_has_the_token_in_the_fragment(links):
    """The address is the page's with the token behind the hash, where no server sees it."""
    address = links.address_of(LINK)

    assert address == f"{PAGE}#{links.sign(LINK)}"
    assert set(address.partition("#")[2]) <= {*ALPHABET, "."}


def test_is_the_same_each_time(links):
    """One link has one token: all mails of a registration can have the same."""
    assert links.sign(LINK) == links.sign(LINK)


def test_the_way_a_token_is_written(links):
    """Version, key and payload are as they are documented, so that tokens of today can be read tomorrow."""
    version, key_id, payload, mac = links.sign(LINK).split(".")

    assert (version, key_id, len(mac)) == ("v1", "k2", 43)
    octets = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    assert json.loads(octets) == ["devconf-2026", "d" * 64, 3, EXPIRES, "manage"]


def test_signs_what_is_signed_elsewhere():
    """The token is the one that HMAC-SHA256 of another program gives."""
    # printf %s "v1.k1.$payload" | openssl dgst -sha256 -hmac "$key" -binary | basenc --base64url | tr -d =
    links = Links(_Keys(Keyring("k1", {"k1": "k" * 32})), PAGE)

    assert links.sign(Link("e", "d", 1, 1)) == (
        "v1.k1.WyJlIiwiZCIsMSwxLCJtYW5hZ2UiXQ.L_s0w2-nTMnHFcJHXSgjrJ1RNcIMRw0azaLLfIZZrjM"
    )


def test_expires_at_its_instant(links):
    """A link is good up to its last second and not in it."""
    token = links.sign(LINK)
    end = datetime.fromtimestamp(EXPIRES, UTC)

    assert links.read(token, end - timedelta(seconds=1)) == LINK
    with pytest.raises(InvalidLinkError):
        links.read(token, end)


def test_is_good_for_its_purpose_only(links):
    """A link for one purpose is none for another, though it is ours."""
    token = links.sign(evolve(LINK, purpose="check-in"))

    assert links.read(token, NOW, purpose="check-in").purpose == "check-in"
    with pytest.raises(InvalidLinkError):
        links.read(token, NOW)


# Keys


def test_the_key_before_still_verifies(keys, links):
    """After a rotation links of the old key work; after the next one they don't."""
    token = links.sign(LINK)
    keys.ring = RING.rotated("k3", "third-key-" + "z" * 40)
    assert set(keys.ring.keys) == {"k2", "k3"}
    assert links.read(token, NOW) == LINK
    assert links.sign(LINK).startswith("v1.k3.")

    keys.ring = keys.ring.rotated("k4", "fourth-key-" + "z" * 40)

    with pytest.raises(InvalidLinkError):
        links.read(token, NOW)


def test_a_key_of_the_same_id_is_another_key(keys, links):
    """A token of a key that was replaced under its id is none of ours."""
    token = links.sign(LINK)
    keys.ring = Keyring("k2", {"k2": "another-key-" + "y" * 40})

    with pytest.raises(InvalidLinkError):
        links.read(token, NOW)


def test_asks_for_the_key_that_a_token_names(keys, links):
    """Whoever keeps the keys learns which one a token names: it may be newer than what is remembered."""
    with pytest.raises(InvalidLinkError):
        links.read(links.sign(LINK).replace(".k2.", ".k9."), NOW)

    assert keys.asked == [None, "k9"]


def test_asks_for_no_key_for_what_is_no_token(keys, links):
    """What isn't written like a token costs nothing."""
    for text in ("", "v1", "v1.k2.x.y", "v2" + links.sign(LINK)[2:], None, 7, ["v1"], "é" * 50, "v1.k2." + "A" * 9999):
        keys.asked.clear()
        with pytest.raises(InvalidLinkError):
            links.read(text, NOW)
        assert keys.asked == []


def test_a_ring_is_read_back():
    """The text of a ring gives the same ring."""
    assert Keyring.from_text(RING.to_text()) == RING


def test_a_ring_shows_no_key():
    """Neither printing a ring nor a refusal of it shows a key."""
    assert "key-" not in repr(RING)
    with pytest.raises(ValueError, match="A key has") as caught:
        Keyring("k1", {"k1": "short-secret"})
    assert "short-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '"k1"',
        "{}",
        '{"current": "k1"}',
        '{"current": 1, "k1": "' + "x" * 40 + '"}',
        '{"current": "k1", "k1": 7}',
        '{"current": "k1", "k1": "' + "x" * 31 + '"}',
        '{"current": "k1", "k1": "' + "x" * 129 + '"}',
        '{"current": "k1", "k1": "' + "x" * 20 + " " + "x" * 20 + '"}',
        '{"current": "k.1", "k.1": "' + "x" * 40 + '"}',
        '{"current": "current", "k1": "' + "x" * 40 + '"}',
        json.dumps({"current": "k1", "k1": "x" * 40, "k2": "x" * 40, "k3": "x" * 40}),
    ],
)
def test_refuses_what_is_no_ring(text):
    """What can't be keys is refused, without a word of it."""
    with pytest.raises(ValueError, match=r"^(The keys must|There must be|A key has)"):
        Keyring.from_text(text)


# Forgeries


def _mutations(token, chance):
    """Yield endlessly what is nearly *token*."""
    parts = token.split(".")
    other_key = Links(_Keys(Keyring("k2", {"k2": "other-key-" + "q" * 40})), PAGE)
    gone_key = Links(_Keys(Keyring("k0", {"k0": "gone-key-" + "q" * 40})), PAGE)
    mine = Links(_Keys(), PAGE)

    def changed():
        place = chance.randrange(len(token))
        return token[:place] + chance.choice(ALPHABET + "./+= é\n") + token[place + 1 :]

    def swapped():
        here, there = (chance.randrange(len(token)) for _ in range(2))
        signs = list(token)
        signs[here], signs[there] = signs[there], signs[here]
        return "".join(signs)

    def other_fields():
        return Link(
            chance.choice(["devconf-2026", "other"]),
            "".join(chance.choices("0123456789abcdef", k=64)),
            chance.randrange(5),
            EXPIRES + chance.randrange(1000),
        )

    kinds = (
        changed,
        swapped,
        lambda: token[: chance.randrange(len(token))],
        lambda: token[chance.randrange(1, len(token)) :],
        lambda: token + chance.choice(["=", "==", "A", ".", "\n", " ", "%00", token]),
        lambda: token.replace(chance.choice("._-Aa"), chance.choice("._-+/=Aa "), 1),
        lambda: ".".join([*parts[:2], gone_key.sign(other_fields()).split(".")[2], parts[3]]),
        lambda: ".".join([parts[0], chance.choice(["k1", "k3", "K2", ""]), *parts[2:]]),
        lambda: other_key.sign(other_fields()),
        lambda: gone_key.sign(other_fields()),
        lambda: mine.sign(evolve(other_fields(), expires_at=int(NOW.timestamp()) - chance.randrange(10**6))),
        lambda: mine.sign(evolve(other_fields(), purpose=chance.choice(["check-in", "", "Manage", "manage "]))),
        lambda: "".join(chance.choices(ALPHABET + ".", k=chance.randrange(400))),
        lambda: ".".join(chance.choice(parts) for _ in range(chance.randrange(1, 6))),
        # The same bits of the mac written otherwise: the last sign has two bits that belong to none.
        lambda: token[:-1] + ALPHABET[(ALPHABET.index(token[-1]) ^ chance.randrange(1, 4)) % 64],
    )
    while True:
        yield chance.choice(kinds)()


@pytest.mark.parametrize(
    "tokens",
    [pytest.param(20_000, id="20,000 tokens"), pytest.param(1_000_000, id="1,000,000", marks=pytest.mark.proof)],
)
@pytest.mark.timeout(1800)
def test_takes_no_forgery(links, tokens):
    """Of tokens that are changed, cut, expired, of other keys or purposes none is taken; each raises one error."""
    token = links.sign(LINK)
    taken = []
    for forged in itertools.islice(_mutations(token, random.Random(2026)), tokens):
        if forged == token:
            continue
        try:
            links.read(forged, NOW)
        except InvalidLinkError:
            continue
        taken.append(forged)

    print(f"{tokens:,} forged tokens: {len(taken)} taken, no other error")  # noqa: T201
    assert taken == []


def test_a_live_key_signs_what_it_likes(links):
    """The control: the same changes signed with a live key are taken, so it is the mac that refuses the others."""
    other = Link("other", "e" * 64, 1, EXPIRES)

    assert links.read(Links(_Keys(Keyring("k1", {"k1": KEYS["k1"]})), PAGE).sign(other), NOW) == other


def test_tells_no_reason(links):
    """Whatever is wrong with a token, the error is the same word for word."""
    token = links.sign(LINK)
    wrong = [
        "nonsense",
        token[:-1],
        token.replace(".k2.", ".k9."),
        links.sign(evolve(LINK, purpose="x")),
        links.sign(evolve(LINK, expires_at=1)),
    ]
    errors = set()
    for each in wrong:
        with pytest.raises(InvalidLinkError) as caught:
            links.read(each, NOW)
        errors.add(str(caught.value))

    assert len(errors) == 1
