/** The pictures that were given, as a list of work: where each stands, how many are done, and all results together. */

import { all, around, byId } from "../base/elements.js";
import { annotationsOf } from "../editing/annotations.js";
import { kept } from "../editing/edits.js";
import { toLookAt } from "../editing/unclaimed.js";
import { isRefusal } from "../transport/calling.js";
import { hand } from "../transport/exports.js";

/** @import { Instance } from "../editing/edits.js" */
/** @import { Session, Snapshot, Step } from "../editing/session.js" */
/** @import { Answer, Correction } from "../transport/api.js" */

/** @typedef {"waiting" | "being cut" | "refused" | "failed" | "doubtful" | "cut" | "corrected" | "done"} State */
/**
 * A picture that was given: what the server answered, or why not; `work` is what was put aside, or nothing yet.
 *
 * @typedef {object} Entry
 * @property {File} file
 * @property {File} given as a person gave it: the same for all pages of a file, however often it was read.
 * @property {number} page
 * @property {Answer | null} answer
 * @property {string} model what the model is called that was asked for it.
 * @property {Correction | null} correction that the server keeps.
 * @property {unknown} problem
 * @property {Promise<void> | null} cutting
 * @property {boolean} begun the server works on it.
 * @property {AbortController} stopping
 * @property {Snapshot | null} work
 * @property {boolean} done a person said so.
 */

const place = byId("worklist");
const items = byId("pictures");

export class WorkList {
  /** @type {Entry[]} */
  entries = [];
  /** @type {Entry | null} */
  current = null;
  #session;
  #expected;

  /**
   * @param {Session} session the work on the current one.
   * @param {number} expected chromosomes in a picture.
   * @param {(entry: Entry) => void} open what a click on one does.
   */
  constructor(session, expected, open) {
    this.#session = session;
    this.#expected = expected;
    session.addEventListener("change", () => this.render());
    items.addEventListener("click", (event) => {
      const index = around(event.target, "button")?.getAttribute("data-index");
      if (index) open(this.entries[Number(index)]);
    });
    byId("all-coco").addEventListener("click", () => this.#hand("pictures.json", JSON.stringify(this.coco())));
    byId("all-counts").addEventListener("click", () => this.#hand("counts.csv", this.counts()));
  }

  /** @type {(file: File, page?: number, given?: File) => Entry} */
  add(file, page = 0, given = file) {
    const nothing = { answer: null, model: "", correction: null, problem: null, cutting: null, begun: false, work: null, done: false };
    const entry = { file, given, page, ...nothing, stopping: new AbortController() };
    this.entries.push(entry);
    this.render();
    return entry;
  }

  /** @type {(entry: Entry) => void} */
  remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.render();
  }

  /**
   * The one so many places after the current one, round the end; null where there is no other.
   *
   * @type {(steps: number) => Entry | null}
   */
  beside(steps) {
    const { length } = this.entries;
    const at = this.entries.findIndex((entry) => entry === this.current);
    const other = this.entries[(at + steps + length) % length];
    return other === this.current ? null : (other ?? null);
  }

  /** The next one that is not done, for which something can be done. */
  nextToDo() {
    const others = this.entries.map((_, step) => this.beside(step + 1));
    return others.find((entry) => entry && !["done", "refused", "failed"].includes(this.stateOf(entry))) ?? null;
  }

  /**
   * The work on one; null where there is none yet.
   *
   * @type {(entry: Entry) => Snapshot | null}
   */
  #workOf(entry) {
    return entry === this.current ? this.#session.snapshot() : entry.work;
  }

  /** @type {(entry: Entry) => Instance[]} */
  instancesOf(entry) {
    const work = this.#workOf(entry);
    return work ? work.steps[work.at].instances : [];
  }

  /** @type {(entry: Entry) => State} */
  stateOf(entry) {
    if (entry.problem) return isRefusal(entry.problem) ? "refused" : "failed";
    if (!entry.answer) return entry.cutting && entry.begun ? "being cut" : "waiting";
    const { steps, at, saved, pieces } = this.#workOf(entry) ?? this.#session.snapshot();
    if (entry.done || (at > 0 && steps[at] === saved)) return "done";
    if (at > 0) return "corrected";
    return toLookAt(pieces, steps[at].instances) ? "doubtful" : "cut";
  }

  /**
   * A step of a picture was saved, which may have been put aside since.
   *
   * @type {(entry: Entry, step: Step) => void}
   */
  markSaved(entry, step) {
    if (entry === this.current) return this.#session.markSaved(step);
    if (entry.work) entry.work = { ...entry.work, saved: step };
    return this.render();
  }

  /** Whether anything would be lost. */
  get unsaved() {
    return this.#session.unsaved || this.entries.some(({ work }) => work && work.steps[work.at] !== work.saved);
  }

  /** All results as one COCO file, as corrected so far. */
  coco() {
    const cut = this.entries.filter(({ answer }) => answer);
    const images = cut.map(({ file, answer, page }, index) => {
      const [{ height, width }] = /** @type {Answer} */ (answer).images;
      return { id: index + 1, file_name: file.name, height, width, page, state: this.stateOf(cut[index]) };
    });
    const annotations = cut.flatMap((entry, index) =>
      annotationsOf(this.instancesOf(entry), [images[index].height, images[index].width]).map((one) => ({
        ...one,
        image_id: index + 1,
        category_id: 1,
      })),
    );
    const numbered = annotations.map((one, index) => ({ id: index + 1, ...one }));
    return { images, annotations: numbered, categories: [{ id: 1, name: "chromosome" }] };
  }

  /** A table: picture, page, state, chromosomes, to look at. */
  counts() {
    const rows = this.entries.map((entry) => {
      const instances = this.instancesOf(entry);
      const left = toLookAt(this.#workOf(entry)?.pieces ?? [], instances);
      const name = `"${entry.file.name.replaceAll('"', '""')}"`;
      return [name, entry.page + 1, this.stateOf(entry), kept(instances).length, left].join();
    });
    return ["picture,page,state,chromosomes,to look at", ...rows, ""].join("\n");
  }

  render() {
    place.hidden = this.entries.length < 2;
    const states = this.entries.map((entry) => this.stateOf(entry));
    const done = states.filter((state) => state === "done").length;
    byId("progress").textContent = `${done} of ${states.length} done`;
    while (items.children.length > states.length) items.lastElementChild?.remove();
    this.entries.forEach((entry, index) => {
      const item = items.children[index] ?? items.appendChild(newItem(index));
      const [button] = all(item, "button", HTMLButtonElement);
      const count = entry.answer ? `, ${kept(this.instancesOf(entry)).length} of ${this.#expected}` : "";
      const page = entry.page ? `, page ${entry.page + 1}` : "";
      const text = `${entry.file.name}${page}: ${states[index]}${count}`;
      if (button.textContent !== text) button.textContent = text;
      button.className = states[index].replace(" ", "-");
      button.toggleAttribute("aria-current", entry === this.current);
    });
  }

  /** @type {(name: string, text: string) => void} */
  #hand(name, text) {
    hand(new Blob([text]), name);
  }
}

/** @type {(index: number) => HTMLElement} */
function newItem(index) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.index = String(index);
  item.append(button);
  return item;
}
