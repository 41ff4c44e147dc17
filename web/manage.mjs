/** Brings a manage link's page to life: what follows what. What is said is decided in the other modules. */

import { cancelRegistration, findRegistration, oneAtATime } from "./client.mjs";
import { apiUrl } from "./config.mjs";
import { whenSeen } from "./dom.mjs";
import { troubleOf } from "./form.mjs";
import * as view from "./manage-view.mjs";
import { nothingOf, standingOf, tokenIn } from "./standing.mjs";
import { text } from "./texts.mjs";
import { readerOf } from "./time.mjs";
import { begin } from "./translation.mjs";

/**
 * What the link holds. It is kept nowhere else: a tab that is closed and opened again, on a device that several people
 * use, would bring back whatever it stored, and with it the right to cancel.
 */
let token = null;
/** How the registration stands, as the service told last; and why there is none to show, if that is so. */
let standing = null;
let reason = null;
/** Tells what stands in the way, if anything does, in the language that is spoken; and what is going on. */
let trouble = null;
let progress = () => "";
/** What is done when the person tries again. */
let again = open;

/** Say in another language all that is there. */
function sayAgain() {
  view.showTitle();
  if (standing) showStanding();
  else if (reason) view.showNothing(nothingOf(reason));
  if (trouble) view.showProblem(trouble());
  view.announce("");
  view.setBusy(progress());
}

function start() {
  view.showTitle();
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
  return token === null ? showNothing("no-link") : open();
}

function showNothing(why) {
  [standing, reason, trouble] = [null, why, null];
  view.showNothing(nothingOf(why));
}

/**
 * Look how the registration stands.
 *
 * @param {{quietly?: boolean}} [options] Whether the page is fine as it is if that can't be told now.
 */
async function open({ quietly = false } = {}) {
  const mine = token;
  if (!quietly) setBusy(() => text("manage.loading"));
  const outcome = await findRegistration(mine, { apiUrl });
  if (mine !== token) return;
  if (!quietly) setBusy();
  if (outcome.kind !== "unavailable") return show(outcome);
  if (quietly) return;
  again = open;
  complain(() => troubleOf(outcome).paragraphs);
}

function setBusy(task = () => "") {
  progress = task;
  view.setBusy(task());
}

function complain(problem) {
  trouble = problem;
  view.showProblem(problem());
  view.focusProblem();
}

const cancel = oneAtATime(async () => {
  const mine = token;
  const { status } = standing;
  setBusy(() => text(`manage.${status}.busy`));
  const outcome = await cancelRegistration(mine, { apiUrl });
  if (mine !== token) return;
  setBusy();
  if (outcome.kind === "unavailable") {
    again = cancel;
    return complain(() => [...troubleOf(outcome).paragraphs, text("manage.safe-to-repeat")]);
  }
  show(outcome);
  view.focusNotice();
});

function show(outcome) {
  if (outcome.kind === "invalid") return showNothing("invalid");
  const isNew = JSON.stringify(outcome.standing) !== JSON.stringify(standing);
  ({ standing } = outcome);
  trouble = null;
  const { badge, heading } = showStanding();
  if (isNew) view.announce(text("manage.announcement", { event: standing.eventname, state: badge, heading }));
}

function showStanding() {
  const shown = standingOf(standing, readerOf(), Date.now());
  view.showStanding(standing.eventname, shown);
  return shown;
}

if (await begin(sayAgain)) start();
