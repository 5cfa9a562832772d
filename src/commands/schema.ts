import * as z from 'zod';
import { analysisSchema } from '../analysis/schema.ts';
import { fleetSchema } from '../fleet/schema.ts';
import { renderCsvSchema } from '../report/csv.ts';
import { timelineSchema } from '../timeline/schema.ts';

const SCHEMAS = { analysis: analysisSchema, timeline: timelineSchema, fleet: fleetSchema };

/**
 * Prints the JSON Schema (draft 2020-12) of what `--format json` writes: an analysis for `report`, a timeline for `compare`, a fleet for
 * `fleet`; or, as CSV, the columns of what `report --format csv` writes.
 */
export function printSchema(name: keyof typeof SCHEMAS | 'csv'): void {
  const text = name === 'csv' ? renderCsvSchema() : `${JSON.stringify(z.toJSONSchema(SCHEMAS[name]), null, 2)}\n`;
  process.stdout.write(text);
}
