"""Headers of a message's own stand in its mail as they are, and lines are folded where they may be."""

import re
from datetime import UTC, datetime

import pytest

from event_registration.local.mime import READABLE, SENDABLE, address_of, mail_of
from event_registration.message import Message

TEXTS = {
    "a word": "x",
    "a longest word": "x" * 870,
    "words": "some words " * 30 + "end",
    "spaces": "a  b   c" + "    d" * 40,
    "long words among short ones": f"DevConf <{'e' * 100}.example.org> {'f' * 90} g",
}


def _lines(text, policy):
    message = Message(to="a@example.org", subject="s", text="t\n", html="<p>h</p>\n", headers={"X-Any": text})
    octets = bytes(mail_of(message, address_of("e@example.org"), datetime(2026, 3, 1, tzinfo=UTC), policy=policy))
    (header,) = re.findall(r"^X-Any: .*\r?\n(?:[ \t].*\r?\n)*", octets.decode("ascii"), re.MULTILINE)
    return header.splitlines()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_is_folded_between_words(text):
    """For servers no line is longer than 78 signs but for a longer word; unfolded it is the text, every space of it."""
    first, *others = lines = _lines(text, SENDABLE)

    assert "".join(lines) == f"X-Any: {text}"
    assert re.fullmatch(r"X-Any: \S.*", first)
    assert all(len(line) <= 78 or re.fullmatch(r"(?:X-Any:)? +\S+", line) for line in lines)
    assert all(re.fullmatch(r" +\S.*", line) for line in others)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_is_one_line_in_files(text):
    """In files nothing is folded."""
    assert _lines(text, READABLE) == [f"X-Any: {text}"]
