"""What attendees are asked, and what their answers may be: the cases that the form runs, too."""

import json

import pytest
from cases import load

from event_registration.errors import InvalidRegistrationError
from event_registration.questions import Questionnaire

CASES = load("answers.json")


def _outcome(questions, answers):
    try:
        return {"value": Questionnaire(questions).answers_of(answers)}
    except InvalidRegistrationError as error:
        return {"problems": [{"field": each.field, "code": each.code} for each in error.problems]}


@pytest.mark.parametrize("case", [pytest.param(case, id=ascii(case["title"])) for case in CASES])
def test_shared_case(case):
    """The server judges answers as the form does."""
    outcome = _outcome(case["questions"], case["answers"])

    # As JSON, in which the order shows and yes is no number.
    assert json.dumps(outcome) == json.dumps(case["expected"])
