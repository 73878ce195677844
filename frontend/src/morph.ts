/* One way to put new markup in: morph, so that focus, scroll, open menus and typed text stay where they are. */
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";
import { patchCell, patchRow } from "./rows";

/** Told on the document when something was morphed in. */
export const MORPHED = "console:morphed";

/** Makes the children of `target` like those of `fragment`. What is being typed while an answer comes stays, and so does a
    part of a form (`.fold`) that a person has opened, and what a script fills (`data-kept`, with an id). */
export function morphChildren(target: Element, fragment: DocumentFragment): void {
  void Idiomorph.morph(target, [...fragment.childNodes], {
    morphStyle: "innerHTML",
    ignoreActiveValue: typing(),
    callbacks: {
      beforeAttributeUpdated: (name: string, node: Element, change: string) => !(name === "open" && change === "remove" && node.matches(".fold")),
      beforeNodeMorphed: (old: Node, fresh: Node) => !(isFilled(old) && isFilled(fresh) && (old as Element).id === (fresh as Element).id),
    },
  });
  document.dispatchEvent(new Event(MORPHED));
}

/** Makes the element called `id` like the one `html` describes. What a person has opened stays open, what is ticked stays ticked. */
export function morphById(id: string, html: string): void {
  const old = document.getElementById(id);
  if (old === null) return;
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  if (old instanceof HTMLTableRowElement && fresh instanceof HTMLTableRowElement && patchRow(old, fresh, isKept)) return;
  if (fresh === null || fresh.isEqualNode(old)) return;
  void Idiomorph.morph(old, fresh, {
    morphStyle: "outerHTML",
    ignoreActiveValue: typing(),
    callbacks: { beforeAttributeUpdated: (name: string, node: Element) => !isKept(name, node) },
  });
  const shown = document.getElementById(id);
  if (shown !== null) htmx.process(shown);
  document.dispatchEvent(new Event(MORPHED));
}

/** Makes cells of the row called `id`, by their place, like those that are described. */
export function morphCells(id: string, cells: Record<string, string>): void {
  const row = document.getElementById(id);
  if (!(row instanceof HTMLTableRowElement)) return;
  const template = document.createElement("template");
  template.innerHTML = Object.values(cells).join("");
  const fresh = template.content.children;
  for (const [index, place] of Object.keys(cells).entries()) {
    const [old, wanted] = [row.cells[Number(place)], fresh[index]];
    if (old !== undefined && wanted !== undefined) patchCell(old, wanted, isKept);
  }
}

/** What is a person's and no server knows: what is open, what is ticked. */
function isKept(name: string, node: Element): boolean {
  return name === "open" || (name === "checked" && node.matches('[form="picks"], #pick-all'));
}

function isFilled(node: Node): boolean {
  return node instanceof Element && node.hasAttribute("data-kept");
}

/** Idiomorph keeps the value of what has the focus, and its children with it: right for a field, wrong for a button. */
function typing(): boolean {
  return document.activeElement?.matches("input, textarea, select") ?? false;
}
