/** Files to take along, made by the server from the instances as they stand. */

import { announce } from "../base/announce.js";
import { annotationsOf, withoutPictures } from "../editing/annotations.js";
import * as api from "./api.js";
import { showProblem } from "./problem.js";

/** Bring the download buttons to life; `current()` gives {file, answer, page}. */
export function exports(session, current) {
  document.getElementById("files").addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-format]");
    if (!button || button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    announce(`Making the ${button.textContent.trim()} …`);
    try {
      const { file, answer, page } = current();
      const result = { ...withoutPictures(answer), annotations: annotationsOf(session.instances, session.size) };
      const made = await api.render(button.dataset.format, file, result, page);
      hand(made.blob, `${stemOf(file.name)}-${made.name}`);
      announce(`${button.textContent.trim()} is in your downloads.`);
    } catch (problem) {
      showProblem(problem);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

function hand(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const stemOf = (name) => name.replace(/(\.ome)?\.[^.]*$/, "") || "picture";
