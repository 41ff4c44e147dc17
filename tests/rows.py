"""A test of very many rows, as one item: what pytest does for an item costs more than most rows do."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def each(
    name: str, rows: Iterable[Any], ids: Callable[[Any], str] = str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Run a test for each of *rows*, whatever became of those before, and fail with the ids and errors of all that fail.

    It stands where ``pytest.mark.parametrize`` would, for rows that may share their fixtures.

    Args:
        name: The argument in which the test takes its row.
        rows: The rows, one at least.
        ids: Tells how a row is called.

    Raises:
        ValueError: There is no row: the test would hold for anything.
    """
    rows = list(rows)
    if not rows:
        raise ValueError(f"no {name} to test")

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def test_each(*args: Any, **fixtures: Any) -> None:
            failed, errors = [], []
            for row in rows:
                try:
                    test(*args, **fixtures, **{name: row})
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - it is raised in the end
                    error.add_note(ids(row))
                    failed.append(ids(row))
                    errors.append(error)
            if errors:
                # Of a group's errors only the first are shown.
                raise BaseExceptionGroup("\n- ".join([f"{len(errors)} of {len(rows)} failed:", *failed]), errors)

        # Fixtures are found by the arguments: the row is none.
        signature = inspect.signature(test)
        fixtures = [parameter for parameter in signature.parameters.values() if parameter.name != name]
        test_each.__signature__ = signature.replace(parameters=fixtures)
        return test_each

    return decorate
