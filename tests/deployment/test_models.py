"""What goes into the package of botocore's data."""

import json
from importlib.resources import files

import pytest

from event_registration.deployment import models
from event_registration.deployment.models import OPERATIONS, aws_roots, trimmed_models


@pytest.fixture(scope="module")
def trimmed():
    """Return the files' documents."""
    return {name: json.loads(content) for name, content in trimmed_models() if name.endswith(".json")}


def test_holds_the_operations(trimmed):
    """Each service has its operations and no other, with every shape that they mention."""
    found = {name.split("/")[0]: document for name, document in trimmed.items() if name.endswith("service-2.json")}

    assert {service: tuple(sorted(model["operations"])) for service, model in found.items()} == OPERATIONS
    for model in found.values():
        assert set(models._shapes_in([model["operations"], model["shapes"]])) == set(model["shapes"])


def test_keeps_every_region(trimmed):
    """Of all partitions the regions are there, and of the services those that are called."""
    whole = json.loads((files("botocore") / "data" / "endpoints.json").read_bytes())

    kept = trimmed["endpoints.json"]["partitions"]
    assert [each["regions"].keys() for each in kept] == [each["regions"].keys() for each in whole["partitions"]]
    assert {name for each in kept for name in each["services"]} == {"dynamodb", "email", "secretsmanager"}


def test_members_called_like_the_grammar():
    """A member may be called shape or documentation; it is none."""
    structure = {"members": {"shape": {"shape": "Text"}, "documentation": {"shape": "Other", "documentation": "Long."}}}

    assert set(models._shapes_in(structure)) == {"Text", "Other"}
    assert models._undocumented(structure)["members"] == {
        "shape": {"shape": "Text"},
        "documentation": {"shape": "Other"},
    }


def test_roots_are_those_that_aws_lists():
    """The file holds the five, by their fingerprints; if one is missing there is no file."""
    texts = models._CERTIFICATE.findall(aws_roots()["roots.pem"].decode())

    assert [models._fingerprint(text) for text in texts] == list(models._ROOTS)
    assert aws_roots("".join(texts[1:])) == {}
