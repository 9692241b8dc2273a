import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import type { TestBackend } from '../backend.ts';
import { configuredCatalog } from '../catalog.ts';
import { expectSound, secretsOf } from '../invariants.ts';
import { expectSuccess, type RunResult, runConnector } from '../run-connector.ts';
import { discoverCatalog } from '../run-within.ts';
import { account, other, tables, useScene } from './scene.ts';

const ofType = (run: RunResult, type: string): number => run.messages.filter(message => message?.type === type).length;

export const commandTests = (backend: TestBackend): void => {
  describe('commands', () => {
    const scene = useScene(backend);

    it('prints a spec that its own config is valid against', async () => {
      const run = expectSuccess(expectSound(await runConnector({ command: 'spec' })));
      expect(ofType(run, 'SPEC')).toBe(1);
      const spec = run.messages.find(message => message?.type === 'SPEC')?.spec as { connectionSpecification: object };
      const ajv = new Ajv({ strict: false, validateFormats: false });
      expect(ajv.validate(spec.connectionSpecification, scene().database.config()), ajv.errorsText()).toBe(true);
    });

    it('checks a database that is well', async () => {
      await scene().create([account], 3);
      const config = scene().database.config();
      const run = expectSuccess(expectSound(await runConnector({ command: 'check', config }), { secrets: secretsOf(config) }));
      expect(ofType(run, 'CONNECTION_STATUS')).toBe(1);
      expect(run.messages.find(message => message?.type === 'CONNECTION_STATUS')?.connectionStatus?.status).toBe('SUCCEEDED');
    });

    it('discovers each table once, with its key, its columns and those of the log', async () => {
      await scene().create([...tables, other], 1);
      const config = scene().database.config();
      const run = expectSuccess(expectSound(await runConnector({ command: 'discover', config }), { secrets: secretsOf(config) }));
      expect(ofType(run, 'CATALOG')).toBe(1);
      const { streams } = await discoverCatalog(config);
      expect(streams.map(stream => stream.name).sort()).toEqual([...tables, other].map(table => table.name).sort());
      for (const table of [...tables, other]) {
        const stream = streams.find(candidate => candidate.name === table.name);
        expect(stream?.namespace).toBe(scene().database.namespace);
        expect(stream?.source_defined_primary_key).toEqual(table.primaryKey.map(name => [name]));
        expect(stream?.supported_sync_modes).toEqual(['full_refresh', 'incremental']);
        expect(stream?.source_defined_cursor).toBe(true);
        expect(stream?.default_cursor_field).toEqual([backend.cursorColumn]);
        const added = [backend.cursorColumn, '_ab_cdc_updated_at', '_ab_cdc_deleted_at'];
        const columns = Object.keys(stream?.json_schema.properties ?? {}).filter(name => !name.startsWith('_ab_cdc_log_'));
        expect(columns.sort()).toEqual([...Object.keys(table.columns), ...added].sort());
      }
    });

    it('says what is wrong with a config, with the right failure type and no secret', async () => {
      await scene().create([account], 1);
      const catalog = configuredCatalog(await discoverCatalog(scene().database.config()));
      for (const { label, config, failureType, says } of scene().database.brokenConfigs()) {
        const secrets = secretsOf(config);
        const check = expectSuccess(expectSound(await runConnector({ command: 'check', config }), { secrets }));
        const status = check.messages.find(message => message?.type === 'CONNECTION_STATUS')?.connectionStatus;
        expect(status?.status, label).toBe('FAILED');
        expect(status?.message, label).toMatch(says);
        for (const command of ['discover', 'read'] as const) {
          const given = command === 'read' ? { catalog } : {};
          const run = expectSound(await runConnector({ command, config, ...given }), { secrets, ...given });
          expect(run.exitCode, label).toBe(1);
          const error = run.traces.find(trace => trace.error !== undefined)?.error;
          expect(error?.failure_type, label).toBe(failureType);
          expect(error?.message, label).toMatch(says);
        }
      }
    });

    it('refuses a catalog with a stream that is not there, or an unknown sync mode, by name', async () => {
      await scene().create([account], 1);
      const config = scene().database.config();
      const { streams } = configuredCatalog(await discoverCatalog(config));
      const [stream] = streams;
      const unknown = { streams: [{ ...stream, stream: { ...stream?.stream, name: 'no_such_table' } }] };
      const badMode = { streams: [{ ...stream, sync_mode: 'INVALID' }] };
      for (const [catalog, says] of [[unknown, /no_such_table/] as const, [badMode, /sync_mode/] as const]) {
        const run = await runConnector({ command: 'read', config, catalog });
        const error = expectSound(run, { secrets: secretsOf(config) }).traces.find(trace => trace.error !== undefined)?.error;
        expect(run.exitCode).toBe(1);
        expect(error?.failure_type).toBe('config_error');
        expect(error?.message).toMatch(says);
      }
    });
  });
};
