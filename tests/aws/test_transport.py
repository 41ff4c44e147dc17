"""How botocore's requests are sent: what comes back, what is kept, whom it believes, and what is told of failures."""

import contextlib
import gc
import re
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from event_registration.aws.transport import HandshakeError, Transport, believing

ANSWER = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: ABC\r\nContent-Length: 2\r\n\r\n{}"
LAST_ANSWER = ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
CHUNKED = b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"


class Service:
    """
    Accepts connections, and answers each request with the next of its answers; other than whole ones end a connection.

    Args:
        context: How it speaks TLS, if it does.
    """

    def __init__(self, context=None):
        self.answers = []
        self.seconds = 0
        self.requests = []
        self.connections = []
        self.ended = threading.Semaphore(0)
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        """Where it is."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self._socket.getsockname()[1]}"

    def drop(self):
        """Close the last connection, as AWS does with those that nobody used for a while."""
        self.connections[-1].shutdown(socket.SHUT_RDWR)
        assert self.ended.acquire(timeout=5)

    def close(self):
        """Accept no more."""
        self._socket.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            if self._context:
                self.connections[-1] = connection = self._context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as sent:
                answer = ANSWER
                while answer == ANSWER and (request := _read(sent)):
                    self.requests.append(request)
                    answer = self.answers.pop(0) if self.answers else ANSWER
                    time.sleep(self.seconds)
                    connection.sendall(answer)
        self.ended.release()


def _read(sent):
    """Return the next request, nothing at the end."""
    head = b"\r\n".join(iter(lambda: sent.readline().strip(), b""))
    length = re.search(rb"Content-Length: (\d+)", head)
    return head + b"\r\n\r\n" + sent.read(int(length[1])) if length else b""


@pytest.fixture
def service():
    """Return a service without TLS."""
    service = Service()
    yield service
    service.close()


@pytest.fixture
def transport():
    """Return a transport that waits a second for everything."""
    return Transport(None, 1, 1)


def _request(url, method="POST", body=b"{}"):
    headers = {"X-Amz-Target": b"DynamoDB_20120810.PutItem", "Content-Length": str(len(body or b""))}
    return AWSPreparedRequest(method, url, headers, body, stream_output=False)


def test_carries_a_request_out(service, transport):
    """The service gets the whole request, and botocore what it answered."""
    response = transport.send(_request(service.url, body=b'{"TableName": "events"}'))

    (request,) = service.requests
    assert request.startswith(b"POST / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert request.endswith(b'\r\n\r\n{"TableName": "events"}')
    assert b"X-Amz-Target: DynamoDB_20120810.PutItem\r\n" in request
    assert (response.status_code, response.content, response.headers["X-Amzn-RequestId"]) == (200, b"{}", "ABC")


def test_asks_for_the_path(service, transport):
    """The path and what follows it are the request's; without a body there is none."""
    transport.send(_request(f"{service.url}/v2/email/account?a=%20b", method="GET", body=None))

    assert service.requests[0].startswith(b"GET /v2/email/account?a=%20b HTTP/1.1\r\n")


def test_answer_in_chunks(service, transport):
    """An answer may come in parts, and be an error."""
    service.answers = [CHUNKED]

    response = transport.send(_request(service.url))

    assert (response.status_code, response.content) == (400, b"{}")


def test_keeps_its_connection(service, transport):
    """The next request goes the way of the last one."""
    for _ in range(3):
        transport.send(_request(service.url))

    assert len(service.requests) == 3
    assert len(service.connections) == 1


def test_connection_that_has_gone(service, transport):
    """A connection that the service has closed meanwhile is not tried: a request on it would be lost, or sent twice."""
    transport.send(_request(service.url))
    service.drop()

    transport.send(_request(service.url))

    assert len(service.requests) == 2
    assert len(service.connections) == 2


def test_connection_that_will_go(service, transport):
    """If the service says that it closes the connection, the next request has another one."""
    service.answers = [LAST_ANSWER]

    for _ in range(2):
        transport.send(_request(service.url))

    assert len(service.connections) == 2


def test_many_at_a_time(service, transport):
    """Threads don't share connections; those that were opened are used again."""
    together = threading.Barrier(8)

    def send(_number):
        together.wait()
        return transport.send(_request(service.url)).content

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(send, range(8))) == [b"{}"] * 8
        assert list(threads.map(send, range(8))) == [b"{}"] * 8

    assert len(service.requests) == 16
    assert len(service.connections) <= 8


def test_each_service_has_its_own_connections(service, transport):
    """What is for one service goes to no other."""
    other = Service()

    for each in (service, other, service, other):
        transport.send(_request(each.url))

    assert (len(service.requests), len(other.requests)) == (2, 2)
    assert (len(service.connections), len(other.connections)) == (1, 1)
    other.close()


@pytest.mark.parametrize("interim", [b"HTTP/1.1 103 Early Hints\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n"])
def test_answer_that_others_follow(service, transport, interim):
    """An answer before the answer is none, and the next request doesn't get what follows it."""
    service.answers = [interim + ANSWER.replace(b"{}", b"[]")]

    with pytest.raises(ConnectionClosedError):
        transport.send(_request(service.url))

    assert transport.send(_request(service.url)).content == b"{}"


def test_refusal_before_the_end(transport):
    """A service may answer and stop listening before it has heard all."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}"

    def refuse():
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(refusal)
            connection.shutdown(socket.SHUT_WR)
            time.sleep(0.05)  # until the end has arrived, and whoever sends waits for this side to read on

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=refuse, daemon=True).start()
        response = transport.send(_request(f"http://127.0.0.1:{listening.getsockname()[1]}", body=bytes(1 << 23)))

    assert response.status_code == 413


def test_header_that_can_not_be_sent(service, transport):
    """A token with the end of a line in it, as of a file, is botocore's error like all others."""
    request = _request(service.url)
    request.headers["X-Amz-Security-Token"] = "token\n"

    with pytest.raises(HTTPClientError, match="unhandled"):
        transport.send(request)

    assert not service.requests


def test_lets_go(service):
    """Connections end with the transport."""
    transport = Transport(None, 1, 1)
    transport.send(_request(service.url))

    del transport
    gc.collect()

    assert service.ended.acquire(timeout=5)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://nobody.invalid", f"http://{'a' * 64}.org"])
def test_nobody_is_there(transport, url):
    """Whom nothing can be sent to gets nothing twice."""
    with pytest.raises(EndpointConnectionError):
        transport.send(_request(url))


def test_address_without_a_port():
    """The end of an IPv6 address is no port."""
    with pytest.raises((ConnectTimeoutError, EndpointConnectionError)):
        Transport(None, 0.05, 1).send(_request("http://[::abcd]"))


def test_no_answer_in_time():
    """A service that is silent for too long may have done what it was asked."""
    transport = Transport(None, 1, 0.05)
    silent = socket.create_server(("127.0.0.1", 0))

    with silent, pytest.raises(ReadTimeoutError):
        transport.send(_request(f"http://127.0.0.1:{silent.getsockname()[1]}"))


def test_answer_may_take_longer_than_connecting(service):
    """A service has the time to answer that it was given for that."""
    service.seconds = 0.2

    assert Transport(None, 0.05, 5).send(_request(service.url)).content == b"{}"


def test_no_connection_in_time():
    """A handshake that doesn't end in time has sent nothing."""
    silent = socket.create_server(("127.0.0.1", 0))
    transport = Transport(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), 0.05, 1)

    with silent, pytest.raises(ConnectTimeoutError):
        transport.send(_request(f"https://127.0.0.1:{silent.getsockname()[1]}"))


@pytest.mark.parametrize("answer", [b"", ANSWER[:-1], b"SSH-2.0-OpenSSH\r\n"], ids=repr)
def test_answer_gets_lost(service, transport, answer):
    """An answer that ends too early, or is none, is no answer; and the next request finds the service again."""
    service.answers = [answer]

    with pytest.raises(ConnectionClosedError):
        transport.send(_request(service.url))

    assert transport.send(_request(service.url)).content == b"{}"


@pytest.fixture
def trusted(tmp_path):
    """Return an authority and the file of its certificate."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return authority, tmp_path / "authority.pem"


def _secure_service(authority, name="127.0.0.1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return Service(context)


def test_believes_an_authority(trusted):
    """Whom the file's authority vouches for is believed; the file is read once for all connections."""
    authority, file = trusted
    service = _secure_service(authority)
    transport = Transport(believing(str(file)), 1, 1)
    file.unlink()
    assert believing(str(file)) is believing(str(file))

    for _ in range(2):
        assert transport.send(_request(service.url)).content == b"{}"
        service.drop()

    assert len(service.connections) == 2
    service.close()


@pytest.mark.parametrize(("vouches", "name"), [(False, "127.0.0.1"), (True, "example.org")])
def test_believes_nobody_else(trusted, vouches, name):
    """A stranger's word, or a word for somebody else, is not believed, and nothing is sent."""
    authority, file = trusted
    service = _secure_service(authority if vouches else trustme.CA(), name)

    with pytest.raises(HandshakeError):
        Transport(believing(str(file)), 1, 1).send(_request(service.url))

    assert not service.requests
    service.close()


def test_what_follows_an_answer(trusted):
    """What came behind an answer is never taken for the next one."""
    authority, file = trusted
    service = _secure_service(authority)
    service.answers = [
        ANSWER.replace(b"Length: 2", b"Length: 8192").replace(b"{}", bytes(8192)) + ANSWER.replace(b"{}", b"[]")
    ]
    transport = Transport(believing(str(file)), 1, 1)
    transport.send(_request(service.url))

    assert transport.send(_request(service.url)).content == b"{}"

    service.close()
