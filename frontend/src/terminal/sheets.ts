/* What xterm.js takes for <style> elements: the page's Content-Security-Policy allows style sheets that scripts make by
   the object model, and no others (build.mjs puts this in their place). */

/** An element without a face whose text is a style sheet of the document for as long as it is in there. */
export function styleSheetElement(): HTMLElement {
  const sheet = new CSSStyleSheet();
  const element = document.createElement("span");
  element.hidden = true;
  Object.defineProperty(element, "textContent", {
    set: (text: string | null) => {
      sheet.replaceSync(text ?? "");
      if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    },
  });
  const remove = element.remove.bind(element);
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    remove();
  };
  return element;
}
