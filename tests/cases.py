"""The cases in `tests/wire`, which are data that every implementation of the contract runs."""

from __future__ import annotations

import base64
import json
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from rows import each

CASES = Path(__file__).parent / "wire"


def load(name: str) -> Any:
    """Return what a file of cases holds."""
    return json.loads((CASES / name).read_text(encoding="utf-8"))


def described(cases):
    """Return *cases* as parameters that are named by their descriptions."""
    return [pytest.param(case, id=case["description"]) for case in cases]


def each_case(cases):
    """Run a test for each of *cases*, as one item whose failure names them by their descriptions."""
    return each("case", cases, itemgetter("description"))


def body_of(case):
    """Return the body of a case of ``bodies*.json``."""
    if "base64" in case:
        return base64.b64decode(case["base64"])
    body = case["body"]
    if isinstance(body, dict):
        return body.get("before", "") + body["repeat"] * body["times"] + body.get("after", "")
    return body


def fields_of(registration):
    """Return the four fields of *registration* by their names on the wire."""
    return {
        "eventid": registration.event_id,
        "eventname": registration.event_name,
        "cname": registration.attendee_name,
        "cemail": registration.attendee_email,
    }
