import type { Plugin } from 'vitest/config';

export const templatesForVite: Plugin;
