"""The settler settles again and again, whatever happens, until it is told to end."""

import threading
import time

import pytest
from event_registration.local.settler import Settler

from event_registration.errors import RepositoryUnavailableError, TransientNotifierError
from event_registration.managed import Settled


class Script:
    """Settles as it is told: returns or raises the next result, and from then on nothing happens."""

    def __init__(self, *results):
        self._results = list(results)
        self.is_over = threading.Event()

    def __call__(self):
        """Return or raise the next result."""
        if not self._results:
            self.is_over.set()
            return Settled()
        result = self._results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def _run(*results, log=None):
    """Settle all *results* and return what was logged, without the time of day."""
    lines = []
    script = Script(*results)

    with Settler(script, log or lines.append, seconds=0.001):
        assert script.is_over.wait(10)

    return [line.split("  ", 1)[1] for line in lines]


def test_tells_how_many_were_promoted():
    """A settling that promoted is told, one that did nothing is not."""
    lines = _run(Settled(2), Settled(2, promoted=3), Settled(2))

    assert lines == ["settle  promoted  3"]


def test_goes_on_after_any_error():
    """Whatever settling raises it settles again; of an error that isn't ours only the kind is told."""
    lines = _run(KeyError("ada@example.org"), RepositoryUnavailableError("The database is busy."), Settled(promoted=1))

    assert lines == ["settle  KeyError", "settle  repository-unavailable  The database is busy.", "settle  promoted  1"]


def test_tells_a_trouble_once():
    """A trouble that lasts is told when it begins, and again only if it had gone."""
    late = Settled(1, troubles=(TransientNotifierError("late"),))
    both = Settled(1, troubles=(TransientNotifierError("late"), TransientNotifierError("other")))

    lines = _run(late, late, both, both, Settled(), late)

    assert lines == ["settle  mail-delayed  late", "settle  mail-delayed  other", "settle  mail-delayed  late"]


def test_outlives_its_log():
    """A log that can't be written to any more stops nothing."""

    def closed(_line):
        raise BrokenPipeError

    assert _run(Settled(promoted=1), KeyError(), Settled(promoted=1), log=closed) == []


def test_ends_at_once():
    """The end of the block doesn't wait for the rest to be over."""
    started = time.monotonic()

    with Settler(Settled, pytest.fail, seconds=3600):
        pass

    assert time.monotonic() - started < 5


def test_waits_for_the_settling_under_way():
    """The block ends only when nothing is settled any more."""
    begun, done = threading.Event(), []

    def settle():
        begun.set()
        time.sleep(0.1)
        done.append(True)
        return Settled()

    with Settler(settle, pytest.fail, seconds=3600):
        begun.wait(10)

    assert done == [True]
