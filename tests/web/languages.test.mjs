import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { choose, languageIn, load, localeOf, memory } from "../../web/languages.mjs";
import { split } from "../../web/texts.mjs";
import { languages } from "./speaking.mjs";

const web = new URL("../../web/", import.meta.url);
const read = (name) => readFileSync(new URL(name, web), "utf8");
const PLURALS = ["zero", "one", "two", "few", "many", "other"];
const isPlural = (value) => typeof value === "object" && Object.keys(value).every((name) => PLURALS.includes(name));
const placeholdersOf = (text) => split(text).flatMap(({ name }) => name ?? []).sort();

/** All texts of a topic, `[key, text]`; one of several forms is one. */
function textsOf(topic, path = []) {
  return Object.entries(topic).flatMap(([name, value]) => {
    const here = [...path, name];
    return typeof value === "string" || isPlural(value) ? [[here.join("."), value]] : textsOf(value, here);
  });
}

const english = new Map(textsOf(languages.en.site));

/** What is written alike in English and another language, and why. */
const ALIKE = {
  "name of a person": [["de", "manage.name", "Name"]],
  "the same word": [
    ["es", "questions.no", "No"],
    ["es", "title-with-error", "Error: {title}"],
    ["es", "problems.mark", "Error:"],
  ],
  "nothing but what is told, and signs": [
    ...["title", "announcement", "time.span", "questions.number-only", "manage.announcement"],
    ...["problems.of-field", "problems.of-question"],
  ].flatMap((key) => ["de", "es", "ar"].map((code) => [code, key, english.get(key)])),
  "the same, with a comma that only Arabic writes otherwise": ["time.days-and-hours", "time.on-clock"].flatMap((key) =>
    ["de", "es"].map((code) => [code, key, english.get(key)]),
  ),
};

test("the site speaks these languages", () => {
  assert.deepEqual(Object.keys(languages).sort(), ["ar", "de", "en", "es"]);
});

for (const [code, { name, direction, site }] of Object.entries(languages)) {
  describe(`the language ${code}`, () => {
    const texts = new Map(textsOf(site));

    test("has its own name and its direction", () => {
      assert.ok(name.length > 2);
      assert.equal(direction, code === "ar" ? "rtl" : "ltr");
    });

    test("says all that English says, in its order, and nothing else", () => {
      assert.deepEqual([...texts.keys()], [...english.keys()]);
    });

    test("says nothing that is empty, or has white space around it", () => {
      for (const [key, value] of texts) {
        for (const form of Object.values(isPlural(value) ? value : { value })) assert.match(form, /^\S(?:.*\S)?$/u, key);
      }
    });

    test("has English's placeholders; a number may be said in words", () => {
      for (const [key, value] of texts) {
        const wanted = english.get(key);
        if (typeof wanted === "string") assert.deepEqual(placeholdersOf(value), placeholdersOf(wanted), key);
        else {
          const others = placeholdersOf(wanted.other).filter((each) => each !== "count");
          for (const form of Object.values(value)) {
            assert.deepEqual(placeholdersOf(form).filter((each) => each !== "count"), others, key);
          }
          assert.ok(value.other.includes("{count}"), key);
        }
      }
    });

    test("has a form for every number that it tells apart, and none besides", () => {
      const categories = [...new Intl.PluralRules(code).resolvedOptions().pluralCategories].sort();

      for (const [key, value] of texts) {
        assert.equal(isPlural(value), isPlural(english.get(key)), key);
        if (isPlural(value)) assert.deepEqual(Object.keys(value).sort(), categories, key);
      }
    });

    test("leaves nothing in English but what there is a reason for", () => {
      const alike = Object.values(ALIKE).flat().filter(([language]) => language === code);
      const same = [...texts].filter(([key, value]) => JSON.stringify(value) === JSON.stringify(english.get(key)));

      if (code !== "en") assert.deepEqual(same.sort(), alike.map(([, key, value]) => [key, value]).sort());
    });

    test("writes nothing that would be markup", () => {
      for (const [key, value] of texts) assert.doesNotMatch(JSON.stringify(value), /[<>]|&[a-z#]/, key);
    });
  });
}

const sources = readdirSync(web).filter((name) => name.endsWith(".mjs")).map(read).join("\n");
const pages = ["index.html", "manage.html"].map((name) => [name, read(name)]);

/** The keys that the scripts name, those put together as patterns; and those that the pages name. */
const named = [...sources.matchAll(/["`]((?:[a-z-]+|\$\{[^}]+\})(?:\.(?:[a-z-]+|\$\{[^}]+\}))+)["`]|text\("([a-z-]+)"/g)]
  .map(([, key, plain]) => key ?? plain)
  .filter((key) => Object.hasOwn(languages.en.site, key.split(".")[0]))
  .map((key) => new RegExp(`^${key.replaceAll(".", "\\.").replaceAll(/\$\{[^}]+\}/g, "[a-z.-]+")}$`));

test("everything that can be said is said somewhere", () => {
  const marked = new Set(pages.flatMap(([, page]) => [...page.matchAll(/data-text="([^"]+)"/g)].map(([, key]) => key)));

  const unsaid = [...english.keys()].filter((key) => !marked.has(key) && !named.some((pattern) => pattern.test(key)));

  assert.deepEqual(unsaid, []);
});

test("the scripts say nothing that isn't in the files", () => {
  const topics = [...english.keys()].map((key) => key.slice(0, Math.max(0, key.lastIndexOf("."))));

  const lacking = named.filter((pattern) => ![...english.keys(), ...topics].some((key) => pattern.test(key)));

  assert.deepEqual(lacking, []);
});

for (const [name, page] of pages) {
  test(`${name} is written in the words of the file`, () => {
    const slot = /<[^>]*data-slot="([a-z]+)"[^>]*>[^<]*<\/[a-z]+>/g;
    const written = [
      ...page.matchAll(/<(meta)[^>]*\sdata-text="([^"]+)" content="([^"]+)">/g),
      ...page.matchAll(/<(?!meta)([a-z0-9]+)[^>]*\sdata-text="([^"]+)"[^>]*>(.*?)<\/\1>/g),
    ];

    assert.equal(written.length, [...page.matchAll(/data-text=/g)].length);
    for (const [, , key, words] of written) assert.equal(words.replaceAll(slot, "{$1}"), english.get(key), key);
  });

  test(`every text of ${name} is marked, but for what is there only as long as no script runs`, () => {
    const shown = page.slice(page.indexOf("<body>")).replaceAll(/<noscript>.*?<\/noscript>|<p id="loading".*?<\/p>|<!--.*?-->/gs, "");
    const bare = shown.replaceAll(/<([a-z0-9]+)[^>]*\sdata-text=.*?<\/\1>/g, "").replaceAll(/<[^>]+>/g, "");

    assert.equal(bare.trim(), "");
  });
}

for (const [reader, expected] of [
  [{}, "en"],
  [{ preferred: ["de-AT"] }, "de"],
  [{ preferred: ["fr", "pt-PT", "es-419"] }, "es"],
  [{ preferred: ["tlh", "xx-YY"] }, "en"],
  [{ preferred: ["pt-BR"] }, "pt-BR"],
  [{ preferred: ["PT-br-x-old"] }, "pt-BR"],
  [{ preferred: ["pt"] }, "en"],
  [{ kept: "ar", preferred: ["de"] }, "ar"],
  [{ kept: "fr", preferred: ["de"] }, "de"],
  [{ search: "?event=a&lang=es", kept: "ar" }, "es"],
  [{ search: "?lang=es-MX" }, "es"],
  [{ search: "?lang=fr", kept: "ar" }, "ar"],
  [{ search: "?lang=constructor", preferred: ["__proto__", "-", "*"] }, "en"],
]) {
  test(`a reader ${JSON.stringify(reader)} is spoken to in ${expected}`, () => {
    const code = choose(["en", "ar", "de", "es", "pt-BR"], { search: "", kept: null, preferred: [], ...reader });

    assert.equal(code, expected);
  });
}

test("an address names one of the languages, or none", () => {
  assert.equal(languageIn("?lang=de-CH", ["en", "de"]), "de");
  assert.equal(languageIn("?lang=fr", ["en", "de"]), undefined);
  assert.equal(languageIn("", ["en", "de"]), undefined);
});

for (const [code, preferred, expected] of [
  ["en", ["en-US", "de"], "en-US"],
  ["en", ["fr-CA", "fr", "EN-ca"], "EN-ca"],
  ["en", ["de-DE", "fa"], "en-GB"],
  ["en", ["enm", "eng-Latn"], "en-GB"],
  ["en", [], "en-GB"],
  ["de", ["en", "de-AT", "de"], "de-AT"],
  ["de", ["en-US"], "de"],
  ["pt-BR", ["pt", "pt-BR"], "pt-BR"],
]) {
  test(`a reader of ${preferred.join(", ") || "nothing"} gets dates of the page in ${code} as in ${expected}`, () => {
    assert.equal(localeOf(code, preferred), expected);
  });
}

test("a language that was chosen is remembered", () => {
  const items = new Map();
  const storage = { getItem: (key) => items.get(key) ?? null, setItem: (key, text) => items.set(key, text) };

  memory(() => storage).keep("de");

  assert.equal(memory(() => storage).read(), "de");
  assert.deepEqual([...items], [["language", "de"]]);
});

test("a browser that remembers nothing, or may not, is no obstacle", () => {
  const refused = memory(() => {
    throw new Error("refused");
  });

  refused.keep("de");

  assert.equal(refused.read(), null);
  assert.equal(memory(() => ({ getItem: () => null })).read(), null);
});

test("a language is fetched from beside the page", async () => {
  const addresses = [];
  const get = async (address) => {
    addresses.push(address);
    return { default: { name: "Deutsch", direction: "ltr", texts: { name: "Anmeldung" } } };
  };

  const found = await load("de", { get });

  assert.deepEqual(addresses, ["./languages/de.mjs"]);
  assert.deepEqual(found, { code: "de", direction: "ltr", texts: { name: "Anmeldung" } });
});

for (const [trouble, get] of Object.entries({
  "can't be reached": () => Promise.reject(new TypeError("Failed to fetch dynamically imported module")),
  "is something else": async () => ({}),
  "never comes": () => new Promise(() => {}),
})) {
  test(`a language that ${trouble} can't be had`, { timeout: 5_000 }, async () => {
    assert.equal(await load("de", { get, timeout: 50 }), null);
  });
}
