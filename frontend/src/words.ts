/* What scripts say, in the page's language. The English stands in the code; a page in another language brings its words
   along in <script type="application/json" id="words"> ({% browser_words %}, scripts/messages.py extracts them).

   filled(gettext("%(age)s ago"), { age }), filled(ngettext("%(count)s line", "%(count)s lines", count), { count }) */
type Catalogue = Partial<Record<string, string | string[]>>;

let catalogue: Catalogue | undefined;

export function gettext(message: string): string {
  const found = words()[message];
  return typeof found === "string" ? found : message;
}

/** Of another language's forms the first: none that the console speaks has two. */
export function ngettext(one: string, many: string, count: number): string {
  const found = words()[one];
  return Array.isArray(found) ? found[0] ?? many : count === 1 ? one : many;
}

/** Values in the place of `%(name)s`. */
export function filled(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/%\((\w+)\)s/g, (whole, name: string) => String(values[name] ?? whole));
}

function words(): Catalogue {
  catalogue ??= JSON.parse(document.getElementById("words")?.textContent ?? "{}") as Catalogue;
  return catalogue;
}
