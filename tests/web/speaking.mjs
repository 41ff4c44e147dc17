/** The languages' files, and the page's words in one of them. */

import { readFileSync, readdirSync } from "node:fs";

import { speak } from "../../web/texts.mjs";

const folder = new URL("../../src/event_registration/languages/", import.meta.url);

/** All languages by their codes: `{name, direction, site, …}`. */
export const languages = Object.fromEntries(
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => [file.slice(0, -".json".length), JSON.parse(readFileSync(new URL(file, folder), "utf8"))]),
);

/** Speak the language of *code* as a *locale* writes it. English stands in for nothing: what lacks is an error. */
export function speakIn(code, locale = code) {
  speak({ code, locale, texts: languages[code].site }, {});
}

speakIn("en", "en-GB");
