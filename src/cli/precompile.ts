/** Makes the code that the build puts in the place of `precompiled.ts`. Runs in the build alone. */
import standalone from 'ajv/dist/standalone/index.js';
import { newAjv } from './ajv.ts';
import { type Schema, withDiscriminators } from './schema.ts';
import { FILE_SHAPES } from './shapes.ts';
import { schemaKey } from './validate.ts';

/** The text of a module. `specification`: `connectionSpecification` of the spec. */
export function precompile(specification: Schema): string {
  const ajv = newAjv({ messages: false, code: { source: true, esm: true } });
  const schemas: readonly object[] = [specification, ...FILE_SHAPES];
  const names = schemas.map((schema, at) => {
    ajv.addSchema(withDiscriminators(schema) as object, `schema${at}`);
    return [`check${at}`, `schema${at}`] as const;
  });
  const entries = schemas.map((schema, at) => `${JSON.stringify(schemaKey(schema))}: check${at}`);
  return `${standalone.default(ajv, Object.fromEntries(names))}\nexport const PRECOMPILED = { ${entries.join(', ')} };\n`;
}
