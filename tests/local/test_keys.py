"""The file of the keys is made once, whole, and for its owner alone."""

import stat

import pytest

from event_registration.errors import RepositoryError
from event_registration.links import Keyring
from event_registration.local.keys import KeyFile
from event_registration.testing import at_once


def test_is_made_at_first_use(tmp_path):
    """The first reading makes a key at random, which the next one finds; nobody else may read it."""
    path = tmp_path / "link-keys.json"

    first = KeyFile(path).read()

    assert KeyFile(path)() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["link-keys.json"]
    assert KeyFile(tmp_path / "other.json").read() != first


def test_is_made_once_by_many(tmp_path):
    """Of many who come first at once all have the same keys, and nothing is left beside the file."""
    for round_ in range(20):
        path = tmp_path / str(round_) / "link-keys.json"
        path.parent.mkdir()

        rings = at_once(*[KeyFile(path).read] * 4)

        assert {ring.to_text() for ring in rings} == {path.read_text()}
        assert [each.name for each in path.parent.iterdir()] == ["link-keys.json"]


def test_leaves_the_keys_that_came_first(tmp_path):
    """Who finds no file, and one when it wants to make its own, takes what is there."""
    theirs = Keyring("k1", {"k1": "t" * 40})

    class Late(KeyFile):
        def _begin(self, ring):
            self.write(theirs)
            super()._begin(ring)

    assert Late(tmp_path / "link-keys.json").read() == theirs


def test_is_replaced_whole(tmp_path):
    """New keys take the place of the old ones, for their owner alone."""
    path = tmp_path / "link-keys.json"
    old = KeyFile(path).read()

    KeyFile(path).write(old.rotated("k2", "n" * 40))

    assert KeyFile(path).read().current == "k2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{}", "\xff", '{"current": "k1", "k1": "too-short"}'])
def test_says_that_it_is_damaged(tmp_path, text):
    """What is no ring is told, without a word of it."""
    path = tmp_path / "link-keys.json"
    path.write_text(text, encoding="latin-1")

    with pytest.raises(RepositoryError, match="is damaged") as caught:
        KeyFile(path).read()

    assert "too-short" not in str(caught.value)


def test_says_that_it_can_not_be_read(tmp_path):
    """A folder in the file's place is told as what it is."""
    with pytest.raises(RepositoryError, match="can't be read"):
        KeyFile(tmp_path).read()
