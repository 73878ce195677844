/* What somebody typed and has not sent: in this tab, which brings it back by itself, and in this browser, for when the tab is
   closed. A week old it is forgotten; who signs out leaves nothing. */
export type Fields = [string, string][];

interface Left {
  at: number;
  fields: Fields;
}

const WEEK = 7 * 24 * 3600 * 1000;
const MOST = 1_000_000;

export class Draft {
  constructor(private readonly name: string) {}

  /** Of this tab. */
  get here(): Fields | undefined {
    return read(sessionStorage, this.name) as Fields | undefined;
  }

  /** Of a tab that is not there any more, or another one. */
  get left(): Left | undefined {
    const found = read(localStorage, this.name) as Left | undefined;
    if (found === undefined || Date.now() - found.at < WEEK) return found;
    this.discard();
    return undefined;
  }

  keep(fields: Fields, { everywhere }: { everywhere: boolean }): void {
    const texts: [Storage, string][] = [[sessionStorage, JSON.stringify(fields)]];
    if (everywhere) texts.push([localStorage, JSON.stringify({ at: Date.now(), fields } satisfies Left)]);
    for (const [place, text] of texts) {
      try {
        if (text.length <= MOST) place.setItem(this.name, text);
      } catch {
        place.removeItem(this.name); // full: an old draft would be worse than none
      }
    }
  }

  discard(): void {
    localStorage.removeItem(this.name);
  }

  forget(): void {
    sessionStorage.removeItem(this.name);
    this.discard();
  }
}

/** Who signs out leaves no drafts behind. */
export function forgetWhenLeaving(): void {
  document.addEventListener("submit", (event) => {
    if (!(event.target instanceof HTMLFormElement) || event.target.dataset.leaves === undefined) return;
    for (const place of [sessionStorage, localStorage]) {
      for (const name of Object.keys(place)) if (name.startsWith("draft ")) place.removeItem(name);
    }
  });
}

function read(place: Storage, name: string): unknown {
  const text = place.getItem(name);
  return text === null ? undefined : JSON.parse(text);
}
