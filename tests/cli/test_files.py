"""Files of JSON and YAML are read as everybody else would read them, or not at all."""

import json

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from event_registration.cli.files import read_object

PLAIN = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
# YAML takes no control characters, and U+2028 for the end of a line.
TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=5)
VALUES = st.recursive(
    PLAIN | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a file and returns its name."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def _refusal(name):
    with pytest.raises(click.ClickException) as refused:
        read_object(name)
    return refused.value.message.removeprefix(f"{name}: ")


class TestBoth:
    """What JSON and YAML have in common."""

    @pytest.mark.parametrize("name", ["event.json", "event.yaml", "event.yml", "EVENT.JSON"])
    def test_the_name_tells_the_format(self, written, name):
        """A file is read as what its name says it is."""
        assert read_object(written(name, '{"capacity": 5}')) == {"capacity": 5}

    @pytest.mark.parametrize("name", ["event.json", "event.yaml"])
    def test_a_mark_of_byte_order_does_not_matter(self, written, name):
        """Editors that begin a file with U+FEFF write files as well."""
        assert read_object(written(name, '\ufeff{"venue": "Café"}')) == {"venue": "Café"}

    @pytest.mark.parametrize("name", ["event.json", "event.yaml"])
    @pytest.mark.parametrize(
        ("content", "refusal"),
        [
            (b'{"venue": "Caf\xe9"}', "this is not UTF-8."),
            ("[1]", "this is no object of names and values."),
            ('"a"', "this is no object of names and values."),
            ('{"a": ' + "[" * 100_000, "this is nested too deeply."),
        ],
        ids=["not UTF-8", "array", "text", "deep"],
    )
    def test_what_is_no_object_is_refused(self, written, name, content, refusal):
        """Only an object in UTF-8 describes an event."""
        assert _refusal(written(name, content)) == refusal

    def test_other_names_are_wrong_usage(self, written):
        """A file that may hold anything is not guessed at."""
        with pytest.raises(click.BadParameter, match=r"must end in .json, .yaml or .yml"):
            read_object(written("event.txt", "{}"))

    def test_a_missing_file_is_wrong_usage(self, tmp_path):
        """A name that leads nowhere is told with the system's reason."""
        with pytest.raises(click.BadParameter, match="No such file"):
            read_object(str(tmp_path / "event.json"))

    @pytest.mark.parametrize("content", ['{"a": 1}', ' \n{"a":\t1}', "a: 1", "# an event\na: 1"])
    def test_standard_input_may_be_either(self, content):
        """What begins with a brace is JSON, anything else YAML."""
        with CliRunner().isolation(input=content):
            value = read_object("-")

        assert value == {"a": 1}


class TestJson:
    """Files of JSON."""

    @pytest.mark.parametrize(
        ("content", "refusal"),
        [
            ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' is there twice."),
            ('{"a": NaN}', "NaN is not JSON."),
            ('{"a": 1,}', "line 1 column"),
            ("", "line 1 column 1"),
        ],
        ids=["twice", "NaN", "comma", "empty"],
    )
    def test_what_programs_read_differently_is_refused(self, written, content, refusal):
        """A key that is there twice and what isn't JSON are refused, with their place where there is one."""
        assert refusal in _refusal(written("event.json", content))


class TestYaml:
    """Files of YAML."""

    @given(st.dictionaries(TEXTS, VALUES, max_size=4))
    @settings(max_examples=200, deadline=None)
    def test_json_is_read_alike(self, tmp_path_factory, value):
        """What JSON says, YAML says too, in the same words."""
        file = tmp_path_factory.getbasetemp() / "alike.yaml"
        file.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")

        assert read_object(str(file)) == value

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("2030-05-01 09:00:00", "2030-05-01 09:00:00"),
            ("2030-05-01T09:00:00+02:00", "2030-05-01T09:00:00+02:00"),
            ("2030-05-01", "2030-05-01"),
            ("09:30", "09:30"),
            ("no", "no"),
            ("On", "On"),
            ("010", "010"),
            ("1_000", "1_000"),
            ("0x10", "0x10"),
            (".nan", ".nan"),
            ("=", "="),
            ("", None),
            ("~", None),
            ("Null", None),
            ("TRUE", True),
            ("false", False),
            ("-5", -5),
            ("2.50", 2.5),
            ("1e3", 1000.0),
            ("'5'", "5"),
        ],
    )
    def test_plain_values_are_what_they_look_like(self, written, text, value):
        """Only JSON's numbers, true, false and null are no text: a time stays a time, and a no stays a no."""
        read = read_object(written("event.yaml", f"a: {text}"))["a"]

        assert (type(read), read) == (type(value), value)

    @pytest.mark.parametrize(
        ("content", "refusal"),
        [
            ("a: 1\nb: 2\na: 3", "the key 'a' is there twice: line 3 column 1."),
            ("a: {b: 1, b: 2}", "the key 'b' is there twice: line 1 column 11."),
            ("2030: 1", "a key must be text: line 1 column 1."),
            ("? {a: 1}\n: 2", "a key must be text: line 1 column 3."),
            ("a: &a [1]\nb: *a", "aliases and tags aren't read here: line 2 column 4."),
            ("a: !!timestamp 2030-05-01", "aliases and tags aren't read here: line 1 column 4."),
            ("!!python/object:os.system {}", "aliases and tags aren't read here: line 1 column 1."),
            ("a: 1\n---\nb: 2", "but found another document: line 2 column 1."),
            ("a: [1", "expected ',' or ']', but got '<stream end>': line 1 column 6."),
            ("a: \x01", "unacceptable character #x0001: special characters are not allowed."),
            ("", "this is no object of names and values."),
        ],
    )
    def test_what_json_could_not_say_is_refused(self, written, content, refusal):
        """Keys that are there twice or no text, aliases, tags, several documents and broken ones are refused."""
        assert _refusal(written("event.yaml", content)) == refusal
