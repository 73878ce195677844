/* A row of a table that changes often: what differs is written into it, cell by cell. Nothing is measured, moved or
   connected anew, so that a list of which fifty rows change a second leaves the page's thread free. */
import htmx from "htmx.org";

export type Keeps = (name: string, node: Element) => boolean;

/** Makes `old` like `fresh`; false, and nothing done, when they have not the same cells. `keeps` says which attributes are a person's. */
export function patchRow(old: HTMLTableRowElement, fresh: HTMLTableRowElement, keeps: Keeps): boolean {
  if (old.cells.length !== fresh.cells.length) return false;
  attributes(old, fresh, keeps);
  for (const [index, cell] of [...old.cells].entries()) {
    const wanted = fresh.cells[index];
    if (wanted !== undefined) patchCell(cell, wanted, keeps);
  }
  return true;
}

export function patchCell(cell: Element, wanted: Element, keeps: Keeps): void {
  if (alike(cell, wanted)) {
    write(cell, wanted, keeps);
    return;
  }
  const focused = cell.contains(document.activeElement) ? document.activeElement : null;
  const place = focused === null ? -1 : [...cell.querySelectorAll("a, button, input")].indexOf(focused);
  attributes(cell, wanted, keeps);
  cell.replaceChildren(...wanted.childNodes);
  if (cell.querySelector("[hx-get], [hx-post]") !== null) htmx.process(cell);
  if (place >= 0) cell.querySelectorAll<HTMLElement>("a, button, input")[place]?.focus({ preventScroll: true });
}

/** Whether they have the same elements, whatever these say. */
function alike(old: Element, fresh: Element): boolean {
  if (old.tagName !== fresh.tagName || old.childNodes.length !== fresh.childNodes.length) return false;
  for (let index = 0; index < old.childNodes.length; index += 1) {
    const [one, other] = [old.childNodes[index], fresh.childNodes[index]];
    if (one === undefined || other?.nodeType !== one.nodeType) return false;
    if (one instanceof Element && !alike(one, other as Element)) return false;
  }
  return true;
}

function write(old: Element, fresh: Element, keeps: Keeps): void {
  attributes(old, fresh, keeps);
  for (const [index, one] of old.childNodes.entries()) {
    const other = fresh.childNodes[index];
    if (other === undefined) return;
    if (one instanceof Element) write(one, other as Element, keeps);
    else if (one.nodeValue !== other.nodeValue) one.nodeValue = other.nodeValue;
  }
}

function attributes(old: Element, fresh: Element, keeps: Keeps): void {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !keeps(name, old)) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !keeps(name, old) && !ours(name)) old.removeAttribute(name);
  }
}

/** What htmx writes onto elements by itself. */
function ours(name: string): boolean {
  return name.startsWith("data-hx-");
}
