import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { join } from 'node:path';
import { root } from './source-files.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true, formats: { 'date-time': true } });
const validateLogsReport = compile('docs/logs-report.schema.json');
// Published beside each other, the one names the other by its file.
ajv.addSchema(validateLogsReport.schema, 'logs-report.schema.json');
const validateReport = compile('docs/report.schema.json');
const validateChanges = compile('docs/changes-report.schema.json');
ajv.addSchema(validateReport.schema, 'report.schema.json');
const validateSize = compile('docs/size-report.schema.json');
const validateLint = compile('docs/lint-report.schema.json');

/**
 * What is wrong with a report by its published schema; empty for a valid one. A field that the schema does not
 * describe counts as wrong here, although readers must accept it: so the schema cannot fall behind the model.
 */
export function schemaProblems(report: unknown): readonly string[] {
  return problemsOf(validateReport, report);
}

/** The same for the report of `badhop logs`. */
export function logsSchemaProblems(report: unknown): readonly string[] {
  return problemsOf(validateLogsReport, report);
}

/** The same for the report of `badhop size`. */
export function sizeSchemaProblems(report: unknown): readonly string[] {
  return problemsOf(validateSize, report);
}

/** The same for the report of `badhop lint`. */
export function lintSchemaProblems(report: unknown): readonly string[] {
  return problemsOf(validateLint, report);
}

/** The same for the reports of `badhop fix`, `undo` and `history`. */
export function changesSchemaProblems(report: unknown): readonly string[] {
  return problemsOf(validateChanges, report);
}

function compile(path: string): ValidateFunction {
  return ajv.compile(closed(JSON.parse(readFileSync(join(root, path), 'utf8')) as Json) as object);
}

function problemsOf(validate: ValidateFunction, report: unknown): readonly string[] {
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

/** The classes of messages that the two schemas name. */
export function schemaClasses(): { readonly diagnosis: readonly string[]; readonly logs: readonly string[] } {
  const enumOf = (path: string, ...keys: readonly string[]): readonly string[] => {
    let part: unknown = JSON.parse(readFileSync(join(root, path), 'utf8'));
    for (const key of keys) part = (part as Readonly<Record<string, unknown>>)[key];
    return part as readonly string[];
  };
  return {
    diagnosis: enumOf('docs/report.schema.json', '$defs', 'symptom', 'properties', 'class', 'enum'),
    logs: enumOf('docs/logs-report.schema.json', '$defs', 'messageClass', 'enum'),
  };
}
