"""People register and cancel in browsers of other makes: Firefox, and WebKit as in Safari."""

import shutil
import subprocess
from pathlib import Path

import npm
import pytest
from eventsite import managing

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
