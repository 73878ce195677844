/* Links and forms go by htmx (hx-boost on <body>) and the new page is morphed into the old one, so that what did not
   change does not move. Errors are pages too: they are shown, not swallowed. */
import htmx from "htmx.org";
import { morphChildren } from "./morph";

export function startNavigation(): void {
  Object.assign(htmx.config, {
    allowEval: false,
    includeIndicatorStyles: false,
    historyCacheSize: 0,
    defaultSettleDelay: 0, // until then a link that was morphed leads where it led before
    refreshOnHistoryMiss: true,
    scrollIntoViewOnBoost: false,
    responseHandling: [
      { code: "204", swap: false },
      { code: "[2345]..", swap: true, error: false },
    ],
  });
  htmx.defineExtension("morph", {
    isInlineSwap: (style) => style === "morph",
    handleSwap: (style, target, fragment) => {
      if (style !== "morph") return false;
      morphChildren(target as Element, fragment as DocumentFragment);
      return [target];
    },
  });
  document.addEventListener("htmx:beforeSwap", closeWhatFloats);
  document.addEventListener("htmx:beforeSwap", sayLanguage);
  document.addEventListener("htmx:beforeRequest", (event) => { loading(!isQuiet(event)); });
  document.addEventListener("htmx:afterRequest", () => { loading(false); });
}

/** A whole new page has no dialog, drawer or menu open. */
function closeWhatFloats(event: Event): void {
  if (event.target !== document.body) return;
  for (const dialog of document.querySelectorAll<HTMLDialogElement>("dialog[open]")) dialog.close();
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) menu.open = false;
}

/** A whole new page may be in another language; <html> is outside of what is swapped. */
function sayLanguage(event: Event): void {
  if (event.target !== document.body) return;
  const language = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail.xhr.getResponseHeader("Content-Language");
  if (language !== null) document.documentElement.lang = language;
}

/** What asks by itself, again and again, says so: <section hx-get="…" hx-trigger="every 5s" data-quiet>. */
function isQuiet(event: Event): boolean {
  return event.target instanceof Element && event.target.hasAttribute("data-quiet");
}

function loading(on: boolean): void {
  document.documentElement.classList.toggle("is-loading", on);
}
