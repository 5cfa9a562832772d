export async function verify(_bundle: string, _options: { original: string | undefined }): Promise<number> {
  return 0;
}
