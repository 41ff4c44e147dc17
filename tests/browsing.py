"""Starts a headless Chromium, and watches over what its pages do."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import npm
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page, Playwright

_AXE = "4.14.1", "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
_RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]
_HEIGHT = 800
_STILL = """async () => {
  await new Promise((resolve) => requestAnimationFrame(resolve));
  await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
}"""
# Of two lists Chromium takes the later: these are Playwright's that count here, and two of ours. For each window there
# would be two pages of what an address bar may show, which nobody sees and which cost as much as a test's own page.
_ABSENT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxPopup",
)
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(_ABSENT)}",
)


@contextmanager
def chromium(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """Run Chromium with *arguments* until the block ends; skip the test where it isn't installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed")
    browser = playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *arguments])
    yield browser
    browser.close()


@contextmanager
def watched_page(browser: Browser, **options: Any) -> Iterator[Page]:
    """Open a page until the block ends, which fails if a script has failed or the policy has blocked anything."""
    complaints: list[str] = []
    with browser.new_context(**{"viewport": {"width": 1024, "height": _HEIGHT}, "locale": "en"} | options) as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
        yield page
    assert complaints == []


def axe_source() -> str:
    """Return the source of axe-core; skip the test where it can't be had."""
    try:
        return npm.fetch("axe-core", *_AXE, "package/axe.min.js").read_text()
    except npm.UnavailableError as error:
        pytest.skip(str(error))


def violations(page: Page, axe: str, **options: Any) -> list[tuple[str, list[str]]]:
    """Return what *axe* finds wrong with the page: the rule, and where it is broken."""
    # Colours that are on their way to others have no contrast yet.
    page.evaluate(_STILL)
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(axe)
    result = page.evaluate("options => axe.run(document, options)", {"resultTypes": ["violations"]} | options)
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in result["violations"]]


def obstacles(page: Page, axe: str, faults: Callable[[str], list[str]], picture: str) -> list[tuple[Any, ...]]:
    """
    Return what keeps somebody from using the page as it is, in any colours, on a phone or at 200 %, from left or right.

    Args:
        page: The page, which is left with the last of these settings.
        axe: The source of axe-core.
        faults: What tells faults of HTML.
        picture: Where the folder ``SCREENSHOTS`` is set, the names of its pictures begin with this: a person should
            look at them, too.
    """
    found: list[tuple[Any, ...]] = [("markup", each) for each in faults(page.content())]
    found += [("light", each) for each in violations(page, axe)]
    for media in ({"color_scheme": "dark"}, {"forced_colors": "active"}):
        page.emulate_media(**media)
        # The other rules look at no colour, and have found already what there is.
        found += [(media, each) for each in violations(page, axe, runOnly=_RULES_OF_COLOUR)]
    for width, direction in [(320, "ltr"), (512, "ltr"), (320, "rtl")]:
        page.set_viewport_size({"width": width, "height": _HEIGHT})
        page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append((width, direction, "is too wide"))
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{folder}/{picture}-{width}-{direction}.png", full_page=True)
    return found
