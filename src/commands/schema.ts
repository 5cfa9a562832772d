import * as z from 'zod';
import { analysisSchema } from '../analysis/schema.ts';

/** Prints the JSON Schema (draft 2020-12) of what `--format json` writes. */
export function printSchema(): void {
  process.stdout.write(`${JSON.stringify(z.toJSONSchema(analysisSchema), null, 2)}\n`);
}
