"""Fixtures of the tests in a browser: one Chromium, one server of each kind, and a page and an event for each test."""

from __future__ import annotations

import re
from functools import partial

import browsing
import pytest
from browsing import axe_source, chromium, watched_page
from eventsite import managing
from serving import serving


@pytest.fixture(scope="session")
def browser(playwright):
    """Return a headless Chromium; skip the test where it isn't installed."""
    with chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def axe():
    """Return the source of axe-core."""
    return axe_source()


@pytest.fixture
def page(browser, request):
    """Return a page of a reader in New York, which fails if a script has failed or the policy blocked anything."""
    # Only tools that look into the page may go around its policy; the tests that use none keep it.
    options = {"locale": "en-GB", "timezone_id": "America/New_York", "bypass_csp": "axe" in request.fixturenames}
    with watched_page(browser, **options) as page:
        yield page


@pytest.fixture
def obstacles(axe, faults, event_id):
    """Return a function that tells what keeps somebody from using a page as it is."""
    return partial(browsing.obstacles, axe=axe, faults=faults, picture=event_id)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Return a running server that takes registrations for any event."""
    with serving(tmp_path_factory.mktemp("browser"), measured=False) as server:
        yield server


@pytest.fixture(scope="session")
def events(tmp_path_factory):
    """Return a managed server and its organiser."""
    with managing(tmp_path_factory.mktemp("managed")) as events:
        yield events


@pytest.fixture
def event_id(request):
    """Return an event id of the test's own."""
    name = f"{request.path.stem}-{request.node.name}".replace("test_", "")
    return re.sub(r"[^A-Za-z0-9]+", "-", name)
