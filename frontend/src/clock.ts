/* The server's clock in the browser. Every page and every live message says what time it is there; one timer a page
   strikes at whole server seconds, and sleeps while nobody looks. */
type Listener = (now: number) => void;

const listeners = new Set<Listener>();
let offset = Number(document.documentElement.dataset.now ?? Date.now()) - Date.now();
let timer: number | undefined;

/** `now` in milliseconds since the epoch, as the server counts. */
export function serverNow(): number {
  return Date.now() + offset;
}

/** Takes the server's word for the time. */
export function setServerNow(milliseconds: number): void {
  offset = milliseconds - Date.now();
}

/** Calls `listener` every second until the returned function is called. */
export function everySecond(listener: Listener): () => void {
  listeners.add(listener);
  timer ??= window.setTimeout(strike, untilNextSecond());
  return () => listeners.delete(listener);
}

function strike(): void {
  timer = undefined;
  if (listeners.size === 0) return;
  if (!document.hidden) {
    const now = serverNow();
    for (const listener of listeners) listener(now);
  }
  timer = window.setTimeout(strike, untilNextSecond());
}

function untilNextSecond(): number {
  return 1005 - (serverNow() % 1000);
}
