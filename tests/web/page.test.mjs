import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";

import * as config from "../../web/config.mjs";
import { FIELDS } from "../../web/form.mjs";
import { languages } from "./speaking.mjs";

const web = new URL("../../web/", import.meta.url);
const read = (name) => readFileSync(new URL(name, web), "utf8");
const modules = readdirSync(web).filter((name) => name.endsWith(".mjs"));
const idsOf = (page) => new Set([...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));

/** What brings each page to life, what else it names, and the modules that show it. */
const pages = {
  "index.html": { start: "main.mjs", files: ["favicon.svg", "languages/en.mjs", "styles.css"], views: ["controls.mjs", "translation.mjs", "view.mjs"] },
  "manage.html": {
    start: "manage.mjs",
    files: ["favicon.svg", "index.html", "languages/en.mjs", "styles.css"],
    views: ["manage-view.mjs", "translation.mjs"],
  },
};

/** The modules that *name* imports, and those that they import. */
function importedBy(name, found = new Set()) {
  for (const [, other] of read(name).matchAll(/from "\.\/([^"]+)"/g)) {
    if (!found.has(other)) importedBy(other, found.add(other));
  }
  return [...found];
}

for (const [name, { start, files, views }] of Object.entries(pages)) {
  describe(name, () => {
    const page = read(name);
    const ids = idsOf(page);

    test("it has no inline script, style or handler, so that a strict CSP holds", () => {
      assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)/i);
    });

    test("it names only files of its own folder, every module among them, and they exist", () => {
      const named = [...page.matchAll(/\s(?:src|href)="([^"]+)"/g)].map(([, url]) => url);

      assert.deepEqual(named.sort(), [...files, start, ...importedBy(start)].sort());
      assert.ok(named.every((each) => existsSync(new URL(each, web)) || languages[/^languages\/(.*)\.mjs$/.exec(each)[1]]));
    });

    test("it tells no other page where somebody comes from", () => {
      assert.ok(page.includes('<meta name="referrer" content="no-referrer">'));
    });

    test("every element that its modules ask for by id is there", () => {
      const asked = views.flatMap((view) => [...read(view).matchAll(/byId\("([^"]+)"\)/g)].map(([, id]) => id));

      assert.ok(asked.length > 0);
      assert.deepEqual(asked.filter((id) => !ids.has(id)), []);
    });

    test("every name and description that an element starts with exists", () => {
      const named = [...page.matchAll(/aria-(?:describedby|labelledby)="([^"]+)"/g)].flatMap(([, list]) => list.split(" "));

      assert.ok(named.length > 0);
      assert.deepEqual(named.filter((id) => !ids.has(id)), []);
    });
  });
}

test("both pages have one policy", () => {
  const [form, manage] = Object.keys(pages).map((name) => /http-equiv="Content-Security-Policy".*/.exec(read(name))[0]);

  assert.equal(manage, form);
});

test("no module or stylesheet names another origin", () => {
  for (const name of [...modules, "styles.css"]) {
    assert.doesNotMatch(read(name), /["'`(]https?:\/\/[a-z]|@import|\burl\(/, name);
  }
});

for (const field of FIELDS) {
  test(`the field ${field} has its label and a place for its error`, () => {
    const page = read("index.html");

    assert.ok(page.includes(`<label for="${field}" data-text="form.${field}">${languages.en.site.form[field]}</label>`));
    assert.ok(idsOf(page).has(field) && idsOf(page).has(`${field}-error`));
  });
}

test("the views alone touch the document", () => {
  const views = new Set(["dom.mjs", ...Object.values(pages).flatMap((page) => page.views)]);

  for (const name of modules.filter((each) => !views.has(each))) assert.doesNotMatch(read(name), /\bdocument\b\./, name);
});

test("the token of a manage link is written down nowhere", () => {
  const sources = ["manage.mjs", "manage-view.mjs", "standing.mjs", "client.mjs"];

  for (const name of sources) assert.doesNotMatch(read(name), /\b(?:local|session)Storage\b|\bcookie\b|indexedDB/, name);
});

test("as shipped, the API is where the page is and takes any event, and nothing but English is said", () => {
  assert.deepEqual({ ...config }, { apiUrl: "", managed: false, languages: { en: "English" } });
});
