import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { viewModel } from '../../.config/view-model.mjs';

test('templates/VIEW.md is what npm run view:make makes of the types', () => {
  const model = viewModel();
  expect(model.match(/^## .*/gm)).toEqual([
    '## Every page',
    '## The report',
    '## The comparison',
    '## The index of a fleet',
  ]);
  expect(model).toMatch(/^ {2}kindWord +text$/m);
  expect(readFileSync('templates/VIEW.md', 'utf8')).toBe(model);
});
