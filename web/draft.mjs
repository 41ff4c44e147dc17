/** Keeps what is typed until it is sent, in this tab alone. */

/**
 * Open the draft for an event.
 *
 * @param {string} eventid
 * @param {() => Storage} storage Gives the tab's storage; a browser may refuse it, or have no room, and then nothing
 *   is kept.
 */
export function draftFor(eventid, storage) {
  const key = `draft:${eventid}`;
  return {
    /** What was typed, `{fields, entries}`, each by its name. */
    read: () => attempt(() => draftIn(storage().getItem(key))) ?? draftIn(null),
    keep: (draft) => attempt(() => storage().setItem(key, JSON.stringify(draft))),
    drop: () => attempt(() => storage().removeItem(key)),
  };
}

function draftIn(text) {
  const draft = JSON.parse(text);
  return { fields: recordIn(draft, "fields"), entries: recordIn(draft, "entries") };
}

function recordIn(draft, name) {
  const value = draft !== null && Object.hasOwn(draft, name) ? draft[name] : null;
  return value !== null && typeof value === "object" ? value : {};
}

function attempt(task) {
  try {
    return task();
  } catch {
    return undefined;
  }
}
