/* What the server knows of kinds and their fields (console/yamlschemas.py), fetched when a kind is first asked about. */
import { ITEM } from "./place";

/** d prose, t type, f format, e values, p fields, r required, i items, a values of a map, $ another schema's name. */
export interface Schema {
  d?: string;
  t?: string;
  f?: string;
  e?: (string | number | boolean)[];
  p?: Record<string, Schema>;
  r?: string[];
  i?: Schema;
  a?: Schema;
  $?: string;
}

export interface Kind {
  kind: string;
  namespaced: boolean;
  schemas: Record<string, string>;
}

interface Document {
  root: string;
  schemas: Record<string, Schema>;
}

export interface Addresses {
  kinds: string;
  names: string;
}

const NAMES_ARE_KEPT = 20_000;

export class Knowledge {
  private all: Promise<Kind[]> | undefined;
  private readonly documents = new Map<string, Promise<Document | undefined>>();
  private readonly named = new Map<string, { at: number; names: Promise<string[]> }>();

  constructor(private readonly addresses: () => Addresses) {}

  kinds(): Promise<Kind[]> {
    this.all ??= fetched<{ kinds: Kind[] }>(this.addresses().kinds).then((found) => found?.kinds ?? []);
    return this.all;
  }

  /** Fetches what is asked next, most likely. */
  learn(kind: string): void {
    void this.document(kind, "");
  }

  /** The schema at the end of the way, in the kind's document; undefined where there is none. */
  async at(kind: string, version: string, path: string[]): Promise<Schema | undefined> {
    const document = await this.document(kind, version);
    if (document === undefined) return undefined;
    let found: Schema = resolved({ $: document.root }, document);
    for (const name of path) {
      const inner = name === ITEM ? found.i : found.p?.[name] ?? found.a;
      if (inner === undefined) return undefined;
      found = resolved(inner, document);
    }
    return found;
  }

  /** The fields of a schema, each resolved. */
  async fields(kind: string, version: string, schema: Schema): Promise<[string, Schema][]> {
    const document = await this.document(kind, version);
    if (document === undefined) return [];
    return Object.entries(schema.p ?? {}).map(([name, field]) => [name, resolved(field, document)]);
  }

  names(kind: string, namespace: string): Promise<string[]> {
    const key = `${kind} ${namespace}`;
    const kept = this.named.get(key);
    if (kept !== undefined && Date.now() - kept.at < NAMES_ARE_KEPT) return kept.names;
    const address = `${this.addresses().names}?${String(new URLSearchParams({ kind, namespace }))}`;
    const names = fetched<{ names: string[] }>(address).then((found) => found?.names ?? []);
    this.named.set(key, { at: Date.now(), names });
    return names;
  }

  private async document(kind: string, version: string): Promise<Document | undefined> {
    const known = (await this.kinds()).find((one) => one.kind === kind);
    const address = known?.schemas[version] ?? Object.values(known?.schemas ?? {})[0];
    if (address === undefined) return undefined;
    let document = this.documents.get(address);
    if (document === undefined) {
      document = fetched<Document>(address);
      this.documents.set(address, document);
    }
    return document;
  }
}

/** What stands beside a reference (its prose) is said of the field and goes first. */
function resolved(schema: Schema, document: Document): Schema {
  if (schema.$ === undefined) return schema;
  const { $: name, ...own } = schema;
  return { ...document.schemas[name], ...own };
}

async function fetched<Answer>(address: string): Promise<Answer | undefined> {
  try {
    const response = await fetch(address, { headers: { accept: "application/json" } });
    return response.ok ? (await response.json()) as Answer : undefined;
  } catch {
    return undefined;
  }
}
