import { Ajv, type Options } from 'ajv';
import formats from 'ajv-formats';

/** Airbyte's own words in a connection specification: they describe the form, not the value. */
const ANNOTATIONS = [
  'airbyte_hidden',
  'airbyte_secret',
  'always_show',
  'display_type',
  'group',
  'groups',
  'multiline',
  'order',
  'pattern_descriptor',
];

/** For schemas of ours: tests hold them against the meta-schema, since doing that in every run costs a tenth of a second. */
export function newAjv(options: Options): Ajv {
  const ajv = new Ajv({
    discriminator: true,
    strictSchema: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    validateSchema: false,
    meta: false,
    ...options,
  });
  formats.default(ajv);
  ajv.addVocabulary(ANNOTATIONS);
  return ajv;
}
