"""``event-registration doctor``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from event_registration.cli.options import complaining, on_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from event_registration.deployment.doctor import Finding

__all__ = ["doctor"]

_STYLES = {"ok": "green", "advice": "yellow", "problem": "bold red"}


@click.command()
@on_stack
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of {check, severity, message, remedy}.")
def doctor(
    stack: str,
    region: str | None,
    profile: str | None,
    as_json: bool,  # noqa: FBT001 - click's
) -> None:
    """
    Look whether a deployed stack is right, and say how to mend what isn't.

    Looks at mail, table, form, API, alarms and the account's limits, and changes nothing. Ends with status 1 if there
    is a problem.
    """
    with complaining():
        from attrs import asdict
        from rich.console import Console

        from event_registration.deployment.account import Account
        from event_registration.deployment.doctor import Severity, examine
        from event_registration.deployment.stack import Stack

        # What is printed beside JSON must not get into it.
        console = Console(highlight=False, stderr=as_json)
        account = Account(region=region, profile=profile)
        findings = []
        with console.status("Looking at the outputs") as status:
            outputs = Stack(account, stack).outputs()
            for finding in examine(
                account, outputs, stack=stack, announce=lambda check: status.update(f"Looking at {check}")
            ):
                findings.append(finding)
                if not as_json:
                    _show(console, finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        console.print(_summary(findings))
    if any(finding.severity is Severity.PROBLEM for finding in findings):
        sys.exit(1)


def _show(console: Console, finding: Finding) -> None:
    """Print a finding; soft wrapping leaves commands whole, so that they can be copied."""
    from rich.text import Text

    mark = (f"{finding.severity:<8}", _STYLES[finding.severity])
    console.print(Text.assemble(mark, (f"{finding.check:<22}", "bold"), finding.message), soft_wrap=True)
    for line in finding.remedy.splitlines():
        console.print(Text(f"{'':8}{line}"), soft_wrap=True)


def _summary(findings: Sequence[Finding]) -> str:
    severities = [finding.severity.value for finding in findings]
    problems, advice = severities.count("problem"), severities.count("advice")
    return f"Problems: {problems}. Advice: {advice}." if problems or advice else "All is well."
