"""Every operation that makes calls to AWS: what comes before it, and what it does; done again it does what is left."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from attrs import frozen
from killworld import ID, INLINE, OPEN, OPEN_INLINE, OUTBOX, PAUSED, REJECTED

from event_registration.errors import EventExistsError, EventFullError
from event_registration.feedback import reference_of
from event_registration.mail import MailKind, MailState
from event_registration.outbox import Debtor
from event_registration.testing import make_event, make_registration

if TYPE_CHECKING:
    from collections.abc import Callable

    from killworld import Kind, Process, World

_LEASE = timedelta(minutes=2)


@frozen
class Operation:
    """
    An operation.

    Args:
        arrange: Brings about what is there before.
        act: Does it.
        kinds: What may do it.
        parts: What it may come to if it is killed, and nobody does it again.
    """

    arrange: Callable[[World], None]
    act: Callable[[Process], None]
    kinds: tuple[Kind, ...] = (OUTBOX,)
    parts: tuple[Callable[[Process], None], ...] = ()


# What comes before


def _nothing(_: World) -> None:
    """Begin with an empty table."""


def _event(*people: str, leaving: tuple[str, ...] = (), capacity: int | None = None, waitlist: bool = False):
    """Return what lets *people* register, and some of them cancel; all were mailed."""

    def arrange(world: World) -> None:
        process = world.process()
        process.organiser.create(make_event(capacity=capacity, waitlist=waitlist))
        for name in people:
            process.register(name)
        for name in leaving:
            process.organiser.cancel_registration(ID, f"{name}@example.org")
        world.go_on()

    return arrange


_WITH_A_QUEUE = _event("ada", "bob", "cleo", "dan", "eve", capacity=2, waitlist=True)


def _any_event(*people: str):
    """Return what lets *people* register where any event is taken."""

    def arrange(world: World) -> None:
        for name in people:
            world.process().register(name)
        world.go_on()

    return arrange


def _then(arrange: Callable[[World], None], *acts: Callable[[Process], None]):
    """Return what does *acts* besides, whose mails are still due."""

    def arrange_more(world: World) -> None:
        arrange(world)
        for act in acts:
            act(world.process())

    return arrange_more


def _refused(arrange: Callable[[World], None], code: str):
    """Return what lets the mail service refuse from then on."""

    def arrange_more(world: World) -> None:
        arrange(world)
        world.refusals.append(code)

    return arrange_more


def _failed(world: World) -> None:
    """Leave people whose mails were refused."""
    _event()(world)
    world.refusals.append(REJECTED)
    _register("ada", "bob")(world.process())
    world.go_on()
    world.refusals.clear()


def _bounced(world: World) -> None:
    _event("ada")(world)
    _return(MailState.BOUNCED)(world.process())


def _unreadable(world: World) -> None:
    """Leave a row that was damaged while its mail was due."""
    _then(_event("ada"), _register("bob"))(world)
    process = world.process()
    key = {"eventid": {"S": ID}, "sk": {"S": f"REGISTRATION#{process.repository.digest_of('bob@example.org')}"}}
    world.client.update_item(TableName=world.table, Key=key, UpdateExpression="REMOVE cname")


def _minutes(minutes: int):
    return lambda process: process.clock.advance(minutes=minutes)


def _spend(process: Process) -> None:
    """Use up what an address may get that day."""
    digest = process.repository.digest_of("ada@example.org")
    for number in range(5):
        process.outbox.spend(digest, f"another#{number}", process.clock(), limit=5)


def _claim(process: Process) -> None:
    """Claim as somebody who then dies."""
    owing = process.find("ada")
    process.outbox.mark(owing, owing.mail.claimed(process.clock(), _LEASE))


# What is done


def _create(process: Process) -> None:
    with suppress(EventExistsError):
        process.organiser.create(make_event(capacity=2, waitlist=True))


def _register(*people: str, **changes: str):
    def act(process: Process) -> None:
        for name in people:
            with suppress(EventFullError):
                process.register(name, **changes)

    return act


def _register_otherwise(process: Process) -> None:
    """Register as somebody would who knows an address and no more."""
    process.service.register(make_registration(attendee_name="Mallory"))


def _cancel(name: str):
    return lambda process: process.organiser.cancel_registration(ID, f"{name}@example.org")


def _leave(*people: str):
    """Return what cancels without serving the queue, as somebody does who is killed then."""

    def act(process: Process) -> None:
        for name in people:
            process.repository.cancel(process.find(name), process.clock())

    return act


def _cancel_by_link(name: str):
    return lambda process: process.self_service.cancel(process.token(name))


def _settle(process: Process) -> None:
    process.queues.settle_all()


def _update(**changes: object):
    return lambda process: process.organiser.update(ID, changes)


_MOVE = _update(ends_at=datetime.fromisoformat("2026-06-01T20:00:00+00:00"))


def _call_off(process: Process) -> None:
    process.organiser.cancel(ID)


def _deliver(name: str = "ada"):
    return lambda process: process.relay.deliver(Debtor(ID, process.repository._identity(f"{name}@example.org")))


def _sweep(process: Process) -> None:
    process.relay.sweep()


def _return(state: MailState, *, is_final: bool = True):
    """Return what takes back the mail about the first debt of a person."""
    return lambda process: process.feedback.take("ada@example.org", reference_of(ID, 1), state, is_final=is_final)


def _block(state: MailState):
    return lambda process: process.outbox.block(process.repository.digest_of("ada@example.org"), state)


def _retry(process: Process) -> None:
    process.mails.retry(ID)


def _retry_for(name: str):
    return lambda process: process.mails.retry_for(ID, f"{name}@example.org")


def _unblock(process: Process) -> None:
    process.mails.retry_for(ID, "ada@example.org", unblock=True)


def _only_unblock(process: Process) -> None:
    process.outbox.unblock(process.repository.digest_of("ada@example.org"))


_BOTH = OUTBOX, INLINE
_BOTH_OPEN = OPEN, OPEN_INLINE
_ADA_LEAVES = _then(_event("ada", "bob"), _leave("ada"))
_TWO_LEFT = _then(_WITH_A_QUEUE, _leave("ada", "bob"))
_LOWERED = _then(_event("ada", "bob", "cleo", "dan", capacity=3, waitlist=True), _update(capacity=1))
_MOVED = _then(_event("ada", "bob", "cleo", leaving=("bob",)), _MOVE, _minutes(2))
_CALLED_OFF = _then(_event("ada", "bob", "cleo", leaving=("bob",)), _call_off, _minutes(2))
_OTHERWISE = _then(_event("ada"), _register_otherwise)
_WAITS = _event("ada", "bob", capacity=1, waitlist=True)

OPERATIONS = {
    "create an event": Operation(_nothing, _create),
    "register without a limit": Operation(_event(), _register("ada"), _BOTH),
    "register to an unsold seat": Operation(_event("ada", capacity=3), _register("bob"), _BOTH),
    "register to the last seat": Operation(_event("ada", capacity=2), _register("bob"), _BOTH),
    "register and wait": Operation(_WITH_A_QUEUE, _register("fay"), _BOTH),
    "register to a free seat": Operation(_event("ada", "bob", leaving=("ada",), capacity=2), _register("cleo"), _BOTH),
    "register where a seat is given first": Operation(_TWO_LEFT, _register("fay"), _BOTH),
    "come back": Operation(_event("ada", leaving=("ada",), capacity=3), _register("ada"), _BOTH),
    "come back and wait": Operation(
        _event("ada", "bob", "cleo", leaving=("ada",), capacity=2, waitlist=True), _register("ada"), _BOTH
    ),
    "repeat": Operation(_event("ada"), _register("ada"), _BOTH),
    "repeat while the mail is due": Operation(_then(_event(), _register("ada")), _register("ada"), _BOTH),
    "register with other details": Operation(_event("ada"), _register_otherwise, _BOTH),
    "be refused": Operation(_event("ada", capacity=1), _register("bob"), _BOTH),
    "register two": Operation(_event(capacity=2), _register("ada", "bob"), _BOTH, (_register("ada"),)),
    "register for": Operation(_any_event(), _register("ada"), _BOTH_OPEN),
    "repeat for": Operation(_any_event("ada"), _register("ada"), _BOTH_OPEN),
    "register with other details for": Operation(_any_event("ada"), _register_otherwise, (OPEN,)),
    "deliver for": Operation(_then(_any_event(), _register("ada")), _deliver(), (OPEN,)),
    "cancel by link": Operation(_WITH_A_QUEUE, _cancel_by_link("ada")),
    "cancel a place by link": Operation(_WITH_A_QUEUE, _cancel_by_link("dan")),
    "cancel without a limit": Operation(_event("ada"), _cancel("ada")),
    "cancel a seat": Operation(_WITH_A_QUEUE, _cancel("ada")),
    "cancel a place": Operation(_WITH_A_QUEUE, _cancel("dan")),
    "cancel a seat above": Operation(_LOWERED, _cancel("bob")),
    "settle": Operation(_TWO_LEFT, _settle),
    "raise": Operation(_WITH_A_QUEUE, _update(capacity=4)),
    "raise to no waiting": Operation(_WITH_A_QUEUE, _update(capacity=9)),
    "lower": Operation(_event("ada", "bob", "cleo", capacity=4), _update(capacity=1)),
    "move": Operation(_event("ada", "bob", leaving=("bob",)), _MOVE),
    "call off": Operation(_WITH_A_QUEUE, _call_off),
    "tell that it moved": Operation(_MOVED, _settle),
    "tell that it is called off": Operation(_CALLED_OFF, _settle),
    f"deliver {MailKind.CONFIRMED}": Operation(_then(_event(), _register("ada")), _deliver()),
    f"deliver {MailKind.WAITLISTED}": Operation(
        _then(_event("bob", capacity=1, waitlist=True), _register("ada")), _deliver()
    ),
    f"deliver {MailKind.PROMOTED}": Operation(_then(_WAITS, _cancel("ada")), _deliver("bob")),
    f"deliver {MailKind.CANCELLED}": Operation(_ADA_LEAVES, _deliver()),
    f"deliver {MailKind.REPEATED}": Operation(_OTHERWISE, _deliver()),
    f"deliver {MailKind.MOVED}": Operation(_then(_MOVED, _settle), _deliver()),
    f"deliver {MailKind.CALLED_OFF}": Operation(_then(_CALLED_OFF, _settle), _deliver()),
    "deliver a newer debt": Operation(_then(_event("bob"), _register("ada"), _claim, _cancel("ada")), _sweep),
    "deliver what somebody has died over": Operation(
        _then(_event("bob"), _register("ada"), _claim, _minutes(3)), _deliver()
    ),
    "deliver beyond the budget": Operation(_then(_event(), _spend, _register("ada")), _deliver()),
    "deliver to who is blocked": Operation(_then(_bounced, _cancel("ada")), _deliver()),
    "deliver what is refused for now": Operation(_refused(_then(_event(), _register("ada")), PAUSED), _deliver()),
    "deliver what is refused for good": Operation(_refused(_then(_event(), _register("ada")), REJECTED), _deliver()),
    "deliver what can't be read": Operation(_unreadable, _deliver("bob")),
    "sweep": Operation(_then(_WITH_A_QUEUE, _cancel("ada"), _register("fay"), _cancel("bob")), _sweep),
    "settle and sweep": Operation(_TWO_LEFT, lambda process: process.work()),
    "take back a mail that bounced": Operation(
        _event("ada"), _return(MailState.BOUNCED), parts=(_block(MailState.BOUNCED),)
    ),
    "take back a complaint": Operation(
        _event("ada"), _return(MailState.COMPLAINED), parts=(_block(MailState.COMPLAINED),)
    ),
    "take back from a full mailbox": Operation(_event("ada"), _return(MailState.BOUNCED, is_final=False)),
    "retry": Operation(_failed, _retry, parts=(_retry_for("ada"), _retry_for("bob"))),
    "retry and unblock": Operation(_bounced, _unblock, parts=(_only_unblock,)),
}
CASES = {f"{name} {kind.name}": (operation, kind) for name, operation in OPERATIONS.items() for kind in operation.kinds}
