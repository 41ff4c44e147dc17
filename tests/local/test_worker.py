"""A worker works again and again, whatever happens, until it is told to end."""

import threading
import time

import pytest

from event_registration.errors import RepositoryUnavailableError, TransientNotifierError
from event_registration.local.worker import Done, Worker


class Script:
    """Works as it is told: returns or raises the next result, and from then on nothing happens."""

    def __init__(self, *results):
        self._results = list(results)
        self.is_over = threading.Event()

    def __call__(self, _is_stopped):
        """Return or raise the next result."""
        if not self._results:
            self.is_over.set()
            return Done({})
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def _run(*results, log=None):
    """Work through all *results* and return what was logged, without the time of day."""
    lines = []
    script = Script(*results)

    with Worker("settle", script, log or lines.append, seconds=0.001):
        assert script.is_over.wait(10)

    return [line.split("  ", 1)[1] for line in lines]


def test_tells_what_was_done():
    """What was done is told, and nothing of a time when there was nothing to do."""
    lines = _run(Done({"promoted": 0}), Done({"promoted": 3, "told": 1}), Done({"promoted": 0}))

    assert lines == ["settle  promoted  3", "settle  told  1"]


def test_goes_on_after_any_error():
    """Whatever working raises it works again; of an error that isn't ours only the kind is told."""
    lines = _run(
        KeyError("ada@example.org"), RepositoryUnavailableError("The database is busy."), Done({"promoted": 1})
    )

    assert lines == ["settle  KeyError", "settle  repository-unavailable  The database is busy.", "settle  promoted  1"]


def test_tells_a_trouble_once():
    """A trouble that lasts is told when it begins, and again only if it had gone."""
    late = Done({}, (TransientNotifierError("late"),))
    both = Done({}, (TransientNotifierError("late"), TransientNotifierError("other")))

    lines = _run(late, late, both, both, Done({}), late)

    assert lines == ["settle  mail-delayed  late", "settle  mail-delayed  other", "settle  mail-delayed  late"]


def test_outlives_its_log():
    """A log that can't be written to any more stops nothing."""

    def closed(_line):
        raise BrokenPipeError

    assert _run(Done({"promoted": 1}), KeyError(), Done({"promoted": 1}), log=closed) == []


def test_ends_at_once():
    """The end of the block doesn't wait for the rest to be over."""
    started = time.monotonic()

    with Worker("settle", lambda _is_stopped: Done({}), pytest.fail, seconds=3600):
        pass

    assert time.monotonic() - started < 5


def test_waits_for_the_work_under_way():
    """The block ends only when nothing is done any more."""
    begun, done = threading.Event(), []

    def settle(_is_stopped):
        begun.set()
        time.sleep(0.1)
        done.append(True)
        return Done({})

    with Worker("settle", settle, pytest.fail, seconds=3600):
        begun.wait(10)

    assert done == [True]


def test_tells_long_work_to_end():
    """Work that has many steps is told when the block ends, so that it can leave the rest to another time."""
    begun, steps = threading.Event(), []

    def work(is_stopped):
        while not is_stopped():
            steps.append(True)
            begun.set()
            time.sleep(0.001)
        return Done({})

    with Worker("mail", work, pytest.fail, seconds=3600):
        begun.wait(10)

    assert steps
