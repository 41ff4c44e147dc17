"""Looks at a deployed stack, check by check, and says how to mend what isn't right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen
from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code, is_denied
from event_registration.deployment.checks import CHECKS
from event_registration.deployment.diagnosis import Deployed, Severity, advice, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from event_registration.deployment.account import Account
    from event_registration.deployment.diagnosis import Check, Trouble

__all__ = ["CHECKS", "Finding", "Severity", "examine"]

_GONE = frozenset({"NoSuchBucket", "NotFoundException", "ResourceNotFoundException", "TableNotFoundException"})


@frozen(kw_only=True)
class Finding:
    """
    What a check found.

    Args:
        check: The check's name.
        severity: How much it matters.
        message: What there is.
        remedy: How to mend it, each command on a line of its own.
    """

    check: str
    severity: Severity
    message: str
    remedy: str = ""


def examine(
    account: Account,
    outputs: Mapping[str, str],
    *,
    stack: str,
    announce: Callable[[str], object] = lambda _name: None,
) -> Iterator[Finding]:
    """
    Look at a stack, and yield one finding or more per check as soon as it is known.

    What the credentials may not look at is a finding too, and the other checks go on.

    Args:
        account: Where the stack is.
        outputs: Its outputs by name.
        stack: Its name.
        announce: Is told each check's name before it begins.

    Raises:
        DeploymentError: The stack is another template's or version's.
        ClientError: AWS refused for a reason that has nothing to do with the stack.
    """
    deployed = Deployed(account, stack, outputs)
    for check in CHECKS:
        announce(check.name)
        for severity, message, remedy in list(_troubles(check, deployed)) or [(Severity.OK, check.well, "")]:
            yield Finding(check=check.name, severity=severity, message=message, remedy=remedy)


def _troubles(check: Check, deployed: Deployed) -> Iterator[Trouble]:
    try:
        yield from check.look(deployed)
    except ClientError as error:
        if is_denied(error):
            yield advice(
                f"Could not be looked at: these credentials may not do {error.operation_name}.",
                f"Ask for the permission to do {', '.join(check.needs)}.",
            )
        elif error_code(error) in _GONE:
            yield problem(
                f"What it looks at was deleted: {error.operation_name} says {error_code(error)}.",
                "CloudFormation doesn't make it again. Delete the stack, and deploy it anew:",
                deployed.destroy(),
            )
        else:
            raise
