/** Which language the page is in: the one that is asked for, chosen, or preferred; and where its texts come from. */

/** What the page itself is written in, and what is spoken where nothing else can be. */
export const ENGLISH = "en";

const KEY = "language";
const A_WHILE = 10_000; // milliseconds
const SITE_ENGLISH = "en-GB";

/**
 * Choose one of the languages that there are.
 *
 * @param {string[]} available Their codes.
 * @param {{search: string, kept: string | null, preferred: readonly string[]}} reader The address's query, what they
 *   have chosen before, and what their browser asks for, best first (BCP 47).
 */
export function choose(available, { search, kept, preferred }) {
  const wanted = [languageIn(search, available), kept, ...preferred];
  return wanted.map((tag) => lookUp(tag, available)).find(Boolean) ?? ENGLISH;
}

/** The language that an address names, if it is one of those *available*. */
export function languageIn(search, available) {
  return lookUp(new URLSearchParams(search).get("lang"), available);
}

/** RFC 4647, section 3.4: the tag itself, else what is left as its end is taken away. */
function lookUp(tag, available) {
  const subtags = (tag ?? "").toLowerCase().split("-");
  for (; subtags.length > 0; subtags.pop()) {
    const found = available.find((code) => code.toLowerCase() === subtags.join("-"));
    if (found) return found;
    // A single letter begins an extension, which is nothing without the rest.
    if (subtags.at(-2)?.length === 1) subtags.pop();
  }
  return undefined;
}

/**
 * Tell how numbers and dates are written: as the reader's own kind of the page's language has it.
 *
 * @param {string} code The page's language.
 * @param {readonly string[]} preferred What the reader's browser asks for, best first.
 */
export function localeOf(code, preferred) {
  const own = preferred.find((tag) => `${tag}-`.toLowerCase().startsWith(`${code}-`.toLowerCase()));
  return own ?? (code === ENGLISH ? SITE_ENGLISH : code);
}

/**
 * Remembers the language that somebody has chosen.
 *
 * @param {() => Storage} storage Gives the browser's storage, which may be refused: then nothing is remembered.
 */
export function memory(storage) {
  return {
    read: () => attempt(() => storage().getItem(KEY)) ?? null,
    keep: (code) => attempt(() => storage().setItem(KEY, code)),
  };
}

/**
 * Fetch a language: as a module, because a deployed site's policy lets it connect to the API alone.
 *
 * @param {string} code
 * @param {{get?: (address: string) => Promise<object>, timeout?: number}} [options]
 * @returns {Promise<{code: string, direction: string, texts: object} | null>} `null` if it can't be had now.
 */
export async function load(code, { get = (address) => import(address), timeout = A_WHILE } = {}) {
  const late = new Promise((resolve) => setTimeout(resolve, timeout, null));
  try {
    const module = await Promise.race([get(`./languages/${code}.mjs`), late]);
    return module && { code, direction: module.default.direction, texts: module.default.texts };
  } catch {
    return null;
  }
}

function attempt(task) {
  try {
    return task();
  } catch {
    return undefined;
  }
}
