import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { join } from 'node:path';
import { root } from './source-files.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const schema = JSON.parse(readFileSync(join(root, 'docs/report.schema.json'), 'utf8')) as Json;
const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, formats: { 'date-time': true } });
const validate = ajv.compile(closed(schema) as object);

/**
 * What is wrong with a report by its published schema; empty for a valid one. A field that the schema does not
 * describe counts as wrong here, although readers must accept it: so the schema cannot fall behind the model.
 */
export function schemaProblems(report: unknown): readonly string[] {
  validate(report);
  return (validate.errors ?? []).map(error => `${error.instancePath} ${error.message ?? ''} ${JSON.stringify(error.params)}`);
}

/** The schema with every object closed to fields it does not list. */
function closed(part: Json): Json {
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map((entry: Json) => closed(entry));
  const entries = Object.entries(part).map(([key, value]) => [key, closed(value)] as const);
  const object = Object.fromEntries(entries);
  return 'properties' in part && 'type' in part && part['type'] === 'object' && !('additionalProperties' in part)
    ? { ...object, additionalProperties: false }
    : object;
}
