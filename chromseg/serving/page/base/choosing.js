/** Choosing chromosomes by pointer and keyboard: the same in the picture and in the contact sheet. */

import { roving, tabStop } from "./roving.js";

const TYPING = 800; // ms within which digits belong to one number

/**
 * Make a container's `[role=option][data-id]` choosable.
 *
 * @param {(event) => number | null} idAt which one a click means.
 */
export function choosing(container, session, idAt = (event) => idOf(event.target)) {
  const options = () => [...container.querySelectorAll("[role=option]")];
  let typed = "";
  let timer;

  const choose = (id, adding) => {
    if (session.picker) session.picker(id);
    else if (adding) session.toggle(id);
    else session.select(id);
  };
  const moved = (option, { shiftKey }) => {
    if (!session.picker) session.select(idOf(option), shiftKey);
  };

  roving(container, options, moved);
  container.addEventListener("click", (event) => {
    const id = idAt(event);
    if (id === null) return;
    options().find((option) => idOf(option) === id)?.focus({ preventScroll: true });
    choose(id, event.shiftKey || event.ctrlKey || event.metaKey);
  });
  container.addEventListener("keydown", (event) => {
    const id = idOf(event.target);
    if (id === null || event.altKey) return;
    const digit = /^[0-9]$/.test(event.key);
    if (!digit) typed = "";
    if (digit) goTo(event.key);
    else if (event.key === "Enter") choose(id, false);
    else if (event.key === " ") choose(id, true);
    else return;
    event.preventDefault();
  });
  container.addEventListener("focusin", ({ target }) => {
    session.active = idOf(target) ?? session.active;
    session.point(idOf(target));
  });
  container.addEventListener("focusout", () => session.point(null));
  // a pointer that rests beside all of them does not take the eye from the one that has the focus
  const focused = () => idOf(document.activeElement);
  container.addEventListener("pointerover", ({ target }) => session.point(idOf(target) ?? focused()));
  container.addEventListener("pointerleave", () => session.point(focused()));
  session.addEventListener("point", ({ detail }) => {
    for (const option of options()) option.classList.toggle("pointed", idOf(option) === detail);
  });

  /** Digits go to the chromosome of that number. */
  function goTo(digit) {
    typed += digit;
    clearTimeout(timer);
    timer = setTimeout(() => (typed = ""), TYPING);
    const option = options().find((one) => idOf(one) === Number(typed));
    if (!option) return;
    option.focus();
    moved(option, {});
  }
}

/** After a change: options tell whether they are selected, and the focus stays where the work is. */
export function refresh(container, session, hadFocus) {
  const options = [...container.querySelectorAll("[role=option]")];
  container.setAttribute("role", options.length ? "listbox" : "group"); // a list box may not be empty
  if (options.length) container.setAttribute("aria-multiselectable", "true");
  else container.removeAttribute("aria-multiselectable");
  for (const option of options) option.setAttribute("aria-selected", session.selected.includes(idOf(option)));
  const active = options.find((option) => idOf(option) === session.active);
  tabStop(options, active);
  if (hadFocus && document.activeElement !== active) active?.focus({ preventScroll: true });
}

/** The id of the chromosome that an element belongs to. */
export function idOf(element) {
  return Number(element.closest?.("[data-id]")?.dataset.id) || null;
}
