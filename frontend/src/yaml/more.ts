/* What comes to the YAML editor with the first key or the pointer: completion, prose, markers, search, folding. */
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { bracketMatching, foldGutter, foldKeymap } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Prec, type Extension } from "@codemirror/state";
import { keymap, type EditorView } from "@codemirror/view";
import { completions, prose } from "./completion";
import type { Options } from "./main";
import type { Knowledge } from "./schema";

export { startCompletion } from "@codemirror/autocomplete";
export { setDiagnostics } from "@codemirror/lint";
export { openSearchPanel } from "@codemirror/search";

/** The keys come before those of the text: Tab, Enter and Escape belong to a completion while one is open. */
export function extensions(knowledge: Knowledge, options: Options): Extension[] {
  void knowledge.kinds();
  return [
    foldGutter(),
    lintGutter(),
    bracketMatching(),
    closeBrackets(),
    highlightSelectionMatches(),
    search({ top: true }),
    autocompletion({ override: [completions(knowledge, options.namespace)], icons: false }),
    prose(knowledge, options.words),
    Prec.high(keymap.of([
      { key: "Tab", run: acceptCompletion },
      { key: "Enter", run: acceptCompletion },
      { key: "Mod-/", run: comment },
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...searchKeymap,
      ...foldKeymap,
      ...lintKeymap,
    ])),
  ];
}

/** Makes comments of the lines that are selected, or of comments text again where all of them are. */
function comment(view: EditorView): boolean {
  const { doc, selection: { main } } = view.state;
  const [first, last] = [doc.lineAt(main.from).number, doc.lineAt(main.to).number];
  const lines = Array.from({ length: last - first + 1 }, (_nothing, index) => doc.line(first + index)).filter((line) => line.text.trim() !== "");
  const all = lines.every((line) => /^\s*#/.test(line.text));
  view.dispatch({ changes: lines.map((line) => {
    const from = line.from + line.text.search(/\S/);
    return all ? { from, to: from + (line.text.slice(from - line.from).startsWith("# ") ? 2 : 1) } : { from, insert: "# " };
  }) });
  return true;
}
