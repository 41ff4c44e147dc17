"""What happens to a CloudFormation stack, event by event, until it rests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from attrs import frozen
from botocore.exceptions import BotoCoreError, ClientError

from event_registration.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator

__all__ = ["Happening", "follow", "pauses"]

_MOST_POLLS_LOST = 30
_LONGEST_PAUSE_SECONDS = 2.0
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
        DeploymentError: It rests in another status; the message names each resource that failed, and why. Or AWS
            doesn't tell any more how it goes on.
    """
    seen: set[str] = set()
    _new_events(client, stack_id, seen)
    failures: list[Happening] = []
    status = "IN_PROGRESS"
    waits = pauses()
    lost = 0
    begin()
    while status.endswith("IN_PROGRESS"):
        sleep(next(waits))
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


def pauses() -> Iterator[float]:
    """Look often at first and then seldom: a small change takes a moment, CloudFront takes minutes."""
    pause = 0.1
    while True:
        yield pause
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


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
