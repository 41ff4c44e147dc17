"""A CloudFormation stack: proposed as a change set, changed, followed event by event, deleted."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from attrs import frozen
from botocore.exceptions import ClientError

from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from event_registration.deployment.account import Account

__all__ = ["Change", "ChangeSet", "Happening", "Stack"]

_LONGEST_PAUSE_SECONDS = 2.0
_REVIEW = "REVIEW_IN_PROGRESS"
_CHANGED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# What a change set fails with when there is nothing to change.
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_WAY_OUT = {
    "UPDATE_ROLLBACK_FAILED": "Run: aws cloudformation continue-update-rollback --stack-name {name}",
    "DELETE_FAILED": "Run destroy again; the stack's events in the console say what stopped it.",
}
_UNUSABLE = "Its first deployment failed. Remove what is left with destroy, and deploy again."
# Reasons whose cure isn't in AWS's own words.
_ADVICE = {
    "account must be verified": "AWS lets new accounts use CloudFront after a check: write to AWS Support, or deploy "
    "with --site-hosting S3Website until then.",
    "UnreservedConcurrentExecution": "This account can't spare reserved concurrency: leave ReservedConcurrency at -1.",
    "CloudWatch Logs role ARN": "API Gateway has no role to write logs with: --parameter ManageApiGatewayAccount=true "
    "makes it.",
}


@frozen(kw_only=True)
class Change:
    """
    One resource that a change set would touch.

    Args:
        action: ``Add``, ``Modify``, ``Remove`` or ``Import``.
        resource: The logical id.
        kind: The resource's type, as in ``AWS::Lambda::Function``.
        replaced: ``True``, ``False`` or, if that turns out on the way, ``Conditional``: whether it is made anew.
    """

    action: str
    resource: str
    kind: str
    replaced: str = "False"


@frozen(kw_only=True)
class Happening:
    """
    One event of a stack.

    Args:
        resource: The logical id; the stack's own name for the stack.
        kind: The resource's type.
        status: As in ``CREATE_COMPLETE``.
        reason: AWS's words, if it gave any.
    """

    resource: str
    kind: str
    status: str
    reason: str = ""


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
        change_set = ChangeSet(self, self._client, identifiers["Id"], identifiers["StackId"], is_new=not status)
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
        yield from self._follow(stack_id, lambda: self._client.delete_stack(StackName=stack_id), {"DELETE_COMPLETE"})

    def _follow(self, stack_id: str, begin: Callable[[], object], wanted: Container[str]) -> Iterator[Happening]:
        """Call *begin* and yield what happens after it, until the stack rests, which must be in a *wanted* status."""
        seen = {event["EventId"] for event in self._events(stack_id)}
        failures: list[Happening] = []
        status = "IN_PROGRESS"
        begin()
        for _ in _looks():
            for event in reversed([event for event in self._events(stack_id) if event["EventId"] not in seen]):
                seen.add(event["EventId"])
                happening = Happening(
                    resource=event["LogicalResourceId"],
                    kind=event["ResourceType"],
                    status=event["ResourceStatus"],
                    reason=event.get("ResourceStatusReason", ""),
                )
                if happening.status.endswith("FAILED") and "cancelled" not in happening.reason:
                    failures.append(happening)
                # A stack's events about itself tell how it is.
                if event.get("PhysicalResourceId") == stack_id:
                    status = happening.status
                yield happening
            if not status.endswith("IN_PROGRESS"):
                break
        if status not in wanted:
            raise DeploymentError(_failure(self.name, status, failures))

    def _events(self, stack_id: str) -> list[dict[str, Any]]:
        """Return the stack's events, the newest first; a deleted stack has them too, under its id."""
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [event for page in pages for event in page["StackEvents"]]


class ChangeSet:
    """What CloudFormation would do; made by `Stack.propose`."""

    def __init__(self, stack: Stack, client: Any, change_set_id: str, stack_id: str, *, is_new: bool) -> None:  # noqa: ANN401 - boto3's
        self._stack = stack
        self._client = client
        self._id = change_set_id
        self._stack_id = stack_id
        self.is_new = is_new
        self.changes: tuple[Change, ...] = ()

    def wait(self) -> str | None:
        """Wait until CloudFormation has thought about it; return why it refuses, or ``None``."""
        for _ in _looks():
            description = self._client.describe_change_set(ChangeSetName=self._id)
            if not description["Status"].endswith(("PENDING", "IN_PROGRESS")):
                break
        if description["Status"] == "FAILED":
            return str(description.get("StatusReason", "no reason given"))
        changes = [*description["Changes"]]
        while token := description.get("NextToken"):
            description = self._client.describe_change_set(ChangeSetName=self._id, NextToken=token)
            changes += description["Changes"]
        self.changes = tuple(_change(each["ResourceChange"]) for each in changes)
        return None

    def execute(self) -> Iterator[Happening]:
        """
        Carry the change out, and tell what happens meanwhile.

        Raises:
            DeploymentError: It failed and was undone; the message names each resource that failed, and why.
        """
        return self._stack._follow(self._stack_id, self._execute, _CHANGED)  # noqa: SLF001 - the two are one

    def _execute(self) -> None:
        self._client.execute_change_set(ChangeSetName=self._id)

    def discard(self) -> None:
        """Withdraw the proposal; a stack that was only proposed goes with it."""
        self._client.delete_change_set(ChangeSetName=self._id)
        if self.is_new:
            self._client.delete_stack(StackName=self._stack_id)


def _looks() -> Iterator[None]:
    """Look often at first and then seldom: a small change takes a moment, CloudFront takes minutes."""
    pause = 0.1
    while True:
        time.sleep(pause)
        yield
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _change(change: Mapping[str, Any]) -> Change:
    return Change(
        action=change["Action"],
        resource=change["LogicalResourceId"],
        kind=change["ResourceType"],
        replaced=change.get("Replacement", "False"),
    )


def _failure(name: str, status: str, failures: list[Happening]) -> str:
    lines = [f"Stack {name!r} was not changed as asked ({status}).", *(_line(each) for each in failures)]
    reasons = " ".join(each.reason for each in failures)
    return "\n".join(lines + [advice for text, advice in _ADVICE.items() if text in reasons])


def _line(failure: Happening) -> str:
    return f"{failure.resource} ({failure.kind}): {failure.reason or failure.status}"
