"""Fixtures of the tests that deploy."""

from __future__ import annotations

import emulator as emulators
import pypi
import pytest


@pytest.fixture(scope="session")
def emulator(tmp_path_factory):
    """Return a running emulator of AWS; say so and skip where it can't be had."""
    try:
        programs = pypi.environment("ministack")
    except pypi.UnavailableError as error:
        pytest.skip(str(error))
    yield from emulators.run(programs, tmp_path_factory.mktemp("emulator"))
