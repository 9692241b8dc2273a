import * as z from 'zod';
import type { ShardId } from './ids.ts';

/** `{"<database or keyspace>": {"<shard>": "<position>"}}`: where shards begin that have no state yet. */
export type StartingPositions = Readonly<Record<string, Readonly<Record<string, string>>>>;

const startingPositions = z.record(z.string().min(1), z.record(z.string().min(1), z.string().min(1)));

const EXPECTED = 'expected JSON such as {"shop": {"main": "0/16B3748"}}: database or keyspace, then shard, then position';

function parseStartingPositions(text: string, context: z.RefinementCtx<string>): StartingPositions {
  if (text.trim() === '') return {};
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: `not JSON; ${EXPECTED}` });
    return z.NEVER;
  }
  const parsed = startingPositions.safeParse(json);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.join('.') ?? '';
  context.addIssue({ code: 'custom', message: path === '' ? EXPECTED : `wrong at "${path}"; ${EXPECTED}` });
  return z.NEVER;
}

/** An object where the form has JSON text is accepted too, as files written by hand have it. */
const textOrObject = (value: unknown): unknown => (isRecord(value) ? JSON.stringify(value) : value);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const NO_TUNNEL =
  'NO_TUNNEL: tunnels are not built in. Open one outside of the connector, for example ssh -L 5432:db.example.com:5432 bastion, and give its near end as host and port';

/** The settings that mean the same in every engine: spread into the engine's own `z.strictObject`. */
export const commonConfig = {
  starting_gtids: z
    .preprocess(textOrObject, z.string().transform(parseStartingPositions))
    .optional()
    .meta({
      title: 'Starting positions',
      description:
        'JSON: for each database and shard the position to begin at, without a snapshot. Empty: begin with a snapshot. A state always wins over it.',
      type: 'string',
      examples: ['{"shop": {"main": "0/16B3748"}}'],
      order: 90,
      group: 'advanced',
    }),
  invalid_position: z.enum(['fail', 'resnapshot']).default('fail').meta({
    title: 'When the position is lost',
    description:
      'What to do when the server no longer holds the changes since the last sync: fail and say so, or read the tables anew.',
    order: 91,
    group: 'advanced',
  }),
  state_type: z.enum(['global', 'per_stream']).default('global').meta({
    title: 'Form of the state',
    description: 'global is what the Airbyte platform expects. per_stream writes one state per table, which PyAirbyte can store.',
    order: 92,
    group: 'advanced',
  }),
  checkpoint_interval_seconds: z
    .int()
    .min(0)
    .max(3600)
    .default(10)
    .meta({
      title: 'Seconds between checkpoints',
      description:
        'Least time between two states while records flow. 0: a state after every chunk and transaction, as long as states take no more than a tenth of the output.',
      examples: [10],
      order: 93,
      group: 'advanced',
    }),
  // In configurations of other sources, whose forms ask for it.
  tunnel_method: z
    .discriminatedUnion(
      'tunnel_method',
      [z.strictObject({ tunnel_method: z.literal('NO_TUNNEL').meta({ order: 0 }) }).meta({ title: 'No tunnel' })],
      { error: `must be ${NO_TUNNEL}` },
    )
    .optional()
    .meta({
      title: 'Tunnel',
      description: 'None: tunnels are not built in. Accepted so that a configuration may say so.',
      type: 'object',
      pattern_descriptor: NO_TUNNEL,
      airbyte_hidden: true,
      order: 94,
      group: 'advanced',
    }),
} as const;

/**
 * `ssl_mode` differs between engines, so the form has it in the engine's own part, `source`. Beside `source` it means the
 * same.
 */
export function sslModeInSource(config: unknown): unknown {
  if (!isRecord(config) || !('ssl_mode' in config)) return config;
  const { ssl_mode, ...rest } = config;
  const { source } = rest;
  return isRecord(source) && !('ssl_mode' in source) ? { ...rest, source: { ...source, ssl_mode } } : config;
}

/**
 * Brings a config file into the form that the JSON Schema describes: `ssl_mode` within `source`, `starting_gtids` as JSON
 * text. Changes no meaning.
 */
export function canonicalConfig(file: unknown): unknown {
  const config = sslModeInSource(file);
  if (!isRecord(config) || !isRecord(config['starting_gtids'])) return config;
  return { ...config, starting_gtids: JSON.stringify(config['starting_gtids']) };
}

/** The configured start of each shard that has one. Shard names are unique within a config, so the database can go. */
export function startOfShards(positions: StartingPositions | undefined): ReadonlyMap<ShardId, string> {
  const seeds = new Map<ShardId, string>();
  for (const shards of Object.values(positions ?? {})) {
    for (const [shard, position] of Object.entries(shards)) seeds.set(shard as ShardId, position);
  }
  return seeds;
}
