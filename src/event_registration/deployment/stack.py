"""A CloudFormation stack: looked at, given a change set, deleted."""

from __future__ import annotations

import shlex
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.deployment.changes import REVIEW, ChangeSet
from event_registration.deployment.events import follow
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from event_registration.deployment.account import Account
    from event_registration.deployment.events import Happening

__all__ = ["Stack"]

_GONE = {"DELETE_COMPLETE", "DELETE_SKIPPED"}
# What a change set fails with when there is nothing to change.
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_ANEW = "Its first deployment failed. Remove what is left with destroy, and deploy again."
_WAY_OUT = {
    "CREATE_FAILED": _ANEW,
    "ROLLBACK_COMPLETE": _ANEW,
    "ROLLBACK_FAILED": _ANEW,
    "DELETE_FAILED": "Run destroy again; the stack's events in the console say what stopped it.",
    "UPDATE_ROLLBACK_FAILED": "Run: aws cloudformation continue-update-rollback --stack-name {name} {options}",
}
_REPAIR = "Its events say why: aws cloudformation describe-stack-events --stack-name {name} {options}"


class Stack:
    """
    A stack by name, whether it exists or not.

    Args:
        account: Where it is.
        name: Its name.
    """

    def __init__(self, account: Account, name: str) -> None:
        self.name = name
        self._options = shlex.join(account.options)
        self._client = account.client("cloudformation")

    def describe(self) -> dict[str, Any] | None:
        """Return what CloudFormation says of the stack, ``None`` if there is none."""
        try:
            (description,) = self._client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if error_code(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        return dict(description)

    def _deployed(self) -> dict[str, Any] | None:
        """Return the same of a stack that was more than proposed."""
        description = self.describe()
        return None if description is None or description["StackStatus"] == REVIEW else description

    def check_template(self, parameters: AbstractSet[str]) -> None:
        """
        Find out whether the stack, if there is one, comes from a template with these *parameters*.

        Raises:
            DeploymentError: It comes from another one.
        """
        if self._deployed() and not parameters <= self.parameters().keys():
            raise DeploymentError(f"Stack {self.name!r} was not made from this template. Choose another --stack.")

    def outputs(self) -> dict[str, str]:
        """
        Return the outputs by name: all that other commands need to know of a stack.

        Raises:
            DeploymentError: There is no such stack, or its deployment never succeeded.
        """
        description = self._deployed()
        if description is None:
            raise DeploymentError(f"There is no stack {self.name!r} in this account and region.")
        outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
        if not outputs:
            raise DeploymentError(f"Stack {self.name!r} is {description['StackStatus']} and has no outputs.")
        return outputs

    def parameters(self) -> dict[str, str]:
        """Return the parameters' present values by name; none if there is no stack."""
        description = self._deployed() or {}
        return {each["ParameterKey"]: each["ParameterValue"] for each in description.get("Parameters", [])}

    def resources(self) -> dict[str, str]:
        """Return the physical ids by logical id of all that the stack has now; none if there is no stack."""
        if self._deployed() is None:
            return {}
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return {
            each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
            for page in pages
            for each in page["StackResourceSummaries"]
            if each["ResourceStatus"] not in _GONE
        }

    def propose(self, template: str, parameters: Mapping[str, str], *, adopt: bool = False) -> ChangeSet | None:
        """
        Ask CloudFormation what *template* would change.

        Args:
            template: Its text.
            parameters: Values by name; those left out keep their present value, or get the template's default.
            adopt: Whether to take over resources that exist already under the template's names.

        Returns:
            The proposal, or ``None`` if nothing would change.

        Raises:
            DeploymentError: The stack is busy or broken, or CloudFormation refuses the template or the parameters.
        """
        description = self._deployed()
        status = description["StackStatus"] if description else ""
        self._check_rest(status)
        if status.endswith("FAILED") or status in _WAY_OUT:
            way_out = _WAY_OUT.get(status, _REPAIR).format(name=self.name, options=self._options)
            raise DeploymentError(f"Stack {self.name!r} can't be changed ({status}). {way_out}")
        known = {
            each["ParameterKey"] for each in self._client.get_template_summary(TemplateBody=template)["Parameters"]
        }
        if unknown := set(parameters) - known:
            raise DeploymentError(
                f"The template has no parameter {', '.join(sorted(unknown))}. It has {', '.join(sorted(known))}."
            )
        kept = (known & set(self.parameters())) - set(parameters)
        identifiers = self._client.create_change_set(
            StackName=self.name,
            ChangeSetName=f"event-registration-{uuid.uuid4()}",
            ChangeSetType="UPDATE" if status else "CREATE",
            TemplateBody=template,
            Parameters=[
                *({"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()),
                *({"ParameterKey": name, "UsePreviousValue": True} for name in kept),
            ],
            Capabilities=["CAPABILITY_IAM"],
            ImportExistingResources=adopt,
            # A stack whose creation failed could only be deleted.
            **({} if status else {"OnStackFailure": "DELETE"}),
        )
        change_set = ChangeSet(self._client, self.name, identifiers["Id"], identifiers["StackId"], is_new=not status)
        try:
            reason = change_set.wait()
        except BaseException:
            change_set.abandon()
            raise
        if reason is None:
            return change_set
        change_set.discard()
        if any(text in reason for text in _NO_CHANGES):
            return None
        raise DeploymentError(f"CloudFormation refuses the change: {reason}")

    def check_deletion(self) -> None:
        """
        Find out whether `delete` would be refused.

        Raises:
            DeploymentError: The stack is busy, or protected against deletion.
        """
        description = self._deployed() or {"StackStatus": ""}
        self._check_rest(description["StackStatus"])
        if description.get("EnableTerminationProtection"):
            raise DeploymentError(
                f"Stack {self.name!r} is protected. If it is to go, run: aws cloudformation "
                f"update-termination-protection --no-enable-termination-protection --stack-name {self.name} "
                f"{self._options}"
            )

    def delete(self) -> Iterator[Happening]:
        """
        Delete the stack, but for what its template retains, and tell what happens meanwhile.

        Raises:
            DeploymentError: Something could not be deleted.
        """
        description = self.describe()
        if description is None:
            return
        stack_id = description["StackId"]
        if description["StackStatus"] == REVIEW:  # nothing is there that could happen
            self._client.delete_stack(StackName=stack_id)
            return
        delete = partial(self._client.delete_stack, StackName=stack_id)
        yield from follow(self._client, self.name, stack_id, delete, {"DELETE_COMPLETE"})

    def _check_rest(self, status: str) -> None:
        if status.endswith("IN_PROGRESS"):
            raise DeploymentError(f"Stack {self.name!r} is busy ({status}). Wait until it is done, and try again.")
