"""Clients of AWS's services, all of one session, made to start fast and to answer fast."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from event_registration.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from botocore.session import Session

__all__ = ["MODELS", "ROOTS", "Clients"]

MODELS = Path(__file__).with_name("models")
"""Where `package` puts what botocore is to know of the services, and no more; elsewhere there is no such folder."""

ROOTS = MODELS / "roots.pem"
"""The certificates of AWS's own authorities, which are believed instead of everybody's."""

_USER_AGENT = "event-registration"
_OF_AWS = ".amazonaws.com"
_SENDING = "before-send"
_BUNDLE = "REQUESTS_CA_BUNDLE"  # botocore looks at it only where it sends itself
# As botocore's events name them: an event's name is its kind, perhaps a service, perhaps an operation.
_SERVICES = frozenset({"", "*", "dynamodb", "secrets-manager", "secretsmanager", "sesv2"})


class Clients:
    """
    Makes clients that try each call once: trying again is done where the deadline is known.

    What is saved, and how to do without it; without all of it by a boto3 session of one's own, which
    `boto3.setup_default_session` has made before, or by passing clients to the repository and the notifier:

    * botocore makes the clients. boto3 would import what transfers files besides.
    * The session has botocore's handlers of events of any service and of ours: nine of 127 (1.44.8).
    * Credentials that the environment names, as Lambda's does, are taken without making the chain of all other sources.
    * botocore validates no parameters: the requests are our own code's, and the contract suites validate them.
    * ``User-Agent`` is one word, for AWS to tell our calls apart. botocore's own has more of the runtime, and older
      versions put it together for every call. They do if ``AWS_SDK_UA_APP_ID`` is set.
    * Where `package` has put `MODELS`, botocore reads these and looks for no other, unless ``AWS_DATA_PATH`` is set,
      or it misses something in them.
    * All models become plain dicts, in half the time of the ordered ones that botocore makes of them.
    * What the first connection would import is imported with the rest, while a function has a whole processor.
    * `Transport` sends instead of urllib3, unless the environment names a proxy, or somebody has put a handler of
      ``before-send`` among botocore's own; one that a client gets later does not keep a request from being sent.
    * Connections to AWS believe `ROOTS` instead of all the world's, unless ``AWS_CA_BUNDLE`` is set.

    Args:
        models: The folder of `MODELS`.
    """

    def __init__(self, models: Path = MODELS) -> None:
        self._models: Path | None = models if models.is_dir() else None
        self._session: Session | None = None

    def dynamodb(self) -> Any:  # noqa: ANN401 - botocore makes its clients' classes at run time
        """Return a client of DynamoDB, which answers in milliseconds: short time-outs leave time to try again."""
        return self._client("dynamodb")

    def ses(self, seconds_to_send: int = 3) -> Any:  # noqa: ANN401 - botocore's
        """Return a client of SES whose calls take so long at worst; its answers that come later are lost."""
        return self._client("sesv2", read_timeout=seconds_to_send - 1)

    def secrets(self) -> Any:  # noqa: ANN401 - botocore's
        """Return a client of Secrets Manager."""
        return self._client("secretsmanager")

    def _client(self, service: str, *, read_timeout: int = 1) -> Any:  # noqa: ANN401 - botocore's
        from botocore.config import Config
        from botocore.exceptions import DataNotFoundError

        config = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=1,
            read_timeout=read_timeout,
            parameter_validation=False,
        )
        if default := getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None):
            return default.client(service, config=config)
        try:
            return self._make(service, config)
        except DataNotFoundError as error:
            if self._models is None:
                raise
            # The runtime's botocore is another one than `package` found, and wants to know more.
            warnings.warn(f"botocore reads its own models. {error}", stacklevel=2)
            self._models = self._session = None
            return self._make(service, config)

    def _make(self, service: str, config: Any) -> Any:  # noqa: ANN401 - botocore's
        from botocore.handlers import BUILTIN_HANDLERS
        from botocore.utils import get_environ_proxies

        from event_registration.aws.transport import Transport

        session = self._session = self._session or _make_session(self._models)
        if not session.get_config_variable("user_agent_appid"):
            config = config.merge(type(config)(user_agent=_USER_AGENT))
        client = session.create_client(service, config=config)
        url = client.meta.endpoint_url
        # Others who answer in AWS's stead, as moto does, would not keep ours from sending.
        is_answered = any(name.partition(".")[0] == _SENDING for name, *_ in BUILTIN_HANDLERS)
        if not is_answered and not get_environ_proxies(url):
            transport = Transport(self._context(session, url), config.connect_timeout, config.read_timeout)
            client.meta.events.register(_SENDING, transport.send)
        return client

    def _context(self, session: Session, url: str) -> SSLContext | None:
        """Return what connections to a service believe: for AWS AWS itself, unless somebody else is named."""
        from botocore.httpsession import get_cert_path

        from event_registration.aws.transport import believing

        address = urlsplit(url)
        if address.scheme != "https":
            return None
        roots = self._models / ROOTS.name if self._models else None
        bundle = session.get_config_variable("ca_bundle")
        if not bundle and (address.hostname or "").endswith(_OF_AWS) and roots and roots.is_file():
            return believing(str(roots))
        certificates = get_cert_path(verify=bundle or session.get_config_variable(_BUNDLE) or True)
        try:
            return believing(certificates)
        except OSError as error:
            fault = Problem("AWS_CA_BUNDLE", "no-certificates", f"{certificates} has no certificates.")
            raise SettingsError([fault]) from error


class _Files:
    """Reads files for botocore's loader, which names them without their suffixes."""

    def exists(self, file_path: str) -> bool:
        """Tell whether there is the file."""
        return any(
            os.path.isfile(file_path + suffix)  # noqa: PTH113 - of a thousand files, paths would cost what dicts save
            for suffix in _READERS
        )

    def load_file(self, file_path: str) -> dict[str, Any] | None:
        """Return what the file holds, ``None`` if there is none."""
        for suffix, read in _READERS.items():
            path = Path(file_path + suffix)
            if path.is_file():
                document: dict[str, Any] = json.loads(read(path.read_bytes()))
                return document
        return None


# What makes JSON of a file's content.
_READERS: dict[str, Callable[[bytes], bytes]] = {".json": bytes, ".json.gz": gzip.decompress}


def _make_session(models: Path | None) -> Session:
    from botocore.credentials import CredentialResolver, EnvProvider
    from botocore.loaders import Loader
    from botocore.session import Session

    codecs.lookup("idna")  # the first connection looks it up
    session = Session({_BUNDLE: (None, _BUNDLE, None, None)}, include_builtin_handlers=False)
    _register_handlers(session.get_component("event_emitter"))
    provider = EnvProvider()
    if provider.load():
        session.register_component("credential_provider", CredentialResolver([provider]))
    if not session.get_config_variable("data_path"):
        folders = [str(models)] if models else []
        loader = Loader(folders, _Files(), include_default_search_paths=not models)
        session.register_component("data_loader", loader)
    return session


def _register_handlers(events: Any) -> None:  # noqa: ANN401 - botocore's
    """Register what botocore does on events of any service and of ours, but not its hundred handlers of others."""
    from botocore.handlers import BUILTIN_HANDLERS, REGISTER_FIRST, REGISTER_LAST

    places = {REGISTER_FIRST: events.register_first, REGISTER_LAST: events.register_last}
    for name, handler, *place in BUILTIN_HANDLERS:
        kind, _, rest = name.partition(".")
        if kind != "docs" and rest.partition(".")[0] in _SERVICES:
            register = places[place[0]] if place else events.register
            register(name, handler)
