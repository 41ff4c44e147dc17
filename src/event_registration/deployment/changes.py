"""A change of a CloudFormation stack: proposed, carried out or withdrawn."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import frozen
from botocore.exceptions import BotoCoreError, ClientError

from event_registration.deployment.account import error_code
from event_registration.deployment.events import follow, pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from event_registration.deployment.events import Happening

__all__ = ["REVIEW", "Change", "ChangeSet"]

REVIEW = "REVIEW_IN_PROGRESS"
"""The status of a stack that was only ever proposed."""

_MOST_TRIES = 30
_PAUSE_SECONDS = 2.0
_CHANGED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})


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
        waits = pauses()
        while True:
            time.sleep(next(waits))
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
        while not self._is_withdrawn(patient=tries < _MOST_TRIES):
            tries += 1
            sleep(_PAUSE_SECONDS)
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


def _change(change: Mapping[str, Any]) -> Change:
    return Change(
        action=change["Action"],
        resource=change["LogicalResourceId"],
        kind=change["ResourceType"],
        replaced=change.get("Replacement", "False"),
        kept=change.get("PolicyAction") == "Retain",
    )
