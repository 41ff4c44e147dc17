"""Lighthouse finds both pages fast, accessible and soundly made."""

import json
import shutil
import subprocess
from pathlib import Path

import npm
import pytest
from eventsite import managing

SCRIPT = Path(__file__).parent / "lighthouse.mjs"
CATEGORIES = ["accessibility", "best-practices", "performance"]
QUESTIONS = {
    "type": "object",
    "properties": {
        "diet": {"type": "string", "title": "What do you eat?", "enum": ["Everything", "Vegan"]},
        "note": {"type": "string", "title": "What else should we know?", "maxLength": 500},
        "agree": {"type": "boolean", "const": True, "title": "I agree to the code of conduct"},
    },
    "required": ["agree"],
}


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """Return a managed server and its organiser."""
    with managing(tmp_path_factory.mktemp("lighthouse")) as events:
        yield events


def _form(events):
    return events.create("form", questions=QUESTIONS)


def _manage_page(events):
    events.create("managed")
    events.register("managed", "ada")
    return events.link("ada@example.org")


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("address_of", [_form, _manage_page], ids=["form", "manage"])
def test_scores(events, address_of):
    """Each of the scores is 95 of 100 or more; a machine that has other work to do may need three tries."""
    try:
        folder = npm.install("lighthouse")
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    command = ["node", SCRIPT, folder, shutil.which("chromium"), address_of(events), ",".join(CATEGORIES)]
    tries = []

    while len(tries) < 3 and not (tries and min(tries[-1]["scores"].values()) >= 95):
        run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        tries.append(json.loads(run.stdout))

    print(tries)  # noqa: T201 - the proof's figures
    assert sorted(tries[-1]["scores"]) == CATEGORIES
    assert min(tries[-1]["scores"].values()) >= 95, tries
