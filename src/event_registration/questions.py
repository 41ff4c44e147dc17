"""An event's questions: who is asked which, and what is wrong with all that one person answers."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attrs import frozen

from event_registration.answers import ANSWER_MESSAGES, is_nothing, kind_of
from event_registration.errors import InvalidRegistrationError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from event_registration.answers import Kind

__all__ = ["Column", "Questionnaire"]

_MAX_ANSWERS = 8192  # octets


@frozen
class Column:
    """
    A question as a table of answers has it.

    Args:
        name: Its name in the schema and in answers.
        title: What people read: its title, or its name if it has none.
    """

    name: str
    title: str


@frozen
class _Question:
    name: str
    title: str
    kind: Kind
    is_box: bool

    def is_answered(self, sheet: Mapping[str, Any]) -> bool:
        """Tell whether *sheet* has an answer; a box that isn't ticked is none."""
        value = sheet.get(self.name)
        return not (is_nothing(value) or (self.is_box and value is False))


@frozen
class Questionnaire:
    """
    What the attendees of one event are asked.

    Args:
        schema: The questions, with which `question_schema` finds nothing wrong.
    """

    schema: Mapping[str, Any]

    @cached_property
    def _first(self) -> tuple[_Question, ...]:
        return _questions_of(self.schema)

    @cached_property
    def _more(self) -> tuple[_Question, ...]:
        """Those that are asked only as long as the condition holds."""
        return _questions_of(self.schema.get("then", {}))

    @property
    def columns(self) -> tuple[Column, ...]:
        """All questions in the form's order, whether they depend on an answer or not."""
        return tuple(Column(each.name, each.title) for each in (*self._first, *self._more))

    def answers_of(self, given: object) -> dict[str, Any]:
        """
        Return the answers that *given* holds, in normal form and in the form's order.

        What is no answer is left out: ``None``, text that leaves no ink, no options, a box that isn't ticked.

        Args:
            given: What a person sent, of whatever type; ``None`` is no answers.

        Raises:
            InvalidRegistrationError: With a problem for every wrong answer, in the form's order, then of the whole.
        """
        sheet = {} if given is None else given
        if not isinstance(sheet, dict):
            raise InvalidRegistrationError([_problem("answers", "not-an-object")])
        answers, faults = _judged(self._first, sheet)
        required = set(self.schema.get("required", ()))
        if self._asks_more(answers):
            further, further_faults = _judged(self._more, sheet)
            answers, faults = answers | further, faults | further_faults
            required.update(self.schema["then"].get("required", ()))
        else:
            faults |= {each.name: "unexpected-answer" for each in self._more if each.is_answered(sheet)}
        for each in self._all:
            if each.name in required and not each.is_answered(sheet):
                faults[each.name] = "must-be-ticked" if each.is_box else "required"
        problems = [_problem(f"answers.{each.name}", faults[each.name]) for each in self._all if each.name in faults]
        problems += [_problem("answers", fault) for fault in self._faults_of_all(sheet, answers)]
        if problems:
            raise InvalidRegistrationError(problems)
        return answers

    def summary(self, answers: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """Return stored *answers* with their questions' titles; last those whose questions are gone."""
        titles = {each.name: each.title for each in self._all}
        names = [*(name for name in titles if name in answers), *(name for name in answers if name not in titles)]
        return [(titles.get(name, name), answers[name]) for name in names]

    @property
    def _all(self) -> tuple[_Question, ...]:
        return (*self._first, *self._more)

    def _asks_more(self, answers: Mapping[str, Any]) -> bool:
        """Tell whether the condition holds; a wrong answer, which isn't among *answers*, is none."""
        conditions = self.schema.get("if", {}).get("properties", {})
        return bool(conditions) and all(
            name in answers and _meets(answers[name], condition) for name, condition in conditions.items()
        )

    def _faults_of_all(self, sheet: Mapping[str, Any], answers: Mapping[str, Any]) -> Iterator[str]:
        names = {each.name for each in self._all}
        # Not named: they may be any text, and any number.
        if not all(name in names or is_nothing(value) for name, value in sheet.items()):
            yield "unexpected-answer"
        if len(json.dumps(answers, ensure_ascii=False, separators=(",", ":")).encode()) > _MAX_ANSWERS:
            yield "answers-too-long"


def _questions_of(schema: Mapping[str, Any]) -> tuple[_Question, ...]:
    return tuple(
        _Question(name, question.get("title", name), kind_of(question), is_box="const" in question)
        for name, question in schema.get("properties", {}).items()
    )


def _judged(questions: tuple[_Question, ...], sheet: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the right answers to *questions* in normal form, and what is wrong with the others, by their names."""
    answers, faults = {}, {}
    for each in questions:
        if each.is_answered(sheet):
            value = each.kind.normalise(sheet[each.name])
            if fault := each.kind.check(value):
                faults[each.name] = fault
            else:
                answers[each.name] = value
    return answers, faults


def _meets(answer: object, condition: Mapping[str, Any]) -> bool:
    if "contains" in condition:
        return isinstance(answer, list) and condition["contains"]["const"] in answer
    return answer in condition["enum"] if "enum" in condition else answer == condition["const"]


def _problem(field: str, code: str) -> Problem:
    return Problem(field, code, ANSWER_MESSAGES[code])
