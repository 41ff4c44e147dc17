"""``event-registration mail``: how the mails of an event stand, what is sent again, and how a mail looks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from event_registration.cli.completion import event_argument
from event_registration.cli.options import checked_address, templates_option
from event_registration.cli.progress import watched
from event_registration.cli.shown import (
    clock,
    json_option,
    print_lines,
    print_object,
    zone_and_questions,
)
from event_registration.cli.store import on_store
from event_registration.cli.templates import read_folder, templates
from event_registration.clock import utc_now
from event_registration.export import registration_record
from event_registration.mail import BUDGET, UNREADABLE, MailKind, MailState
from event_registration.replacing import replacing
from event_registration.rules import is_locale
from event_registration.wire import instant_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from event_registration.cli.store import Store
    from event_registration.mails import Mails, MailStatus, Retried
    from event_registration.message import Message
    from event_registration.model import Registration

__all__ = ["mail"]

_EXPLANATIONS = {
    BUDGET: "budget: the address got as many mails that day as one may",
    MailState.BOUNCED: "bounced: a mail to the address came back before",
    MailState.COMPLAINED: "complained: the reader of a mail to the address complained about it",
    UNREADABLE: "unreadable: the row is no registration",
}
"""What the reasons that are words of ours mean."""

_NOBODY = (
    "Nobody sends these by themselves where any event is taken and who registers sends (events open, confirmation "
    "inline): each goes out when its person registers again with the same details"
)


@click.group()
def mail() -> None:
    """See whether an event's mails go out, send what failed again, and look at them before anybody gets them."""


mail.add_command(templates)


def _checked_locale(_context: click.Context, _option: click.Parameter, locale: str | None) -> str | None:
    if locale is not None and not is_locale(locale):
        raise click.BadParameter("a language's tag is written as in de or pt-BR.")
    return locale


@mail.command()
@event_argument
@on_store
@json_option
def status(*, store: Store, event_id: str, as_json: bool) -> None:
    """
    Show how many mails of an event are due or sent.

    Those that failed, or wait for another try, are told with the reason. A registration has one mail at a time, the
    newest that it owes or owed.
    """
    with store.mails() as (organiser, mails):
        found = mails.status(event_id, watch=_watch("Reading"))
        if as_json:
            print_object(_record(event_id, found))
            return
        zone, _ = zone_and_questions(organiser, event_id)
        _print_status(found, zone)
        for hint in _hints(found, store, event_id):
            click.echo(f"\n{hint}")


@mail.command()
@event_argument
@click.argument("address", required=False, callback=checked_address)
@on_store
@click.option("--unblock", is_flag=True, help="Let ADDRESS get mails again, whatever came back.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def retry(  # noqa: PLR0913 - a command's options
    *, store: Store, event_id: str, address: str | None, unblock: bool, yes: bool, as_json: bool
) -> None:
    """
    Have mails that failed sent again.

    All of an event, or the one of ADDRESS alone; those that wait for another try too. They say where the registrations
    stand now. The server or the function sends them; whose mail came back, or was complained about, gets none. The
    command may be stopped and repeated at any time.
    """
    if address is None and unblock:
        raise click.UsageError("Say whose ADDRESS is to get mails again.")
    with store.mails() as (_, mails):
        if address is None:
            done = _retry_all(mails, event_id, is_asked=not yes)
        else:
            if unblock and not yes:
                click.confirm(f"Send mails to {address} again, whatever came back?", abort=True, err=True)
            done = mails.retry_for(event_id, address, unblock=unblock)
        if done.blocked and address is not None:
            raise click.ClickException(
                f"Nothing more is sent to {address}: a mail came back, or was complained about. If the address is "
                f"right, and wants mails: event-registration mail retry {event_id} {address} --unblock {store.options}"
            )
        if as_json:
            print_object({"due": done.due, "blocked": done.blocked, "untrue": done.untrue})
        else:
            _print_retried(done, store)
        if unblock and store.data is None:
            click.echo(
                f"SES keeps a list of its own. If {address} is on it: "
                f"aws sesv2 delete-suppressed-destination --email-address {address}",
                err=True,
            )


def _retry_all(mails: Mails, event_id: str, *, is_asked: bool) -> Retried:
    total = None
    if is_asked:
        found = mails.status(event_id, watch=_watch("Reading"))
        total = sum(found.counts.values())
        if found.again:
            click.confirm(f"Have {_mails(found.again)} sent again?", abort=True, err=True)
    return mails.retry(event_id, watch=_watch("Looking for what failed", total))


@mail.command()
@event_argument
@on_store
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in MailKind]),
    default=MailKind.CONFIRMED.value,
    show_default=True,
    help="What the mail tells.",
)
@click.option(
    "--locale", metavar="TAG", callback=_checked_locale, help="The person's language, as in de or pt-BR.  [default: en]"
)
@templates_option
@click.option(
    "--event-templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Templates to try for this event, before `mail templates set` makes them its own.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to: a name in .eml is for a mail program, .html for a browser, .txt for an editor; a file of this name "
    "is replaced.  [default: the text, here]",
)
def preview(  # noqa: PLR0913 - a command's options
    *,
    store: Store,
    event_id: str,
    kind: str,
    locale: str | None,
    templates: Path | None,
    event_templates: Path | None,
    output: Path | None,
) -> None:
    """
    Show a mail as people get it; nothing is sent.

    What it says of the event is the event's own. Person, answers and link are samples.
    """
    suffix = output.suffix.lower() if output else ".txt"
    if suffix not in _FORMATS:
        raise click.UsageError(f"Say what {output} is to be: its name must end in {', '.join(_FORMATS)}.")
    from event_registration.confirmation import Renderer

    special = read_folder(event_templates) if event_templates else None
    with store.mails() as (_, mails):
        renderer = Renderer.of_folder(templates)
        message = mails.preview(event_id, MailKind(kind), locale=locale, renderer=renderer, templates=special)
    if output is None:
        click.echo(_as_text(message))
        return
    try:
        with replacing(output, mode=0o666) as file:
            file.write(_FORMATS[suffix](message))
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror}. Name another file with --output.") from error
    click.echo(f"{output} has the mail.")


def _watch(description: str, total: int | None = None) -> Any:  # noqa: ANN401 - it passes on what it gets
    from rich.console import Console

    return partial(watched, console=Console(stderr=True), description=description, total=total)


def _record(event_id: str, found: MailStatus) -> dict[str, Any]:
    """Return what programs are told of an event's mails."""
    return {
        "eventid": event_id,
        **{state.value: count for state, count in found.counts.items()},
        "reasons": {state.value: dict(reasons) for state, reasons in found.reasons.items()},
        "again": found.again,
        "overdue": found.overdue,
        "oldest": registration_record(found.oldest) | {"since": _since(found.oldest)} if found.oldest else None,
    }


def _since(person: Registration) -> str | None:
    from event_registration.mails import owed_since

    since = owed_since(person)
    return instant_text(since) if since else None


def _print_status(found: MailStatus, zone: tzinfo) -> None:
    print_lines(("mails", "state"), [(f"{count:,}", state.value) for state, count in found.counts.items()])
    reasons = [
        (f"{count:,}", state.value, _EXPLANATIONS.get(reason, reason))
        for state, of_state in found.reasons.items()
        for reason, count in of_state.items()
    ]
    if reasons:
        click.echo()
        print_lines(("mails", "state", "why"), reasons)
    if found.oldest:
        from event_registration.mails import owed_since

        person, mail = found.oldest, found.oldest.mail
        tries = f", tried {'once' if mail.attempts == 1 else f'{mail.attempts} times'}" if mail.attempts else ""
        click.echo(
            f"\nThe oldest that is still to go out: {mail.kind.value}, to {person.attendee_email}, "
            f"{mail.state.value}{tries}, since {clock(owed_since(person), zone)}."
        )


def _hints(found: MailStatus, store: Store, event_id: str) -> Iterator[str]:
    if found.overdue:
        have = "1 mail has" if found.overdue == 1 else f"{found.overdue:,} mails have"
        yield f"{have} been due for an hour or more. {_why_overdue(store)}"
    if found.again:
        yield (
            f"To have {_mails(found.again)} sent that failed, or wait for another try: "
            f"event-registration mail retry {event_id} {store.options}"
        )


def _why_overdue(store: Store) -> str:
    if store.data is not None:
        return f"They are sent by: event-registration serve {store.options}"
    if store.is_swept() is False:
        return f"{_NOBODY}. {_way_out(store)}"
    doctor = f" Look at: event-registration doctor {store.options}" if store.stack else ""
    return f"The mail service takes no more for now, or the function that sends is in trouble.{doctor}"


def _way_out(store: Store) -> str:
    return f"To have them sent by a function: event-registration deploy {store.options} --confirmation outbox"


def _print_retried(done: Retried, store: Store) -> None:
    if done.due:
        click.echo(f"{_mails(done.due)} {'is' if done.due == 1 else 'are'} due now. {_outlook(store)}")
    else:
        click.echo("There is no mail to be sent again.")
    if done.blocked:
        click.echo(f"{_mails(done.blocked)} came back or drew a complaint: nothing more is sent to these addresses.")
    if done.untrue:
        click.echo(f"{_mails(done.untrue)} would not be true any more: the event was called off.")


def _outlook(store: Store) -> str:
    if store.data is not None:
        return "The server sends within seconds, as soon as it runs."
    is_swept = store.is_swept()
    if is_swept is False:
        return f"{_NOBODY}. {_way_out(store)}"
    return f"The function sends within a minute.{'' if is_swept else f' {_NOBODY}.'}"


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count:,} mails"


def _as_text(message: Message) -> str:
    return f"To: {message.to}\nSubject: {message.subject}\n\n{message.text}"


def _as_mail(message: Message) -> bytes:
    from event_registration.local.mime import READABLE, address_of, mail_of
    from event_registration.samples import SAMPLE_SENDER

    return bytes(mail_of(message, address_of(SAMPLE_SENDER), utc_now(), policy=READABLE))


_FORMATS: dict[str, Callable[[Message], bytes]] = {
    ".eml": _as_mail,
    ".html": lambda message: message.html.encode(),
    ".txt": lambda message: _as_text(message).encode(),
}
