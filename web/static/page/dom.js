/**
 * Builds elements without HTML strings: text is always text.
 * @module
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [attributes] `on…` functions listen; true and false switch an attribute; `class`,
 *   `data-…`, `aria-…` as in HTML.
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2).toLowerCase(), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter(isPresent));
  return element;
}

/**
 * @param {Child} child
 * @returns {child is Node | string}
 */
function isPresent(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}

/** @param {number} ms */
export function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Lets an element leave with a transition if the user does not mind motion.
 * @param {HTMLElement} element
 * @param {string} className
 */
export function leave(element, className) {
  element.classList.add(className);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return element.remove();
  setTimeout(() => element.remove(), 220);
}
