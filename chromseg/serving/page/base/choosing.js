/** Choosing chromosomes by pointer and keyboard: the same in the picture and in the contact sheet. */

import { around, isItem } from "./elements.js";
import { roving, tabStop } from "./roving.js";

/** @import { Item } from "./elements.js" */

/**
 * Which chromosomes are chosen. "change" tells of a change of it, "point" of one in what is `pointed` at.
 *
 * @typedef {EventTarget & {
 *   selected: number[], active: number | null, pointed: number | null, picker: ((id: number) => void) | null,
 *   select(id: number, adding?: boolean): void, toggle(id: number): void, point(id: number | null): void,
 * }} Choice
 */

const TYPING = 800; // ms within which digits belong to one number

/**
 * Make a container's `[role=option][data-id]` choosable.
 *
 * @param {GlobalEventHandlers & Element} container
 * @param {Choice} session
 * @param {(event: MouseEvent) => number | null} idAt which one a click means.
 */
export function choosing(container, session, idAt = (event) => idOf(event.target)) {
  const options = () => optionsOf(container);
  let typed = "";
  /** @type {number | undefined} */
  let timer;

  /** @type {(id: number, adding: boolean) => void} */
  const choose = (id, adding) => {
    if (session.picker) session.picker(id);
    else if (adding) session.toggle(id);
    else session.select(id);
  };
  /** @type {(option: Item, how: { shiftKey?: boolean }) => void} */
  const moved = (option, { shiftKey }) => {
    const id = idOf(option);
    if (!session.picker && id !== null) session.select(id, shiftKey);
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
  session.addEventListener("point", () => {
    for (const option of options()) option.classList.toggle("pointed", idOf(option) === session.pointed);
  });

  /**
   * Digits go to the chromosome of that number.
   *
   * @type {(digit: string) => void}
   */
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

/**
 * After a change: options tell whether they are selected, and the focus stays where the work is.
 *
 * @type {(container: Element, session: Choice, hadFocus: boolean) => void}
 */
export function refresh(container, session, hadFocus) {
  const options = optionsOf(container);
  container.setAttribute("role", options.length ? "listbox" : "group"); // a list box may not be empty
  if (options.length) container.setAttribute("aria-multiselectable", "true");
  else container.removeAttribute("aria-multiselectable");
  for (const option of options) option.setAttribute("aria-selected", String(isSelected(option, session)));
  const active = options.find((option) => idOf(option) === session.active);
  tabStop(options, active);
  if (hadFocus && document.activeElement !== active) active?.focus({ preventScroll: true });
}

/**
 * The id of the chromosome that an element belongs to.
 *
 * @type {(element: EventTarget | null) => number | null}
 */
export function idOf(element) {
  return Number(around(element, "[data-id]")?.getAttribute("data-id")) || null;
}

/** @type {(option: Item, session: Choice) => boolean} */
function isSelected(option, { selected }) {
  return selected.some((id) => id === idOf(option));
}

/** @type {(container: Element) => Item[]} */
function optionsOf(container) {
  return [...container.querySelectorAll("[role=option]")].filter(isItem);
}
