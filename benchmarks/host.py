"""
What Lambda's runtime is to a function: loads its handler, then calls it as often as it is told to.

Runs in the interpreter that is measured: ``python -P host.py TASK HANDLER CHANNEL PORT``, with the payload on the first
line of standard input and then a line a command: the number of the first person to register, and how many. Answers with
a line of JSON each on the file descriptor CHANNEL, because standard output is the function's log. PORT is where AWS's
names lead to; 0 lets them lead nowhere.
"""

import json
import os
import sys
import time
from importlib.machinery import PathFinder


def mark():
    """Let callgrind write down what it has counted: it is told to before this function of the C library."""
    os.getloadavg()
    return time.monotonic(), time.process_time()


class FirstSession:
    """Marks where the first session of botocore is made: what comes before is import, what comes after are clients."""

    def __init__(self):
        self.marked = None

    def find_spec(self, name, path, target=None):
        """Have the module that defines sessions tell of the first, and all others be found as ever."""
        if name != "botocore.session":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            begin = module.Session.__init__

            def init(*arguments, **options):
                self.marked = self.marked or mark()
                begin(*arguments, **options)

            module.Session.__init__ = init

        spec.loader.exec_module = exec_module
        return spec


class Context:
    """What a handler is told of its invocation; it has time enough to run a hundred times slower."""

    function_name = "event-registration"
    function_version = "$LATEST"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:event-registration"
    aws_request_id = "5c3f1a2e-7b1d-4c58-9f1e-0a1b2c3d4e5f"
    log_group_name = "/aws/lambda/event-registration"
    log_stream_name = "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"

    @staticmethod
    def get_remaining_time_in_millis():
        """Return ten minutes."""
        return 600_000


def lead_aws_to(port):
    """Resolve AWS's names as a port of this machine; whoever connects has imported what does that by now."""
    socket = sys.modules["socket"]
    resolve = socket.getaddrinfo

    def getaddrinfo(host, service, *arguments, **options):
        if host.endswith(".amazonaws.com"):
            host, service = "127.0.0.1", port
        return resolve(host, service, *arguments, **options)

    socket.getaddrinfo = getaddrinfo


def main():
    """Load the handler, then do what is commanded."""
    started = mark()
    task, name, descriptor, port = sys.argv[1:]
    channel = os.fdopen(int(descriptor), "w")
    payload = json.loads(sys.stdin.readline())
    body = json.loads(payload["body"])
    sys.path.insert(0, task)
    first_session = FirstSession()
    sys.meta_path.insert(0, first_session)
    module, _, attribute = name.partition(".")
    handler = getattr(__import__(module), attribute)
    lead_aws_to(int(port))
    loaded = mark()

    def tell(told):
        channel.write(json.dumps(told) + "\n")
        channel.flush()

    tell({"started": started, "session": first_session.marked, "loaded": loaded, "modules": len(sys.modules)})
    for line in sys.stdin:
        first, count = map(int, line.split())
        payloads = [
            payload | {"body": json.dumps(body | {"cemail": f"ada{number}@example.org"})}
            for number in range(first, first + count)
        ]
        answers, instants = [], []
        began = mark()
        for each in payloads:
            answers.append(handler(each, Context))
            instants.append(time.monotonic())
        ended = mark()
        tell({"began": began, "ended": ended, "instants": instants, "answers": answers, "peak": peak()})


def peak():
    """Return the most memory that this process has had at once, in KiB."""
    with open("/proc/self/status") as status:  # noqa: PTH123 - pathlib would be an import that no function needs
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


main()
