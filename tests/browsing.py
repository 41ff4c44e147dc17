"""Starts a headless Chromium, and watches over what its pages do."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import npm
import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

HEIGHT = 800

_AXE = "4.14.1", "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
_STILL = """async () => {
  await new Promise((resolve) => requestAnimationFrame(resolve));
  await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
}"""
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Run Chromium with *arguments* until the block ends; skip the test where it isn't installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *arguments])
        yield browser
        browser.close()


@contextmanager
def watched_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """Open a page until the block ends, which fails if a script has failed or the policy has blocked anything."""
    context = browser.new_context(**{"viewport": {"width": 1024, "height": HEIGHT}, "locale": "en"} | options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
    yield page
    context.close()
    assert complaints == []


def axe_source() -> str:
    """Return the source of axe-core; skip the test where it can't be had."""
    try:
        return npm.fetch("axe-core", *_AXE, "package/axe.min.js").read_text()
    except npm.UnavailableError as error:
        pytest.skip(str(error))


def violations(page: Page, axe: str) -> list[tuple[str, list[str]]]:
    """Return what *axe* finds wrong with the page: the rule, and where it is broken."""
    # Colours that are on their way to others have no contrast yet.
    page.evaluate(_STILL)
    page.evaluate(axe)
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in result["violations"]]
