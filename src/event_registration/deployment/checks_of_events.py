"""The checks of how a deployed stack comes by its events: the function's mode, and the schedule of managed ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from event_registration.deployment.diagnosis import check, found, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from event_registration.deployment.diagnosis import Deployed, Trouble

__all__ = ["EVENT_CHECKS"]

_MODE = "EVENT_REGISTRATION_EVENTS"
_RATE = "rate(1 minute)"
_MANAGED = "managed"


@check("The function takes the events that it should.", "lambda:GetFunctionConfiguration")
def events_mode(at: Deployed) -> Iterator[Trouble]:
    name = at.output("FunctionName")
    variables = _function(at).get("Environment", {}).get("Variables", {})
    expected, actual = at.output("Events"), variables.get(_MODE, "open")
    if actual != expected:
        # The command replaces all variables, hence it names them all.
        environment = json.dumps({"Variables": variables | {_MODE: expected}})
        yield problem(
            f"The function takes {actual} events, and the stack's are {expected}.",
            "Set its environment right:",
            at.aws("lambda update-function-configuration --function-name", name, "--environment", environment),
        )


@check(
    "Waiting lists are served every minute, where there are any.",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "lambda:GetFunctionConfiguration",
)
def schedule(at: Deployed) -> Iterator[Trouble]:
    if at.output("Events") != _MANAGED:
        return
    name = at.output("Schedule")
    rule = found(at.client("events").describe_rule, Name=name)
    if rule is None or rule["State"] != "ENABLED" or rule.get("ScheduleExpression") != _RATE:
        state = f"is {rule['State']} with {rule.get('ScheduleExpression', 'no rate')}" if rule else "is gone"
        put = at.aws("events put-rule --state ENABLED --schedule-expression", _RATE, "--name", name)
        yield problem(f"Who waits may wait in vain: rule {name} {state}.", "Set it right:", put)
    arn = _function(at)["FunctionArn"]
    targets = found(at.client("events").list_targets_by_rule, Rule=name) or {"Targets": []}
    if arn not in {target["Arn"] for target in targets["Targets"]}:
        put = at.aws("events put-targets --targets", f"Id=function,Arn={arn}", "--rule", name)
        yield problem(f"Who waits may wait in vain: rule {name} calls no function of ours.", "Let it:", put)


def _function(at: Deployed) -> Any:  # noqa: ANN401 - botocore's answer
    return at.client("lambda").get_function_configuration(FunctionName=at.output("FunctionName"))


EVENT_CHECKS = (events_mode, schedule)
"""What is looked at of the events."""
