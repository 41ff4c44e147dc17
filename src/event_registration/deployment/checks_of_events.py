"""The checks of how a deployed stack comes by its events: the function's mode, and the schedule of managed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from event_registration.deployment.diagnosis import check, found, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from event_registration.deployment.diagnosis import Deployed, Trouble

__all__ = ["EVENT_CHECKS"]

_MODE = "EVENT_REGISTRATION_EVENTS"
_RATE = "rate(1 minute)"


@check("The function takes the events that it should.", "lambda:GetFunctionConfiguration")
def events_mode(at: Deployed) -> Iterator[Trouble]:
    variables = at.function().get("Environment", {}).get("Variables", {})
    expected, actual = at.output("Events"), variables.get(_MODE, "open")
    if actual != expected:
        yield problem(
            f"The function takes {actual} events, and the stack's are {expected}.",
            "Set its environment right:",
            at.set_variables(variables | {_MODE: expected}),
        )


@check(
    "Waiting lists are served every minute, where there are any.",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "lambda:GetFunctionConfiguration",
)
def schedule(at: Deployed) -> Iterator[Trouble]:
    if not at.is_managed:
        return
    name = at.output("Schedule")
    rule = found(at.client("events").describe_rule, Name=name)
    if rule is None or rule["State"] != "ENABLED" or rule.get("ScheduleExpression") != _RATE:
        state = f"is {rule['State']} with {rule.get('ScheduleExpression', 'no rate')}" if rule else "is gone"
        put = at.aws("events put-rule --state ENABLED --schedule-expression", _RATE, "--name", name)
        yield problem(f"Who waits may wait in vain: rule {name} {state}.", "Set it right:", put)
    arn = at.function()["FunctionArn"]
    targets = found(at.client("events").list_targets_by_rule, Rule=name) or {"Targets": []}
    if arn not in {target["Arn"] for target in targets["Targets"]}:
        put = at.aws("events put-targets --targets", f"Id=function,Arn={arn}", "--rule", name)
        yield problem(f"Who waits may wait in vain: rule {name} calls no function of ours.", "Let it:", put)


EVENT_CHECKS = (events_mode, schedule)
"""What is looked at of the events."""
