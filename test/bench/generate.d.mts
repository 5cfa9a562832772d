interface TableOptions {
  seed?: number;
  sources?: number;
  even?: boolean;
  accounting?: boolean;
  hostname?: string;
}

export function table(entries: number, options?: TableOptions): Generator<string>;
export function writeBundle(file: string, entries: number, options?: TableOptions): Promise<void>;
