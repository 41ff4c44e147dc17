"""Holds HTML to the standard and to what assistive technology needs, by html-validate."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import npm
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPT = Path(__file__).with_suffix(".mjs")


@contextmanager
def checking() -> Iterator[Callable[[str], list[str]]]:
    """
    Until the block ends have a function that tells what is wrong with a document: where, the rule and a sentence.

    Skip the test where that can't be told.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    try:
        folder = npm.install("html-validate")
    except npm.UnavailableError as error:
        pytest.skip(str(error))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([node, SCRIPT, folder], encoding="utf-8", **pipes) as process:

        def faults(html: str) -> list[str]:
            process.stdin.write(f"{json.dumps(html)}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield faults
