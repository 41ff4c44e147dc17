"""WebKitGTK by its own driver, which speaks WebDriver (W3C): the few commands that tests here need."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# "WebDriver", section 11, Elements: the web element identifier.
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_SECONDS = 20


class _NotInteractableError(RuntimeError):
    """An element is there, and can't be seen yet."""


class WebKit:
    """
    A browser's window.

    Args:
        url: The driver's address for this session.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self, address: str) -> None:
        """Show a page."""
        self._call("url", {"url": address})

    def click(self, xpath: str) -> None:
        """Click the element that *xpath* finds, once it can be seen."""
        self._do(xpath, "click", {})

    def type(self, xpath: str, text: str) -> None:
        """Type into the element that *xpath* finds, once it can be seen."""
        self._do(xpath, "value", {"text": text})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what the body of a function in JavaScript returns."""
        return self._call("execute/sync", {"script": script, "args": list(arguments)})

    def _do(self, xpath: str, command: str, body: dict[str, Any]) -> None:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                # The driver waits until it is there, not until it can be seen.
                element = self._call("element", {"using": "xpath", "value": xpath})[_ELEMENT]
                self._call(f"element/{element}/{command}", body)
            except _NotInteractableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def _call(self, command: str, body: dict[str, Any]) -> Any:
        return _answer(f"{self._url}/{command}", body)


def _answer(url: str, body: dict[str, Any] | None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own driver
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        with error:
            told = json.load(error)["value"]
        failure = _NotInteractableError if told["error"] == "element not interactable" else RuntimeError
        raise failure(told["message"]) from None


@contextmanager
def webkit() -> Iterator[WebKit]:
    """Run WebKitGTK on a screen of its own until the block ends; skip the test where it isn't installed."""
    programs = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    if not (programs and shutil.which("WebKitWebDriver") and shutil.which("Xvfb")):
        pytest.skip("WebKitGTK's driver or Xvfb is not installed")
    read, write = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x1200x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with open(read) as display:  # noqa: PTH123 - it is no path
        number = display.readline().strip()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # The pages are our own; in a container the sandbox has no namespaces to make.
    environ = os.environ | {"DISPLAY": f":{number}", "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}
    driver = subprocess.Popen(["WebKitWebDriver", f"--port={port}"], env=environ, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/status")
        wanted = {"webkitgtk:browserOptions": {"binary": str(programs[-1]), "args": ["--automation"]}}
        session = _answer(
            f"{url}/session", {"capabilities": {"alwaysMatch": {"timeouts": {"implicit": _SECONDS * 1000}, **wanted}}}
        )
        try:
            yield WebKit(f"{url}/session/{session['sessionId']}")
        finally:
            _answer(f"{url}/session/{session['sessionId']}", None, "DELETE")
    finally:
        for process in (driver, screen):
            process.terminate()
            process.wait(_SECONDS)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            _answer(url, None)
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
