"""Holds HTML to the standard and to what assistive technology needs, by html-validate."""

from __future__ import annotations

import json
import shutil
import subprocess

import npm
import pytest

# Style is our own matter: what a browser has made of a page isn't written by hand.
_PRESETS = "standard,a11y"


def faults(html: str) -> list[str]:
    """Return what is wrong with a document: where, the rule and a sentence; skip the test where that can't be told."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    try:
        program = npm.install("html-validate") / "node_modules" / ".bin" / "html-validate"
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    command = [node, program, "--stdin", "--formatter", "json", "--preset", _PRESETS]
    checked = subprocess.run(command, input=html, capture_output=True, text=True, timeout=60, check=False)
    reports = json.loads(checked.stdout)
    return [f"{m['line']}: {m['ruleId']}: {m['message']}" for report in reports for m in report["messages"]]
