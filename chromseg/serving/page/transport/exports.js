/** Files to take along, made by the server from the instances as they stand. */

import { announce } from "../base/announce.js";
import { around, byId } from "../base/elements.js";
import { annotationsOf, withoutPictures } from "../editing/annotations.js";
import * as api from "./api.js";
import { showProblem } from "./problem.js";

/** @import { Session } from "../editing/session.js" */
/** @import { Work } from "./api.js" */

/**
 * Bring the download buttons to life; `current()` gives {file, answer, page}.
 *
 * @type {(session: Session, current: () => Work) => void}
 */
export function exports(session, current) {
  byId("files").addEventListener("click", async (event) => {
    const button = around(event.target, "button[data-format]");
    const format = button?.getAttribute("data-format");
    if (!button || !format || button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    const what = button.textContent.trim();
    announce(`Making the ${what} …`);
    try {
      const { file, answer, page } = current();
      const result = { ...withoutPictures(answer), annotations: annotationsOf(session.instances, session.size) };
      const made = await api.render(format, file, result, page);
      hand(made.blob, `${stemOf(file.name)}-${made.name}`);
      announce(`${what} is in your downloads.`);
    } catch (problem) {
      showProblem(problem);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

/**
 * Give a file to the browser to keep.
 *
 * @type {(blob: Blob, name: string) => void}
 */
export function hand(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * A file's name without its suffix.
 *
 * @type {(name: string) => string}
 */
export const stemOf = (name) => name.replace(/(\.ome)?\.[^.]*$/, "") || "picture";
