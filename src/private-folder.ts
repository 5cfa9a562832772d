/** The folder in which this program keeps what later runs start faster with. */
import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

const APP = 'conntrack-report';

/**
 * A folder that only this user can write, since what lies in it gets executed; made if there is none.
 *
 * @throws where there can be none
 */
export function privateFolder(): string {
  const user = process.getuid?.();
  const choices = [
    process.env.XDG_CACHE_HOME && path.join(process.env.XDG_CACHE_HOME, APP),
    path.join(homedir(), '.cache', APP),
    path.join(tmpdir(), `${APP}-${user ?? 0}`),
  ];
  for (const folder of choices) {
    if (!folder) continue;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      // lstat: a link planted under this name in a shared folder is not ours, wherever it points.
      const found = lstatSync(folder);
      const othersCanWrite = (found.mode & 0o022) !== 0;
      if (!found.isDirectory() || (user !== undefined && found.uid !== user) || othersCanWrite) continue;
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      // The next choice may do.
    }
  }
  throw new Error('no cache folder that only this user can write (set XDG_CACHE_HOME)');
}
