"""A stack's whole life by our own commands, and what it does for the people who use it."""

import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from unittest.mock import patch

import pytest
import template
from attrs import evolve
from botocore.exceptions import WaiterError
from browsing import chromium, watched_page
from click.testing import CliRunner
from front import front
from playwright.sync_api import expect
from returned import bounce
from runtime_api import MailService
from serving import ADA

from event_registration.assets import site_folder, template_file
from event_registration.aws import DynamoDBEventRepository, DynamoDBRepository
from event_registration.cli import main
from event_registration.deployment import deploy
from event_registration.deployment.package import build_package
from event_registration.feedback import reference_of
from event_registration.model import Status
from event_registration.rules import attendee_digest
from event_registration.testing import make_registration

# A first answer of the emulated function may take as long as the form waits for it.
expect.set_options(timeout=15_000)

SENDER = "Events <events@example.org>"
SCHEDULE = (Path(__file__).parent.parent / "payloads" / "schedule.json").read_bytes()
# Each way of hosting the site goes with one of registering: managed events with an outbox, as by default, and any event
# with its mail inline, as in the brief.
EVENTS = {"CloudFront": "managed", "S3Website": "open"}
INDEXED = {"outbox", "mail_at"}
# What doesn't depend on either is shown in one of the two.
ONE_MODE = pytest.mark.parametrize("stack", ["CloudFront"], indirect=True)
OTHER_MODE = pytest.mark.parametrize("stack", ["S3Website"], indirect=True)


def _event(folder, eventid, **more):
    """Return the file of an event that is far away."""
    file = folder / f"{eventid}.json"
    fields = {
        "eventid": eventid,
        "eventname": f"The {eventid}",
        "starts_at": "2999-05-01 09:00",
        "ends_at": "2999-05-01 17:00",
        "time_zone": "Europe/Berlin",
    }
    file.write_text(json.dumps(fields | more))
    return str(file)


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Return `build_package`, which builds each package once: again it would be the same (`test_same_bytes`)."""
    folder = tmp_path_factory.mktemp("packages")

    @cache
    def build_once(**kind):
        return build_package(folder / f"{'-'.join(map(str, kind.values()))}.zip", **kind)

    def build(output, **kind):
        package = build_once(**kind)
        shutil.copyfile(package.path, output)
        return evolve(package, path=output)

    return build


@pytest.fixture(scope="module")
def run(emulator, build):
    """Return a function that runs a command on the emulator's account, and hands over what it printed."""

    def run(*arguments, answers=None, fails=False, **environ):
        # Of a deployment's time three fifths were pip's and the zip's.
        with (
            patch.dict(os.environ, emulator.environ() | environ, clear=True),
            patch.object(deploy, "build_package", build),
        ):
            result = CliRunner().invoke(main, arguments, input=answers)
        assert result.exit_code == int(fails), result.output
        return result.output

    return run


@pytest.fixture(scope="module", params=EVENTS)
def stack(request, run, emulator, tmp_path_factory):
    """Return a deployed stack of each mode; it and its table are gone afterwards."""
    stack = Deployed(f"events-{request.param.lower()}", f"table-{request.param.lower()}", request.param, emulator)
    first = _event(tmp_path_factory.mktemp("first"), ADA["eventid"], eventname=ADA["eventname"])
    stack.printed = run(*stack.deploy, *(("--event", first) if stack.is_managed else ()), "--yes")
    stack.let_send()
    yield stack
    run("destroy", "--stack", stack.name, "--yes", "--delete-table", "--confirm-table", stack.table)


@pytest.fixture(scope="module")
def browser(playwright, emulator):
    """Return a Chromium to which the emulator's stacks answer under their own addresses."""
    with front(emulator) as served, chromium(playwright, *served.arguments) as browser:
        yield browser


class Deployed:
    """A stack on the emulator."""

    def __init__(self, name, table, hosting, emulator):
        self.name = name
        self.table = table
        self.emulator = emulator
        self.is_managed = EVENTS[hosting] == "managed"
        deploy = ("deploy", "--stack", name, "--table", table, "--sender", SENDER, "--site-hosting", hosting)
        self.deploy = deploy if self.is_managed else (*deploy, "--events", "open", "--confirmation", "inline")

    @property
    def outputs(self):
        """Return the stack's outputs."""
        (stack,) = self.emulator.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def let_send(self):
        """
        Grant the role of who sends what its template grants on condition of ses:FromAddress.

        The emulator enforces roles but doesn't know that condition; test_template.py holds it against a simulator.
        """
        statement = {"Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
        self.emulator.client("iam").put_role_policy(
            RoleName=self.resources["SenderRole" if "SenderRole" in self.resources else "FunctionRole"],
            PolicyName="without-condition",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    @property
    def resources(self):
        """Return the physical ids by logical id."""
        resources = self.emulator.client("cloudformation").describe_stack_resources(StackName=self.name)
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources["StackResources"]}

    def rows(self, table=None):
        """Return the names in the stack's table, or another one, by the digests they are stored under."""
        items = self.emulator.client("dynamodb").scan(TableName=table or self.table)["Items"]
        return {item["sk"]["S"].partition("#")[2]: item["cname"]["S"] for item in items if "cname" in item}

    def row(self, eventid, address):
        """Return the row of a registration, each attribute's text by its name."""
        key = {"eventid": {"S": eventid}, "sk": {"S": f"REGISTRATION#{attendee_digest(address)}"}}
        item = self.emulator.client("dynamodb").get_item(TableName=self.table, Key=key, ConsistentRead=True)["Item"]
        return {name: text for name, value in item.items() for text in value.values()}

    def mail_state(self, eventid, address, *, not_yet=("due", "claimed")):
        """Return what has become of a registration's mail, once it is none of *not_yet*."""
        return _until(lambda: self.row(eventid, address)["mail"], lambda state: state not in not_yet)

    def invoke(self, output, payload=SCHEDULE):
        """Call a function, as its schedule does unless *payload* says otherwise, and return what it says."""
        answer = self.emulator.client("lambda").invoke(FunctionName=self.outputs[output], Payload=payload)
        return json.loads(answer["Payload"].read())

    def settle(self):
        """Call the function as its schedule does, and return what it says."""
        return self.invoke("FunctionName")

    @property
    def config(self):
        """Return what the form is told."""
        answer = self.emulator.client("s3").get_object(Bucket=self.outputs["SiteBucket"], Key="config.mjs")
        return answer["Body"].read().decode()

    def mails(self, address, count=1):
        """Return the mails that were sent to *address*, once there are as many as *count*."""
        return _until(
            lambda: [mail for mail in self.emulator.mails() if mail.to == address], lambda mails: len(mails) >= count
        )

    def request(self, body=None, method="POST", path="/registrations", **headers):
        """Return status, headers and body of a request to the API from the stack's own site."""
        url = self.emulator.invoke_url(self.outputs["ApiId"], self.outputs["ApiStage"]) + path
        headers = {"Content-Type": "application/json", "Origin": self.outputs["SiteUrl"]} | headers
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - our own emulator
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own emulator
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()


def _until(look, is_enough, seconds=60):
    """Return what there is to see once it is enough, or after so many *seconds*: a busy machine takes its time."""
    end = time.monotonic() + seconds
    while not is_enough(seen := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return seen


def test_registers_in_the_browser(stack, browser):
    """The deployed page, opened under its own address, registers a person: a row, a mail, and the answer seen."""
    address = f"ada@{stack.name}.example"
    complaints = []
    with browser.new_page() as page:
        page.on("console", lambda line: complaints.append(line.text))
        page.goto(stack.outputs["SiteUrl"])

        page.get_by_label("Event id").fill("devconf-2026")
        if stack.is_managed:
            page.get_by_role("button", name="Continue", exact=True).click()
        else:
            page.get_by_label("Event name").fill("DevConf 2026")
        page.get_by_label("Your name").fill("Ada Lovelace")
        page.get_by_label("E-mail address").fill(address)
        page.get_by_role("button", name="Register", exact=True).click()

        expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
    assert complaints == []
    assert stack.rows()[attendee_digest(address)] == "Ada Lovelace"
    assert [mail.sender for mail in stack.mails(address)] == [SENDER]


def test_site_is_served_as_what_it_is(stack):
    """Every file of the site is in the bucket, typed, revalidated at each visit; config.mjs alone is made."""
    client = stack.emulator.client("s3")
    types = {".css": "text/css", ".html": "text/html", ".mjs": "text/javascript", ".svg": "image/svg+xml"}

    objects = {
        path: client.get_object(Bucket=stack.outputs["SiteBucket"], Key=path.name) for path in site_folder().iterdir()
    }

    for path, stored in objects.items():
        assert stored["ContentType"].partition(";")[0] == types[path.suffix]
        assert stored["CacheControl"] == "no-cache"
        body = stored["Body"].read()
        if path.name == "config.mjs":
            assert f'export const apiUrl = "{stack.outputs["ApiUrl"]}";' in body.decode()
            assert f"export const managed = {str(stack.is_managed).lower()};" in body.decode()
        else:
            assert body == path.read_bytes()
    for code in ("ar", "de", "en", "es"):
        stored = client.get_object(Bucket=stack.outputs["SiteBucket"], Key=f"languages/{code}.mjs")
        assert (stored["ContentType"].partition(";")[0], stored["CacheControl"]) == (types[".mjs"], "no-cache")


@pytest.mark.unmeasured
@ONE_MODE
def test_an_event_from_its_file_to_the_last_seat(stack, run, browser, tmp_path):
    """An organiser sets up an event, its form takes as many people as there are seats, and then says so."""
    file = _event(tmp_path, "workshop", capacity=2)
    ada, eve = (f"{name}@workshop.example" for name in ("ada", "eve"))

    told = run("events", "create", file, "--stack", stack.name)
    with watched_page(browser) as page:
        form = f"{stack.outputs['SiteUrl']}/?event=workshop"
        for address in (ada, eve):
            page.goto(form)
            page.get_by_label("Your name").fill("Ada Lovelace")
            page.get_by_label("E-mail address").fill(address)
            page.get_by_role("button", name="Register", exact=True).click()
            expect(page.get_by_role("heading", name="Registration successful!")).to_be_visible()
        page.goto(form)
        expect(page.get_by_role("heading", name="The workshop")).to_be_visible()
        expect(page.get_by_text("Fully booked", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Register", exact=True)).to_be_hidden()
    late = stack.request(ADA | {"eventid": "workshop", "cemail": "late@workshop.example"})

    seated = json.loads(run("registrations", "list", "workshop", "--stack", stack.name, "--json"))
    assert "?event=workshop" in told
    assert {(each["cemail"], each["status"]) for each in seated} == {(ada, "confirmed"), (eve, "confirmed")}
    assert [len(stack.mails(address)) for address in (ada, eve)] == [1, 1]
    assert (late[0], json.loads(late[2])["code"]) == (409, "event-full")


def _links(stack, address, count=1):
    """Return the links in the mails to *address*, at least *count*, and check that each is on the stack's own page."""
    links = [re.findall(r"https?://\S*#\S*", mail.text) for mail in stack.mails(address, count)]
    pages = {link.partition("#")[0] for found in links for link in found}
    assert pages == {f"{stack.outputs['SiteUrl']}/manage.html"}
    return [link for (link,) in links]


def _follow(stack, action, link):
    """Return status and body of what the page of *link* posts."""
    status, headers, body = stack.request({"token": link.partition("#")[2]}, path=f"/registrations/{action}")
    assert headers["Access-Control-Allow-Origin"] == stack.outputs["SiteUrl"]
    return status, json.loads(body)


@ONE_MODE
def test_a_link_from_the_mail_to_the_cancellation(stack, run):
    """The link in the mail shows the registration, and cancels it, once or twice; the organiser sees it cancelled."""
    address = "ada@links.example"
    stack.request(ADA | {"cemail": address})

    (link,) = _links(stack, address)
    seen = _follow(stack, "view", link)
    cancelled = [_follow(stack, "cancel", link) for _ in range(2)]
    after = _follow(stack, "view", link)

    shown = json.loads(run("registrations", "show", ADA["eventid"], address, "--stack", stack.name, "--json"))
    assert (seen[0], seen[1]["status"], seen[1]["cname"]) == (200, "confirmed", ADA["cname"])
    assert seen[1]["card"] == json.loads(stack.request(method="GET", path=f"/events/{ADA['eventid']}")[2])
    assert [(status, body["status"]) for status, body in (*cancelled, after)] == [(200, "cancelled")] * 3
    assert shown["status"] == "cancelled"


@ONE_MODE
def test_a_link_in_the_browser(stack, browser):
    """The page that the link leads to, opened under its own address, shows the registration and cancels it."""
    address = "ada@browser.example"
    stack.request(ADA | {"cemail": address})
    (link,) = _links(stack, address)

    with watched_page(browser) as page:
        page.goto(link)
        expect(page.get_by_role("heading", name=ADA["eventname"])).to_be_visible()
        shown = page.url
        page.get_by_role("button", name="Cancel my registration", exact=True).click()
        page.get_by_role("button", name="Yes, cancel it", exact=True).click()
        expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()

    assert shown == link.partition("#")[0]
    assert _follow(stack, "view", link)[1]["status"] == "cancelled"


@ONE_MODE
def test_a_cancellation_gives_the_seat_on(by_hand, run, tmp_path):
    """Who cancels by the link hands the seat to who waits, whose mail has a link of its own."""
    stack, file = by_hand, _event(tmp_path, "lunch", capacity=1, waitlist=True)
    ada, eve = (ADA | {"eventid": "lunch", "cemail": f"{name}@lunch.example"} for name in ("ada", "eve"))
    run("events", "create", file, "--stack", stack.name)
    for person in (ada, eve):
        stack.request(person)
    (to_ada,), (to_eve,) = (_links(stack, person["cemail"]) for person in (ada, eve))

    waiting = _follow(stack, "view", to_eve)[1]
    cancelled = _follow(stack, "cancel", to_ada)[1]
    promoted = _follow(stack, "view", to_eve)[1]

    assert (waiting["status"], waiting["position"]) == ("waitlisted", 1)
    assert cancelled["status"] == "cancelled"
    assert (promoted["status"], promoted["position"]) == ("confirmed", None)
    assert len(_links(stack, eve["cemail"], 2)) == 2


@ONE_MODE
@pytest.mark.parametrize("action", ["view", "cancel"])
def test_links_take_nothing_else(stack, action):
    """A token that nobody signed is refused readably for the page; a GET, as mail scanners make them, does nothing."""
    path = f"/registrations/{action}"

    forged = stack.request({"token": "v1.k1.W10.c2lnbmF0dXJl"}, path=path)
    asked = stack.request(method="OPTIONS", path=path)
    got = stack.request(method="GET", path=path)

    assert (forged[0], json.loads(forged[2])["code"]) == (404, "invalid-link")
    assert forged[1]["Access-Control-Allow-Origin"] == stack.outputs["SiteUrl"]
    assert (asked[0], asked[1]["Access-Control-Allow-Origin"]) == (204, stack.outputs["SiteUrl"])
    assert got[0] == 403


@OTHER_MODE
def test_open_events_have_no_links(stack):
    """Where any event is taken mails have no link, there is no key to pay for, and there is nothing to post to."""
    address = "ada@open.example"
    stack.request(ADA | {"cemail": address})

    status, _, body = stack.request({"token": "t"}, path="/registrations/view")

    (mail,) = stack.mails(address)
    assert "manage.html" not in mail.text + mail.html
    assert (status, json.loads(body)["code"]) == (404, "not-found")
    assert "LinkKeys" not in {**stack.resources, **stack.outputs}


@pytest.mark.unmeasured
@ONE_MODE
def test_a_link_outlives_one_rotation(stack, run):
    """A link outlives the key that follows its own, and ends with the next; a new mail's link has the newest key."""
    addresses = [f"{name}@rotation.example" for name in ("first", "second", "third")]

    followed = []
    for number, address in enumerate(addresses):
        stack.request(ADA | {"cemail": address})
        followed.append([_follow(stack, "view", *_links(stack, each))[0] for each in addresses[: number + 1]])
        run("rotate-keys", "--stack", stack.name, "--yes")
        # What is running remembers the keys for five minutes; another size starts it anew.
        run("deploy", "--stack", stack.name, "--memory", str(600 + number), "--yes")

    assert followed == [[200], [200, 200], [404, 200, 200]]
    ids = {link.split("#")[1].split(".")[1] for address in addresses for link in _links(stack, address)}
    assert ids == {"k1", "k2", "k3"}


@pytest.fixture
def by_hand(stack):
    """Return the stack without its schedule, to which the emulator keeps as well: it is the test who calls."""
    client, rule = stack.emulator.client("events"), stack.outputs["Schedule"]
    client.disable_rule(Name=rule)
    yield stack
    client.enable_rule(Name=rule)


@pytest.mark.unmeasured
@ONE_MODE
def test_a_seat_that_becomes_free(by_hand, run, tmp_path):
    """Whoever waits gets the seat of one whom the organiser has cancelled, and both hear of it."""
    stack, file = by_hand, _event(tmp_path, "dinner", capacity=1, waitlist=True)
    ada, eve = (ADA | {"eventid": "dinner", "cemail": f"{name}@dinner.example"} for name in ("ada", "eve"))

    run("events", "create", file, "--stack", stack.name)
    answers = [json.loads(stack.request(person)[2])["status"] for person in (ada, eve)]
    # What is not sent yet a newer mail takes the place of.
    for person in (ada, eve):
        stack.mails(person["cemail"])
    run("registrations", "cancel", "dinner", ada["cemail"], "--stack", stack.name, "--yes")
    counts = stack.settle()

    listed = json.loads(run("registrations", "list", "dinner", "--stack", stack.name, "--json"))
    assert answers == ["confirmed", "waitlisted"]
    assert {each["cemail"]: each["status"] for each in listed} == {
        ada["cemail"]: "cancelled",
        eve["cemail"]: "confirmed",
    }
    assert counts["events"] >= 1
    assert [len(stack.mails(person["cemail"], 2)) for person in (ada, eve)] == [2, 2]


@ONE_MODE
def test_the_schedule_may_do_what_it_does(by_hand, run, tmp_path):
    """The function hands on a seat by itself, with its own rights, if whoever freed it went no further."""
    stack, file = by_hand, _event(tmp_path, "supper", capacity=1, waitlist=True)
    ada, eve = (ADA | {"eventid": "supper", "cemail": f"{name}@supper.example"} for name in ("ada", "eve"))
    run("events", "create", file, "--stack", stack.name)
    for person in (ada, eve):
        stack.request(person)
    repository = DynamoDBEventRepository(stack.emulator.client("dynamodb"), stack.table)
    repository.cancel(repository.find("supper", ada["cemail"]), datetime.now(UTC))

    counts = stack.settle()

    assert counts["promoted"] == 1
    assert repository.find("supper", eve["cemail"]).status is Status.CONFIRMED


@ONE_MODE
def test_the_stream_has_mails_sent(by_hand):
    """What registers owes a mail, which the stream alone has the sender send, without a schedule, and mark."""
    stack, address = by_hand, "ada@stream.example"

    answer = stack.request(ADA | {"cemail": address})
    (mail,) = stack.mails(address)

    assert answer[0] == 201
    assert mail.sender == SENDER
    assert stack.mail_state(ADA["eventid"], address) == "sent"


@OTHER_MODE
def test_inline_the_answer_comes_after_the_mail(stack):
    """Inline there is no sender, and the mail is gone before the person is answered."""
    address = "ada@inline.example"

    stack.request(ADA | {"cemail": address})

    assert len(stack.mails(address, 0)) == 1
    assert stack.row(ADA["eventid"], address)["mail"] == "sent"
    assert {"SenderFunction", "SenderStream", "FailedMails", "Schedule"} & stack.resources.keys() == set()


@pytest.fixture
def outage(by_hand):
    """Return a mail service that is down, and that the sender uses until the end."""
    client, name = by_hand.emulator.client("lambda"), by_hand.outputs["SenderFunctionName"]
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    with MailService() as service:
        service.refusal = (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable")
        elsewhere = variables | {"AWS_ENDPOINT_URL_SESV2": service.url}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": elsewhere})
        yield service
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


@ONE_MODE
def test_a_mail_outlives_an_outage(by_hand, outage):
    """
    While SES fails registrations are taken and their mails wait; once it is healed the schedule sends each, once.

    The schedule is off here: the test lets the minute pass in the row and calls the sender as the rule does.
    """
    stack, addresses = by_hand, [f"{name}@outage.example" for name in ("ada", "eve")]

    answers = [stack.request(ADA | {"cemail": address})[0] for address in addresses]
    waiting = [stack.mail_state(ADA["eventid"], address) for address in addresses]
    down = stack.invoke("SenderFunctionName")
    outage.refusal = None
    for address in addresses:
        _let_a_minute_pass(stack, ADA["eventid"], address)
    healed = [stack.invoke("SenderFunctionName") for _ in range(2)]

    assert answers == [201, 201]
    assert waiting == ["retry", "retry"]
    assert down["sent"] == 0
    assert [counts["sent"] for counts in healed] == [2, 0]
    assert sorted(mail["Destination"]["ToAddresses"] for mail in outage.mails) == [[address] for address in addresses]
    assert [stack.mail_state(ADA["eventid"], address) for address in addresses] == ["sent", "sent"]


def _let_a_minute_pass(stack, eventid, address):
    """Leave a row as it is when the time has come to try its mail again."""
    row = stack.row(eventid, address)
    stack.emulator.client("dynamodb").update_item(
        TableName=stack.table,
        Key={name: {"S": row[name]} for name in ("eventid", "sk")},
        UpdateExpression="SET mail_at = :then",
        ConditionExpression="attribute_exists(outbox)",
        ExpressionAttributeValues={":then": {"S": "2026-01-01T00:00:00.000000Z"}},
    )


@ONE_MODE
def test_what_came_back_is_marked(stack, run, tmp_path):
    """
    A bounce of this stack's mail is taken by its rule, marked by the rule's function, and ends mails to the address.

    Nobody but SES may put such an event on the bus: the test asks EventBridge whether the deployed rule matches, and
    calls what the rule calls.
    """
    events, address = stack.emulator.client("events"), "ada@bounce.example"
    stack.request(ADA | {"cemail": address})
    stack.mails(address)
    ours, others = (
        _of_set(bounce(address, reference_of(ADA["eventid"], 1)), name)
        for name in (stack.outputs["ConfigurationSet"], "another")
    )

    pattern = events.describe_rule(Name=stack.outputs["Feedback"])["EventPattern"]
    matched = [
        events.test_event_pattern(EventPattern=pattern, Event=json.dumps(each))["Result"] for each in (ours, others)
    ]
    (target,) = events.list_targets_by_rule(Rule=stack.outputs["Feedback"])["Targets"]
    counts = stack.invoke("SenderFunctionName", json.dumps(ours))
    run("events", "create", _event(tmp_path, "after"), "--stack", stack.name)
    stack.request(ADA | {"cemail": address, "eventid": "after"})

    assert matched == [True, False]
    assert target["Arn"].endswith(f":function:{stack.outputs['SenderFunctionName']}")
    assert counts == {"returned": 1, "outcome": "bounced"}
    assert stack.mail_state(ADA["eventid"], address) == "bounced"
    assert stack.mail_state("after", address) == "failed"
    assert len(stack.mails(address)) == 1


def _of_set(event, name):
    """Return SES's *event* as of a mail that was sent with the configuration set *name*."""
    event["detail"]["mail"]["tags"]["ses:configuration-set"] = [name]
    return event


@pytest.mark.unmeasured
@ONE_MODE
def test_between_the_modes_nothing_is_lost(stack, run):
    """Inline and back again every mail is sent, by whoever sends then; what is still due is sent by the other one."""
    addresses = [f"{name}@modes.example" for name in ("due", "inline", "outbox")]
    mapping = {"UUID": stack.outputs["SenderStream"], "Enabled": False}
    stack.emulator.client("lambda").update_event_source_mapping(**mapping)
    stack.emulator.client("events").disable_rule(Name=stack.outputs["Schedule"])
    stack.request(ADA | {"cemail": addresses[0]})

    inline = run("deploy", "--stack", stack.name, "--confirmation", "inline", "--yes")
    alone = stack.resources
    stack.let_send()
    stack.request(ADA | {"cemail": addresses[1]})
    at_once = len(stack.mails(addresses[1], 0))
    swept = stack.settle()
    run("deploy", "--stack", stack.name, "--confirmation", "outbox", "--yes")
    stack.let_send()
    stack.request(ADA | {"cemail": addresses[2]})

    assert "A function of its own loses none" in inline
    assert {"SenderFunction", "SenderRole", "SenderStream", "FailedMails"} & alone.keys() == set()
    assert at_once == 1
    assert swept["sent"] >= 1
    assert [len(stack.mails(address)) for address in addresses] == [1, 1, 1]


@ONE_MODE
def test_serves_cards(stack):
    """The card of an event can be read by the stack's own site; an event that nobody set up has none."""
    found = stack.request(method="GET", path=f"/events/{ADA['eventid']}")
    missing = stack.request(method="GET", path="/events/other")

    assert (found[0], found[1]["Access-Control-Allow-Origin"]) == (200, stack.outputs["SiteUrl"])
    assert json.loads(found[2])["eventname"] == ADA["eventname"]
    assert (missing[0], json.loads(missing[2])["code"]) == (404, "unknown-event")


@OTHER_MODE
def test_open_events_have_no_cards(stack):
    """Where any event is taken there is nothing to show, and no schedule."""
    status, _, body = stack.request(method="GET", path=f"/events/{ADA['eventid']}")

    assert (status, json.loads(body)["code"]) == (404, "not-found")
    assert "Schedule" not in stack.resources


def test_says_where_the_form_is(stack):
    """At its end deploy names the form, and of managed events the one that it has set up."""
    site = stack.outputs["SiteUrl"]

    (line,) = (line for line in stack.printed.splitlines() if line.startswith("Ready."))

    assert line == f"Ready. The form:  {f'{site}/?event=devconf-2026' if stack.is_managed else site}"
    assert ("Event devconf-2026 is set up" in stack.printed) is stack.is_managed


@ONE_MODE
def test_an_event_that_is_there_stays(stack, run, tmp_path):
    """Deployed again with its event, a stack keeps it as it is and says so; without one it says how to set one up."""
    file = _event(tmp_path, ADA["eventid"], eventname="Another name")
    options = f"--stack {stack.name} --region eu-west-1"

    again = run("deploy", "--stack", stack.name, "--event", file, "--yes")
    without = run("deploy", "--stack", stack.name, "--yes")

    card = json.loads(stack.request(method="GET", path=f"/events/{ADA['eventid']}")[2])
    assert "Event devconf-2026 was there already and is as it was. Look at it: event-registration events show" in again
    assert f"Set up EVENT, an event of yours: event-registration events create event.json {options}" in without
    assert f"The form:  {stack.outputs['SiteUrl']}/?event=EVENT" in without
    assert card["eventname"] == ADA["eventname"]


@ONE_MODE
def test_an_event_that_can_not_be_set_up_undoes_nothing(stack, run, tmp_path):
    """If the table refuses the event the command fails, after it has said where the form is."""
    earlier = make_registration(event_id="earlier", attendee_email="ada@earlier.example")
    DynamoDBRepository(stack.emulator.client("dynamodb"), stack.table).add(earlier)

    printed = run(
        "deploy", "--stack", stack.name, "--event", _event(tmp_path, "earlier", capacity=1), "--yes", fails=True
    )

    assert "Ready. The form:" in printed
    assert printed.splitlines()[-1].startswith("Error: People have registered under this id")


@OTHER_MODE
def test_an_open_stack_takes_no_file(stack, run, tmp_path):
    """An event for a stack that has no catalogue is refused before anything is changed, and nothing is left behind."""
    printed = run("deploy", "--stack", stack.name, "--event", _event(tmp_path, "e"), "--memory", "1024", fails=2)

    changes = stack.emulator.client("cloudformation").list_change_sets(StackName=stack.name)["Summaries"]
    assert "Say --events managed as well." in printed
    assert not [change for change in changes if change["ExecutionStatus"] == "AVAILABLE"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"capacity": 0}, "capacity: This must be a whole number from 1"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone: There is no time zone of this name"),
        ({"starts_at": "2020-05-01 09:00", "ends_at": "2020-05-01 17:00"}, "ends_at: This is over already"),
    ],
)
def test_a_wrong_event_ends_the_deployment(run, emulator, tmp_path, fields, sentence):
    """What can't be set up is refused before anything is deployed, by its field."""
    printed = run(
        "deploy", "--stack", "new", "--sender", SENDER, "--event", _event(tmp_path, "e", **fields), fails=True
    )

    stacks = emulator.client("cloudformation").describe_stacks()["Stacks"]
    assert sentence in printed
    assert "new" not in {stack["StackName"] for stack in stacks}


@ONE_MODE
def test_answers_a_preflight(stack):
    """A browser that asks first is allowed to post from the stack's own site, and from no other."""
    own = stack.request(method="OPTIONS")
    other = stack.request(method="OPTIONS", Origin="https://elsewhere.example")

    assert (own[0], own[1]["Access-Control-Allow-Origin"]) == (204, stack.outputs["SiteUrl"])
    assert own[1]["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert (other[0], other[1]["Access-Control-Allow-Origin"]) == (204, None)


@ONE_MODE
def test_refuses_a_bad_body(stack):
    """A body that is no registration is refused readably for the page, and nothing is stored."""
    before = stack.rows()

    status, headers, body = stack.request(ADA | {"cemail": "nobody"})

    assert (status, headers["Access-Control-Allow-Origin"]) == (422, stack.outputs["SiteUrl"])
    assert [error["field"] for error in json.loads(body)["errors"]] == ["cemail"]
    assert stack.rows() == before


@ONE_MODE
def test_gateway_refuses_readably(stack):
    """What API Gateway refuses by itself the page can read, too: its answer allows the same origin."""
    status, headers, _ = stack.request(ADA, method="DELETE")

    assert (status, headers["Access-Control-Allow-Origin"]) == (403, stack.outputs["SiteUrl"])


@ONE_MODE
def test_logs_hold_no_personal_data(stack):
    """The functions' log groups have the lines of a registration and its mail, without name and address."""
    address = f"grace@{stack.name}.example"

    stack.request(ADA | {"cname": "Grace Hopper", "cemail": address})

    stack.mails(address)
    requests, sender = (_log(stack, f"/event-registration/{stack.name}/{name}") for name in ("function", "sender"))
    lines = [*requests, *sender]
    assert any('"outcome": "registered"' in line for line in requests)
    assert any('"sent": 1' in line for line in sender)
    assert not any("Grace" in line or address in line or attendee_digest(address) in line for line in lines)


def _log(stack, group):
    pages = stack.emulator.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return [event["message"] for page in pages for event in page["events"]]


@pytest.mark.unmeasured
@ONE_MODE
def test_an_update_keeps_what_it_does_not_name(stack, run):
    """A changed parameter is shown and changed; rows and all other parameters stay; the same again changes nothing."""
    stack.request(ADA)
    before, outputs = stack.rows(), stack.outputs

    printed = run("deploy", "--stack", stack.name, "--memory", "1024", "--parameter", "LogRetentionDays=7", "--yes")
    again = run("deploy", "--stack", stack.name, "--yes")

    function = stack.emulator.client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
    assert "MemoryMegabytes = 1024" in printed
    assert "LogRetentionDays = 7" in printed
    assert "SenderAddress" not in printed
    assert "The stack is as it should be." in again
    assert function["MemorySize"] == 1024
    assert (stack.rows(), stack.outputs) == (before, outputs)


@pytest.mark.unmeasured
def test_a_new_origin_is_served(stack, run):
    """Another allowed origin holds for the gateway's own answers at once, and back again."""
    run("deploy", "--stack", stack.name, "--allowed-origin", "https://events.example.org", "--yes")
    changed = stack.request(ADA, method="DELETE")

    run("deploy", "--stack", stack.name, "--allowed-origin", "", "--yes")
    back = stack.request(ADA, method="DELETE")

    assert changed[1]["Access-Control-Allow-Origin"] == "https://events.example.org"
    assert back[1]["Access-Control-Allow-Origin"] == stack.outputs["SiteUrl"]


@ONE_MODE
def test_a_dry_run_changes_nothing(stack, run):
    """A dry run shows the change and leaves the stack as it was."""
    before = stack.emulator.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"]

    printed = run("deploy", "--stack", stack.name, "--memory", "2048", "--dry-run")

    assert "MemoryMegabytes = 2048" in printed
    assert "nothing was changed" in printed
    assert stack.emulator.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"] == before


def test_destroy_keeps_the_table_and_deploy_finds_it(stack, run):
    """The registrations outlive the stack, and the next one has them, with the same stream."""
    stack.request(ADA)
    before, stream = stack.rows(), stack.outputs["TableStreamArn"]

    destroyed = run("destroy", "--stack", stack.name, "--yes")
    between = stack.rows()
    printed = run(*stack.deploy, "--yes")

    assert f"Table {stack.table} is kept" in destroyed
    assert f"Table {stack.table} is there already" in printed
    assert between == before != {}
    assert (stack.rows(), stack.outputs["TableStreamArn"]) == (before, stream)
    assert stack.request(ADA)[0] == 201
    assert stack.rows() == before


@ONE_MODE
def test_takes_over_a_restored_table(stack, run):
    """A table restored beside the first one is taken over with what it lacks, and the first one is kept as it is."""
    stack.request(ADA)
    client = stack.emulator.client("dynamodb")
    before, restored = stack.rows(), f"{stack.table}-restored"
    # A restore brings keys and rows, and neither stream nor expiry, recovery and protection; an old one had no index.
    client.create_table(
        TableName=restored,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "eventid", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("eventid", "sk")],
    )
    for item in client.scan(TableName=stack.table)["Items"]:
        client.put_item(TableName=restored, Item=item)

    printed = run("deploy", "--stack", stack.name, "--table", restored, "--yes")
    answer = stack.request(ADA)
    run("deploy", "--stack", stack.name, "--table", stack.table, "--yes")

    table = client.describe_table(TableName=restored)["Table"]
    backups = client.describe_continuous_backups(TableName=restored)["ContinuousBackupsDescription"]
    assert f"Table {restored} is there already" in printed
    assert answer[0] == 201
    assert stack.rows(restored) == before
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["DeletionProtectionEnabled"]
    assert [index["IndexStatus"] for index in table["GlobalSecondaryIndexes"]] == ["ACTIVE"]
    assert client.describe_time_to_live(TableName=restored)["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert (stack.rows(), stack.outputs["TableName"]) == (before, stack.table)


@ONE_MODE
def test_a_refusal_is_no_answer(stack, run):
    """Whoever doesn't confirm changes nothing, and leaves no proposal behind."""
    printed = run("deploy", "--stack", stack.name, "--memory", "2048", answers="n\n", fails=True)

    changes = stack.emulator.client("cloudformation").list_change_sets(StackName=stack.name)["Summaries"]
    assert "Carry this out?" in printed
    assert not [change for change in changes if change["ExecutionStatus"] == "AVAILABLE"]


@pytest.fixture
def healthy(stack, run):
    """Return a stack with all that its operator and the emulator's gaps owe it."""
    sns, dynamodb = stack.emulator.client("sns"), stack.emulator.client("dynamodb")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="operator@example.org")
    dynamodb.update_time_to_live(
        TableName=stack.table, TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True}
    )
    dynamodb.update_continuous_backups(
        TableName=stack.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    run("deploy", "--stack", stack.name, "--alarm-topic", topic, "--yes")
    role = stack.emulator.client("apigateway").get_account()["cloudwatchRoleArn"]
    yield stack
    stack.emulator.client("sesv2").put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.org", ProductionAccessEnabled=True
    )
    stack.emulator.client("apigateway").update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
    )


def _findings(run, stack, *, fails):
    findings = json.loads(run("doctor", "--stack", stack.name, "--json", fails=fails))
    return {finding["check"] for finding in findings if finding["severity"] == "problem"}


@pytest.mark.unmeasured
def test_doctor_finds_a_deployed_stack_well(healthy, run):
    """Of a stack that our own command deployed doctor has nothing to mend, in either hosting mode."""
    problems = _findings(run, healthy, fails=False)

    assert problems == set()


@pytest.mark.unmeasured
@ONE_MODE
def test_doctor_names_what_was_broken(healthy, run):
    """A dozen things are broken behind the stack's back, and doctor names the dozen."""
    client, outputs = healthy.emulator.client, healthy.outputs
    alarm = client("cloudwatch").describe_alarms(AlarmNames=[healthy.resources["ApiErrorsAlarm"]])["MetricAlarms"][0]
    kept = ("AlarmName", "Namespace", "MetricName", "Statistic", "Period", "EvaluationPeriods", "Threshold")

    client("sesv2").put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.org", ProductionAccessEnabled=False
    )
    client("dynamodb").update_time_to_live(
        TableName=healthy.table, TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": False}
    )
    client("dynamodb").update_continuous_backups(
        TableName=healthy.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    client("lambda").update_function_configuration(
        FunctionName=outputs["FunctionName"],
        Environment={"Variables": {"EVENT_REGISTRATION_ALLOWED_ORIGINS": "https://evil.example"}},
    )
    client("cloudwatch").put_metric_alarm(
        **{name: alarm[name] for name in kept}, ComparisonOperator="GreaterThanOrEqualToThreshold", AlarmActions=[]
    )
    for rule in ("Schedule", "Feedback"):
        client("events").disable_rule(Name=outputs[rule])
    client("lambda").update_event_source_mapping(UUID=outputs["SenderStream"], Enabled=False)
    client("apigateway").update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}])
    problems = _findings(run, healthy, fails=True)

    assert problems == {
        "ses-sandbox",
        "table-ttl",
        "table-recovery",
        "events-mode",
        "schedule",
        "link-function",
        "confirmation",
        "sender-stream",
        "feedback",
        "cors-origin",
        "alarms",
        "api-logging-role",
    }


@ONE_MODE
def test_destroy_asks(stack, run):
    """A stack is deleted only if somebody says yes."""
    run("destroy", "--stack", stack.name, answers="n\n", fails=True)

    assert stack.outputs


@ONE_MODE
def test_destroy_asks_twice_for_the_table(stack, run):
    """A table is deleted only if its name is typed as well; another name stops everything."""
    printed = run("destroy", "--stack", stack.name, "--yes", "--delete-table", answers="other\n", fails=True)

    assert "'other' is not the table's name. Nothing was deleted." in printed
    assert stack.outputs


@pytest.mark.unmeasured
def test_updates_a_stack_that_was_made_by_hand(run, emulator):
    """A stack from the bare template is updated like our own, and keeps its table."""
    client = emulator.client("cloudformation")
    parameters = {"CodeBucket": "some", "CodeKey": "any", "SenderAddress": "a@example.org", "TableName": "by-hand"}
    client.create_stack(
        StackName="by-hand",
        TemplateBody=template_file().read_text(),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    client.get_waiter("stack_create_complete").wait(StackName="by-hand", WaiterConfig={"Delay": 1})
    emulator.client("dynamodb").put_item(TableName="by-hand", Item={"eventid": {"S": "e"}, "sk": {"S": "EVENT"}})

    printed = run("deploy", "--stack", "by-hand", "--bucket", "packages", "--yes")

    resources = client.describe_stack_resources(StackName="by-hand")["StackResources"]
    tables = [each["LogicalResourceId"] for each in resources if each["ResourceType"] == "AWS::DynamoDB::Table"]
    assert "Import" not in printed
    assert tables == ["RegistrationTable"]
    assert emulator.client("dynamodb").scan(TableName="by-hand")["Count"] == 1
    run("destroy", "--stack", "by-hand", "--yes", "--delete-table", "--confirm-table", "by-hand")


@pytest.mark.unmeasured
def test_a_stack_from_before_the_choice_stays_open(run, emulator):
    """A stack whose template knew of no catalogue and no outbox goes on as it is, until its operator says otherwise."""
    client = emulator.client("cloudformation")
    parameters = {"CodeBucket": "some", "CodeKey": "any", "SenderAddress": "a@example.org", "TableName": "of-old"}
    client.create_stack(
        StackName="of-old",
        TemplateBody=json.dumps(_without_the_choice(template.load()), default=str),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    stack = Deployed("of-old", "of-old", "CloudFront", emulator)
    before = stack.resources

    printed = run("deploy", "--stack", "of-old", "--bucket", "packages", "--yes")
    added = {"Schedule", "LinkKeys", "SenderFunction"}
    kept = (stack.outputs["Events"], stack.outputs["Confirmation"], added & stack.resources.keys(), stack.config)
    (index,) = emulator.client("dynamodb").describe_table(TableName="of-old")["Table"]["GlobalSecondaryIndexes"]
    run("deploy", "--stack", "of-old", "--events", "managed", "--confirmation", "outbox", "--yes")
    changed = (stack.outputs["Events"], stack.outputs["Confirmation"], added & stack.resources.keys(), stack.config)

    assert "Schedule" not in before
    assert "Events = open" in printed
    assert "EVENT" not in printed
    assert "Confirmation = inline" in printed
    assert kept[:3] == ("open", "inline", set())
    assert "managed = false" in kept[3]
    assert (index["IndexName"], index["IndexStatus"]) == ("outbox", "ACTIVE")
    assert changed[:3] == ("managed", "outbox", added)
    assert "managed = true" in changed[3]
    run("destroy", "--stack", "of-old", "--yes", "--delete-table", "--confirm-table", "of-old")


# What the first template had no name for, and what it did in its place; a part without a name was not there.
BEFORE = {"Events": "open", "Confirmation": "inline", "MailsPerDay": None, "GlobalSecondaryIndexes": None}


def _without_the_choice(value):
    """Return the template, or a part of it, as it was when all events were open and all mail was inline."""
    if isinstance(value, list):
        parts = [_without_the_choice(each) for each in value]
        return [each for each in parts if not isinstance(each, dict) or each.get("AttributeName") not in INDEXED]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Ref"} and value["Ref"] in BEFORE:
        return BEFORE[value["Ref"]] or {"Ref": "AWS::NoValue"}
    return {name: _without_the_choice(each) for name, each in value.items() if name not in BEFORE}


def test_a_first_deployment_needs_a_sender(run):
    """What is missing is asked for before anything is made."""
    printed = run("deploy", "--stack", "new", fails=True)

    assert "needs --sender" in printed


def test_wrong_options_are_named_together(run):
    """Every option that the function would refuse is refused here, by its name."""
    printed = run(
        "deploy", "--stack", "new", "--sender", "nobody", "--allowed-origin", "https://a.example/", fails=True
    )

    assert "--sender must be an address" in printed
    assert "--allowed-origin must be exact origins" in printed


@pytest.mark.parametrize("pair", ["Nothing", "CodeKey=mine"])
def test_parameters_are_pairs(run, pair):
    """A parameter without a value, or one that the command sets itself, is refused."""
    with pytest.raises(AssertionError, match="Invalid value for '--parameter'"):
        run("deploy", "--stack", "new", "--parameter", pair, fails=True)


@pytest.mark.parametrize(
    "keys",
    [{"eventid": ("HASH", "S")}, {"eventid": ("HASH", "S"), "sk": ("RANGE", "N")}],
    ids=["tutorial", "numbers"],
)
def test_refuses_a_table_of_another_layout(run, emulator, keys):
    """A table with other keys, such as eventid alone as in tutorials, is not taken over, and stays untouched."""
    client = emulator.client("dynamodb")
    client.create_table(
        TableName="tutorial",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, (kind, _) in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": type_} for name, (_, type_) in keys.items()],
    )

    printed = run("deploy", "--stack", "new", "--sender", SENDER, "--table", "tutorial", "--yes", fails=True)

    assert "Choose another name with --table" in printed
    assert len(client.describe_table(TableName="tutorial")["Table"]["KeySchema"]) == len(keys)
    client.delete_table(TableName="tutorial")


@pytest.fixture
def foreign(emulator):
    """Return the name of a stack of somebody else's, whose bucket is called as ours."""
    client = emulator.client("cloudformation")
    resources = {"SiteBucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "foreign-bucket"}}}
    client.create_stack(StackName="foreign", TemplateBody=json.dumps({"Resources": resources}))
    emulator.client("s3").put_object(Bucket="foreign-bucket", Key="precious", Body=b"1")
    yield "foreign"
    client.delete_stack(StackName="foreign")


def test_leaves_other_stacks_alone(run, emulator, foreign):
    """A stack that wasn't made from our template is neither changed nor deleted, and nothing in it is."""
    deployed = run("deploy", "--stack", foreign, "--sender", SENDER, "--yes", fails=True)
    destroyed = run("destroy", "--stack", foreign, "--yes", fails=True)

    assert "was not made from this template" in deployed
    assert "was not made from this template" in destroyed
    assert emulator.client("s3").get_object(Bucket="foreign-bucket", Key="precious")["Body"].read() == b"1"


def test_destroys_what_a_failed_deployment_left(run, emulator):
    """A stack whose creation was undone is what destroy is for; the table that it made stays."""
    client = emulator.client("cloudformation")
    broken = """
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Call:
    Type: AWS::CloudFormation::WaitCondition
    DependsOn: RegistrationTable
    Properties: {Handle: !Ref Handle, Timeout: "1", Count: 1}
"""
    parameters = {"CodeBucket": "some", "CodeKey": "any", "SenderAddress": "a@example.org", "TableName": "failed"}
    client.create_stack(
        StackName="failed",
        TemplateBody=template_file().read_text().replace("\nOutputs:", f"{broken}\nOutputs:"),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    with pytest.raises(WaiterError):
        client.get_waiter("stack_create_complete").wait(StackName="failed", WaiterConfig={"Delay": 1})

    told = run("deploy", "--stack", "failed", "--yes", fails=True)
    destroyed = run("destroy", "--stack", "failed", "--yes")

    assert "Remove what is left with destroy" in told
    assert "is kept" not in destroyed
    assert emulator.client("dynamodb").describe_table(TableName="failed")
    assert "failed" not in {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}


def test_destroys_a_mere_proposal(run, emulator):
    """What a killed deployment left of a new stack goes, too."""
    client = emulator.client("cloudformation")
    client.create_change_set(
        StackName="proposed",
        ChangeSetName="proposal",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}),
    )

    with_table = run("destroy", "--stack", "proposed", "--yes", "--delete-table", fails=True)
    run("destroy", "--stack", "proposed", answers="y\n")

    assert "This stack has no table any more." in with_table
    assert "proposed" not in {stack["StackName"] for stack in client.describe_stacks()["Stacks"]}


@ONE_MODE
def test_destroy_touches_nothing_that_is_protected(stack, run):
    """A stack that CloudFormation wouldn't delete keeps its form."""
    client = stack.emulator.client("cloudformation")
    client.update_termination_protection(StackName=stack.name, EnableTerminationProtection=True)

    printed = run("destroy", "--stack", stack.name, "--yes", fails=True)

    client.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    assert "is protected" in printed
    assert stack.emulator.client("s3").list_objects_v2(Bucket=stack.outputs["SiteBucket"])["KeyCount"] > 0


# In the other mode the bucket speaks TLS only, and the emulator doesn't.
@pytest.mark.parametrize("stack", ["S3Website"], indirect=True)
def test_says_what_has_become_of_the_form(stack, run):
    """If the stack can't be deleted after all, it is said that the form is gone, and deploy brings it back."""
    iam = stack.emulator.client("iam")
    iam.create_user(UserName="careful")
    statements = [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "cloudformation:DeleteStack", "Resource": "*"},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName="careful", PolicyName="all-but", PolicyDocument=policy)
    key = iam.create_access_key(UserName="careful")["AccessKey"]
    credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    printed = run("destroy", "--stack", stack.name, "--yes", fails=True, **credentials)
    run("deploy", "--stack", stack.name, "--yes")

    assert "may not do DeleteStack" in printed
    assert "Run destroy again to go on, or deploy to bring it back." in printed
    assert stack.emulator.client("s3").list_objects_v2(Bucket=stack.outputs["SiteBucket"])["KeyCount"] > 0


@ONE_MODE
def test_nobody_to_ask_is_a_no(stack, run):
    """Without a terminal and without --yes nothing is changed, and no proposal is left."""
    run("deploy", "--stack", stack.name, "--memory", "2048", answers="", fails=True)

    changes = stack.emulator.client("cloudformation").list_change_sets(StackName=stack.name)["Summaries"]
    assert not [change for change in changes if change["ExecutionStatus"] == "AVAILABLE"]


@pytest.mark.parametrize("name", ["[/x]", "a b", "1st", "a" * 129])
def test_stacks_have_names(run, name):
    """A name that CloudFormation would refuse is refused first, with what a name is."""
    with pytest.raises(AssertionError, match="a stack's name is a letter"):
        run("deploy", "--stack", name, fails=True)


def test_options_are_given_once(run):
    """An option and a parameter that say the same are one too many."""
    with pytest.raises(AssertionError, match="MemoryMegabytes: given as an option and as --parameter"):
        run("deploy", "--stack", "new", "--memory", "512", "--parameter", "MemoryMegabytes=256", fails=True)
    with pytest.raises(AssertionError, match="SenderName: given as an option and as --parameter"):
        run("deploy", "--stack", "new", "--sender", "a@example.org", "--parameter", "SenderName=A", fails=True)


def test_there_is_nothing_to_destroy(run):
    """A stack that isn't there can't be destroyed, and the account is named."""
    printed = run("destroy", "--stack", "none", "--yes", fails=True)

    assert "There is no stack 'none' in eu-west-1 of account 000000000000." in printed
