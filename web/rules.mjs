/** What an event id, a name, an address and other text may be, as on the server: normal forms and checks of text. */

const MAX_EVENT_ID = 128;
const MAX_NAME = 100;
const MAX_LOCAL_PART = 64;
const MAX_ADDRESS = 254;

// White space that people type or paste without seeing it. Spelled out, because JavaScript and Python disagree on \s.
const SPACES = "\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000";
const RUN_OF_SPACES = new RegExp(`[${SPACES}]+`, "gu");
const SURROUNDING_SPACE = new RegExp(`^[\\t\\n\\f\\r${SPACES}]+|[\\t\\n\\f\\r${SPACES}]+$`, "gu");

const EVENT_ID = /^[A-Za-z0-9._~-]+$/u;
// C0, DEL, C1; line and paragraph separators; bidi embeddings, overrides and isolates, which would reorder the text
// around the name; lone surrogates, which are no characters.
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/u;
// A name must hold at least one character that leaves ink; joiners, fillers, marks of direction and tags don't.
const INVISIBLE =
  "\\u0020\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2060-\\u206f\\u2800" +
  "\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}";
const VISIBLE = new RegExp(`[^${INVISIBLE}]`, "u");
const INK = new RegExp(`[^${INVISIBLE}\\t\\n\\f\\r${SPACES}]`, "u");
const LINK = /:\/\/|www\./i;
// RFC 2047, section 5: no address holds an encoded word, but mail libraries decode it, into another address.
const ENCODED_WORD = /=\?.*\?=/;
// The HTML standard's grammar of a valid e-mail address, with at least one dot in the domain, and no dot first, last
// or doubled in the local part, which SMTP (RFC 5321, dot-string) does not carry.
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const ADDRESS = new RegExp(`^${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}$`);

const NON_ASCII = /[^\u0000-\u007f]/;
// UTS #46 reads these as full stops: the ideographic, the full-width and the half-width one.
const FULL_STOP = /[.\u3002\uff0e\uff61]/;
// ASCII that no host name holds: a URL's parser would read a path, a port or a query in it.
const NO_HOST_NAME = /[\u0000-,/:-@[-`{-\u007f]/;

/** Length in characters as the server counts them: code points, not UTF-16 units. */
export function lengthOf(text) {
  return [...text].length;
}

/** The domain in A-labels (UTS #46, by the platform's URL); a domain that has no such form comes back unchanged. */
function toALabels(domain) {
  if (!NON_ASCII.test(domain) || NO_HOST_NAME.test(domain) || lengthOf(domain) > MAX_ADDRESS) return domain;
  try {
    return domain.split(FULL_STOP).map(toALabel).join(".");
  } catch {
    return domain;
  }
}

function toALabel(label) {
  // The second label keeps numbers from being read as an IPv4 address, which a URL would rewrite.
  return NON_ASCII.test(label) ? new URL(`http://${label}.a`).hostname.slice(0, -".a".length) : label;
}

/** *text* without the white space around it. */
export function trim(text) {
  return text.replace(SURROUNDING_SPACE, "");
}

export function normaliseEventId(text) {
  return trim(text);
}

export function normaliseName(text) {
  return text.normalize("NFC").replace(RUN_OF_SPACES, " ").replace(/^ | $/g, "");
}

/** *text* like a name, without line breaks and tabs around it. */
export function normaliseLine(text) {
  return trim(normaliseName(text));
}

/** *text*, which may have several lines, in NFC, trimmed and with LF as its line ends. */
export function normaliseText(text) {
  return trim(text.normalize("NFC").replace(/\r\n?/g, "\n"));
}

/** Whether *text* leaves no ink: white space and invisible characters, or nothing. */
export function isBlank(text) {
  return !INK.test(text);
}

/** Trim *text* and write its domain in lower-case A-labels; what is no address is only trimmed. */
export function normaliseAddress(text) {
  const address = trim(text);
  const at = address.lastIndexOf("@");
  if (at < 0) return address;
  return `${address.slice(0, at)}@${toALabels(address.slice(at + 1)).toLowerCase()}`;
}

export function checkEventId(text) {
  if (lengthOf(text) > MAX_EVENT_ID) return "event-id-too-long";
  return EVENT_ID.test(text) ? null : "invalid-event-id";
}

/** Check a line of text in normal form. */
export function checkLine(text) {
  if (FORBIDDEN.test(text)) return "forbidden-character";
  return VISIBLE.test(text) ? null : "required";
}

/** Check text of several lines in normal form. */
export function checkText(text) {
  return checkLine(text.replaceAll("\n", " "));
}

export function checkName(text) {
  const fault = checkLine(text);
  if (fault) return fault;
  if (lengthOf(text) > MAX_NAME) return "name-too-long";
  return LINK.test(text) ? "contains-link" : null;
}

export function checkAddress(address) {
  const local = address.slice(0, Math.max(0, address.lastIndexOf("@")));
  if (lengthOf(address) > MAX_ADDRESS || lengthOf(local) > MAX_LOCAL_PART) return "address-too-long";
  if (NON_ASCII.test(local)) return "unsupported-address";
  if (ENCODED_WORD.test(local)) return "invalid-address";
  return ADDRESS.test(address) ? null : "invalid-address";
}
