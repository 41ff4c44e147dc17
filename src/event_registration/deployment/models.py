"""What the functions need of botocore's data: a few operations of three services, and AWS's own certificates."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
from importlib.metadata import distribution
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from event_registration.aws.clients import ROOTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["OPERATIONS", "aws_roots", "trimmed_models"]

OPERATIONS = {
    "dynamodb": ("DeleteItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"),
    "secretsmanager": ("GetSecretValue",),
    "sesv2": ("GetAccount", "SendEmail"),
}
"""Every operation that a function calls."""

# What botocore reads whatever the service.
_SHARED = ("_retry", "partitions", "sdk-default-configuration")
# By SHA-256, the five that "Amazon Trust Services Repository" recommends for a trust store of one's own: Amazon Root
# CA 1 to 4, and Starfield Services Root Certificate Authority - G2. Starfield Class 2 vouched for the others through G2
# alone, until 2024 ("ACM will no longer cross sign certificates with Starfield Class 2"). Each costs every new
# connection 0.3 ms of CPU.
_ROOTS = (
    "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
    "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
    "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
)
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----\n.+?-----END CERTIFICATE-----\n", re.DOTALL)


def trimmed_models() -> Iterator[tuple[str, bytes]]:
    """
    Yield a data folder for botocore's loader, made of that of the botocore which is installed here, and its licence.

    Each file is what botocore has under its name, without documentation, and without what `OPERATIONS` don't touch. The
    rules that find an endpoint for a region are whole.
    """
    from botocore.loaders import Loader

    loader = Loader(include_default_search_paths=False, extra_search_paths=[Loader.BUILTIN_DATA_PATH])
    prefixes = set()
    for service, operations in OPERATIONS.items():
        version = loader.determine_latest_version(service, "service-2")
        model = _trimmed(loader.load_service_model(service, "service-2", version), operations)
        prefixes.add(model["metadata"]["endpointPrefix"])
        yield _file(f"{service}/{version}/service-2", model)
        rules = "endpoint-rule-set-1"
        yield _file(f"{service}/{version}/{rules}", loader.load_service_model(service, rules, version))
    for name in _SHARED:
        yield _file(name, loader.load_data(name))
    endpoints = loader.load_data("endpoints")
    partitions = [
        {**each, "services": {name: each["services"][name] for name in sorted(prefixes & each["services"].keys())}}
        for each in endpoints["partitions"]
    ]
    yield _file("endpoints", {**endpoints, "partitions": partitions})
    part = distribution("botocore")
    for path in part.files or ():
        if path.name in {"LICENSE.txt", "NOTICE"}:
            yield path.name, path.read_binary()


def aws_roots(listed: str | None = None) -> dict[str, bytes]:
    """
    Return the file of the certificates of AWS's own authorities, by its name; nothing if any of today's is missing.

    Args:
        listed: Certificates in PEM to find them among; those that botocore has if ``None``.
    """
    if listed is None:
        listed = (files("botocore") / "cacert.pem").read_text("utf-8")
    found = {_fingerprint(text): text for text in _CERTIFICATE.findall(listed)}
    if not found.keys() >= set(_ROOTS):
        return {}
    return {ROOTS.name: "".join(found[each] for each in _ROOTS).encode()}


def _fingerprint(text: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()


def _file(name: str, document: object) -> tuple[str, bytes]:
    return f"{name}.json", json.dumps(_undocumented(document), separators=(",", ":")).encode()


def _trimmed(model: Mapping[str, Any], operations: tuple[str, ...]) -> dict[str, Any]:
    kept = {name: model["operations"][name] for name in operations}
    shapes: dict[str, Any] = {}
    waiting = [kept]
    while waiting:
        for name in _shapes_in(waiting.pop()):
            if name not in shapes:
                shapes[name] = model["shapes"][name]
                waiting.append(shapes[name])
    return {**model, "operations": kept, "shapes": shapes}


def _shapes_in(node: object) -> Iterator[str]:
    """Yield the names of the shapes that are named in *node*, whose own members may have that name too."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "shape" and isinstance(value, str):
                yield value
            else:
                yield from _shapes_in(value)
    elif isinstance(node, list):
        for each in node:
            yield from _shapes_in(each)


def _undocumented(node: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(node, dict):
        return {
            name: _undocumented(value)
            for name, value in node.items()
            if not (name == "documentation" and isinstance(value, str))
        }
    return [_undocumented(each) for each in node] if isinstance(node, list) else node
