import type { Plugin } from 'vitest/config';

export const scannerForVite: Plugin;
