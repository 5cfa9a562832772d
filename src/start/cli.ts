#!/usr/bin/env node
import { start } from './start.ts';

start('cli', useOf(process.argv.slice(2)));

/** What is compiled depends on the command and on what it writes. */
function useOf(args: readonly string[]): string {
  const [command = ''] = args;
  if (!/^[a-z]+$/.test(command) || args.includes('--help')) return 'help';
  const [, formats = ''] = /--format[= ]([a-z,]+)/.exec(args.join(' ')) ?? [];
  return `${command}-${formats.replaceAll(',', '-')}`;
}
