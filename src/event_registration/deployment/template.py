"""The CloudFormation template, as the file has it but for what only a deployment can know."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from event_registration.assets import template_file

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PARAMETERS", "rendered", "table_id"]

PARAMETERS = frozenset({"CodeBucket", "CodeKey", "SenderAddress", "TableName"})
"""Parameters that a stack of this template has, and hardly any other one."""

_DEPLOYMENT = "ApiDeployment"
_TABLE = "RegistrationTable"
_TABLE_NAME = "TableName: !Ref TableName"
# The parameters that API Gateway's snapshot depends on, and their defaults.
_SERVED = {"AllowedOrigin": "", "Events": "managed", "SiteHosting": "CloudFront"}


def table_id(name: str, resources: Mapping[str, str]) -> str:
    """Return the logical id of the table called *name*: the one it has among a stack's *resources*, or its own."""
    present = {physical: logical for logical, physical in resources.items() if logical.startswith(_TABLE)}
    return present.get(name) or _TABLE + _digest(name)


def rendered(parameters: Mapping[str, str], *, table: str, table_id: str, adopted: bool = False) -> str:
    """
    Return the template's text with the names that CloudFormation wants literally.

    API Gateway serves a snapshot, and CloudFormation takes a new one only for a new logical id: the deployment's gets
    a digest of all that the snapshot depends on. The table's id gets one of its name, so that a stack that is given
    another table lets go of the first and can take over one that exists. That is done only if the name stands in the
    template itself ("CreateChangeSet", ImportExistingResources: resources with custom names).

    Args:
        parameters: All values that are not the template's defaults.
        table: The table's name.
        table_id: Its logical id.
        adopted: Whether the table exists already.
    """
    text = template_file().read_text(encoding="utf-8")
    snapshot = json.dumps([text, [parameters.get(name, default) for name, default in _SERVED.items()]])
    text = text.replace(_DEPLOYMENT, _DEPLOYMENT + _digest(snapshot)).replace(_TABLE, table_id)
    return text.replace(_TABLE_NAME, f'TableName: "{table}"') if adopted else text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
