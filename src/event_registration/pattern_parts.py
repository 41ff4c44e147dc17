"""What the parts of a pattern cost a matcher, put together as the pattern is."""

from __future__ import annotations

from attrs import frozen

__all__ = ["EVERY", "MAX_STEPS", "NOTHING", "Part", "Ranges", "all_but", "one_of", "only"]

MAX_STEPS = 1_000_000
"""How many steps a matcher may take for one text: some hundredths of a second."""

Ranges = tuple[tuple[int, int], ...]
"""Characters: ranges of code points, both ends included."""

_LAST = 0x10FFFF
EVERY: Ranges = ((0, _LAST),)
"""Every character."""


def all_but(ranges: Ranges) -> Ranges:
    """Return the characters outside of *ranges*, and more if these overlap, which only makes a part less certain."""
    starts = [0, *(end + 1 for _, end in sorted(ranges))]
    ends = [*(start - 1 for start, _ in sorted(ranges)), _LAST]
    return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start <= end)


def only(sign: str) -> Ranges:
    """Return the one character *sign*."""
    return ((ord(sign), ord(sign)),)


def _meet(one: Ranges, other: Ranges) -> bool:
    return any(start <= end_ and start_ <= end for start, end in one for start_, end_ in other)


@frozen
class Part:
    """
    A part of a pattern, by what it costs a matcher that tries one way after the other.

    It is *certain* if the next character alone tells which way leads on: then every other one is given up at once
    (Brüggemann-Klein and Wood, "One-unambiguous regular languages").

    Args:
        least: The length of the shortest text that it matches.
        ways: In at most so many ways it matches beginnings of a text.
        steps: At most so many steps it takes to find all of them: looks at a character, and at none.
        first: What a text that it matches may begin with.
        behind: What a text that it matches, perhaps the empty one, may go on with and be matched still.
        is_certain: Whether it is certain, taken for itself.
    """

    least: int
    ways: int
    steps: int
    first: Ranges
    behind: Ranges = ()
    is_certain: bool = True

    def then(self, other: Part) -> Part:
        """Return this part with *other* after it."""
        return Part(
            least=self.least + other.least,
            ways=self.ways * other.ways,
            steps=self.steps + self.ways * other.steps,
            first=self.first if self.least else (*self.first, *other.first),
            behind=other.behind if other.least else (*self.behind, *other.behind),
            is_certain=self.is_certain and other.is_certain and not _meet(self.behind, other.first),
        )

    def or_(self, other: Part) -> Part:
        """Return what matches as this part does, or as *other* does."""
        least, first = min(self.least, other.least), (*self.first, *other.first)
        is_certain = bool(self.least or other.least) and not _meet(self.first, other.first)
        return Part(
            least=least,
            ways=self.ways + other.ways,
            steps=self.steps + other.steps,
            first=first,
            behind=(*self.behind, *other.behind, *(() if least else first)),
            is_certain=self.is_certain and other.is_certain and is_certain,
        )

    def times(self, fewest: int, most: int, longest: int) -> Part:
        """Return this part repeated, in texts of at most *longest* characters."""
        reach = min(most, longest // max(1, self.least) + 1)  # the last one may be in vain
        ways = steps = 0
        for times in range(reach + 1):
            ways += self.ways**times * (times >= fewest)
            steps += self.ways**times * (self.steps + 1)
            if steps > MAX_STEPS:
                break
        is_certain = bool(fewest or self.least) and not (most > 1 and _meet(self.behind, self.first))
        return Part(
            least=self.least * fewest,
            ways=max(1, ways),
            steps=steps,
            first=self.first,
            behind=self.behind if fewest == most else (*self.behind, *self.first),
            is_certain=self.is_certain and is_certain,
        )


NOTHING = Part(least=0, ways=1, steps=1, first=())
"""The part that matches no character; to come by it is a step all the same."""


def one_of(characters: Ranges) -> Part:
    """Return the part that matches one of *characters*."""
    return Part(least=1, ways=1, steps=1, first=characters)
