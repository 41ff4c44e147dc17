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
_HARM = {"function": "Who waits may wait in vain", "sender": "Mails that could not be sent at once never are"}


@check("The function takes the events that it should.", "lambda:GetFunctionConfiguration")
def events_mode(at: Deployed) -> Iterator[Trouble]:
    expected = at.output("Events")
    for role, name in at.functions.items():
        variables = at.function(name).get("Environment", {}).get("Variables", {})
        actual = variables.get(_MODE, "open")
        if actual != expected:
            yield problem(
                f"The {role} takes {actual} events, and the stack's are {expected}.",
                "Set its environment right:",
                at.set_variables(variables | {_MODE: expected}, name),
            )


@check(
    "Waiting lists are served and late mails sent every minute, where there are any.",
    "events:DescribeRule",
    "events:ListTargetsByRule",
    "lambda:GetFunctionConfiguration",
)
def schedule(at: Deployed) -> Iterator[Trouble]:
    called = {role: name for role, name in at.functions.items() if at.is_managed or role == "sender"}
    if not called:
        return
    name = at.output("Schedule")
    harm = " and ".join(_HARM[role] for role in called)
    rule = found(at.client("events").describe_rule, Name=name)
    if rule is None or rule["State"] != "ENABLED" or rule.get("ScheduleExpression") != _RATE:
        state = f"is {rule['State']} with {rule.get('ScheduleExpression', 'no rate')}" if rule else "is gone"
        put = at.aws("events put-rule --state ENABLED --schedule-expression", _RATE, "--name", name)
        yield problem(f"{harm}: rule {name} {state}.", "Set it right:", put)
    targets = found(at.client("events").list_targets_by_rule, Rule=name) or {"Targets": []}
    arns = {target["Arn"] for target in targets["Targets"]}
    for role, function in called.items():
        arn = at.function(function)["FunctionArn"]
        if arn not in arns:
            put = at.aws("events put-targets --targets", f"Id={role},Arn={arn}", "--rule", name)
            yield problem(f"{_HARM[role]}: rule {name} doesn't call the {role}.", "Let it:", put)


EVENT_CHECKS = (events_mode, schedule)
"""What is looked at of the events."""
