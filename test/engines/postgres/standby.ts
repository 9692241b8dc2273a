import { chmod, chown, cp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OwnPostgresServer, startPostgres } from '../../kit/servers/postgres.ts';

const giveTo = async (folder: string, uid: number, gid: number): Promise<void> => {
  for (const entry of ['', ...(await readdir(folder, { recursive: true }))]) await chown(join(folder, entry), uid, gid);
  await chmod(folder, 0o700);
};

/**
 * A standby with what the primary has now. It follows the primary only where `settings` say so (`primary_conninfo`). The
 * primary is stopped for the copy, and runs again afterwards.
 */
export const startStandby = async (
  primary: OwnPostgresServer,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnPostgresServer> => {
  const standby = await startPostgres({ major: primary.major });
  await Promise.all([primary.halt(), standby.halt()]);
  const { uid, gid } = await stat(standby.dataFolder);
  await rm(standby.dataFolder, { recursive: true });
  await cp(primary.dataFolder, standby.dataFolder, { recursive: true, preserveTimestamps: true });
  await writeFile(join(standby.dataFolder, 'standby.signal'), '');
  await giveTo(standby.dataFolder, uid, gid);
  await standby.configure({ port: String(standby.port), ...settings });
  await primary.start();
  await standby.start();
  return standby;
};
