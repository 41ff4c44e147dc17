"""The checks of how mails get out: who sends them, what calls the sender, what came back, and what is late."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from event_registration.aws.rows import SHARDS
from event_registration.clock import utc_now
from event_registration.deployment.diagnosis import advice, check, found, problem
from event_registration.deployment.table import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from event_registration.deployment.diagnosis import Deployed, Trouble

__all__ = ["OUTBOX_CHECKS"]

_MODE = "EVENT_REGISTRATION_CONFIRMATION"
_RETURNED = {"BOUNCE", "COMPLAINT"}
_HARM = "Addresses that mail comes back from, or who complain, are mailed again"
# Longer than an ordinary outage of the sender's, and than a rush takes that SES's rate allows.
_LATE_AFTER = timedelta(minutes=15)


@check("Mails are sent by whom they should.", "lambda:GetFunctionConfiguration")
def confirmation(at: Deployed) -> Iterator[Trouble]:
    expected = at.output("Confirmation")
    for role, name in at.functions.items():
        variables = at.function(name).get("Environment", {}).get("Variables", {})
        actual = variables.get(_MODE, "inline")
        if actual != expected:
            yield problem(
                f"The {role} has mails sent by {actual}, and the stack's are by {expected}: some are not sent.",
                "Set its environment right:",
                at.set_variables(variables | {_MODE: expected}, name),
            )


@check("The sender is called with what is to be sent.", "lambda:GetEventSourceMapping")
def sender_stream(at: Deployed) -> Iterator[Trouble]:
    if not at.is_outbox:
        return
    uuid = at.output("SenderStream")
    mapping = found(at.client("lambda").get_event_source_mapping, UUID=uuid)
    if mapping is None:
        yield problem(
            "Mails are late by a minute or more: what calls the sender was deleted.",
            "CloudFormation makes it again if it is first taken away:",
            at.deploy("--confirmation", "inline"),
            at.deploy("--confirmation", "outbox"),
        )
        return
    if mapping["State"] not in {"Enabled", "Enabling", "Creating", "Updating"}:
        enable = at.aws("lambda update-event-source-mapping --enabled --uuid", uuid)
        message = f"Mails are late by a minute or more: what calls the sender is {mapping['State'].lower()}."
        yield problem(message, "Switch it on:", enable)
    result = mapping.get("LastProcessingResult", "")
    if result.startswith(("PROBLEM", "FAILED")):
        yield problem(f"The sender fails: {result}.", "Its log says why:", _logs(at))


@check(
    "Mails that come back are marked.",
    "ses:GetConfigurationSetEventDestinations",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "lambda:GetFunctionConfiguration",
)
def feedback(at: Deployed) -> Iterator[Trouble]:
    if at.is_managed or at.is_outbox:
        yield from _destination_troubles(at)
        yield from _rule_troubles(at)


def _destination_troubles(at: Deployed) -> Iterator[Trouble]:
    name = at.output("ConfigurationSet")
    answer = found(at.client("sesv2").get_configuration_set_event_destinations, ConfigurationSetName=name) or {}
    told = {
        kind
        for each in answer.get("EventDestinations", [])
        if each.get("Enabled") and "EventBridgeDestination" in each
        for kind in each["MatchingEventTypes"]
    }
    if not told >= _RETURNED:
        # Function and bus are in one partition, region and account.
        _, partition, _, region, account, *_ = at.function(at.mailer)["FunctionArn"].split(":")
        destination = {
            "Enabled": True,
            "MatchingEventTypes": sorted(_RETURNED),
            "EventBridgeDestination": {"EventBusArn": f"arn:{partition}:events:{region}:{account}:event-bus/default"},
        }
        make = "sesv2 create-configuration-set-event-destination --event-destination-name returned --event-destination"
        yield problem(
            f"{_HARM}: SES tells nobody of them.",
            "Have it:",
            at.aws(make, json.dumps(destination), "--configuration-set-name", name),
        )


def _rule_troubles(at: Deployed) -> Iterator[Trouble]:
    name, arn = at.output("Feedback"), at.function(at.mailer)["FunctionArn"]
    rule = found(at.client("events").describe_rule, Name=name)
    if rule is None or rule["State"] != "ENABLED":
        tags = {"ses:configuration-set": [at.output("ConfigurationSet")]}
        pattern = {"source": ["aws.ses"], "detail": {"eventType": ["Bounce", "Complaint"], "mail": {"tags": tags}}}
        put = at.aws("events put-rule --state ENABLED --event-pattern", json.dumps(pattern), "--name", name)
        yield problem(f"{_HARM}: rule {name} is {'off' if rule else 'gone'}.", "Set it right:", put)
    targets = found(at.client("events").list_targets_by_rule, Rule=name) or {"Targets": []}
    if arn not in {target["Arn"] for target in targets["Targets"]}:
        put = at.aws("events put-targets --targets", f"Id=function,Arn={arn}", "--rule", name)
        yield problem(f"{_HARM}: rule {name} calls no function of ours.", "Let it:", put)


@check("The sender has given up nothing.", "sqs:GetQueueAttributes")
def failed_mails(at: Deployed) -> Iterator[Trouble]:
    if not at.is_outbox:
        return
    queue, name = at.output("FailedMails"), "ApproximateNumberOfMessages"
    attributes = at.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"]
    if int(attributes[name]):
        yield advice(
            f"The sender was given up on {attributes[name]} times in the last 14 days; its schedule sends what is due.",
            "Its log says why:",
            _logs(at),
            "What was given up, once you have mended it, and how to forget it:",
            at.aws("sqs receive-message --max-number-of-messages 10 --queue-url", queue),
            at.aws("sqs purge-queue --queue-url", queue),
        )


@check("No mail is late.", "dynamodb:Query")
def late_mails(at: Deployed) -> Iterator[Trouble]:
    oldest = min(filter(None, (_oldest(at, shard) for shard in SHARDS)), default=None)
    if oldest is None:
        return
    late = utc_now() - datetime.fromisoformat(oldest)
    if late < _LATE_AFTER:
        return
    message = f"A mail should have been tried {late.total_seconds() / 60:.0f} minutes ago."
    if at.is_managed or at.is_outbox:
        yield problem(message, "The log says why it isn't:", _logs(at))
    else:
        yield advice(
            f"{message} It is, once its recipient registers again.",
            "Or have all such mails sent by a function of their own:",
            at.deploy("--confirmation", "outbox"),
        )


def _logs(at: Deployed) -> str:
    """Return the command that shows the log of the function that sends the mails."""
    group = f"/event-registration/{at.stack}/{'sender' if at.is_outbox else 'function'}"
    return at.aws("logs filter-log-events --filter-pattern trouble --log-group-name", group)


def _oldest(at: Deployed, shard: str) -> str | None:
    """Return since when the mail of one of the index's parts may be sent that may be sent the longest."""
    answer = at.client("dynamodb").query(
        TableName=at.output("TableName"),
        IndexName=INDEX,
        KeyConditionExpression="outbox = :shard",
        ExpressionAttributeValues={":shard": {"S": shard}},
        Limit=1,
    )
    return next((item["mail_at"]["S"] for item in answer["Items"]), None)


OUTBOX_CHECKS = (confirmation, sender_stream, feedback, failed_mails, late_mails)
"""What is looked at of how mails get out."""
