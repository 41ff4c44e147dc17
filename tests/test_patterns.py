"""Which patterns a question may have: read alike by both languages, and never slow."""

import json
import re
import shutil
import subprocess
import time
from itertools import islice

import pytest
from attrs import frozen
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from event_registration import patterns
from event_registration.patterns import _Fault, _Parser, fault_of

# Answers a line that has a pattern and texts with which of them match, or with what is wrong with the pattern.
NODE = """
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [pattern, texts] = JSON.parse(line);
  let answer;
  try {
    const expression = new RegExp(pattern, "u");
    answer = texts.map((text) => expression.test(text));
  } catch (error) {
    answer = String(error);
  }
  console.log(JSON.stringify(answer));
});
"""


@pytest.fixture(scope="module")
def in_javascript():
    """Return a function that tells which of some texts a pattern matches in JavaScript."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    with subprocess.Popen(["node", "-e", NODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:

        def matches(pattern, texts):
            node.stdin.write(json.dumps([pattern, texts]) + "\n")
            node.stdin.flush()
            return json.loads(node.stdout.readline())

        yield matches
        node.stdin.close()


def _in_python(pattern, texts):
    expression = re.compile(pattern, re.ASCII)  # a warning would be an error
    return [expression.fullmatch(text) is not None for text in texts]


@frozen
class Tree:
    """
    A pattern, or a part of it, that is matched by trying everything.

    Args:
        written: It as a pattern.
        ends: Yields every place where it can end in a text from a place on, and notes each look at a character and each
            try of an alternative.
    """

    written: str
    ends: object


def _character(written):
    matches = re.compile(written, re.ASCII).fullmatch

    def ends(text, at, looks):
        looks.append(at)
        if at < len(text) and matches(text[at]):
            yield at + 1

    return Tree(written, ends)


def _sequence(parts):
    def ends(text, at, looks, index=0):
        if index == len(parts):
            yield at
        else:
            for middle in parts[index].ends(text, at, looks):
                yield from ends(text, middle, looks, index + 1)

    return Tree("".join(part.written for part in parts), ends)


def _group(alternatives):
    def ends(text, at, looks):
        for each in alternatives:
            looks.append(at)
            yield from each.ends(text, at, looks)

    return Tree(f"({'|'.join(each.written for each in alternatives)})", ends)


TIMES = {
    "?": (0, 1),
    "*": (0, 1000),
    "+": (1, 1000),
    "{2}": (2, 2),
    "{1,3}": (1, 3),
    "{0,2}": (0, 2),
    "{2,}": (2, 1000),
}


def _repeated(part, times):
    fewest, most = TIMES[times]

    def ends(text, at, looks, done=0):
        if done < most:
            for middle in part.ends(text, at, looks):
                if middle > at:
                    yield from ends(text, middle, looks, done + 1)
        if done >= fewest:
            yield at

    return Tree(part.written + times, ends)


CLASSES = "[ab] [a-c] [^a] [^\\d] [-a] [a-] [a\\-z] [\\w.] [\\]^] [é-😀] [a-c-e] [^\\W] [$(|)]"
ATOMS = st.sampled_from([*"ab-/ .é😀", *(f"\\{sign}" for sign in "./|dwDW^$"), *CLASSES.split()]).map(_character)
FEW = st.sampled_from(["a", "a", "b", ".", "[ab]"]).map(_character)


def _larger(parts):
    sequences = st.lists(parts, max_size=3).map(_sequence)
    groups = st.lists(sequences, min_size=1, max_size=3).map(_group)
    return groups | st.tuples(FEW | groups, st.sampled_from(sorted(TIMES))).map(lambda pair: _repeated(*pair))


def _trees(atoms):
    return st.lists(st.recursive(atoms, _larger, max_leaves=6), min_size=1, max_size=4).map(_sequence)


TEXTS = st.text("ab", max_size=12) | st.text("ab1.-_ /|é😀]^$(\u0661", max_size=8)
WRITTEN = st.text("ab^$\\.*+?()[]{}|/-&~dwsbn01,:=<! ", max_size=10).map(lambda text: f"^{text}$")


def _part(pattern, most):
    try:
        return _Parser(pattern, most).pattern()
    except _Fault:
        reject()


EMPTY = "At character 2: What is repeated must match at least one character."


class TestBothLanguages:
    """Python and JavaScript beside each other."""

    @given(_trees(ATOMS | FEW), st.lists(TEXTS, min_size=3, max_size=6))
    @settings(max_examples=150, deadline=None)
    def test_they_match_the_same(self, in_javascript, tree, texts):
        """A pattern of the subset matches the same texts in both, and as the subset is meant."""
        pattern = f"^{tree.written}$"
        assume(not fault_of(pattern, 12))

        found = in_javascript(pattern, texts)

        assert found == _in_python(pattern, texts)
        assert found == [len(text) in tree.ends(text, 0, []) for text in texts]

    @given(WRITTEN, st.lists(TEXTS, min_size=1, max_size=3))
    @settings(max_examples=600, deadline=None)
    def test_nothing_else_is_accepted(self, in_javascript, pattern, texts):
        """Of any signs in any order, what is accepted compiles in both without a warning, and matches the same."""
        if not fault_of(pattern, 12):
            assert in_javascript(pattern, texts) == _in_python(pattern, texts)

    @given(_trees(ATOMS | FEW))
    @settings(max_examples=150, deadline=None)
    def test_the_subset_is_accepted(self, tree):
        """Of what is in the subset, only repeating what may be empty, and what can't match or is slow, is refused."""
        fault = fault_of(f"^{tree.written}$", 1000)

        assert fault is None or fault[0] == "slow-pattern" or "at least one character" in fault[1]


class TestCosts:
    """No accepted pattern is slow."""

    @given(_trees(FEW), st.text("ab", max_size=9))
    @settings(max_examples=250, deadline=None)
    def test_no_text_costs_more_than_the_bound(self, tree, text):
        """To try everything takes no more steps than are reckoned, and few if the pattern is certain."""
        looks = []
        part = _part(f"^{tree.written}$", len(text))

        ends = list(islice(tree.ends(text, 0, looks), 20_000))

        assert len(looks) + len(ends) <= part.steps
        if part.is_certain:
            assert len(looks) + len(ends) <= (len(text) + 1) * len(tree.written) * 3

    @pytest.mark.parametrize(
        ("pattern", "most"),
        [
            ("^(a+)+$", 100),
            ("^(a|a)*$", 100),
            ("^(a|aa)+$", 100),
            ("^((a|)a)+$", 100),
            ("^(a*)*$", 100),
            ("^(a?){50}$", 100),
            ("^a*a*a*a*b$", 1000),
            (f"^{'(a|)' * 40}b$", 100),
            (f"^{'(|)' * 80}$", 100),
            (f"^{''.join(f'({one}?|{one.upper()}?)' for one in 'abcdefghijklmnopqrstuvwxyz')}$", 100),
            ("^(.*a){12}$", 100),
            ("^(\\w+ ?)*$", 100),
            ("^(a|b|ab)*c$", 100),
            ("^((a{1,9}){1,9}){1,9}$", 100),
        ],
    )
    def test_bombs_are_refused(self, pattern, most):
        """What takes minutes or forever for some text is refused, with what to do about it."""
        code, sentence = fault_of(pattern, most)

        assert (code, sentence) in [("slow-pattern", patterns._SLOW), ("invalid-pattern", EMPTY)]

    @pytest.mark.parametrize(
        ("pattern", "most"),
        [
            ("^[A-Z]{1,3}-[A-Z]{1,2} \\d{1,4}[EH]?$", 12),
            ("^\\d{5}$", 5),
            ("^[a-z]+(?:-[a-z]+)*$", 1000),
            ("^\\w+( \\w+)*$", 1000),
            ("^\\d{1,3}(\\.\\d{1,3}){3}$", 15),
            ("^.*[0-9].*$", 500),
            ("^[A-Za-z0-9._%+-]+@example\\.(org|com)$", 254),
            ("^(red|green|blue)(, (red|green|blue))*$", 200),
            ("^a*a*a*b$", 60),
        ],
    )
    def test_what_people_write_is_accepted(self, pattern, most):
        """Usual patterns, some of which cost next to nothing though they repeat what repeats, are accepted."""
        assert fault_of(pattern, most) is None

    @given(_trees(FEW), st.sampled_from([20, 100, 1000]), st.text("ab", min_size=1, max_size=3), st.sampled_from("!ab"))
    @settings(max_examples=150, deadline=None)
    def test_an_accepted_pattern_is_fast(self, tree, most, piece, end):
        """A long text that almost fits takes both a tenth of a second at most."""
        pattern = f"^{tree.written}$"
        assume(not fault_of(pattern, most))
        text = (piece * most)[: most - 1] + end
        expression = re.compile(pattern, re.ASCII)

        began = time.process_time()
        expression.fullmatch(text)

        assert time.process_time() - began < 0.5


class TestSentences:
    """What an organiser is told."""

    @pytest.mark.parametrize(
        ("pattern", "sentence"),
        [
            ("", "A pattern is for the whole text: let it begin with ^ and end with $."),
            ("a$", "A pattern is for the whole text: let it begin with ^ and end with $."),
            ("^a", "A pattern is for the whole text: let it begin with ^ and end with $."),
            ("^a\\$", "A pattern is for the whole text: let it begin with ^ and end with $."),
            ("^a|b$", "At character 3: Put alternatives in ( ), between ^ and $."),
            ("^a)$", "At character 3: There is no ( to this ). For the sign itself write \\)."),
            ("^(a$", "At character 2: There is no ) to this (. For the sign itself write \\(."),
            ("^(a|b", "At character 2: There is no ) to this (. For the sign itself write \\(."),
            ("^a$b$", "At character 3: $ can only be last. For the sign itself write \\$."),
            ("^^$", "At character 2: For the sign itself write \\^."),
            ("^*$", "At character 2: For the sign itself write \\*."),
            ("^a]$", "At character 3: For the sign itself write \\]."),
            ("^a{$", "At character 3: Write a number of times, as in {2} or {2,5}. For the sign itself write \\{."),
            ("^a{,2}$", "At character 3: Write a number of times, as in {2} or {2,5}. For the sign itself write \\{."),
            ("^a{2,1}$", "At character 2: Repeat from a lower to a higher number of times, at most 1000."),
            ("^a{0}$", "At character 2: Repeat from a lower to a higher number of times, at most 1000."),
            ("^a{1001}$", "At character 2: Repeat from a lower to a higher number of times, at most 1000."),
            ("^a+?$", "At character 4: Repeat once: neither ?? nor *+ and the like can be read by all programs."),
            ("^a{2}{2}$", "At character 6: Repeat once: neither ?? nor *+ and the like can be read by all programs."),
            ("^(a|b?)+$", "At character 2: What is repeated must match at least one character."),
            ("^(?=a)$", "At character 2: Of groups only ( ) and (?: ) can be read by all programs."),
            ("^(?P<n>a)$", "At character 2: Of groups only ( ) and (?: ) can be read by all programs."),
            ("^\\s$", "At character 2: \\ can only stand before d, w, D, W and ^$\\.*+?()[]{}|/"),
            ("^\\1$", "At character 2: \\ can only stand before d, w, D, W and ^$\\.*+?()[]{}|/"),
            ("^\\-$", "At character 2: \\ can only stand before d, w, D, W and ^$\\.*+?()[]{}|/"),
            ("^\\", "At character 2: \\ can only stand before d, w, D, W and ^$\\.*+?()[]{}|/"),
            ("^[\\b]$", "At character 3: \\ can only stand before d, w, D, W and ^$\\.*+?()[]{}|/-"),
            ("^[a$", "At character 2: There is no ] to this [. For the sign itself write \\[."),
            ("^[a-", "At character 2: There is no ] to this [. For the sign itself write \\[."),
            ("^[]$", "At character 2: Name the characters between [ and ]. For the sign itself write \\]."),
            ("^[[a]$", "At character 3: For the sign itself write \\[."),
            ("^[a&&b]$", "At character 4: Between [ and ] name & once."),
            ("^[+--]$", "At character 5: Between [ and ] write \\- for the sign itself."),
            (
                "^[b-a]$",
                "At character 3: A range goes from a lower to a higher character, as in a-z. For the sign write \\-.",
            ),
            (
                "^[a-\\d]$",
                "At character 3: A range goes from a lower to a higher character, as in a-z. For the sign write \\-.",
            ),
        ],
    )
    def test_a_pattern_that_is_none(self, pattern, sentence):
        """What is not in the subset is refused with its place and with what to do."""
        assert fault_of(pattern, 10) == ("invalid-pattern", sentence)

    def test_a_pattern_that_no_text_fits(self):
        """A pattern whose texts are longer than texts may be could never be answered."""
        sentence = "A text that fits has 5 characters or more: raise maxLength to that."

        assert fault_of("^a{2}(b|cd){3}$", 5) is None
        assert fault_of("^a{2}(b|cd){3}$", 4) == ("unmatchable-pattern", sentence)

    def test_the_bound_is_sharp(self):
        """A pattern is refused for one character, or one more time, than takes a million steps."""
        longest = next(most for most in range(1, 1000) if fault_of("^.*x.*$", most))
        most_times = next(times for times in range(1, 1000) if fault_of(f"^(a|[ab]){{{times}}}$", 1000))

        assert (longest, most_times) == (575, 17)
