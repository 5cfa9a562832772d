// Checks the collector: it must parse as POSIX shell everywhere, and satisfy shellcheck where that is installed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LangVariant, parse } from 'sh-syntax';

const root = fileURLToPath(new URL('..', import.meta.url));
const scripts = process.argv.length > 2 ? process.argv.slice(2) : ['src/collector/collect.sh'];
const findings = [];
let shellcheckMissing = false;

for (const script of scripts) {
  try {
    await parse(readFileSync(path.join(root, script), 'utf8'), { filepath: script, variant: LangVariant.LangPOSIX });
  } catch (error) {
    // Some messages begin with the place, for others it stands beside.
    const place = error.Pos ? `${script}:${error.Pos.Line}:${error.Pos.Col}` : script;
    findings.push(error.message.startsWith(script) ? error.message : `${place}: ${error.message}`);
  }
  const shellcheck = spawnSync('shellcheck', ['-s', 'sh', '-f', 'gcc', script], { cwd: root, encoding: 'utf8' });
  if (shellcheck.error) shellcheckMissing = true;
  else findings.push(...`${shellcheck.stdout}${shellcheck.stderr}`.split('\n').filter(Boolean));
}

for (const finding of findings) process.stderr.write(`${finding}\n`);
if (shellcheckMissing) process.stdout.write('shellcheck is not installed: skipped, only the syntax was checked\n');
process.exitCode = findings.length > 0 ? 1 : 0;
