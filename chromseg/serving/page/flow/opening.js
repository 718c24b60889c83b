/** The way from given files to a result at work: cut once each, kept in the list, gone back to. */

import { announce } from "../base/announce.js";
import { byId } from "../base/elements.js";
import { cancelTask } from "../base/task.js";
import { focusStage, showPicture } from "../picture/stage.js";
import { fit } from "../picture/zoom.js";
import { instancesOf, piecesOf } from "../editing/annotations.js";
import { Session } from "../editing/session.js";
import * as api from "../transport/api.js";
import { isAbort, isRefusal } from "../transport/calling.js";
import { read } from "../transport/reading.js";
import { resetSaving } from "../transport/saving.js";
import { aboutResult } from "../panels/about.js";
import { cropFrom, pixelsOf } from "../panels/crops.js";
import { offer, openCoco, openDraft } from "../panels/offers.js";
import { sayBusy, sayStep, show, showBusy, showRefusal } from "../panels/views.js";
import { WorkList } from "../panels/worklist.js";

/** @import { Snapshot } from "../editing/session.js" */
/** @import { Answer, Settings, Work } from "../transport/api.js" */
/** @import { Draft } from "../transport/drafts.js" */
/** @import { Job } from "../transport/jobs.js" */
/** @import { Entry } from "../panels/worklist.js" */

const LARGE = 4 * 2 ** 20; // bytes of a file whose request would stay open for long
const AHEAD = 3; // pictures of the list that the server has at a time
const pageField = byId("page", HTMLInputElement);

/**
 * The acts that bring pictures to work in a session.
 *
 * @param {Session} session
 * @param {Settings} settings
 */
export function opening(session, settings) {
  const list = new WorkList(session, settings.expected_count, open);
  /** @type {Entry | null} */
  let wanted = null; // what was asked for last
  /** @type {Entry | null} */
  let refusedLast = null; // what was given last and could not be cut
  let running = 0; // pictures that are cut while nobody waits for them

  /**
   * Take what a person gave: pictures, or a COCO file of the one at work.
   *
   * @type {(files: File[]) => Promise<void>}
   */
  async function take(files) {
    const [coco] = files.filter(({ name }) => name.toLowerCase().endsWith(".json"));
    if (coco && list.current) return openCoco(session, atWork(), coco);
    const [first] = files.map((file) => list.add(file));
    await open(first);
    return cutTheRest();
  }

  /**
   * Bring a picture of the list to work; it is cut first if it was not. What was at work stays until then.
   *
   * @type {(entry: Entry) => Promise<void>}
   */
  async function open(entry) {
    cancelTask();
    byId("refusal").hidden = true;
    if (wanted && wanted !== entry && wanted !== list.current && !wanted.answer) stop(wanted);
    wanted = entry;
    try {
      if (!entry.answer) {
        showBusy(entry.file.name);
        await cut(entry, entry.file.size > LARGE);
      }
      if (wanted === entry) await showResult(entry);
    } catch (problem) {
      if (isAbort(problem)) return;
      refusedLast = entry;
      wanted = list.current;
      showPage();
      showRefusal(problem, entry.file.name, list.current?.file.name);
    }
  }

  /**
   * Have a picture cut, once, as a job or in one request.
   *
   * @type {(entry: Entry, asJob: boolean) => Promise<void>}
   */
  function cut(entry, asJob) {
    if (entry.cutting) return entry.cutting;
    entry.begun = !asJob;
    const told = (/** @type {Job} */ job) => {
      if (entry === wanted) sayStep(job);
      entry.begun = job.state === "working";
      list.render();
    };
    const waiting = (/** @type {number} */ seconds) => entry === wanted && sayBusy(seconds);
    const how = { signal: entry.stopping.signal, waiting, told: asJob ? told : null };
    const ask = async () => {
      entry.file = await read(entry.file, settings.max_body_bytes);
      entry.problem = null;
      const asked = options();
      entry.answer = await api.segment(entry.file, { ...asked, page: entry.page }, how);
      entry.model = asked.model;
      if (settings.corrections) entry.correction = await api.correctionOf(entry.answer);
    };
    const failed = (/** @type {unknown} */ problem) => {
      if (!isAbort(problem)) entry.problem = problem;
      throw problem;
    };
    entry.cutting = ask().catch(failed).finally(() => {
      entry.cutting = null;
      list.render();
    });
    list.render();
    return entry.cutting;
  }

  /** Have those cut that wait, while a person looks at the first; the server always has the next ones already. */
  function cutTheRest() {
    const waiting = list.entries.filter(({ answer, problem, cutting }) => !answer && !problem && !cutting);
    for (const entry of waiting.slice(0, AHEAD - running)) {
      running++;
      cutUnseen(entry).finally(() => {
        running--;
        cutTheRest();
      });
    }
  }

  /** @type {(entry: Entry) => Promise<void>} */
  async function cutUnseen(entry) {
    await cut(entry, true).catch((problem) => isAbort(problem) || sayBroken(entry.file.name, problem));
    if (entry.answer) entry.work ??= asFound(entry.answer);
    list.render();
  }

  /** @type {(entry: Entry) => Promise<void>} */
  async function showResult(entry) {
    const answer = /** @type {Answer} */ (entry.answer);
    const [{ height, width, pages }] = answer.images;
    const pixels = await pixelsOf(answer.picture);
    if (wanted !== entry) return; // another was asked for meanwhile
    // From here on without a pause, in which something would be done to a picture with the work on another.
    if (list.current) list.current.work = session.snapshot();
    list.current = entry;
    const { file, work } = entry;
    byId("file-name").textContent = file.name;
    byId("pages").hidden = pages < 2;
    pageField.max = String(pages);
    byId("page-count").textContent = String(pages);
    showPage();
    resetSaving(answer, entry.correction);
    const told = aboutResult(answer, entry.model);
    showPicture(answer.picture, [height, width]);
    cropFrom(pixels);
    show("work");
    if (work) session.resume(work);
    else session.start(instancesOf(answer), [height, width], piecesOf(answer));
    fit([height, width]);
    await offer(session, atWork(), entry.correction);
    await told;
    if (list.current !== entry) return;
    focusStage(); // the keys work at once
    announce(`${file.name}: ${session.instances.length} chromosomes found, ${session.toLookAt} to look at.`);
  }

  /** The number of the page that is shown, whichever was asked for last. */
  function showPage() {
    if (list.current) pageField.value = String(list.current.page + 1);
  }

  /**
   * Read a picture anew, unless that would lose work.
   *
   * @type {(entry: Entry) => Promise<void>}
   */
  async function cutAgain(entry) {
    if (entry === list.current && session.unsaved && !(await agrees())) return;
    const fresh = list.add(entry.file, entry.page, entry.given);
    await open(fresh);
    if (fresh.answer) list.remove(entry);
  }

  /** @type {(entry: Entry) => void} */
  function stop(entry) {
    entry.stopping.abort();
    list.remove(entry);
  }

  function stopped() {
    if (wanted && wanted !== list.current) stop(wanted);
    wanted = list.current;
    announce("Stopped.");
    showPage();
    show(list.current ? "work" : "start");
  }

  /** @type {(draft: Draft) => Promise<void>} */
  async function goOn(draft) {
    await open(list.add(draft.file, draft.page));
    if (list.current) openDraft(session, draft);
    byId("offers").replaceChildren();
  }

  /** @type {(page: number) => Promise<void>} */
  function openPage(page) {
    const { file, given } = /** @type {Entry} */ (list.current);
    return open(list.entries.find((entry) => entry.given === given && entry.page === page) ?? list.add(file, page, given));
  }

  /** @type {(entry: Entry | null, otherwise: string) => Promise<void> | void} */
  const openOr = (entry, otherwise) => (entry ? open(entry) : announce(otherwise));

  /** What can be done with the list, beside the acts on one picture. */
  const steps = {
    nextPicture: () => openOr(list.beside(1), "There is no other picture."),
    previousPicture: () => openOr(list.beside(-1), "There is no other picture."),
    done: () => {
      if (list.current) list.current.done = true;
      list.render();
      return openOr(list.nextToDo(), "Done. No picture is left.");
    },
  };

  /** @type {() => Work} */
  function atWork() {
    const entry = list.current;
    if (!entry?.answer) throw new Error("nothing is cut yet");
    const { file, answer, page } = entry;
    return { file, answer, page, markSaved: (step) => list.markSaved(entry, step) };
  }

  return { list, take, goOn, cutAgain, openPage, stopped, steps, atWork, refused: () => refusedLast };
}

/** @type {(name: string, problem: unknown) => void} */
const sayBroken = (name, problem) => announce(`${name} ${isRefusal(problem) ? "was refused" : "could not be cut"}.`);

function options() {
  const given = new FormData(byId("options", HTMLFormElement));
  const field = (/** @type {string} */ name) => String(given.get(name)).trim();
  return { polarity: field("polarity"), scale: field("scale") || "auto", model: field("model") };
}

/** Whether a person agrees to lose what is not saved. */
async function agrees() {
  const dialog = byId("lose-dialog", HTMLDialogElement);
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "ok";
}

/** @type {(answer: Answer) => Snapshot} */
function asFound(answer) {
  const [{ height, width }] = answer.images;
  const found = new Session();
  found.start(instancesOf(answer), [height, width], piecesOf(answer));
  return found.snapshot();
}
