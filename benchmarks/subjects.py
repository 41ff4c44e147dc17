"""What is measured: the peers, the library in its modes, and what tells its parts apart."""

from __future__ import annotations

from attrs import field, frozen

PUT, SEND, MARK = "put", "send", "mark"
EVENT = "devconf-2026"
ORIGIN = "https://events.example.org"
SENDER = "events@example.org"

_PEER = {"TABLE_NAME": "eventmanagement", "SENDER": SENDER, "ALLOWED_ORIGIN": ORIGIN}
_POWERTOOLS = {"POWERTOOLS_SERVICE_NAME": "registrations", "POWERTOOLS_METRICS_NAMESPACE": "Registrations"}
_OURS = {"EVENT_REGISTRATION_SENDER": SENDER, "EVENT_REGISTRATION_ALLOWED_ORIGINS": ORIGIN}
_OUTBOX = {"EVENT_REGISTRATION_CONFIRMATION": "outbox"}
_MANAGED = {"EVENT_REGISTRATION_EVENTS": "managed"}


@frozen
class Subject:
    """
    A function.

    Args:
        name: In results.
        title: In tables.
        environment: The requirements that it runs with.
        source: Its folder among the peers, or ``zip``, which is the library's package.
        environ: Its variables.
        calls: The calls that a registration makes, once it is warm.
        handler: Its handler.
        is_peer: Whether it is what people would use instead.
    """

    name: str
    title: str
    environment: str
    source: str
    environ: dict[str, str] = field(factory=dict)
    calls: tuple[str, ...] = (PUT, SEND)
    handler: str = "lambda_function.handler"
    is_peer: bool = False


BASELINE = "boto3-client"
"""The subject that all others are compared with."""

PEERS = (
    Subject(BASELINE, "hand-written, boto3 client", "boto3", "boto3_client", _PEER, is_peer=True),
    Subject("boto3-resource", "hand-written, boto3 resource", "boto3", "boto3_resource", _PEER, is_peer=True),
    Subject("chalice", "Chalice", "chalice", "chalice_app", _PEER, handler="app.app", is_peer=True),
    Subject("powertools", "Powertools", "powertools", "powertools", _PEER | _POWERTOOLS, is_peer=True),
    Subject("fastapi", "FastAPI + Mangum", "fastapi", "fastapi_mangum", _PEER, is_peer=True),
)
OURS = (
    Subject("zip-inline", "ours, inline", "boto3", "zip", _OURS, (PUT, SEND, MARK)),
    Subject("zip-outbox", "ours, outbox", "boto3", "zip", _OURS | _OUTBOX, (PUT,)),
    Subject("zip-managed", "ours, managed events, outbox", "boto3", "zip", _OURS | _OUTBOX | _MANAGED, (PUT,)),
)
INSTALLED = (
    Subject("pip-inline", "ours from pip, inline", "library", "library", _OURS, (PUT, SEND, MARK)),
    Subject("pip-outbox", "ours from pip, outbox", "library", "library", _OURS | _OUTBOX, (PUT,)),
)
STUBS = (
    Subject("calls-put", "nothing but its calls: put", "boto3", "same_calls", _OURS, (PUT,)),
    Subject("calls-put-send", "nothing but its calls: put, send", "boto3", "same_calls", _OURS, (PUT, SEND)),
    Subject("calls-inline", "nothing but its calls: put, send, mark", "boto3", "same_calls", _OURS, (PUT, SEND, MARK)),
)
SUBJECTS = {subject.name: subject for subject in (*PEERS, *OURS, *INSTALLED, *STUBS)}
