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
from event_registration.assets import site_files, site_folder, template_file
from event_registration.language_files import OURS
from event_registration.responses import _PROBLEMS
from event_registration.rules import PROBLEM_MESSAGES

CODES = ["en", "ar", "de", "es"]
ENGLISH = json.loads((OURS / "en.json").read_text("utf-8"))
FRENCH = ENGLISH | {"name": "Français"}
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
    modules = {code: files[f"languages/{code}.mjs"].body.decode() for code in named}
    return named, {code: json.loads(re.fullmatch("export default (.*);\n", text)[1]) for code, text in modules.items()}


def test_the_site_is_published_in_our_languages():
    """Browsers are told of each language by its own name, English first, and get what the site says in it."""
    named, languages = _published()

    assert list(named) == CODES
    assert named["ar"] == "العربية"
    for code, language in languages.items():
        document = json.loads((OURS / f"{code}.json").read_text("utf-8"))
        assert language == {
            "name": document["name"],
            "direction": document["direction"],
            "texts": document["site"],
        }


def test_languages_are_there_before_the_pages():
    """The languages are modules, and whoever loads a page finds them."""
    files = site_files("", managed=False)

    assert [file.key for file in files[: len(CODES)]] == [f"languages/{code}.mjs" for code in CODES]
    assert {file.content_type for file in files[: len(CODES)]} == {"text/javascript; charset=utf-8"}
    assert len(files) == len(CODES) + len(list(site_folder().iterdir()))


def test_a_folder_without_languages_changes_nothing(tmp_path):
    """A team may have templates alone, or nothing yet."""
    assert site_files("", managed=True, folder=tmp_path) == site_files("", managed=True)


def test_a_team_adds_a_language(team):
    """One file adds a language, at the others' end, and changes none."""
    named, languages = _published(team("fr.json", FRENCH))

    assert list(named) == [*CODES, "fr"]
    assert languages["fr"] == {"name": "Français", "direction": "ltr", "texts": ENGLISH["site"]}
    assert {code: languages[code] for code in CODES} == _published()[1]


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


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_words_for_every_field(code):
    """Whatever can be wrong with a field or an answer has its sentence."""
    problems = json.loads((OURS / f"{code}.json").read_text("utf-8"))["site"]["problems"]

    assert problems["fields"].keys() == PROBLEM_MESSAGES.keys()
    assert problems["answers"].keys() == ANSWER_MESSAGES.keys()
    assert problems["refusals"].keys() == ENGLISH["site"]["problems"]["refusals"].keys()
