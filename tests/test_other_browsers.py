"""People register and cancel in browsers of other makes: Firefox, and WebKit as in Safari."""

import shutil
import subprocess
from pathlib import Path

import npm
import pytest
from eventsite import managing
from webkit import webkit

FIREFOX = Path(__file__).parent / "firefox.mjs"
QUESTIONS = {
    "type": "object",
    "properties": {
        "hotel": {"type": "boolean", "title": "Do you need a hotel room?"},
        "arrival": {"type": "string", "format": "date", "title": "Day of arrival"},
        "agree": {"type": "boolean", "const": True, "title": "I agree to the code of conduct"},
    },
    "required": ["hotel", "agree"],
    "if": {"properties": {"hotel": {"const": True}}, "required": ["hotel"]},
    "then": {"properties": {"nights": {"type": "integer", "title": "Nights"}}, "required": ["nights"]},
}
ANSWERS = {"hotel": True, "arrival": "2098-05-31", "agree": True, "nights": 2}


@pytest.fixture
def events(tmp_path):
    """Return a managed server and its organiser."""
    with managing(tmp_path) as events:
        yield events


def _firefox(what, address):
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if program is None:
        pytest.skip("Firefox is not installed")
    try:
        folder = npm.install("puppeteer")
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    command = ["node", FIREFOX, folder, program, what, address]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_firefox(events):
    """A person answers an event's questions in Firefox, and cancels by the link that they are mailed."""
    _firefox("register", events.create("event", questions=QUESTIONS))
    assert events.answers("event") == [ANSWERS]

    _firefox("cancel", events.link("firefox@example.org"))

    assert [status for *_, status in events.rows("event")] == ["cancelled"]


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_webkit(events):
    """A person answers an event's questions in WebKit, and cancels by the link that they are mailed."""
    with webkit() as browser:
        browser.open(events.create("event", questions=QUESTIONS))
        browser.type("//input[@id='cname']", "نیلوفر علی‌زاده")
        browser.type("//input[@id='cemail']", "webkit@example.org")
        browser.click("//label[.='Yes']")
        browser.type("//input[@name='answers.nights']", "2")
        # What a driver types into a picker of dates is as each browser has its parts: here it is the page that counts.
        browser.run("document.getElementsByName('answers.arrival')[0].value = '2098-05-31'")
        browser.click("//label[starts-with(., 'I agree')]")
        browser.click("//button[@id='submit']")
        browser.click("//h1[.='Registration successful!']")
        assert events.answers("event") == [ANSWERS]

        browser.open(events.link("webkit@example.org"))
        browser.click("//button[.='Cancel my registration']")
        browser.click("//button[.='Yes, cancel it']")
        browser.click("//h2[.='Your registration is cancelled']")

    assert [status for *_, status in events.rows("event")] == ["cancelled"]
