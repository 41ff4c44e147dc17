"""A test of many rows fails for each row that is wrong, and says for which."""

import pytest
from rows import each


def test_every_row_is_tested_and_every_failure_named():
    """Rows after one that fails are tested too, whichever way it fails, and what failed is named."""
    tested = []

    @each("row", [1, 2, 3, 4], ids="row {}".format)
    def test(row, fixture):
        tested.append((row, fixture))
        assert row != 2
        if row == 3:
            with pytest.raises(ValueError, match="never"):
                pass

    with pytest.raises(BaseExceptionGroup, match=r"^2 of 4 failed:\n- row 2\n- row 3$") as failure:
        test(fixture="any")

    assert tested == [(1, "any"), (2, "any"), (3, "any"), (4, "any")]
    assert [(type(error), error.__notes__) for error in failure.value.exceptions] == [
        (AssertionError, ["row 2"]),
        (pytest.fail.Exception, ["row 3"]),
    ]


@each("row", ["a", "b"])
def test_the_fixtures_are_the_others(row, tmp_path):
    """A test of rows takes pytest's fixtures as any test does."""
    (tmp_path / row).touch(exist_ok=False)


def test_a_test_of_nothing_is_refused():
    """Without rows a test would hold whatever became of the code."""
    with pytest.raises(ValueError, match="no row to test"):
        each("row", [])
