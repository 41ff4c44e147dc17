"""The checks of a deployed stack's mail: whether SES sends, for this sender, to everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from event_registration.deployment.diagnosis import advice, check, found, problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from event_registration.deployment.diagnosis import Deployed, Trouble

__all__ = ["MAIL_CHECKS"]

# Which share of a day's quota leaves little room for a rush.
_MUCH = 0.8


@check("SES sends to any address.", "ses:GetAccount")
def ses_sandbox(at: Deployed) -> Iterator[Trouble]:
    account = at.client("sesv2").get_account()
    if not account["SendingEnabled"]:
        yield problem(
            f"SES sends nothing: this account's sending is paused ({account['EnforcementStatus']}).",
            "If AWS paused it, answer its case in the Support Center. If you did:",
            at.aws("sesv2 put-account-sending-attributes --sending-enabled"),
        )
    if not account["ProductionAccessEnabled"]:
        details = "--production-access-enabled --mail-type TRANSACTIONAL --website-url"
        yield problem(
            "SES has this account in its sandbox: only verified addresses get mail.",
            "Ask for production access, in the SES console under Account dashboard or with:",
            at.aws(f"sesv2 put-account-details {details}", at.output("SiteUrl")),
            "Until AWS agrees, verify each recipient:",
            at.aws("sesv2 create-email-identity --email-identity", "RECIPIENT"),
            "Afterwards:",
            at.deploy(),
        )


@check("SES takes more mails today.", "ses:GetAccount")
def ses_quota(at: Deployed) -> Iterator[Trouble]:
    quota = at.client("sesv2").get_account()["SendQuota"]
    most, sent = quota["Max24HourSend"], quota["SentLast24Hours"]
    # -1 is without a limit.
    if most < 0 or sent < most * _MUCH:
        return
    matters = advice if sent < most else problem
    yield matters(
        f"SES has taken {sent:,.0f} of the {most:,.0f} mails that this account may send in 24 hours; the others wait.",
        "Ask for production access if the account is in the sandbox, else for more (Service Quotas, Amazon SES).",
    )


@check("The sender is verified.", "ses:GetEmailIdentity")
def ses_identity(at: Deployed) -> Iterator[Trouble]:
    name = at.output("SenderIdentity")
    identity = found(at.client("sesv2").get_email_identity, EmailIdentity=name)
    if identity is None:
        make = at.aws("sesv2 create-email-identity --email-identity", name)
        yield problem(f"SES sends nothing: it doesn't know {name}.", "Add it, then ask doctor again:", make)
    elif "@" in name:
        if not identity["VerifiedForSendingStatus"]:
            yield problem(
                f"SES sends nothing: {name} is not verified.",
                "Open the link in the mail that AWS sent there; it holds for a day. For a new one:",
                at.aws("ses verify-email-identity --email-address", name),
            )
    else:
        yield from _domain_troubles(name, identity)


def _domain_troubles(name: str, identity: Mapping[str, Any]) -> Iterator[Trouble]:
    dkim = identity["DkimAttributes"]
    zone = dkim.get("SigningHostedZone", "dkim.amazonses.com")
    records = [f"{token}._domainkey.{name} CNAME {token}.{zone}" for token in dkim.get("Tokens", [])]
    publish = "Publish these DNS records; AWS looks for them during 72 hours:"
    if not identity["VerifiedForSendingStatus"]:
        yield problem(f"SES sends nothing: {name} is not verified.", publish, *records)
    elif dkim["Status"] != "SUCCESS":
        message = f"Mail of {name} is not signed and may count as spam: DKIM is {dkim['Status']}."
        yield advice(message, publish, *records)


@check("The configuration set sends.", "ses:GetConfigurationSet")
def ses_configuration_set(at: Deployed) -> Iterator[Trouble]:
    name = at.output("ConfigurationSet")
    options = found(at.client("sesv2").get_configuration_set, ConfigurationSetName=name)
    if options is None:
        make = at.aws("sesv2 create-configuration-set --configuration-set-name", name)
        yield problem(f"SES sends nothing: configuration set {name} is gone.", "Make it again:", make)
    elif not options["SendingOptions"]["SendingEnabled"]:
        switch = "sesv2 put-configuration-set-sending-options --sending-enabled --configuration-set-name"
        yield problem(f"SES sends nothing: configuration set {name} is off.", "Switch it on:", at.aws(switch, name))


MAIL_CHECKS = (ses_sandbox, ses_quota, ses_identity, ses_configuration_set)
"""What is looked at of the mail."""
