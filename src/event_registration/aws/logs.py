"""The one line that a function logs per call: JSON, without personal data, and a metric if something is wrong."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from event_registration.errors import NotifierError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from event_registration.errors import EventRegistrationError

__all__ = ["MAIL_TROUBLE", "QUEUE_TROUBLE", "log", "log_work"]

MAIL_TROUBLE = "MailTrouble"
"""The metric of mails that are late or failed."""

QUEUE_TROUBLE = "QueueTrouble"
"""The metric of waiting lists that can't be served."""

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
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


def log_work(
    context: object, started: float, counts: Mapping[str, object], troubles: Sequence[EventRegistrationError]
) -> None:
    """Write the line of a call that did something on its own, with the first of its *troubles*."""
    if not troubles:
        log("INFO", context, started, counts)
        return
    metrics = {MAIL_TROUBLE if isinstance(each, NotifierError) else QUEUE_TROUBLE for each in troubles}
    facts = {**counts, "trouble": troubles[0].code, "cause": str(troubles[0])}
    log("WARN", context, started, facts, metrics=sorted(metrics))
