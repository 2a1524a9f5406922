// Builds elements.  Text is only ever set as text: nothing here, or anywhere in the page, reads HTML from a string.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  copy: "M9 9h10v11H9zM5 15V4h10",
  good: "M7 11v9H4v-9zM7 11l4-8c1.5 0 2.5 1 2.5 2.5V9H19c1 0 1.8 1 1.5 2l-1.8 7.5c-.2.9-1 1.5-1.9 1.5H7",
  bad: "M17 13V4h3v9zM17 13l-4 8c-1.5 0-2.5-1-2.5-2.5V15H5c-1 0-1.8-1-1.5-2l1.8-7.5C5.5 4.6 6.3 4 7.2 4H17",
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  votes: "M4 6h10M4 12h16M4 18h7",
  again: "M20 11a8 8 0 1 0-2.3 6.3M20 5v6h-6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
};

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, to] of Object.entries(value)) element.style.setProperty(key, to);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("class", "icon");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  picture.append(path);
  return picture;
}

export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick, ...attributes }, icon(name));
}

export async function copy(text, button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = copyBySelection(text); // the clipboard is not given to pages that come over plain HTTP from elsewhere
  }
  const label = button.getAttribute("data-label") ?? button.getAttribute("aria-label") ?? button.textContent;
  button.setAttribute("data-label", label);
  const told = done ? "Copied" : "Not copied";
  button.classList.toggle("done", done);
  if (button.querySelector("svg")) button.setAttribute("aria-label", told);
  else button.textContent = told;
  setTimeout(() => {
    button.classList.remove("done");
    if (button.querySelector("svg")) button.setAttribute("aria-label", label);
    else button.textContent = label;
  }, 1500);
}

function copyBySelection(text) {
  const field = h("textarea", { class: "unseen", "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

// A share that is not certain is never shown as if it were.
export function percent(share) {
  if (share > 0.99 && share < 1) return ">99%";
  if (share < 0.01 && share > 0) return "<1%";
  return `${Math.round(share * 100)}%`;
}

export const plural = (num, noun) => `${num} ${noun}${num === 1 ? "" : "s"}`;

export const seconds = (time) => (time < 10 ? `${time.toFixed(1)} s` : `${Math.round(time)} s`);

// Puts `wanted` into `parent` in order and leaves those in peace that stand there already, so that focus stays.
export function arrange(parent, wanted) {
  wanted.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}
