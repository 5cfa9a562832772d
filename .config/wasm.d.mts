import type { Plugin } from 'vitest/config';

export const wasmForVite: Plugin;
