"""A language's file is whole, or what is wrong with it is told by name."""

import json
from copy import deepcopy

import pytest

from event_registration import language_files
from event_registration.errors import InvalidTemplatesError
from event_registration.language_files import OURS, documents, is_code

ENGLISH = json.loads((OURS / "en.json").read_text("utf-8"))
FRENCH = ENGLISH | {"name": "Français"}


@pytest.fixture
def team(tmp_path):
    """Return a function that writes a file of a team's, and returns the team's folder."""

    def team(name, document):
        (tmp_path / "languages").mkdir(exist_ok=True)
        text = document if isinstance(document, str) else json.dumps(document)
        (tmp_path / "languages" / name).write_text(text, encoding="utf-8")
        return tmp_path

    return team


def _without(*keys):
    document = deepcopy(FRENCH)
    for key in keys:
        *topics, name = key.split(".")
        topic = document
        for each in topics:
            topic = topic[each]
        del topic[name]
    return document


def _faults(folder):
    with pytest.raises(InvalidTemplatesError) as caught:
        documents(folder)
    return [(each.field, each.message) for each in caught.value.problems]


def test_english_is_first():
    """Ours are all there, English first, which whoever names none gets."""
    assert list(documents()) == ["en", "ar", "de", "es"]


def test_a_team_s_come_after_ours(team):
    """A whole file is a language; the others stay as they are."""
    found = documents(team("fr.json", FRENCH))

    assert list(found) == ["en", "ar", "de", "es", "fr"]
    assert found["fr"] == FRENCH
    assert {code: found[code] for code in documents()} == documents()


def test_single_texts_of_ours_are_replaced(team):
    """A file of our language's name has what is to be different, a text or all forms of one."""
    theirs = {"mail": {"confirmed": {"advice": "Ausweis!"}}, "site": {"questions": {"options": {"other": "{count}!"}}}}

    german = documents(team("de.json", theirs))["de"]

    assert german["mail"]["confirmed"] == documents()["de"]["mail"]["confirmed"] | {"advice": "Ausweis!"}
    assert german["site"]["questions"]["options"] == {"other": "{count}!"}


def test_a_folder_without_languages_has_ours(tmp_path):
    """Whoever has templates only has our languages."""
    assert documents(tmp_path) == documents()


def test_a_function_has_no_texts_of_pages(team, tmp_path, monkeypatch):
    """Where our files have mails' texts alone, a team's are held to these."""
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "en.json").write_text(json.dumps({name: ENGLISH[name] for name in ("name", "direction", "mail")}))
    monkeypatch.setattr(language_files, "OURS", packed)

    found = documents(team("fr.json", {name: FRENCH[name] for name in ("name", "direction", "mail")}))

    assert list(found) == ["en", "fr"]


@pytest.mark.parametrize(("text", "is_one"), [("fr", True), ("pt-BR", True), ("zh-Hant-TW", True), ("es-419", True)])
def test_codes_are_tags(text, is_one):
    """A language, perhaps with script and region, is what a file may be called."""
    assert is_code(text) is is_one


PLURAL = "site.questions.added"
WRONG = {
    "a list too short": (
        "fr.json",
        FRENCH | {"mail": FRENCH["mail"] | {"months": ["x"] * 11}},
        "mail.months must be a list of 12 texts.",
    ),
    "missing": ("fr.json", _without("mail.confirmed.news"), "mail.confirmed.news is missing."),
    "missing forms": ("fr.json", _without(PLURAL), f"{PLURAL} is missing."),
    "no mails": ("fr.json", FRENCH | {"mail": []}, "mail must be texts by their names."),
    "unknown": ("de.json", {"mail": {"greetings": "Hallo"}}, "mail.greetings is no text that there is."),
    "a text for a topic": ("de.json", {"site": {"form": "Los"}}, "site.form must be texts by their names."),
    "a topic for a text": ("de.json", {"mail": {"yes": {"a": "Ja"}}}, "mail.yes must be a text with no placeholder"),
    "no text": ("de.json", {"mail": {"yes": 5}}, "mail.yes must be a text with no placeholder, and no other brace."),
    "lost": (
        "de.json",
        {"mail": {"greeting": "Hallo"}},
        "mail.greeting must be a text with {name}, and no other brace.",
    ),
    "mistyped": ("de.json", {"mail": {"greeting": "Hallo {nme}"}}, "mail.greeting must be a text with {name}"),
    "a brace": ("de.json", {"mail": {"greeting": "{name} {"}}, "mail.greeting must be a text with {name}"),
    "one form for all": (
        "de.json",
        {"site": {"questions": {"added": "{questions}"}}},
        f"{PLURAL} must have its forms by ",
    ),
    "no form": (
        "de.json",
        {"site": {"questions": {"added": {"other": 5}}}},
        f"{PLURAL} must have {{count}}, {{questions}} in",
    ),
    "a form that lost one": (
        "de.json",
        {"site": {"questions": {"added": {"one": "eine", "other": "{count}: {questions}"}}}},
        f"{PLURAL} must have {{count}}, {{questions}} in its forms, and no other brace.",
    ),
    "no direction": ("fr.json", _without("direction"), "direction must be ltr or rtl."),
    "no name": ("fr.json", _without("name"), "name must be the language's own name, and no other's."),
    "another's name": ("fr.json", ENGLISH, "name must be the language's own name, and no other's."),
    "a mistyped part": ("de.json", {"mial": {}}, "mial is nothing that there is: name, direction, mail, site are."),
    "other capitals": ("DE.json", FRENCH, "must be called de.json: small letters and capitals count."),
    "twice": ("de.json", '{"mail": {}, "mail": {}}', "is no JSON in UTF-8: mail is there twice."),
    "no code": ("french.json", FRENCH, "must be called by a language's tag, as in fr.json or pt-BR.json."),
    "a locale of C": ("fr_FR.json", FRENCH, "must be called by a language's tag"),
    "no object": ("fr.json", [], "is no object of names and values."),
    "no JSON": ("fr.json", "{", "is no JSON in UTF-8: Expecting"),
}


@pytest.mark.parametrize(("name", "document", "fault"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(team, name, document, fault):
    """A file that can't be used is named, with what is wrong with it."""
    ((field, message),) = _faults(team(name, document))

    assert field == f"languages/{name}"
    assert message.startswith(fault)


def test_all_that_is_wrong_is_told_at_once(team):
    """Every fault of every file is told."""
    team("fr.json", _without("mail.yes", "mail.no"))

    found = _faults(team("de.json", {"direction": "up"}))

    assert [field for field, _ in found] == ["languages/de.json", "languages/fr.json", "languages/fr.json"]


def test_a_file_in_another_encoding_is_told(tmp_path):
    """Texts are UTF-8, and nothing else is guessed."""
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "fr.json").write_bytes('{"name": "Français"}'.encode("latin-1"))

    assert _faults(tmp_path)[0][1].startswith("is no JSON in UTF-8: ")
