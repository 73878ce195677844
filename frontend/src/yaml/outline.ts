/* The documents of a text as a list: what each is, what sending it would do, and what is wrong with it, at its line.
   <li class="outline__item"><p><button class="outline__name">Deployment shop/web</button> <span class="state">New</span></p>
     <button class="outline__marker outline__marker--error">line 12: …</button></li> */
import type { Checked, Marker } from "./checks";

interface How {
  /** The line the cursor is on. */
  at: number;
  /** `line {line}`. */
  line: string;
  go: (line: number) => void;
}

export function outline(place: HTMLElement, documents: Checked[], how: How): void {
  const items = documents.map((one) => item(one, how));
  const focused = focusedIn(place);
  place.replaceChildren(...items);
  if (focused >= 0) place.querySelectorAll("button")[focused]?.focus();
  place.closest(".card")?.toggleAttribute("hidden", documents.length === 0);
}

function item(one: Checked, how: How): HTMLElement {
  const row = element("li", "outline__item");
  if (how.at >= one.line && how.at <= one.last) row.setAttribute("aria-current", "true");
  const head = element("p", "outline__head");
  const name = button("outline__name", one.title, () => { how.go(one.line); });
  head.append(name, state(one));
  row.append(head, ...one.markers.map((marker) => said(marker, how)));
  return row;
}

function state(one: Checked): HTMLElement {
  const found = element("span", `state state--${one.tone}`);
  const shape = element("i", `state__shape state__shape--${one.shape}`);
  shape.setAttribute("aria-hidden", "true");
  found.append(shape, element("span", "state__word", one.word));
  return found;
}

function said(marker: Marker, how: How): HTMLElement {
  const found = button(`outline__marker outline__marker--${marker.severity}`, "", () => { how.go(marker.line); });
  found.append(element("span", "outline__line", how.line.replace("{line}", String(marker.line))), ` ${marker.message}`);
  return found;
}

function button(css: string, words: string, pressed: () => void): HTMLElement {
  const found = Object.assign(element("button", css, words), { type: "button" });
  found.addEventListener("click", pressed);
  return found;
}

function element(tag: string, css: string, words = ""): HTMLElement {
  return Object.assign(document.createElement(tag), { className: css, textContent: words });
}

function focusedIn(place: HTMLElement): number {
  return [...place.querySelectorAll("button")].findIndex((one) => one === document.activeElement);
}
