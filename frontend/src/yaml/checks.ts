/* What the server says of the text while one types: a dry run after a pause, its sentences as markers at their lines. */
import type { Text } from "@codemirror/state";
import type { EditorView } from "@codemirror/view";

export interface Marker {
  line: number;
  sort: string;
  severity: "error" | "warning" | "info";
  message: string;
  field: string;
}

export interface Checked {
  title: string;
  kind: string;
  name: string;
  line: number;
  last: number;
  state: string;
  word: string;
  tone: string;
  shape: string;
  url: string;
  markers: Marker[];
}

/** A marker at its place in the text. */
export interface Mark {
  from: number;
  to: number;
  severity: Marker["severity"];
  message: string;
}

const PAUSE = 600;

export class Checks {
  private timer: number | undefined;
  private asking: AbortController | undefined;

  constructor(
    private readonly view: EditorView,
    private readonly ask: (text: string, signal: AbortSignal) => Promise<Checked[] | undefined>,
    private readonly marked: (marks: Mark[], asked: Text) => void,
    private readonly told: (documents: Checked[] | undefined) => void,
  ) {}

  soon(pause = PAUSE): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => { void this.now(); }, pause);
  }

  end(): void {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  private async now(): Promise<void> {
    this.asking?.abort();
    const asking = this.asking = new AbortController();
    const asked = this.view.state.doc;
    const documents = await this.ask(asked.toString(), asking.signal).catch(() => undefined);
    if (asking.signal.aborted || !this.view.dom.isConnected) return;
    if (this.view.state.doc.eq(asked)) this.mark(documents ?? []);
    this.told(documents);
  }

  private mark(documents: Checked[]): void {
    const { doc } = this.view.state;
    const found = documents.flatMap((one) => one.markers).map((marker): Mark => {
      const row = doc.line(Math.min(Math.max(1, marker.line), doc.lines));
      const start = row.from + (row.text.length - row.text.trimStart().length);
      return { from: start, to: Math.max(start, row.from + row.text.trimEnd().length), severity: marker.severity, message: marker.message };
    });
    this.marked(found.sort((one, other) => one.from - other.from), doc);
  }
}
