"""The site's pages are valid HTML."""

import pytest

from event_registration.assets import site_folder

PAGES = sorted(site_folder().glob("*.html"))


def test_there_are_pages():
    """There is the form and what a manage link leads to."""
    assert [page.name for page in PAGES] == ["index.html", "manage.html"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_is_valid(page, faults):
    """A page has no fault as it is delivered."""
    assert faults(page.read_text("utf-8")) == []


def test_finds_a_fault(faults):
    """The control: an element that may not be where it is, and a field without a name, are found out."""
    found = faults("<!doctype html><html><p><div></div></p><input></html>")

    rules = [fault.split(": ")[1] for fault in found]
    assert {"element-permitted-content", "input-missing-label"} & set(rules)
