"""The site's own tests run, the ones for the shared cases among them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = sorted((Path(__file__).parent / "web").glob("*.test.mjs"))


def test_the_sites_tests_pass():
    """`node --test` passes every test of the site."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")

    result = subprocess.run(
        [node, "--test", "--test-reporter=tap", *TESTS], capture_output=True, text=True, timeout=120, check=False
    )

    figures = dict(re.findall(r"^# (tests|pass|fail|skipped) (\d+)$", result.stdout, re.MULTILINE))
    failures = re.findall(r"^ *not ok .*$", result.stdout, re.MULTILINE)
    assert (result.returncode, failures) == (0, [])
    assert int(figures["pass"]) == int(figures["tests"]) > 1000
