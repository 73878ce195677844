/* How the editor looks: in the page's tokens, so that it follows its theme. CodeMirror's own sheet stands outside of the
   page's layers and wins over them; that is why this is no block of styles/. */
import { HighlightStyle } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const TINT = "color-mix(in srgb, var(--accent) 24%, transparent)";

export const colours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--accent)" },
  { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--ok)" },
  { tag: [tags.comment, tags.meta], color: "var(--muted)" },
]);

/* The height is the textarea's, too (styles/blocks/wizard.css). */
export const theme = EditorView.theme({
  "&": { height: "clamp(320px, 66dvh, 900px)", backgroundColor: "transparent", color: "var(--text)", font: "inherit" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { font: "inherit" },
  ".cm-content": { paddingBlock: "10px", caretColor: "var(--text)" },
  ".cm-gutters": { minWidth: "62px", borderInlineEnd: "1px solid var(--line)", backgroundColor: "var(--sunken)", color: "var(--muted)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--hover)", color: "var(--text)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { backgroundColor: TINT },
  ".cm-selectionMatch": { backgroundColor: "var(--warn-soft)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: TINT },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-soft)" },
  ".cm-foldPlaceholder": { borderColor: "var(--line)", backgroundColor: "var(--sunken)", color: "var(--muted)" },
  ".cm-lintRange-error": { borderBottom: "2px solid var(--bad)", backgroundImage: "none" },
  ".cm-lintRange-warning": { borderBottom: "2px solid var(--warn)", backgroundImage: "none" },
  ".cm-lintRange-info": { backgroundImage: "none" },
  ".cm-lintRange-active": { backgroundColor: "var(--warn-soft)" },
  ".cm-tooltip": {
    zIndex: "30", maxWidth: "min(460px, 90vw)", border: "1px solid var(--line-strong)", borderRadius: "var(--radius)",
    backgroundColor: "var(--surface)", boxShadow: "var(--shadow-l)", color: "var(--text)", font: "var(--step--1) / 1.5 var(--font)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { maxHeight: "260px", font: "12.5px/1.6 var(--mono)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "1px var(--space-2)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal" },
  ".cm-completionMatchedText": { color: "var(--accent)", fontWeight: "600", textDecoration: "none" },
  ".cm-tooltip.cm-completionInfo": { maxHeight: "260px", padding: "var(--space-2) var(--space-3)", overflow: "auto", whiteSpace: "pre-line" },
  ".cm-diagnostic": { padding: "var(--space-2) var(--space-3)", whiteSpace: "pre-line" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--accent)" },
  ".cm-panels": { borderColor: "var(--line)", backgroundColor: "var(--sunken)", color: "var(--text)", font: "var(--step--1) / 1.5 var(--font)" },
  ".cm-panel.cm-search input:not([type=checkbox]), .cm-panel.cm-search button": {
    width: "auto", minHeight: "28px", border: "1px solid var(--line-strong)", backgroundColor: "var(--surface)", backgroundImage: "none", color: "var(--text)",
  },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
});
