/**
 * Fields of the dialog for live streams.
 * @module
 */

import { h } from "./dom.js";

/**
 * @param {string} label
 * @param {Record<string, string>} options
 * @param {string} testid
 * @param {() => void} onChange
 */
export function choice(label, options, testid, onChange) {
  const select = h("select", { "data-testid": testid, onchange: onChange });
  for (const [value, words] of Object.entries(options)) select.append(h("option", { value }, words));
  return { element: h("label", { class: "field" }, h("span", { class: "field-label" }, label), h("span", { class: "select" }, select)), select };
}

/**
 * @param {string} label
 * @param {Record<string, unknown>} attributes
 * @param {string} testid
 */
export function field(label, attributes, testid) {
  const input = h("input", { ...attributes, "data-testid": testid });
  return { element: h("label", { class: "field" }, h("span", { class: "field-label" }, label), input), input };
}
