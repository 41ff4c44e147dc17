"""A change of a CloudFormation stack: what is proposed, and what happens when it is carried out."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import frozen
from botocore.exceptions import BotoCoreError, ClientError

from event_registration.deployment.account import error_code
from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

__all__ = ["REVIEW", "Change", "ChangeSet", "Happening", "follow"]

REVIEW = "REVIEW_IN_PROGRESS"
"""The status of a stack that was only ever proposed."""

_MOST_POLLS_LOST = 30
_LONGEST_PAUSE_SECONDS = 2.0
_CHANGED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# Reasons whose cure isn't in AWS's own words.
_ADVICE = {
    "account must be verified": "AWS lets new accounts use CloudFront after a check: write to AWS Support, or deploy "
    "with --site-hosting S3Website until then.",
    "UnreservedConcurrentExecution": "This account can't spare reserved concurrency: leave ReservedConcurrency at -1.",
    "BlockPublicPolicy": "This account blocks public buckets as a whole: deploy with --site-hosting CloudFront, which "
    "needs none, or ask whoever set S3 Block Public Access for the account.",
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
        kept: Whether a resource that leaves the stack stays in the account.
        replaced: ``True``, ``False`` or, if that turns out on the way, ``Conditional``: whether it is made anew.
    """

    action: str
    resource: str
    kind: str
    replaced: str = "False"
    kept: bool = False


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


class ChangeSet:
    """
    What CloudFormation would do.

    Args:
        client: A boto3 client of ``cloudformation``.
        name: The stack's name.
        change_set_id: The proposal's id.
        stack_id: The stack's id.
        is_new: Whether there is no such stack yet.
    """

    def __init__(self, client: Any, name: str, change_set_id: str, stack_id: str, *, is_new: bool) -> None:  # noqa: ANN401 - boto3's
        self._client = client
        self._name = name
        self._id = change_set_id
        self._stack_id = stack_id
        self.is_new = is_new
        self._is_begun = False
        self.changes: tuple[Change, ...] = ()

    def wait(self) -> str | None:
        """Wait until CloudFormation has thought about it; return why it refuses, or ``None``."""
        pauses = _pauses()
        while True:
            time.sleep(next(pauses))
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
        try:
            yield from follow(self._client, self._name, self._stack_id, self._execute, _CHANGED)
        except BaseException:
            if not self._is_begun:
                self.abandon()
            raise

    def _execute(self) -> None:
        self._client.execute_change_set(ChangeSetName=self._id)
        self._is_begun = True

    def abandon(self) -> None:
        """Withdraw the proposal if that can be done; for when something else has failed, which is what counts."""
        with suppress(BotoCoreError, ClientError):
            self.discard()

    def discard(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Withdraw the proposal; a stack that nothing but this proposal is left of goes with it."""
        tries = 1
        while not self._is_withdrawn(patient=tries < _MOST_POLLS_LOST):
            tries += 1
            sleep(_LONGEST_PAUSE_SECONDS)
        if self.is_new:
            (stack,) = self._client.describe_stacks(StackName=self._stack_id)["Stacks"]
            others = self._client.list_change_sets(StackName=self._stack_id)["Summaries"]
            # Somebody else may have proposed or deployed it meanwhile.
            if stack["StackStatus"] == REVIEW and all(each["ChangeSetId"] == self._id for each in others):
                self._client.delete_stack(StackName=self._stack_id)

    def _is_withdrawn(self, *, patient: bool) -> bool:
        try:
            self._client.delete_change_set(ChangeSetName=self._id)
        except ClientError as error:
            # CloudFormation is still thinking about it.
            if patient and error_code(error) == "InvalidChangeSetStatus":
                return False
            raise
        return True


def follow(  # noqa: PLR0913 - the pause is a part, passed in
    client: Any,  # noqa: ANN401 - boto3's
    name: str,
    stack_id: str,
    begin: Callable[[], object],
    wanted: Container[str],
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Happening]:
    """
    Call *begin* and yield what happens to the stack after it, until it rests.

    Args:
        client: A boto3 client of ``cloudformation``.
        name: The stack's name, for the error.
        stack_id: Its id, by which even a deleted stack is found.
        begin: Begins the change.
        wanted: The statuses that are a success.
        sleep: Waits for so many seconds.

    Raises:
        DeploymentError: It rests in another status; the message names each resource that failed, and why.
    """
    seen: set[str] = set()
    _new_events(client, stack_id, seen)
    failures: list[Happening] = []
    status = "IN_PROGRESS"
    pauses = _pauses()
    lost = 0
    begin()
    while status.endswith("IN_PROGRESS"):
        sleep(next(pauses))
        try:
            events = _new_events(client, stack_id, seen)
        except (BotoCoreError, ClientError) as error:
            lost += 1
            if lost > _MOST_POLLS_LOST:
                raise DeploymentError(
                    f"AWS doesn't tell how it goes on ({error}). It does go on: wait until the stack is done, then run "
                    "this command again."
                ) from error
            continue
        lost = 0
        for event in events:
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
    if status not in wanted:
        raise DeploymentError(_failure(name, status, failures))


def _pauses() -> Iterator[float]:
    """Look often at first and then seldom: a small change takes a moment, CloudFront takes minutes."""
    pause = 0.1
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _change(change: Mapping[str, Any]) -> Change:
    return Change(
        action=change["Action"],
        resource=change["LogicalResourceId"],
        kind=change["ResourceType"],
        replaced=change.get("Replacement", "False"),
        kept=change.get("PolicyAction") == "Retain",
    )


def _failure(name: str, status: str, failures: list[Happening]) -> str:
    lines = [f"Stack {name!r} was not changed as asked ({status}).", *(_line(each) for each in failures)]
    reasons = " ".join(each.reason for each in failures)
    return "\n".join(lines + [advice for text, advice in _ADVICE.items() if text in reasons])


def _line(failure: Happening) -> str:
    return f"{failure.resource} ({failure.kind}): {failure.reason or failure.status}"


def _new_events(client: Any, stack_id: str, seen: set[str]) -> list[dict[str, Any]]:  # noqa: ANN401 - boto3's
    """Return the events that aren't *seen* yet, the oldest first, and add them; a deleted stack has them by its id."""
    new: list[dict[str, Any]] = []
    for page in client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        fresh = [event for event in page["StackEvents"] if event["EventId"] not in seen]
        new += fresh
        # The newest come first: behind a page with one that is known there is nothing new.
        if len(fresh) < len(page["StackEvents"]):
            break
    seen.update(event["EventId"] for event in new)
    return new[::-1]
