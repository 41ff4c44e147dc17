import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { apiUrl, managed } from "../../web/config.mjs";
import { fields } from "../../web/form.mjs";

const web = new URL("../../web/", import.meta.url);
const page = readFileSync(new URL("index.html", web), "utf8");
const view = readFileSync(new URL("view.mjs", web), "utf8");
const ids = new Set([...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));

test("the page has no inline script, style or handler, so that a strict CSP holds", () => {
  assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)/i);
});

test("the page loads only files of its own folder, and they exist", () => {
  const loaded = [...page.matchAll(/\s(?:src|href)="([^"]+)"/g)].map(([, url]) => url);

  assert.deepEqual(loaded.sort(), ["favicon.svg", "main.mjs", "styles.css"]);
  assert.ok(loaded.every((name) => existsSync(new URL(name, web))));
});

test("no module or stylesheet names another origin", () => {
  const sources = readdirSync(web).filter((name) => /\.(mjs|css)$/.test(name));

  for (const name of sources) {
    assert.doesNotMatch(readFileSync(new URL(name, web), "utf8"), /["'`(]https?:\/\/[a-z]|@import|\burl\(/, name);
  }
});

for (const [field, label] of Object.entries(fields)) {
  test(`the field ${field} has its label and a place for its error`, () => {
    assert.ok(page.includes(`<label for="${field}">${label}</label>`));
    assert.ok(ids.has(field) && ids.has(`${field}-error`));
  });
}

test("one module alone touches the document", () => {
  const others = readdirSync(web).filter((name) => name.endsWith(".mjs") && name !== "view.mjs");

  for (const name of others) assert.doesNotMatch(readFileSync(new URL(name, web), "utf8"), /\bdocument\b\./, name);
});

test("every element that the script asks for by id is there", () => {
  const asked = [...view.matchAll(/byId\("([^"]+)"\)/g)].map(([, id]) => id);

  assert.ok(asked.length > 0);
  assert.deepEqual(asked.filter((id) => !ids.has(id)), []);
});

test("every description that a field starts with exists", () => {
  const described = [...page.matchAll(/aria-describedby="([^"]+)"/g)].flatMap(([, list]) => list.split(" "));

  assert.deepEqual(described.filter((id) => !ids.has(id)), []);
});

test("as shipped, the API is where the page is and takes any event", () => {
  assert.deepEqual({ apiUrl, managed }, { apiUrl: "", managed: false });
});
