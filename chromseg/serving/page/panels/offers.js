/** What there is of a picture already: a correction that the server keeps, and work that was not saved. */

import { announce } from "../base/announce.js";
import { byId } from "../base/elements.js";
import { annotationsOf } from "../editing/annotations.js";
import { annotationsIn, instancesFrom } from "../editing/coco.js";
import { adopt, EditError } from "../editing/edits.js";
import { keyOf } from "../transport/api.js";
import { draftOf, drafts, dropDraft, keepDraft } from "../transport/drafts.js";
import { goesOnFrom, whose } from "../transport/saving.js";

/** @import { Session } from "../editing/session.js" */
/** @import { Correction, Work } from "../transport/api.js" */
/** @import { Draft } from "../transport/drafts.js" */

const PAUSE = 400; // ms without a change after which a draft is kept
const place = byId("offers");

/**
 * Keep a draft of what is not saved, and let it go once it is.
 *
 * @type {(session: Session, current: () => Work) => void}
 */
export function draftsOf(session, current) {
  /** @type {number | undefined} */
  let timer;
  session.addEventListener("change", () => {
    clearTimeout(timer);
    if (session.unsaved) timer = setTimeout(keep, PAUSE);
    else if (session.canUndo || session.canRedo) dropDraft(keyOf(current().answer));
  });

  async function keep() {
    const { file, answer, page } = current();
    const key = keyOf(answer);
    const annotations = annotationsOf(session.instances, session.size);
    return keepDraft({ key, file, page, time: Date.now(), annotations });
  }
}

/**
 * Offer what there is of the picture at work.
 *
 * @type {(session: Session, work: Work, correction: Correction | null) => Promise<void>}
 */
export async function offer(session, { answer }, correction) {
  place.replaceChildren(); // those of another picture
  const draft = await draftOf(keyOf(answer));
  place.replaceChildren();
  if (correction) {
    const said = `This picture was corrected ${whose(correction.info)}: ${correction.annotations.length} chromosomes.`;
    place.append(row(said, [["Go on from there", () => openCorrection(session, correction)]]));
  }
  if (draft) {
    const said = `There are corrections of ${clock(draft.time)} that were not saved.`;
    place.append(row(said, [["Take them up", () => openDraft(session, draft)], ["Throw away", () => dropDraft(draft.key)]]));
  }
}

/**
 * Show a correction that the server keeps; Undo leads back.
 *
 * @type {(session: Session, correction: Correction) => void}
 */
export function openCorrection(session, correction) {
  const found = instancesFrom(correction.annotations, session.size);
  announce(`${session.apply(adopt(found, `Opened the correction ${whose(correction.info)}`))}.`);
  goesOnFrom(session, correction);
}

/** @type {(session: Session, draft: Draft) => void} */
export function openDraft(session, { annotations, time }) {
  const found = instancesFrom(/** @type {import("../editing/coco.js").Foreign[]} */ (annotations), session.size);
  announce(`${session.apply(adopt(found, `Took up the corrections of ${clock(time)}`))}.`);
}

/**
 * Show what a COCO file says of the picture at work.
 *
 * @type {(session: Session, work: Work, file: File) => Promise<void>}
 */
export async function openCoco(session, work, file) {
  try {
    const found = instancesFrom(annotationsIn(await file.text(), work.file.name, session.size), session.size);
    announce(`${session.apply(adopt(found, `Opened ${file.name}, ${found.length} chromosomes`))}.`);
  } catch (error) {
    if (!(error instanceof EditError)) throw error;
    announce(error.message);
  }
}

/**
 * Before any picture: what was not saved when the page was closed. `open` opens a picture and takes its draft up.
 *
 * @type {(open: (draft: Draft) => void) => Promise<void>}
 */
export async function offerDrafts(open) {
  const rows = (await drafts()).map((draft) => {
    const said = `${draft.file.name}: corrections of ${clock(draft.time)} that were not saved.`;
    return row(said, [["Go on", () => open(draft)], ["Throw away", () => dropDraft(draft.key)]]);
  });
  byId("left").replaceChildren(...rows);
}

/** @type {(said: string, acts: [name: string, act: () => void][]) => HTMLElement} */
function row(said, acts) {
  const made = document.createElement("div");
  made.className = "offer";
  const text = document.createElement("p");
  text.textContent = said;
  const buttons = acts.map(([name, act]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => {
      made.remove();
      act();
    });
    return button;
  });
  made.append(text, ...buttons);
  return made;
}

/** @type {(time: number) => string} */
const clock = (time) => new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
