/**
 * Questions in a dialog: are you sure, and how shall it be called.
 * @module
 */

import { dialog } from "./controls.js";
import { h } from "./dom.js";

/**
 * @param {{ title: string, text?: string, confirm: string, danger?: boolean, testid?: string,
 *   field?: { label: string, value?: string, placeholder?: string, required?: boolean, maxlength?: number } }} question
 * @returns {Promise<string | null>} What was written (empty without a field), or null if the user has not confirmed.
 */
export function ask({ title, text, confirm, danger = false, testid = "ask-dialog", field }) {
  const input = field
    ? h("input", {
        type: "text",
        value: field.value ?? "",
        placeholder: field.placeholder,
        required: field.required,
        maxlength: field.maxlength ?? 200,
        "data-testid": "ask-input",
      })
    : null;
  const form = h(
    "form",
    { class: "ask", method: "dialog" },
    text ? h("p", {}, text) : null,
    field && input ? h("label", { class: "field" }, h("span", { class: "field-label" }, field.label), input) : null,
    h(
      "div",
      { class: "ask-buttons" },
      h("button", { type: "button", class: "button button-quiet", onclick: () => element.close() }, "Cancel"),
      h("button", { type: "submit", class: `button ${danger ? "button-danger" : "button-primary"}`, "data-testid": "ask-confirm" }, confirm),
    ),
  );
  const element = dialog({ title, testid }, form);
  element.classList.add("dialog-small");
  /** @type {string | null} */
  let answer = null;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer = input?.value.trim() ?? "";
    if (field?.required && !answer) return input?.focus();
    element.close();
  });
  document.body.append(element);
  element.showModal();
  input?.select();
  return new Promise((resolve) => {
    element.addEventListener("close", () => {
      element.remove();
      resolve(answer);
    });
  });
}
