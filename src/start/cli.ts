#!/usr/bin/env node
import { start } from './start.ts';
import { startedUnpacker } from './unpacker.ts';

const args = process.argv.slice(2);
const unpacker = startedUnpacker(args);
start('cli', useOf(args), unpacker);

/** What is compiled depends on the command and on what it writes. */
function useOf([command = '', ...others]: readonly string[]): string {
  if (!/^[a-z]+$/.test(command) || others.includes('--help')) return 'help';
  const [, formats = ''] = /--format[= ]([a-z,]+)/.exec(others.join(' ')) ?? [];
  return `${command}-${formats.replaceAll(',', '-')}`;
}
