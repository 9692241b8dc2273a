import { canonicalConfig } from '../contract/common-config.ts';
import type { Engine } from '../contract/engine.ts';
import { type Redact, redactor } from '../core/log.ts';
import { describeIssues } from '../protocol/issues.ts';
import { describeFlaw, parseJson } from '../protocol/json-text.ts';
import type { Engines } from './registry.ts';
import { isRecord, type Schema, secretsOf, withoutNulls } from './schema.ts';
import { validateConfig } from './validate.ts';

export interface LoadedConfig {
  readonly engine: Engine;
  /** What `engine.config` made of the file: defaults filled in, typed. */
  readonly config: unknown;
}

export interface ConfigLoader {
  readonly engines: Engines;
  /** `connectionSpecification` of the spec. */
  readonly specification: Schema;
}

export type ConfigResult = {
  /** Hides the secrets of this file, also when the file is not valid. */
  readonly redact: Redact;
} & ({ readonly loaded: LoadedConfig } | { readonly problems: readonly string[] });

/**
 * A configuration from the text of its file: JSON, then ajv with the very schema that `spec` prints, unknown keys, and
 * last the engine's own rules. All problems of a step are returned together, as sentences with JSON pointers.
 */
export async function loadConfig(text: string, { engines, specification }: ConfigLoader): Promise<ConfigResult> {
  const json = parseJson(text);
  if ('flaw' in json) return { redact: unchanged, problems: [describeFlaw(json.flaw)] };
  const config = canonicalConfig(withoutNulls(json.value));
  const redact = redactor(secretsOf(specification, config));
  const problems = await validateConfig(specification, config);
  if (problems.length > 0) return { redact, problems };

  const name = isRecord(config) && isRecord(config['source']) ? config['source']['engine'] : undefined;
  const load = typeof name === 'string' && Object.hasOwn(engines, name) ? engines[name] : undefined;
  if (load === undefined) {
    return { redact, problems: [`at /source/engine: must be one of ${Object.keys(engines).join(', ')}`] };
  }
  const engine = await load();
  const parsed = engine.config.safeParse(config);
  if (!parsed.success) return { redact, problems: describeIssues(parsed.error.issues) };
  return { redact, loaded: { engine, config: parsed.data } };
}

/** Secrets cannot be told from the rest in text that is not JSON; its problem is a place and a word of ours. */
const unchanged: Redact = text => text;
