"""The one line that a function logs per call: JSON, without personal data, and a metric if something is wrong."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any, TypeAlias

from event_registration.responses import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from event_registration.errors import EventRegistrationError

__all__ = ["MAIL_TROUBLE", "QUEUE_TROUBLE", "Job", "log", "work"]

Job: TypeAlias = "Callable[[], tuple[Mapping[str, int], Sequence[EventRegistrationError]]]"
"""Does something, and returns how much of what, and what failed of it."""

MAIL_TROUBLE = "MailTrouble"
"""The metric of mails that are late or failed."""

QUEUE_TROUBLE = "QueueTrouble"
"""The metric of waiting lists that can't be served."""

_LINE = json.JSONEncoder(default=str)
_NAMESPACE = "EventRegistration"


def log(
    level: str, context: object, started: float, facts: Mapping[str, object], *, metrics: Collection[str] = ()
) -> None:
    """
    Write a line to standard output.

    Args:
        level: As in `logging`.
        context: Lambda's, whose request id and function name it takes.
        started: When the call began, an instant of `time.monotonic`.
        facts: What happened.
        metrics: What CloudWatch is to count one of.
    """
    line: dict[str, Any] = {
        "level": level,
        "request_id": getattr(context, "aws_request_id", None),
        **facts,
        "milliseconds": round((time.monotonic() - started) * 1000, 1),
    }
    if metrics:
        # CloudWatch's embedded metric format: the line itself is the metric. Its dimension tells stacks apart.
        name = getattr(context, "function_name", None)
        dimensions = {"FunctionName": name} if name else {}
        directive = {
            "Namespace": _NAMESPACE,
            "Dimensions": [[*dimensions]],
            "Metrics": [{"Name": metric} for metric in metrics],
        }
        line |= dimensions | dict.fromkeys(metrics, 1)
        line["_aws"] = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    sys.stdout.write(_LINE.encode(line) + "\n")
    sys.stdout.flush()


def work(context: object, started: float, jobs: Mapping[str, Job]) -> dict[str, int]:
    """
    Do what a schedule asks for, one job after the other, and write one line for all.

    Nothing is raised, since Lambda is not to call again by itself: what fails is left to the schedule's next call.

    Args:
        context: Lambda's.
        started: When the call began.
        jobs: What to do, by the metric that counts its troubles.

    Returns:
        How much was done of what.
    """
    counts: dict[str, int] = {}
    troubles: dict[str, Mapping[str, object]] = {}
    level = "INFO"
    for metric, job in jobs.items():
        try:
            done, failures = job()
        except Exception as error:  # noqa: BLE001 - the last line: a stack trace may hold what a person typed
            level = "ERROR"
            troubles[metric] = refusal(error).facts
        else:
            counts |= done
            if failures:
                level = "WARN" if level == "INFO" else level
                troubles[metric] = {"trouble": failures[0].code, "cause": str(failures[0])}
    first = next(iter(troubles.values()), {})
    log(level, context, started, {**counts, **first}, metrics=sorted(troubles))
    return counts
