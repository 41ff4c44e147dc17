/** Brings a manage link's page to life: what follows what. What is said is decided in the other modules. */

import { cancelRegistration, findRegistration, oneAtATime } from "./client.mjs";
import { apiUrl } from "./config.mjs";
import { whenSeen } from "./dom.mjs";
import { troubleOf } from "./form.mjs";
import * as view from "./manage-view.mjs";
import { NOTHING, standingOf, tokenIn } from "./standing.mjs";
import { readerOf } from "./time.mjs";

const SAFE_TO_REPEAT = "It may be cancelled already. Trying again does no harm.";

const reader = readerOf(navigator.languages);
/**
 * What the link holds. It is kept nowhere else: a tab that is closed and opened again, on a device that several people
 * use, would bring back whatever it stored, and with it the right to cancel.
 */
let token = null;
/** How the registration stands, as the service told last. */
let standing = null;
/** What is done when the person tries again. */
let again = open;

function start() {
  view.retry.addEventListener("click", oneAtATime(() => again()));
  view.cancel.addEventListener("click", () => standing && view.showConfirm());
  view.keep.addEventListener("click", view.hideConfirm);
  view.giveUp.addEventListener("click", () => {
    view.hideConfirm();
    return cancel();
  });
  // Another link that is opened in this tab changes nothing but the end of the address, and loads no page.
  addEventListener("hashchange", arrive);
  whenSeen(() => {
    if (standing) open({ quietly: true });
  });
  view.hideLoading();
  arrive();
}

/** Take the token out of the address, so that it is in no history, bookmark or picture of the screen. */
function arrive() {
  const found = tokenIn(location.hash);
  if (found === null && token !== null) return undefined;
  history.replaceState(null, "", location.pathname + location.search);
  token = found;
  standing = null;
  return token === null ? view.showNothing(NOTHING["no-link"]) : open();
}

/**
 * Look how the registration stands.
 *
 * @param {{quietly?: boolean}} [options] Whether the page is fine as it is if that can't be told now.
 */
async function open({ quietly = false } = {}) {
  const mine = token;
  if (!quietly) view.setBusy("Loading your registration…");
  const outcome = await findRegistration(mine, { apiUrl });
  if (mine !== token) return;
  if (!quietly) view.setBusy("");
  if (outcome.kind !== "unavailable") return show(outcome);
  if (quietly) return;
  again = open;
  view.showProblem(troubleOf(outcome).paragraphs);
}

const cancel = oneAtATime(async () => {
  const mine = token;
  view.setBusy(standingOf(standing, reader, Date.now()).cancel.busy);
  const outcome = await cancelRegistration(mine, { apiUrl });
  if (mine !== token) return;
  view.setBusy("");
  if (outcome.kind === "unavailable") {
    again = cancel;
    return view.showProblem([...troubleOf(outcome).paragraphs, SAFE_TO_REPEAT]);
  }
  show(outcome);
  view.focusNotice();
});

function show(outcome) {
  if (outcome.kind === "invalid") {
    standing = null;
    return view.showNothing(NOTHING.invalid);
  }
  const isNew = JSON.stringify(outcome.standing) !== JSON.stringify(standing);
  ({ standing } = outcome);
  const { eventname } = standing;
  const shown = standingOf(standing, reader, Date.now());
  view.showStanding(eventname, shown);
  if (isNew) view.announce(`${eventname}: ${shown.badge}. ${shown.heading}.`);
}

start();
