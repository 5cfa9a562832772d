// The end-to-end tests run dist/: it has to be what src/ says.
export async function setup() {
  await import('./build.mjs');
}
