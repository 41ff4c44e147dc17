/** Has the page speak its reader's language, and whichever they choose in its header. */

import { languages } from "./config.mjs";
import { byId, element, fill } from "./dom.mjs";
import { ENGLISH, choose, languageIn, load, localeOf, memory } from "./languages.mjs";
import { language, speak, text } from "./texts.mjs";

const codes = Object.keys(languages);
const chosen = memory(() => localStorage);

/**
 * Begin to speak.
 *
 * @param {() => void} sayAgain Says anew what the scripts have said, whenever somebody chooses another language.
 * @returns {Promise<boolean>} Whether there is anything to say; without texts the page stays as it was delivered.
 */
export async function begin(sayAgain) {
  const code = choose(codes, { search: location.search, kept: chosen.read(), preferred: navigator.languages });
  const [english, other] = await Promise.all([load(ENGLISH), code === ENGLISH ? null : load(code)]);
  const found = other ?? english;
  if (found === null) return false;
  translate(found, english?.texts);
  offer(sayAgain);
  return true;
}

/** The *address* of another page or event, in the language that this page's address names. */
export function alike(address) {
  const code = languageIn(location.search, codes);
  return code ? `${address}&lang=${code}` : address;
}

/** Speak, and say in that language what the page was delivered with. */
function translate({ code, direction, texts }, english) {
  speak({ code, locale: localeOf(code, navigator.languages), texts }, english);
  document.documentElement.lang = code;
  document.documentElement.dir = direction;
  for (const node of document.querySelectorAll("[data-text]")) {
    const words = text(node.dataset.text);
    if (node.localName === "meta") node.content = words;
    else fill(node, words);
  }
}

/** Offer the other languages, if there are any. */
function offer(sayAgain) {
  const choice = byId("language");
  choice.append(...codes.map((code) => element("option", languages[code], { value: code, lang: code })));
  choice.value = language().code;
  byId("languages").hidden = codes.length < 2;
  choice.addEventListener("change", async () => {
    const code = choice.value;
    const found = await load(code);
    // Somebody who looks for theirs passes others.
    if (code !== choice.value) return;
    if (found === null) {
      choice.value = language().code;
      return;
    }
    translate(found);
    remember(code);
    sayAgain();
  });
}

/** An address that names a language goes on naming the one that is spoken, for when it is loaded again. */
function remember(code) {
  chosen.keep(code);
  const address = new URL(location.href);
  if (!address.searchParams.has("lang")) return;
  address.searchParams.set("lang", code);
  history.replaceState(history.state, "", address);
}
