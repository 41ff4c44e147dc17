"""A module imports only from rows above its own."""

import ast
from pathlib import Path

from rows import each

import event_registration

PACKAGE = Path(event_registration.__file__).parent
ROWS = [
    {"errors", "attachment", "clock", "replacing", "rules", "pattern_parts", "schedule", "mailserver"},
    {"answers", "patterns", "pacing", "mail", "message", "zones", "language_files"},
    {"model", "questions", "question_schema", "allowance", "templates", "assets", "languages"},
    {"event", "wire"},
    {"listing", "retries", "headers"},
    {"ports", "outbox", "wire_events", "confirmation", "calendar", "body", "responses", "links"},
    {"delivery", "catalogue", "arrivals", "export", "feedback", "samples"},
    {"service", "composing", "queues", "relay"},
    {"managed", "organiser"},
    {"self_service", "mails"},
    {"api", "settings", "aws.transport"},
    {
        "aws.items",
        "aws.patience",
        "aws.payloads",
        "aws.returned",
        "aws.failures",
        "aws.logs",
        "aws.clients",
        "local.mime",
    },
    {"aws.table", "aws.rows", "aws.seatmap", "local.layout"},
    {"aws.ledger", "local.database"},
    {
        "aws.dynamodb",
        "aws.seats",
        "aws.catalogue",
        "aws.outbox",
        "aws.ses",
        "aws.keys",
        "local.sqlite",
        "local.mailbox",
        "local.smtp",
        "local.keys",
    },
    {"aws.settling", "aws.telling", "local.inbox", "local.events", "local.outbox"},
    {"aws.admission"},
    {"aws.events"},
    {"aws", "local"},
    {"aws.sending", "aws.wiring", "local.demo", "local.worker"},
    {"local.reception"},
    {"aws.handler", "aws.stream", "local.server"},
    {"deployment", "deployment.models"},
    {"deployment.contents"},
    {"deployment.package", "deployment.account", "deployment.template", "deployment.events"},
    {
        "deployment.changes",
        "deployment.site",
        "deployment.storage",
        "deployment.table",
        "deployment.keys",
        "deployment.diagnosis",
    },
    {"deployment.stack"},
    {
        "deployment.deploy",
        "deployment.checks_of_events",
        "deployment.checks_of_links",
        "deployment.checks_of_mail",
        "deployment.checks_of_outbox",
        "deployment.checks_of_table",
    },
    {"deployment.checks"},
    {"deployment.doctor"},
    {"cli.options", "cli.progress", "cli.files"},
    {"cli.documents", "cli.store", "cli.serve"},
    {"cli.completion", "cli.shown", "cli.publishing"},
    {"cli.templates"},
    {
        *("cli.package", "cli.deploy", "cli.destroy", "cli.doctor", "cli.events", "cli.export", "cli.registrations"),
        *("cli.mail", "cli.rotate_keys"),
    },
    {"cli"},
    {
        "__init__",
        "__main__",
        "testing",
        "testing.admission_contracts",
        "testing.allowance_contracts",
        "testing.catalogue_contracts",
        "testing.conflicts",
        "testing.contracts",
        "testing.doubles",
        "testing.event_contracts",
        "testing.faults",
        "testing.guests",
        "testing.leaving_contracts",
        "testing.link_contracts",
        "testing.outbox_contracts",
        "testing.queue_contracts",
        "testing.resizing_contracts",
        "testing.telling_contracts",
    },
]
ADAPTERS = {
    *(
        "aws.items",
        "aws.patience",
        "aws.table",
        "aws.dynamodb",
        "aws.ses",
        "aws.ledger",
        "aws.seatmap",
        "aws.seats",
        "aws.catalogue",
    ),
    *(
        "aws.settling",
        "aws.admission",
        "aws.events",
        "aws.failures",
        "aws.keys",
        "aws.rows",
        "aws.outbox",
        "aws.telling",
    ),
    *("local.database", "local.layout", "local.sqlite", "local.events", "local.outbox"),
    *("local.mailbox", "local.inbox", "local.keys", "local.mime", "local.smtp"),
}
NOT_FOR_ADAPTERS = {
    *("service", "managed", "organiser", "delivery", "relay", "queues", "composing", "feedback"),
    *("catalogue", "api", "settings"),
}
COMPOSITION_ROOTS = {"aws.handler", "aws.stream", "local.server"}


def _name(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__" or len(parts) == 1)


MODULES = {_name(path): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
RANK = {name: rank for rank, row in enumerate(ROWS) for name in row}


def _imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name.removeprefix("event_registration.") in RANK else node.module for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _own_imports(name):
    for imported in _imports(MODULES[name]):
        if imported.split(".")[0] == "event_registration":
            yield imported.removeprefix("event_registration.") if "." in imported else "__init__"


def test_every_module_has_a_row():
    """The rows name every module there is and no other."""
    assert set(RANK) == set(MODULES)


@each("name", sorted(MODULES))
def test_imports_from_rows_above(name):
    """No module imports from its own row or one below."""
    allowed = "testing" if name.startswith("testing") else None

    wrong = [
        each for each in _own_imports(name) if RANK[each] >= RANK[name] and not (allowed and each.startswith(allowed))
    ]

    assert wrong == []


@each("name", sorted(ADAPTERS))
def test_adapters_know_no_service(name):
    """An adapter fills a port: it imports neither service, API nor settings, and not the other side's adapters."""
    other = "local" if name.startswith("aws") else "aws"

    wrong = [each for each in _own_imports(name) if each in NOT_FOR_ADAPTERS or each.split(".")[0] == other]

    assert wrong == []


@each("name", sorted(set(MODULES) - COMPOSITION_ROOTS))
def test_only_composition_roots_read_the_environment(name):
    """`os.environ` and `os.getenv` stand in the composition roots alone."""
    names = {node.attr for node in ast.walk(MODULES[name]) if isinstance(node, ast.Attribute)}

    assert not names & {"environ", "getenv"}


@each("name", sorted(MODULES))
def test_every_module_says_its_idea(name):
    """Every module begins with a docstring."""
    assert ast.get_docstring(MODULES[name])
