"""The site's pages are valid HTML."""

import pytest
from markup import faults

from event_registration.assets import site_folder

PAGES = sorted(site_folder().glob("*.html"))


def test_there_are_pages():
    """There is the form and what a manage link leads to."""
    assert [page.name for page in PAGES] == ["index.html", "manage.html"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_is_valid(page):
    """A page has no fault as it is delivered."""
    assert faults(page.read_text("utf-8")) == []


def test_finds_a_fault():
    """The control: an element that may not be where it is, and a field without a name, are found out."""
    rules = [fault.split(": ")[1] for fault in faults("<!doctype html><html><p><div></div></p><input></html>")]

    assert {"element-permitted-content", "input-missing-label"} & set(rules)
