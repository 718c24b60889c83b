/** Elements of the page, of the class that is expected of them; where index.html has none, an error names it. */

/**
 * What can have the focus, data and listeners, of HTML or of SVG.
 *
 * @typedef {HTMLElement | SVGElement} Item
 */
/**
 * A class of elements.
 *
 * @template {Element} E
 * @typedef {{ new (): E, prototype: E }} Kind
 */

/**
 * The element of an id.
 *
 * @template {Element} [E=HTMLElement]
 * @param {string} id
 * @param {Kind<E>} [kind] HTMLElement by default, here and below.
 */
export function byId(id, kind) {
  return expected(document.getElementById(id), `#${id}`, kind);
}

/**
 * The first element below a place that a selector means.
 *
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} place
 * @param {string} selector
 * @param {Kind<E>} [kind]
 */
export function one(place, selector, kind) {
  return expected(place.querySelector(selector), selector, kind);
}

/**
 * All elements below a place that a selector means.
 *
 * @template {Element} [E=HTMLElement]
 * @param {ParentNode} place
 * @param {string} selector
 * @param {Kind<E>} [kind]
 */
export function all(place, selector, kind) {
  return [...place.querySelectorAll(selector)].map((element) => expected(element, selector, kind));
}

/**
 * The element around the target of an event that a selector means; null for none.
 *
 * @type {(target: EventTarget | null, selector: string) => Element | null}
 */
export function around(target, selector) {
  return target instanceof Element ? target.closest(selector) : null;
}

/**
 * A copy of what a template holds.
 *
 * @type {(template: HTMLTemplateElement) => HTMLElement}
 */
export function copyOf(template) {
  const copy = template.content.firstElementChild?.cloneNode(true) ?? null;
  return expected(copy, `#${template.id} *`, HTMLElement);
}

/** @type {(element: Element | EventTarget | null) => element is Item} */
export function isItem(element) {
  return element instanceof HTMLElement || element instanceof SVGElement;
}

/**
 * @template {Element} [E=HTMLElement]
 * @param {Node | null} found
 * @param {string} selector
 * @param {Kind<E>} [kind]
 */
function expected(found, selector, kind) {
  const wanted = kind ?? HTMLElement;
  if (!(found instanceof wanted)) throw new TypeError(`the page has no ${wanted.name} at ${selector}`);
  return /** @type {E} */ (found); // HTMLElement where no kind is given
}
