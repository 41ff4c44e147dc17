"""Which patterns a question may have: those that Python and JavaScript read alike and that no answer makes slow."""

from __future__ import annotations

import re
from typing import NoReturn

from event_registration.pattern_parts import EVERY, MAX_STEPS, NOTHING, Part, Ranges, all_but, one_of, only

__all__ = ["fault_of"]

_MAX_TIMES = 1000

_DIGITS = ((0x30, 0x39),)
_WORD = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
# What a JavaScript pattern may have \ before with the u flag; Python allows them all.
_SIGNS = "^$\\.*+?()[]{}|/"
_QUANTIFIERS = frozenset("?*+{")
_ENDS = frozenset(("", "|", ")", "$"))
_SLOW = (
    "Some texts fit in so many ways that to try them takes too long. Lower maxLength, repeat less ({1,20} instead of "
    "+), or let every character tell by itself which part of the pattern it belongs to."
)
_WHOLE = "A pattern is for the whole text: let it begin with ^ and end with $."
_TIMES = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")


_ESCAPES = {"d": _DIGITS, "D": all_but(_DIGITS), "w": _WORD, "W": all_but(_WORD)}


class _Fault(Exception):  # noqa: N818 - it is the pattern's
    """The pattern is refused; the message says why."""


def fault_of(pattern: str, max_length: int) -> tuple[str, str] | None:
    """
    Return what is wrong with *pattern*, a code and a sentence; ``None`` if nothing is.

    Args:
        pattern: At most 250 characters.
        max_length: How long texts may be that are held against it, at most 1000 characters.
    """
    try:
        part = _Parser(pattern, max_length).pattern()
    except _Fault as fault:
        return "invalid-pattern", str(fault)
    if part.least > max_length:
        return "unmatchable-pattern", f"A text that fits has {part.least} characters or more: raise maxLength to that."
    if not part.is_certain and part.steps > MAX_STEPS:
        return "slow-pattern", _SLOW
    return None


class _Parser:
    """
    Reads a pattern from left to right.

    Args:
        text: The pattern.
        longest: The most characters of the texts that it is for.
    """

    def __init__(self, text: str, longest: int) -> None:
        self._text = text
        self._longest = longest
        self._at = 0

    def pattern(self) -> Part:
        if not self._takes("^"):
            raise _Fault(_WHOLE)
        part = self._sequence()
        if self._next == "|":
            self._refuse(self._at, "Put alternatives in ( ), between ^ and $.")
        if self._next == ")":
            self._refuse(self._at, "There is no ( to this ). For the sign itself write \\).")
        if not self._takes("$"):
            raise _Fault(_WHOLE)
        if self._next:
            self._refuse(self._at - 1, "$ can only be last. For the sign itself write \\$.")
        return part.then(NOTHING)

    def _sequence(self) -> Part:
        part = NOTHING
        while self._next not in _ENDS:
            part = part.then(self._repeated())
        return part

    def _repeated(self) -> Part:
        start = self._at
        part = self._group() if self._takes("(") else one_of(self._character())
        times = self._times()
        if times is None:
            return part
        fewest, most = times
        if not fewest <= most or not 1 <= most <= _MAX_TIMES:
            self._refuse(start, f"Repeat from a lower to a higher number of times, at most {_MAX_TIMES}.")
        if most > 1 and not part.least:
            self._refuse(start, "What is repeated must match at least one character.")
        if self._next in _QUANTIFIERS:
            self._refuse(self._at, "Repeat once: neither ?? nor *+ and the like can be read by all programs.")
        return part.times(fewest, most, self._longest)

    def _times(self) -> tuple[int, int] | None:
        """Read how often a part is repeated; ``None`` if it isn't."""
        if self._next not in _QUANTIFIERS:
            return None
        if found := _TIMES.match(self._text, self._at):
            self._at = found.end()
            fewest, comma, most = found.groups()
            return int(fewest), int(most or (_MAX_TIMES if comma else fewest))
        if self._takes("{"):
            self._refuse(self._at - 1, "Write a number of times, as in {2} or {2,5}. For the sign itself write \\{.")
        return {"?": (0, 1), "*": (0, _MAX_TIMES), "+": (1, _MAX_TIMES)}[self._read()]

    def _group(self) -> Part:
        start = self._at - 1
        if self._takes("?") and not self._takes(":"):
            self._refuse(start, "Of groups only ( ) and (?: ) can be read by all programs.")
        part = self._sequence()
        while self._takes("|"):
            part = part.or_(self._sequence())
        if not self._takes(")"):
            self._refuse(start, "There is no ) to this (. For the sign itself write \\(.")
        return part

    def _character(self) -> Ranges:
        """Read what matches one character."""
        start = self._at
        sign = self._read()
        if sign == "[":
            return self._class()
        if sign == "\\":
            return self._escaped(_SIGNS)
        if sign == ".":
            return EVERY
        if sign in _SIGNS and sign != "/":
            self._refuse(start, f"For the sign itself write \\{sign}.")
        return only(sign)

    def _class(self) -> Ranges:
        start = self._at - 1
        is_negated = self._takes("^")
        ranges: list[tuple[int, int]] = []
        while not self._takes("]"):
            if not self._next:
                self._refuse(start, "There is no ] to this [. For the sign itself write \\[.")
            ranges += self._range()
        if not ranges:
            self._refuse(start, "Name the characters between [ and ]. For the sign itself write \\].")
        return all_but(tuple(ranges)) if is_negated else tuple(ranges)

    def _range(self) -> Ranges:
        start = self._at
        low = self._member()
        if self._next != "-" or self._text[self._at + 1 : self._at + 2] in {"]", ""}:
            return low
        self._at += 1
        if self._next == "-":
            self._refuse(self._at, "Between [ and ] write \\- for the sign itself.")
        high = self._member()
        (first, *_), (last, *_) = low, high
        if first[0] != first[1] or last[0] != last[1] or first > last:
            self._refuse(start, "A range goes from a lower to a higher character, as in a-z. For the sign write \\-.")
        return ((first[0], last[1]),)

    def _member(self) -> Ranges:
        sign = self._read()
        if sign == "\\":
            return self._escaped(f"{_SIGNS}-")
        if sign == "[":
            self._refuse(self._at - 1, "For the sign itself write \\[.")
        if sign in "-&~|" and self._next == sign:  # Python may make an operator of it one day, and warns
            self._refuse(self._at - 1, f"Between [ and ] name {sign} once.")
        return only(sign)

    def _escaped(self, signs: str) -> Ranges:
        sign = self._read()
        if sign in _ESCAPES:
            return _ESCAPES[sign]
        if not sign or sign not in signs:
            self._refuse(self._at - 2, rf"\ can only stand before d, w, D, W and {signs}")
        return only(sign)

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _read(self) -> str:
        sign = self._next
        self._at += 1
        return sign

    def _takes(self, sign: str) -> bool:
        is_next = self._next == sign
        self._at += is_next
        return is_next

    def _refuse(self, at: int, sentence: str) -> NoReturn:
        raise _Fault(f"At character {at + 1}: {sentence}")
