"""The checks of a deployed stack's site, API and function, and all checks in their order."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from event_registration.assets import site_folder
from event_registration.deployment.checks_of_events import EVENT_CHECKS
from event_registration.deployment.checks_of_links import LINK_CHECKS
from event_registration.deployment.checks_of_mail import MAIL_CHECKS
from event_registration.deployment.checks_of_outbox import OUTBOX_CHECKS
from event_registration.deployment.checks_of_table import TABLE_CHECKS
from event_registration.deployment.diagnosis import advice, check, found, problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from event_registration.deployment.diagnosis import Deployed, Trouble

__all__ = ["CHECKS"]

_ORIGINS = "EVENT_REGISTRATION_ALLOWED_ORIGINS"
_ALLOW_ORIGIN = "gatewayresponse.header.Access-Control-Allow-Origin"
_GATEWAY_ANSWERS = ("BAD_REQUEST_BODY", "DEFAULT_4XX", "DEFAULT_5XX")
_LAPTOP = frozenset({"localhost", "127.0.0.1"})
_CONFIG = "config.mjs"
_API_URL = re.compile(r'apiUrl\s*=\s*"([^"]*)"')
_MANAGED = re.compile(r"managed\s*=\s*true\b")
# New accounts have ten: of people who register at the same moment some would be refused.
_FEWEST_INVOCATIONS = 50


@check("The form's site may register people.", "lambda:GetFunctionConfiguration", "apigateway:GET")
def cors_origin(at: Deployed) -> Iterator[Trouble]:
    allowed, site = at.output("AllowedOrigin"), _origin(at.output("SiteUrl"))
    if allowed != site:
        links = f" Links in mails lead to {at.manage_url}." if at.is_managed else ""
        yield advice(
            f"The stack's own form on {site} can't register anybody: only pages of {allowed} may.{links}",
            "If that isn't meant:",
            at.deploy("--allowed-origin", site),
        )
    yield from _function_troubles(at, allowed)
    yield from _gateway_troubles(at, allowed)


def _function_troubles(at: Deployed, allowed: str) -> Iterator[Trouble]:
    variables = at.function().get("Environment", {}).get("Variables", {})
    origins = variables.get(_ORIGINS, "").replace(",", " ").split()
    if origins != [allowed]:
        yield problem(
            f"The function takes registrations from {', '.join(origins) or 'no site'}, not from {allowed}.",
            "Set its environment right:",
            at.set_variables(variables | {_ORIGINS: allowed}),
        )


def _gateway_troubles(at: Deployed, allowed: str) -> Iterator[Trouble]:
    api, client, quoted = at.output("ApiId"), at.client("apigateway"), f"'{allowed}'"
    answers = {kind: client.get_gateway_response(restApiId=api, responseType=kind) for kind in _GATEWAY_ANSWERS}
    headers = {kind: answer.get("responseParameters", {}).get(_ALLOW_ORIGIN) for kind, answer in answers.items()}
    if wrong := [kind for kind, header in headers.items() if header != quoted]:
        patch = json.dumps([{"op": "replace", "path": f"/responseParameters/{_ALLOW_ORIGIN}", "value": quoted}])
        update = "apigateway update-gateway-response --response-type {} --rest-api-id"
        yield problem(
            f"Pages of {allowed} can't read what API Gateway answers by itself ({', '.join(wrong)}).",
            "Set it right, and serve it:",
            *(at.aws(update.format(kind), api, "--patch-operations", patch) for kind in wrong),
            at.aws("apigateway create-deployment --rest-api-id", api, "--stage-name", at.output("ApiStage")),
        )


@check("Form and API are reached by HTTPS.")
def https(at: Deployed) -> Iterator[Trouble]:
    site, allowed, api = _origin(at.output("SiteUrl")), at.output("AllowedOrigin"), at.output("ApiUrl")
    danger = "is not HTTPS: anybody on the way can change the page that people type into."
    if not api.startswith("https:"):
        yield problem(f"The API at {api} is not HTTPS: anybody on the way reads along.", "Mend it:", at.deploy())
    if not site.startswith("https:"):
        yield advice(f"The form on {site} {danger}", "Use HTTPS:", at.deploy("--site-hosting", "CloudFront"))
    if allowed != site and not allowed.startswith("https:") and urlsplit(allowed).hostname not in _LAPTOP:
        secure = at.deploy("--allowed-origin", allowed.replace("http:", "https:", 1))
        yield advice(f"The site {allowed} {danger}", "Once it has HTTPS:", secure)


@check("The form is there, talks to this API, and takes the same events.", "s3:GetObject", "s3:ListBucket")
def site_config(at: Deployed) -> Iterator[Trouble]:
    pages = sorted(path.name for path in site_folder().glob("*.html"))
    answers = {
        key: found(at.client("s3").get_object, Bucket=at.output("SiteBucket"), Key=key) for key in (*pages, _CONFIG)
    }
    texts = {key: answer["Body"].read().decode(errors="replace") for key, answer in answers.items() if answer}
    if missing := [key for key in pages if key not in texts]:
        yield problem(f"The site's bucket lacks {', '.join(missing)}.", "Upload the site again:", at.deploy())
    config = texts.get(_CONFIG, "")
    api_url, form = _API_URL.search(config), "managed" if _MANAGED.search(config) else "open"
    if api_url is None or api_url[1].rstrip("/") != at.output("ApiUrl"):
        named = repr(api_url[1]) if api_url else "no API"
        message = f"The form's config.mjs names {named} and not {at.output('ApiUrl')}."
        yield problem(message, "Upload it again:", at.deploy())
    elif form != at.output("Events"):
        message = f"The form is for {form} events, and the stack's are {at.output('Events')}."
        yield problem(message, "Upload it again:", at.deploy())


@check(
    "Alarms reach somebody, and none rings.",
    "cloudformation:ListStackResources",
    "cloudwatch:DescribeAlarms",
    "sns:ListSubscriptionsByTopic",
)
def alarms(at: Deployed) -> Iterator[Trouble]:
    pages = at.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=at.stack)
    names = {
        each["PhysicalResourceId"]: each["LogicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::CloudWatch::Alarm"
    }
    # Asked without names, CloudWatch tells every alarm of the account.
    ours = at.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"] if names else []
    yield from _alarm_troubles(at, names, ours)
    for topic in sorted({action for each in ours for action in each["AlarmActions"] if ":sns:" in action}):
        yield from _topic_troubles(at, topic)


def _alarm_troubles(at: Deployed, names: Mapping[str, str], ours: Sequence[Mapping[str, Any]]) -> Iterator[Trouble]:
    if not ours:
        yield problem("The stack has no alarms.", "Make them:", at.deploy())
    if silent := [names[each["AlarmName"]] for each in ours if not each["AlarmActions"]]:
        topic = at.deploy("--alarm-topic", "TOPIC_ARN")
        yield problem(f"Nobody hears of {', '.join(silent)}: no target is set.", "Name an SNS topic:", topic)
    if muted := [each["AlarmName"] for each in ours if not each["ActionsEnabled"]]:
        listed = ", ".join(names[each] for each in muted)
        enable = at.aws("cloudwatch enable-alarm-actions --alarm-names", *muted)
        yield problem(f"Nobody hears of {listed}: actions are off.", "Switch them on:", enable)
    for each in ours:
        if each["StateValue"] == "ALARM":
            message = f"{names[each['AlarmName']]} rings: {each.get('AlarmDescription', '')}"
            history = at.aws("cloudwatch describe-alarm-history --alarm-name", each["AlarmName"])
            yield advice(message, "See since when, and why:", history)


def _topic_troubles(at: Deployed, topic: str) -> Iterator[Trouble]:
    answer = found(at.client("sns").list_subscriptions_by_topic, TopicArn=topic)
    if answer is None:
        another = at.deploy("--alarm-topic", "TOPIC_ARN")
        yield problem(f"Nobody hears of alarms: topic {topic} is gone.", "Name another one:", another)
    # Until it is confirmed, a subscription has a word in place of its ARN: PendingConfirmation.
    elif not any(each["SubscriptionArn"].startswith("arn:") for each in answer["Subscriptions"]):
        yield problem(
            f"Nobody hears of alarms: topic {topic} has no confirmed subscription.",
            "Open the link in the mail that AWS sent to whoever is to hear of them. For a new one:",
            at.aws("sns subscribe --protocol email --notification-endpoint ADDRESS --topic-arn", topic),
        )


@check("API Gateway can write its logs.", "apigateway:GET")
def api_logging_role(at: Deployed) -> Iterator[Trouble]:
    if not at.client("apigateway").get_account().get("cloudwatchRoleArn"):
        yield problem(
            "API Gateway has no role to write logs with: nobody sees what it refuses.",
            "Have one made:",
            at.deploy("--parameter", "ManageApiGatewayAccount=true"),
            "If this stack has made one before, name it again (aws iam list-roles tells its ARN):",
            at.aws("apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN"),
        )


@check("Enough requests can be answered at once.", "lambda:GetAccountSettings", "lambda:GetFunctionConcurrency")
def concurrency(at: Deployed) -> Iterator[Trouble]:
    name, client = at.output("FunctionName"), at.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if limit < _FEWEST_INVOCATIONS:
        quota = "--service-code lambda --quota-code L-B99A9384 --desired-value 1000"
        yield problem(
            f"All functions of this account may run {limit} times at once: in a rush people are refused.",
            "Ask for more (Service Quotas, AWS Lambda, Concurrent executions):",
            at.aws(f"service-quotas request-service-quota-increase {quota}"),
        )
    if client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions") == 0:
        free = at.aws("lambda delete-function-concurrency --function-name", name)
        yield problem("The function answers nobody: its reserved concurrency is 0.", "Let it run:", free)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


CHECKS = (
    *MAIL_CHECKS,
    *TABLE_CHECKS,
    *EVENT_CHECKS,
    *LINK_CHECKS,
    *OUTBOX_CHECKS,
    *(cors_origin, https, site_config),
    *(alarms, api_logging_role, concurrency),
)
"""All that is looked at, in this order."""
