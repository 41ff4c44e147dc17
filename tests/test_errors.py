"""The error tree: drawn in the module's docstring, checked by reflection."""

import builtins
import inspect
import re

import pytest

from event_registration import errors
from event_registration.errors import (
    EventRegistrationError,
    InvalidRegistrationError,
    MalformedBodyError,
    Problem,
    RepositoryUnavailableError,
    SettingsError,
)

ERRORS = [
    member for member in vars(errors).values() if inspect.isclass(member) and issubclass(member, EventRegistrationError)
]
BRANCH = re.compile(
    r"^    (?P<indent>[│ ]*(?:[├└]── )?)(?P<name>\w+Error) *(?:\((?P<builtin>\w+)\))? *(?P<code>\S.*)$", re.MULTILINE
)


def _drawn():
    """Return what the docstring draws: name, parent, builtin besides, code."""
    path = []
    for branch in BRANCH.finditer(errors.__doc__):
        depth = len(branch["indent"]) // 4
        path[depth:] = [branch["name"]]
        yield branch["name"], path[depth - 1] if depth else None, branch["builtin"], branch["code"]


def _defined():
    for error in ERRORS:
        ours = [base.__name__ for base in error.__bases__ if issubclass(base, EventRegistrationError)]
        theirs = [base.__name__ for base in error.__bases__ if vars(builtins).get(base.__name__) is base]
        besides = [name for name in theirs if name != "Exception"]
        yield error.__name__, *(ours or [None]), *(besides or [None]), error.code


def test_the_drawn_tree_is_the_tree():
    """The docstring draws every error under its parent, with the builtin it also is."""
    drawn = {line[:3] for line in _drawn()}

    defined = {line[:3] for line in _defined()}

    assert drawn == defined


def test_the_drawn_codes_are_the_codes():
    """The docstring names every error's code; that of a malformed body is its reason."""
    drawn = {name: code for name, *_, code in _drawn() if name not in {"EventRegistrationError", "MalformedBodyError"}}

    defined = {name: code for name, *_, code in _defined() if name in drawn}

    assert drawn == defined


def test_the_root_heads_a_column_of_codes():
    """The tree's first line is the base, above the column of codes."""
    first = next(_drawn())

    assert first == ("EventRegistrationError", None, None, "code")


def test_everything_public_is_exported_in_order():
    """The module exports all its errors and the problem, sorted."""
    public = sorted([Problem.__name__, *(error.__name__ for error in ERRORS)])

    assert errors.__all__ == public


def test_every_code_is_unique():
    """A code tells one error from all others."""
    codes = [error.code for error in ERRORS]

    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_a_code_is_kebab_case_of_its_own(error):
    """Every error states its own code, in kebab-case."""
    code = vars(error)["code"]

    assert re.fullmatch(r"[a-z]+(?:-[a-z]+)*", code)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_is_ours_and_a_builtin(error):
    """Whoever catches the base, or the builtin that fits, catches the error."""
    besides = {
        base for base in error.__mro__ if vars(builtins).get(base.__name__) is base and issubclass(base, Exception)
    }

    assert issubclass(error, EventRegistrationError)
    assert (besides > {Exception}) is (error is not EventRegistrationError)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_is_documented(error):
    """Every error says in a sentence what went wrong."""
    summary = inspect.cleandoc(vars(error)["__doc__"]).splitlines()[0]

    assert summary.endswith(".")


@pytest.mark.parametrize("error", [InvalidRegistrationError, SettingsError], ids=lambda error: error.__name__)
def test_an_error_of_many_problems_keeps_and_tells_them_all(error):
    """All problems are kept in their order, whatever iterable they came in, and the message names each."""
    problems = (Problem("cname", "required", "This is required."), Problem("cemail", "x", "Wrong."))

    refusal = error(iter(problems))

    assert refusal.problems == problems
    assert str(refusal) == "cname: This is required.; cemail: Wrong."


def test_a_malformed_body_tells_its_reason():
    """The reason is for programs, the message for people."""
    refusal = MalformedBodyError("too-deep", "The JSON is nested too deep.")

    assert (refusal.reason, str(refusal)) == ("too-deep", "The JSON is nested too deep.")


@pytest.mark.parametrize(
    ("options", "ambiguous"), [({}, False), ({"ambiguous": True}, True)], ids=["certain", "ambiguous"]
)
def test_unavailability_tells_whether_the_write_may_have_happened(options, ambiguous):
    """A write is known not to have happened, unless the error says otherwise."""
    failure = RepositoryUnavailableError("The table does not answer.", **options)

    assert failure.ambiguous is ambiguous
    assert str(failure) == "The table does not answer."
