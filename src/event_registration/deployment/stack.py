"""A CloudFormation stack: looked at, given a change set, deleted."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.deployment.changes import ChangeSet, follow
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from event_registration.deployment.account import Account
    from event_registration.deployment.changes import Happening

__all__ = ["Stack"]

_GONE = {"DELETE_COMPLETE", "DELETE_SKIPPED"}
_REVIEW = "REVIEW_IN_PROGRESS"
# What a change set fails with when there is nothing to change.
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_WAY_OUT = {
    "UPDATE_ROLLBACK_FAILED": "Run: aws cloudformation continue-update-rollback --stack-name {name}",
    "DELETE_FAILED": "Run destroy again; the stack's events in the console say what stopped it.",
}
_UNUSABLE = "Its first deployment failed. Remove what is left with destroy, and deploy again."


class Stack:
    """
    A stack by name, whether it exists or not.

    Args:
        account: Where it is.
        name: Its name.
    """

    def __init__(self, account: Account, name: str) -> None:
        self.name = name
        self._client = account.client("cloudformation")

    def describe(self) -> dict[str, Any] | None:
        """Return what CloudFormation says of the stack, ``None`` if there is none or it was only ever proposed."""
        try:
            (description,) = self._client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if error_code(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        return None if description["StackStatus"] == _REVIEW else description

    def outputs(self) -> dict[str, str]:
        """
        Return the outputs by name: all that other commands need to know of a stack.

        Raises:
            DeploymentError: There is no such stack, or its deployment never succeeded.
        """
        description = self.describe()
        if description is None:
            raise DeploymentError(f"There is no stack {self.name!r} in this account and region.")
        outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
        if not outputs:
            raise DeploymentError(f"Stack {self.name!r} is {description['StackStatus']} and has no outputs.")
        return outputs

    def parameters(self) -> dict[str, str]:
        """Return the parameters' present values by name; none if there is no stack."""
        description = self.describe() or {}
        return {each["ParameterKey"]: each["ParameterValue"] for each in description.get("Parameters", [])}

    def resources(self) -> dict[str, str]:
        """Return the physical ids by logical id; none if there is no stack."""
        if self.describe() is None:
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
        description = self.describe()
        status = description["StackStatus"] if description else ""
        if status.endswith("IN_PROGRESS"):
            raise DeploymentError(f"Stack {self.name!r} is busy ({status}). Wait until it is done, and try again.")
        if status and (status.endswith("FAILED") or status == "ROLLBACK_COMPLETE"):
            way_out = _WAY_OUT.get(status, _UNUSABLE).format(name=self.name)
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
        reason = change_set.wait()
        if reason is None:
            return change_set
        change_set.discard()
        if any(text in reason for text in _NO_CHANGES):
            return None
        raise DeploymentError(f"CloudFormation refuses the change: {reason}")

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
        delete = partial(self._client.delete_stack, StackName=stack_id)
        yield from follow(self._client, self.name, stack_id, delete, {"DELETE_COMPLETE"})
