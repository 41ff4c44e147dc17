"""The site's files in all languages, a team's own among them, and words for whatever the API answers."""

import ast
import json
import re
from http import HTTPStatus
from pathlib import Path

import pytest

import event_registration
from event_registration import errors
from event_registration.answers import ANSWER_MESSAGES
from event_registration.assets import languages_folder, site_files, site_folder, template_file
from event_registration.errors import LanguageError
from event_registration.responses import _PROBLEMS
from event_registration.rules import PROBLEM_MESSAGES

OURS = ["en", "ar", "de", "es"]
ENGLISH = json.loads((languages_folder() / "en.json").read_text("utf-8"))
FRENCH = {"name": "Français", "direction": "ltr", "site": ENGLISH["site"]}
PACKAGE = Path(event_registration.__file__).parent


@pytest.fixture
def team(tmp_path):
    """Return a function that writes a team's file of a language and returns the team's folder."""

    def write(name, document):
        folder = tmp_path / "languages"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
        return tmp_path

    return write


def _published(folder=None):
    """Return the languages that the configuration names, and what browsers get of each."""
    files = {file.key: file for file in site_files("", managed=False, folder=folder)}
    named = json.loads(re.search(r"languages = (.*);", files["config.mjs"].body.decode())[1])
    return named, {code: json.loads(files[f"languages/{code}.json"].body) for code in named}


def test_the_site_is_published_in_our_languages():
    """Browsers are told of each language by its own name, English first, and get what the site says in it."""
    named, languages = _published()

    assert list(named) == OURS
    assert named["ar"] == "العربية"
    for code, language in languages.items():
        document = json.loads((languages_folder() / f"{code}.json").read_text("utf-8"))
        assert language == {
            "name": document["name"],
            "direction": document["direction"],
            "texts": document["site"],
        }


def test_languages_are_there_before_the_pages():
    """The languages are JSON, as long as they need be, and whoever loads a page finds them."""
    files = site_files("", managed=False)

    assert [file.key for file in files[: len(OURS)]] == [f"languages/{code}.json" for code in OURS]
    assert {file.content_type for file in files[: len(OURS)]} == {"application/json"}
    assert len(files) == len(OURS) + len(list(site_folder().iterdir()))


def test_a_folder_without_languages_changes_nothing(tmp_path):
    """A team may have templates alone, or nothing yet."""
    assert site_files("", managed=True, folder=tmp_path) == site_files("", managed=True)


def test_a_team_adds_a_language(team):
    """One file adds a language, at the others' end, and changes none."""
    named, languages = _published(team("fr.json", FRENCH))

    assert list(named) == [*OURS, "fr"]
    assert languages["fr"] == {"name": "Français", "direction": "ltr", "texts": ENGLISH["site"]}
    assert {code: languages[code] for code in OURS} == _published()[1]


@pytest.mark.parametrize("code", ["en", "de"])
def test_a_team_says_something_otherwise(team, code):
    """A file for a language of ours has what is said otherwise, and nothing else."""
    theirs = {"name": "Ours", "site": {"form": {"register": "Go"}, "questions": {"options": {"other": "{count}!"}}}}

    named, languages = _published(team(f"{code}.json", theirs))

    texts = _published()[1][code]["texts"]
    texts["form"]["register"] = "Go"
    texts["questions"]["options"] = {"other": "{count}!"}
    assert (named[code], languages[code]["texts"]) == ("Ours", texts)


def test_a_team_may_change_what_mails_say_alone(team):
    """What isn't about the site is none of its business."""
    named, languages = _published(team("de.json", {"mail": {"yes": "Jawohl"}}))

    assert (named, languages) == _published()


def _without(*keys):
    site = json.loads(json.dumps(ENGLISH["site"]))
    for key in keys:
        *topics, name = key.split(".")
        topic = site
        for each in topics:
            topic = topic[each]
        del topic[name]
    return FRENCH | {"site": site}


WRONG = {
    "incomplete": (
        "fr.json",
        _without("form.register", "success"),
        r"missing: site\.form\.register, site\.success\.con",
    ),
    "mails alone": ("fr.json", {"name": "Français", "direction": "ltr", "mail": {}}, "site must have the site's texts"),
    "mistyped": ("de.json", {"site": {"form": {"registre": "Los"}}}, r"no such texts: site\.form\.registre\."),
    "a text for a topic": ("de.json", {"site": {"form": "Los"}}, r"no such texts: site\.form\."),
    "a topic for a text": ("de.json", {"site": {"name": {"first": "A"}}}, r"no such texts: site\.name\.first\."),
    "another placeholder": ("de.json", {"site": {"time": {"clock": "{ort}"}}}, r"forms: site\.time\.clock\."),
    "no text": ("de.json", {"site": {"name": 5}}, r"forms: site\.name\."),
    "one form for all": ("de.json", {"site": {"questions": {"options": "Los"}}}, r"forms: site\.questions\.options\."),
    "no form": ("de.json", {"site": {"questions": {"options": {"other": 5}}}}, r"forms: site\.questions\.options\."),
    "a form without its value": (
        "de.json",
        {"site": {"questions": {"added": {"one": "eine", "other": "{count}: {questions}"}}}},
        r"forms: site\.questions\.added\.",
    ),
    "no site": ("de.json", {"site": "Anmeldung"}, "site must have the site's texts"),
    "no direction": ("fr.json", {"name": "Français", "site": ENGLISH["site"]}, "direction must be ltr or rtl"),
    "no name": ("fr.json", {"direction": "ltr", "site": ENGLISH["site"]}, "name must be the language's own name"),
    "no code": ("french.json", FRENCH, "no language's code"),
    "a locale of C": ("fr_FR.json", FRENCH, "no language's code"),
    "no object": ("fr.json", [], "no object of names and values"),
    "no JSON": ("fr.json", "{", "no JSON in UTF-8: Expecting"),
}


@pytest.mark.parametrize(("name", "document", "fault"), WRONG.values(), ids=WRONG)
def test_tells_what_is_wrong_with_a_file(team, name, document, fault):
    """A file that can't be used is named, with all that is wrong with it."""
    folder = team(name, document)

    with pytest.raises(LanguageError, match=rf"languages.{re.escape(name)}: .*{fault}"):
        site_files("", managed=False, folder=folder)


def test_a_file_in_another_encoding_is_told(tmp_path):
    """Texts are UTF-8, and nothing else is guessed."""
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "fr.json").write_bytes('{"name": "Français"}'.encode("latin-1"))

    with pytest.raises(LanguageError, match="no JSON in UTF-8"):
        site_files("", managed=False, folder=tmp_path)


def _answered():
    """Return the codes of all that the API, its function's entry and its gateway refuse a request with, by status."""
    for kind, form in _PROBLEMS.items():
        for error in {kind, *kind.__subclasses__()} - {errors.MalformedBodyError}:
            yield form.status, error.code
    for path in PACKAGE.rglob("*.py"):
        for call in [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]:
            name = getattr(call.func, "id", None)
            if name == "MalformedBodyError":
                yield HTTPStatus.BAD_REQUEST, call.args[0].value
            elif name == "problem" and getattr(call.args[0], "attr", None) in HTTPStatus.__members__:
                yield HTTPStatus[call.args[0].attr], call.args[1].value
    for status, code in re.findall(r'"status":(\d+),"code":"([a-z-]+)"', template_file().read_text("utf-8")):
        yield HTTPStatus(int(status)), code


def test_the_site_has_words_for_every_refusal():
    """Whatever is refused is told in the page's language; what fails is told as a service that isn't available."""
    refused = {code for status, code in _answered() if status < HTTPStatus.INTERNAL_SERVER_ERROR}
    unreadable = set(
        re.findall(
            r'"([a-z0-9-]+)"',
            (site_folder() / "form.mjs").read_text("utf-8").partition("UNREADABLE")[2].partition("]);")[0],
        )
    )

    assert {"event-full", "not-json", "not-a-registration", "unknown-payload", "not-found"} <= refused
    assert refused == unreadable | set(ENGLISH["site"]["problems"]["refusals"]) - {"unreadable"}


@pytest.mark.parametrize("code", OURS)
def test_every_language_has_words_for_every_field(code):
    """Whatever can be wrong with a field or an answer has its sentence."""
    problems = json.loads((languages_folder() / f"{code}.json").read_text("utf-8"))["site"]["problems"]

    assert problems["fields"].keys() == PROBLEM_MESSAGES.keys()
    assert problems["answers"].keys() == ANSWER_MESSAGES.keys()
    assert problems["refusals"].keys() == ENGLISH["site"]["problems"]["refusals"].keys()
